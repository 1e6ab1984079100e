/** The places of the slider: the kept steps, evenly spaced, which they are in the logarithm, and at the end now. */

/**
 * The steps that have a place of their own; the last place of all is now.
 * @param {readonly number[]} kept Ascending.
 * @param {number} now The newest step.
 */
export const placesOf = (kept, now) => kept.filter((step) => step < now);

/**
 * The place of a step, of the last kept one that is not beyond it; null: now.
 * @param {readonly number[]} places
 * @param {number | null} step
 */
export function placeOf(places, step) {
  if (step === null) return places.length;
  return Math.max(
    0,
    places.findLastIndex((one) => one <= step),
  );
}

/**
 * @param {readonly number[]} places
 * @param {number} place
 * @returns {number | null} null: now.
 */
export const stepAt = (places, place) => places[place] ?? null;

const digits = new Intl.NumberFormat("en");

/**
 * Where the board stands, in words.
 * @param {number | null} step
 * @param {number} now
 */
export function whereText(step, now) {
  return step === null
    ? `now: step ${digits.format(now)}`
    : `step ${digits.format(step)} of ${digits.format(now)}`;
}

/** How long the whole of a replay takes, and each picture of it at the least and at the most, in milliseconds. */
const REPLAY_MS = 12_000;
const FASTEST_MS = 350;
const SLOWEST_MS = 900;

/**
 * How long a replay shows each step.
 * @param {number} count Of the steps.
 */
export const pauseOf = (count) => Math.min(SLOWEST_MS, Math.max(FASTEST_MS, REPLAY_MS / Math.max(1, count)));
