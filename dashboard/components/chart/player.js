/**
 * What plays the frames of a figure: a button and a slider below it.
 *
 * Plotly's own slider measures the label of each frame whenever the figure changes, and keys do not reach it.
 */

/**
 * @typedef {object} Frame What a frame changes.
 * @property {string} name Said above the slider.
 * @property {number[]} traces Numbers of the traces that it changes.
 * @property {Record<string, any>[]} data What it changes of each.
 * @property {string} [baseframe] Name of the frame that it is laid over.
 *
 * @typedef {object} Film How frames are played.
 * @property {string} prefix Before their names.
 * @property {number} ms How long each stays.
 * @property {boolean} redraw Whether more than points and lines change.
 * @property {number} first The one that the figure shows itself.
 *
 * @typedef {(change: { data: Record<string, any>[], traces: number[] }, redraw: boolean) => Promise<unknown>} Show
 */

/** Of the player, which the plot above it leaves free. */
export const HEIGHT = 80;

const STYLES = `
  :host { display: grid; grid-template: "now now" 28px "button steps" 44px / 56px 1fr; gap: 4px 12px;
    height: ${HEIGHT}px; color: var(--st-text-color); font: 16px/28px var(--st-font, sans-serif); }
  output { grid-area: now; font-variant-numeric: tabular-nums; }
  button { color: inherit; background: var(--st-background-color); cursor: pointer; font: inherit;
    border: 1px solid var(--st-border-color, currentcolor); border-radius: 8px; }
  button:hover { border-color: var(--st-primary-color); }
  button:focus-visible, input:focus-visible { outline: 2px solid var(--st-primary-color); }
  input { min-width: 0; margin: 0; accent-color: var(--st-primary-color); cursor: pointer; }
  @media print { button { visibility: hidden; } }`;

/**
 * All that stands in a frame, with what it is laid over.
 * @param {Frame[]} frames
 * @param {number} number
 */
export function composed(frames, number) {
  const { traces, data, baseframe } = frames[number];
  const base = frames.find(({ name }) => name === baseframe);
  const rest = base ? base.traces.flatMap((trace, place) => (traces.includes(trace) ? [] : [place])) : [];
  return {
    traces: [...traces, ...rest.map((place) => /** @type {Frame} */ (base).traces[place])],
    // Plotly writes into what it is given.
    data: structuredClone([...data, ...rest.map((place) => /** @type {Frame} */ (base).data[place])]),
  };
}

export class Player {
  /** @type {Frame[]} */
  #frames = [];
  /** @type {Film} */
  #film = { prefix: "", ms: 0, redraw: false, first: 0 };
  #timer = 0;
  #isShowing = false;

  /**
   * @param {HTMLElement} root Where it is put, last.
   * @param {Show} show
   */
  constructor(root, show) {
    this.show = show;
    this.host = document.createElement("div");
    const shadow = this.host.attachShadow({ mode: "open" });
    const styles = document.createElement("style");
    styles.textContent = STYLES;
    this.now = document.createElement("output");
    this.now.setAttribute("aria-hidden", "true");
    this.button = document.createElement("button");
    this.button.type = "button";
    this.steps = document.createElement("input");
    Object.assign(this.steps, { type: "range", min: "0", step: "1", ariaLabel: "Frame of the animation" });
    shadow.append(styles, this.now, this.button, this.steps);
    this.button.onclick = () => (this.#timer ? this.stop() : this.play());
    this.steps.oninput = () => {
      this.stop();
      this.#draw();
    };
    root.append(this.host);
    this.stop();
  }

  /**
   * Takes the frames of a figure that is drawn as the first of them is.
   * @param {Frame[]} frames
   * @param {Film} film
   */
  set(frames, film) {
    this.stop();
    this.#frames = frames;
    this.#film = film;
    this.steps.max = String(frames.length - 1);
    this.steps.value = String(film.first);
    this.#say();
  }

  /** Shows its frame again, once the figure has been drawn anew. */
  again() {
    if (this.number !== this.#film.first) this.#draw();
  }

  get number() {
    return Number(this.steps.value);
  }

  play() {
    if (this.number >= this.#frames.length - 1) {
      this.steps.value = "0";
      this.#draw();
    }
    this.#timer = window.setInterval(() => this.#next(), this.#film.ms);
    this.#label("❚❚", "Pause");
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#label("▶", "Play");
  }

  destroy() {
    this.stop();
    this.host.remove();
  }

  #next() {
    // A frame that takes longer than it stays is not passed over.
    if (this.#isShowing) return;
    this.steps.value = String(this.number + 1);
    if (this.number >= this.#frames.length - 1) this.stop();
    this.#draw();
  }

  async #draw() {
    this.#say();
    if (this.#isShowing) return;
    this.#isShowing = true;
    let shown = -1;
    try {
      // What a hand has passed while a frame was drawn is left out.
      while (shown !== this.number) {
        shown = this.number;
        await this.show(composed(this.#frames, shown), this.#film.redraw);
      }
    } finally {
      this.#isShowing = false;
    }
  }

  #say() {
    const text = this.#film.prefix + this.#frames[this.number].name;
    this.now.value = text;
    this.steps.setAttribute("aria-valuetext", text);
  }

  /**
   * @param {string} text
   * @param {string} name
   */
  #label(text, name) {
    this.button.textContent = text;
    this.button.setAttribute("aria-label", name);
  }
}
