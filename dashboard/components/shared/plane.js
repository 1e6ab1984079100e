/** The latent plane: posterior means by class over the prior, with a view that glides, zooms and pans. */

import { clipTo, drawAxes, plotBox, prepare, showTip, stroke, write } from "./canvas.js";
import { addMark, classColour } from "./class_marks.js";
import { BAR_ROOM, drawColourBar } from "./colour_bar.js";
import { centreOf, makeFrame, panned, squareFrame, zoomed } from "./frame.js";
import { clamp, extent, fixed, latentName, median, niceTicks } from "./numbers.js";
import { KEY_MOVES, listen } from "./pointer.js";
import { Tween } from "./tween.js";

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Point} Point
 * @typedef {import("./frame.js").View} View
 * @typedef {import("./theme.js").Theme} Theme
 *
 * @typedef {object} PlaneData
 * @property {Float32Array} means Pairs, flat.
 * @property {Float32Array} [covariances] Of each pair; none, or empty: 0.
 * @property {Float32Array} stds Pairs, flat; only read where there is a tooltip or one latent dimension.
 * @property {Int32Array} labels -1 where an example has none.
 * @property {string} [what] The labels name; "class" where nothing is said.
 * @property {readonly string[] | null} [ends] The least and the largest number, of which the labels are steps.
 * @property {string[]} classNames
 * @property {readonly number[]} axes The two dimensions that are shown, from 0; the same twice when J = 1.
 * @property {number} latentDim
 * @property {readonly import("./gaussian.js").Posterior[]} [components] Of a learned prior; none where it is not drawn.
 * @property {boolean} [learnedPrior] Whether the prior is not N(0, I).
 */

/** What a key does: the factor of a zoom, and how many arrow keys cross what is in view. */
const KEY_FACTOR = 0.7;
const KEY_PANS = 10;

/**
 * Moves places that are closer than some pixels apart, half the way each, so that names can be read.
 * @param {number[][]} places
 * @param {number} least
 */
export function spreadOut(places, least) {
  for (let round = 0; round < 8; round++) {
    for (const a of places) {
      for (const b of places) {
        const away = Math.hypot(a[0] - b[0], a[1] - b[1]);
        if (a === b || !(away < least)) continue;
        const push = (least - away) / 2 / (away || 1);
        const [dx, dy] = [(a[0] - b[0] || 1e-3) * push, (a[1] - b[1] || 1e-3) * push];
        a[0] += dx;
        a[1] += dy;
        b[0] -= dx;
        b[1] -= dy;
      }
    }
  }
}

/** Names that lie within so many pixels of each other stand in a row beside their place. */
const NAME_SIZE = 17;
const ROW_OVER = 52;
const LETTER_WIDTH = 10;

/**
 * Where names stand for the places that they name: there, or pushed apart a little; those of places that are one and
 * the same in a row above it. Nothing that the places do not have, such as a ring, may come of it.
 * @param {readonly number[][]} places in pixels
 * @param {readonly number[]} widths of the names
 * @param {{ left: number, width: number, top: number }} box that the row stays in
 * @returns {number[][]}
 */
export function namePlaces(places, widths, { left, width, top }) {
  const shown = [...places.keys()].filter((k) => Number.isFinite(places[k][0] + places[k][1]));
  const middle = [0, 1].map((axis) => median(shown.map((k) => places[k][axis])));
  const found = places.map(([x, y]) => [x, y]);
  const isOnePlace =
    shown.length > 2 &&
    shown.every((k) => Math.hypot(places[k][0] - middle[0], places[k][1] - middle[1]) < NAME_SIZE);
  if (!isOnePlace) {
    spreadOut(found, NAME_SIZE);
    // A name whose place is in sight is, too, from its first letter to its last.
    for (const k of shown) {
      const half = Math.min(widths[k], width) / 2;
      const isInside = places[k][0] >= left && places[k][0] <= left + width;
      if (isInside) found[k][0] = clamp(found[k][0], left + half, left + width - half);
    }
    return found;
  }
  const length = shown.reduce((sum, k) => sum + widths[k], 0);
  let x = clamp(middle[0] - length / 2, left, Math.max(left, left + width - length));
  const y = Math.max(top + NAME_SIZE, middle[1] - ROW_OVER);
  for (const k of shown) {
    found[k] = [x + widths[k] / 2, y];
    x += widths[k];
  }
  return found;
}

