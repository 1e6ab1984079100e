// Helpers shared by every drawing: arrays, numbers, theme, canvas, axes, pointer and tween.

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const isFiniteNumber = Number.isFinite;

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}

// [min, max] of the finite values, or null when there are none.
function extent(values, from = 0, to = values.length) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = from; i < to; i++) {
    if (!isFiniteNumber(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low <= high ? [low, high] : null;
}

function median(values) {
  const sorted = values.filter(isFiniteNumber).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function fixed(value, decimals) {
  if (!isFiniteNumber(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

// Round numbers (1, 2 or 5 times a power of ten) inside [low, high], about `count` of them, as {value, text}.
function niceTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !isFiniteNumber(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((multiple) => multiple * power >= rough * 0.999);
  const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 8);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push({ value: k * step, text: fixed(k * step, decimals) });
  }
  return ticks;
}

const brief = (value) => (isFiniteNumber(value) ? String(Number(value.toPrecision(3))) : "–");

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (number) => [...String(number)].map((digit) => SUBSCRIPTS[digit]).join("");

const scratch = document.createElement("canvas").getContext("2d");

function isDark(colour) {
  scratch.fillStyle = colour;
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(scratch.fillStyle.slice(at, at + 2), 16));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

// The host's colours and font, with the concept and class colours of the palette that fits them.
function readTheme(element, palettes) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = read("--st-background-color", "#ffffff");
  const palette = palettes[isDark(background) ? "dark" : "light"];
  return { background, text: read("--st-text-color", "#222222"), font: style.fontFamily, ...palette };
}

// Fits the backing store to the element and the display's pixels; returns the context in CSS pixels.
function prepare(canvas) {
  const ratio = canvas.ratio ?? (window.devicePixelRatio || 1);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// A rectangle of the canvas with its two linear scales; y grows upwards.
function makeFrame(box, [x0, x1], [y0, y1]) {
  return {
    ...box,
    x0, x1, y0, y1,
    px: (x) => box.left + ((x - x0) / (x1 - x0)) * box.width,
    py: (y) => box.top + box.height - ((y - y0) / (y1 - y0)) * box.height,
    x: (px) => x0 + ((px - box.left) / box.width) * (x1 - x0),
    y: (py) => y0 + ((box.top + box.height - py) / box.height) * (y1 - y0),
  };
}

// The same, with one unit equally long in both directions: `radius` about `centre` is in view.
function squareFrame(box, centre, radius) {
  const unit = Math.min(box.width, box.height) / (2 * radius);
  const halfWidth = box.width / (2 * unit);
  const halfHeight = box.height / (2 * unit);
  const [x, y] = centre;
  return makeFrame(box, [x - halfWidth, x + halfWidth], [y - halfHeight, y + halfHeight]);
}

function write(context, theme, text, x, y, style = {}) {
  const { size = 12, weight = 400, align = "center", base = "middle", colour = theme.text, halo = 0 } = style;
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

function stroke(context, colour, { width = 1, alpha = 1, dash = [] } = {}) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function clipTo(context, frame) {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
}

const SHORT_TITLE = 4;
const OUTER = { left: 44, top: 8, right: 8 };

// The room for a plot in a canvas; a short title shares the line of the numbers below the axis.
function plotBox({ width, height }, xTitle, top = OUTER.top) {
  const bottom = xTitle.length <= SHORT_TITLE ? 22 : 38;
  return {
    left: OUTER.left,
    top,
    width: Math.max(1, width - OUTER.left - OUTER.right),
    height: Math.max(1, height - top - bottom),
  };
}

function drawGridLines(context, theme, { left, top, width, height, py }, yTicks) {
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

function drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle }) {
  drawGridLines(context, theme, frame, yTicks);
  const [right, bottom] = [frame.left + frame.width, frame.top + frame.height];
  const short = xTitle.length <= SHORT_TITLE;
  const end = short ? right - 8 * xTitle.length - 8 : Infinity;
  for (const { value, text } of xTicks) {
    if (frame.px(value) < end) write(context, theme, text, frame.px(value), bottom + 5, { base: "top" });
  }
  for (const { value, text } of yTicks) write(context, theme, text, frame.left - 5, frame.py(value), { align: "right" });
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

// Pointer and wheel on a canvas. `wheel` returns whether it used the turn; otherwise the page scrolls.
function listen(canvas, { hover, leave, drag, drop, wheel, reset }) {
  const at = (event) => ({ x: event.offsetX, y: event.offsetY });
  let start = null;
  const on = (type, handle) => canvas.addEventListener(type, handle, { passive: false });
  on("pointerdown", (event) => {
    if (event.button) return;
    start = at(event);
    canvas.setPointerCapture(event.pointerId);
  });
  on("pointermove", (event) => (start ? drag(at(event), start) : hover(at(event))));
  on("pointerup", (event) => {
    if (start) drop(at(event), start);
    start = null;
  });
  on("pointercancel", () => {
    start = null;
    leave();
  });
  on("pointerleave", leave);
  on("dblclick", reset);
  on("wheel", (event) => {
    if (wheel(at(event), Math.exp(clamp(event.deltaY, -120, 120) * 0.0025))) event.preventDefault();
  });
}

// Places a tooltip about x, with its lower edge at y, inside its stage's width.
function showTip(tip, text, x, y) {
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const { clientWidth: width } = tip.parentElement;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 0, Math.max(0, width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight)}px`;
}

// An array of numbers that glides from what it showed to what it is told.
class Tween {
  constructor(milliseconds = 300) {
    this.milliseconds = milliseconds;
    this.target = null;
  }

  set(target, now, instant) {
    const keeps = !instant && this.target !== null && this.target.length === target.length;
    this.from = keeps ? this.read(now) : target;
    this.target = target;
    this.start = now;
  }

  moving(now) {
    return this.from !== this.target && now - this.start < this.milliseconds;
  }

  read(now) {
    if (!this.moving(now)) return this.target;
    const share = clamp((now - this.start) / this.milliseconds, 0, 1);
    const eased = share * share * (3 - 2 * share);
    const glide = (to, i) => (isFiniteNumber(this.from[i]) ? this.from[i] + (to - this.from[i]) * eased : to);
    return this.target.map(glide);
  }
}
