import assert from "node:assert/strict";
import test from "node:test";
import { cornersOf, neighbourOf } from "../../dashboard/components/walk/decoded_image.js";
import { distance, nearestPhase, pathAt } from "../../dashboard/components/walk/path.js";

const AXIS = [-2, -1, 0.5, 3];
const GRID = { axis: Float32Array.from(AXIS), rows: 4, columns: 4, shape: [2, 3] };

test("the path is closed and stays within 1.6 of the axes", () => {
  assert.ok(distance(pathAt(0), pathAt(1)) < 1e-12);
  for (let k = 0; k < 100; k++) assert.ok(Math.max(...pathAt(k / 100).map(Math.abs)) <= 1.6);
});

test("the nearest phase of a place of the path is that place", () => {
  for (const phase of [0.1, 0.45, 0.83]) {
    assert.ok(distance(pathAt(nearestPhase(pathAt(phase))), pathAt(phase)) < 0.03, String(phase));
  }
});

test("a value lies between its neighbours on the axis, and at the ends beyond them", () => {
  assert.deepEqual(neighbourOf(AXIS, -1), [1, 0]);
  assert.deepEqual(neighbourOf(AXIS, -1.5), [0, 0.5]);
  assert.deepEqual(neighbourOf(AXIS, -9), [0, 0]);
  assert.deepEqual(neighbourOf(AXIS, 9), [2, 1]);
});

test("at a node the image is the node's: row 0 of the grid is the largest second coordinate", () => {
  AXIS.forEach((z1, column) => {
    AXIS.forEach((z2, row) => {
      const heavy = cornersOf(GRID, [z1, z2]).filter(([, weight]) => weight > 0);
      assert.deepEqual(heavy, [[((3 - row) * 4 + column) * 6, 1]], `${z1}, ${z2}`);
    });
  });
});

test("the weights sum to one and interpolate the place itself", () => {
  for (const z of [
    [-1.7, 0.2],
    [0, 2.9],
    [2, -0.4],
  ]) {
    const corners = cornersOf(GRID, z);
    const sum = (/** @type {(column: number, row: number) => number} */ value) =>
      corners.reduce((total, [first, weight]) => {
        const image = first / 6;
        return total + weight * value(image % 4, 3 - Math.floor(image / 4));
      }, 0);
    assert.ok(Math.abs(sum(() => 1) - 1) < 1e-6);
    assert.ok(Math.abs(sum((column) => AXIS[column]) - z[0]) < 1e-6);
    assert.ok(Math.abs(sum((_, row) => AXIS[row]) - z[1]) < 1e-6);
  }
});
