import assert from "node:assert/strict";
import test from "node:test";
import {
  allSteps,
  fullRange,
  LEAST_RANGE,
  movedCursor,
  nearestRow,
  objectiveOf,
  NO_HISTORY,
  rowAt,
  spreadLabels,
  valueAt,
  valueRange,
} from "../../dashboard/components/board/history.js";

const STEPS = Float32Array.of(0, 100, 200, 300, 400, 500, 600, 700, 800, 900);

/** @param {Float32Array} values */
const line = (values) => ({ step: STEPS, values });

test("the range of no steps, of one and of many is never empty, and holds those of all runs", () => {
  for (const steps of [Float32Array.of(), Float32Array.of(NaN), Float32Array.of(7)]) {
    const [first, last] = fullRange([steps]);
    assert.ok(last > first, String(steps));
  }
  assert.deepEqual(fullRange([]), [0, 10]);
  assert.deepEqual(fullRange([Float32Array.of(7)]), [7, 17]);
  assert.deepEqual(fullRange([STEPS]), [0, 900]);
  assert.deepEqual(fullRange([STEPS, Float32Array.of(50, 2000), Float32Array.of()]), [0, 2000]);
});

test("the nearest row is none before the first one", () => {
  assert.equal(nearestRow(Float32Array.of(), 3), null);
  assert.equal(nearestRow(STEPS, -50), 0);
  assert.equal(nearestRow(STEPS, 149), 1);
  assert.equal(nearestRow(STEPS, 1e9), 9);
});

test("beyond its ends a run has no row", () => {
  assert.deepEqual(
    [-1, 0, 149, 900, 901].map((step) => rowAt(STEPS, step)),
    [null, 0, 1, 9, null],
  );
  assert.equal(rowAt(Float32Array.of(), 0), null);
});

test("the crosshair stands at the run's own steps, and beyond them at those of kept runs", () => {
  const kept = [Float32Array.of(0, 50, 900, 950, 1000), Float32Array.of(0, 925, 1000)];
  assert.deepEqual([...allSteps(STEPS, kept)], [...STEPS, 925, 950, 1000]);
  assert.deepEqual([...allSteps(Float32Array.of(), [kept[1]])], [0, 925, 1000], "before the first row");
  assert.deepEqual([...allSteps(STEPS, [])], [...STEPS]);
});

test("a key moves the crosshair into view, then from row to row, and not out of the range", () => {
  assert.equal(movedCursor(Float32Array.of(), [0, 10], null, 1), null);
  assert.equal(movedCursor(STEPS, [0, 900], null, -1), 900);
  assert.equal(movedCursor(STEPS, [0, 900], 900, -1), 800);
  assert.equal(movedCursor(STEPS, [0, 900], 900, 1), 900);
  assert.equal(movedCursor(STEPS, [200, 450], 400, 1), 450);
  assert.equal(movedCursor(STEPS, [250, 450], 300, -1), 250);
});

test("values have margins of 5 percent, and the first tenth counts only in a zoom", () => {
  const values = Float32Array.from(STEPS, (_, row) => (row === 0 ? -1000 : row));
  assert.deepEqual(valueRange([line(values)], [0, 900], { isZoomed: false }), [1 - 0.4, 9 + 0.4]);
  const [low] = valueRange([line(values)], [0, 900], { isZoomed: true });
  assert.ok(low < -1000, String(low));
});

test("in a zoom only the values in view count", () => {
  const values = Float32Array.from(STEPS, (_, row) => row ** 2);
  const [low, high] = valueRange([line(values)], [250, 650], { isZoomed: true });
  assert.deepEqual([low.toFixed(2), high.toFixed(2)], ["7.65", "37.35"]);
});

test("the curves of kept runs are in view, each with steps of its own", () => {
  const kept = { step: Float32Array.of(0, 2000), values: Float32Array.of(20, 30) };
  const [low, high] = valueRange([line(STEPS.map(() => 5)), kept], [0, 2000], { isZoomed: false });
  assert.deepEqual([low, high], [5 - 1.25, 30 + 1.25]);
});

