import assert from "node:assert/strict";
import { test } from "node:test";
import { Tween } from "../../dashboard/components/shared/tween.js";

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

test("it begins and ends slowly", () => {
  const tween = new Tween(100);
  tween.set(Float32Array.of(0), 0, true);
  tween.set(Float32Array.of(64), 0, false);
  assert.deepEqual(
    [25, 50, 75].map((now) => tween.read(now)[0]),
    [10, 32, 54],
  );
});
