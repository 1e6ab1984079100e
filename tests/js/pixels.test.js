import assert from "node:assert/strict";
import { test } from "node:test";
import { channelsOf, greyOf, pixelWord, sizeOf } from "../../dashboard/components/shared/pixels.js";

test("a picture in colour has three values a pixel, side by side", () => {
  assert.deepEqual([channelsOf([2, 3]), channelsOf([2, 3, 3])], [1, 3]);
  assert.deepEqual([sizeOf([2, 3]), sizeOf([2, 3, 3])], [6, 18]);
});

test("a pixel's word is opaque, red lowest: little-endian RGBA", () => {
  const levels = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66];
  const at = (/** @type {number} */ k) => levels[k];
  assert.equal(pixelWord(at, 1, 1) >>> 0, 0xff222222);
  assert.equal(pixelWord(at, 0, 3) >>> 0, 0xff332211);
  assert.equal(pixelWord(at, 1, 3) >>> 0, 0xff665544);
});

test("the grey of a pixel is the mean of its values", () => {
  assert.deepEqual([...greyOf([0, 3, 6, 1, 1, 1], [1, 2, 3])], [3, 1]);
  assert.deepEqual([...greyOf([0, 3], [1, 2])], [0, 3]);
});
