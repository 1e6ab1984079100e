/** Charts that are to be drawn, some in each frame: those in sight first, so that a hand sees its move at once. */

/**
 * @typedef {object} Waiting
 * @property {() => boolean} isInSight
 * @property {() => void} draw
 */

export class Turns {
  /** @type {Set<Waiting>} */
  #waiting = new Set();
  #frame = 0;

  /** @param {number} budget Milliseconds of a frame after which the others wait for the next one. */
  constructor(budget) {
    this.budget = budget;
  }

  /**
   * Asks for a turn, however often before it comes.
   * @param {Waiting} one
   */
  ask(one) {
    this.#waiting.add(one);
    this.#next();
  }

  /**
   * Gives up a turn.
   * @param {Waiting} one
   */
  leave(one) {
    this.#waiting.delete(one);
    if (this.#waiting.size) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #next() {
    if (this.#waiting.size) this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    const began = performance.now();
    const order = [...this.#waiting].sort(
      (one, other) => Number(other.isInSight()) - Number(one.isInSight()),
    );
    try {
      for (const one of order) {
        if (performance.now() - began > this.budget) break;
        this.#waiting.delete(one);
        one.draw();
      }
    } finally {
      this.#next(); // of one that fails the others do not suffer
    }
  }
}
