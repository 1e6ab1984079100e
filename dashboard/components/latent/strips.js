/** What the decoder makes of one latent dimension while the others stay at z: images, or a path in data space. */

import { prepare, stroke, write } from "../shared/canvas.js";
import { firstPairs, squareAround } from "../shared/data_plane.js";
import { squareFrame } from "../shared/frame.js";
import { pictureSheet } from "../shared/pixels.js";
import { newElement } from "../shared/mount.js";
import { fixed, latentName, spread } from "../shared/numbers.js";
import { contextOf } from "../shared/theme.js";

/**
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/network.js").Model} Model
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./slider_row.js").SliderRow} SliderRow
 *
 * What a strip was made from.
 * @typedef {{ model: Model, range: readonly number[], z: readonly number[] }} Source
 */

export const STRIP_VALUES = 9;
export const PATH_VALUES = 49;
const STRIP_GAP = 4;
const IMAGE_PIXELS = 56;
const PATH_POINTS = 400;

/**
 * n places along a dimension through z.
 * @param {readonly number[]} z
 * @param {number} dim
 * @param {readonly number[]} range
 * @param {number} n
 */
export function placesAlong(z, dim, range, n) {
  return spread(range, n).map((value) => z.map((old, j) => (j === dim ? value : old)));
}

export class Strip {
  /** @type {Source | null} */
  source = null;
  /** The width of an image by that of the strip; 0 where there are none. */
  share = 0;

  /**
   * @param {Explorer} host
   * @param {number} dim
   */
  constructor(host, dim) {
    this.host = host;
    this.dim = dim;
    this.canvas = newElement("canvas", { className: "along" });
    this.canvas.setAttribute("role", "img");
  }

  /**
   * Whether it shows another model, another range or other coordinates than those of now.
   * @param {readonly number[]} range
   */
  isStale(range) {
    const { source } = this;
    if (source?.model !== this.host.model || source.range !== range) return true;
    return this.host.z.some((value, i) => i !== this.dim && value !== source.z[i]);
  }

  /** @param {readonly number[]} range */
  refresh(range) {
    const { model, z } = this.host;
    this.source = { model, range, z: [...z] };
    this.make(this.source);
  }

  /**
   * Says what the canvas shows, also before it is in sight and has anything on it.
   * @param {readonly number[]} range
   */
  describe(range) {
    const [from, to] = range.map((value) => fixed(value, 1));
    this.canvas.setAttribute(
      "aria-label",
      `Decoded while ${latentName(this.dim)} goes from ${from} to ${to}`,
    );
  }

  /**
   * The decoded means at n values of the dimension, one after the other.
   * @param {Source} source
   * @param {number} n
   */
  decodeAlong({ model, z, range }, n) {
    return model.decodeAll(placesAlong(z, this.dim, range, n));
  }

  /**
   * Decodes what is shown.
   * @param {Source} _source
   */
  make(_source) {}

  /**
   * Draws what is not drawn by `make` already.
   * @param {Theme} _theme
   */
  paint(_theme) {}
}

/** Nine images side by side on a canvas of their own pixels, enlarged by a whole factor; CSS fits it to its place. */
export class ImageStrip extends Strip {
  /**
   * @param {Explorer} host
   * @param {number} dim
   * @param {number[]} shape
   */
  constructor(host, dim, shape) {
    super(host, dim);
    this.shape = shape;
  }

  /**
   * @override
   * @param {Source} source
   */
  make(source) {
    const [height, width] = this.shape;
    const levels = Uint8ClampedArray.from(this.decodeAlong(source, STRIP_VALUES), (value) => value * 255);
    const sheet = pictureSheet(levels, this.shape, STRIP_VALUES);
    const factor = Math.max(1, Math.ceil(IMAGE_PIXELS / width));
    const step = width * factor + STRIP_GAP;
    Object.assign(this.canvas, { width: STRIP_VALUES * step - STRIP_GAP, height: height * factor });
    this.share = (step - STRIP_GAP) / this.canvas.width;
    const context = contextOf(this.canvas);
    context.imageSmoothingEnabled = false;
    for (let k = 0; k < STRIP_VALUES; k++) {
      context.drawImage(sheet, k * width, 0, width, height, k * step, 0, width * factor, height * factor);
    }
  }
}

/** Data that are points: some of them, the path that the decoded point goes, and where it is now. */
export class PathStrip extends Strip {
  /** @type {Float32Array | null} */
  path = null;
  data = new Float32Array();
  square = { centre: [0, 0], radius: 1 };

