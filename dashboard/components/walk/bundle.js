// Sources 91e7c59b6e804869; made by "npm run build": edit the modules, not this file.
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
function drawHandle(context, theme, [x, y], { radius, outer, inner }) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  stroke(context, theme.text, { width: outer });
  stroke(context, theme.background, { width: inner });
  context.fillStyle = theme.concepts.decoded;
  context.fill();
}
function showTip(tip, text, x, y) {
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const width = tip.parentElement?.clientWidth ?? 0;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 0, Math.max(0, width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight)}px`;
}

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
var findCanvas = (root, selector) => (
  /** @type {HTMLCanvasElement} */
  find(root, selector)
);

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

// dashboard/components/walk/decoded_image.js
function neighbourOf(axis, value) {
  let low = 0;
  while (low < axis.length - 2 && axis[low + 1] <= value) low++;
  return [low, clamp((value - axis[low]) / (axis[low + 1] - axis[low]), 0, 1)];
}
function cornersOf({ axis, rows, columns, shape }, z) {
  const [column, right] = neighbourOf(axis, z[0]);
  const [row, up] = neighbourOf(axis, z[1]);
  const corner = (i, j) => ((rows - 1 - row - j) * columns + column + i) * shape[0] * shape[1];
  return [
    [corner(0, 0), (1 - right) * (1 - up)],
    [corner(1, 0), right * (1 - up)],
    [corner(0, 1), (1 - right) * up],
    [corner(1, 1), right * up]
  ];
}
var DecodedImage = class {
  /** @type {GridData | null} */
  data = null;
  /** @type {PixelCanvas | null} */
  pixels = null;
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }
  /** @param {GridData} data */
  set(data) {
    const [height, width] = data.shape;
    this.data = data;
    this.pixels = new PixelCanvas(this.canvas, data.shape);
    this.canvas.setAttribute("aria-label", `Decoded image at z, ${width} by ${height} pixels`);
  }
  /** The least and the greatest coordinate of the grid. */
  get ends() {
    const axis = this.data?.axis ?? [];
    return [axis[0] ?? -Infinity, axis[axis.length - 1] ?? Infinity];
  }
  /** @param {readonly number[]} z */
  draw(z) {
    const { data, pixels } = this;
    if (!data || !pixels) return;
    const corners = cornersOf(data, z);
    pixels.draw((p) => {
      let level = 0;
      for (const [first, weight] of corners) level += weight * data.bytes[first + p];
      return greyWord(Math.round(level));
    });
  }
};

// dashboard/components/walk/path.js
var AMPLITUDE = 1.6;
var SHIFT = 0.6;
var NUM_PHASES = 500;
function pathAt(phase) {
  const angle = 2 * Math.PI * phase;
  return [AMPLITUDE * Math.sin(3 * angle + SHIFT), AMPLITUDE * Math.sin(2 * angle)];
}
var distance2 = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
function nearestPhase(z) {
  const phases = range(NUM_PHASES).map((k) => k / NUM_PHASES);
  return phases.reduce(
    (best, phase) => distance2(pathAt(phase), z) < distance2(pathAt(best), z) ? phase : best
  );
}

// dashboard/components/walk/index.js
var ROUND_MS = 2e4;
var REST_MS = 2e3;
var TRAIL_MS = 1500;
var RETURN_MS = 500;
var LONGEST_FRAME_MS = 50;
var STEP = 0.1;
var FINE_STEP = 0.02;
var Walk = class {
  /** @type {Theme | null} */
  theme = null;
  phase = 0;
  /** @type {number[]} */
  z = pathAt(0);
  /** What separates z from the path; null while z is where a hand has put it. @type {number[] | null} */
  offset = [0, 0];
  /** @type {{ z: number[], now: number }[]} */
  trail = [];
  playing = !prefersCalm();
  pointed = false;
  keyed = false;
  stale = true;
  restUntil = 0;
  last = 0;
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.dot = findCanvas(root, ".dot");
    this.caption = find(root, ".z");
    this.button = find(root, "button");
    this.map = new Plane(findCanvas(root, ".map"), null, () => this.refresh());
    this.image = new DecodedImage(findCanvas(root, ".picture canvas"));
    this.frames = new Frames((now) => this.tick(now));
    this.frames.watchSizes([this.dot], () => this.refresh());
    this.frames.onlyInSight(root);
    this.connect();
    this.play(this.playing);
  }
  connect() {
    this.button.onclick = () => this.play(!this.playing);
    const point = ({ x, y }) => {
      const frame = this.map.currentFrame();
      this.pointed = true;
      this.take([frame.x(x), frame.y(y)]);
    };
    const leave = () => {
      this.pointed = false;
      this.letGo();
    };
    listen(this.dot, { hover: point, drag: point, drop: point, leave, key: (event) => this.key(event) });
    this.dot.onfocus = () => this.announce();
    this.dot.onblur = () => {
      this.keyed = false;
      this.letGo();
    };
  }
  /** @param {KeyboardEvent} event */
  key({ key, shiftKey }) {
    const move = KEY_MOVES[key];
    if (!move) return false;
    this.keyed = true;
    const step = shiftKey ? FINE_STEP : STEP;
    this.take(this.z.map((value, axis) => value + move[axis] * step));
    this.announce();
    return true;
  }
  /** For screen readers, on focus and by keys only: a moving point would be announced without end. */
  announce() {
    if (!this.theme) return;
    this.dot.setAttribute("aria-valuetext", this.zText());
    this.dot.setAttribute("aria-valuenow", this.z[0].toFixed(2));
  }
  /**
   * Puts z where a hand wants it, within the decoded grid.
   * @param {number[]} z
   */
  take(z) {
    const [low, high] = this.image.ends;
    this.z = z.map((value) => clamp(value, low, high));
    this.offset = null;
    if (this.theme) this.caption.textContent = this.zText();
    this.frames.request();
  }
  letGo() {
    this.restUntil = performance.now() + REST_MS;
    this.frames.request();
  }
  /** @param {boolean} playing */
  play(playing) {
    this.playing = playing;
    this.restUntil = 0;
    this.button.textContent = playing ? "Pause" : "Play";
    this.frames.request();
  }
  zText() {
    return `z = (${this.z.map((value) => fixed(value, 2)).join(", ")})`;
  }
  /** @param {Uint8Array} data */
  update(data) {
    const message = jsonOf(data);
    this.theme = readTheme(this.root, message.palettes);
    this.root.style.setProperty("--decoded", this.theme.concepts.decoded);
    const plane = {
      means: floatsOf(message.means),
      stds: new Float32Array(),
      labels: integersOf(message.labels),
      classNames: message.class_names,
      axes: message.plane,
      latentDim: message.latent_dim
    };
    this.map.set(plane, 0, true);
    const [rows, columns] = message.grid_shape;
    const axis = floatsOf(message.grid_axis);
    this.image.set({ bytes: bytesOf(message.grid), shape: message.image_shape, rows, columns, axis });
    const [low, high] = this.image.ends;
    this.dot.setAttribute("aria-valuemin", low.toFixed(2));
    this.dot.setAttribute("aria-valuemax", high.toFixed(2));
    this.z = this.z.map((value) => clamp(value, low, high));
    this.caption.textContent = this.zText();
    this.announce();
    this.refresh();
  }
  refresh() {
    this.stale = true;
    this.frames.request();
  }
  /** @param {number} now */
  tick(now) {
    if (!this.theme) return;
    if (this.stale) this.map.draw(this.theme, now);
    this.stale = false;
    this.advance(now, Math.min(now - this.last, LONGEST_FRAME_MS));
    this.last = now;
    this.image.draw(this.z);
    this.caption.textContent = this.zText();
    this.drawDot(this.theme, now);
    if (this.isFree || this.trail.length > 1) this.frames.request();
  }
  /** Whether the point moves by itself. */
  get isFree() {
    return this.playing && !this.pointed && !this.keyed;
  }
  /**
   * Along the path; what separates the point from it, where it was let go, fades.
   * @param {number} now
   * @param {number} milliseconds
   */
  advance(now, milliseconds) {
    if (!this.isFree || now < this.restUntil) return;
    if (!this.offset) {
      this.phase = nearestPhase(this.z);
      this.offset = pathAt(this.phase).map((value, axis) => this.z[axis] - value);
    }
    this.phase = (this.phase + milliseconds / ROUND_MS) % 1;
    const offset = this.offset.map((value) => value * Math.exp(-milliseconds / RETURN_MS));
    this.offset = offset;
    this.z = pathAt(this.phase).map((value, axis) => value + offset[axis]);
  }
  /**
   * @param {Theme} theme
   * @param {number} now
   */
  drawDot(theme, now) {
    const { context } = prepare(this.dot);
    const { px, py } = this.map.currentFrame();
    this.trail.push({ z: this.z, now });
    this.trail = this.trail.filter((place2) => now - place2.now < TRAIL_MS);
    if (this.trail.every(({ z }) => distance2(z, this.z) === 0)) this.trail.length = 1;
    for (let i = 1; i < this.trail.length; i++) {
      context.beginPath();
      for (const { z } of this.trail.slice(i - 1, i + 1)) context.lineTo(px(z[0]), py(z[1]));
      const alpha = 1 - (now - this.trail[i].now) / TRAIL_MS;
      stroke(context, theme.text, { width: 1 + 3 * alpha, alpha: 0.7 * alpha });
    }
    const place = [px(this.z[0]), py(this.z[1])];
    drawHandle(context, theme, place, { radius: 8, outer: 7, inner: 4 });
  }
  destroy() {
    this.frames.stop();
  }
};
var index_default = elementOf(".walk", (root) => new Walk(root));
export {
  index_default as default
};
