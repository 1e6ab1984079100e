/** The colour bar of a number, above a plane: what it is, its least and its largest value. */

import { stroke, write } from "./canvas.js";

/**
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./theme.js").Theme} Theme
 *
 * @typedef {object} Scale
 * @property {string} what The number, with its unit.
 * @property {readonly string[]} ends Its least and its largest value.
 */

/** Pixels above the plane that the bar takes. */
export const BAR_ROOM = 40;
const HEIGHT = 14;
const WIDEST = 260;
const GAP = 8;
/** Pixels of a digit, about: what draws for a vector file measures no text. */
const LETTER = 9;
/** @type {import("./canvas.js").Style} */
const VALUE = { size: 15, weight: 700, align: "left" };

/**
 * Draws the bar into the room above the frame: the title on a line of its own, the values at both ends.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Pick<Frame, "left" | "top" | "width">} frame
 * @param {Scale} scale
 */
export function drawColourBar(context, theme, { left, top, width }, { what, ends: [low, high] }) {
  const [title, middle] = [top - BAR_ROOM + 9, top - GAP - HEIGHT / 2];
  write(context, theme, what, left, title, { size: 14, align: "left" });
  const [before, after] = [low, high].map((text) => LETTER * text.length + GAP);
  const long = Math.max(40, Math.min(WIDEST, width - before - after));
  const start = left + before;
  write(context, theme, low, left, middle, VALUE);
  write(context, theme, high, start + long + GAP, middle, VALUE);
  const step = long / theme.classes.length;
  theme.classes.forEach((colour, k) => {
    context.fillStyle = colour;
    // A little over the next one, or the page would shine through between two.
    const over = k < theme.classes.length - 1 ? 1 : 0;
    context.fillRect(start + k * step, middle - HEIGHT / 2, step + over, HEIGHT);
  });
  context.beginPath();
  context.rect(start, middle - HEIGHT / 2, long, HEIGHT);
  stroke(context, theme.text, { alpha: 0.5 });
}