  /**
   * @override
   * @param {Source} source
   */
  make(source) {
    const { data_dim: dim } = this.host.config.config;
    this.path = firstPairs(this.decodeAlong(source, PATH_VALUES), dim);
    this.data = firstPairs(this.host.data.x, dim);
    this.square = squareAround(this.data, 1.2);
  }

  /**
   * @override
   * @param {Theme} theme
   */
  paint(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.path || width < 10) return;
    const { centre, radius } = this.square;
    const frame = squareFrame({ left: 0, top: 0, width, height }, centre, radius);
    const { px, py } = frame;
    this.paintData(context, theme, frame);
    context.beginPath();
    for (let k = 0; k < PATH_VALUES; k++) context.lineTo(px(this.path[2 * k]), py(this.path[2 * k + 1]));
    stroke(context, theme.concepts.decoded, { width: 2.5 });
    const [x, y] = this.host.decoded;
    context.beginPath();
    context.arc(px(x), py(y), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.text, { width: 2 });
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  paintData(context, theme, { px, py }) {
    const x = this.data;
    context.fillStyle = theme.concepts.data;
    context.globalAlpha = 0.6;
    for (let i = 0; i < Math.min(PATH_POINTS, x.length / 2); i++) {
      context.fillRect(px(x[2 * i]) - 1.5, py(x[2 * i + 1]) - 1.5, 3, 3);
    }
    context.globalAlpha = 1;
  }
}

export const MATRIX_ROWS = 64;
const MATRIX_HEAD = 22;
export const MATRIX_NAME = 96;
const MATRIX_IMAGE = 60;

/** All strips below each other: rows are dimensions, the most used first, columns are values. */
export class TraversalMatrix {
  /** Of the strips. */
  width = 0;
  /** Height of a row. */
  row = 1;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /**
   * @param {Theme} theme
   * @param {SliderRow[]} rows In their order.
   * @param {string[]} heads Above the columns.
   * @param {string} corner Before them.
   */
  draw(theme, rows, heads, corner) {
    const measured = this.measure(rows, this.canvas.parentElement?.clientWidth ?? 0);
    if (!measured) return;
    const { width, row, height } = measured;
    Object.assign(this, { width, row });
    this.canvas.style.height = `${height}px`;
    const { context } = prepare(this.canvas);
    write(context, theme, corner, 0, MATRIX_HEAD / 2, { align: "left" });
    const each = width < STRIP_VALUES * 40 ? 2 : 1;
    heads.forEach((text, k) => {
      if (k % each === 0) write(context, theme, text, this.middle(k), MATRIX_HEAD / 2);
    });
    rows.forEach(({ strip, dim, use, faint }, index) => {
      const top = MATRIX_HEAD + index * row;
      context.globalAlpha = faint ? 0.6 : 1;
      write(context, theme, `${latentName(dim)}  ${use}`, 0, top + row / 2, { align: "left" });
      context.globalAlpha = 1;
      if (strip.share) context.drawImage(strip.canvas, MATRIX_NAME, top, width, row - STRIP_GAP / 2);
    });
    this.canvas.setAttribute("aria-label", `Traversals of ${rows.length} latent dimensions, one in each row`);
  }

  /**
   * Sizes that fit into so many pixels across; null while no strip is made.
   * @param {SliderRow[]} rows
   * @param {number} across
   */
  measure(rows, across) {
    const first = rows.find(({ strip }) => strip.share)?.strip.canvas;
    if (!first) return null;
    const width = Math.min(across - MATRIX_NAME, STRIP_VALUES * MATRIX_IMAGE);
    const row = (width * first.height) / first.width + STRIP_GAP / 2;
    return { width, row, height: MATRIX_HEAD + rows.length * row };
  }

  /** @param {number} k */
  middle(k) {
    return MATRIX_NAME + (this.width * (k + 0.5)) / STRIP_VALUES;
  }

  /**
   * Row and column of a place, or null.
   * @param {Point} place
   * @param {number} rows
   */
  cell({ x, y }, rows) {
    const row = Math.floor((y - MATRIX_HEAD) / this.row);
    const column = Math.floor(((x - MATRIX_NAME) / this.width) * STRIP_VALUES);
    const inside = row >= 0 && row < rows && column >= 0 && column < STRIP_VALUES;
    return inside ? { row, column } : null;
  }
}
