/** One line chart over the step: held-out and training curves of a quantity, those of kept runs, and β below them. */

import { clipTo, drawAxes, drawGridLines, prepare, stroke, write } from "../shared/canvas.js";
import { makeFrame, plotBox } from "../shared/frame.js";
import { find, findCanvas } from "../shared/mount.js";
import { brief, extent, fixed, niceTicks } from "../shared/numbers.js";
import {
  NO_HISTORY,
  NO_VALIDATION,
  objectiveOf,
  rowAt,
  spreadLabels,
  valueAt,
  valueRange,
} from "./history.js";
import { ghostColour, ghostDash } from "./kept.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./history.js").Change} Change
 * @typedef {import("./history.js").Concept} Concept
 * @typedef {import("./history.js").History} History
 * @typedef {import("./history.js").Line} Line
 * @typedef {import("./history.js").Validation} Validation
 * @typedef {import("./kept.js").Ghost} Ghost
 *
 * @typedef {object} CurveData
 * @property {History} history
 * @property {readonly Ghost[]} ghosts
 * @property {readonly Change[]} changes
 * @property {string} missing Why there is nothing to draw; "" where there is something.
 * @property {number | null} lookedRow The row that is looked back at; null: none.
 * @property {number | null} fork The step at which the run began from another one's state.
 * @property {Validation} validation
 * @property {number | null} best The step with the highest validation ELBO.
 * @property {History} later What came after the step at which the run stands, from that step on.
 * @property {boolean} hasObjective Whether the objective of each row is known.
 * @property {boolean} isSum Whether it is reconstruction − β · KL, without free bits.
 *
 * @typedef {object} Looks What is in view.
 * @property {number[]} range of steps
 * @property {boolean} isZoomed
 * @property {number | null} cursor The step under the crosshair.
 * @property {number | null} row Its row; null beyond the last one.
 * @property {number[] | null} selection A range of steps that is being dragged.
 */

const UNIT = "nats per example";
const TOP = 18;
const STRIP = 20;
/** Pixels between two marks of changes. */
const APART = 6;
const STRIP_GAP = 5;
const LABEL_APART = 15;
/** Pixels between the objective and the ELBO from which on it gets its name. */
const NAMED_APART = 14;

export class Curve {
  /** @type {CurveData} */
  data = {
    ...{ history: NO_HISTORY, ghosts: [], changes: [], missing: "", hasObjective: false, isSum: true },
    ...{ lookedRow: null, fork: null, validation: NO_VALIDATION, best: null, later: NO_HISTORY },
  };

  /**
   * @param {HTMLElement} card
   * @param {Concept} concept
   */
  constructor(card, concept) {
    this.concept = concept;
    this.canvas = findCanvas(card, "canvas");
    this.tip = find(card, ".tip");
    this.note = find(card, ".note");
    this.legend = card.querySelector(".legend");
    this.title = find(card, "h2").textContent ?? "";
  }

  get history() {
    return this.data.history;
  }

  get missing() {
    return this.data.missing;
  }

  get heldOut() {
    return this.history[`${this.concept}_held_out`];
  }

  get training() {
    return this.history[`${this.concept}_train`];
  }

  /** @returns {Line} */
  get validation() {
    const { validation } = this.data;
    return { step: validation.step, values: validation[this.concept] };
  }

  /** What is drawn pale after the step at which the run stands: held-out and training curve. @returns {Line[]} */
  get later() {
    const { later } = this.data;
    const parts = /** @type {const} */ (["held_out", "train"]);
    return parts.map((part) => ({ step: later.step, values: later[`${this.concept}_${part}`] }));
  }

  /** What is maximised, held-out and in training, where it is drawn. @returns {{ heldOut: Line, training: Line } | null} */
  get objective() {
    const drawn = this.concept === "elbo" && this.data.hasObjective && !this.missing;
    if (!drawn) return null;
    const { step } = this.history;
    const { heldOut, training } = objectiveOf(this.history, this.data.isSum);
    return { heldOut: { step, values: heldOut }, training: { step, values: training } };
  }

  /** The curves of the kept runs. @returns {(Line & { ghost: Ghost })[]} */
  get kept() {
    if (this.missing) return [];
    return this.data.ghosts.map((ghost) => {
      return { ghost, step: ghost.history.step, values: ghost.history[`${this.concept}_held_out`] };
    });
  }

