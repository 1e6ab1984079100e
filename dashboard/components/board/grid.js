/** The decoded means over the latent plane, image by image, with the coordinates that they were decoded from. */

import { prepare, stroke, write } from "../shared/canvas.js";
import { plotBox } from "../shared/frame.js";
import { pictureSheet } from "../shared/pixels.js";
import { fixed, latentName } from "../shared/numbers.js";
import { drawSheet } from "./sheet.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/canvas.js").Style} Style
 * @typedef {import("../shared/frame.js").Box} Box
 * @typedef {import("../shared/theme.js").Theme} Theme
 */

/**
 * A few positions out of `count`, the ends among them, symmetric, at least `apart` pixels from each other.
 *
 * @param {number} count
 * @param {number} length in pixels of all positions
 * @param {number} apart
 */
export function spacedIndices(count, length, apart) {
  const fitting = Math.min(count, 6, Math.floor(length / apart));
  const most = Math.max(1, (fitting - count) % 2 ? fitting - 1 : fitting);
  if (most === 1) return [Math.floor((count - 1) / 2)];
  return Array.from({ length: most }, (_, k) => Math.round((k * (count - 1)) / (most - 1)));
}

/**
 * @typedef {object} GridData
 * @property {Uint8Array} bytes grey levels; row 0 at the largest value of the second dimension
 * @property {number[]} shape [height, width] of an image
 * @property {number} rows
 * @property {number} columns
 * @property {ArrayLike<number>} axis values of the latent coordinates, ascending
 * @property {number[]} axes the two latent dimensions, counted from 0
 */

/** The decoded means over the latent plane. */
export class DecodedGrid {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.titles = ["", ""];
    /** @type {GridData | null} */
    this.data = null;
    /** @type {HTMLCanvasElement | null} */
    this.sheet = null;
  }

  /** @param {GridData} data */
  set(data) {
    this.data = data;
    this.sheet = pictureSheet(data.bytes, data.shape, data.columns);
    const [first, second] = data.axes.map(latentName);
    const span = `from ${fixed(data.axis[0], 1)} to ${fixed(data.axis[data.axis.length - 1], 1)}`;
    const rows = data.rows > 1 ? `, ${second} upwards` : "";
    this.titles = data.rows > 1 ? [first, second] : [first, ""];
    this.canvas.setAttribute("aria-label", `Decoded images over ${first} to the right${rows}, ${span}`);
  }

  /**
   * The largest place for the whole grid that keeps its proportions.
   *
   * @param {{ width: number, height: number }} size
   * @param {GridData} data
   * @returns {Box}
   */
  area(size, { rows, columns, shape }) {
    const box = plotBox(size, this.titles[0]);
    const scale = Math.min(box.width / (columns * shape[1]), box.height / (rows * shape[0]));
    const [width, height] = [scale * columns * shape[1], scale * rows * shape[0]];
    return { left: box.left + (box.width - width) / 2, top: box.top, width, height };
  }

  /** @param {Theme} theme */
  draw(theme) {
    if (!this.data || !this.sheet) return false;
    const { context, ...size } = prepare(this.canvas);
    const area = this.area(size, this.data);
    drawSheet(context, this.sheet, area.left, area.top, area.width, area.height);
    this.separate(context, theme, area, this.data);
    this.drawNumbers(context, theme, area, this.data);
    return false;
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Box} area
   * @param {GridData} data
   */
  drawNumbers(context, theme, { left, top, width, height }, { rows, columns, axis }) {
    const bottom = top + height;
    for (const k of spacedIndices(columns, width, 46).filter((index) => index < columns - 1)) {
      write(context, theme, fixed(axis[k], 1), left + ((k + 0.5) * width) / columns, bottom + 5, {
        base: "top",
      });
    }
    write(context, theme, this.titles[0], left + width, bottom + 4, {
      base: "top",
      align: "right",
      size: 13,
    });
    if (rows === 1) return;
    for (const k of spacedIndices(rows, height, 36)) {
      write(context, theme, fixed(axis[k], 1), left - 5, bottom - ((k + 0.5) * height) / rows, {
        align: "right",
      });
    }
    write(context, theme, this.titles[1], left - 34, top + 6, { size: 13 });
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Box} area
   * @param {GridData} data
   */
  separate(context, theme, { left, top, width, height }, { rows, columns }) {
    const [stepX, stepY] = [width / columns, height / rows];
    context.beginPath();
    for (let k = 1; k < columns; k++) {
      context.moveTo(left + k * stepX, top);
      context.lineTo(left + k * stepX, top + height);
    }
    for (let k = 1; k < rows; k++) {
      context.moveTo(left, top + k * stepY);
      context.lineTo(left + width, top + k * stepY);
    }
    stroke(context, theme.background, { alpha: 0.6 });
  }
}
