/** The latent plane: posterior means by class over the prior, with a view that moves smoothly, zooms and pans. */

import { clipTo, drawAxes, prepare, stroke, write } from "./canvas.js";
import { makeFrame, plotBox, squareFrame, zoomed } from "./frame.js";
import { extent, fixed, latentName, median, niceTicks } from "./numbers.js";
import { classColour } from "./theme.js";
import { Tween } from "./tween.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("./canvas.js").Style} Style
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Point} Point
 * @typedef {import("./frame.js").View} View
 * @typedef {import("./theme.js").Theme} Theme
 *
 * @typedef {object} PlaneData
 * @property {Float32Array} means of q(z|x) in the plane, flat pairs
 * @property {Float32Array} stds the same for the standard deviations
 * @property {Int32Array} labels -1 where there is none
 * @property {string[]} classNames
 * @property {number[]} axes the two latent dimensions, counted from 0
 * @property {number} latentDim
 */

/** @type {PlaneData} */
const NOTHING = {
  means: new Float32Array(),
  stds: new Float32Array(),
  labels: new Int32Array(),
  classNames: [],
  axes: [0, 1],
  latentDim: 2,
};

/**
 * Adds a mark to the path. Ten colours times three shapes: the classes from 8 on differ from all others in two ways.
 *
 * @param {Context} context
 * @param {number} label
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function addMark(context, label, x, y, radius) {
  const shape = label < 8 ? 0 : Math.floor(label / 8) % 3;
  context.moveTo(x + radius, y);
  if (shape === 0) {
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else if (shape === 1) {
    context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  } else {
    context.moveTo(x, y - radius * 1.2);
    context.lineTo(x + radius * 1.2, y + radius);
    context.lineTo(x - radius * 1.2, y + radius);
    context.closePath();
  }
}

/**
 * Moves places that are closer than `apart` pixels away from each other, half the distance each, so that names can
 * be read.
 *
 * @param {number[][]} places changed in place
 * @param {number} apart
 */
export function spreadOut(places, apart) {
  for (let round = 0; round < 8; round++) {
    for (const a of places) {
      for (const b of places) {
        const away = Math.hypot(a[0] - b[0], a[1] - b[1]);
        if (a === b || !(away < apart)) continue;
        const push = (apart - away) / 2 / (away || 1);
        const [dx, dy] = [(a[0] - b[0] || 1e-3) * push, (a[1] - b[1] || 1e-3) * push];
        a[0] += dx;
        a[1] += dy;
        b[0] -= dx;
        b[1] -= dy;
      }
    }
  }
}

export class Plane {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} invalidate asks for a frame
   */
  constructor(canvas, invalidate) {
    this.canvas = canvas;
    this.invalidate = invalidate;
    this.data = NOTHING;
    this.single = false;
    /** @type {number[]} */
    this.classes = [];
    this.places = new Tween();
    this.reach = new Tween();
    this.reach.set(Float32Array.of(3.3, 1.2), 0, true);
    /** @type {View | null} */
    this.view = null;
    /** What is drawn now: the means, then the places of the names of the classes. @type {Float32Array} */
    this.shown = new Float32Array();
    this.frame = this.frameAt(0);
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

  /**
   * The scales at a time: they move with the reach of the means.
   *
   * @param {number} now
   */
  frameAt(now) {
    const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const box = plotBox(size, this.titles()[0]);
    const [reach, tallest] = this.reach.read(now);
    const { centre, zoom } = this.view ?? { centre: [0, this.single ? tallest / 2 : 0], zoom: 1 };
    if (!this.single) return squareFrame(box, centre, reach / zoom);
    const [across, up] = [reach / zoom, tallest / 2 / zoom];
    return makeFrame(box, [centre[0] - across, centre[0] + across], [centre[1] - up, centre[1] + up]);
  }

  /**
   * @param {Theme} theme
   * @param {number} now
   * @returns {boolean} whether the means or the scales still move
   */
  draw(theme, now) {
    const { context } = prepare(this.canvas);
    this.frame = this.frameAt(now);
    const [xTitle, yTitle] = this.titles();
    const xTicks = niceTicks(this.frame.x0, this.frame.x1, this.frame.width / 50);
    const yTicks = niceTicks(this.frame.y0, this.frame.y1, this.frame.height / 45);
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle, yTitle });
    clipTo(context, this.frame);
    this.drawPrior(context, theme);
    this.shown = this.places.read(now);
    this.drawPoints(context, theme);
    this.drawNames(context, theme);
    /** @type {Style} */
    const style = { colour: theme.concepts.prior, align: "left", base: "bottom", halo: 4 };
    const bottom = this.frame.top + this.frame.height - 4;
    write(context, theme, "prior: 1, 2, 3 std", this.frame.left + 5, bottom, style);
    context.restore();
    return this.places.moving(now) || this.reach.moving(now);
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   */
  drawPrior(context, theme) {
    const { px, py, left, top, width, height } = this.frame;
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
   * @param {Context} context
   * @param {Theme} theme
   */
  drawPoints(context, theme) {
    const { labels } = this.data;
    context.globalAlpha = 0.65;
    for (const label of [-1, ...this.classes]) {
      context.beginPath();
      for (let i = 0; i < labels.length; i++) {
        const [x, y] = [this.shown[2 * i], this.shown[2 * i + 1]];
        if (labels[i] !== label || !Number.isFinite(x + y)) continue;
        addMark(context, label, this.frame.px(x), this.frame.py(y), 3);
      }
      context.fillStyle = classColour(theme, label);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   */
  drawNames(context, theme) {
    const first = 2 * this.data.labels.length;
    const places = this.classes.map((_, k) => {
      const at = first + 2 * k;
      return [this.frame.px(this.shown[at]), this.frame.py(this.shown[at + 1])];
    });
    spreadOut(places, 17);
    this.classes.forEach((label, k) => {
      const [x, y] = places[k];
      const style = { colour: classColour(theme, label), weight: 700, size: 18, halo: 5 };
      if (Number.isFinite(x + y)) write(context, theme, this.className(label), x, y, style);
    });
  }

  /** @param {View | null} view null for the whole plane */
  look(view) {
    this.view = view;
    this.invalidate();
  }

  zoomOf() {
    return this.view?.zoom ?? 1;
  }

  /**
   * Zooms about a place in pixels, which stays where it is.
   *
   * @param {Point} at
   * @param {number} factor below 1 to come nearer
   * @returns {boolean} whether there was anything to zoom
   */
  zoomAbout(at, factor) {
    if (factor > 1 && this.view === null) return false;
    this.look(zoomed(this.frame, this.zoomOf(), at, factor));
    return true;
  }
}
