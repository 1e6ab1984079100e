import assert from "node:assert/strict";
import test from "node:test";
import { marksOf } from "../../dashboard/components/board/curve.js";
import { pauseOf, placeOf, placesOf, stepAt, whereText } from "../../dashboard/components/look_back/steps.js";

test("each kept step has a place, and now has the last one", () => {
  const places = placesOf([0, 1, 4, 16], 16);
  assert.deepEqual(places, [0, 1, 4]);
  assert.deepEqual(
    [0, 1, 4, null].map((step) => placeOf(places, step)),
    [0, 1, 2, 3],
  );
  assert.deepEqual(
    [0, 2, 3].map((place) => stepAt(places, place)),
    [0, 4, null],
  );
});

test("a step that is kept no longer has the place of the one before it", () => {
  assert.equal(placeOf([8, 32], 20), 0);
  assert.equal(placeOf([8, 32], 2), 0);
  assert.equal(placeOf([], 2), 0);
});

test("the place is said in words", () => {
  assert.equal(whereText(640, 12_300), "step 640 of 12,300");
  assert.equal(whereText(null, 12_300), "now: step 12,300");
});

test("a replay of many steps is not endless, one of few can be followed", () => {
  assert.ok(pauseOf(40) * 40 < 16_000);
  assert.equal(pauseOf(3), 900);
});

test("a fork has a mark of its own, together with a change of the same step", () => {
  const changes = [
    { step: 10, beta: 2 },
    { step: 20, beta: 4, learning_rate: 0.1 },
  ];
  assert.deepEqual(marksOf({ changes, fork: null, best: null }), changes);
  assert.deepEqual(marksOf({ changes, fork: 20, best: null }), [changes[0], { ...changes[1], isFork: true }]);
  assert.deepEqual(marksOf({ changes, fork: 15, best: null }), [
    changes[0],
    { step: 15, isFork: true },
    changes[1],
  ]);
});

test("the best step has a mark of its own, together with what was changed there", () => {
  const changes = [{ step: 10, beta: 2 }];
  assert.deepEqual(marksOf({ changes, fork: null, best: 30 }), [changes[0], { step: 30, isBest: true }]);
  const all = marksOf({ changes, fork: 10, best: 10 });
  assert.deepEqual(all, [{ ...changes[0], isFork: true, isBest: true }]);
});
