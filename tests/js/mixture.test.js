import assert from "node:assert/strict";
import { test } from "node:test";
import { ellipseOf } from "../../dashboard/components/shared/gaussian.js";
import { MixtureShape } from "../../dashboard/components/shared/mixture.js";

const ONE = { mean: [1, -2], std: [0.5, 2], weight: 0.5 };

/** @param {number[][]} means @param {number[][]} stds */
const apart = (means, stds) =>
  new MixtureShape(means.map((mean, c) => ({ mean, std: stds[c], weight: [0.3, 0.7][c] })));

test("two equal components have the ellipse and the moments of one", () => {
  const shape = new MixtureShape([ONE, ONE]);
  const q = shape.posterior();
  assert.deepEqual(q.mean, ONE.mean);
  q.std.forEach((std, j) => assert.ok(Math.abs(std - ONE.std[j]) < 1e-12));
  for (const k of [1, 2]) {
    const ends = shape.outlines(k).flat();
    assert.ok(ends.length > 100);
    // In units of the deviations every point is as far out as those of the ellipse.
    const far = (/** @type {readonly number[]} */ [x, y]) =>
      Math.hypot((x - ONE.mean[0]) / ONE.std[0], (y - ONE.mean[1]) / ONE.std[1]);
    ends.forEach((point) => assert.ok(Math.abs(far(point) - far(ellipseOf(q, [0, 1], k)[0])) < 0.03));
  }
});

for (const [name, means, stds] of /** @type {const} */ ([
  [
    "two modes",
    [
      [0, 0],
      [5, 1],
    ],
    [
      [1, 0.2],
      [0.4, 1],
    ],
  ],
  [
    "two that touch",
    [
      [0, 0],
      [2, 1],
    ],
    [
      [1, 1],
      [1, 0.5],
    ],
  ],
])) {
  test(`the curves hold the mass that deviations of a Gaussian hold: ${name}`, () => {
    const shape = apart(
      means.map((mean) => [...mean]),
      stds.map((std) => [...std]),
    );
    const draws = shape.draws(20_000);
    for (const k of [1, 2]) {
      const [from] = shape.outlines(k)[0];
      const level = shape.density(from);
      const share = draws.filter((z) => shape.density(z) > level).length / draws.length;
      assert.ok(Math.abs(share - (1 - Math.exp((-k * k) / 2))) < 0.02, `${share}`);
      const levels = shape
        .outlines(k)
        .flat()
        .map((z) => shape.density(z));
      assert.ok(Math.max(...levels) / Math.min(...levels) < 1.05, "it is a curve of equal density");
    }
  });
}

test("each curve closes: every point is where two lines meet", () => {
  const lines = apart(
    [
      [0, 0],
      [6, 0],
    ],
    [
      [1, 1],
      [1, 1],
    ],
  ).outlines(2);
  const counts = new Map();
  for (const point of lines.flat()) {
    const key = point.map((value) => value.toFixed(9)).join();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.ok([...counts.values()].every((count) => count % 2 === 0));
});

test("on a line two narrow modes are two intervals, with 95 % of the mass", () => {
  const shape = apart([[-4], [3]], [[0.5], [0.3]]);
  const [first, second, ...others] = shape.intervals(2);
  assert.equal(others.length, 0);
  assert.ok(first[0] < -4 && first[1] > -4 && second[0] < 3 && second[1] > 3);
  const isInside = (/** @type {number} */ z) => [first, second].some(([low, high]) => z > low && z < high);
  const draws = shape.draws(20_000);
  const share = draws.filter(([z]) => isInside(z)).length / draws.length;
  assert.ok(Math.abs(share - 0.954) < 0.01, `${share}`);
  assert.equal(apart([[0], [0.1]], [[1], [1]]).intervals(1).length, 1);
});

test("draws have its moments, and are the same at each call", () => {
  const shape = apart(
    [
      [0, 0, 0],
      [3, -1, 2],
    ],
    [
      [1, 1, 1],
      [0.5, 2, 0.1],
    ],
  );
  const { mean, std } = shape.posterior();
  const draws = shape.draws(20_000);
  mean.forEach((value, j) => {
    const found = draws.reduce((sum, z) => sum + z[j], 0) / draws.length;
    const spread = Math.sqrt(draws.reduce((sum, z) => sum + (z[j] - found) ** 2, 0) / draws.length);
    assert.ok(Math.abs(found - value) < 0.05 && Math.abs(spread / std[j] - 1) < 0.05, `${found} ${spread}`);
  });
  assert.deepEqual(shape.draws(3), draws.slice(0, 3));
});
