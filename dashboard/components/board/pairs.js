/** Held-out images above their reconstructions. */

import { prepare, write } from "../shared/canvas.js";
import { pictureSheet, sizeOf } from "../shared/pixels.js";
import { range } from "../shared/numbers.js";
import { drawSheet } from "./sheet.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/canvas.js").Style} Style
 * @typedef {import("../shared/frame.js").Box} Box
 * @typedef {import("../shared/theme.js").Theme} Theme
 */

const LABEL_WIDTH = 70;

/**
 * The number of bands that makes the pictures largest, less what an unfilled band would waste.
 * @param {number} count
 * @param {readonly number[]} shape [height, width] of a picture.
 * @param {number} width
 * @param {number} height
 */
export function arrangement(count, [h, w], width, height) {
  const choices = range(count, 1).map((bands) => {
    const columns = Math.ceil(count / bands);
    const scale = Math.min(
      (width - 4 * columns) / (columns * w),
      (height - 14 * (bands - 1)) / (2.1 * bands * h),
    );
    return { bands, columns, scale, worth: (scale * count) / (bands * columns) };
  });
  return choices.reduce((best, choice) => (choice.worth > best.worth ? choice : best));
}

/** @typedef {{ examples: Uint8Array, reconstructions: Uint8Array, shape: number[] }} PairsData */

/** Held-out images above their reconstructions, in as many bands as fit best. */
export class PicturePairs {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.count = 0;
    this.shape = [1, 1];
    /** @type {Uint8Array[]} */
    this.rows = [];
  }

  /** @param {PairsData} data */
  set({ examples, reconstructions, shape }) {
    this.count = Math.floor(examples.length / sizeOf(shape));
    this.shape = shape;
    this.rows = [examples, reconstructions];
    this.canvas.setAttribute("aria-label", `${this.count} held-out images, each above its reconstruction`);
  }

  /** @param {Theme} theme */
  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.count) return false;
    const { bands, columns, scale } = arrangement(this.count, this.shape, width - LABEL_WIDTH, height - 8);
    for (let band = 0; band < bands; band++) {
      const top = 8 + band * (2.1 * this.shape[0] * scale + 14);
      const [from, to] = [band * columns, Math.min(this.count, (band + 1) * columns)];
      this.drawRow(context, 0, from, to, top, scale);
      this.drawRow(context, 1, from, to, top + this.shape[0] * scale + 4, scale);
      this.drawLabels(context, theme, top + (this.shape[0] * scale) / 2, this.shape[0] * scale + 4);
    }
    return false;
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {number} middle of the upper row
   * @param {number} down to the middle of the lower row
   */
  drawLabels(context, theme, middle, down) {
    /** @type {Style} */
    const style = { align: "right", size: 13 };
    write(context, theme, "x", LABEL_WIDTH - 8, middle, style);
    const decoded = { ...style, colour: theme.concepts.decoded, weight: 700 };
    write(context, theme, "decoded", LABEL_WIDTH - 8, middle + down, decoded);
  }

  /**
   * @param {Context} context
   * @param {number} row 0 for the images, 1 for the reconstructions
   * @param {number} from
   * @param {number} to
   * @param {number} top
   * @param {number} scale
   */
  drawRow(context, row, from, to, top, scale) {
    const [[height, width], size] = [this.shape, sizeOf(this.shape)];
    for (let k = from; k < to; k++) {
      const bytes = this.rows[row].subarray(k * size, (k + 1) * size);
      const left = LABEL_WIDTH + (k - from) * (width * scale + 4);
      drawSheet(context, pictureSheet(bytes, this.shape, 1), left, top, width * scale, height * scale);
    }
  }
}
