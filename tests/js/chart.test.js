import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { templateOf } from "../../dashboard/components/chart/look.js";
import { pointsOf } from "../../dashboard/components/chart/selection.js";
import { Turns } from "../../dashboard/components/chart/turns.js";

/** @type {(() => void)[]} */
let frames = [];
let now = 0;
const real = { request: globalThis.requestAnimationFrame, cancel: globalThis.cancelAnimationFrame };
const realNow = performance.now;

beforeEach(() => {
  frames = [];
  now = 0;
  performance.now = () => now;
  globalThis.requestAnimationFrame = (told) => frames.push(() => told(now));
  globalThis.cancelAnimationFrame = (id) => {
    frames[id - 1] = () => {};
  };
});

afterEach(() => {
  performance.now = realNow;
  globalThis.requestAnimationFrame = real.request;
  globalThis.cancelAnimationFrame = real.cancel;
});

/**
 * @param {string[]} said
 * @param {string} name
 */
const chart = (said, name, seen = true) => ({
  isInSight: () => seen,
  draw: () => {
    said.push(name);
    now += 10;
  },
});

/** The next frame. */
const frame = () => frames.splice(0).forEach((told) => told());

test("charts in sight are drawn first, and no frame takes much longer than its budget", () => {
  /** @type {string[]} */
  const said = [];
  const turns = new Turns(12);
  const [below, first, second] = [chart(said, "below", false), chart(said, "first"), chart(said, "second")];
  for (const one of [below, first, first, second]) turns.ask(one);
  assert.equal(frames.length, 1);
  frame();
  assert.deepEqual(said, ["first", "second"]);
  frame();
  assert.deepEqual(said, ["first", "second", "below"]);
  assert.equal(frames.length, 0);
});

test("a chart that goes gives up its turn, and the frame with it", () => {
  /** @type {string[]} */
  const said = [];
  const turns = new Turns(12);
  const [stays, goes] = [chart(said, "stays"), chart(said, "goes")];
  turns.ask(goes);
  turns.leave(goes);
  frame();
  assert.deepEqual(said, []);
  turns.ask(stays);
  turns.ask(goes);
  turns.leave(goes);
  frame();
  assert.deepEqual(said, ["stays"]);
});

test("a selection is the trace and the number of each point", () => {
  const points = [
    { curveNumber: 2, pointNumber: 7 },
    { curveNumber: 0, pointNumbers: [1, 3] },
  ];
  assert.deepEqual(pointsOf({ points }), [
    [2, 7],
    [0, 1],
    [0, 3],
  ]);
  assert.deepEqual(pointsOf(undefined), []);
});

test("a figure without colours of its own has those of the page", () => {
  const page = { text: "#111111", background: "#fefefe", border: "#cccccc", font: "serif" };
  const { layout } = templateOf("light", page);
  assert.equal(layout.paper_bgcolor, "#fefefe");
  assert.deepEqual(layout.yaxis.tickfont, { color: "#111111", family: "serif", size: 14 });
  assert.notEqual(templateOf("dark", page).layout.yaxis.gridcolor, layout.yaxis.gridcolor);
});
