/** The scale of a dial: 0 at the left end where there is one, then logarithmic. Positions run from 0 to 1. */

import { clamp } from "../shared/numbers.js";

/**
 * @typedef {object} Scale
 * @property {number} low The smallest positive value on it.
 * @property {number} high
 * @property {boolean} zero Whether 0 stands at the left end.
 * @property {number[]} ticks
 */

/** Of the track, between 0 and the smallest positive value: enough to let go of 0, and to reach it. */
const ZERO_SHARE = 0.1;
/** Of a decade: the keys go through 1, 1.1, 1.3, 1.4, 1.6, 1.8, 2, ... */
const FINE_STEPS = 20;
/** What Page Up and Page Down go: a factor of 10^(1/4). */
export const COARSE = FINE_STEPS / 4;

/** @param {Scale} scale */
const startOf = ({ zero }) => (zero ? ZERO_SHARE : 0);

/** @param {number} value */
const rounded = (value) => Number(value.toPrecision(2));

/** @param {number} step */
const gridValue = (step) => rounded(10 ** (step / FINE_STEPS));

/**
 * Where a value stands; what lies beyond the scale stands at its end.
 * @param {Scale} scale
 * @param {number} value
 */
export function positionOf(scale, value) {
  const start = startOf(scale);
  if (value < scale.low) return clamp((start * value) / scale.low, 0, start);
  const share = Math.log(value / scale.low) / Math.log(scale.high / scale.low);
  return clamp(start + (1 - start) * share, start, 1);
}

/**
 * The value at a position, with two significant digits.
 * @param {Scale} scale
 * @param {number} position
 * @param {number} [reach] How far from a tick its value still holds.
 */
export function valueAt(scale, position, reach = 0) {
  const { low, high, zero, ticks } = scale;
  const near = ticks.find((tick) => Math.abs(positionOf(scale, tick) - position) < reach);
  if (near !== undefined) return near;
  const start = startOf(scale);
  if (zero && position < start) return position < start / 2 ? 0 : low;
  const share = clamp((position - start) / (1 - start), 0, 1);
  return rounded(low * (high / low) ** share);
}

/**
 * The value that is so many fine steps above another; beyond the scale there is none to go to.
 * @param {Scale} scale
 * @param {number} value
 * @param {number} steps Negative: below it.
 */
export function stepped(scale, value, steps) {
  const { low, high, zero } = scale;
  if (steps > 0) {
    if (value >= high) return value;
    return Math.min(high, value < low ? raised(low, steps - 1) : raised(value, steps));
  }
  if (value <= low) return zero ? 0 : value;
  const lower = value > high ? high : lowered(value, -steps);
  return lower < low ? (zero && value <= low ? 0 : low) : lower;
}

/**
 * @param {number} value
 * @param {number} steps
 */
function raised(value, steps) {
  if (steps === 0) return value;
  let at = Math.floor(FINE_STEPS * Math.log10(value)) - 1;
  while (gridValue(at) <= value) at++;
  return gridValue(at + steps - 1);
}

/**
 * @param {number} value
 * @param {number} steps
 */
function lowered(value, steps) {
  let at = Math.ceil(FINE_STEPS * Math.log10(value)) + 1;
  while (gridValue(at) >= value) at--;
  return gridValue(at - steps + 1);
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * A tick in a few letters: 0.01, 100, 10⁻⁴.
 * @param {number} value
 */
export function tickLabel(value) {
  if (value === 0 || (value >= 0.01 && value < 1e4)) return String(value);
  const power = Math.round(Math.log10(value));
  return `10${power < 0 ? "⁻" : ""}${[...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}

/**
 * The number that somebody typed, with a point or a comma; NaN where it is none.
 * @param {string} text
 */
export function typed(text) {
  const plain = text.trim().replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}
