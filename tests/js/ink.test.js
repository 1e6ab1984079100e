import assert from "node:assert/strict";
import { test } from "node:test";
import { Ink } from "../../dashboard/components/latent/ink.js";

test("an empty sheet has no ink and gives zeros", () => {
  const ink = new Ink([3, 5]);
  assert.equal(ink.measure(), null);
  for (const isFitted of [true, false]) assert.ok(ink.input(isFitted).every((value) => value === 0));
  assert.equal(ink.input(false).length, 15);
});

test("an example on the sheet comes back as it is", () => {
  const ink = new Ink([2, 3]);
  const x = [0, 0.25, 1, 0.5, 0.75, 0];
  ink.put(x);
  ink.input(false).forEach((value, p) => assert.ok(Math.abs(value - x[p]) < 1e-6));
});

test("a dab is darkest in its middle, and the eraser takes it away", () => {
  const ink = new Ink([8, 8]);
  ink.dab(4, 4, 1, false);
  const found = ink.input(false);
  assert.ok(found[3 * 8 + 3] > 0.3 && found[0] === 0);
  assert.ok(ink.values.every((value) => value >= 0 && value <= 1));
  ink.dab(4, 4, 3, true);
  assert.equal(ink.measure(), null);
});

test("a line has no gaps", () => {
  const ink = new Ink([8, 8]);
  ink.line({ x: 1, y: 4 }, { x: 7, y: 4 }, 0.9, false);
  const found = ink.input(false);
  for (let column = 1; column < 7; column++) assert.ok(found[4 * 8 + column] > 0.3, String(column));
});

test("fitting fills the sheet and centres the ink", () => {
  const ink = new Ink([8, 8]);
  ink.line({ x: 1, y: 1 }, { x: 2, y: 3 }, 0.9, false);
  const { scale, centre } = ink.fit();
  assert.ok(scale > 1.5);
  assert.ok(centre[0] < 16 && centre[1] < 16);
  const found = ink.input(true);
  const mass = (/** @type {(row: number, column: number) => boolean} */ within) =>
    found.reduce((sum, value, p) => sum + (within(Math.floor(p / 8), p % 8) ? value : 0), 0);
  assert.ok(Math.abs(mass((row) => row < 4) - mass((row) => row >= 4)) < 0.1 * mass(() => true));
});

test("digits of MNIST's size fill a box of 20 pixels, their centre of mass in the middle", () => {
  const ink = new Ink([28, 28]);
  ink.line({ x: 4, y: 3 }, { x: 4, y: 13 }, 1, false);
  ink.line({ x: 4, y: 13 }, { x: 8, y: 13 }, 1, false);
  const x = ink.input(true);
  /** @param {(row: number, column: number) => number} value */
  const mean = (value) => {
    const sums = x.reduce(
      ([mass, sum], ink, p) => [mass + ink, sum + ink * value(Math.floor(p / 28), p % 28)],
      [0, 0],
    );
    return sums[1] / sums[0];
  };
  assert.ok(Math.abs(mean((row) => row + 0.5) - 14) < 0.1);
  assert.ok(Math.abs(mean((_, column) => column + 0.5) - 14) < 0.1);
  const rows = [...x.keys()].filter((p) => x[p] > 0.05).map((p) => Math.floor(p / 28));
  assert.ok(Math.abs(Math.max(...rows) - Math.min(...rows) + 1 - 20) <= 1, String(rows));
});
