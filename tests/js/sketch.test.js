import assert from "node:assert/strict";
import { test } from "node:test";
import { Levels, SIDE } from "../../dashboard/components/sketch/levels.js";

const EMPTY = "0".repeat(SIDE * SIDE);

test("an empty sheet is zeros, and a text that is none empties it", () => {
  const levels = new Levels();
  assert.equal(levels.text, EMPTY);
  levels.dab({ x: 3, y: 4 });
  levels.text = "12";
  assert.equal(levels.text, EMPTY);
});

test("a dab is darkest in its middle and reaches no further than the brush", () => {
  const levels = new Levels();
  levels.dab({ x: 10.5, y: 20.5 });
  const at = (/** @type {number} */ x, /** @type {number} */ y) => Number(levels.text[y * SIDE + x]);
  assert.equal(at(10, 20), 9);
  assert.ok(at(11, 20) > 0 && at(11, 20) < 9);
  assert.equal(at(13, 20), 0);
  const once = levels.text;
  levels.dab({ x: 10.5, y: 20.5 });
  assert.equal(levels.text, once);
});

test("a line has no gaps, and its text draws it again", () => {
  const levels = new Levels();
  levels.line({ x: 2.5, y: 5.5 }, { x: 29.5, y: 5.5 });
  const { text } = levels;
  for (let x = 3; x < 29; x++) assert.ok(Number(text[5 * SIDE + x]) > 3, String(x));
  const again = new Levels();
  again.text = text;
  assert.equal(again.text, text);
});
