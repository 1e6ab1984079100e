/** The planar flow of q(z|x) = law of centre + σ ⊙ f(ε), with the numbers of vae_core/planar.py. */

import { cholesky, dot, widthsOf } from "./gaussian.js";
import { noiseOf } from "./noise.js";

/**
 * @typedef {import("./gaussian.js").Posterior} Posterior
 * @typedef {{ a: number[], v: number[], b: number }} Layer t → t + v tanh(aᵀt + b).
 * @typedef {object} Flow
 * @property {number[]} centre
 * @property {number[]} scale σ.
 * @property {Layer[]} layers
 */

export const NUM_LAYERS = 4;
const [STEEPEST, DENSEST] = [1.5, 0.9];
const IDENTITY = Math.log(Math.E - 1);
const [REACH, PAIRS] = [6, 512];
/** Of the points of equal distances, by the number of dimensions. @type {Record<number, number>} */
const STEPS = { 1: 0.25, 2: 0.5 };
const LEAST_VARIANCE = 1e-6;

/** @param {number} u */
const softplus = (u) => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));

/**
 * Values of a flow of one example: a, v and b of each layer side by side.
 * @param {number} J
 */
export const flowSize = (J) => NUM_LAYERS * (2 * J + 1);

/**
 * What is added to the outputs of the encoder, layer by layer.
 * @param {number} J
 */
export function frameOf(J) {
  const frame = new Float32Array(flowSize(J));
  for (let layer = 0; layer < NUM_LAYERS; layer++) {
    const at = layer * (2 * J + 1);
    for (let j = 0; j < J; j++) {
      const turn = (layer * (2 * Math.floor(j / 2) + 1)) / 4 - (j % 2) / 2;
      frame[at + j] = J === 1 ? 1 : Math.cos(Math.PI * turn) / Math.sqrt(J / 2);
    }
    frame[at + 2 * J] = (2 * layer) / (NUM_LAYERS - 1) - 1;
  }
  return frame;
}

/**
 * The layers, each moved to where it can be undone.
 * @param {ArrayLike<number>} values As `flowSize` says, the frame among them.
 * @param {number} J
 * @returns {Layer[]}
 */
export function layersOf(values, J) {
  return Array.from({ length: NUM_LAYERS }, (_, layer) => {
    const part = Array.from({ length: 2 * J + 1 }, (_, k) => values[layer * (2 * J + 1) + k]);
    const given = part.slice(0, J);
    const shrink = STEEPEST / Math.sqrt(STEEPEST ** 2 + dot(given, given));
    const a = given.map((value) => value * shrink);
    const v = part.slice(J, 2 * J);
    const along = dot(a, v);
    const allowed = DENSEST * (softplus(along / DENSEST + IDENTITY) - 1);
    const size = Math.max(dot(a, a), Number.MIN_VALUE);
    return { a, v: v.map((value, j) => value + ((allowed - along) * a[j]) / size), b: part[2 * J] };
  });
}

/**
 * z of noise ε.
 * @param {Flow} flow
 * @param {readonly number[]} eps
 */
export function pushed({ centre, scale, layers }, eps) {
  let t = [...eps];
  for (const { a, v, b } of layers) {
    const bent = Math.tanh(dot(a, t) + b);
    t = t.map((value, j) => value + bent * v[j]);
  }
  return centre.map((value, j) => value + scale[j] * t[j]);
}

/**
 * The curve that holds the mass which the ellipse of k deviations of a Gaussian holds, of two dimensions, the first
 * point again at the end: a circle of the noise, moved. It does not cross itself, as the flow can be undone.
 * @param {Flow} flow
 * @param {number} k
 */
export function outlineOf(flow, k, count = 96) {
  return Array.from({ length: count + 1 }, (_, t) => {
    const angle = (2 * Math.PI * t) / count;
    return pushed(flow, [k * Math.cos(angle), k * Math.sin(angle)]);
  });
}

/**
 * Draws of q, the same at each call: quasi-random noise, in pairs.
 * @param {Flow} flow
 * @param {number} count
 */
export function drawsOf(flow, count) {
  const J = flow.centre.length;
  return Array.from({ length: count }, (_, n) => pushed(flow, noiseOf(n + 1, J)));
}

/** @type {Map<number, { points: number[][], weights: number[] }>} */
const rules = new Map();

/**
 * The rule of `normal_points`: points and weights of E[f(ε)] over N(0, I).
 * @param {number} dim 1 to 4.
 */
export function normalPoints(dim) {
  const found = rules.get(dim) ?? (STEPS[dim] ? lattice(dim) : quasiRandom(dim));
  rules.set(dim, found);
  return found;
}

/** @param {number} dim */
function lattice(dim) {
  const step = STEPS[dim];
  const count = Math.floor(REACH / step);
  const axis = Array.from({ length: 2 * count + 1 }, (_, k) => step * (k - count));
  const all = dim === 1 ? axis.map((z) => [z]) : axis.flatMap((z) => axis.map((other) => [z, other]));
  const inside = all.filter((point) => dot(point, point) <= REACH ** 2);
  const mass = inside.map((point) => Math.exp(-dot(point, point) / 2));
  const total = mass.reduce((sum, value) => sum + value, 0);
  const weights = mass.map((value) => value / total);
  const width = Math.sqrt(inside.reduce((sum, point, n) => sum + weights[n] * point[0] ** 2, 0));
  return { points: inside.map((point) => point.map((value) => value / width)), weights };
}

