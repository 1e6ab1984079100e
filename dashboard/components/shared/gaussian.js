/** A q(z|x): a Gaussian with a diagonal covariance matrix, or with a full one, L Lᵀ, or a flow with these moments. */

/**
 * @typedef {object} Posterior q(z|x) of one example.
 * @property {number[]} mean
 * @property {number[]} std Of each dimension.
 * @property {ArrayLike<number>} [factor] Lower triangle of L, row by row: row j has j + 1 values. Without it the
 *   covariance matrix is diagonal.
 * @property {import("./planar.js").Flow} [flow] Without it q is the Gaussian.
 */

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
