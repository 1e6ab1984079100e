/** The history of a run, and the arithmetic of what a chart shows of it. */

import { clamp, extent } from "../shared/numbers.js";

/**
 * @typedef {"elbo" | "reconstruction" | "kl"} Concept
 *
 * @typedef {"step" | "epoch" | "beta" | `${Concept}_held_out` | `${Concept}_train`} Column
 *
 * @typedef {Record<Column, Float32Array>} History Columns of equal lengths, a row for each evaluation.
 */

/** @type {readonly Concept[]} */
export const CONCEPTS = ["elbo", "reconstruction", "kl"];

const NOTHING = new Float32Array();

/** A history before its first row. @type {History} */
export const NO_HISTORY = {
  step: NOTHING,
  epoch: NOTHING,
  beta: NOTHING,
  elbo_held_out: NOTHING,
  elbo_train: NOTHING,
  reconstruction_held_out: NOTHING,
  reconstruction_train: NOTHING,
  kl_held_out: NOTHING,
  kl_train: NOTHING,
};

/**
 * The range of all steps, never empty.
 * @param {Float32Array} steps
 * @returns {[number, number]}
 */
export function fullRange(steps) {
  const [first, last] = extent(steps) ?? [0, 10];
  return [first, last > first ? last : first + 10];
}

/**
 * The row whose step is nearest; null where there are no rows.
 * @param {Float32Array} steps
 * @param {number} step
 */
export function nearestRow(steps, step) {
  if (!steps.length) return null;
  let best = 0;
  for (let i = 1; i < steps.length; i++) {
    if (Math.abs(steps[i] - step) < Math.abs(steps[best] - step)) best = i;
  }
  return best;
}

/**
 * The row to which a key moves the crosshair: into the range from the right, then from row to row.
 * @param {Float32Array} steps
 * @param {number[]} range of steps in view
 * @param {number | null} cursor step of the crosshair
 * @param {number} by
 * @returns {number | null} the step
 */
export function movedCursor(steps, [first, last], cursor, by) {
  const row = nearestRow(steps, cursor ?? last);
  if (row === null) return null;
  return clamp(steps[cursor === null ? row : clamp(row + by, 0, steps.length - 1)], first, last);
}

/**
 * Margins of 5 % about the values in view. Without a zoom the first tenth does not count: the start of a training is so
 * far from its end that it would flatten everything that follows.
 * @param {Float32Array} steps
 * @param {Float32Array[]} curves
 * @param {number[]} range of steps
 * @param {boolean} isZoomed
 * @returns {[number, number]}
 */
export function valueRange(steps, curves, [from, to], isZoomed) {
  const first = isZoomed ? steps.findIndex((step) => step >= from) : Math.floor(steps.length / 10);
  const end = steps.findLastIndex((step) => step <= to) + 1;
  const inView = curves.map((values) => extent(values.subarray(Math.max(0, first), end)));
  const ends = inView.flatMap((range) => range ?? []);
  const [low, high] = extent(ends) ?? [NaN, NaN];
  if (!ends.length) return [0, 1];
  const margin = 0.05 * (high - low) || 0.5;
  return [low - margin, high + margin];
}
