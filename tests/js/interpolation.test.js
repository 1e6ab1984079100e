import assert from "node:assert/strict";
import { test } from "node:test";
import { linear, spherical } from "../../dashboard/components/latent/interpolation.js";
import { Tween } from "../../dashboard/components/shared/tween.js";

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

test("a tween glides from what it showed to what it is told", () => {
  const tween = new Tween(100);
  assert.equal(tween.read(0).length, 0, "nothing before it is told anything");
  tween.set(Float32Array.of(0, NaN), 0, false);
  assert.deepEqual([...tween.read(50)], [0, NaN]);
  tween.set(Float32Array.of(8, 4), 1000, false);
  assert.deepEqual([...tween.read(1050)], [4, 4], "half way; what was not finite does not glide");
  assert.ok(tween.moving(1050));
  tween.set(Float32Array.of(0, 0), 1050, false);
  assert.deepEqual([...tween.read(1050)], [4, 4], "it starts where it is");
  assert.deepEqual([...tween.read(1150)], [0, 0]);
  assert.ok(!tween.moving(1150));
  tween.set(Float32Array.of(7, 7), 2000, true);
  assert.deepEqual([...tween.read(2000)], [7, 7]);
  tween.set(Float32Array.of(1), 3000, false);
  assert.deepEqual([...tween.read(3000)], [1], "another length does not glide");
});
