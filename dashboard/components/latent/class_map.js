/** What is drawn of the latent plane: the map (means, prior, names) and, above it, what moves every frame. */

import { clipTo, drawHandle, prepare, stroke, write } from "../shared/canvas.js";
import { centreOf, panned } from "../shared/frame.js";
import { ellipseOf } from "../shared/gaussian.js";
import { Plane } from "../shared/plane.js";
import { classColour } from "../shared/class_marks.js";
import { DensityLayer } from "./density.js";

/**
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/gaussian.js").Posterior} Posterior
 * @typedef {import("../shared/plane.js").PlaneData} PlaneData
 * @typedef {import("../shared/theme.js").Theme} Theme
 *
 * @typedef {object} Scene What moves.
 * @property {readonly number[]} axes
 * @property {readonly number[]} z
 * @property {readonly number[][]} pins
 * @property {readonly number[][] | null} path Places from the first pin to the second.
 * @property {Posterior | null} nearest
 * @property {Posterior | null} posterior
 */

const DEVIATIONS = [1, 2];
const NUM_DRAWS = 150;
const ABOVE_AXIS = 14;
const MANY_EXAMPLES = 2000;
const TOO_MANY_TO_GLIDE = 10_000;
const ROWS_AT_A_TIME = 500;
const COMPONENT_POINTS = 36;

/** The plane with switchable classes and a view that stays where it is when new data arrive. */
export class ClassMap extends Plane {
  /** @type {Set<number>} */
  hiddenClasses = new Set();
  density = new DensityLayer();

  /**
   * @override
   * @param {PlaneData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    const reach = this.reach.target?.[0];
    this.density.set(data);
    super.set(data, now, instant || data.labels.length > TOO_MANY_TO_GLIDE);
    if (!this.view || !reach || !this.reach.target) return;
    this.view.zoom *= this.reach.target[0] / reach;
    this.reach.set(this.reach.target, now, true);
  }

  /**
   * @override
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPrior(context, theme, frame) {
    this.density.draw(context, theme, frame, this.invalidate);
    const { components, axes } = this.data;
    if (!components?.length) super.drawPrior(context, theme, frame);
    else drawComponents(context, theme, frame, components, this.single ? null : axes);
  }

  /**
   * @override
   * @param {Float32Array} places
   */
  visible(places) {
    if (!this.hiddenClasses.size) return places;
    const { labels } = this.data;
    const labelOf = (/** @type {number} */ i) =>
      i < labels.length ? labels[i] : this.classes[i - labels.length];
    return places.map((value, at) => (this.hiddenClasses.has(labelOf(at >> 1)) ? NaN : value));
  }

  /**
   * @override
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPoints(context, theme, frame) {
    const count = this.data.labels.length;
    if (count > TOO_MANY_TO_GLIDE) this.drawDots(context, theme, frame);
    else super.drawPoints(context, theme, frame, count > MANY_EXAMPLES ? 1.75 : 3);
  }

  /**
   * A rectangle for each example: of so many, filling paths of circles would take longer than a frame. Some rows at
   * a time, so that no class covers all others.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawDots(context, theme, frame) {
    const { labels } = this.data;
    context.globalAlpha = 0.5;
    for (let from = 0; from < labels.length; from += ROWS_AT_A_TIME) {
      for (const label of [-1, ...this.classes]) {
        context.fillStyle = classColour(theme, label);
        this.dotRows(context, frame, label, from, Math.min(labels.length, from + ROWS_AT_A_TIME));
      }
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {number} label
   * @param {number} from
   * @param {number} to
   */
  dotRows(context, { px, py }, label, from, to) {
    for (let i = from; i < to; i++) {
      if (this.data.labels[i] !== label || !Number.isFinite(this.shown[2 * i])) continue;
      context.fillRect(px(this.shown[2 * i]) - 1, py(this.shown[2 * i + 1]) - 1, 2, 2);
    }
  }

  /**
   * Index of the example whose mean is nearest, by the first coordinate alone on a line; null when none is shown.
   * @param {readonly number[]} place
   */
  nearest([x, y]) {
    let best = null;
    let closest = Infinity;
    for (let i = 0; i < this.data.labels.length; i++) {
      const across = this.shown[2 * i] - x;
      const up = this.single ? 0 : this.shown[2 * i + 1] - y;
      const away = across * across + up * up;
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }

  /**
   * The scales of now: several gestures may come between two drawings.
   * @override
   */
  currentFrame() {
    this.frame = this.frameAt(performance.now());
    return this.frame;
  }

  /** @param {Point} moved To the right and down, in pixels. */
  panBy(moved) {
    const frame = this.currentFrame();
    this.look({ centre: panned(frame, centreOf(frame), moved), zoom: this.zoom });
  }

  /**
   * Keeps a place in view that a key has moved out of it.
   * @param {readonly number[]} place
   */
  follow([x, y]) {
    const { x0, x1, y0, y1 } = this.currentFrame();
    const inView = x >= x0 && x <= x1 && (this.single || (y >= y0 && y <= y1));
    if (!inView) this.look({ centre: [x, this.single ? (y0 + y1) / 2 : y], zoom: this.zoom });
  }
}

/**
 * The components of a learned prior: ellipses at 1 standard deviation; on a line, where mean - std and mean + std lie.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Frame} frame
 * @param {readonly Posterior[]} components
 * @param {readonly number[] | null} axes Null on a line.
 */
function drawComponents(context, theme, { px, py, top, height }, components, axes) {
  context.beginPath();
  for (const part of components) {
    if (!axes) {
      for (const side of [-1, 1]) {
        context.moveTo(px(part.mean[0] + side * part.std[0]), top);
        context.lineTo(px(part.mean[0] + side * part.std[0]), top + height);
      }
      continue;
    }
    const [from, ...rest] = ellipseOf(part, axes, 1, COMPONENT_POINTS);
    context.moveTo(px(from[0]), py(from[1]));
    for (const [x, y] of rest) context.lineTo(px(x), py(y));
  }
  stroke(context, theme.concepts.prior, { dash: [5, 4], width: 1.25 });
}

/** The posterior of one example, pins, the path between them, and z. */
export class Overlay {
  /** What was drawn last. @type {Scene | null} */
  scene = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ClassMap} map
   */
  constructor(canvas, map) {
    this.canvas = canvas;
    this.map = map;
  }

