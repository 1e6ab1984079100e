/** Data in the plane of two columns, the decoded grid as a mesh over them, or joined to their reconstructions. */

import { clipTo, drawAxes, plotBox, prepare, stroke, write } from "./canvas.js";
import { squareFrame } from "./frame.js";
import { cut, extent, niceTicks, range, valueName } from "./numbers.js";
import { Tween } from "./tween.js";

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./theme.js").Theme} Theme
 *
 * @typedef {object} PointData
 * @property {Float32Array} points Flat pairs, fixed during a run.
 * @property {Float32Array} decoded Flat pairs.
 * @property {{ rows: number, columns: number } | null} mesh Of the decoded points; null joins each to its point.
 * @property {readonly string[]} names Of the values of a point; empty where they have none.
 */

/** Characters of a name at an axis: more would not fit beside it on a phone. */
const LONGEST_NAME = 24;

/**
 * Adds the line through some pairs to the current path, with gaps where a pair is not finite.
 * @param {CanvasRenderingContext2D} context
 * @param {Frame} frame
 * @param {ArrayLike<number>} values
 * @param {number[]} indices
 */
export function addLine(context, frame, values, indices) {
  let down = false;
  for (const i of indices) {
    const [x, y] = [values[2 * i], values[2 * i + 1]];
    const drawn = Number.isFinite(x + y);
    if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(x), frame.py(y));
    down = drawn;
  }
}

/**
 * The legend: which colour is decoded, which is x.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Frame} frame
 */
export function drawKey(context, theme, frame) {
  /** @type {import("./canvas.js").Style} */
  const style = { align: "right", weight: 700, size: 13, halo: 5 };
  const right = frame.left + frame.width - 4;
  write(context, theme, "decoded", right, frame.top + 8, { ...style, colour: theme.concepts.decoded });
  write(context, theme, "x", right - 70, frame.top + 8, { ...style, colour: theme.concepts.data });
}

/**
 * The first two values of each example, as flat pairs: what is drawn of points with more columns.
 * @param {ArrayLike<number>} values
 * @param {number} dim How many values an example has.
 */
export function firstPairs(values, dim) {
  const pairs = new Float32Array((2 * values.length) / dim);
  for (const i of range(values.length / dim)) {
    pairs[2 * i] = values[i * dim];
    pairs[2 * i + 1] = values[i * dim + 1];
  }
  return pairs;
}

/**
 * The square that holds all pairs: its centre and half its side, `margin` times as large.
 * @param {Float32Array} pairs
 * @param {number} margin
 */
export function squareAround(pairs, margin) {
  const sides = [0, 1].map((axis) => extent(pairs.filter((_, i) => i % 2 === axis)) ?? [-1, 1]);
  const centre = sides.map(([low, high]) => (low + high) / 2);
  return { centre, radius: Math.max(...sides.map(([low, high]) => (high - low) / 2)) * margin || 1 };
}

export class DataPlane {
  moved = new Tween();
  /** @type {number[]} */
  centre = [0, 0];
  radius = 1;
  /** @type {PointData} */
  data = { points: new Float32Array(), decoded: new Float32Array(), mesh: null, names: [] };

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }

  /**
   * @param {PointData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    this.data = data;
    this.moved.set(data.decoded, now, instant);
    Object.assign(this, squareAround(data.points, 1.15));
    const shown = data.mesh ? "under the decoded grid" : "each joined to its reconstruction";
    const plane = `in the plane of ${this.titles.join(" and ")}`;
    this.canvas.setAttribute("aria-label", `${data.points.length / 2} held-out points ${plane}, ${shown}`);
  }

  /** Of both axes. */
  get titles() {
    return [0, 1].map((axis) => cut(valueName(this.data.names, axis), LONGEST_NAME));
  }

  /**
   * Where the data lie in a canvas of such a size.
   * @param {{ width: number, height: number }} size
   */
  frameIn(size) {
    return squareFrame(plotBox(size, this.titles[0]), this.centre, this.radius);
  }

  /**
   * Returns whether it is still gliding.
   * @param {Theme} theme
   * @param {number} now
   */
  draw(theme, now) {
    const { context, ...size } = prepare(this.canvas);
    const frame = this.frameIn(size);
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 45);
    const [xTitle, yTitle] = this.titles;
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle });
    const decoded = this.moved.read(now);
    const { points, mesh } = this.data;
    clipTo(context, frame);
    if (mesh) {
      this.drawDots(context, frame, points, theme.concepts.data, 3, true);
      this.drawMesh(context, theme, frame, decoded, mesh);
    } else {
      this.drawJoins(context, theme, frame, decoded);
      this.drawDots(context, frame, points, theme.concepts.data, 3.5, false);
      this.drawDots(context, frame, decoded, theme.concepts.decoded, 3, true);
    }
    context.restore();
    drawKey(context, theme, frame);
    return this.moved.moving(now);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {string} colour
   * @param {number} radius
   * @param {boolean} filled
   */
  drawDots(context, frame, values, colour, radius, filled) {
    context.beginPath();
    for (const i of range(values.length / 2)) {
      const [x, y] = [frame.px(values[2 * i]), frame.py(values[2 * i + 1])];
      if (!Number.isFinite(x + y)) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fillStyle = colour;
    if (filled) context.fill();
    else stroke(context, colour, { width: 1.5, alpha: 0.8 });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} decoded
   */
  drawJoins(context, theme, frame, decoded) {
    const { points } = this.data;
    context.beginPath();
    for (const i of range(points.length / 2)) {
      const ends = [points[2 * i], points[2 * i + 1], decoded[2 * i], decoded[2 * i + 1]];
      addLine(context, frame, ends, [0, 1]);
    }
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.7 });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} decoded
   * @param {{ rows: number, columns: number }} mesh
   */
  drawMesh(context, theme, frame, decoded, { rows, columns }) {
    context.beginPath();
    for (const row of range(rows)) addLine(context, frame, decoded, range(columns, row * columns));
    if (rows > 1) {
      for (const column of range(columns)) addLine(context, frame, decoded, range(rows, column, columns));
    }
    stroke(context, theme.concepts.decoded, { width: 1.5 });
  }
}