test("values that are not finite and curves that are missing leave a range to draw", () => {
  assert.deepEqual(valueRange([], [0, 900], { isZoomed: false }), [0, 1]);
  assert.deepEqual(valueRange([line(STEPS.map(() => NaN))], [0, 900], { isZoomed: false }), [0, 1]);
});

test("noise below a tenth of a nat fills no axis", () => {
  const noise = Float32Array.from(STEPS, (_, row) => 0.0004 + 1e-5 * (row % 2));
  for (const fromZero of [false, true]) {
    const [low, high] = valueRange([line(noise)], [0, 900], { isZoomed: false, fromZero });
    assert.ok(high - low >= LEAST_RANGE, `${low} to ${high}`);
    assert.ok(low <= 0.0004 && high >= 0.0005);
  }
});

test("an axis from zero has zero in view, but not in a zoom", () => {
  const values = STEPS.map(() => 6);
  const [low, high] = valueRange([line(values)], [0, 900], { isZoomed: false, fromZero: true });
  assert.ok(low < 0 && low > -1 && high > 6, `${low} to ${high}`);
  assert.ok(valueRange([line(values)], [0, 900], { isZoomed: true, fromZero: true })[0] > 5);
});

test("the objective is in view, but takes half of the axis at most", () => {
  const elbo = Float32Array.from(STEPS, (_, row) => -20 - row / 9);
  const near = valueRange([line(elbo)], [0, 900], {
    isZoomed: false,
    objective: line(elbo.map((v) => v - 0.5)),
  });
  assert.ok(near[0] < -21.5 && near[0] > -22, String(near));
  const far = valueRange([line(elbo)], [0, 900], {
    isZoomed: false,
    objective: line(elbo.map((v) => v - 500)),
  });
  const height = Math.max(...elbo.subarray(1)) - Math.min(...elbo);
  assert.ok(far[1] - far[0] < 2.3 * height, String(far));
});

test("the objective weighs the KL of each row with the beta of that row", () => {
  const history = {
    ...NO_HISTORY,
    reconstruction_held_out: Float32Array.of(-20, -20),
    kl_held_out: Float32Array.of(2, 2),
    beta: Float32Array.of(1, 4),
  };
  assert.deepEqual([...objectiveOf(history, true).heldOut], [-22, -28]);
  assert.equal(objectiveOf(history, true).training.length, 0);
});

test("an objective that is no sum of the drawn terms is the measured one, held-out and in training", () => {
  const [heldOut, training] = [Float32Array.of(-21, -20), Float32Array.of(NaN, -19)];
  const history = { ...NO_HISTORY, objective_held_out: heldOut, objective_train: training };
  assert.deepEqual(objectiveOf(history, false), { heldOut, training });
});

test("a curve has a value between its ends, and none beyond", () => {
  assert.equal(valueAt(line(STEPS), 149), 100);
  assert.ok(Number.isNaN(valueAt(line(STEPS), 901)));
  assert.ok(Number.isNaN(valueAt({ step: Float32Array.of(), values: Float32Array.of() }, 0)));
});

test("labels keep their order and their distance and stay between the ends", () => {
  for (const wanted of [[], [50], [10, 12, 11], [98, 99, 100], [5, 5, 5, 5]]) {
    const heights = spreadLabels(wanted, 15, [0, 100]);
    const sorted = [...heights].sort((a, b) => a - b);
    sorted.slice(1).forEach((y, k) => assert.ok(y - sorted[k] >= 15 - 1e-9, String(heights)));
    assert.ok(
      heights.every((y) => y >= 0 && y <= 100),
      String(heights),
    );
  }
  assert.deepEqual(spreadLabels([20, 60], 15, [0, 100]), [20, 60], "labels with room stay");
});
