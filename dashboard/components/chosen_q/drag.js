/** Arithmetic of a q that is moved by hand. */

import { clamp } from "../shared/numbers.js";

// Probabilities whose sum is below this have no proportions that could be kept.
const NEGLIGIBLE = 1e-9;

/**
 * q with another probability of component k: the others keep their proportions, or share equally what k leaves where
 * they had nothing.
 * @param {readonly number[]} q
 * @param {number} k
 * @param {number} value
 */
export function adjusted(q, k, value) {
  const share = clamp(value, 0, 1);
  const rest = q.reduce((sum, other, at) => sum + (at === k ? 0 : other), 0);
  if (rest <= NEGLIGIBLE) return q.map((_, at) => (at === k ? share : (1 - share) / (q.length - 1)));
  return q.map((other, at) => (at === k ? share : (other / rest) * (1 - share)));
}

/**
 * The density of a one-dimensional Gaussian.
 * @param {import("./free_energy.js").Gaussian} q
 * @param {number} z
 */
export function gaussianDensity({ mean: [mean], std: [std] }, z) {
  return Math.exp(-0.5 * ((z - mean) / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
}

/**
 * The values with one of them replaced.
 * @param {readonly number[]} values
 * @param {number} at
 * @param {number} value
 */
export const replaced = (values, at, value) => values.map((old, i) => (i === at ? value : old));
