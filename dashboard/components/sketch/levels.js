/** A density on a grid of cells, drawn with a soft brush; it travels as a digit for each cell. */

import { clamp } from "../shared/numbers.js";

/** @typedef {import("../shared/frame.js").Point} Point In cells, from the upper left corner. */

/** Cells of a side. */
export const SIDE = 32;
/** Cells that a brush reaches. */
export const RADIUS = 1.6;
const MOST = 9;

export class Levels {
  /** From 0 to 1, row by row, the upper one first. */
  values = new Float32Array(SIDE * SIDE);

  /**
   * A soft dab.
   * @param {Point} place
   */
  dab({ x, y }) {
    this.values = this.values.map((value, at) => {
      const away = Math.hypot((at % SIDE) + 0.5 - x, Math.floor(at / SIDE) + 0.5 - y) / RADIUS;
      return Math.max(value, clamp(1.5 * (1 - away), 0, 1));
    });
  }

  /**
   * A line without gaps.
   * @param {Point} from
   * @param {Point} to
   */
  line(from, to) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
    for (let k = 1; k <= steps; k++) {
      const share = k / steps;
      this.dab({ x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share });
    }
  }

  /** A digit for each cell. */
  get text() {
    return Array.from(this.values, (value) => Math.round(MOST * value)).join("");
  }

  /** @param {string} text What `text` gave; anything else is an empty sheet. */
  set text(text) {
    const isOne = text.length === SIDE * SIDE && /^[0-9]+$/.test(text);
    this.values = new Float32Array(SIDE * SIDE).map((_, at) => (isOne ? Number(text[at]) / MOST : 0));
  }
}
