/** The history of a run, and the arithmetic of what a chart shows of it. */

import { clamp, extent } from "../shared/numbers.js";

/**
 * @typedef {"elbo" | "reconstruction" | "kl"} Concept
 *
 * @typedef {"step" | "epoch" | "beta" | "objective_held_out" | "objective_train" | `${Concept}_held_out` | `${Concept}_train`} Column
 *
 * @typedef {Record<Column, Float32Array>} History Columns of equal lengths, a row for each evaluation.
 *
 * @typedef {{ step: number, beta?: number, learning_rate?: number }} Change The step after which something is another
 *   one, and what it is then.
 *
 * @typedef {{ step: Float32Array, values: Float32Array }} Line
 *
 * @typedef {Record<"step" | Concept, Float32Array>} Validation The bound of the validation part, a row for each epoch.
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
  objective_held_out: NOTHING,
  objective_train: NOTHING,
};

/** The curve of a run without a validation part. @type {Validation} */
export const NO_VALIDATION = { step: NOTHING, elbo: NOTHING, reconstruction: NOTHING, kl: NOTHING };

/** Nats that an axis shows at least: below that a curve is noise, and has to look flat. */
export const LEAST_RANGE = 0.1;
/** So many times as high as without it an axis may become for the objective. */
const MOST_FOR_OBJECTIVE = 2;

/**
 * reconstruction − β · KL of the held-out examples, row by row.
 * @param {History} history
 */
const weighed = ({ reconstruction_held_out: first, kl_held_out: kl, beta }) =>
  first.map((value, row) => value - beta[row] * kl[row]);

/**
 * What is maximised: of the held-out examples and, where it is no sum of the drawn terms, of the mini-batches.
 * @param {History} history
 * @param {boolean} isSum Whether it is reconstruction − β · KL, which rows of older versions do not hold.
 */
export const objectiveOf = (history, isSum) => ({
  heldOut: isSum ? weighed(history) : history.objective_held_out,
  training: isSum ? NOTHING : history.objective_train,
});

/**
 * The range of all steps of some runs, never empty.
 * @param {readonly Float32Array[]} columns
 * @returns {[number, number]}
 */
export function fullRange(columns) {
  const [first, last] = extent(columns.flatMap((steps) => extent(steps) ?? [])) ?? [0, 10];
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
 * The row whose step is nearest; null beyond the ends of the curve.
 * @param {Float32Array} steps
 * @param {number} step
 */
export function rowAt(steps, step) {
  const [first, last] = extent(steps) ?? [Infinity, -Infinity];
  return step >= first && step <= last ? nearestRow(steps, step) : null;
}

/**
 * The steps of a run, and beyond its last one those of others, ascending.
 * @param {Float32Array} own
 * @param {readonly Float32Array[]} others
 */
export function allSteps(own, others) {
  const last = extent(own)?.[1] ?? -Infinity;
  const beyond = new Set(others.flatMap((steps) => [...steps.filter((step) => step > last)]));
  return Float32Array.of(...own, ...[...beyond].sort((a, b) => a - b));
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
 * [min, max] of the values in view. Without a zoom the first tenth of a curve does not count: the start of a training
 * is so far from its end that it would flatten everything that follows.
 * @param {readonly Line[]} lines
 * @param {number[]} range of steps
 * @param {boolean} isZoomed
 */
function valuesInView(lines, [from, to], isZoomed) {
  const ends = lines.flatMap(({ step, values }) => {
    const first = isZoomed ? step.findIndex((one) => one >= from) : Math.floor(step.length / 10);
    const end = step.findLastIndex((one) => one <= to) + 1;
    return first < 0 ? [] : (extent(values.subarray(first, end)) ?? []);
  });
  return extent(ends);
}

/**
 * What a chart's axis shows: the values in view with margins of 5 %, and `LEAST_RANGE` at least.
 * @param {readonly Line[]} lines
 * @param {number[]} range of steps
 * @param {object} how
 * @param {boolean} how.isZoomed
 * @param {boolean} [how.fromZero] Whether 0 is in view where nothing is zoomed.
 * @param {Line} [how.objective] May fall far below where β is large: the axis gets twice as high for it at most.
 * @returns {[number, number]}
 */
export function valueRange(lines, range, { isZoomed, fromZero = false, objective }) {
  const found = valuesInView(lines, range, isZoomed);
  if (!found) return [0, 1];
  let [low, high] = found;
  if (fromZero && !isZoomed) low = Math.min(0, low);
  const lacking = Math.max(0, LEAST_RANGE - (high - low));
  [low, high] = fromZero ? [low, high + lacking] : [low - lacking / 2, high + lacking / 2];
  const more = (high - low) * (MOST_FOR_OBJECTIVE - 1);
  const also = objective && valuesInView([objective], range, isZoomed);
  if (also) [low, high] = [clamp(also[0], low - more, low), clamp(also[1], high, high + more)];
  const margin = 0.05 * (high - low);
  return [low - margin, high + margin];
}

/**
 * The value at a step, of the row nearest to it; NaN beyond the ends of the curve.
 * @param {Line} line
 * @param {number} step
 */
export function valueAt({ step: steps, values }, step) {
  const row = rowAt(steps, step);
  return row === null ? NaN : values[row];
}

/**
 * Heights of labels, as near to the wanted ones as they may be: so many pixels apart, and between two ends.
 * @param {readonly number[]} wanted
 * @param {number} apart
 * @param {readonly number[]} ends [top, bottom]
 */
export function spreadLabels(wanted, apart, [top, bottom]) {
  const order = wanted.map((_, k) => k).sort((a, b) => wanted[a] - wanted[b]);
  const heights = [...wanted];
  let free = top;
  for (const k of order) {
    heights[k] = Math.max(wanted[k], free);
    free = heights[k] + apart;
  }
  let most = bottom;
  for (const k of order.reverse()) {
    heights[k] = Math.min(heights[k], most);
    most = heights[k] - apart;
  }
  return heights;
}
