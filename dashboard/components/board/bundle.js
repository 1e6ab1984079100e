// Sources c96c9b4cf40dad3d; made by "npm run build": edit the modules, not this file.
// dashboard/components/shared/arrays.js
function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}
function integersOf(base64) {
  return new Int32Array(bytesOf(base64).buffer);
}
var jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

// dashboard/components/shared/frames.js
var Frames = class {
  #tick;
  #request = 0;
  #stopped = false;
  #visible = true;
  #wanted = false;
  /** @type {ResizeObserver[]} */
  #resizes = [];
  /** @type {IntersectionObserver[]} */
  #sights = [];
  /** @param {(now: number) => void} tick Draws; a hidden tab gets no frames. */
  constructor(tick) {
    this.#tick = tick;
  }
  /** Whether a frame is on its way. */
  get pending() {
    return this.#request !== 0;
  }
  /** Asks for one frame, however often it is called before it. */
  request() {
    this.#wanted = true;
    if (this.#stopped || !this.#visible || this.#request) return;
    this.#request = requestAnimationFrame((now) => {
      this.#request = 0;
      this.#wanted = false;
      this.#tick(now);
    });
  }
  /**
   * Tells when one of some elements gets another size.
   * @param {Iterable<Element>} elements
   * @param {() => void} resized
   */
  watchSizes(elements, resized) {
    const observer = new ResizeObserver(resized);
    for (const element of elements) observer.observe(element);
    this.#resizes.push(observer);
  }
  /**
   * While an element is out of sight no frame is asked for; what was asked for meanwhile comes when it is back.
   * @param {Element} element
   */
  onlyInSight(element) {
    this.watchSight(element, (visible) => {
      this.#visible = visible;
      if (visible && this.#wanted) this.request();
    });
  }
  /**
   * Tells whether an element is in sight, now and whenever that changes.
   * @param {Element} element
   * @param {(visible: boolean) => void} told
   */
  watchSight(element, told) {
    const observer = new IntersectionObserver((entries) => told(entries[entries.length - 1].isIntersecting));
    observer.observe(element);
    this.#sights.push(observer);
  }
  /** For good: nothing is watched and no frame comes any more. */
  stop() {
    this.#stopped = true;
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    for (const observer of [...this.#resizes, ...this.#sights]) observer.disconnect();
  }
};
var prefersCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// dashboard/components/shared/mount.js
function elementOf(selector, create) {
  const places = /* @__PURE__ */ new WeakMap();
  return (mounted) => {
    const { data, parentElement } = mounted;
    const root = find(parentElement, selector);
    let place = places.get(parentElement);
    if (place?.root !== root) {
      place?.instance.destroy();
      place = { root, instance: create(root, mounted) };
      places.set(parentElement, place);
    }
    if (data) place.instance.update(data, mounted);
    return () => {
      places.get(parentElement)?.instance.destroy();
      places.delete(parentElement);
    };
  };
}
function find(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no element ${selector}`);
  return found;
}
var findAll = (root, selector) => [...root.querySelectorAll(selector)].filter((one) => one instanceof HTMLElement);
var findCanvas = (root, selector) => (
  /** @type {HTMLCanvasElement} */
  find(root, selector)
);
var newElement = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
var newButton = (textContent, onclick) => newElement("button", { type: "button", textContent, onclick });

// dashboard/components/shared/numbers.js
var clamp = (value, low, high) => Math.min(high, Math.max(low, value));
var range = (count, start = 0, step = 1) => Array.from({ length: count }, (_, k) => start + k * step);
function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low <= high ? [low, high] : null;
}
function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
function fixed(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}
var brief = (value) => Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";
function niceTicks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((multiple) => multiple * power >= rough * 0.999) ?? 10);
  const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 8);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    ticks.push({ value: k * step, text: fixed(k * step, decimals) });
  }
  return ticks;
}
var SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
var subscript = (number) => [...String(number)].map((digit) => SUBSCRIPTS[Number(digit)]).join("");
var latentName = (axis) => `z${subscript(axis + 1)}`;

// dashboard/components/shared/frame.js
function makeFrame(box, [x0, x1], [y0, y1]) {
  const { left, top, width, height } = box;
  return {
    ...{ left, top, width, height, x0, x1, y0, y1 },
    px: (x) => left + (x - x0) / (x1 - x0) * width,
    py: (y) => top + height - (y - y0) / (y1 - y0) * height,
    x: (px) => x0 + (px - left) / width * (x1 - x0),
    y: (py) => y0 + (top + height - py) / height * (y1 - y0)
  };
}
function squareFrame(box, [x, y], radius) {
  const unit = Math.min(box.width, box.height) / (2 * radius);
  const halfWidth = box.width / (2 * unit);
  const halfHeight = box.height / (2 * unit);
  return makeFrame(box, [x - halfWidth, x + halfWidth], [y - halfHeight, y + halfHeight]);
}
var SHORT_TITLE = 4;
var OUTER = { left: 44, top: 8, right: 8 };
function plotBox({ width, height }, xTitle, top = OUTER.top) {
  const bottom = xTitle.length <= SHORT_TITLE ? 22 : 38;
  return {
    left: OUTER.left,
    top,
    width: Math.max(1, width - OUTER.left - OUTER.right),
    height: Math.max(1, height - top - bottom)
  };
}
var centreOf = ({ x0, x1, y0, y1 }) => [(x0 + x1) / 2, (y0 + y1) / 2];
function panned({ x0, x1, y0, y1, width, height }, [x, y], moved) {
  return [x - moved.x * (x1 - x0) / width, y + moved.y * (y1 - y0) / height];
}
var MOST_ZOOM = 100;
function zoomed(frame, zoom, at, factor) {
  const next = clamp(zoom / factor, 1, MOST_ZOOM);
  if (next === 1) return null;
  const place = [frame.x(at.x), frame.y(at.y)];
  const centre = centreOf(frame).map((middle, axis) => place[axis] + (middle - place[axis]) * zoom / next);
  return { centre, zoom: next };
}
function zoomedRange([a, b], [first, last]) {
  const width = Math.min(Math.max(b - a, (last - first) / 200), last - first);
  const start = clamp(a, first, last - width);
  return width >= (last - first) * 0.999 ? null : [start, start + width];
}
var middleOf = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
var distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
var pinchFactor = (last, at, other) => distance(last, other) / Math.max(1, distance(at, other));
var WHEEL_RATE = 25e-4;
var wheelFactor = (deltaY) => Math.exp(clamp(deltaY, -120, 120) * WHEEL_RATE);

// dashboard/components/shared/theme.js
var parser = null;
function rgbOf(colour) {
  parser ??= contextOf(document.createElement("canvas"));
  const context = parser;
  context.fillStyle = colour;
  const hex = String(context.fillStyle);
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no drawing context");
  return context;
}
function isDark(colour) {
  const [red, green, blue] = rgbOf(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}
function readTheme(element, palettes) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = read("--st-background-color", "#ffffff");
  const palette = palettes[isDark(background) ? "dark" : "light"];
  return { background, text: read("--st-text-color", "#222222"), font: style.fontFamily, ...palette };
}
var classColour = (theme, label) => label < 0 ? theme.text : theme.classes[label % theme.classes.length];

// dashboard/components/shared/canvas.js
var displayRatio = ({ currentCSSZoom: zoom = 1 }) => (window.devicePixelRatio || 1) * zoom;
function prepare(canvas) {
  const { ratio = displayRatio(canvas) } = (
    /** @type {{ ratio?: number }} */
    canvas
  );
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
function write(context, theme, text, x, y, style = {}) {
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
function showTip(tip, text, x, y) {
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const width = tip.parentElement?.clientWidth ?? 0;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 0, Math.max(0, width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight)}px`;
}

// dashboard/components/shared/pointer.js
function placeOf({ offsetX: x, offsetY: y, clientX, clientY, currentTarget }) {
  const element = (
    /** @type {HTMLElement} */
    currentTarget
  );
  const { currentCSSZoom: zoom = 1 } = element;
  if (zoom === 1) return { x, y };
  const { left, top } = element.getBoundingClientRect();
  return { x: (clientX - left) / zoom - element.clientLeft, y: (clientY - top) / zoom - element.clientTop };
}
var KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
function capture(element, event) {
  if (event.isTrusted) element.setPointerCapture(event.pointerId);
}
function listenToKeys(element, key) {
  element.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && key(event)) event.preventDefault();
  });
}
function listen(element, { hover, leave, drag, drop, wheel, reset, key }) {
  let start = null;
  const pressed = /* @__PURE__ */ new Map();
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (event.isPrimary) pressed.clear();
    pressed.set(event.pointerId, placeOf(event));
    start = placeOf(event);
    capture(element, event);
    if (!wheel || pressed.size === 1) return;
    start = null;
    leave();
  });
  element.addEventListener("pointermove", (event) => {
    const at = placeOf(event);
    const last = pressed.get(event.pointerId);
    const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
    if (last) pressed.set(event.pointerId, at);
    if (wheel && last && other) wheel(middleOf(at, other), pinchFactor(last, at, other));
    else if (start) drag(at, start);
    else hover(at);
  });
  element.addEventListener("pointerup", (event) => {
    pressed.delete(event.pointerId);
    if (start) drop(placeOf(event), start);
    start = null;
  });
  element.addEventListener("pointercancel", (event) => {
    pressed.delete(event.pointerId);
    start = null;
    leave();
  });
  element.addEventListener("pointerleave", leave);
  if (reset) element.addEventListener("dblclick", reset);
  if (key) listenToKeys(element, key);
  if (!wheel) return;
  const turn = (event) => {
    const isPinch = event.ctrlKey || event.metaKey;
    if (!isPinch && !element.matches(":focus")) return;
    if (wheel(placeOf(event), wheelFactor(event.deltaY)) || isPinch) event.preventDefault();
  };
  element.addEventListener("wheel", turn, { passive: false });
}

