import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, floatsOf, integersOf, jsonOf } from "../../dashboard/components/shared/arrays.js";

test("arrays and JSON from Python", () => {
  const base64 = (/** @type {ArrayBuffer} */ buffer) => Buffer.from(buffer).toString("base64");
  assert.deepEqual([...bytesOf(base64(Uint8Array.of(1, 255).buffer))], [1, 255]);
  assert.deepEqual([...floatsOf(base64(Float32Array.of(0.5, -2).buffer))], [0.5, -2]);
  assert.deepEqual([...integersOf(base64(Int32Array.of(-3).buffer))], [-3]);
  assert.deepEqual(jsonOf(new TextEncoder().encode('{"a": ["ü"]}')), { a: ["ü"] });
});