  /** @param {CurveData} data */
  set(data) {
    this.data = data;
  }

  /** Where the plot lies in the canvas: above the strip of β. */
  get box() {
    const whole = plotBox({ width: this.canvas.clientWidth, height: this.canvas.clientHeight }, "step", TOP);
    return { ...whole, height: Math.max(1, whole.height - STRIP - STRIP_GAP) };
  }

  /**
   * @param {Theme} theme
   * @param {Looks} looks
   */
  draw(theme, { range, isZoomed, cursor, row, selection }) {
    const { context } = prepare(this.canvas);
    const { step } = this.history;
    const now = [this.heldOut, this.training].map((values) => ({ step, values }));
    const own = [...now, this.validation, ...this.later].filter((line) => line.step.length);
    const how = { isZoomed, fromZero: this.concept === "kl", objective: this.objective?.heldOut };
    const ends = valueRange(this.missing ? [] : [...own, ...this.kept], range, how);
    const frame = makeFrame(this.box, range, ends);
    const yTicks = this.missing ? [] : niceTicks(frame.y0, frame.y1, frame.height / 24);
    drawGridLines(context, theme, frame, yTicks);
    for (const { value, text } of yTicks) {
      write(context, theme, text, frame.left - 5, frame.py(value), { align: "right" });
    }
    this.drawStrip(context, theme, frame);
    this.drawChanges(context, theme, frame);
    this.drawLooked(context, theme, frame);
    clipTo(context, frame);
    if (!this.missing) this.drawCurves(context, theme, frame);
    if (selection) this.drawSelection(context, theme, frame, selection);
    context.restore();
    this.drawNames(context, theme, frame);
    if (cursor !== null) this.drawCursor(context, theme, frame, cursor, row);
    this.describe(cursor, row);
  }

