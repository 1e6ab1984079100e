import assert from "node:assert/strict";
import test from "node:test";
import { fullRange, movedCursor, nearestRow, valueRange } from "../../dashboard/components/board/history.js";

const STEPS = Float32Array.of(0, 100, 200, 300, 400, 500, 600, 700, 800, 900);

test("the range of no steps, of one and of many is never empty", () => {
  for (const steps of [Float32Array.of(), Float32Array.of(NaN), Float32Array.of(7)]) {
    const [first, last] = fullRange(steps);
    assert.ok(last > first, String(steps));
  }
  assert.deepEqual(fullRange(Float32Array.of(7)), [7, 17]);
  assert.deepEqual(fullRange(STEPS), [0, 900]);
});

test("the nearest row is none before the first one", () => {
  assert.equal(nearestRow(Float32Array.of(), 3), null);
  assert.equal(nearestRow(STEPS, -50), 0);
  assert.equal(nearestRow(STEPS, 149), 1);
  assert.equal(nearestRow(STEPS, 1e9), 9);
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
  assert.deepEqual(valueRange(STEPS, [values], [0, 900], false), [1 - 0.4, 9 + 0.4]);
  const [low] = valueRange(STEPS, [values], [0, 900], true);
  assert.ok(low < -1000, String(low));
});

test("in a zoom only the values in view count", () => {
  const values = Float32Array.from(STEPS, (_, row) => row ** 2);
  const [low, high] = valueRange(STEPS, [values], [250, 650], true);
  assert.deepEqual([low.toFixed(2), high.toFixed(2)], ["7.65", "37.35"]);
});

test("values that are not finite and curves that are missing leave a range to draw", () => {
  assert.deepEqual(valueRange(STEPS, [], [0, 900], false), [0, 1]);
  assert.deepEqual(valueRange(STEPS, [STEPS.map(() => NaN)], [0, 900], false), [0, 1]);
  assert.deepEqual(valueRange(STEPS, [STEPS.map(() => 2)], [0, 900], false), [1.5, 2.5]);
});