// dashboard/components/shared/tween.js
var Tween = class {
  /** @type {Float32Array | null} */
  target = null;
  /** @type {Float32Array | null} */
  from = null;
  start = 0;
  constructor(milliseconds = 300) {
    this.milliseconds = milliseconds;
  }
  /**
   * Arrays of another length, and numbers that were not finite, do not glide.
   * @param {Float32Array} target
   * @param {number} now In milliseconds.
   * @param {boolean} instant
   */
  set(target, now, instant) {
    const keeps = !instant && this.target !== null && this.target.length === target.length;
    this.from = keeps ? this.read(now) : target;
    this.target = target;
    this.start = now;
  }
  /** @param {number} now */
  moving(now) {
    return this.from !== this.target && now - this.start < this.milliseconds;
  }
  /**
   * The array at a time; empty before the first `set`.
   * @param {number} now
   * @returns {Float32Array}
   */
  read(now) {
    const { target, from } = this;
    if (!target || !from) return new Float32Array();
    if (!this.moving(now)) return target;
    const share = clamp((now - this.start) / this.milliseconds, 0, 1);
    const eased = share * share * (3 - 2 * share);
    return target.map((to, i) => Number.isFinite(from[i]) ? from[i] + (to - from[i]) * eased : to);
  }
};

// dashboard/components/shared/plane.js
var NUM_SHAPES = 3;
var NUM_PLAIN = 8;
var KEY_FACTOR = 0.7;
var KEY_PANS = 10;
var shapeOf = (label) => label < NUM_PLAIN ? 0 : Math.floor(label / NUM_PLAIN) % NUM_SHAPES;
function addMark(context, label, x, y, radius) {
  const shape = shapeOf(label);
  context.moveTo(x + radius, y);
  if (shape === 0) return context.arc(x, y, radius, 0, 2 * Math.PI);
  if (shape === 1) return context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  context.moveTo(x, y - radius * 1.2);
  context.lineTo(x + radius * 1.2, y + radius);
  context.lineTo(x - radius * 1.2, y + radius);
  return context.closePath();
}
function spreadOut(places, least) {
  for (let round = 0; round < 8; round++) {
    for (const a of places) {
      for (const b of places) {
        const away = Math.hypot(a[0] - b[0], a[1] - b[1]);
        if (a === b || !(away < least)) continue;
        const push = (least - away) / 2 / (away || 1);
        const [dx, dy] = [(a[0] - b[0] || 1e-3) * push, (a[1] - b[1] || 1e-3) * push];
        a[0] += dx;
        a[1] += dy;
        b[0] -= dx;
        b[1] -= dy;
      }
    }
  }
}
var NAME_SIZE = 17;
var ROW_OVER = 52;
var LETTER_WIDTH = 10;
function namePlaces(places, widths, { left, width, top }) {
  const shown = [...places.keys()].filter((k) => Number.isFinite(places[k][0] + places[k][1]));
  const middle = [0, 1].map((axis) => median(shown.map((k) => places[k][axis])));
  const found = places.map(([x2, y2]) => [x2, y2]);
  const isOnePlace = shown.length > 2 && shown.every((k) => Math.hypot(places[k][0] - middle[0], places[k][1] - middle[1]) < NAME_SIZE);
  if (!isOnePlace) {
    spreadOut(found, NAME_SIZE);
    return found;
  }
  const length = shown.reduce((sum, k) => sum + widths[k], 0);
  let x = clamp(middle[0] - length / 2, left, Math.max(left, left + width - length));
  const y = Math.max(top + NAME_SIZE, middle[1] - ROW_OVER);
  for (const k of shown) {
    found[k] = [x + widths[k] / 2, y];
    x += widths[k];
  }
  return found;
}
var Plane = class {
  places = new Tween();
  reach = new Tween();
  /** What is in view; null means everything. @type {View | null} */
  view = null;
  single = false;
  /** @type {number[]} */
  classes = [];
  /** Pairs as they were drawn last: the means, then the middles of the classes. @type {Float32Array} */
  shown = new Float32Array();
  /** @type {Point | null} */
  pointer = null;
  /** Where the centre was when the plane was taken hold of. @type {number[] | null} */
  held = null;
  /** The scales of the last drawing; null before the first one. @type {Frame | null} */
  frame = null;
  /** @type {PlaneData} */
  data = {
    means: new Float32Array(),
    stds: new Float32Array(),
    labels: new Int32Array(),
    classNames: [],
    axes: [0, 1],
    latentDim: 2
  };
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement | null} tip
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(canvas, tip, invalidate) {
    this.canvas = canvas;
    this.tip = tip;
    this.invalidate = invalidate;
  }
  /**
   * @param {PlaneData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    this.data = data;
    this.single = data.latentDim === 1;
    const pairs = this.single ? data.means.map((mean, i) => i % 2 ? data.stds[i] : mean) : data.means;
    this.classes = [...new Set(data.labels)].filter((label) => label >= 0).sort((a, b) => a - b);
    const middles = this.classes.flatMap((label) => this.middle(pairs, label));
    const places = new Float32Array(pairs.length + middles.length);
    places.set(pairs);
    places.set(middles, pairs.length);
    this.places.set(places, now, instant);
    const [firsts, seconds] = [0, 1].map((axis) => extent(pairs.filter((_, i) => i % 2 === axis)) ?? [0, 0]);
    const [low, high] = this.single ? firsts : extent(pairs) ?? [0, 0];
    const reach = Float32Array.of(Math.max(3.3, -low * 1.08, high * 1.08), Math.max(1.2, seconds[1] * 1.1));
    this.reach.set(reach, now, instant);
    this.describe(low, high);
  }
  /**
   * @param {Float32Array} pairs
   * @param {number} label
   */
  middle(pairs, label) {
    const members = [...this.data.labels.keys()].filter((i) => this.data.labels[i] === label);
    return [0, 1].map((axis) => median(members.map((i) => pairs[2 * i + axis])));
  }
  /** @param {number} label */
  className(label) {
    return this.data.classNames[label] ?? String(label);
  }
  /**
   * @param {number} low
   * @param {number} high
   */
  describe(low, high) {
    const axes = this.titles().join(" against ");
    const count = `${this.data.labels.length} held-out examples, ${this.classes.length} classes`;
    const text = `${axes}: posterior means of ${count}, from ${fixed(low, 1)} to ${fixed(high, 1)}`;
    this.canvas.setAttribute("aria-label", text);
  }
  titles() {
    const [first, second] = this.data.axes.map(latentName);
    return this.single ? [`posterior mean of ${first}`, "posterior std"] : [first, second];
  }
  /** @param {number} now */
  frameAt(now) {
    const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const box = plotBox(size, this.titles()[0]);
    const [reach, tallest] = this.reach.target ? this.reach.read(now) : [3.3, 1.2];
    const { centre, zoom } = this.view ?? { centre: [0, this.single ? tallest / 2 : 0], zoom: 1 };
    if (!this.single) return squareFrame(box, centre, reach / zoom);
    const half = [reach / zoom, tallest / 2 / zoom];
    const [xEnds, yEnds] = [0, 1].map((axis) => [centre[axis] - half[axis], centre[axis] + half[axis]]);
    return makeFrame(box, xEnds, yEnds);
  }
  /** The scales of the last drawing, or those of now before the first one. */
  currentFrame() {
    this.frame ??= this.frameAt(performance.now());
    return this.frame;
  }
  /**
   * Returns whether it is still gliding.
   * @param {Theme} theme
   * @param {number} now
   */
  draw(theme, now) {
    const { context } = prepare(this.canvas);
    const frame = this.frameAt(now);
    this.frame = frame;
    const [xTitle, yTitle] = this.titles();
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle, yTitle });
    clipTo(context, frame);
    this.drawPrior(context, theme, frame);
    this.shown = this.visible(this.places.read(now));
    this.drawPoints(context, theme, frame);
    this.drawNames(context, theme, frame);
    const style = { colour: theme.concepts.prior, align: "left", base: "bottom", halo: 4 };
    write(context, theme, "prior: 1, 2, 3 std", frame.left + 5, frame.top + frame.height - 4, style);
    context.restore();
    this.tell(context, theme, frame);
    return this.places.moving(now) || this.reach.moving(now);
  }
  /**
   * The places with NaN for those that are neither drawn nor near to anything.
   * @param {Float32Array} places
   */
  visible(places) {
    return places;
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPrior(context, theme, { px, py, left, top, width, height }) {
    context.beginPath();
    for (const deviations of this.single ? [-3, -2, -1, 1, 2, 3] : [1, 2, 3]) {
      if (this.single) {
        context.moveTo(px(deviations), top);
        context.lineTo(px(deviations), top + height);
      } else {
        context.moveTo(px(deviations), py(0));
        context.arc(px(0), py(0), px(deviations) - px(0), 0, 2 * Math.PI);
      }
    }
    if (this.single) {
      context.moveTo(left, py(1));
      context.lineTo(left + width, py(1));
    }
    stroke(context, theme.concepts.prior, { dash: [5, 4], width: 1.25 });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPoints(context, theme, frame, radius = 3) {
    const { labels } = this.data;
    context.globalAlpha = 0.65;
    for (const label of [-1, ...this.classes]) {
      context.beginPath();
      for (let i = 0; i < labels.length; i++) {
        const [x, y] = [this.shown[2 * i], this.shown[2 * i + 1]];
        if (labels[i] !== label || !Number.isFinite(x + y)) continue;
        addMark(context, label, frame.px(x), frame.py(y), radius);
      }
      context.fillStyle = classColour(theme, label);
      context.fill();
    }
    context.globalAlpha = 1;
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawNames(context, theme, frame) {
    const first = 2 * this.data.labels.length;
    const places = this.classes.map((_, k) => [
      frame.px(this.shown[first + 2 * k]),
      frame.py(this.shown[first + 2 * k + 1])
    ]);
    const names = this.classes.map((label) => this.className(label));
    const widths = names.map((name) => LETTER_WIDTH * name.length + 6);
    const beside = namePlaces(places, widths, frame);
    context.beginPath();
    places.forEach(([x, y], k) => {
      if (!(Math.hypot(x - beside[k][0], y - beside[k][1]) > NAME_SIZE / 2)) return;
      context.moveTo(x, y);
      context.lineTo(beside[k][0], beside[k][1]);
    });
    stroke(context, theme.text, { alpha: 0.6 });
    this.classes.forEach((label, k) => {
      const [x, y] = beside[k];
      const style = { colour: classColour(theme, label), weight: 700, size: 18, halo: 5 };
      if (Number.isFinite(x + y)) write(context, theme, names[k], x, y, style);
    });
  }
  /**
   * Index of the example whose mean is drawn nearest to some pixels, or null.
   * @param {Frame} frame
   * @param {Point} at
   */
  nearestTo(frame, { x, y }, within = 16) {
    let best = null;
    let closest = within;
    for (let i = 0; i < this.shown.length / 2 && i < this.data.labels.length; i++) {
      const away = Math.hypot(frame.px(this.shown[2 * i]) - x, frame.py(this.shown[2 * i + 1]) - y);
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }
  /**
   * What the tooltip says of the example under the pointer.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  tell(context, theme, frame) {
    if (!this.tip) return;
    const i = this.pointer ? this.nearestTo(frame, this.pointer) : null;
    if (i === null) {
      showTip(this.tip, "", 0, 0);
      return;
    }
    const [x, y] = [frame.px(this.shown[2 * i]), frame.py(this.shown[2 * i + 1])];
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    stroke(context, theme.text, { width: 2 });
    const axes = this.single ? [0] : [0, 1];
    const pair = (values) => axes.map((axis) => fixed(values[2 * i + axis], 2)).join(", ");
    const name = this.data.labels[i] < 0 ? "" : `class ${this.className(this.data.labels[i])}
`;
    showTip(this.tip, `${name}mean ${pair(this.data.means)}
std ${pair(this.data.stds)}`, x, y - 10);
  }
  /** Lets the pointer show, zoom and pan by itself. */
  connect() {
    listen(this.canvas, {
      hover: (at) => this.point(at),
      leave: () => this.leave(),
      drag: (at, start) => this.drag(at, start),
      drop: () => this.held = null,
      wheel: (at, factor) => this.zoomAbout(at, factor),
      reset: () => this.look(null),
      key: (event) => this.key(event.key)
    });
  }
  /**
   * Whether it used the key.
   * @param {string} key
   */
  key(key) {
    const frame = this.currentFrame();
    const middle = { x: frame.left + frame.width / 2, y: frame.top + frame.height / 2 };
    const move = KEY_MOVES[key];
    if (move) {
      const moved = { x: -move[0] * frame.width / KEY_PANS, y: move[1] * frame.height / KEY_PANS };
      this.look({ centre: panned(frame, centreOf(frame), moved), zoom: this.zoom });
    } else if (key === "+" || key === "=") {
      this.zoomAbout(middle, KEY_FACTOR);
    } else if (key === "-") {
      this.zoomAbout(middle, 1 / KEY_FACTOR);
    } else if (key === "0") {
      this.look(null);
    } else {
      return false;
    }
    return true;
  }
  leave() {
    this.held = null;
    this.point(null);
  }
  /** @param {View | null} view */
  look(view) {
    this.view = view;
    this.invalidate();
  }
  /** @param {Point | null} at */
  point(at) {
    this.pointer = at;
    this.invalidate();
  }
  get zoom() {
    return this.view?.zoom ?? 1;
  }
  /**
   * @param {Point} at
   * @param {Point} start
   */
  drag(at, start) {
    const frame = this.currentFrame();
    const moved = { x: at.x - start.x, y: at.y - start.y };
    this.pointer = null;
    this.held ??= centreOf(frame);
    const centre = panned(frame, this.held, moved);
    if (Math.hypot(moved.x, moved.y) > 3) this.look({ centre, zoom: this.zoom });
  }
  /**
   * Whether it used the turn of the wheel: out of everything there is no way out.
   * @param {Point} at
   * @param {number} factor
   */
  zoomAbout(at, factor) {
    if (factor > 1 && this.view === null) return false;
    this.look(zoomed(this.currentFrame(), this.zoom, at, factor));
    return true;
  }
};

// dashboard/components/board/history.js
var CONCEPTS = ["elbo", "reconstruction", "kl"];
var NOTHING = new Float32Array();
var NO_HISTORY = {
  step: NOTHING,
  epoch: NOTHING,
  beta: NOTHING,
  elbo_held_out: NOTHING,
  elbo_train: NOTHING,
  reconstruction_held_out: NOTHING,
  reconstruction_train: NOTHING,
  kl_held_out: NOTHING,
  kl_train: NOTHING
};
var LEAST_RANGE = 0.1;
var MOST_FOR_OBJECTIVE = 2;
var objectiveOf = ({ reconstruction_held_out: first, kl_held_out: kl, beta }) => first.map((value, row) => value - beta[row] * kl[row]);
function fullRange(columns) {
  const [first, last] = extent(columns.flatMap((steps) => extent(steps) ?? [])) ?? [0, 10];
  return [first, last > first ? last : first + 10];
}
function nearestRow(steps, step) {
  if (!steps.length) return null;
  let best = 0;
  for (let i = 1; i < steps.length; i++) {
    if (Math.abs(steps[i] - step) < Math.abs(steps[best] - step)) best = i;
  }
  return best;
}
function rowAt(steps, step) {
  const [first, last] = extent(steps) ?? [Infinity, -Infinity];
  return step >= first && step <= last ? nearestRow(steps, step) : null;
}
function allSteps(own, others) {
  const last = extent(own)?.[1] ?? -Infinity;
  const beyond = new Set(others.flatMap((steps) => [...steps.filter((step) => step > last)]));
  return Float32Array.of(...own, ...[...beyond].sort((a, b) => a - b));
}
function movedCursor(steps, [first, last], cursor, by) {
  const row = nearestRow(steps, cursor ?? last);
  if (row === null) return null;
  return clamp(steps[cursor === null ? row : clamp(row + by, 0, steps.length - 1)], first, last);
}
function valuesInView(lines, [from, to], isZoomed) {
  const ends = lines.flatMap(({ step, values }) => {
    const first = isZoomed ? step.findIndex((one) => one >= from) : Math.floor(step.length / 10);
    const end = step.findLastIndex((one) => one <= to) + 1;
    return first < 0 ? [] : extent(values.subarray(first, end)) ?? [];
  });
  return extent(ends);
}
function valueRange(lines, range2, { isZoomed, fromZero = false, objective }) {
  const found = valuesInView(lines, range2, isZoomed);
  if (!found) return [0, 1];
  let [low, high] = found;
  if (fromZero && !isZoomed) low = Math.min(0, low);
  const lacking = Math.max(0, LEAST_RANGE - (high - low));
  [low, high] = fromZero ? [low, high + lacking] : [low - lacking / 2, high + lacking / 2];
  const more = (high - low) * (MOST_FOR_OBJECTIVE - 1);
  const also = objective && valuesInView([objective], range2, isZoomed);
  if (also) [low, high] = [clamp(also[0], low - more, low), clamp(also[1], high, high + more)];
  const margin = 0.05 * (high - low);
  return [low - margin, high + margin];
}
function valueAt({ step: steps, values }, step) {
  const row = rowAt(steps, step);
  return row === null ? NaN : values[row];
}
function spreadLabels(wanted, apart, [top, bottom]) {
  const order = wanted.map((_, k) => k).sort((a, b) => wanted[a] - wanted[b]);
  const heights = [...wanted];
  let free = top;
  for (const k of order) {
    heights[k] = Math.max(wanted[k], free);
    free = heights[k] + apart;
  }
  let most = bottom;
  for (const k of order.reverse()) {
    heights[k] = Math.min(heights[k], most);
    most = heights[k] - apart;
  }
  return heights;
}

// dashboard/components/board/bars.js
var MOST_WIDTH = 44;
var NUMBER_WIDTH = 34;
var NAME_WIDTH = 22;
var barReach = (kl) => Math.max(LEAST_RANGE, extent(kl)?.[1] ?? 0) * 1.15;
var KlBars = class {
  /** @type {BarsData} */
  data = { kl: [], active: [], missing: "" };
  /** The dimension that the tooltip tells of. @type {number | null} */
  chosen = null;
  /** The scales of the last drawing. @type {Frame | null} */
  frame = null;
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} tip
   * @param {HTMLElement} note
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(canvas, tip, note, invalidate) {
    this.canvas = canvas;
    this.tip = tip;
    this.note = note;
    this.invalidate = invalidate;
    listen(canvas, {
      hover: (at) => this.choose(this.dimensionAt(at.x)),
      leave: () => this.choose(null),
      drag: (at) => this.choose(this.dimensionAt(at.x)),
      drop: () => {
      },
      key: ({ key }) => this.key(key)
    });
    canvas.addEventListener("blur", () => this.choose(null));
  }
  /** @param {BarsData} data */
  set(data) {
    this.data = data;
    const { kl, active, missing } = data;
    const count = `${active.filter(Boolean).length} of ${active.length} active`;
    this.note.textContent = missing || `· ${count}`;
    const each = kl.map((_, axis) => this.textOf(axis)).join("; ");
    const label = `KL of each latent dimension, nats per example: ${missing || `${count}: ${each}`}`;
    this.canvas.setAttribute("aria-label", label);
  }
  /** @param {number} axis */
  textOf(axis) {
    const is = this.data.active[axis] ? "active" : "not active";
    return `${latentName(axis)} ${fixed(this.data.kl[axis], 3)}, ${is}`;
  }
  /** @param {number} x in pixels */
  dimensionAt(x) {
    if (!this.frame || !this.data.kl.length) return null;
    return clamp(Math.floor(this.frame.x(x)), 0, this.data.kl.length - 1);
  }
  /** @param {number | null} axis */
  choose(axis) {
    this.chosen = axis;
    this.invalidate();
  }
  /**
   * Whether it used the key.
   * @param {string} key
   */
  key(key) {
    const count = this.data.kl.length;
    if (!count || !["ArrowLeft", "ArrowRight", "Escape"].includes(key)) return false;
    const by = key === "ArrowLeft" ? -1 : 1;
    if (key === "Escape") this.choose(null);
    else this.choose(this.chosen === null ? 0 : clamp(this.chosen + by, 0, count - 1));
    return true;
  }
  /** @param {Theme} theme */
  draw(theme) {
    const { context, ...size } = prepare(this.canvas);
    const { kl, active, missing } = this.data;
    const box = plotBox(size, "z", 16);
    const frame = makeFrame(box, [0, Math.max(1, kl.length)], [0, barReach(kl)]);
    this.frame = frame;
    const yTicks = missing ? [] : niceTicks(0, frame.y1, box.height / 24);
    drawAxes(context, theme, frame, { xTicks: [], yTicks, xTitle: "", yTitle: "" });
    const step = box.width / Math.max(1, kl.length);
    const width = Math.max(1, Math.min(MOST_WIDTH, step * 0.7));
    const namesApart = Math.ceil(NAME_WIDTH / step);
    kl.forEach((value, axis) => {
      const middle = frame.px(axis + 0.5);
      const top = frame.py(Number.isFinite(value) ? Math.max(0, value) : 0);
      context.beginPath();
      context.rect(middle - width / 2, top, width, box.top + box.height - top);
      context.fillStyle = theme.concepts.kl;
      if (active[axis]) context.fill();
      stroke(context, theme.concepts.kl, { width: 1.5 });
      if (step >= NUMBER_WIDTH) write(context, theme, fixed(value, 2), middle, top - 8);
      if (axis % namesApart) return;
      write(context, theme, latentName(axis), middle, box.top + box.height + 4, { base: "top" });
    });
    this.tell(frame);
    return false;
  }
  /** @param {Frame} frame */
  tell(frame) {
    const { chosen } = this;
    if (chosen === null || !range(this.data.kl.length).includes(chosen)) showTip(this.tip, "", 0, 0);
    else showTip(this.tip, `${this.textOf(chosen)}`, frame.px(chosen + 0.5), frame.top + frame.height);
  }
};

// dashboard/components/board/kept.js
var DASHES = [
  [9, 4],
  [3, 3],
  [14, 3, 3, 3],
  [6, 2],
  [2, 6],
  [14, 3, 3, 3, 3, 3]
];
function slotsOf(before, runs) {
  const slots = new Map(runs.flatMap((run) => before.has(run) ? [[run, before.get(run) ?? 0]] : []));
  for (const run of runs.filter((one) => !slots.has(one))) {
    const taken = new Set(slots.values());
    slots.set(run, range(taken.size + 1).find((slot) => !taken.has(slot)) ?? 0);
  }
  return slots;
}
var ghostColour = (theme, slot) => theme.ghosts[slot % theme.ghosts.length];
var ghostDash = (slot) => DASHES[slot % DASHES.length];
var KeptList = class {
  shown = "";
  /**
   * @param {HTMLElement} list
   * @param {(run: string) => void} drop
   */
  constructor(list, drop) {
    this.list = list;
    this.drop = drop;
  }
  /**
   * Made anew only where something is another one: a button under the keyboard's focus stays.
   * @param {readonly Ghost[]} ghosts
   * @param {Theme} theme
   */
  draw(ghosts, theme) {
    const wanted = JSON.stringify([ghosts.map(({ run, label, slot }) => [run, label, slot]), theme.ghosts]);
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.list.replaceChildren(...ghosts.map((ghost) => this.item(ghost, ghostColour(theme, ghost.slot))));
  }
  /**
   * @param {Ghost} ghost
   * @param {string} colour
   */
  item({ run, label, slot }, colour) {
    const item = newElement("li");
    const button = newButton("×", () => this.drop(run));
    button.setAttribute("aria-label", `Drop the curve ${label}`);
    button.title = "Drop this curve";
    item.append(sample(colour, ghostDash(slot)), newElement("span", { textContent: label }), button);
    return item;
  }
};
function sample(colour, dash) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  const [of, on] = [
    { width: 36, height: 12, "aria-hidden": true },
    { x2: 36, y1: 6, y2: 6, stroke: colour, "stroke-width": 2, "stroke-dasharray": dash.join(" ") }
  ];
  for (const [name, value] of Object.entries(of)) picture.setAttribute(name, String(value));
  for (const [name, value] of Object.entries(on)) line.setAttribute(name, String(value));
  picture.append(line);
  return picture;
}

// dashboard/components/board/curve.js
var UNIT = "nats per example";
var TOP = 18;
var STRIP = 20;
var APART = 6;
var STRIP_GAP = 5;
var LABEL_APART = 15;
var NAMED_APART = 14;
var Curve = class {
  /** @type {CurveData} */
  data = { history: NO_HISTORY, ghosts: [], changes: [], missing: "", hasObjective: false };
  /**
   * @param {HTMLElement} card
   * @param {Concept} concept
   */
  constructor(card, concept) {
    this.concept = concept;
    this.canvas = findCanvas(card, "canvas");
    this.tip = find(card, ".tip");
    this.note = find(card, ".note");
    this.legend = card.querySelector(".legend");
    this.title = find(card, "h2").textContent ?? "";
  }
  get history() {
    return this.data.history;
  }
  get missing() {
    return this.data.missing;
  }
  get heldOut() {
    return this.history[`${this.concept}_held_out`];
  }
  get training() {
    return this.history[`${this.concept}_train`];
  }
  /** @returns {Line | null} */
  get objective() {
    const drawn = this.concept === "elbo" && this.data.hasObjective && !this.missing;
    return drawn ? { step: this.history.step, values: objectiveOf(this.history) } : null;
  }
  /** The curves of the kept runs. @returns {(Line & { ghost: Ghost })[]} */
  get kept() {
    if (this.missing) return [];
    return this.data.ghosts.map((ghost) => {
      return { ghost, step: ghost.history.step, values: ghost.history[`${this.concept}_held_out`] };
    });
  }
  /** @param {CurveData} data */
  set(data) {
    this.data = data;
  }
  /** Where the plot lies in the canvas: above the strip of β. */
  get box() {
    const whole = plotBox({ width: this.canvas.clientWidth, height: this.canvas.clientHeight }, "step", TOP);
    return { ...whole, height: Math.max(1, whole.height - STRIP - STRIP_GAP) };
  }
  /**
   * @param {Theme} theme
   * @param {Looks} looks
   */
  draw(theme, { range: range2, isZoomed, cursor, row, selection }) {
    const { context } = prepare(this.canvas);
    const { step } = this.history;
    const own = [this.heldOut, this.training].map((values) => ({ step, values }));
    const how = { isZoomed, fromZero: this.concept === "kl", objective: this.objective ?? void 0 };
    const ends = valueRange(this.missing ? [] : [...own, ...this.kept], range2, how);
    const frame = makeFrame(this.box, range2, ends);
    const yTicks = this.missing ? [] : niceTicks(frame.y0, frame.y1, frame.height / 24);
    drawGridLines(context, theme, frame, yTicks);
    for (const { value, text } of yTicks) {
      write(context, theme, text, frame.left - 5, frame.py(value), { align: "right" });
    }
    this.drawStrip(context, theme, frame);
    this.drawChanges(context, theme, frame);
    clipTo(context, frame);
    if (!this.missing) this.drawCurves(context, theme, frame);
    if (selection) this.drawSelection(context, theme, frame, selection);
    context.restore();
    this.drawNames(context, theme, frame);
    if (cursor !== null) this.drawCursor(context, theme, frame, cursor, row);
    this.describe(cursor, row);
  }
  /**
   * The pale ones first: those of the run in view lie on top.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawCurves(context, theme, frame) {
    const colour = theme.concepts[this.concept];
    const { step } = this.history;
    for (const line of this.kept) {
      this.trace(context, frame, line);
      const dash = [...ghostDash(line.ghost.slot)];
      stroke(context, ghostColour(theme, line.ghost.slot), { width: 1.5, alpha: 0.75, dash });
    }
    if (this.objective) {
      this.trace(context, frame, this.objective);
      stroke(context, theme.text, { width: 1.25, dash: [1.5, 2.5] });
    }
    this.trace(context, frame, { step, values: this.training });
    stroke(context, colour, { width: 1.5, alpha: 0.55, dash: [5, 3] });
    this.trace(context, frame, { step, values: this.heldOut });
    context.lineJoin = "round";
    stroke(context, colour, { width: 2.5 });
    if (step.length === 1) this.drawDot(context, theme, frame, this.heldOut, 0);
  }
  /**
   * @param {Context} context
   * @param {Frame} frame
   * @param {Line} line
   */
  trace(context, frame, { step, values }) {
    context.beginPath();
    let down = false;
    for (let i = 0; i < values.length; i++) {
      const drawn = Number.isFinite(values[i]) && Number.isFinite(step[i]);
      if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(step[i]), frame.py(values[i]));
      down = drawn;
    }
  }
  /**
   * Names at the ends of the curves of kept runs, and of the objective where it is not the ELBO.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawNames(context, theme, frame) {
    const ends = this.kept.flatMap((line) => {
      const end = lastInView(line, frame);
      return end ? [{ ...end, text: line.ghost.label, colour: ghostColour(theme, line.ghost.slot) }] : [];
    });
    const objective = this.objective && lastInView(this.objective, frame);
    const elbo = lastInView({ step: this.history.step, values: this.heldOut }, frame);
    if (objective && elbo && Math.abs(objective.y - elbo.y) > NAMED_APART) {
      ends.push({ ...objective, text: "objective", colour: theme.text });
    }
    const half = LABEL_APART / 2;
    const limits = [frame.top + half, frame.top + frame.height - half];
    const above = ends.map(({ y }) => y - half - 1);
    const heights = spreadLabels(above, LABEL_APART, limits);
    ends.forEach(({ x, text, colour }, k) => {
      const right = frame.left + frame.width;
      write(context, theme, text, Math.min(x, right) - 3, heights[k], {
        ...{ colour, weight: 600, halo: 4 },
        align: x > frame.left + frame.width / 3 ? "right" : "left"
      });
    });
  }
  /**
   * β over the steps, on the scale of square roots: 0.1 beside 4 is still to be seen.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} above The plot.
   */
  drawStrip(context, theme, above) {
    const { step, beta } = this.history;
    const box = {
      left: above.left,
      width: above.width,
      top: above.top + above.height + STRIP_GAP,
      height: STRIP
    };
    const most = Math.max(extent(beta)?.[1] ?? 0, 1e-9);
    const frame = makeFrame(box, [above.x0, above.x1], [0, Math.sqrt(most) * 1.15]);
    const xTicks = niceTicks(frame.x0, frame.x1, frame.width / 50);
    drawAxes(context, theme, frame, { xTicks, yTicks: [], xTitle: "step", yTitle: "" });
    const style = { colour: theme.concepts.beta, weight: 700 };
    write(context, theme, "β", frame.left - 5, box.top + STRIP / 2, { ...style, align: "right" });
    clipTo(context, box);
    context.beginPath();
    for (let i = 0; i < beta.length; i++) {
      const y = frame.py(Math.sqrt(Math.max(0, beta[i])));
      if (i > 0) context.lineTo(frame.px(step[i - 1]), y);
      context[i ? "lineTo" : "moveTo"](frame.px(step[i]), y);
    }
    stroke(context, theme.concepts.beta, { width: 2 });
    context.restore();
  }
  /**
   * A mark for each change. From the newest back, so that where many lie close together the latest keeps its label,
   * and a drag, which is many changes, keeps the marks that can be told apart.
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawChanges(context, theme, frame) {
    const [right, bottom] = [frame.left + frame.width, frame.top + frame.height + STRIP_GAP + STRIP];
    let free = Infinity;
    let marked = Infinity;
    for (const { step, beta, learning_rate: rate } of [...this.data.changes].reverse()) {
      const x = frame.px(step);
      if (x < frame.left || x > right || marked - x < APART) continue;
      marked = x;
      const colour = beta === void 0 ? theme.text : theme.concepts.beta;
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, bottom);
      stroke(context, colour, { width: 1.25, alpha: 0.8, dash: beta === void 0 ? [4, 3] : [] });
      const parts = [
        beta === void 0 ? "" : `β ${brief(beta)}`,
        rate === void 0 ? "" : `η ${brief(rate)}`
      ];
      const text = parts.filter(Boolean).join(", ");
      const width = 7 * text.length;
      const middle = Math.min(x, right - width / 2);
      if (middle + width / 2 > free) continue;
      write(context, theme, text, middle, 9, { colour, weight: 700 });
      free = middle - width / 2 - 6;
    }
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {number[]} selection
   */
  drawSelection(context, theme, frame, [a, b]) {
    context.globalAlpha = 0.15;
    context.fillStyle = theme.text;
    context.fillRect(frame.px(a), frame.top, frame.px(b) - frame.px(a), frame.height);
    context.globalAlpha = 1;
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {number} step
   * @param {number | null} row
   */
  drawCursor(context, theme, frame, step, row) {
    const x = frame.px(step);
    if (x < frame.left - 1 || x > frame.left + frame.width + 1) return;
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + frame.height + STRIP_GAP + STRIP);
    stroke(context, theme.text, { alpha: 0.6 });
    if (this.missing || row === null) return;
    clipTo(context, frame);
    for (const values of [this.training, this.heldOut]) this.drawDot(context, theme, frame, values, row);
    context.restore();
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {number} row
   */
  drawDot(context, theme, frame, values, row) {
    if (!Number.isFinite(values[row])) return;
    context.beginPath();
    context.arc(frame.px(this.history.step[row]), frame.py(values[row]), 4, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts[this.concept];
    context.fill();
    stroke(context, theme.background, { width: 1.5 });
  }
  /** @param {number} row */
  valuesText(row) {
    if (this.missing) return this.missing;
    return `held-out ${this.shown("held_out", row)} · training ${this.shown("train", row)}`;
  }
  /**
   * A value with two decimals; the ELBO is the difference of the other two as they are shown.
   * @param {"held_out" | "train"} part
   * @param {number} row
   */
  shown(part, row) {
    const value = (concept) => this.history[`${concept}_${part}`][row];
    if (this.concept !== "elbo") return fixed(value(this.concept), 2);
    return fixed(Number(value("reconstruction").toFixed(2)) - Number(value("kl").toFixed(2)), 2);
  }
  /**
   * A line for each kept run that had come so far: its name and its value.
   * @param {number} step
   */
  keptText(step) {
    const lines = this.kept.map((line) => [line.ghost.label, valueAt(line, step)]);
    return lines.flatMap(
      ([label, value]) => Number.isNaN(value) ? [] : [`${label}: ${fixed(Number(value), 2)}`]
    );
  }
  /**
   * What the note says: the values under the crosshair, or else the unit, or why there is nothing.
   * @param {number | null} row
   */
  say(row) {
    const hasLegend = this.legend instanceof HTMLElement && row === null && !this.missing;
    if (this.legend instanceof HTMLElement) this.legend.hidden = !hasLegend;
    this.note.textContent = row === null ? this.missing || (hasLegend ? "" : UNIT) : this.valuesText(row);
  }
  /**
   * The values at the crosshair in words, or else the newest ones.
   * @param {number | null} cursor
   * @param {number | null} row
   */
  describe(cursor, row) {
    const { step, beta } = this.history;
    const shown = cursor === null ? step.length - 1 : row;
    const at = cursor ?? step[step.length - 1];
    if (at === void 0) return;
    const own = shown === null ? [] : [this.valuesText(shown), `β ${brief(beta[shown])}`];
    const label = `${this.title}, ${UNIT}, at step ${at}: ${[...own, ...this.keptText(at)].join("; ")}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
};
function lastInView({ step, values }, frame) {
  const row = step.findLastIndex(
    (one, i) => one >= frame.x0 && one <= frame.x1 && Number.isFinite(values[i])
  );
  return row < 0 ? null : { x: frame.px(step[row]), y: frame.py(values[row]) };
}

// dashboard/components/board/curve_group.js
var CLICK = 4;
var KEY_FACTOR2 = 0.7;
var CurveGroup = class {
  history = NO_HISTORY;
  /** All steps, of the kept runs, too: two windows with the same runs have the same scales. */
  whole = fullRange([]);
  /** The range of steps in view; null for all, also those to come. @type {[number, number] | null} */
  zoom = null;
  /** Where the crosshair can stand, ascending: at the rows, and beyond the last one at those of the kept runs. */
  steps = NO_HISTORY.step;
  /** @type {number | null} */
  cursorStep = null;
  /** The chart that the crosshair was moved in. @type {Curve | null} */
  active = null;
  /** A range of steps that is being dragged. @type {number[] | null} */
  selection = null;
  /**
   * @param {Curve[]} curves
   * @param {() => void} invalidate Asks to be drawn again.
   */
  constructor(curves, invalidate) {
    this.curves = curves;
    this.invalidate = invalidate;
    for (const curve of curves) this.connect(curve);
  }
  /** For another run. */
  clear() {
    this.zoom = null;
    this.cursorStep = null;
    this.active = null;
    this.selection = null;
  }
  /**
   * @param {Omit<CurveData, "missing">} data
   * @param {Partial<Record<Concept, string>>} missing Why a chart stays empty.
   */
  set(data, missing) {
    this.history = data.history;
    const kept = data.ghosts.map(({ history }) => history.step);
    this.whole = fullRange([data.history.step, ...kept]);
    this.steps = allSteps(data.history.step, kept);
    for (const curve of this.curves) curve.set({ ...data, missing: missing[curve.concept] ?? "" });
  }
  get range() {
    return this.zoom ?? this.whole;
  }
  /** The row under the crosshair, or null, as beyond the last row, where only kept runs have values. */
  get row() {
    return this.cursorStep === null ? null : rowAt(this.history.step, this.cursorStep);
  }
  /**
   * Ranges that hold everything mean "no zoom": the charts follow the data again.
   * @param {number} from
   * @param {number} to
   */
  setZoom(from, to) {
    this.zoom = zoomedRange([from, to], this.whole);
    this.invalidate();
  }
  /**
   * Returns whether it changed anything: there is nothing to zoom out of where all steps are in view.
   * @param {number} step
   * @param {number} factor
   */
  zoomAbout(step, factor) {
    const [from, to] = this.range;
    if (factor > 1 && this.zoom === null) return false;
    this.setZoom(step - (step - from) * factor, step + (to - step) * factor);
    return true;
  }
  /**
   * @param {Curve} curve
   * @param {number} x in pixels
   */
  stepAt({ box }, x) {
    return makeFrame(box, this.range, [0, 1]).x(clamp(x, box.left, box.left + box.width));
  }
  /**
   * @param {Curve} curve
   * @param {number | null} step null takes the crosshair away.
   */
  point(curve, step) {
    const at = step === null ? null : nearestRow(this.steps, step);
    this.active = at === null ? null : curve;
    this.cursorStep = at === null ? null : this.steps[at];
    this.invalidate();
  }
  /** @param {Curve} curve */
  connect(curve) {
    listen(curve.canvas, {
      hover: (at) => this.point(curve, this.stepAt(curve, at.x)),
      leave: () => this.leave(curve),
      drag: (at, start) => this.select(curve, at, start),
      drop: (at, start) => this.takeSelection(Math.abs(at.x - start.x) > CLICK),
      wheel: (at, factor) => this.zoomAbout(this.stepAt(curve, at.x), factor),
      reset: () => this.setZoom(-Infinity, Infinity),
      key: (event) => this.key(curve, event.key)
    });
    curve.canvas.addEventListener("blur", () => this.point(curve, null));
  }
  /** @param {Curve} curve */
  leave(curve) {
    this.selection = null;
    this.point(curve, null);
  }
  /**
   * @param {Curve} curve
   * @param {Point} at
   * @param {Point} start
   */
  select(curve, at, start) {
    this.selection = [this.stepAt(curve, start.x), this.stepAt(curve, at.x)].sort((a, b) => a - b);
    this.invalidate();
  }
  /** @param {boolean} far Whether the pointer was dragged rather than clicked. */
  takeSelection(far) {
    if (far && this.selection) this.setZoom(this.selection[0], this.selection[1]);
    this.selection = null;
    this.invalidate();
  }
  /**
   * Whether it used the key.
   * @param {Curve} curve
   * @param {string} key
   */
  key(curve, key) {
    const middle = this.cursorStep ?? (this.range[0] + this.range[1]) / 2;
    if (key === "ArrowLeft" || key === "ArrowRight") this.moveCursor(curve, key === "ArrowLeft" ? -1 : 1);
    else if (key === "+" || key === "=") this.zoomAbout(middle, KEY_FACTOR2);
    else if (key === "-") this.zoomAbout(middle, 1 / KEY_FACTOR2);
    else if (key === "0") this.setZoom(-Infinity, Infinity);
    else if (key === "Escape") this.point(curve, null);
    else return false;
    return true;
  }
  /**
   * @param {Curve} curve
   * @param {number} by rows
   */
  moveCursor(curve, by) {
    const steps = this.cursorStep === null ? this.history.step : this.steps;
    this.point(curve, movedCursor(steps, this.range, this.cursorStep, by));
  }
  /** @param {Theme} theme */
  draw(theme) {
    const { range: range2, cursorStep: cursor, row, selection } = this;
    for (const curve of this.curves) {
      curve.draw(theme, { range: range2, isZoomed: this.zoom !== null, cursor, row, selection });
      this.tell(curve, row);
    }
    return false;
  }
  /**
   * @param {Curve} curve
   * @param {number | null} row
   */
  tell(curve, row) {
    curve.say(row);
    if (this.cursorStep === null || curve !== this.active) {
      showTip(curve.tip, "", 0, 0);
      return;
    }
    const { epoch, beta } = this.history;
    const { box } = curve;
    const own = row === null ? [] : [`epoch ${epoch[row]}`, `β ${brief(beta[row])}`];
    const where = [`step ${this.cursorStep}`, ...own].join(" · ");
    const x = makeFrame(box, this.range, [0, 1]).px(this.cursorStep);
    const lines = [where, ...curve.keptText(this.cursorStep)];
    showTip(curve.tip, lines.join("\n"), x, box.top + box.height + 24);
  }
  get zoomText() {
    return this.zoom === null ? "" : this.zoom.map((step) => Number(step.toFixed(2))).join(",");
  }
};

// dashboard/components/shared/data_plane.js
function addLine(context, frame, values, indices) {
  let down = false;
  for (const i of indices) {
    const [x, y] = [values[2 * i], values[2 * i + 1]];
    const drawn = Number.isFinite(x + y);
    if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(x), frame.py(y));
    down = drawn;
  }
}
function drawKey(context, theme, frame) {
  const style = { align: "right", weight: 700, size: 13, halo: 5 };
  const right = frame.left + frame.width - 4;
  write(context, theme, "decoded", right, frame.top + 8, { ...style, colour: theme.concepts.decoded });
  write(context, theme, "x", right - 58, frame.top + 8, { ...style, colour: theme.concepts.data });
}
function squareAround(pairs, margin) {
  const sides = [0, 1].map((axis) => extent(pairs.filter((_, i) => i % 2 === axis)) ?? [-1, 1]);
  const centre = sides.map(([low, high]) => (low + high) / 2);
  return { centre, radius: Math.max(...sides.map(([low, high]) => (high - low) / 2)) * margin || 1 };
}
var DataPlane = class {
  moved = new Tween();
  /** @type {number[]} */
  centre = [0, 0];
  radius = 1;
  /** @type {PointData} */
  data = { points: new Float32Array(), decoded: new Float32Array(), mesh: null };
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }
  /**
   * @param {PointData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    this.data = data;
    this.moved.set(data.decoded, now, instant);
    Object.assign(this, squareAround(data.points, 1.15));
    const shown = data.mesh ? "under the decoded grid" : "each joined to its reconstruction";
    this.canvas.setAttribute("aria-label", `${data.points.length / 2} held-out points, ${shown}`);
  }
  /**
   * Returns whether it is still gliding.
   * @param {Theme} theme
   * @param {number} now
   */
  draw(theme, now) {
    const { context, ...size } = prepare(this.canvas);
    const box = plotBox(size, "x₁");
    const frame = squareFrame(box, this.centre, this.radius);
    const xTicks = niceTicks(frame.x0, frame.x1, box.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "x₁", yTitle: "x₂" });
    const decoded = this.moved.read(now);
    const { points, mesh } = this.data;
    clipTo(context, frame);
    if (mesh) {
      this.drawDots(context, frame, points, theme.concepts.data, 3, true);
      this.drawMesh(context, theme, frame, decoded, mesh);
    } else {
      this.drawJoins(context, theme, frame, decoded);
      this.drawDots(context, frame, points, theme.concepts.data, 3.5, false);
      this.drawDots(context, frame, decoded, theme.concepts.decoded, 3, true);
    }
    context.restore();
    drawKey(context, theme, frame);
    return this.moved.moving(now);
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {string} colour
   * @param {number} radius
   * @param {boolean} filled
   */
  drawDots(context, frame, values, colour, radius, filled) {
    context.beginPath();
    for (const i of range(values.length / 2)) {
      const [x, y] = [frame.px(values[2 * i]), frame.py(values[2 * i + 1])];
      if (!Number.isFinite(x + y)) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fillStyle = colour;
    if (filled) context.fill();
    else stroke(context, colour, { width: 1.5, alpha: 0.8 });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} decoded
   */
  drawJoins(context, theme, frame, decoded) {
    const { points } = this.data;
    context.beginPath();
    for (const i of range(points.length / 2)) {
      const ends = [points[2 * i], points[2 * i + 1], decoded[2 * i], decoded[2 * i + 1]];
      addLine(context, frame, ends, [0, 1]);
    }
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.7 });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {Float32Array} decoded
   * @param {{ rows: number, columns: number }} mesh
   */
  drawMesh(context, theme, frame, decoded, { rows, columns }) {
    context.beginPath();
    for (const row of range(rows)) addLine(context, frame, decoded, range(columns, row * columns));
    if (rows > 1) {
      for (const column of range(columns)) addLine(context, frame, decoded, range(rows, column, columns));
    }
    stroke(context, theme.concepts.decoded, { width: 1.5 });
  }
};

// dashboard/components/shared/grey.js
var greyWord = (level) => 4278190080 | level * 65793;
var greyLevel = (value) => Math.round(255 * clamp(value, 0, 1));
var PixelCanvas = class {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {readonly number[]} shape [height, width]
   */
  constructor(canvas, [height, width]) {
    Object.assign(canvas, { width, height });
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }
  /**
   * Draws a word for each pixel.
   * @param {(pixel: number) => number} word
   */
  draw(word) {
    for (let p = 0; p < this.words.length; p++) this.words[p] = word(p);
    this.context.putImageData(this.image, 0, 0);
  }
  /**
   * @param {ArrayLike<number>} values From 0 (black) to 1 (white), row by row.
   */
  drawGrey(values) {
    this.draw((p) => greyWord(greyLevel(values[p])));
  }
};
function pictureSheet(levels, [height, width], columns) {
  const size = height * width;
  const count = Math.floor(levels.length / size);
  const shape = [Math.max(1, Math.ceil(count / columns) * height), Math.max(1, columns * width)];
  const sheet = new PixelCanvas(document.createElement("canvas"), shape);
  for (const k of range(count)) {
    const corner = Math.floor(k / columns) * height * shape[1] + k % columns * width;
    for (let p = 0; p < size; p++) {
      sheet.words[corner + Math.floor(p / width) * shape[1] + p % width] = greyWord(levels[k * size + p]);
    }
  }
  sheet.context.putImageData(sheet.image, 0, 0);
  return sheet.canvas;
}

// dashboard/components/board/sheet.js
function enlarged(sheet, targetWidth) {
  const factor = Math.max(1, Math.ceil(targetWidth * (window.devicePixelRatio || 1) / sheet.width));
  const large = document.createElement("canvas");
  large.width = sheet.width * factor;
  large.height = sheet.height * factor;
  const context = contextOf(large);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, 0, 0, large.width, large.height);
  return large;
}
function drawSheet(context, sheet, left, top, width, height) {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(enlarged(sheet, width), left, top, width, height);
}

// dashboard/components/board/grid.js
function spacedIndices(count, length, apart) {
  const fitting = Math.min(count, 6, Math.floor(length / apart));
  const most = Math.max(1, (fitting - count) % 2 ? fitting - 1 : fitting);
  if (most === 1) return [Math.floor((count - 1) / 2)];
  return Array.from({ length: most }, (_, k) => Math.round(k * (count - 1) / (most - 1)));
}
var DecodedGrid = class {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.titles = ["", ""];
    this.data = null;
    this.sheet = null;
  }
  /** @param {GridData} data */
  set(data) {
    this.data = data;
    this.sheet = pictureSheet(data.bytes, data.shape, data.columns);
    const [first, second] = data.axes.map(latentName);
    const span = `from ${fixed(data.axis[0], 1)} to ${fixed(data.axis[data.axis.length - 1], 1)}`;
    const rows = data.rows > 1 ? `, ${second} upwards` : "";
    this.titles = data.rows > 1 ? [first, second] : [first, ""];
    this.canvas.setAttribute("aria-label", `Decoded images over ${first} to the right${rows}, ${span}`);
  }
  /**
   * The largest place for the whole grid that keeps its proportions.
   *
   * @param {{ width: number, height: number }} size
   * @param {GridData} data
   * @returns {Box}
   */
  area(size, { rows, columns, shape }) {
    const box = plotBox(size, this.titles[0]);
    const scale = Math.min(box.width / (columns * shape[1]), box.height / (rows * shape[0]));
    const [width, height] = [scale * columns * shape[1], scale * rows * shape[0]];
    return { left: box.left + (box.width - width) / 2, top: box.top, width, height };
  }
  /** @param {Theme} theme */
  draw(theme) {
    if (!this.data || !this.sheet) return false;
    const { context, ...size } = prepare(this.canvas);
    const area = this.area(size, this.data);
    drawSheet(context, this.sheet, area.left, area.top, area.width, area.height);
    this.separate(context, theme, area, this.data);
    this.drawNumbers(context, theme, area, this.data);
    return false;
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Box} area
   * @param {GridData} data
   */
  drawNumbers(context, theme, { left, top, width, height }, { rows, columns, axis }) {
    const bottom = top + height;
    for (const k of spacedIndices(columns, width, 46).filter((index) => index < columns - 1)) {
      write(context, theme, fixed(axis[k], 1), left + (k + 0.5) * width / columns, bottom + 5, {
        base: "top"
      });
    }
    write(context, theme, this.titles[0], left + width, bottom + 4, {
      base: "top",
      align: "right",
      size: 13
    });
    if (rows === 1) return;
    for (const k of spacedIndices(rows, height, 36)) {
      write(context, theme, fixed(axis[k], 1), left - 5, bottom - (k + 0.5) * height / rows, {
        align: "right"
      });
    }
    write(context, theme, this.titles[1], left - 34, top + 6, { size: 13 });
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {Box} area
   * @param {GridData} data
   */
  separate(context, theme, { left, top, width, height }, { rows, columns }) {
    const [stepX, stepY] = [width / columns, height / rows];
    context.beginPath();
    for (let k = 1; k < columns; k++) {
      context.moveTo(left + k * stepX, top);
      context.lineTo(left + k * stepX, top + height);
    }
    for (let k = 1; k < rows; k++) {
      context.moveTo(left, top + k * stepY);
      context.lineTo(left + width, top + k * stepY);
    }
    stroke(context, theme.background, { alpha: 0.6 });
  }
};

// dashboard/components/board/lines.js
var CoordinateLines = class {
  /** @type {VectorData | null} */
  data = null;
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }
  /** @param {VectorData} data */
  set(data) {
    this.data = data;
    const [held, decoded] = [data.vectors, data.decoded].map((values) => values.length / data.dim);
    const text = `${held} held-out examples and ${decoded} decoded ones over ${data.dim} coordinates`;
    this.canvas.setAttribute("aria-label", text);
  }
  /** @param {Theme} theme */
  draw(theme) {
    const { context, ...size } = prepare(this.canvas);
    if (!this.data) return false;
    const { vectors, decoded, dim } = this.data;
    const box = plotBox(size, "coordinate");
    const [low, high] = extent(vectors) ?? [0, 1];
    const margin = (high - low) * 0.1 || 0.5;
    const frame = makeFrame(box, [0.5, dim + 0.5], [low - margin, high + margin]);
    const xTicks = niceTicks(0.5, dim + 0.5, Math.min(dim, box.width / 50)).filter(
      ({ value }) => Number.isInteger(value)
    );
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "coordinate", yTitle: "value" });
    clipTo(context, frame);
    this.drawLines(context, frame, vectors, dim);
    stroke(context, theme.concepts.data, { width: 1.25, alpha: 0.6 });
    this.drawLines(context, frame, decoded, dim);
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.5 });
    context.restore();
    drawKey(context, theme, frame);
    return false;
  }
  /**
   * @param {Context} context
   * @param {Frame} frame
   * @param {Float32Array} values
   * @param {number} dim
   */
  drawLines(context, frame, values, dim) {
    context.beginPath();
    for (const row of range(values.length / dim)) {
      this.addVector(context, frame, values.subarray(row * dim, (row + 1) * dim));
    }
  }
  /**
   * A single coordinate is a short horizontal line.
   * @param {Context} context
   * @param {Frame} frame
   * @param {Float32Array} vector
   */
  addVector(context, frame, vector) {
    const pairs = Array.from(vector).flatMap((value, k) => [k + 1, value]);
    addLine(context, frame, pairs, range(vector.length));
    if (vector.length > 1 || !Number.isFinite(vector[0])) return;
    context.moveTo(frame.px(0.6), frame.py(vector[0]));
    context.lineTo(frame.px(1.4), frame.py(vector[0]));
  }
};

// dashboard/components/board/pairs.js
var LABEL_WIDTH = 62;
function arrangement(count, [h, w], width, height) {
  const choices = range(count, 1).map((bands) => {
    const columns = Math.ceil(count / bands);
    const scale = Math.min(
      (width - 4 * columns) / (columns * w),
      (height - 14 * (bands - 1)) / (2.1 * bands * h)
    );
    return { bands, columns, scale, worth: scale * count / (bands * columns) };
  });
  return choices.reduce((best, choice) => choice.worth > best.worth ? choice : best);
}
var PicturePairs = class {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.count = 0;
    this.shape = [1, 1];
    this.rows = [];
  }
  /** @param {PairsData} data */
  set({ examples, reconstructions, shape }) {
    this.count = Math.floor(examples.length / (shape[0] * shape[1]));
    this.shape = shape;
    this.rows = [examples, reconstructions];
    this.canvas.setAttribute("aria-label", `${this.count} held-out images, each above its reconstruction`);
  }
  /** @param {Theme} theme */
  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.count) return false;
    const { bands, columns, scale } = arrangement(this.count, this.shape, width - LABEL_WIDTH, height - 8);
    for (let band = 0; band < bands; band++) {
      const top = 8 + band * (2.1 * this.shape[0] * scale + 14);
      const [from, to] = [band * columns, Math.min(this.count, (band + 1) * columns)];
      this.drawRow(context, 0, from, to, top, scale);
      this.drawRow(context, 1, from, to, top + this.shape[0] * scale + 4, scale);
      this.drawLabels(context, theme, top + this.shape[0] * scale / 2, this.shape[0] * scale + 4);
    }
    return false;
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {number} middle of the upper row
   * @param {number} down to the middle of the lower row
   */
  drawLabels(context, theme, middle, down) {
    const style = { align: "right", size: 13 };
    write(context, theme, "x", LABEL_WIDTH - 8, middle, style);
    const decoded = { ...style, colour: theme.concepts.decoded, weight: 700 };
    write(context, theme, "decoded", LABEL_WIDTH - 8, middle + down, decoded);
  }
  /**
   * @param {Context} context
   * @param {number} row 0 for the images, 1 for the reconstructions
   * @param {number} from
   * @param {number} to
   * @param {number} top
   * @param {number} scale
   */
  drawRow(context, row, from, to, top, scale) {
    const [height, width] = this.shape;
    for (let k = from; k < to; k++) {
      const bytes = this.rows[row].subarray(k * height * width, (k + 1) * height * width);
      const left = LABEL_WIDTH + (k - from) * (width * scale + 4);
      drawSheet(context, pictureSheet(bytes, this.shape, 1), left, top, width * scale, height * scale);
    }
  }
};

// dashboard/components/board/decoded_views.js
var Images = class {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new DecodedGrid(grid);
    this.pairs = new PicturePairs(pairs);
  }
  /** @param {Message} message */
  set({
    image_shape: shape,
    grid,
    grid_shape: gridShape,
    grid_axis: axis,
    plane,
    examples,
    reconstructions
  }) {
    if (!shape) return;
    const [rows, columns] = gridShape;
    this.grid.set({ bytes: bytesOf(grid), shape, rows, columns, axis: floatsOf(axis), axes: plane });
    this.pairs.set({ examples: bytesOf(examples), reconstructions: bytesOf(reconstructions), shape });
  }
};
var Points = class {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new DataPlane(grid);
    this.pairs = new DataPlane(pairs);
  }
  /**
   * @param {Message} message
   * @param {number} now
   * @param {boolean} instant
   */
  set(message, now, instant) {
    const points = floatsOf(message.examples);
    const [rows, columns] = message.grid_shape;
    const mesh = { rows, columns };
    this.grid.set({ points, decoded: floatsOf(message.grid), mesh }, now, instant);
    this.pairs.set({ points, decoded: floatsOf(message.reconstructions), mesh: null }, now, instant);
  }
};
var Lines = class {
  /**
   * @param {HTMLCanvasElement} grid
   * @param {HTMLCanvasElement} pairs
   */
  constructor(grid, pairs) {
    this.grid = new CoordinateLines(grid);
    this.pairs = new CoordinateLines(pairs);
  }
  /** @param {Message} message */
  set({ examples, grid, reconstructions, data_dim: dim }) {
    const vectors = floatsOf(examples);
    this.grid.set({ vectors, decoded: floatsOf(grid), dim });
    this.pairs.set({ vectors, decoded: floatsOf(reconstructions), dim });
  }
};
var KINDS = { images: Images, points: Points, lines: Lines };
var decodedViews = (kind, grid, pairs) => new KINDS[kind](grid, pairs);

// dashboard/components/board/objective.js
var DECIMALS = 2;
var MOST_DECIMALS = 4;
var BETA_DIGITS = 5;
var rounded = (value, decimals) => Number(value.toFixed(decimals));
function shownTerms(reconstruction, kl, beta, penalised = kl) {
  const betaValue = Number(beta.toPrecision(BETA_DIGITS));
  const more = Math.ceil(Math.log10(Math.max(1, betaValue)));
  const decimals = Math.min(MOST_DECIMALS, DECIMALS + (Number.isFinite(more) ? more : 0));
  const [first, second] = [rounded(reconstruction, DECIMALS), rounded(penalised, decimals)];
  const elboValue = rounded(first - rounded(kl, decimals), DECIMALS);
  return {
    objective: fixed(first - betaValue * second, DECIMALS),
    reconstruction: fixed(reconstruction, DECIMALS),
    beta: Number.isFinite(betaValue) ? String(betaValue) : "–",
    kl: fixed(penalised, decimals),
    elbo: fixed(elboValue, DECIMALS),
    betaValue,
    elboValue
  };
}
function penalisedKl(perDim, kl, freeBits) {
  if (!perDim.length) return Math.max(freeBits, kl);
  return perDim.reduce((sum, part) => sum + Math.max(freeBits, part), 0);
}
function collapseText(active, step, kl) {
  const count = active.filter(Boolean).length;
  if (!active.length || step === 0 || !Number.isFinite(kl) || count && kl >= LEAST_RANGE) return "";
  const dims = active.length === 1 ? "1 latent dimension is" : `${active.length} latent dimensions are`;
  const [same, uses] = count ? ["almost the same", "hardly uses"] : ["the same", "does not use"];
  const decoder = `q(z|x) is ${same} for every x, and the decoder ${uses} z`;
  return `Posterior collapse: ${count} of ${dims} active (KL ${fixed(kl, 4)} nats): ${decoder}.`;
}

// dashboard/components/board/live_line.js
var TERMS = (
  /** @type {const} */
  ["objective", "reconstruction", "beta", "kl", "elbo"]
);
var NO_BOUND = "No bound: a deterministic encoder has no q(z|x), and so no KL.";
var LiveLine = class {
  /** @type {LineData | null} */
  data = null;
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.terms = TERMS.map((name) => find(root, `.term.${name}`));
    this.bounded = findAll(root, ".bounded");
    this.when = find(root, ".when");
    this.klLabel = find(root, ".term.kl small");
  }
  /** @param {LineData} data */
  set(data) {
    this.data = data;
  }
  /**
   * The terms at a row of the history; null: now. Without data there are none, without rows no numbers.
   * @param {number | null} row
   */
  termsAt(row) {
    if (!this.data) return null;
    const { history, betaInForce, klPerDim, freeBits, deterministic } = this.data;
    const at = row ?? history.step.length - 1;
    if (at < 0) return shownTerms(NaN, NaN, NaN);
    const [reconstruction, kl] = [history.reconstruction_held_out[at], history.kl_held_out[at]];
    if (deterministic) return shownTerms(reconstruction, 0, 0);
    const beta = row === null ? betaInForce ?? history.beta[at] : history.beta[at];
    if (!freeBits) return shownTerms(reconstruction, kl, beta);
    return shownTerms(reconstruction, kl, beta, row === null ? penalisedKl(klPerDim, kl, freeBits) : NaN);
  }
  /**
   * @param {Theme} theme
   * @param {number | null} row
   */
  draw(theme, row) {
    const terms = this.termsAt(row);
    if (!terms || !this.data) return;
    const { deterministic, freeBits, history } = this.data;
    this.terms.forEach((term, k) => {
      find(term, "strong").textContent = terms[TERMS[k]];
      term.style.color = theme.concepts[TERMS[k]] ?? theme.text;
    });
    this.klLabel.textContent = freeBits ? `Σ max(${freeBits}, KLⱼ)` : "KL";
    for (const part of this.bounded) part.hidden = deterministic;
    const at = row === null ? "nats per example" : `at step ${history.step[row]}`;
    this.when.textContent = `${deterministic ? `${NO_BOUND} ` : ""}Held-out, ${at}`;
  }
};

// dashboard/components/board/index.js
var NO_POSTERIOR = { elbo: "no bound: deterministic encoder", kl: "no KL: deterministic encoder" };
var mounts = /* @__PURE__ */ new Map();
var Board = class {
  /** A message that no frame has taken yet. @type {Uint8Array | null} */
  pending = null;
  /** @type {Theme | null} */
  theme = null;
  /** @type {DecodedViews | null} */
  decoded = null;
  run = "";
  /** Views to be drawn in the next frame. @type {Set<View>} */
  stale = /* @__PURE__ */ new Set();
  /** @type {Ghost[]} */
  ghosts = [];
  /** The colour and the dashes of each kept run. @type {Map<string, number>} */
  slots = /* @__PURE__ */ new Map();
  /**
   * @param {HTMLElement} root
   * @param {Mounted} mounted
   */
  constructor(root, { key, setTriggerValue }) {
    this.root = root;
    this.send = setTriggerValue;
    mounts.set(key, (mounts.get(key) ?? 0) + 1);
    root.dataset.mounts = mounts.get(key);
    this.frames = new Frames((now) => this.tick(now));
    const curves = CONCEPTS.map((concept) => new Curve(find(root, `section.${concept}`), concept));
    this.charts = new CurveGroup(curves, () => this.invalidate(this.charts));
    const redrawPlane = () => this.invalidate(this.plane);
    this.plane = new Plane(findCanvas(root, ".plane canvas"), find(root, ".plane .tip"), redrawPlane);
    this.plane.connect();
    this.line = new LiveLine(find(root, ".line"));
    this.kept = new KeptList(find(root, ".kept"), (run) => this.send("drop", run));
    const [tip, note] = [".bars .tip", ".bars .note"].map((selector) => find(root, selector));
    const redrawBars = () => this.invalidate(this.bars);
    this.bars = new KlBars(findCanvas(root, ".bars canvas"), tip, note, redrawBars);
    this.frames.watchSizes(findAll(root, ".stage"), () => this.invalidateAll());
    this.frames.watchSizes(around(root), () => this.fit());
  }
  /**
   * @param {Uint8Array} data
   * @param {Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.send = setTriggerValue;
    this.pending = data;
    this.invalidateAll();
  }
  invalidateAll() {
    for (const view of this.views) this.stale.add(view);
    this.frames.request();
  }
  /** @param {View} view */
  invalidate(view) {
    this.stale.add(view);
    this.frames.request();
  }
  /** @returns {View[]} */
  get views() {
    const decoded = this.decoded ? [this.decoded.grid, this.decoded.pairs] : [];
    return [this.charts, this.plane, this.bars, ...decoded];
  }
  /**
   * A hidden tab gets no frames, so nothing is decoded or drawn for it.
   * @param {number} now
   */
  tick(now) {
    if (this.pending) this.take(this.pending, now);
    this.pending = null;
    const { theme } = this;
    if (!theme) return;
    const moving = [...this.stale].filter((view) => view.draw(theme, now));
    this.stale = new Set(moving);
    this.line.draw(theme, this.charts.row);
    this.root.dataset.zoom = this.charts.zoomText;
    if (moving.length) this.frames.request();
  }
  /**
   * @param {Uint8Array} data
   * @param {number} now
   */
  take(data, now) {
    const message = jsonOf(data);
    const isFirst = this.decoded === null || this.run !== message.run;
    const instant = isFirst || prefersCalm();
    this.theme = readTheme(this.root, message.palettes);
    this.decoded = isFirst ? this.begin(message) : this.decoded;
    this.slots = slotsOf(
      this.slots,
      message.ghosts.map(({ run }) => run)
    );
    this.ghosts = message.ghosts.map((ghost) => {
      return { ...ghost, slot: this.slots.get(ghost.run) ?? 0, history: historyOf(ghost) };
    });
    this.setCurves(message);
    this.plane.set(planeOf(message), now, instant);
    this.decoded?.set(message, now, instant);
    this.kept.draw(this.ghosts, this.theme);
    this.stale = new Set(this.views);
    this.tell(message, this.theme);
    this.fit();
  }
  /** @param {Message} message */
  setCurves(message) {
    const { deterministic, changes, free_bits: freeBits, latent_dim: latentDim, active } = message;
    const history = historyOf(message);
    const hasObjective = !deterministic && !freeBits;
    const data = { history, ghosts: this.ghosts, changes, hasObjective };
    this.charts.set(data, deterministic ? NO_POSTERIOR : {});
    const klPerDim = message.kl_per_dim.map((kl) => kl ?? NaN);
    this.line.set({ history, betaInForce: message.beta_in_force, klPerDim, freeBits, deterministic });
    const noParts = klPerDim.length === latentDim ? "" : "no parts: learned prior";
    this.bars.set({ kl: klPerDim, active, missing: deterministic ? NO_POSTERIOR.kl : noParts });
  }
  /**
   * What stands on the board in words, and what programs read of it. A model that is no run has no step to wait for.
   * @param {Message} message
   * @param {Theme} theme
   */
  tell({ run, step, rows, owner, active, present, deterministic }, theme) {
    const now = this.line.termsAt(null);
    const kl = this.charts.history.kl_held_out.at(-1) ?? NaN;
    const remark = collapseText(active, step, kl);
    const collapse = find(this.root, ".collapse");
    if (collapse.textContent !== remark) collapse.textContent = remark;
    collapse.style.color = theme.concepts.kl;
    const numbers = deterministic || !now ? [NaN, NaN] : [now.betaValue, now.elboValue];
    const [beta, elbo] = numbers.map((number) => Number.isFinite(number) ? number : "");
    const told = { run, rows, zoom: this.charts.zoomText, ghosts: this.ghosts.length };
    Object.assign(this.root.dataset, told, run ? { step, beta, elbo, owner } : {});
    if (!run) for (const name of ["step", "beta", "elbo", "owner"]) delete this.root.dataset[name];
    this.root.toggleAttribute("data-present", present);
  }
  /**
   * Tells the style sheet how much of the window lies above the pictures, nothing scrolled: the rest is theirs.
   */
  fit() {
    const cells = find(this.root, ".cells");
    const scrolled = around(cells).reduce((sum, part) => sum + part.scrollTop, 0);
    const above = cells.getBoundingClientRect().top + scrolled;
    this.root.style.setProperty("--above", `${Math.round(above)}px`);
  }
  /**
   * Another run begins without the zoom of the last one, and may have data of another kind.
   * @param {Message} message
   */
  begin({ run, kind }) {
    this.run = run;
    this.charts.clear();
    this.plane.view = null;
    const what = kind === "images" ? "images" : "examples";
    find(this.root, ".pairs h2").textContent = `Held-out ${what}, decoded`;
    const [grid, pairs] = [".grid canvas", ".pairs canvas"].map(
      (selector) => findCanvas(this.root, selector)
    );
    return decodedViews(kind, grid, pairs);
  }
  destroy() {
    this.frames.stop();
  }
};
function around(element) {
  const root = element.getRootNode();
  const outer = element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
  return outer ? [outer, ...around(outer)] : [];
}
function historyOf({ history }) {
  const columns = Object.entries(history).map(([name, column]) => [name, floatsOf(column)]);
  return { ...NO_HISTORY, ...Object.fromEntries(columns) };
}
var planeOf = ({ means, stds, labels, class_names: classNames, plane: axes, latent_dim: latentDim }) => ({
  means: floatsOf(means),
  stds: floatsOf(stds),
  labels: integersOf(labels),
  classNames,
  axes,
  latentDim
});
var index_default = elementOf(".board", (root, mounted) => new Board(root, mounted));
export {
  index_default as default
};
