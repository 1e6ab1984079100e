/** Plots as rectangles of a canvas with two linear scales, and the arithmetic of zooming and panning. */

import { clamp } from "./numbers.js";

/**
 * @typedef {{ x: number, y: number }} Point A place in CSS pixels.
 *
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 *
 * @typedef {object} Scales
 * @property {number} x0 @property {number} x1 @property {number} y0 @property {number} y1
 * @property {(x: number) => number} px Pixel of a value.
 * @property {(y: number) => number} py
 * @property {(px: number) => number} x Value at a pixel.
 * @property {(py: number) => number} y
 *
 * @typedef {Box & Scales} Frame
 *
 * @typedef {{ centre: number[], zoom: number }} View
 */

/**
 * A rectangle of the canvas with its two linear scales; y grows upwards.
 * @param {Box} box
 * @param {readonly number[]} xEnds
 * @param {readonly number[]} yEnds
 * @returns {Frame}
 */
export function makeFrame(box, [x0, x1], [y0, y1]) {
  const { left, top, width, height } = box;
  return {
    ...{ left, top, width, height, x0, x1, y0, y1 },
    px: (x) => left + ((x - x0) / (x1 - x0)) * width,
    py: (y) => top + height - ((y - y0) / (y1 - y0)) * height,
    x: (px) => x0 + ((px - left) / width) * (x1 - x0),
    y: (py) => y0 + ((top + height - py) / height) * (y1 - y0),
  };
}

/**
 * The same, with one unit equally long in both directions: `radius` about `centre` is in view.
 * @param {Box} box
 * @param {readonly number[]} centre
 * @param {number} radius
 */
export function squareFrame(box, [x, y], radius) {
  const unit = Math.min(box.width, box.height) / (2 * radius);
  const halfWidth = box.width / (2 * unit);
  const halfHeight = box.height / (2 * unit);
  return makeFrame(box, [x - halfWidth, x + halfWidth], [y - halfHeight, y + halfHeight]);
}

/** Titles up to this length share the line of the numbers below an axis. */
export const SHORT_TITLE = 4;
const OUTER = { left: 44, top: 8, right: 8 };

/**
 * The space for a plot in a canvas with a title below it.
 * @param {{ width: number, height: number }} size
 * @param {string} xTitle
 * @returns {Box}
 */
export function plotBox({ width, height }, xTitle, top = OUTER.top) {
  const bottom = xTitle.length <= SHORT_TITLE ? 22 : 38;
  return {
    left: OUTER.left,
    top,
    width: Math.max(1, width - OUTER.left - OUTER.right),
    height: Math.max(1, height - top - bottom),
  };
}

/**
 * The centre of what a frame shows.
 * @param {Frame} frame
 */
export const centreOf = ({ x0, x1, y0, y1 }) => [(x0 + x1) / 2, (y0 + y1) / 2];

/**
 * The centre after the content was moved by so many pixels to the right and down.
 * @param {Frame} frame
 * @param {readonly number[]} centre
 * @param {Point} moved
 */
export function panned({ x0, x1, y0, y1, width, height }, [x, y], moved) {
  return [x - (moved.x * (x1 - x0)) / width, y + (moved.y * (y1 - y0)) / height];
}

const MOST_ZOOM = 100;

/**
 * The view after zooming by a factor (below 1 enlarges); the place under the pointer stays where it is.
 * @param {Frame} frame What is shown at `zoom`.
 * @param {number} zoom
 * @param {Point} at
 * @param {number} factor
 * @returns {View | null} null means "everything".
 */
export function zoomed(frame, zoom, at, factor) {
  const next = clamp(zoom / factor, 1, MOST_ZOOM);
  if (next === 1) return null;
  const place = [frame.x(at.x), frame.y(at.y)];
  const centre = centreOf(frame).map((middle, axis) => place[axis] + ((middle - place[axis]) * zoom) / next);
  return { centre, zoom: next };
}

/**
 * A part [a, b] of a range [first, last] as it can be shown; null means "everything".
 * @param {readonly number[]} part
 * @param {readonly number[]} whole
 * @returns {[number, number] | null}
 */
export function zoomedRange([a, b], [first, last]) {
  const width = Math.min(Math.max(b - a, (last - first) / 200), last - first);
  const start = clamp(a, first, last - width);
  return width >= (last - first) * 0.999 ? null : [start, start + width];
}

/**
 * @param {Point} a
 * @param {Point} b
 */
export const middleOf = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/**
 * @param {Point} a
 * @param {Point} b
 */
export const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/**
 * The factor of a pinch in which one finger moved.
 * @param {Point} last Where it was.
 * @param {Point} at Where it is.
 * @param {Point} other The finger that rests.
 */
export const pinchFactor = (last, at, other) => distance(last, other) / Math.max(1, distance(at, other));

const WHEEL_RATE = 0.0025;

/**
 * The factor of a turn of the wheel.
 * @param {number} deltaY
 */
export const wheelFactor = (deltaY) => Math.exp(clamp(deltaY, -120, 120) * WHEEL_RATE);
