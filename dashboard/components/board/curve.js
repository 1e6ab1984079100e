/** One line chart over the step: a held-out and a training curve of the same quantity. */

import { clipTo, drawAxes, prepare, stroke, write } from "../shared/canvas.js";
import { makeFrame, plotBox } from "../shared/frame.js";
import { find, findCanvas } from "../shared/mount.js";
import { brief, fixed, niceTicks } from "../shared/numbers.js";
import { NO_HISTORY, valueRange } from "./history.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./history.js").Concept} Concept
 * @typedef {import("./history.js").History} History
 */

const UNIT = "nats per example";

export class Curve {
  history = NO_HISTORY;
  /** Why there is nothing to draw; "" where there is something. */
  missing = "";

  /**
   * @param {HTMLElement} card
   * @param {Concept} concept
   */
  constructor(card, concept) {
    this.concept = concept;
    this.canvas = findCanvas(card, "canvas");
    this.tip = find(card, ".tip");
    this.value = find(card, ".value");
    this.note = find(card, ".note");
    this.title = find(card, "h2").textContent ?? "";
  }

  get unit() {
    return this.missing || UNIT;
  }

  get heldOut() {
    return this.history[`${this.concept}_held_out`];
  }

  get training() {
    return this.history[`${this.concept}_train`];
  }

  /**
   * @param {History} history
   * @param {string} missing
   */
  set(history, missing) {
    this.history = history;
    this.missing = missing;
    this.value.textContent = missing ? "" : fixed(this.heldOut.findLast(Number.isFinite) ?? NaN, 1);
  }

  /** Where the plot lies in the canvas. */
  get box() {
    return plotBox({ width: this.canvas.clientWidth, height: this.canvas.clientHeight }, "step", 15);
  }

  /**
   * @param {Theme} theme
   * @param {number[]} range of steps
   * @param {boolean} isZoomed
   * @param {number | null} cursor the row under the crosshair
   * @param {number[] | null} selection a range of steps
   */
  draw(theme, range, isZoomed, cursor, selection) {
    const { context } = prepare(this.canvas);
    const values = this.missing ? [] : [this.heldOut, this.training];
    const frame = makeFrame(this.box, range, valueRange(this.history.step, values, range, isZoomed));
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 45);
    const yTicks = this.missing ? [] : niceTicks(frame.y0, frame.y1, frame.height / 22);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "step", yTitle: "" });
    clipTo(context, { ...frame, top: 0, height: frame.top + frame.height });
    this.drawBeta(context, theme, frame);
    context.restore();
    clipTo(context, frame);
    if (!this.missing) this.drawCurves(context, theme, frame);
    if (selection) this.drawSelection(context, theme, frame, selection);
    context.restore();
    if (cursor !== null) this.drawCursor(context, theme, frame, cursor);
    this.describe(cursor);
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawCurves(context, theme, frame) {
    const colour = theme.concepts[this.concept];
    this.trace(context, frame, this.training);
    stroke(context, colour, { width: 1.5, alpha: 0.55, dash: [5, 3] });
    this.trace(context, frame, this.heldOut);
    context.lineJoin = "round";
    stroke(context, colour, { width: 2.5 });
    if (this.history.step.length === 1) this.drawDot(context, theme, frame, this.heldOut, 0);
  }

  /**
   * @param {Context} context
   * @param {Frame} frame
   * @param {Float32Array} values
   */
  trace(context, frame, values) {
    const { step } = this.history;
    context.beginPath();
    let down = false;
    for (let i = 0; i < values.length; i++) {
      const drawn = Number.isFinite(values[i]) && Number.isFinite(step[i]);
      if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(step[i]), frame.py(values[i]));
      down = drawn;
    }
  }

  /**
   * From the newest change back, so that where many lie close together the latest keeps its label.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawBeta(context, theme, frame) {
    const { step, beta } = this.history;
    let free = Infinity;
    for (let i = beta.length - 1; i > 0; i--) {
      const x = frame.px(step[i - 1]);
      if (beta[i] === beta[i - 1] || !Number.isFinite(beta[i]) || x > free || x < frame.left) continue;
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, frame.top + frame.height);
      stroke(context, theme.concepts.beta, { width: 1.25 });
      const align = x > frame.left + frame.width - 30 ? "right" : "center";
      write(context, theme, `β ${brief(beta[i])}`, x, 7, { colour: theme.concepts.beta, weight: 700, align });
      free = x - 44;
    }
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {number[]} selection
   */
  drawSelection(context, theme, frame, [a, b]) {
    context.globalAlpha = 0.15;
    context.fillStyle = theme.text;
    context.fillRect(frame.px(a), frame.top, frame.px(b) - frame.px(a), frame.height);
    context.globalAlpha = 1;
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {number} row
   */
  drawCursor(context, theme, frame, row) {
    const x = frame.px(this.history.step[row]);
    if (x < frame.left - 1 || x > frame.left + frame.width + 1) return;
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + frame.height);
    stroke(context, theme.text, { alpha: 0.6 });
    if (this.missing) return;
    clipTo(context, frame);
    for (const values of [this.training, this.heldOut]) this.drawDot(context, theme, frame, values, row);
    context.restore();
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {number} row
   */
  drawDot(context, theme, frame, values, row) {
    if (!Number.isFinite(values[row])) return;
    context.beginPath();
    context.arc(frame.px(this.history.step[row]), frame.py(values[row]), 4, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts[this.concept];
    context.fill();
    stroke(context, theme.background, { width: 1.5 });
  }

  /** @param {number} row */
  valuesText(row) {
    if (this.missing) return this.unit;
    return `held-out ${fixed(this.heldOut[row], 2)} · training ${fixed(this.training[row], 2)}`;
  }

  /** @param {number | null} cursor */
  describe(cursor) {
    const row = cursor ?? this.history.step.length - 1;
    if (row < 0) return;
    const label = `${this.title}, ${UNIT}, at step ${this.history.step[row]}: ${this.valuesText(row)}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
}
