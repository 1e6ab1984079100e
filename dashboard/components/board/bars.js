/** The KL of each latent dimension as a bar: full where the unit is active, hollow where it is not. */

import { drawAxes, prepare, showTip, stroke, write } from "../shared/canvas.js";
import { makeFrame, plotBox } from "../shared/frame.js";
import { clamp, extent, fixed, latentName, niceTicks, range } from "../shared/numbers.js";
import { listen } from "../shared/pointer.js";
import { LEAST_RANGE } from "./history.js";

/**
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/theme.js").Theme} Theme
 *
 * @typedef {object} BarsData
 * @property {readonly number[]} kl Nats, by dimension; empty where there are no parts.
 * @property {readonly boolean[]} active
 * @property {string} missing That there are no bars, in a few words; "" where there are.
 * @property {string} why The same in a sentence.
 */

const MOST_WIDTH = 44;
const NUMBER_WIDTH = 34;
const NAME_WIDTH = 22;
const ACTIVE = "their mean μⱼ(x) varies over the examples by more than 0.01.";

/**
 * The upper end of the axis: never so low that noise looks like structure.
 * @param {readonly number[]} kl
 */
export const barReach = (kl) => Math.max(LEAST_RANGE, extent(kl)?.[1] ?? 0) * 1.15;

export class KlBars {
  /** @type {BarsData} */
  data = { kl: [], active: [], missing: "", why: "" };
  /** The dimension that the tooltip tells of. @type {number | null} */
  chosen = null;
  /** The scales of the last drawing. @type {Frame | null} */
  frame = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} tip
   * @param {HTMLElement} note
   * @param {HTMLElement} words What stands in the place of bars.
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(canvas, tip, note, words, invalidate) {
    this.canvas = canvas;
    this.tip = tip;
    this.note = note;
    this.words = words;
    this.invalidate = invalidate;
    listen(canvas, {
      hover: (at) => this.choose(this.dimensionAt(at.x)),
      leave: () => this.choose(null),
      drag: (at) => this.choose(this.dimensionAt(at.x)),
      drop: () => {},
      key: ({ key }) => this.key(key),
    });
    canvas.addEventListener("blur", () => this.choose(null));
  }

  /** @param {BarsData} data */
  set(data) {
    this.data = data;
    const { kl, active, missing, why } = data;
    const count = `${active.filter(Boolean).length} of ${active.length} active`;
    this.note.textContent = missing || `· ${count}`;
    // Whether a unit is active is known without parts of the KL: an empty frame would say nothing.
    this.words.textContent = why && active.length ? `${why} ${count}: ${ACTIVE}` : why;
    this.words.hidden = !missing;
    /** @type {HTMLElement} */ (this.canvas.parentElement).hidden = Boolean(missing);
    const each = kl.map((_, axis) => this.textOf(axis)).join("; ");
    const label = `KL of each latent dimension, nats per example: ${missing || `${count}: ${each}`}`;
    this.canvas.setAttribute("aria-label", label);
  }

  /** @param {number} axis */
  textOf(axis) {
    const is = this.data.active[axis] ? "active" : "not active";
    return `${latentName(axis)} ${fixed(this.data.kl[axis], 3)}, ${is}`;
  }

  /** @param {number} x in pixels */
  dimensionAt(x) {
    if (!this.frame || !this.data.kl.length) return null;
    return clamp(Math.floor(this.frame.x(x)), 0, this.data.kl.length - 1);
  }

  /** @param {number | null} axis */
  choose(axis) {
    this.chosen = axis;
    this.invalidate();
  }

  /**
   * Whether it used the key.
   * @param {string} key
   */
  key(key) {
    const count = this.data.kl.length;
    if (!count || !["ArrowLeft", "ArrowRight", "Escape"].includes(key)) return false;
    const by = key === "ArrowLeft" ? -1 : 1;
    if (key === "Escape") this.choose(null);
    else this.choose(this.chosen === null ? 0 : clamp(this.chosen + by, 0, count - 1));
    return true;
  }

  /** @param {Theme} theme */
  draw(theme) {
    const { kl, active, missing } = this.data;
    if (missing) return false;
    const { context, ...size } = prepare(this.canvas);
    const box = plotBox(size, "z", 16);
    const frame = makeFrame(box, [0, Math.max(1, kl.length)], [0, barReach(kl)]);
    this.frame = frame;
    const yTicks = niceTicks(0, frame.y1, box.height / 24);
    drawAxes(context, theme, frame, { xTicks: [], yTicks, xTitle: "", yTitle: "" });
    const step = box.width / Math.max(1, kl.length);
    const width = Math.max(1, Math.min(MOST_WIDTH, step * 0.7));
    const namesApart = Math.ceil(NAME_WIDTH / step);
    kl.forEach((value, axis) => {
      const middle = frame.px(axis + 0.5);
      const top = frame.py(Number.isFinite(value) ? Math.max(0, value) : 0);
      context.beginPath();
      context.rect(middle - width / 2, top, width, box.top + box.height - top);
      context.fillStyle = theme.concepts.kl;
      if (active[axis]) context.fill();
      stroke(context, theme.concepts.kl, { width: 1.5 });
      if (step >= NUMBER_WIDTH) write(context, theme, fixed(value, 2), middle, top - 8);
      if (axis % namesApart) return;
      write(context, theme, latentName(axis), middle, box.top + box.height + 4, { base: "top" });
    });
    this.tell(frame);
    return false;
  }

  /** @param {Frame} frame */
  tell(frame) {
    const { chosen } = this;
    if (chosen === null || !range(this.data.kl.length).includes(chosen)) showTip(this.tip, "", 0, 0);
    else showTip(this.tip, `${this.textOf(chosen)}`, frame.px(chosen + 0.5), frame.top + frame.height);
  }
}
