/** Drawing on a canvas: text, strokes, axes and arrows in the colours of the theme. */

import { plotBox, SHORT_TITLE } from "./frame.js";
import { clamp } from "./numbers.js";
import { contextOf } from "./theme.js";

export { plotBox };

/**
 * @typedef {import("./frame.js").Box} Box
 * @typedef {import("./frame.js").Frame} Frame
 * @typedef {import("./frame.js").Point} Point
 * @typedef {import("./numbers.js").Tick} Tick
 * @typedef {import("./theme.js").Theme} Theme
 *
 * @typedef {object} Style
 * @property {number} [size] In pixels.
 * @property {number} [weight]
 * @property {CanvasTextAlign} [align]
 * @property {CanvasTextBaseline} [base]
 * @property {string} [colour]
 * @property {number} [halo] Width of a line in the colour of the background around the text.
 *
 * @typedef {{ width?: number, alpha?: number, dash?: number[] }} Pen
 */

/**
 * Pixels of the display in one of the element's: more where the style sheet enlarges it.
 * @param {HTMLCanvasElement} canvas
 */
const displayRatio = ({ currentCSSZoom: zoom = 1 }) => (window.devicePixelRatio || 1) * zoom;

/**
 * Fits the backing store to the element and the display's pixels; the context is in CSS pixels.
 * @param {HTMLCanvasElement} canvas With `ratio` where it stands for something else than a display.
 */
export function prepare(canvas) {
  const { ratio = displayRatio(canvas) } = /** @type {{ ratio?: number }} */ (canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {Style} [style]
 */
export function write(context, theme, text, x, y, style = {}) {
  const { size = 13, weight = 400, align = "center", base = "middle", colour = theme.text, halo = 0 } = style;
  context.font = `${weight} ${size}px ${theme.font}`;
  context.textAlign = align;
  context.textBaseline = base;
  if (halo) {
    context.lineJoin = "round";
    context.lineWidth = halo;
    context.strokeStyle = theme.background;
    context.strokeText(text, x, y);
  }
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/**
 * Strokes the current path.
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {Pen} [pen]
 */
export function stroke(context, colour, { width = 1, alpha = 1, dash = [] } = {}) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/**
 * Draws only inside the frame until `context.restore()`.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} frame
 */
export function clipTo(context, frame) {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
}

/**
 * Lines at the numbers of the vertical axis, and both axes.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Frame} frame
 * @param {Tick[]} yTicks
 */
export function drawGridLines(context, theme, { left, top, width, height, py }, yTicks) {
  context.beginPath();
  for (const { value } of yTicks) {
    context.moveTo(left, py(value));
    context.lineTo(left + width, py(value));
  }
  stroke(context, theme.text, { alpha: 0.13 });
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(left, top + height);
  context.lineTo(left + width, top + height);
  stroke(context, theme.text, { alpha: 0.5 });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {Frame} frame
 * @param {{ xTicks: Tick[], yTicks: Tick[], xTitle: string, yTitle: string }} axes The text of a tick below may
 * have two lines.
 */
export function drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle }) {
  drawGridLines(context, theme, frame, yTicks);
  const [right, bottom] = [frame.left + frame.width, frame.top + frame.height];
  const short = xTitle.length <= SHORT_TITLE;
  const end = short ? right - 8 * xTitle.length - 8 : Infinity;
  for (const { value, text } of xTicks) {
    if (frame.px(value) >= end) continue;
    text.split("\n").forEach((line, row) => {
      write(context, theme, line, frame.px(value), bottom + 5 + 15 * row, { base: "top" });
    });
  }
  for (const { value, text } of yTicks) {
    write(context, theme, text, frame.left - 5, frame.py(value), { align: "right" });
  }
  write(context, theme, xTitle, right, bottom + (short ? 4 : 20), { align: "right", base: "top", size: 13 });
  if (yTitle.length <= SHORT_TITLE) {
    write(context, theme, yTitle, frame.left - 34, frame.top + 6, { size: 13 });
    return;
  }
  context.save();
  context.translate(10, frame.top);
  context.rotate(-Math.PI / 2);
  write(context, theme, yTitle, 0, 0, { align: "right", size: 13 });
  context.restore();
}

/**
 * A filled dot on a ring of the background's colour.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {readonly number[]} place
 * @param {number} radius
 * @param {string} colour
 */
export function drawDot(context, theme, [x, y], radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  stroke(context, theme.background, { width: 4 });
  context.fillStyle = colour;
  context.fill();
}

/**
 * The place that is being moved: a dot in the colour of what is decoded, ringed to stand out on any ground.
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {readonly number[]} place
 * @param {{ radius: number, outer: number, inner: number }} size Radius, and the widths of the two rings.
 */
export function drawHandle(context, theme, [x, y], { radius, outer, inner }) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  stroke(context, theme.text, { width: outer });
  stroke(context, theme.background, { width: inner });
  context.fillStyle = theme.concepts.decoded;
  context.fill();
}

/**
 * The two strokes of an arrow's open head, added to the current path.
 * @param {CanvasRenderingContext2D} context
 * @param {Point} from
 * @param {Point} to
 * @param {number} length
 */
export function addArrowHead(context, from, to, length) {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  for (const side of [-0.45, 0.45]) {
    context.moveTo(to.x, to.y);
    context.lineTo(to.x - length * Math.cos(angle + side), to.y - length * Math.sin(angle + side));
  }
}

/**
 * Places a tooltip about x, with its lower edge at y, inside the width of the element that holds it.
 * @param {HTMLElement} tip
 * @param {string} text "" hides it.
 * @param {number} x
 * @param {number} y
 */
export function showTip(tip, text, x, y) {
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const width = tip.parentElement?.clientWidth ?? 0;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 0, Math.max(0, width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight)}px`;
}
