/** What is dragged: q as bars over components, as a curve over a line, or as an ellipse in a plane. */

import { clipTo, drawAxes, prepare, stroke, write } from "../shared/canvas.js";
import { makeFrame, plotBox, squareFrame } from "../shared/frame.js";
import { clamp, fixed, niceTicks, spread } from "../shared/numbers.js";
import { adjusted, gaussianDensity, replaced } from "./drag.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import("../shared/frame.js").Frame} Frame
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./free_energy.js").Components} Components
 * @typedef {import("./free_energy.js").Gaussian} Gaussian
 * @typedef {import("./free_energy.js").NoisyMixture} NoisyMixture
 */

/**
 * @template Q
 * @typedef {object} Slider A coordinate of q.
 * @property {string} label
 * @property {number[]} range [least, greatest, step]
 * @property {(q: Q) => number} read
 * @property {(q: Q, value: number) => Q} write
 */

const HALF = 5;
const NEAR = 26;
const [NARROWEST, WIDEST] = [0.05, 3];
const UNIT_FRAME = makeFrame({ left: 0, top: 0, width: 1, height: 1 }, [0, 1], [0, 1]);

const KNOB = 9;

/** q over components: a bar is dragged up and down, the others keep their proportions. */
export class ProbabilityBars {
  frame = UNIT_FRAME;

  /**
   * @param {Components} model
   * @returns {number[]}
   */
  start(model) {
    return model.weights.map(() => 1 / model.weights.length);
  }

  /**
   * @param {Components} model
   * @returns {Slider<number[]>[]}
   */
  sliders(model) {
    return model.weights.map((_, k) => ({
      label: `q(component ${k + 1})`,
      range: [0, 1, 0.01],
      read: (q) => q[k],
      write: (q, value) => adjusted(q, k, value),
    }));
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {Components} model
   * @param {number[]} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = makeFrame(plotBox(size, "component", 26), [0.4, q.length + 0.6], [0, 1]);
    const xTicks = q.map((_, k) => ({ value: k + 1, text: String(k + 1) }));
    const yTicks = niceTicks(0, 1, 5);
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "component", yTitle: "probability" });
    q.forEach((share, k) => this.drawBar(context, theme, k, share, model.posterior[k]));
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {number} k
   * @param {number} share
   * @param {number} target of the posterior
   */
  drawBar(context, theme, k, share, target) {
    const { px, py } = this.frame;
    const { posterior, kl_to_posterior: goal } = theme.concepts;
    const [left, right] = [px(k + 0.7), px(k + 1.3)];
    context.fillStyle = posterior;
    context.globalAlpha = 0.85;
    context.fillRect(left, py(share), right - left, py(0) - py(share));
    context.globalAlpha = 1;
    context.beginPath();
    context.rect(left - 5, py(target), right - left + 10, py(0) - py(target));
    stroke(context, goal, { width: 4 });
    drawKnob(context, theme, px(k + 1), py(share));
    const style = { size: 16, weight: 700, halo: 5 };
    write(context, theme, fixed(share, 2), px(k + 1), Math.max(12, py(share) - 20), style);
  }

  /**
   * The bar under a pointer.
   * @param {Point} at
   * @param {number[]} q
   */
  grab(at, q) {
    return clamp(Math.round(this.frame.x(at.x)) - 1, 0, q.length - 1);
  }

  /**
   * @param {Point} at
   * @param {number[]} q
   * @param {number} held
   */
  drag(at, q, held) {
    return adjusted(q, held, this.frame.y(at.y));
  }
}

/**
 * @param {Context} context
 * @param {Theme} theme
 * @param {number} x
 * @param {number} y
 */
function drawKnob(context, theme, x, y) {
  context.beginPath();
  context.arc(x, y, KNOB, 0, 2 * Math.PI);
  context.fillStyle = theme.concepts.posterior;
  context.fill();
  stroke(context, theme.background, { width: 3 });
}

/** A Gaussian q with a knob at its mean and one for the standard deviation of each dimension. */
class GaussianPicture {
  frame = UNIT_FRAME;

  /**
   * Where the knobs are: the mean first.
   * @param {Gaussian} q
   * @returns {Point[]}
   */
  knobs(q) {
    const { px, py } = this.frame;
    const [x, y] = q.mean;
    return [
      { x: px(x), y: py(y) },
      { x: px(x + q.std[0]), y: py(y) },
      { x: px(x), y: py(y + q.std[1]) },
    ];
  }

  /**
   * @param {NoisyMixture} model
   * @returns {Gaussian}
   */
  start(model) {
    return { mean: model.x.map((_, i) => (i ? 0.5 : 1)), std: model.x.map(() => 1) };
  }

  /**
   * @param {NoisyMixture} model
   * @returns {Slider<Gaussian>[]}
   */
  sliders(model) {
    const slider = (
      /** @type {"mean" | "std"} */ part,
      /** @type {string} */ word,
      /** @type {number} */ i,
      /** @type {number[]} */ range,
    ) => ({
      label: model.dims > 1 ? `${word}, z${"₁₂"[i]}` : word,
      range,
      read: (/** @type {Gaussian} */ q) => q[part][i],
      write: (/** @type {Gaussian} */ q, /** @type {number} */ value) => ({
        ...q,
        [part]: replaced(q[part], i, value),
      }),
    });
    return model.x.flatMap((_, i) => [
      slider("mean", "mean of q", i, [-4, 4, 0.05]),
      slider("std", "width σ of q", i, [NARROWEST, WIDEST, 0.05]),
    ]);
  }

