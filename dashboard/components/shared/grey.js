/** Grey-scale pictures: white on black in both themes, pixels kept sharp. */

import { clamp, range } from "./numbers.js";
import { contextOf } from "./theme.js";

/**
 * An opaque pixel of a grey level from 0 to 255, as a little-endian word of RGBA.
 * @param {number} level
 */
export const greyWord = (level) => 0xff000000 | (level * 0x010101);

/**
 * The level of a value from 0 (black) to 1 (white).
 * @param {number} value
 */
export const greyLevel = (value) => Math.round(255 * clamp(value, 0, 1));

/** A canvas with exactly the pixels of a picture; the style sheet enlarges it without smoothing. */
export class PixelCanvas {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {readonly number[]} shape [height, width]
   */
  constructor(canvas, [height, width]) {
    Object.assign(canvas, { width, height });
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.image = this.context.createImageData(width, height);
    /** RGBA, a word a pixel, row by row. */
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /**
   * Draws a word for each pixel.
   * @param {(pixel: number) => number} word
   */
  draw(word) {
    for (let p = 0; p < this.words.length; p++) this.words[p] = word(p);
    this.context.putImageData(this.image, 0, 0);
  }

  /**
   * @param {ArrayLike<number>} values From 0 (black) to 1 (white), row by row.
   */
  drawGrey(values) {
    this.draw((p) => greyWord(greyLevel(values[p])));
  }
}

/**
 * Puts pictures (grey levels, flat, row by row) side by side on one hidden canvas, `columns` in a row.
 * @param {ArrayLike<number>} levels
 * @param {readonly number[]} shape [height, width] of each.
 * @param {number} columns
 */
export function pictureSheet(levels, [height, width], columns) {
  const size = height * width;
  const count = Math.floor(levels.length / size);
  const shape = [Math.max(1, Math.ceil(count / columns) * height), Math.max(1, columns * width)];
  const sheet = new PixelCanvas(document.createElement("canvas"), shape);
  for (const k of range(count)) {
    const corner = Math.floor(k / columns) * height * shape[1] + (k % columns) * width;
    for (let p = 0; p < size; p++) {
      sheet.words[corner + Math.floor(p / width) * shape[1] + (p % width)] = greyWord(levels[k * size + p]);
    }
  }
  sheet.context.putImageData(sheet.image, 0, 0);
  return sheet.canvas;
}
