import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregateDensity } from "../../dashboard/components/latent/density.js";

const ENDS = { x0: -4, x1: 4, y0: -4, y1: 4 };

/**
 * The density over 80 by 80 cells of a tenth each.
 * @param {number[]} means
 * @param {number} std
 */
const densityOf = (means, std) =>
  aggregateDensity(
    { means: Float32Array.from(means), stds: Float32Array.from(means, () => std) },
    ENDS,
    80,
    80,
  );

test("it integrates to one, also where the posteriors are narrower than a cell", () => {
  for (const std of [0.5, 0.05, 1e-6]) {
    const mass = densityOf([0.02, -0.01, 1, -2.05], std).reduce((sum, value) => sum + value * 0.01, 0);
    assert.ok(Math.abs(mass - 1) < 0.02, `${std}: ${mass}`);
  }
});

test("the first row is the largest second coordinate", () => {
  const density = densityOf([-2, 3], 0.3);
  const peak = density.indexOf(Math.max(...density));
  assert.deepEqual([Math.round(peak / 80 / 10), Math.round((peak % 80) / 10)], [1, 2]);
});

test("an example that is not finite does not count", () => {
  assert.deepEqual(densityOf([0, 0, NaN, 1], 0.5), densityOf([0, 0], 0.5));
});