  /**
   * The pale ones first: those of the run in view lie on top.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawCurves(context, theme, frame) {
    const colour = theme.concepts[this.concept];
    const { step } = this.history;
    for (const line of this.kept) {
      this.trace(context, frame, line);
      const dash = [...ghostDash(line.ghost.slot)];
      stroke(context, ghostColour(theme, line.ghost.slot), { width: 1.5, alpha: 0.75, dash });
    }
    if (this.objective) {
      this.trace(context, frame, this.objective.training);
      stroke(context, theme.text, { width: 1, alpha: 0.45, dash: [5, 3] });
      this.trace(context, frame, this.objective.heldOut);
      stroke(context, theme.text, { width: 1.25, dash: [1.5, 2.5] });
    }
    const [heldOut, training] = this.later;
    this.trace(context, frame, training);
    stroke(context, colour, { width: 1.5, alpha: 0.3, dash: [5, 3] });
    this.trace(context, frame, heldOut);
    stroke(context, colour, { width: 2.5, alpha: 0.4 });
    this.trace(context, frame, this.validation);
    stroke(context, colour, { width: 2, dash: [2, 3] });
    this.trace(context, frame, { step, values: this.training });
    stroke(context, colour, { width: 1.5, alpha: 0.55, dash: [5, 3] });
    this.trace(context, frame, { step, values: this.heldOut });
    context.lineJoin = "round";
    stroke(context, colour, { width: 2.5 });
    if (step.length === 1) this.drawDot(context, theme, frame, this.heldOut, 0);
    const { lookedRow } = this.data;
    if (lookedRow !== null) this.drawDot(context, theme, frame, this.heldOut, lookedRow);
  }

  /**
   * @param {Context} context
   * @param {Frame} frame
   * @param {Line} line
   */
  trace(context, frame, { step, values }) {
    context.beginPath();
    let down = false;
    for (let i = 0; i < values.length; i++) {
      const drawn = Number.isFinite(values[i]) && Number.isFinite(step[i]);
      if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(step[i]), frame.py(values[i]));
      down = drawn;
    }
  }

  /**
   * Names at the ends of the curves of kept runs, and of the objective where it is not the ELBO.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawNames(context, theme, frame) {
    const ends = this.kept.flatMap((line) => {
      const end = lastInView(line, frame);
      return end ? [{ ...end, text: line.ghost.label, colour: ghostColour(theme, line.ghost.slot) }] : [];
    });
    const objective = this.objective && lastInView(this.objective.heldOut, frame);
    const elbo = lastInView({ step: this.history.step, values: this.heldOut }, frame);
    if (objective && elbo && Math.abs(objective.y - elbo.y) > NAMED_APART) {
      ends.push({ ...objective, text: "objective", colour: theme.text });
    }
    const half = LABEL_APART / 2;
    const limits = [frame.top + half, frame.top + frame.height - half];
    const above = ends.map(({ y }) => y - half - 1);
    const heights = spreadLabels(above, LABEL_APART, limits);
    ends.forEach(({ x, text, colour }, k) => {
      const right = frame.left + frame.width;
      write(context, theme, text, Math.min(x, right) - 3, heights[k], {
        ...{ colour, weight: 600, halo: 4 },
        align: x > frame.left + frame.width / 3 ? "right" : "left",
      });
    });
  }

  /**
   * β over the steps, on the scale of square roots: 0.1 beside 4 is still to be seen.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} above The plot.
   */
  drawStrip(context, theme, above) {
    const { step, beta } = this.history;
    const box = {
      left: above.left,
      width: above.width,
      top: above.top + above.height + STRIP_GAP,
      height: STRIP,
    };
    const most = Math.max(extent(beta)?.[1] ?? 0, 1e-9);
    const frame = makeFrame(box, [above.x0, above.x1], [0, Math.sqrt(most) * 1.15]);
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 50);
    drawAxes(context, theme, frame, { xTicks, yTicks: [], xTitle: "step", yTitle: "" });
    const style = { colour: theme.concepts.beta, weight: 700 };
    write(context, theme, "β", frame.left - 5, box.top + STRIP / 2, { ...style, align: "right" });
    clipTo(context, box);
    context.beginPath();
    for (let i = 0; i < beta.length; i++) {
      const y = frame.py(Math.sqrt(Math.max(0, beta[i])));
      // Until the next row the training goes on with the β of this one: the line has steps.
      if (i > 0) context.lineTo(frame.px(step[i - 1]), y);
      context[i ? "lineTo" : "moveTo"](frame.px(step[i]), y);
    }
    stroke(context, theme.concepts.beta, { width: 2 });
    context.restore();
  }

  /**
   * A mark for each change. From the newest back, so that where many lie close together the latest keeps its label,
   * and a drag, which is many changes, keeps the marks that can be told apart.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawChanges(context, theme, frame) {
    const [right, bottom] = [frame.left + frame.width, frame.top + frame.height + STRIP_GAP + STRIP];
    let free = Infinity;
    let marked = Infinity;
    for (const { step, beta, learning_rate: rate, isFork, isBest } of marksOf(this.data).reverse()) {
      const x = frame.px(step);
      if (x < frame.left || x > right || marked - x < APART) continue;
      marked = x;
      const colour = isFork || isBest || beta === undefined ? theme.text : theme.concepts.beta;
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, bottom);
      stroke(context, colour, { width: 1.25, alpha: 0.8, dash: beta === undefined ? [4, 3] : [] });
      const parts = [
        isFork ? "fork" : "",
        isBest ? "best" : "",
        beta === undefined ? "" : `β ${brief(beta)}`,
        rate === undefined ? "" : `η ${brief(rate)}`,
      ];
      const text = parts.filter(Boolean).join(", ");
      const width = 7 * text.length;
      const middle = Math.min(x, right - width / 2);
      if (middle + width / 2 > free) continue;
      write(context, theme, text, middle, 9, { colour, weight: 700 });
      free = middle - width / 2 - 6;
    }
  }

  /**
   * Where the pictures beside the curves are from, when that is not their end.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawLooked(context, theme, frame) {
    const { lookedRow: row, history } = this.data;
    if (row === null) return;
    const x = frame.px(history.step[row]);
    if (x < frame.left - 1 || x > frame.left + frame.width + 1) return;
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + frame.height + STRIP_GAP + STRIP);
    stroke(context, theme.text, { width: 2 });
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
   * @param {number} step
   * @param {number | null} row
   */
  drawCursor(context, theme, frame, step, row) {
    const x = frame.px(step);
    if (x < frame.left - 1 || x > frame.left + frame.width + 1) return;
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + frame.height + STRIP_GAP + STRIP);
    stroke(context, theme.text, { alpha: 0.6 });
    if (this.missing || row === null) return;
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
    if (this.missing) return this.missing;
    const validation = this.validationAt(this.history.step[row]);
    const chosen = validation ? ` · validation ${validation}` : "";
    return `held-out ${this.shown("held_out", row)} · training ${this.shown("train", row)}${chosen}`;
  }

  /**
   * The validation curve at a step, in the digits of the others; "" where it has no value.
   * @param {number} step
   */
  validationAt(step) {
    const { validation } = this.data;
    const row = rowAt(validation.step, step);
    if (row === null) return "";
    if (this.concept !== "elbo") return fixed(validation[this.concept][row], 2);
    const [first, second] = [validation.reconstruction[row], validation.kl[row]];
    return fixed(Number(first.toFixed(2)) - Number(second.toFixed(2)), 2);
  }

  /**
   * A value with two decimals; the ELBO is the difference of the other two as they are shown.
   * @param {"held_out" | "train"} part
   * @param {number} row
   */
  shown(part, row) {
    const value = (/** @type {Concept} */ concept) => this.history[`${concept}_${part}`][row];
    if (this.concept !== "elbo") return fixed(value(this.concept), 2);
    return fixed(Number(value("reconstruction").toFixed(2)) - Number(value("kl").toFixed(2)), 2);
  }

  /**
   * A line for each kept run that had come so far: its name and its value.
   * @param {number} step
   */
  keptText(step) {
    const lines = this.kept.map((line) => [line.ghost.label, valueAt(line, step)]);
    if (step > (this.history.step.at(-1) ?? Infinity)) {
      const [heldOut, training] = this.later.map((line) => valueAt(line, step));
      const { validation } = this;
      lines.unshift(["held-out", heldOut], ["training", training], ["validation", valueAt(validation, step)]);
    }
    return lines.flatMap(([label, value]) =>
      Number.isNaN(value) ? [] : [`${label}: ${fixed(Number(value), 2)}`],
    );
  }

  /**
   * What the note says: the values under the crosshair, or else the unit, or why there is nothing.
   * @param {number | null} row
   */
  say(row) {
    const hasLegend = this.legend instanceof HTMLElement && row === null && !this.missing;
    if (this.legend instanceof HTMLElement) this.legend.hidden = !hasLegend;
    this.note.textContent = row === null ? this.missing || (hasLegend ? "" : UNIT) : this.valuesText(row);
  }

  /**
   * The values at the crosshair in words, or else the newest ones.
   * @param {number | null} cursor
   * @param {number | null} row
   */
  describe(cursor, row) {
    const { step, beta } = this.history;
    const newest = step.length ? (this.data.lookedRow ?? step.length - 1) : null;
    const shown = cursor === null ? newest : row;
    const lastKept = extent(this.kept.flatMap((line) => [...line.step.slice(-1)]))?.[1];
    const at = cursor ?? (newest === null ? lastKept : step[newest]);
    if (at === undefined) return;
    const own = shown === null ? [] : [this.valuesText(shown), `β ${brief(beta[shown])}`];
    const label = `${this.title}, ${UNIT}, at step ${at}: ${[...own, ...this.keptText(at)].join("; ")}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
}

/**
 * The changes of a run with its beginning from another one's state and its best step among them, ascending.
 * @param {Pick<CurveData, "changes" | "fork" | "best">} data
 * @returns {(Change & { isFork?: boolean, isBest?: boolean })[]}
 */
export function marksOf({ changes, fork, best }) {
  const withFork = withMark(changes, fork, { isFork: true });
  return withMark(withFork, best, { isBest: true });
}

/**
 * @template {Change} Mark
 * @param {readonly Mark[]} marks
 * @param {number | null} at
 * @param {object} what
 * @returns {Mark[]}
 */
function withMark(marks, at, what) {
  if (at === null) return [...marks];
  const there = marks.filter(({ step }) => step === at);
  const mark = Object.assign({ step: at }, ...there, what);
  return [...marks.filter(({ step }) => step < at), mark, ...marks.filter(({ step }) => step > at)];
}

/**
 * Where a curve ends in the frame, in pixels; null where nothing of it is in view.
 * @param {Line} line
 * @param {Frame} frame
 */
function lastInView({ step, values }, frame) {
  const row = step.findLastIndex(
    (one, i) => one >= frame.x0 && one <= frame.x1 && Number.isFinite(values[i]),
  );
  return row < 0 ? null : { x: frame.px(step[row]), y: frame.py(values[row]) };
}
