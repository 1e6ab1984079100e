import assert from "node:assert/strict";
import { test } from "node:test";
import {
  centreOf,
  makeFrame,
  middleOf,
  panned,
  pinchFactor,
  plotBox,
  squareFrame,
  wheelFactor,
  zoomed,
  zoomedRange,
} from "../../dashboard/components/shared/frame.js";

const BOX = { left: 40, top: 10, width: 300, height: 200 };

/**
 * @param {number} found
 * @param {number} wanted
 */
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found} is not ${wanted}`);

test("scales lead there and back, and y grows upwards", () => {
  const frame = makeFrame(BOX, [-1, 2], [0, 5]);
  for (const value of [-1, 0.3, 2]) near(frame.x(frame.px(value)), value);
  for (const value of [0, 4.2, 5]) near(frame.y(frame.py(value)), value);
  near(frame.py(0), 210);
  near(frame.py(5), 10);
});

test("a square frame has one unit for both directions and shows its radius", () => {
  const frame = squareFrame(BOX, [1, -2], 3);
  near(frame.px(1) - frame.px(0), frame.py(0) - frame.py(1));
  near(frame.y1 - frame.y0, 6);
  assert.deepEqual(centreOf(frame).map(Math.round), [1, -2]);
});

test("a title takes more space when it is long", () => {
  const size = { width: 400, height: 300 };
  assert.ok(plotBox(size, "z₁").height > plotBox(size, "posterior mean").height);
  assert.equal(plotBox({ width: 0, height: 0 }, "z₁").width, 1);
});

test("zooming keeps the place under the pointer where it is", () => {
  const at = { x: 100, y: 60 };
  const frame = squareFrame(BOX, [0, 0], 3);
  const view = zoomed(frame, 1, at, 0.5);
  assert.ok(view);
  assert.equal(view.zoom, 2);
  const after = squareFrame(BOX, view.centre, 3 / view.zoom);
  near(after.x(at.x), frame.x(at.x));
  near(after.y(at.y), frame.y(at.y));
  const back = zoomed(after, view.zoom, at, 4);
  assert.equal(back, null, "out of everything there is no way out");
});

test("zooming ends somewhere", () => {
  const frame = squareFrame(BOX, [0, 0], 3);
  assert.equal(zoomed(frame, 80, { x: 100, y: 60 }, 0.1)?.zoom, 100);
});

test("panning moves the content with the pointer", () => {
  const frame = squareFrame(BOX, [0, 0], 3);
  const centre = panned(frame, [0, 0], { x: 30, y: 15 });
  const after = squareFrame(BOX, centre, 3);
  near(after.px(0), frame.px(0) + 30);
  near(after.py(0), frame.py(0) + 15);
});

test("a part of a range stays inside it and has a least width", () => {
  assert.deepEqual(zoomedRange([-50, 20], [0, 100]), [0, 70]);
  assert.deepEqual(zoomedRange([80, 140], [0, 100]), [40, 100]);
  assert.deepEqual(zoomedRange([10, 10], [0, 100]), [10, 10.5]);
  assert.equal(zoomedRange([-Infinity, Infinity], [0, 100]), null);
});

test("a turn of the wheel is limited", () => {
  near(wheelFactor(0), 1);
  assert.ok(wheelFactor(50) > 1);
  near(wheelFactor(1e6), wheelFactor(120));
  near(wheelFactor(-1e6) * wheelFactor(1e6), 1);
});

test("fingers twice as far apart halve what is in view, about the middle between them", () => {
  const [last, at, other] = [
    { x: 10, y: 0 },
    { x: 20, y: 0 },
    { x: 0, y: 0 },
  ];
  near(pinchFactor(last, at, other), 0.5);
  assert.deepEqual(middleOf({ x: 20, y: 8 }, { x: 0, y: 2 }), { x: 10, y: 5 });
  assert.ok(Number.isFinite(pinchFactor(last, other, other)), "fingers in one place");
});
