/** Two-dimensional examples in their plane, with the decoded grid as a mesh or joined to their reconstructions. */

import { clipTo, drawAxes, prepare, stroke, write } from "./canvas.js";
import { plotBox, squareFrame } from "./frame.js";
import { extent, niceTicks, range } from "./numbers.js";
import { Tween } from "./tween.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("./canvas.js").Style} Style
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./theme.js").Theme} Theme
 */

/**
 * Adds a line through some of the points to the path; it breaks where a point is not finite.
 *
 * @param {Context} context
 * @param {Frame} frame
 * @param {ArrayLike<number>} values flat pairs
 * @param {Iterable<number>} indices
 */
export function addPath(context, frame, values, indices) {
  let down = false;
  for (const i of indices) {
    const [x, y] = [values[2 * i], values[2 * i + 1]];
    const drawn = Number.isFinite(x + y);
    if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(x), frame.py(y));
    down = drawn;
  }
}

/**
 * The names of x and the decoded ones in their colours.
 *
 * @param {Context} context
 * @param {Theme} theme
 * @param {Frame} frame
 */
export function drawKey(context, theme, frame) {
  /** @type {Style} */
  const style = { align: "right", weight: 700, size: 13, halo: 5 };
  const right = frame.left + frame.width - 4;
  write(context, theme, "decoded", right, frame.top + 8, { ...style, colour: theme.concepts.decoded });
  write(context, theme, "x", right - 58, frame.top + 8, { ...style, colour: theme.concepts.data });
}

/**
 * @param {Context} context
 * @param {Frame} frame
 * @param {ArrayLike<number>} values flat pairs
 * @param {string} colour
 * @param {number} radius
 * @param {boolean} filled
 */
function drawDots(context, frame, values, colour, radius, filled) {
  context.beginPath();
  for (let i = 0; i < values.length / 2; i++) {
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
 * @typedef {object} PointsData
 * @property {Float32Array} points flat pairs, fixed during a run
 * @property {Float32Array} decoded flat pairs
 * @property {number | null} rows of the mesh; null where the decoded points are reconstructions
 * @property {number | null} columns
 */

export class DataPlane {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.moved = new Tween();
    this.centre = [0, 0];
    this.radius = 1;
    /** @type {PointsData | null} */
    this.data = null;
  }

  /**
   * @param {PointsData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    this.data = data;
    this.moved.set(data.decoded, now, instant);
    const sides = [0, 1].map((axis) => extent(data.points.filter((_, i) => i % 2 === axis)) ?? [-1, 1]);
    this.centre = sides.map(([low, high]) => (low + high) / 2);
    this.radius = Math.max(...sides.map(([low, high]) => (high - low) / 2)) * 1.15 || 1;
    const shown = data.rows === null ? "each joined to its reconstruction" : "under the decoded grid";
    this.canvas.setAttribute("aria-label", `${data.points.length / 2} held-out points, ${shown}`);
  }

  /**
   * @param {Theme} theme
   * @param {number} now
   * @returns {boolean} whether the points still move
   */
  draw(theme, now) {
    const { context, ...size } = prepare(this.canvas);
    if (!this.data) return false;
    const box = plotBox(size, "x₁");
    const frame = squareFrame(box, this.centre, this.radius);
    const xTicks = niceTicks(frame.x0, frame.x1, box.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "x₁", yTitle: "x₂" });
    const decoded = this.moved.read(now);
    const { points, rows, columns } = this.data;
    const colours = theme.concepts;
    clipTo(context, frame);
    if (rows === null || columns === null) {
      this.drawJoins(context, theme, frame, points, decoded);
      drawDots(context, frame, points, colours.data, 3.5, false);
      drawDots(context, frame, decoded, colours.decoded, 3, true);
    } else {
      drawDots(context, frame, points, colours.data, 3, true);
      this.drawMesh(context, theme, frame, decoded, rows, columns);
    }
    context.restore();
    drawKey(context, theme, frame);
    return this.moved.moving(now);
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} points
   * @param {Float32Array} decoded
   */
  drawJoins(context, theme, frame, points, decoded) {
    context.beginPath();
    for (let i = 0; i < points.length / 2; i++) {
      const ends = [points[2 * i], points[2 * i + 1], decoded[2 * i], decoded[2 * i + 1]];
      addPath(context, frame, ends, [0, 1]);
    }
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.7 });
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} decoded
   * @param {number} rows
   * @param {number} columns
   */
  drawMesh(context, theme, frame, decoded, rows, columns) {
    context.beginPath();
    for (const row of range(rows)) addPath(context, frame, decoded, range(columns, row * columns));
    if (rows > 1) {
      for (const column of range(columns)) addPath(context, frame, decoded, range(rows, column, columns));
    }
    stroke(context, theme.concepts.decoded, { width: 1.5 });
  }
}