export class Plane {
  places = new Tween();
  reach = new Tween();
  /** What is in view; null means everything. @type {View | null} */
  view = null;
  single = false;
  /** @type {number[]} */
  classes = [];
  /** Pairs as they were drawn last: the means, then the middles of the classes. @type {Float32Array} */
  shown = new Float32Array();
  /** @type {Point | null} */
  pointer = null;
  /** Where the centre was when the plane was taken hold of. @type {number[] | null} */
  held = null;
  /** The scales of the last drawing; null before the first one. @type {Frame | null} */
  frame = null;
  /** @type {PlaneData} */
  data = {
    means: new Float32Array(),
    stds: new Float32Array(),
    labels: new Int32Array(),
    classNames: [],
    axes: [0, 1],
    latentDim: 2,
  };

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement | null} tip
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(canvas, tip, invalidate) {
    this.canvas = canvas;
    this.tip = tip;
    this.invalidate = invalidate;
  }

  /**
   * @param {PlaneData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    this.data = data;
    this.single = data.latentDim === 1;
    const pairs = this.single ? data.means.map((mean, i) => (i % 2 ? data.stds[i] : mean)) : data.means;
    this.classes = [...new Set(data.labels)].filter((label) => label >= 0).sort((a, b) => a - b);
    const middles = this.classes.flatMap((label) => this.middle(pairs, label));
    // By `set`: a call takes no 100 000 arguments.
    const places = new Float32Array(pairs.length + middles.length);
    places.set(pairs);
    places.set(middles, pairs.length);
    this.places.set(places, now, instant);
    const [firsts, seconds] = [0, 1].map((axis) => extent(pairs.filter((_, i) => i % 2 === axis)) ?? [0, 0]);
    const [low, high] = this.single ? firsts : (extent(pairs) ?? [0, 0]);
    const reach = Float32Array.of(Math.max(3.3, -low * 1.08, high * 1.08), Math.max(1.2, seconds[1] * 1.1));
    this.reach.set(reach, now, instant);
    this.describe(low, high);
  }

  /**
   * @param {Float32Array} pairs
   * @param {number} label
   */
  middle(pairs, label) {
    const members = [...this.data.labels.keys()].filter((i) => this.data.labels[i] === label);
    return [0, 1].map((axis) => median(members.map((i) => pairs[2 * i + axis])));
  }

  /** @param {number} label */
  className(label) {
    return this.data.classNames[label] ?? String(label);
  }

  /**
   * @param {number} low
   * @param {number} high
   */
  describe(low, high) {
    const axes = this.titles().join(" against ");
    const count = `${this.data.labels.length} held-out examples, ${this.classes.length} classes`;
    const text = `${axes}: posterior means of ${count}, from ${fixed(low, 1)} to ${fixed(high, 1)}`;
    this.canvas.setAttribute("aria-label", text);
  }

  titles() {
    const [first, second] = this.data.axes.map(latentName);
    return this.single ? [`posterior mean of ${first}`, "posterior std"] : [first, second];
  }

  /** @param {number} now */
  frameAt(now) {
    const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const box = plotBox(size, this.titles()[0]);
    if (this.data.ends) Object.assign(box, { top: box.top + BAR_ROOM, height: box.height - BAR_ROOM });
    const [reach, tallest] = this.reach.target ? this.reach.read(now) : [3.3, 1.2];
    const { centre, zoom } = this.view ?? { centre: [0, this.single ? tallest / 2 : 0], zoom: 1 };
    if (!this.single) return squareFrame(box, centre, reach / zoom);
    const half = [reach / zoom, tallest / 2 / zoom];
    const [xEnds, yEnds] = [0, 1].map((axis) => [centre[axis] - half[axis], centre[axis] + half[axis]]);
    return makeFrame(box, xEnds, yEnds);
  }

  /** The scales of the last drawing, or those of now before the first one. */
  currentFrame() {
    this.frame ??= this.frameAt(performance.now());
    return this.frame;
  }

  /**
   * Returns whether it is still gliding.
   * @param {Theme} theme
   * @param {number} now
   */
  draw(theme, now) {
    const { context } = prepare(this.canvas);
    const frame = this.frameAt(now);
    this.frame = frame;
    const [xTitle, yTitle] = this.titles();
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle });
    clipTo(context, frame);
    this.drawPrior(context, theme, frame);
    this.shown = this.visible(this.places.read(now));
    this.drawPoints(context, theme, frame);
    if (!this.data.ends) this.drawNames(context, theme, frame);
    /** @type {import("./canvas.js").Style} */
    const style = { colour: theme.concepts.prior, align: "left", base: "bottom", halo: 4 };
    const of = this.data.learnedPrior ? "N(0, I), not the prior" : "prior";
    const said = this.data.components?.length
      ? "components of the learned prior: 1 std"
      : `${of}: 1, 2, 3 std`;
    write(context, theme, said, frame.left + 5, frame.top + frame.height - 4, style);
    context.restore();
    if (this.data.ends) drawColourBar(context, theme, frame, { what: this.what, ends: this.data.ends });
    this.tell(context, theme, frame);
    return this.places.moving(now) || this.reach.moving(now);
  }

  /** What the labels name. */
  get what() {
    return this.data.what ?? "class";
  }

  /**
   * The places with NaN for those that are neither drawn nor near to anything.
   * @param {Float32Array} places
   */
  visible(places) {
    return places;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPrior(context, theme, { px, py, left, top, width, height }) {
    context.beginPath();
    for (const deviations of this.single ? [-3, -2, -1, 1, 2, 3] : [1, 2, 3]) {
      if (this.single) {
        context.moveTo(px(deviations), top);
        context.lineTo(px(deviations), top + height);
      } else {
        context.moveTo(px(deviations), py(0));
        context.arc(px(0), py(0), px(deviations) - px(0), 0, 2 * Math.PI);
      }
    }
    if (this.single) {
      context.moveTo(left, py(1));
      context.lineTo(left + width, py(1));
    }
    stroke(context, theme.concepts.prior, { dash: [5, 4], width: 1.25 });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPoints(context, theme, frame, radius = 3) {
    const { labels, ends } = this.data;
    context.globalAlpha = 0.65;
    for (const label of [-1, ...this.classes]) {
      context.beginPath();
      for (let i = 0; i < labels.length; i++) {
        const [x, y] = [this.shown[2 * i], this.shown[2 * i + 1]];
        if (labels[i] !== label || !Number.isFinite(x + y)) continue;
        addMark(context, ends ? 0 : label, frame.px(x), frame.py(y), radius);
      }
      context.fillStyle = classColour(theme, label);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawNames(context, theme, frame) {
    const first = 2 * this.data.labels.length;
    const places = this.classes.map((_, k) => [
      frame.px(this.shown[first + 2 * k]),
      frame.py(this.shown[first + 2 * k + 1]),
    ]);
    const names = this.classes.map((label) => this.className(label));
    const widths = names.map((name) => LETTER_WIDTH * name.length + 6);
    const beside = namePlaces(places, widths, frame);
    context.beginPath();
    places.forEach(([x, y], k) => {
      if (!(Math.hypot(x - beside[k][0], y - beside[k][1]) > NAME_SIZE / 2)) return;
      context.moveTo(x, y);
      context.lineTo(beside[k][0], beside[k][1]);
    });
    stroke(context, theme.text, { alpha: 0.6 });
    this.classes.forEach((label, k) => {
      const [x, y] = beside[k];
      const style = { colour: classColour(theme, label), weight: 700, size: 18, halo: 5 };
      if (Number.isFinite(x + y)) write(context, theme, names[k], x, y, style);
    });
  }

  /**
   * Index of the example whose mean is drawn nearest to some pixels, or null.
   * @param {Frame} frame
   * @param {Point} at
   */
  nearestTo(frame, { x, y }, within = 16) {
    let best = null;
    let closest = within;
    for (let i = 0; i < this.shown.length / 2 && i < this.data.labels.length; i++) {
      const away = Math.hypot(frame.px(this.shown[2 * i]) - x, frame.py(this.shown[2 * i + 1]) - y);
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }

  /**
   * What the tooltip says of the example under the pointer.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  tell(context, theme, frame) {
    if (!this.tip) return;
    const i = this.pointer ? this.nearestTo(frame, this.pointer) : null;
    if (i === null) {
      showTip(this.tip, "", 0, 0);
      return;
    }
    const [x, y] = [frame.px(this.shown[2 * i]), frame.py(this.shown[2 * i + 1])];
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    stroke(context, theme.text, { width: 2 });
    const axes = this.single ? [0] : [0, 1];
    const pair = (/** @type {Float32Array} */ values) =>
      axes.map((axis) => fixed(values[2 * i + axis], 2)).join(", ");
    const { labels } = this.data;
    const name = labels[i] < 0 ? "" : `${this.what} ${this.className(labels[i])}\n`;
    showTip(this.tip, `${name}mean ${pair(this.data.means)}\nstd ${pair(this.data.stds)}`, x, y - 10);
  }

  /** Lets the pointer show, zoom and pan by itself. */
  connect() {
    listen(this.canvas, {
      hover: (at) => this.point(at),
      leave: () => this.leave(),
      drag: (at, start) => this.drag(at, start),
      drop: () => (this.held = null),
      wheel: (at, factor) => this.zoomAbout(at, factor),
      reset: () => this.look(null),
      key: (event) => this.key(event.key),
    });
  }

  /**
   * Whether it used the key.
   * @param {string} key
   */
  key(key) {
    const frame = this.currentFrame();
    const middle = { x: frame.left + frame.width / 2, y: frame.top + frame.height / 2 };
    const move = KEY_MOVES[key];
    if (move) {
      const moved = { x: (-move[0] * frame.width) / KEY_PANS, y: (move[1] * frame.height) / KEY_PANS };
      this.look({ centre: panned(frame, centreOf(frame), moved), zoom: this.zoom });
    } else if (key === "+" || key === "=") {
      this.zoomAbout(middle, KEY_FACTOR);
    } else if (key === "-") {
      this.zoomAbout(middle, 1 / KEY_FACTOR);
    } else if (key === "0") {
      this.look(null);
    } else {
      return false;
    }
    return true;
  }

  leave() {
    this.held = null;
    this.point(null);
  }

  /** @param {View | null} view */
  look(view) {
    this.view = view;
    this.invalidate();
  }

  /** @param {Point | null} at */
  point(at) {
    this.pointer = at;
    this.invalidate();
  }

  get zoom() {
    return this.view?.zoom ?? 1;
  }

  /**
   * @param {Point} at
   * @param {Point} start
   */
  drag(at, start) {
    const frame = this.currentFrame();
    const moved = { x: at.x - start.x, y: at.y - start.y };
    this.pointer = null;
    this.held ??= centreOf(frame);
    const centre = panned(frame, this.held, moved);
    if (Math.hypot(moved.x, moved.y) > 3) this.look({ centre, zoom: this.zoom });
  }

  /**
   * Whether it used the turn of the wheel: out of everything there is no way out.
   * @param {Point} at
   * @param {number} factor
   */
  zoomAbout(at, factor) {
    if (factor > 1 && this.view === null) return false;
    this.look(zoomed(this.currentFrame(), this.zoom, at, factor));
    return true;
  }
}
