import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { templateOf } from "../../dashboard/components/chart/look.js";
import { composed } from "../../dashboard/components/chart/player.js";
import { pointsOf } from "../../dashboard/components/chart/selection.js";
import { Turns } from "../../dashboard/components/chart/turns.js";

/** What is to be done at each moment. @type {Record<"soon" | "afterFrame" | "idle", (() => void)[]>} */
let plans;
let now = 0;
const realNow = performance.now;

beforeEach(() => {
  plans = { soon: [], afterFrame: [], idle: [] };
  now = 0;
  performance.now = () => now;
});

afterEach(() => {
  performance.now = realNow;
});

const newTurns = () =>
  new Turns(12, {
    soon: (told) => plans.soon.push(told),
    afterFrame: (told) => plans.afterFrame.push(told),
    idle: (told) => plans.idle.push(told),
  });

/**
 * @param {string[]} said
 * @param {string} name
 */
const chart = (said, name, seen = true) => ({
  isInSight: () => seen,
  draw: async () => {
    said.push(name);
    await null; // Plotly draws most of some charts after it has answered
    now += 10;
  },
});

/**
 * The moment comes, and with it what follows from it.
 * @param {keyof typeof plans} moment
 */
async function at(moment) {
  plans[moment].splice(0).forEach((told) => told());
  await new Promise((settled) => setImmediate(settled));
}

/** How many plans there are for each moment. */
const planned = () => [plans.soon.length, plans.afterFrame.length, plans.idle.length];

test("charts in sight are drawn first, and a frame is painted once they have taken their budget", async () => {
  /** @type {string[]} */
  const said = [];
  const turns = newTurns();
  const [below, first, second] = [chart(said, "below", false), chart(said, "first"), chart(said, "second")];
  const [third, last] = [chart(said, "third"), chart(said, "last", false)];
  for (const one of [below, first, first, second, third, last]) turns.ask(one);
  assert.deepEqual(planned(), [1, 0, 0]);
  await at("soon");
  assert.deepEqual(said, ["first", "second"]);
  assert.deepEqual(planned(), [0, 1, 0]);
  await at("afterFrame");
  assert.deepEqual(said, ["first", "second", "third"]);
  assert.deepEqual(planned(), [0, 0, 1]);
  await at("idle");
  await at("idle");
  assert.deepEqual(said, ["first", "second", "third", "below", "last"]);
  assert.deepEqual(planned(), [0, 0, 0]);
});

test("what is out of sight waits as long as there are charts in sight, and is drawn as it is last", async () => {
  /** @type {string[]} */
  const said = [];
  const turns = newTurns();
  const below = chart(said, "below", false);
  turns.ask(below);
  await at("soon");
  turns.ask(chart(said, "seen"));
  await at("idle");
  assert.deepEqual(said, []);
  turns.ask(below);
  await at("soon");
  await at("idle");
  assert.deepEqual(said, ["seen", "below"]);
  assert.deepEqual(planned(), [0, 0, 0]);
});

test("a chart that waits for something keeps no other from its turn for long", async () => {
  /** @type {string[]} */
  const said = [];
  const turns = newTurns();
  const waits = { ...chart(said, "waits"), draw: () => new Promise(() => {}) };
  for (const one of [waits, chart(said, "another")]) turns.ask(one);
  await at("soon");
  assert.deepEqual(said, []);
  await new Promise((settled) => setTimeout(settled, 300));
  assert.deepEqual(said, ["another"]);
});

test("a chart that goes gives up its turn", async () => {
  /** @type {string[]} */
  const said = [];
  const turns = newTurns();
  const [stays, goes] = [chart(said, "stays"), chart(said, "goes")];
  for (const one of [goes, stays]) turns.ask(one);
  turns.leave(goes);
  await at("soon");
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

test("a frame has all that it is laid over, but for what it changes itself", () => {
  const frames = [
    { name: "a", traces: [2, 3, 4], data: [{ y: 1 }, { y: 2 }, { y: 3 }] },
    { name: "b", baseframe: "a", traces: [3], data: [{ y: 9 }] },
  ];
  assert.deepEqual(composed(frames, 0), { traces: [2, 3, 4], data: [{ y: 1 }, { y: 2 }, { y: 3 }] });
  const found = composed(frames, 1);
  assert.deepEqual(found, { traces: [3, 2, 4], data: [{ y: 9 }, { y: 1 }, { y: 3 }] });
  found.data[0].y = 0;
  assert.equal(frames[1].data[0].y, 9, "what Plotly writes into it changes no frame");
});
