import assert from "node:assert/strict";
import test from "node:test";
import { INTERVAL_MS, Pace, PATIENCE_MS } from "../../dashboard/components/shared/pace.js";
import { positionOf, stepped, tickLabel, typed, valueAt } from "../../dashboard/components/dial/scale.js";

const BETA = { low: 1e-3, high: 100, zero: true, ticks: [0, 0.01, 0.1, 1, 10, 100] };
const RATE = { low: 1e-5, high: 10, zero: false, ticks: [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10] };

test("what a tick says stands at its position, to the last digit", () => {
  for (const scale of [BETA, RATE]) {
    for (const value of [...scale.ticks, 0.002, 0.35, 4]) {
      if (value >= scale.low || value === 0) assert.equal(valueAt(scale, positionOf(scale, value)), value);
    }
  }
});

test("positions rise with the value, and values with the position", () => {
  for (const scale of [BETA, RATE]) {
    const values = Array.from({ length: 1001 }, (_, k) => valueAt(scale, k / 1000, 0.01));
    const places = [0, 1e-6, 1e-4, 1e-3, 0.01, 1, 50, 100, 1000].map((value) => positionOf(scale, value));
    for (const list of [values, places]) {
      list.slice(1).forEach((one, k) => assert.ok(one >= list[k], `${one} after ${list[k]}`));
    }
    assert.deepEqual([values[0], values[1000]], [scale.zero ? 0 : scale.low, scale.high]);
    assert.ok(Math.min(...places) >= 0 && Math.max(...places) <= 1);
  }
});

test("0, 0.01, 1 and 100 each have a twentieth of the track between them and the next mark", () => {
  const places = BETA.ticks.map((value) => positionOf(BETA, value));
  places.slice(1).forEach((place, k) => assert.ok(place - places[k] > 0.05, String(BETA.ticks[k])));
});

test("near a tick its value holds", () => {
  const one = positionOf(BETA, 1);
  for (const away of [-0.009, 0.009]) {
    assert.equal(valueAt(BETA, one + away, 0.01), 1);
    assert.notEqual(valueAt(BETA, one + away), 1);
  }
  assert.equal(valueAt(BETA, 0.02), 0, "0 is let go of only beyond the middle of its part");
  assert.equal(valueAt(BETA, 0.08), 0.001);
});

test("values have two digits", () => {
  for (let k = 0; k <= 300; k++) {
    const value = valueAt(BETA, k / 300);
    assert.equal(value, Number(value.toPrecision(2)), String(value));
  }
});

test("steps go through round numbers, twenty a decade, and back the same way", () => {
  const up = [1];
  while (up[up.length - 1] < 10) up.push(stepped(BETA, up[up.length - 1], 1));
  assert.equal(up.length, 21);
  for (const round of [1, 2, 2.5, 4, 5, 10]) assert.ok(up.includes(round), String(round));
  const down = [10];
  while (down[down.length - 1] > 1) down.push(stepped(BETA, down[down.length - 1], -1));
  assert.deepEqual(down.reverse(), up);
});

test("a quarter of a decade at a time", () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((k) => stepped(BETA, 1, 5 * k)),
    [1.8, 3.2, 5.6, 10],
  );
});

test("steps end at the ends, and lead to 0 and away from it", () => {
  assert.equal(stepped(BETA, 100, 1), 100);
  assert.equal(stepped(BETA, 500, 1), 500);
  assert.equal(stepped(BETA, 500, -1), 100);
  assert.equal(stepped(BETA, 0, 1), 0.001);
  assert.equal(stepped(BETA, 0.001, -1), 0);
  assert.equal(stepped(BETA, 0.0012, -5), 0.001);
  assert.equal(stepped(BETA, 0, -1), 0);
  assert.equal(stepped(RATE, 1e-5, -1), 1e-5);
  assert.equal(stepped(RATE, 9.5, 5), 10);
  assert.equal(stepped(BETA, 1.04, 1), 1.1);
  assert.equal(stepped(BETA, 1.04, -1), 1);
});

test("ticks are short", () => {
  assert.deepEqual(BETA.ticks.map(tickLabel), ["0", "0.01", "0.1", "1", "10", "100"]);
  assert.deepEqual(RATE.ticks.slice(0, 4).map(tickLabel), ["10⁻⁵", "10⁻⁴", "10⁻³", "0.01"]);
});

test("a number is typed with a point or a comma", () => {
  const cases = { 4: 4, " 0.00025 ": 0.00025, "0,25": 0.25, "1e-3": 1e-3, ".5": 0.5, "-1": -1 };
  for (const [text, value] of Object.entries(cases)) assert.equal(typed(text), value, text);
  for (const text of ["", "abc", "1,000,5", "0x1", "Infinity", "1 2"])
    assert.ok(Number.isNaN(typed(text)), text);
});

/** @param {import("node:test").TestContext} context */
function paced(context) {
  let now = 0;
  globalThis.window = /** @type {any} */ (globalThis);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(performance, "now", () => now);
  /** @type {{ value: number, now: number }[]} */
  const sent = [];
  const pace = new Pace((/** @type {number} */ value) => sent.push({ value, now }));
  const wait = (/** @type {number} */ milliseconds) => {
    for (let k = 0; k < milliseconds; k += 10) {
      now += 10;
      context.mock.timers.tick(10);
    }
  };
  return { pace, sent, wait };
}

test("of many values five a second go, and the last one in the end", (context) => {
  const { pace, sent, wait } = paced(context);
  for (let k = 0; k < 100; k++) {
    pace.offer(k);
    pace.answered();
    wait(10);
  }
  wait(INTERVAL_MS);
  assert.ok(sent.length >= 5 && sent.length <= 7, String(sent.length));
  assert.equal(sent[sent.length - 1].value, 99);
});

test("a server that does not answer gets one a second; the last value goes at once", (context) => {
  const { pace, sent, wait } = paced(context);
  for (let k = 0; k < 200; k++) {
    pace.offer(k);
    wait(10);
  }
  assert.deepEqual(
    sent.map((one) => one.now),
    [0, PATIENCE_MS, 2 * PATIENCE_MS],
  );
  pace.finish(1000);
  assert.equal(sent[sent.length - 1].value, 1000);
});

test("nothing goes after the end", (context) => {
  const { pace, sent, wait } = paced(context);
  pace.offer(1);
  pace.offer(2);
  pace.stop();
  wait(2 * PATIENCE_MS);
  assert.equal(sent.length, 1);
});
