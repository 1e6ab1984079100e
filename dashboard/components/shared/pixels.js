/** Pictures in grey, white on black in both themes, or in colour; pixels kept sharp. */

import { clamp, range } from "./numbers.js";
import { contextOf } from "./theme.js";

/**
 * An opaque pixel of a grey level from 0 to 255, as a little-endian word of RGBA.
 * @param {number} level
 */
export const greyWord = (level) => 0xff000000 | (level * 0x010101);

/**
 * How many values a pixel has.
 * @param {readonly number[]} shape [height, width], or [height, width, 3] in colour.
 */
export const channelsOf = (shape) => shape[2] ?? 1;

/**
 * How many values a picture has.
 * @param {readonly number[]} shape
 */
export const sizeOf = (shape) => shape[0] * shape[1] * channelsOf(shape);

/**
 * A pixel of a picture as a word: grey, or red, green and blue side by side.
 * @param {(at: number) => number} level Of a value of the picture, from 0 to 255.
 * @param {number} pixel
 * @param {number} channels
 */
export function pixelWord(level, pixel, channels) {
  if (channels === 1) return greyWord(level(pixel));
  const at = pixel * channels;
  return 0xff000000 | (level(at + 2) << 16) | (level(at + 1) << 8) | level(at);
}

/**
 * The mean of each pixel's values.
 * @param {ArrayLike<number>} values
 * @param {readonly number[]} shape
 */
export function greyOf(values, shape) {
  const channels = channelsOf(shape);
  return Float32Array.from({ length: values.length / channels }, (_, p) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += values[p * channels + c];
    return sum / channels;
  });
}

/**
 * The level of a value from 0 (black) to 1 (white).
 * @param {number} value
 */
export const greyLevel = (value) => Math.round(255 * clamp(value, 0, 1));

/** A canvas with exactly the pixels of a picture; the style sheet enlarges it without smoothing. */
export class PixelCanvas {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {readonly number[]} shape [height, width], or [height, width, 3] in colour.
   */
  constructor(canvas, shape) {
    const [height, width] = shape;
    Object.assign(canvas, { width, height });
    this.channels = channelsOf(shape);
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
   * @param {ArrayLike<number>} values From 0 to 1, row by row, the colours of a pixel side by side.
   */
  drawValues(values) {
    this.draw((p) => pixelWord((at) => greyLevel(values[at]), p, this.channels));
  }
}

/**
 * Puts pictures (levels, flat, row by row) side by side on one hidden canvas, `columns` in a row.
 * @param {ArrayLike<number>} levels
 * @param {readonly number[]} picture [height, width], or [height, width, 3] in colour, of each.
 * @param {number} columns
 */
export function pictureSheet(levels, picture, columns) {
  const [height, width] = picture;
  const [size, channels] = [sizeOf(picture), channelsOf(picture)];
  const count = Math.floor(levels.length / size);
  const shape = [Math.max(1, Math.ceil(count / columns) * height), Math.max(1, columns * width)];
  const sheet = new PixelCanvas(document.createElement("canvas"), shape);
  for (const k of range(count)) {
    const corner = Math.floor(k / columns) * height * shape[1] + (k % columns) * width;
    const level = (/** @type {number} */ at) => levels[k * size + at];
    for (let p = 0; p < height * width; p++) {
      sheet.words[corner + Math.floor(p / width) * shape[1] + (p % width)] = pixelWord(level, p, channels);
    }
  }
  sheet.context.putImageData(sheet.image, 0, 0);
  return sheet.canvas;
}
