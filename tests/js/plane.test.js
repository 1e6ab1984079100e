import assert from "node:assert/strict";
import { test } from "node:test";
import { coordinateTicks } from "../../dashboard/components/board/lines.js";
import { DataPlane, firstPairs, squareAround } from "../../dashboard/components/shared/data_plane.js";
import { greyLevel, greyWord } from "../../dashboard/components/shared/pixels.js";
import { namePlaces, spreadOut } from "../../dashboard/components/shared/plane.js";

test("names that are too close move apart, others stay", () => {
  const places = [
    [0, 0],
    [4, 0],
    [100, 100],
  ];
  spreadOut(places, 17);
  assert.ok(Math.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1]) > 16.9, String(places));
  assert.ok(places[0][0] < 0 && places[1][0] > 4, String(places));
  assert.deepEqual(places[2], [100, 100]);
});

const BOX = { left: 0, width: 300, top: 0 };

test("names of one and the same place stand in a row beside it, in their order", () => {
  const places = Array.from({ length: 10 }, (_, k) => [150 + (k % 3) - 1, 120 + (k % 2)]);
  const found = namePlaces(places, Array(10).fill(16), BOX);
  assert.equal(new Set(found.map(([, y]) => y)).size, 1, String(found));
  assert.ok(found[0][1] < 120 - 30, "clear of the place");
  found.slice(1).forEach(([x], k) => assert.ok(x - found[k][0] >= 16 - 1e-9, String(found)));
  assert.ok(found[0][0] >= 8 && found[9][0] <= 292, "inside the box");
});

test("names of places that lie apart stay there, also where some are no numbers", () => {
  const places = [
    [10, 10],
    [200, 50],
    [NaN, NaN],
    [40, 250],
  ];
  assert.deepEqual(namePlaces(places, [16, 16, 16, 16], BOX), places);
});

test("a name whose place is in sight is not cut off at the edge; one out of sight stays out", () => {
  const places = [
    [4, 40],
    [299, 90],
    [150, 200],
    [-30, 120],
  ];
  const found = namePlaces(places, [80, 80, 80, 80], BOX);
  assert.deepEqual(found, [
    [40, 40],
    [260, 90],
    [150, 200],
    [-30, 120],
  ]);
});

test("a square holds all pairs, and a single one is not without size", () => {
  assert.deepEqual(squareAround(Float32Array.of(0, 0, 4, 2), 1.5), { centre: [2, 1], radius: 3 });
  assert.deepEqual(squareAround(Float32Array.of(5, 6), 1.5), { centre: [5, 6], radius: 1 });
});

test("grey levels are from 0 to 255, the same in red, green and blue", () => {
  assert.deepEqual([-1, 0, 0.5, 1, 7].map(greyLevel), [0, 0, 128, 255, 255]);
  assert.equal(greyWord(0x12) >>> 0, 0xff121212);
});

test("of points with three columns the first two are drawn", () => {
  assert.deepEqual([...firstPairs([1, 2, 3, 4, 5, 6], 3)], [1, 2, 4, 5]);
  assert.deepEqual([...firstPairs(Float32Array.of(1, 2, 3, 4), 2)], [1, 2, 3, 4]);
});

test("axes of the data space have the names of the columns, cut where they are long", () => {
  const told = new Map();
  const canvas = {
    setAttribute: (/** @type {string} */ name, /** @type {string} */ value) => told.set(name, value),
  };
  const plane = new DataPlane(/** @type {any} */ (canvas));
  const [points, decoded] = [Float32Array.of(0, 0, 1, 1), Float32Array.of(0, 0, 1, 1)];
  plane.set({ points, decoded, mesh: null, names: [] }, 0, true);
  assert.deepEqual(plane.titles, ["x₁", "x₂"]);
  const names = ["length", "the temperature of the vessel in the middle"];
  plane.set({ points, decoded, mesh: null, names }, 0, true);
  assert.deepEqual(plane.titles, ["length", "the temperature of the …"]);
  assert.match(told.get("aria-label"), /in the plane of length and the temperature of the …/);
  const size = { width: 300, height: 200 };
  assert.equal(plane.frameIn(size).height, 200 - 8 - 38, "a long title stands below the numbers");
});

test("coordinates have the names of their columns where there is room", () => {
  const [vectors, decoded] = [new Float32Array(3), new Float32Array(3)];
  const texts = (/** @type {string[]} */ names, /** @type {number} */ width) => {
    const { xTicks, xTitle } = coordinateTicks({ vectors, decoded, dim: 3, names }, width);
    return [xTitle, ...xTicks.map(({ value, text }) => `${value} ${text}`)];
  };
  const names = ["length", "petal width (cm)", "concentration"];
  assert.deepEqual(texts(names, 400), ["", "1 length", "2 petal width (cm)", "3 concentration"]);
  assert.deepEqual(texts(names, 250), ["", "1 length", "2 petal width\n(cm)", "3 concentrat…"]);
  assert.deepEqual(texts(names, 100), ["coordinate", "2 2"], "no room");
  const numbered = ["coordinate", "1 1", "2 2", "3 3"];
  assert.deepEqual(texts([], 300), numbered, "no names");
  assert.deepEqual(texts(names.slice(0, 2), 300), numbered, "only the first ones are known");
});
