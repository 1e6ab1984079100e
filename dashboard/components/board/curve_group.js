/** What the line charts share: the range of steps in view, the crosshair and the keys. */

import { showTip } from "../shared/canvas.js";
import { makeFrame, zoomedRange } from "../shared/frame.js";
import { brief, clamp } from "../shared/numbers.js";
import { listen } from "../shared/pointer.js";
import { allSteps, fullRange, movedCursor, nearestRow, NO_HISTORY, rowAt } from "./history.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./curve.js").Curve} Curve
 * @typedef {import("./curve.js").CurveData} CurveData
 * @typedef {import("./history.js").Concept} Concept
 */

const CLICK = 4;
const KEY_FACTOR = 0.7;

export class CurveGroup {
  history = NO_HISTORY;
  /** All steps, of the kept runs, too: two windows with the same runs have the same scales. */
  whole = fullRange([]);
  /** The range of steps in view; null for all, also those to come. @type {[number, number] | null} */
  zoom = null;
  /** Where the crosshair can stand, ascending: at the rows, and beyond the last one at those of the kept runs. */
  steps = NO_HISTORY.step;
  /** @type {number | null} */
  cursorStep = null;
  /** The chart that the crosshair was moved in. @type {Curve | null} */
  active = null;
  /** A range of steps that is being dragged. @type {number[] | null} */
  selection = null;

  /**
   * @param {Curve[]} curves
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(curves, invalidate) {
    this.curves = curves;
    this.invalidate = invalidate;
    for (const curve of curves) this.connect(curve);
  }

  /** For another run. */
  clear() {
    this.zoom = null;
    this.cursorStep = null;
    this.active = null;
    this.selection = null;
  }

  /**
   * @param {Omit<CurveData, "missing">} data
   * @param {Partial<Record<Concept, string>>} missing Why a chart stays empty.
   */
  set(data, missing) {
    this.history = data.history;
    const kept = [...data.ghosts.map(({ history }) => history.step), data.later.step, data.validation.step];
    this.whole = fullRange([data.history.step, ...kept]);
    this.steps = allSteps(data.history.step, kept);
    for (const curve of this.curves) curve.set({ ...data, missing: missing[curve.concept] ?? "" });
  }

  get range() {
    return this.zoom ?? this.whole;
  }

  /** The row under the crosshair, or null, as beyond the last row, where only kept runs have values. */
  get row() {
    return this.cursorStep === null ? null : rowAt(this.history.step, this.cursorStep);
  }

  /**
   * Ranges that hold everything mean "no zoom": the charts follow the data again.
   * @param {number} from
   * @param {number} to
   */
  setZoom(from, to) {
    this.zoom = zoomedRange([from, to], this.whole);
    this.invalidate();
  }

  /**
   * Returns whether it changed anything: there is nothing to zoom out of where all steps are in view.
   * @param {number} step
   * @param {number} factor
   */
  zoomAbout(step, factor) {
    const [from, to] = this.range;
    if (factor > 1 && this.zoom === null) return false;
    this.setZoom(step - (step - from) * factor, step + (to - step) * factor);
    return true;
  }

  /**
   * @param {Curve} curve
   * @param {number} x in pixels
   */
  stepAt({ box }, x) {
    return makeFrame(box, this.range, [0, 1]).x(clamp(x, box.left, box.left + box.width));
  }

  /**
   * @param {Curve} curve
   * @param {number | null} step null takes the crosshair away.
   */
  point(curve, step) {
    const at = step === null ? null : nearestRow(this.steps, step);
    this.active = at === null ? null : curve;
    this.cursorStep = at === null ? null : this.steps[at];
    this.invalidate();
  }

  /** @param {Curve} curve */
  connect(curve) {
    listen(curve.canvas, {
      hover: (at) => this.point(curve, this.stepAt(curve, at.x)),
      leave: () => this.leave(curve),
      drag: (at, start) => this.select(curve, at, start),
      drop: (at, start) => this.takeSelection(Math.abs(at.x - start.x) > CLICK),
      wheel: (at, factor) => this.zoomAbout(this.stepAt(curve, at.x), factor),
      reset: () => this.setZoom(-Infinity, Infinity),
      key: (event) => this.key(curve, event.key),
    });
    curve.canvas.addEventListener("blur", () => this.point(curve, null));
  }

  /** @param {Curve} curve */
  leave(curve) {
    this.selection = null;
    this.point(curve, null);
  }

  /**
   * @param {Curve} curve
   * @param {Point} at
   * @param {Point} start
   */
  select(curve, at, start) {
    this.selection = [this.stepAt(curve, start.x), this.stepAt(curve, at.x)].sort((a, b) => a - b);
    this.invalidate();
  }

  /** @param {boolean} far Whether the pointer was dragged rather than clicked. */
  takeSelection(far) {
    if (far && this.selection) this.setZoom(this.selection[0], this.selection[1]);
    this.selection = null;
    this.invalidate();
  }

  /**
   * Whether it used the key.
   * @param {Curve} curve
   * @param {string} key
   */
  key(curve, key) {
    const middle = this.cursorStep ?? (this.range[0] + this.range[1]) / 2;
    if (key === "ArrowLeft" || key === "ArrowRight") this.moveCursor(curve, key === "ArrowLeft" ? -1 : 1);
    else if (key === "+" || key === "=") this.zoomAbout(middle, KEY_FACTOR);
    else if (key === "-") this.zoomAbout(middle, 1 / KEY_FACTOR);
    else if (key === "0") this.setZoom(-Infinity, Infinity);
    else if (key === "Escape") this.point(curve, null);
    else return false;
    return true;
  }

  /**
   * @param {Curve} curve
   * @param {number} by rows
   */
  moveCursor(curve, by) {
    const steps = this.cursorStep === null ? this.history.step : this.steps;
    this.point(curve, movedCursor(steps, this.range, this.cursorStep, by));
  }

  /** @param {Theme} theme */
  draw(theme) {
    const { range, cursorStep: cursor, row, selection } = this;
    for (const curve of this.curves) {
      curve.draw(theme, { range, isZoomed: this.zoom !== null, cursor, row, selection });
      this.tell(curve, row);
    }
    return false;
  }

  /**
   * @param {Curve} curve
   * @param {number | null} row
   */
  tell(curve, row) {
    curve.say(row);
    if (this.cursorStep === null || curve !== this.active) {
      showTip(curve.tip, "", 0, 0);
      return;
    }
    const { epoch, beta } = this.history;
    const { box } = curve;
    const own = row === null ? [] : [`epoch ${epoch[row]}`, `β ${brief(beta[row])}`];
    const where = [`step ${this.cursorStep}`, ...own].join(" · ");
    const x = makeFrame(box, this.range, [0, 1]).px(this.cursorStep);
    const lines = [where, ...curve.keptText(this.cursorStep)];
    showTip(curve.tip, lines.join("\n"), x, box.top + box.height + 24);
  }

  get zoomText() {
    return this.zoom === null ? "" : this.zoom.map((step) => Number(step.toFixed(2))).join(",");
  }
}
