/** Vectors as lines over their coordinates: examples in grey, decoded ones in their colour. */

import { clipTo, drawAxes, prepare, stroke } from "../shared/canvas.js";
import { addLine, drawKey } from "../shared/data_plane.js";
import { makeFrame, plotBox } from "../shared/frame.js";
import { cut, extent, niceTicks, range } from "../shared/numbers.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 *
 * @typedef {object} VectorData
 * @property {Float32Array} vectors Held-out examples, one after the other.
 * @property {Float32Array} decoded
 * @property {number} dim
 * @property {readonly string[]} names Of the first coordinates; empty where they have none.
 */

/** Pixels that a character of a tick takes, about, and the characters that a line of a name needs. */
const PER_CHARACTER = 7.5;
const LEAST_CHARACTERS = 5;

/**
 * A name in at most two lines of so many characters: names like "petal length" differ in the second word.
 * @param {string} name
 * @param {number} most
 */
function inTwoLines(name, most) {
  if (name.length <= most) return name;
  const space = name.lastIndexOf(" ", most);
  return space < 1 ? cut(name, most) : `${name.slice(0, space)}\n${cut(name.slice(space + 1), most)}`;
}

/**
 * What stands below the coordinates: their names where there is room for them, else some of their numbers,
 * with a title.
 * @param {VectorData} data
 * @param {number} width Of the plot, in pixels.
 */
export function coordinateTicks({ dim, names }, width) {
  const most = Math.floor(width / dim / PER_CHARACTER);
  if (names.length >= dim && most >= LEAST_CHARACTERS) {
    const xTicks = range(dim).map((place) => ({ value: place + 1, text: inTwoLines(names[place], most) }));
    return { xTicks, xTitle: "" };
  }
  const ticks = niceTicks(0.5, dim + 0.5, Math.min(dim, width / 50));
  return { xTicks: ticks.filter(({ value }) => Number.isInteger(value)), xTitle: "coordinate" };
}

export class CoordinateLines {
  /** @type {VectorData | null} */
  data = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /** @param {VectorData} data */
  set(data) {
    this.data = data;
    const [held, decoded] = [data.vectors, data.decoded].map((values) => values.length / data.dim);
    const text = `${held} held-out examples and ${decoded} decoded ones over ${data.dim} coordinates`;
    this.canvas.setAttribute("aria-label", text);
  }

  /** @param {Theme} theme */
  draw(theme) {
    const { context, ...size } = prepare(this.canvas);
    if (!this.data) return false;
    const { vectors, decoded, dim } = this.data;
    const box = plotBox(size, "coordinate");
    const [low, high] = extent(vectors) ?? [0, 1];
    const margin = (high - low) * 0.1 || 0.5;
    const frame = makeFrame(box, [0.5, dim + 0.5], [low - margin, high + margin]);
    const { xTicks, xTitle } = coordinateTicks(this.data, box.width);
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle: "value" });
    clipTo(context, frame);
    this.drawLines(context, frame, vectors, dim);
    stroke(context, theme.concepts.data, { width: 1.25, alpha: 0.6 });
    this.drawLines(context, frame, decoded, dim);
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.5 });
    context.restore();
    drawKey(context, theme, frame);
    return false;
  }

  /**
   * @param {Context} context
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {number} dim
   */
  drawLines(context, frame, values, dim) {
    context.beginPath();
    for (const row of range(values.length / dim)) {
      this.addVector(context, frame, values.subarray(row * dim, (row + 1) * dim));
    }
  }

  /**
   * A single coordinate is a short horizontal line.
   * @param {Context} context
   * @param {Frame} frame
   * @param {Float32Array} vector
   */
  addVector(context, frame, vector) {
    const pairs = Array.from(vector).flatMap((value, k) => [k + 1, value]);
    addLine(context, frame, pairs, range(vector.length));
    if (vector.length > 1 || !Number.isFinite(vector[0])) return;
    context.moveTo(frame.px(0.6), frame.py(vector[0]));
    context.lineTo(frame.px(1.4), frame.py(vector[0]));
  }
}