  /**
   * @param {Theme} theme
   * @param {Scene} scene
   */
  draw(theme, scene) {
    const { context } = prepare(this.canvas);
    const frame = this.map.frame ?? this.map.currentFrame();
    this.scene = scene;
    clipTo(context, frame);
    const { axes } = scene;
    if (scene.nearest) this.drawPosterior(context, theme, frame, axes, scene.nearest, theme.text);
    if (scene.posterior) {
      this.drawPosterior(context, theme, frame, axes, scene.posterior, theme.concepts.posterior);
    }
    const pixels = (/** @type {readonly number[]} */ z) => this.pixelsOf(frame, axes, z);
    if (scene.path) this.drawPath(context, theme, scene.path.map(pixels));
    scene.pins.forEach((pin, k) => this.drawPin(context, theme, pixels(pin), k + 1));
    this.drawZ(context, theme, frame, pixels(scene.z));
    context.restore();
  }

  /**
   * Pixels of a point z; on a line, z stands just above the axis.
   * @param {Frame} frame
   * @param {readonly number[]} axes
   * @param {readonly number[]} z
   */
  pixelsOf({ px, py, top, height }, [first, second], z) {
    return [px(z[first]), this.map.single ? top + height - ABOVE_AXIS : py(z[second])];
  }

  /**
   * Ellipses at 1 and 2 standard deviations, to the scale of the axes; on a line, bars at the height of the std. Of
   * what is no Gaussian the curves that hold as much of it; in a plane of more than two dimensions draws.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {readonly number[]} axes
   * @param {Posterior} posterior
   * @param {string} colour
   */
  drawPosterior(context, theme, { px, py }, [first, second], posterior, colour) {
    const { mean, std } = posterior;
    const [x, y] = [px(mean[first]), py(this.map.single ? std[first] : mean[second])];
    context.beginPath();
    if (posterior.shape) this.traceShape(context, { px, py }, [first, second], posterior.shape, y);
    for (const k of posterior.shape ? [] : DEVIATIONS) {
      const right = px(mean[first] + k * std[first]) - x;
      if (this.map.single) {
        context.moveTo(x + right, y);
        context.lineTo(x - right, y);
        for (const side of [-right, right]) this.drawTick(context, x + side, y);
      } else if (posterior.factor) {
        const [from, ...rest] = ellipseOf(posterior, [first, second], k);
        context.moveTo(px(from[0]), py(from[1]));
        for (const [across, up] of rest) context.lineTo(px(across), py(up));
      } else {
        context.moveTo(x + right, y);
        context.ellipse(x, y, right, y - py(mean[second] + k * std[second]), 0, 0, 2 * Math.PI);
      }
    }
    stroke(context, theme.background, { width: 4, alpha: 0.7 });
    stroke(context, colour, { width: 1.75 });
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    stroke(context, theme.background, { width: 5 });
    stroke(context, colour, { width: 2 });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Pick<Frame, "px" | "py">} frame
   * @param {readonly number[]} axes
   * @param {import("../shared/gaussian.js").Shape} shape
   * @param {number} y Of the bars on a line.
   */
  traceShape(context, { px, py }, [first, second], shape, y) {
    if (shape.latentDim > 2) {
      for (const z of shape.draws(NUM_DRAWS)) {
        const [at, up] = [px(z[first]), py(z[second])];
        context.moveTo(at + 1.5, up);
        context.arc(at, up, 1.5, 0, 2 * Math.PI);
      }
      return;
    }
    for (const k of DEVIATIONS) {
      if (this.map.single) {
        for (const ends of shape.intervals(k).map((interval) => interval.map(px))) {
          context.moveTo(ends[0], y);
          context.lineTo(ends[1], y);
          for (const end of ends) this.drawTick(context, end, y);
        }
        continue;
      }
      for (const [from, ...rest] of shape.outlines(k)) {
        context.moveTo(px(from[first]), py(from[second]));
        for (const z of rest) context.lineTo(px(z[first]), py(z[second]));
      }
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   */
  drawTick(context, x, y) {
    context.moveTo(x, y - 5);
    context.lineTo(x, y + 5);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[][]} pixels
   */
  drawPath(context, theme, pixels) {
    context.beginPath();
    for (const [x, y] of pixels) context.lineTo(x, y);
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.concepts.decoded, { width: 2 });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[]} pixels
   * @param {number} number
   */
  drawPin(context, theme, [x, y], number) {
    context.beginPath();
    context.arc(x, y, 10, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.background, { width: 2 });
    write(context, theme, String(number), x, y + 1, { weight: 700, size: 13, colour: theme.background });
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {readonly number[]} pixels
   */
  drawZ(context, theme, frame, [x, y]) {
    if (this.map.single) {
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, frame.top + frame.height);
      stroke(context, theme.concepts.decoded, { width: 2 });
    }
    drawHandle(context, theme, [x, y], { radius: 7, outer: 6, inner: 3 });
  }
}
