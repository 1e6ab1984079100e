import assert from "node:assert/strict";
import { test } from "node:test";
import { linear, spherical } from "../../dashboard/components/latent/interpolation.js";

const A = [2, 0, 0];
const B = [0, 1, 0];

/** @param {readonly number[]} z */
const length = (z) => Math.hypot(...z);

test("both interpolations have the pins at their ends", () => {
  for (const between of [linear, spherical]) {
    for (const [share, end] of /** @type {const} */ ([
      [0, A],
      [1, B],
    ])) {
      between(A, B, share).forEach((value, j) => assert.ok(Math.abs(value - end[j]) < 1e-12));
    }
  }
});

test("half way linearly is the mean", () => assert.deepEqual(linear(A, B, 0.5), [1, 0.5, 0]));

test("spherically the angle goes with the share, between equal lengths the length stays", () => {
  const unit = [1, 0, 0];
  for (const share of [0.25, 0.5, 0.9]) {
    const z = spherical(unit, B, share);
    assert.ok(Math.abs(length(z) - 1) < 1e-12);
    assert.ok(Math.abs(Math.atan2(z[1], z[0]) - (share * Math.PI) / 2) < 1e-12);
  }
});

test("parallel, opposite and zero vectors are interpolated linearly", () => {
  assert.deepEqual(spherical([1, 1], [2, 2], 0.5), [1.5, 1.5]);
  assert.deepEqual(spherical([1, 0], [-1, 0], 0.25), [0.5, 0]);
  assert.deepEqual(spherical([0, 0], [4, 0], 0.5), [2, 0]);
});
