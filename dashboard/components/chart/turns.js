/**
 * Charts that are to be drawn: those in sight first, some before each frame, so that a hand sees its move at once;
 * the others once the browser has nothing else to do.
 */

/**
 * @typedef {object} Waiting
 * @property {() => boolean} isInSight
 * @property {() => Promise<unknown>} draw Settles when all is drawn.
 *
 * @typedef {(told: () => void) => unknown} Moment Calls back later.
 *
 * @typedef {object} Moments
 * @property {Moment} soon After what is being done now.
 * @property {Moment} afterFrame When the next frame is painted.
 * @property {Moment} idle When there is time.
 */

/** How long others wait for one that waits for something itself. */
const PATIENCE_MS = 200;
const LATEST_MS = 1000;

/** @type {Moments} */
const OF_BROWSER = {
  soon: (told) => setTimeout(told),
  // Within the callback of a frame a chart would hold up the frame, and with it the chart before.
  afterFrame: (told) => requestAnimationFrame(() => setTimeout(told)),
  idle: (told) =>
    "requestIdleCallback" in window
      ? requestIdleCallback(told, { timeout: LATEST_MS })
      : setTimeout(told, PATIENCE_MS),
};

export class Turns {
  /** @type {Set<Waiting>} */
  #waiting = new Set();
  #isPlanned = false;
  #isIdle = false;

  /**
   * @param {number} budget Milliseconds after which the others wait until what is drawn is seen.
   * @param {Moments} [moments]
   */
  constructor(budget, moments = OF_BROWSER) {
    this.budget = budget;
    this.moments = moments;
  }

  /**
   * Asks for a turn, however often before it comes.
   * @param {Waiting} one
   */
  ask(one) {
    this.#waiting.add(one);
    this.#plan("soon");
  }

  /**
   * Gives up a turn.
   * @param {Waiting} one
   */
  leave(one) {
    this.#waiting.delete(one);
  }

  /** @param {"soon" | "afterFrame"} moment Of the next turn of charts in sight. */
  #plan(moment) {
    if (this.#isPlanned || !this.#waiting.size) return;
    this.#isPlanned = true;
    this.moments[moment](() => this.#draw());
  }

  async #draw() {
    try {
      for (let spent = 0; spent <= this.budget;) {
        const one = [...this.#waiting].find((waiting) => waiting.isInSight());
        if (!one) break;
        const began = performance.now();
        await this.#drawOne(one);
        spent += performance.now() - began;
      }
    } finally {
      this.#isPlanned = false; // of one that fails the others do not suffer
      if ([...this.#waiting].some((waiting) => waiting.isInSight())) this.#plan("afterFrame");
      else this.#planIdle();
    }
  }

  #planIdle() {
    if (this.#isIdle || !this.#waiting.size) return;
    this.#isIdle = true;
    this.moments.idle(async () => {
      this.#isIdle = false;
      const [one] = this.#waiting;
      if (this.#isPlanned || !one) return;
      try {
        await this.#drawOne(one);
      } finally {
        this.#planIdle();
      }
    });
  }

  /** @param {Waiting} one */
  async #drawOne(one) {
    this.#waiting.delete(one);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const patience = new Promise((settled) => {
      timer = setTimeout(settled, PATIENCE_MS);
    });
    await Promise.race([one.draw(), patience]);
    clearTimeout(timer);
  }
}
