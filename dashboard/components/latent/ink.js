/** Ink on a sheet finer than the data, and how it becomes an input as the data set has them. */

import { clamp } from "../shared/numbers.js";

/** @typedef {import("../shared/frame.js").Point} Point In pixels of the data. */

// Sheet pixels to a pixel of the data in each direction: scikit-learn's digits were counted from such blocks of four.
const FINE = 4;
const EDGE = 0.1;
// MNIST fits each digit into 20 x 20 of its 28 x 28 pixels and puts the centre of mass in the middle.
const MNIST_SIZE = 28;
const MNIST_BOX = 20;

export class Ink {
  /** @param {readonly number[]} shape [height, width] in pixels of the data. */
  constructor([height, width]) {
    this.columns = width;
    this.height = height * FINE;
    this.width = width * FINE;
    /** From 0 to 1, row by row. */
    this.values = new Float32Array(this.height * this.width);
  }

  /**
   * A soft dab.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {boolean} erases
   */
  dab(x, y, radius, erases) {
    const [cx, cy, reach] = [x * FINE, y * FINE, radius * FINE];
    for (let row = Math.max(0, Math.floor(cy - reach)); row < Math.min(this.height, cy + reach); row++) {
      const first = Math.max(0, Math.floor(cx - reach));
      for (let column = first; column < Math.min(this.width, cx + reach); column++) {
        const away = Math.hypot(column + 0.5 - cx, row + 0.5 - cy) / reach;
        const amount = clamp(2 * (1 - away), 0, 1);
        const at = row * this.width + column;
        this.values[at] = erases ? Math.min(this.values[at], 1 - amount) : Math.max(this.values[at], amount);
      }
    }
  }

  /**
   * @param {Point} from
   * @param {Point} to
   * @param {number} radius
   * @param {boolean} erases
   */
  line(from, to, radius, erases) {
    const steps = Math.max(1, Math.ceil((4 * Math.hypot(to.x - from.x, to.y - from.y)) / radius));
    for (let k = 0; k <= steps; k++) {
      const share = k / steps;
      this.dab(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, radius, erases);
    }
  }

  /**
   * The pixel of the data that a pixel of the sheet lies in.
   * @param {number} row
   * @param {number} column
   */
  pixel(row, column) {
    return Math.floor(row / FINE) * this.columns + Math.floor(column / FINE);
  }

  /**
   * An example, each of its pixels as a block.
   * @param {ArrayLike<number>} x
   */
  put(x) {
    this.values = this.values.map((_, at) => x[this.pixel(Math.floor(at / this.width), at % this.width)]);
  }

  /** Bounding box [left, top, right, bottom] and centre of mass in sheet pixels; null where there is no ink. */
  measure() {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    let [mass, x, y] = [0, 0, 0];
    this.values.forEach((value, at) => {
      const [column, row] = [at % this.width, Math.floor(at / this.width)];
      [mass, x, y] = [mass + value, x + value * (column + 0.5), y + value * (row + 0.5)];
      if (value < EDGE) return;
      [box[0], box[1]] = [Math.min(box[0], column), Math.min(box[1], row)];
      [box[2], box[3]] = [Math.max(box[2], column + 1), Math.max(box[3], row + 1)];
    });
    return box[0] < box[2] ? { box, mass: [x / mass, y / mass] } : null;
  }

  /** Scale and centre (in sheet pixels) that put the ink where the data set has it. */
  fit() {
    const ink = this.measure();
    if (!ink) return { scale: 1, centre: [this.width / 2, this.height / 2] };
    const [left, top, right, bottom] = ink.box;
    const isMnist = this.width === this.height && this.width === MNIST_SIZE * FINE;
    const share = isMnist ? MNIST_BOX / MNIST_SIZE : 1;
    const scale = Math.min((share * this.width) / (right - left), (share * this.height) / (bottom - top));
    return { scale, centre: isMnist ? ink.mass : [(left + right) / 2, (top + bottom) / 2] };
  }

  /**
   * Between sheet pixels (bilinear), 0 outside.
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    const [column, row] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [right, down] = [x - 0.5 - column, y - 0.5 - row];
    const value = (/** @type {number} */ i, /** @type {number} */ j) =>
      i < 0 || j < 0 || i >= this.width || j >= this.height ? 0 : this.values[j * this.width + i];
    const upper = value(column, row) * (1 - right) + value(column + 1, row) * right;
    const lower = value(column, row + 1) * (1 - right) + value(column + 1, row + 1) * right;
    return upper * (1 - down) + lower * down;
  }

  /**
   * The input of the model, one number for each pixel of the data: the mean of its block of the placed sheet.
   * @param {boolean} isFitted
   */
  input(isFitted) {
    const middle = [this.width / 2, this.height / 2];
    const { scale, centre } = isFitted ? this.fit() : { scale: 1, centre: middle };
    const place = (/** @type {number} */ at, /** @type {number} */ axis) =>
      (at + 0.5 - middle[axis]) / scale + centre[axis];
    const x = new Float32Array((this.columns * this.height) / FINE);
    for (let row = 0; row < this.height; row++) {
      for (let column = 0; column < this.width; column++) {
        x[this.pixel(row, column)] += this.at(place(column, 0), place(row, 1)) / FINE ** 2;
      }
    }
    return x;
  }
}
