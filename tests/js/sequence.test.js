import assert from "node:assert/strict";
import { test } from "node:test";
import { FORGOTTEN_MS, Sequence } from "../../dashboard/components/shared/sequence.js";

/** @param {import("node:test").TestContext} context */
function atTime(context) {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  context.mock.method(Date, "now", () => 1000 + now);
  return (/** @type {number} */ milliseconds) => (now += milliseconds);
}

test("numbers rise with the clock, and within one tick of it, too", (context) => {
  const wait = atTime(context);
  const sequence = new Sequence();
  const first = [sequence.next(), sequence.next()];
  wait(50);
  assert.deepEqual([...first, sequence.next()], [1000, 1001, 1050]);
  assert.ok(new Sequence().next() >= 1050, "an element that is mounted anew goes on above");
});

test("an answer to an older message is known, until it is too long ago", (context) => {
  const wait = atTime(context);
  const sequence = new Sequence();
  assert.ok(!sequence.isOlder(0), "nothing was sent");
  const [first, last] = [sequence.next(), sequence.next()];
  assert.deepEqual([sequence.isOlder(first), sequence.isOlder(last)], [true, false]);
  wait(FORGOTTEN_MS - 1);
  assert.ok(sequence.isOlder(first));
  wait(1);
  assert.ok(!sequence.isOlder(first), "a new server answers 0");
  sequence.next();
  sequence.forget();
  assert.ok(!sequence.isOlder(first));
});
