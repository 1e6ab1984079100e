/** The decoded image at any place of the plane, from a grid of decoded images. */

import { PixelCanvas, pixelWord, sizeOf } from "../shared/pixels.js";
import { clamp } from "../shared/numbers.js";

/**
 * @typedef {object} GridData
 * @property {Uint8Array} bytes Grey levels image by image; row 0 of the grid at the largest second coordinate.
 * @property {number[]} shape [height, width] of an image.
 * @property {number} rows
 * @property {number} columns
 * @property {Float32Array} axis Coordinates of columns and rows, ascending.
 */

/**
 * Index of the lower neighbour of a value on an ascending axis, and the share of the distance to the upper one.
 * @param {ArrayLike<number>} axis
 * @param {number} value
 * @returns {[number, number]}
 */
export function neighbourOf(axis, value) {
  let low = 0;
  while (low < axis.length - 2 && axis[low + 1] <= value) low++;
  return [low, clamp((value - axis[low]) / (axis[low + 1] - axis[low]), 0, 1)];
}

/**
 * The four images of the grid about z for bilinear interpolation, each as [its first byte, its weight].
 * @param {Omit<GridData, "bytes">} grid
 * @param {readonly number[]} z
 */
export function cornersOf({ axis, rows, columns, shape }, z) {
  const [column, right] = neighbourOf(axis, z[0]);
  const [row, up] = neighbourOf(axis, z[1]);
  const corner = (/** @type {number} */ i, /** @type {number} */ j) =>
    ((rows - 1 - row - j) * columns + column + i) * sizeOf(shape);
  return [
    [corner(0, 0), (1 - right) * (1 - up)],
    [corner(1, 0), right * (1 - up)],
    [corner(0, 1), (1 - right) * up],
    [corner(1, 1), right * up],
  ];
}

export class DecodedImage {
  /** @type {GridData | null} */
  data = null;
  /** @type {PixelCanvas | null} */
  pixels = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /** @param {GridData} data */
  set(data) {
    const [height, width] = data.shape;
    this.data = data;
    this.pixels = new PixelCanvas(this.canvas, data.shape);
    this.canvas.setAttribute("aria-label", `Decoded image at z, ${width} by ${height} pixels`);
  }

  /** The least and the greatest coordinate of the grid. */
  get ends() {
    const axis = this.data?.axis ?? [];
    return [axis[0] ?? -Infinity, axis[axis.length - 1] ?? Infinity];
  }

  /** @param {readonly number[]} z */
  draw(z) {
    const { data, pixels } = this;
    if (!data || !pixels) return;
    const corners = cornersOf(data, z);
    const levelAt = (/** @type {number} */ at) => {
      let level = 0;
      for (const [first, weight] of corners) level += weight * data.bytes[first + at];
      return Math.round(level);
    };
    pixels.draw((p) => pixelWord(levelAt, p, pixels.channels));
  }
}
