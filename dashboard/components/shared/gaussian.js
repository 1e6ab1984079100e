/** A q(z|x): a Gaussian with a diagonal covariance matrix, or with a full one, L Lᵀ, or what has these moments. */

import { clamp } from "./numbers.js";

/**
 * @typedef {object} Posterior q(z|x) of one example.
 * @property {number[]} mean
 * @property {number[]} std Of each dimension.
 * @property {ArrayLike<number>} [factor] Lower triangle of L, row by row: row j has j + 1 values. Without it the
 *   covariance matrix is diagonal.
 * @property {Shape} [shape] Without it q is the Gaussian.
 *
 * @typedef {object} Shape What q is that is no Gaussian.
 * @property {number} latentDim
 * @property {() => Posterior} posterior With its moments.
 * @property {(k: number) => number[][][]} outlines Lines of the curves in the plane that hold what the ellipse of k
 *   deviations of a Gaussian holds.
 * @property {(k: number) => number[][]} intervals On a line, those that hold what k deviations of a Gaussian do.
 * @property {(count: number) => number[][]} draws The same at each call.
 */

const LOG_VAR_RANGE = [-20, 20];

/**
 * σ of an encoder's log σ².
 * @param {number} logVar
 */
export const deviationOf = (logVar) => Math.exp(clamp(logVar, LOG_VAR_RANGE[0], LOG_VAR_RANGE[1]) / 2);

/** Where row j begins in a lower triangle. @param {number} j */
const rowStart = (j) => (j * (j + 1)) / 2;

/**
 * The covariance of dimensions i and j, from 0.
 * @param {Posterior} q
 * @param {number} i
 * @param {number} j
 */
export function covarianceOf({ std, factor }, i, j) {
  if (!factor) return i === j ? std[i] ** 2 : 0;
  let sum = 0;
  for (let k = 0; k <= Math.min(i, j); k++) sum += factor[rowStart(i) + k] * factor[rowStart(j) + k];
  return sum;
}

/**
 * The deviation of each dimension.
 * @param {ArrayLike<number>} factor
 * @param {number} J
 */
export function widthsOf(factor, J) {
  return Array.from({ length: J }, (_, j) => Math.sqrt(covarianceOf({ mean: [], std: [], factor }, j, j)));
}

/**
 * KL(q || N(0, I)) in nats: the determinant of L is the product of its diagonal.
 * @param {Posterior} q
 */
export function klToStandardNormal({ mean, std, factor }) {
  return mean.reduce((sum, m, j) => {
    const width = factor ? factor[rowStart(j) + j] : std[j];
    return sum + (m * m + std[j] * std[j] - 1) / 2 - Math.log(width);
  }, 0);
}

/**
 * Points on the ellipse of k standard deviations in two dimensions, the first one again at the end.
 * @param {Posterior} q
 * @param {readonly number[]} axes
 * @param {number} k
 * @param {number} count
 * @returns {[number, number][]}
 */
export function ellipseOf(q, [first, second], k, count = 72) {
  const across = q.std[first];
  const shear = across > 0 ? covarianceOf(q, first, second) / across : 0;
  const up = Math.sqrt(Math.max(0, q.std[second] ** 2 - shear * shear));
  return Array.from({ length: count + 1 }, (_, t) => {
    const [cos, sin] = [Math.cos((2 * Math.PI * t) / count), Math.sin((2 * Math.PI * t) / count)];
    return [q.mean[first] + k * across * cos, q.mean[second] + k * (shear * cos + up * sin)];
  });
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function dot(a, b) {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/**
 * L of a positive definite matrix L Lᵀ.
 * @param {number[][]} matrix
 */
export function cholesky(matrix) {
  /** @type {number[][]} */
  const L = matrix.map((row) => row.map(() => 0));
  for (let i = 0; i < matrix.length; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i][j] - dot(L[i].slice(0, j), L[j].slice(0, j));
      L[i][j] = i === j ? Math.sqrt(Math.max(rest, 0)) : rest / L[j][j];
    }
  }
  return L;
}
