import assert from "node:assert/strict";
import { test } from "node:test";
import {
  brief,
  clamp,
  decimal,
  extent,
  fixed,
  latentName,
  median,
  niceTicks,
  range,
  spread,
} from "../../dashboard/components/shared/numbers.js";

test("clamp keeps a value between its ends", () => {
  assert.deepEqual(
    [-2, 0.5, 9].map((value) => clamp(value, 0, 1)),
    [0, 0.5, 1],
  );
});

test("range counts, spread divides", () => {
  assert.deepEqual(range(3, 1, 2), [1, 3, 5]);
  assert.deepEqual(range(0), []);
  assert.deepEqual(spread([-1, 1], 5), [-1, -0.5, 0, 0.5, 1]);
});

test("extent leaves out what is not finite", () => {
  assert.deepEqual(extent([NaN, 3, -Infinity, -1]), [-1, 3]);
  assert.equal(extent(Float32Array.of(NaN)), null);
  assert.equal(extent([]), null);
});

test("median of odd, even and no counts", () => {
  assert.equal(median([3, NaN, 1, 2]), 2);
  assert.equal(median([4, 1]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("numbers are written with a minus sign, and never as minus zero", () => {
  assert.equal(fixed(-1.25, 1), "−1.3");
  assert.equal(fixed(-0.001, 2), "0.00");
  assert.equal(fixed(NaN, 2), "–");
  assert.equal(brief(1234.5), "1230");
  assert.equal(brief(Infinity), "–");
  assert.equal(latentName(9), "z₁₀");
});

test("numbers of attributes have no exponent", () => {
  assert.equal(decimal(1e-8), "0.00000001");
  assert.equal(decimal(0.1 + 0.2), "0.3");
  assert.equal(decimal(-2500), "-2500");
});

test("ticks are round, inside their ends and about as many as asked for", () => {
  assert.deepEqual(
    niceTicks(-1, 1, 4).map(({ text }) => text),
    ["−1.0", "−0.5", "0.0", "0.5", "1.0"],
  );
  for (const [low, high] of [
    [0, 1e-6],
    [-3.7, 12.9],
    [1e5, 9e6],
  ]) {
    const ticks = niceTicks(low, high, 5);
    assert.ok(ticks.length >= 2 && ticks.length <= 11, String(ticks.length));
    assert.ok(ticks.every(({ value }) => value >= low - 1e-9 && value <= high * (1 + 1e-9)));
  }
  assert.deepEqual(niceTicks(1, 1, 5), []);
  assert.deepEqual(niceTicks(0, Infinity, 5), []);
});
