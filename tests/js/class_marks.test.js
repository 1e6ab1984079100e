import assert from "node:assert/strict";
import { test } from "node:test";
import { addMark, NUM_SHAPES } from "../../dashboard/components/shared/class_marks.js";

/** @param {number} label */
function outline(label) {
  /** @type {number[][]} */
  const corners = [];
  const add = (/** @type {number} */ x, /** @type {number} */ y) => corners.push([x, y]);
  const context = { moveTo: add, lineTo: add, arc: () => corners.push([NaN, NaN]), closePath: () => {} };
  addMark(/** @type {any} */ (context), label, 0, 0, 1);
  return corners;
}

/** @param {number[][]} corners */
const area = (corners) =>
  Math.abs(
    corners.reduce((sum, [x, y], k) => {
      const [nextX, nextY] = corners[(k + 1) % corners.length];
      return sum + (x * nextY - nextX * y) / 2;
    }, 0),
  );

test("shapes are of about one size: no class looks heavier than another", () => {
  for (let label = 1; label < NUM_SHAPES; label++) {
    const found = area(outline(label));
    assert.ok(found > 2.2 && found < 3.6, `shape ${label}: ${found} for a circle's ${Math.PI}`);
  }
});

test("shapes differ, and come again after all of them", () => {
  const texts = Array.from({ length: NUM_SHAPES }, (_, label) => JSON.stringify(outline(label)));
  assert.equal(new Set(texts).size, NUM_SHAPES);
  assert.equal(JSON.stringify(outline(NUM_SHAPES + 2)), texts[2]);
});
