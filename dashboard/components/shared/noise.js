/** Noise that is the same at each call: a handful of draws for the eye. */

/**
 * A number between 0 and 1 for each draw and place, well mixed.
 * @param {number} n
 * @param {number} k
 */
export function uniformOf(n, k) {
  let h = Math.imul(n, 0x9e3779b1) ^ Math.imul(k + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (((h ^ (h >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}

/**
 * One of N(0, I).
 * @param {number} n
 * @param {number} J
 */
export function noiseOf(n, J) {
  return Array.from({ length: J }, (_, j) => {
    const radius = Math.sqrt(-2 * Math.log(uniformOf(n, 2 * j)));
    return radius * Math.cos(2 * Math.PI * uniformOf(n, 2 * j + 1));
  });
}
