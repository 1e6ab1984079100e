/** Numbers, ranges of numbers, and how they are written. */

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * The whole numbers from `start` on, `step` apart.
 * @param {number} count
 */
export const range = (count, start = 0, step = 1) =>
  Array.from({ length: count }, (_, k) => start + k * step);

/**
 * `count` values from low to high, both included.
 * @param {readonly number[]} ends [low, high]
 * @param {number} count
 */
export const spread = ([low, high], count) => range(count).map((k) => low + ((high - low) * k) / (count - 1));

/**
 * [min, max] of the finite values, or null when there are none.
 * @param {ArrayLike<number>} values
 * @returns {[number, number] | null}
 */
export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low <= high ? [low, high] : null;
}

/**
 * The finite ones of some values in the middle; NaN when there are none.
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * A number with so many decimals and a typographic minus; an en dash when it is not finite.
 * @param {number} value
 * @param {number} decimals
 */
export function fixed(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/**
 * A number with three significant digits.
 * @param {number} value
 */
export const brief = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–");

const DECIMAL = new Intl.NumberFormat("en", { useGrouping: false, maximumSignificantDigits: 15 });

/**
 * A number without an exponent, which an ARIA attribute may not have.
 * @param {number} value
 */
export const decimal = (value) => DECIMAL.format(value);

/** @typedef {{ value: number, text: string }} Tick */

/**
 * Round numbers (1, 2 or 5 times a power of ten) inside [low, high], about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {Tick[]}
 */
export function niceTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((multiple) => multiple * power >= rough * 0.999) ?? 10);
  const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 8);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push({ value: k * step, text: fixed(k * step, decimals) });
  }
  return ticks;
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/**
 * A whole number in subscript digits.
 * @param {number} number
 */
export const subscript = (number) => [...String(number)].map((digit) => SUBSCRIPTS[Number(digit)]).join("");

/**
 * What a value of a point is called, from 0: the name of its column, else x₁, x₂, ...
 * @param {readonly string[]} columns Names, of the first ones at least; empty where they have none.
 * @param {number} place
 */
export const valueName = (columns, place) => columns[place] ?? `x${subscript(place + 1)}`;

/**
 * A text of at most so many characters, cut with an ellipsis.
 * @param {string} text
 * @param {number} most
 */
export const cut = (text, most) => (text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1))}…`);

/**
 * The name of a latent dimension, which counts from 0: z₁, z₂, ...
 * @param {number} axis
 */
export const latentName = (axis) => `z${subscript(axis + 1)}`;
