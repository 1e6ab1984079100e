/** The path of the point that moves by itself: a closed curve through the middle of the latent plane. */

import { range } from "../shared/numbers.js";

const AMPLITUDE = 1.6;
const SHIFT = 0.6;
const NUM_PHASES = 500;

/**
 * A Lissajous figure of the frequencies 3 and 2.
 * @param {number} phase From 0 to 1 for one round.
 * @returns {[number, number]}
 */
export function pathAt(phase) {
  const angle = 2 * Math.PI * phase;
  return [AMPLITUDE * Math.sin(3 * angle + SHIFT), AMPLITUDE * Math.sin(2 * angle)];
}

/**
 * The distance of two places.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/**
 * The phase at which the path is nearest to a place.
 * @param {readonly number[]} z
 */
export function nearestPhase(z) {
  const phases = range(NUM_PHASES).map((k) => k / NUM_PHASES);
  return phases.reduce((best, phase) =>
    distance(pathAt(phase), z) < distance(pathAt(best), z) ? phase : best,
  );
}
