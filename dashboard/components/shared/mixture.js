/** q(z|x) = Σ w_c N(z; mean_c, diag σ_c²) of an encoder that gives a mixture, as DiagonalMixture of the core. */

import { cholesky } from "./gaussian.js";
import { noiseOf, uniformOf } from "./noise.js";

/**
 * @typedef {import("./gaussian.js").Posterior} Posterior
 * @typedef {{ mean: number[], std: number[], weight: number }} Component
 */

export const NUM_COMPONENTS = 2;
/** Of the grid, in deviations of a component, and for each. */
const [REACH, POINTS] = [4, 51];
/** What k deviations of a Gaussian hold on a line. @type {Record<number, number>} */
const MASS_ON_LINE = { 1: 0.6826894921, 2: 0.9544997361 };

/** @param {ArrayLike<number>} logits */
export function softmax(logits) {
  const largest = Math.max(...Array.from(logits));
  const each = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = each.reduce((total, value) => total + value, 0);
  return each.map((value) => value / sum);
}

/** A mixture as it is drawn. */
export class MixtureShape {
  /** @param {Component[]} components */
  constructor(components) {
    this.components = components;
    this.latentDim = components[0].mean.length;
    /** @type {{ axes: number[][], density: number[], levels: Map<number, number> } | null} */
    this.found = null;
  }

  /**
   * Its mean, its deviations, and L of its covariance matrix.
   * @returns {Posterior}
   */
  posterior() {
    const J = this.latentDim;
    const over = (/** @type {(one: Component) => number} */ f) =>
      this.components.reduce((sum, one) => sum + one.weight * f(one), 0);
    const mean = Array.from({ length: J }, (_, j) => over((one) => one.mean[j]));
    const covariance = mean.map((_, i) =>
      mean.map((__, j) =>
        over((one) => (one.mean[i] - mean[i]) * (one.mean[j] - mean[j]) + (i === j ? one.std[i] ** 2 : 0)),
      ),
    );
    const factor = Float64Array.from(cholesky(covariance).flatMap((row, i) => row.slice(0, i + 1)));
    const std = covariance.map((row, j) => Math.sqrt(row[j]));
    return { mean, std, factor, shape: this };
  }

  /**
   * Density at a place of the one or two dimensions.
   * @param {readonly number[]} z
   */
  density(z) {
    return this.components.reduce((sum, { mean, std, weight }) => {
      let log = 0;
      for (let j = 0; j < z.length; j++) {
        log -= ((z[j] - mean[j]) / std[j]) ** 2 / 2 + Math.log(std[j] * Math.sqrt(2 * Math.PI));
      }
      return sum + weight * Math.exp(log);
    }, 0);
  }

  /** The density on a grid that is fine where a component is narrow, the last dimension first. */
  get grid() {
    if (this.found) return this.found;
    const axes = this.components[0].mean.map((_, j) => {
      const places = this.components.flatMap(({ mean, std }) =>
        Array.from({ length: POINTS }, (__, k) => mean[j] + std[j] * REACH * ((2 * k) / (POINTS - 1) - 1)),
      );
      return [...new Set(places)].sort((a, b) => a - b);
    });
    const [first, second = [NaN]] = axes;
    const density = second.flatMap((y) =>
      first.map((x) => this.density(this.latentDim === 1 ? [x] : [x, y])),
    );
    this.found = { axes, density, levels: new Map() };
    return this.found;
  }

  /**
   * The density above which a share of the mass lies.
   * @param {number} share
   */
  level(share) {
    const { axes, density, levels } = this.grid;
    const known = levels.get(share);
    if (known !== undefined) return known;
    const [across, up = [1]] = axes.map(widthsOf);
    const mass = density.map(
      (value, n) => value * across[n % across.length] * up[Math.floor(n / across.length)],
    );
    const order = density.map((_, n) => n).sort((a, b) => density[b] - density[a]);
    const goal = share * mass.reduce((sum, value) => sum + value, 0);
    let held = 0;
    let level = 0;
    for (const n of order) {
      level = density[n];
      if (held + mass[n] / 2 >= goal) break; // of a point half lies inside of its level
      held += mass[n];
    }
    levels.set(share, level);
    return level;
  }

  /**
   * Lines of the curves of equal density that hold what the ellipse of k deviations of a Gaussian does, in the plane.
   * @param {number} k
   */
  outlines(k) {
    const { axes, density } = this.grid;
    const level = this.level(1 - Math.exp((-k * k) / 2));
    const [x, y] = axes;
    const above = (/** @type {number} */ i, /** @type {number} */ j) => density[j * x.length + i] - level;
    /** @type {number[][][]} */
    const lines = [];
    for (let j = 0; j + 1 < y.length; j++) {
      for (let i = 0; i + 1 < x.length; i++) {
        const corners = [
          [i, j],
          [i + 1, j],
          [i + 1, j + 1],
          [i, j + 1],
        ];
        const height = corners.map(([a, b]) => above(a, b));
        /** @type {number[][]} */
        const cuts = [];
        for (let c = 0; c < 4; c++) {
          const d = (c + 1) % 4;
          if (height[c] > 0 === height[d] > 0) continue;
          const share = height[c] / (height[c] - height[d]);
          const [[i0, j0], [i1, j1]] = [corners[c], corners[d]];
          cuts.push([x[i0] + share * (x[i1] - x[i0]), y[j0] + share * (y[j1] - y[j0])]);
        }
        const middle = height[0] + height[1] + height[2] + height[3];
        // Where all four sides are cut, the middle says which corners the two lines cut off.
        if (cuts.length === 4 && middle > 0 !== height[0] > 0)
          cuts.unshift(.../** @type {number[][]} */ (cuts.splice(3)));
        for (let c = 0; c + 1 < cuts.length; c += 2) lines.push([cuts[c], cuts[c + 1]]);
      }
    }
    return lines;
  }

  /**
   * Where the density is highest on a line, with what k deviations of a Gaussian hold.
   * @param {number} k
   */
  intervals(k) {
    const { axes, density } = this.grid;
    const level = this.level(MASS_ON_LINE[k]);
    const [x] = axes;
    /** @type {number[]} */
    const ends = [];
    for (let i = 0; i + 1 < x.length; i++) {
      const [low, high] = [density[i] - level, density[i + 1] - level];
      if (low > 0 !== high > 0) ends.push(x[i] + (low / (low - high)) * (x[i + 1] - x[i]));
    }
    return ends.flatMap((end, n) => (n % 2 ? [] : [[end, ends[n + 1]]]));
  }

  /**
   * Draws, the same at each call.
   * @param {number} count
   */
  draws(count) {
    return Array.from({ length: count }, (_, n) => {
      let left = uniformOf(n + 1, 2 * this.latentDim);
      const one = this.components.find(({ weight }) => (left -= weight) < 0) ?? this.components[0];
      return noiseOf(n + 1, this.latentDim).map((eps, j) => one.mean[j] + one.std[j] * eps);
    });
  }
}

/** Half the distance to either neighbour: the rule of trapezoids. @param {number[]} axis */
function widthsOf(axis) {
  return axis.map((_, n) => ((axis[n + 1] ?? axis[n]) - (axis[n - 1] ?? axis[n])) / 2);
}