  /**
   * A knob of a width only when the pointer is nearer to it than to the mean's.
   * @param {Point} at
   * @param {Gaussian} q
   */
  grab(at, q) {
    const distances = this.knobs(q).map(({ x, y }) => Math.hypot(x - at.x, y - at.y));
    const nearest = distances.indexOf(Math.min(...distances));
    return distances[nearest] < NEAR ? nearest : 0;
  }

  /**
   * @param {Point} at
   * @param {Gaussian} q
   * @param {number} held
   * @returns {Gaussian}
   */
  drag(at, q, held) {
    const point = [this.frame.x(at.x), this.frame.y(at.y)];
    if (held === 0) return { ...q, mean: q.mean.map((_, i) => clamp(point[i], -4, 4)) };
    const width = clamp(Math.abs(point[held - 1] - q.mean[held - 1]), NARROWEST, WIDEST);
    return { ...q, std: replaced(q.std, held - 1, width) };
  }
}

export class DensityCurve extends GaussianPicture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {NoisyMixture} model
   * @param {Gaussian} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    const places = spread([-HALF, HALF], 401);
    const posterior = places.map((z) => Math.exp(model.posterior.logDensity([z])));
    const highest = Math.max(...posterior);
    const top = 1.12 * Math.max(highest, Math.min(gaussianDensity(q, q.mean[0]), 2.5 * highest));
    this.frame = makeFrame(plotBox(size, "z", 12), [-HALF, HALF], [0, top]);
    const [xTicks, yTicks] = [niceTicks(-HALF, HALF, 10), niceTicks(0, top, 5)];
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "z", yTitle: "density" });
    clipTo(context, this.frame);
    this.drawCurve(context, places, posterior, theme.concepts.kl_to_posterior, 0.35);
    const density = places.map((z) => gaussianDensity(q, z));
    this.drawCurve(context, places, density, theme.concepts.posterior, 0.2);
    context.restore();
    for (const { x, y } of this.knobs(q).reverse()) drawKnob(context, theme, x, Math.max(this.frame.top, y));
  }

  /**
   * @param {Context} context
   * @param {number[]} places
   * @param {number[]} values
   * @param {string} colour
   * @param {number} alpha of the area below it
   */
  drawCurve(context, places, values, colour, alpha) {
    const { px, py } = this.frame;
    context.beginPath();
    places.forEach((z, k) => context.lineTo(px(z), py(values[k])));
    stroke(context, colour, { width: 3.5 });
    context.lineTo(px(HALF), py(0));
    context.lineTo(px(-HALF), py(0));
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }

  /**
   * @override
   * @param {Gaussian} q
   */
  knobs(q) {
    const { px, py, y1 } = this.frame;
    return [0, 1].map((away) => {
      const z = q.mean[0] + away * q.std[0];
      return { x: px(z), y: py(Math.min(gaussianDensity(q, z), y1)) };
    });
  }
}

export class DensityPlane extends GaussianPicture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {NoisyMixture} model
   * @param {Gaussian} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = squareFrame(plotBox(size, "z₁", 12), [0, 0], 3);
    const { x0, x1, y0, y1, width, height } = this.frame;
    const [xTicks, yTicks] = [niceTicks(x0, x1, width / 60), niceTicks(y0, y1, height / 50)];
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "z₁", yTitle: "z₂" });
    clipTo(context, this.frame);
    this.drawPosterior(context, theme, model);
    const [x, y] = [this.frame.px(q.mean[0]), this.frame.py(q.mean[1])];
    const unit = this.frame.px(1) - this.frame.px(0);
    for (const radius of [1, 2]) {
      context.beginPath();
      context.ellipse(x, y, radius * q.std[0] * unit, radius * q.std[1] * unit, 0, 0, 2 * Math.PI);
      stroke(context, theme.concepts.posterior, { width: 5 - radius });
    }
    context.restore();
    for (const knob of this.knobs(q).reverse()) drawKnob(context, theme, knob.x, knob.y);
  }

  /**
   * The posterior's density as squares whose colour covers more where it is higher; its power of 0.7 keeps the lower
   * mode visible from afar.
   * @param {Context} context
   * @param {Theme} theme
   * @param {NoisyMixture} model
   */
  drawPosterior(context, theme, { posterior }) {
    const { left, top, width, height, x, y } = this.frame;
    const size = 3;
    const peak = Math.max(...posterior.means.map((mean) => posterior.logDensity(mean)));
    context.fillStyle = theme.concepts.kl_to_posterior;
    for (let px = 0; px < width; px += size) {
      for (let py = 0; py < height; py += size) {
        const z = [x(left + px + size / 2), y(top + py + size / 2)];
        const alpha = 0.9 * Math.exp(0.7 * (posterior.logDensity(z) - peak));
        if (alpha < 0.01) continue;
        context.globalAlpha = alpha;
        context.fillRect(left + px, top + py, size, size);
      }
    }
    context.globalAlpha = 1;
  }
}