/** @param {number} dim */
function quasiRandom(dim) {
  let root = 1;
  for (let k = 0; k < 60; k++) root = (1 + root) ** 0.2;
  const half = Array.from({ length: PAIRS }, (_, n) => {
    const uniform = [1, 2, 3, 4].map((power) => (0.5 + (n + 1) * root ** -power) % 1);
    const radius = uniform.slice(0, 2).map((u) => Math.sqrt(-2 * Math.log(u)));
    const angle = uniform.slice(2).map((u) => 2 * Math.PI * u);
    const cosines = radius.map((r, k) => r * Math.cos(angle[k]));
    return [...cosines, ...radius.map((r, k) => r * Math.sin(angle[k]))].slice(0, dim);
  });
  const covariance = Array.from({ length: dim }, (_, i) =>
    Array.from({ length: dim }, (_, j) => half.reduce((sum, point) => sum + point[i] * point[j], 0) / PAIRS),
  );
  const L = cholesky(covariance);
  const whitened = half.map((point) => {
    /** @type {number[]} */
    const solved = [];
    for (let i = 0; i < dim; i++) {
      solved.push((point[i] - dot(solved, L[i].slice(0, i))) / L[i][i]);
    }
    return solved;
  });
  const points = [...whitened, ...whitened.map((point) => point.map((value) => -value))];
  return { points, weights: points.map(() => 1 / points.length) };
}

/**
 * A = C Q by Gram and Schmidt: rows of C, and orthonormal rows of Q.
 * @param {number[][]} a
 */
function orthogonal(a) {
  /** @type {number[][]} */
  const basis = [];
  const root = a.map((given) => {
    let row = [...given];
    const shares = basis.map((unit) => {
      const share = dot(row, unit);
      row = row.map((value, j) => value - share * unit[j]);
      return share;
    });
    const size = Math.sqrt(dot(row, row));
    basis.push(row.map((value) => value / Math.max(size, Number.MIN_VALUE)));
    return [...shares, size, ...Array.from({ length: a.length - shares.length - 1 }, () => 0)];
  });
  return { root, basis };
}

/**
 * Mean and covariance of f(ε): the rule of `moments_of`.
 * @param {Layer[]} layers
 * @param {number} J
 */
export function momentsOf(layers, J) {
  const identity = Array.from({ length: J }, (_, i) => Array.from({ length: J }, (_, j) => Number(i === j)));
  const a = layers.map((layer) => layer.a);
  const { root, basis } = J <= NUM_LAYERS ? { root: a, basis: identity } : orthogonal(a);
  const turned = layers.map(({ a: row }) => layers.map(({ v }) => dot(row, v)));
  const { points, weights } = normalPoints(root[0].length);
  const bent = points.map((point) => {
    /** @type {number[]} */
    const h = [];
    layers.forEach(({ b }, layer) => {
      let s = dot(root[layer], point) + b;
      for (let before = 0; before < layer; before++) s += turned[layer][before] * h[before];
      h.push(Math.tanh(s));
    });
    return h;
  });
  const over = (/** @type {(h: number[], point: number[]) => number} */ f) =>
    bent.reduce((sum, h, n) => sum + weights[n] * f(h, points[n]), 0);
  const means = layers.map((_, l) => over((h) => h[l]));
  const among = layers.map((_, l) =>
    layers.map((_, k) => over((h) => (h[l] - means[l]) * (h[k] - means[k]))),
  );
  const withNoise = layers.map((_, l) => {
    const shares = basis.map((_, r) => over((h, point) => (h[l] - means[l]) * point[r]));
    return Array.from({ length: J }, (_, j) =>
      shares.reduce((sum, share, r) => sum + share * basis[r][j], 0),
    );
  });
  const mean = Array.from({ length: J }, (_, j) =>
    layers.reduce((sum, { v }, l) => sum + means[l] * v[j], 0),
  );
  const covariance = identity.map((row, i) =>
    row.map((one, j) => {
      let sum = one;
      layers.forEach(({ v }, l) => {
        sum += v[i] * withNoise[l][j] + withNoise[l][i] * v[j];
        layers.forEach(({ v: other }, k) => (sum += among[l][k] * v[i] * other[j]));
      });
      return sum;
    }),
  );
  return { mean, covariance };
}

/** A flow as it is drawn. */
export class FlowShape {
  /** @param {Flow} flow */
  constructor(flow) {
    this.flow = flow;
    this.latentDim = flow.centre.length;
  }

  /**
   * Its mean, its deviations, and L of its covariance matrix.
   * @returns {Posterior}
   */
  posterior() {
    const { flow, latentDim: J } = this;
    const { mean, covariance } = momentsOf(flow.layers, J);
    covariance.forEach((row, j) => (row[j] += LEAST_VARIANCE));
    const L = cholesky(covariance);
    const factor = Float64Array.from(
      L.flatMap((row, i) => row.slice(0, i + 1).map((x) => x * flow.scale[i])),
    );
    const at = mean.map((value, j) => flow.centre[j] + flow.scale[j] * value);
    return { mean: at, std: widthsOf(factor, J), factor, shape: this };
  }

  /** @param {number} k */
  outlines(k) {
    return [outlineOf(this.flow, k)];
  }

  /** @param {number} k */
  intervals(k) {
    return [[-k, k].map((noise) => pushed(this.flow, [noise])[0])];
  }

  /** @param {number} count */
  draws(count) {
    return drawsOf(this.flow, count);
  }
}
