// Sources 7ba72dc04b27faa6; made by "npm run build": edit the modules, not this file.
// dashboard/components/shared/arrays.js
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
var newElement = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

// dashboard/components/shared/numbers.js
var clamp = (value, low, high) => Math.min(high, Math.max(low, value));
var range = (count, start = 0, step = 1) => Array.from({ length: count }, (_, k) => start + k * step);
var spread = ([low, high], count) => range(count).map((k) => low + (high - low) * k / (count - 1));
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
var middleOf = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
var distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
var pinchFactor = (last, at, other) => distance(last, other) / Math.max(1, distance(at, other));
var WHEEL_RATE = 25e-4;
var wheelFactor = (deltaY) => Math.exp(clamp(deltaY, -120, 120) * WHEEL_RATE);

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

// dashboard/components/chosen_q/decomposition.js
var ROW = 62;
var BAR = 26;
var PAD = 10;
var Decomposition = class {
  /** @type {Values | null} */
  values = null;
  /** @param {HTMLElement} root */
  constructor(root) {
    this.canvas = findCanvas(root, ".bars");
    this.trace = findCanvas(root, ".trace");
    const equation = find(root, ".equation");
    this.evidence = find(equation, ".evidence");
    this.bound = find(equation, ".bound");
    this.gap = find(equation, ".gap");
  }
  /**
   * @param {Terms} terms
   * @param {number} logEvidence
   * @returns {Values}
   */
  set(terms, logEvidence) {
    const values = { ...terms, bound: terms.energy + terms.entropy, logEvidence };
    this.values = values;
    this.evidence.textContent = fixed(logEvidence, 3);
    this.bound.textContent = fixed(values.bound, 3);
    this.gap.textContent = fixed(values.klToPosterior, 3);
    return values;
  }
  /** @param {Theme} theme */
  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    const { values } = this;
    if (!values) return;
    const { energy, reconstruction, bound, logEvidence } = values;
    const [low, high] = extent([energy, reconstruction, bound, logEvidence]) ?? [0, 1];
    const margin = 0.12 * (high - low) || 0.1;
    const box = { left: PAD, top: 0, width: Math.max(1, width - 2 * PAD), height: height - 24 };
    const frame = makeFrame(box, [low - 2 * margin, high + margin], [0, 1]);
    const rows = rowsOf(values, theme);
    rows.forEach((row, k) => drawBars(context, frame, row, k * ROW));
    drawMark(context, frame, bound, theme.concepts.elbo, { width: 2, dash: [4, 4] });
    drawMark(context, frame, logEvidence, theme.text, { width: 3 });
    rows.forEach((row, k) => writeRow(context, theme, frame, row, k * ROW));
    for (const { value, text } of niceTicks(frame.x0, frame.x1, width / 90)) {
      const x = frame.px(value);
      if (x < width - 60) write(context, theme, text, Math.max(16, x), height - 12, { size: 13 });
    }
    write(context, theme, "nats", width - PAD, height - 12, { align: "right", size: 13 });
    this.canvas.setAttribute("aria-label", sentenceOf(values));
  }
  /**
   * F at each step of the ascent, towards log p(x).
   * @param {Theme} theme
   * @param {number[]} bounds
   */
  drawTrace(theme, bounds) {
    const { context, ...size } = prepare(this.trace);
    if (!this.values) return;
    const { logEvidence } = this.values;
    const [low, high] = extent([...bounds, logEvidence]) ?? [0, 1];
    const margin = 0.08 * (high - low) || 0.5;
    const steps = Math.max(10, bounds.length - 1);
    const frame = makeFrame(plotBox(size, "step", 14), [0, steps], [low - margin, high + margin]);
    const xTicks = niceTicks(0, frame.x1, frame.width / 60);
    const yTicks = niceTicks(frame.y0, frame.y1, frame.height / 30);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "step", yTitle: "F, nats" });
    const y = frame.py(logEvidence);
    const right = frame.left + frame.width;
    context.beginPath();
    context.moveTo(frame.left, y);
    context.lineTo(right, y);
    stroke(context, theme.text, { width: 2, dash: [6, 5] });
    write(context, theme, "log p(x)", right, y + 10, { align: "right", size: 13, halo: 4 });
    context.beginPath();
    bounds.forEach((bound, step) => context.lineTo(frame.px(step), frame.py(bound)));
    stroke(context, theme.concepts.elbo, { width: 3 });
    if (!bounds.length) return;
    context.beginPath();
    context.arc(frame.px(bounds.length - 1), frame.py(bounds[bounds.length - 1]), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.elbo;
    context.fill();
  }
};
function rowsOf(values, { concepts }) {
  const { energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence } = values;
  const { elbo, kl_to_posterior: gap, log_evidence: evidence, data, beta, kl } = concepts;
  return [
    {
      bars: [
        { from: null, to: bound, colour: elbo },
        { from: bound, to: bound + klToPosterior, colour: gap }
      ],
      text: [
        { words: "F", value: bound, colour: elbo },
        { words: " + KL(q ‖ posterior)", value: klToPosterior, colour: gap },
        { words: " = log p(x)", value: logEvidence, colour: evidence }
      ]
    },
    {
      bars: [
        { from: null, to: energy, colour: data },
        { from: energy, to: energy + entropy, colour: beta }
      ],
      text: [
        { words: "E_q[log p(x,z)]", value: energy, colour: data },
        { words: " + H[q]", value: entropy, colour: beta },
        { words: " = F", value: bound, colour: elbo }
      ]
    },
    {
      bars: [
        { from: null, to: reconstruction, colour: concepts.reconstruction },
        { from: reconstruction, to: reconstruction - klToPrior, colour: kl }
      ],
      text: [
        { words: "E_q[log p(x|z)]", value: reconstruction, colour: concepts.reconstruction },
        { words: " − KL(q ‖ prior)", value: klToPrior, colour: kl },
        { words: " = F", value: bound, colour: elbo }
      ]
    }
  ];
}
function drawBars(context, frame, { bars }, top) {
  const y = top + ROW - BAR - 4;
  for (const { from, to, colour } of bars) {
    const [a, b] = [from === null ? frame.left : frame.px(from), frame.px(to)];
    const back = b < a;
    context.fillStyle = colour;
    context.fillRect(Math.min(a, b), back ? y + BAR / 4 : y, Math.abs(b - a), back ? BAR / 2 : BAR);
  }
}
function writeRow(context, theme, frame, { text }, top) {
  let x = frame.left;
  for (const { words, value, colour } of text) {
    `${words} ${fixed(value, 3)}`.split(/_(q)/).forEach((part, k) => {
      const [size, y] = k % 2 ? [12, top + 22] : [15, top + 18];
      write(context, theme, part, x, y, { align: "left", size, weight: 700, colour, halo: 5 });
      x += context.measureText(part).width;
    });
  }
}
function drawMark(context, frame, value, colour, pen) {
  context.beginPath();
  context.moveTo(frame.px(value), ROW - BAR - 12);
  context.lineTo(frame.px(value), frame.height);
  stroke(context, colour, pen);
}
function sentenceOf({ energy, entropy, reconstruction, klToPrior, klToPosterior, bound, logEvidence }) {
  const say = (value) => fixed(value, 3);
  return `log p(x) ${say(logEvidence)} = F ${say(bound)} + KL(q to posterior) ${say(klToPosterior)} nats; F = ${say(energy)} + entropy ${say(entropy)} = ${say(reconstruction)} − KL(q to prior) ${say(klToPrior)}`;
}

// dashboard/components/chosen_q/free_energy.js
var LOG_2PI = Math.log(2 * Math.PI);
var FINE = { 1: { points: 2001, reach: 8 }, 2: { points: 221, reach: 6.5 } };
var COARSE = { 1: { points: 1e3, reach: 8 }, 2: { points: 75, reach: 8 } };
var LEARNING_RATE = 0.08;
var [DECAY, SQUARE_DECAY, EPSILON] = [0.9, 0.999, 1e-8];
var lattices = /* @__PURE__ */ new Map();
function latticeOf(dims, sizes) {
  const { points, reach } = sizes[dims];
  const name = `${dims} ${points}`;
  const known = lattices.get(name);
  if (known) return known;
  const line = Float64Array.from({ length: points }, (_, k) => reach * (2 * k / (points - 1) - 1));
  const count = points ** dims;
  const nodes = new Float64Array(count * dims);
  const shares = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) {
    let square = 0;
    for (let dim = 0, rest = k; dim < dims; dim++, rest = Math.floor(rest / points)) {
      nodes[k * dims + dim] = line[rest % points];
      square += line[rest % points] ** 2;
    }
    shares[k] = Math.exp(-0.5 * square);
    sum += shares[k];
  }
  for (let k = 0; k < count; k++) shares[k] /= sum;
  const lattice = { nodes, shares };
  lattices.set(name, lattice);
  return lattice;
}
var Mixture = class {
  /** @param {MixtureMessage} message */
  constructor({ constants, means, precisions }) {
    this.constants = constants;
    this.means = means;
    this.precisions = precisions;
    this.terms = new Float64Array(constants.length);
    this.pulls = constants.map(() => [0, 0]);
    this.sum = 1;
  }
  /**
   * log p(z); keeps each component's share and P (z - mu) for `score`.
   * @param {readonly number[]} z
   */
  logDensity(z) {
    const { constants, means, precisions, terms, pulls } = this;
    let largest = -Infinity;
    for (let k = 0; k < terms.length; k++) {
      const [mean, precision] = [means[k], precisions[k]];
      let square = 0;
      for (let i = 0; i < z.length; i++) {
        let pull = 0;
        for (let j = 0; j < z.length; j++) pull += precision[i][j] * (z[j] - mean[j]);
        pulls[k][i] = pull;
        square += (z[i] - mean[i]) * pull;
      }
      terms[k] = constants[k] - 0.5 * square;
      largest = Math.max(largest, terms[k]);
    }
    let sum = 0;
    for (let k = 0; k < terms.length; k++) {
      terms[k] = Math.exp(terms[k] - largest);
      sum += terms[k];
    }
    this.sum = sum;
    return largest + Math.log(sum);
  }
  /**
   * d log p / dz_i at the z of the last `logDensity`.
   * @param {number} i
   */
  score(i) {
    let score = 0;
    for (let k = 0; k < this.terms.length; k++) score -= this.terms[k] / this.sum * this.pulls[k][i];
    return score;
  }
};
var klOf = (p, q) => p.reduce((sum, share, k) => sum + (share > 0 ? share * Math.log(share / q[k]) : 0), 0);
var Components = class {
  /** @param {Omit<ComponentsMessage, "kind">} message */
  constructor({ weights, fits, posterior, log_evidence: logEvidence }) {
    this.weights = weights;
    this.fits = fits;
    this.posterior = posterior;
    this.logEvidence = logEvidence;
  }
  /**
   * @param {readonly number[]} q
   * @returns {Terms}
   */
  terms(q) {
    const mean = (values) => q.reduce((sum, share, k) => sum + (share > 0 ? share * values[k] : 0), 0);
    const reconstruction = mean(this.fits);
    return {
      energy: reconstruction + mean(this.weights.map(Math.log)),
      entropy: -mean(q.map(Math.log)),
      reconstruction,
      klToPrior: klOf(q, this.weights),
      klToPosterior: klOf(q, this.posterior)
    };
  }
  /**
   * E_q[p(x, z) / q(z)]: the bound without its logarithm.
   * @param {readonly number[]} q
   */
  ratio(q) {
    return q.reduce((sum, share, k) => sum + (share > 0 ? this.weights[k] * Math.exp(this.fits[k]) : 0), 0);
  }
  /**
   * Normalised q^(1 - t) posterior^t for t from 0 to 1: the KL to the posterior never rises on this path.
   * @param {readonly number[]} q
   * @returns {Generator<number[], void, void>}
   */
  *ascent(q, count = 40) {
    for (let step = 0; step < count; step++) {
      const t = step / (count - 1);
      const logs = q.map(
        (share, k) => (1 - t) * Math.log(Math.max(share, 1e-300)) + t * Math.log(this.posterior[k])
      );
      const largest = Math.max(...logs);
      const masses = logs.map((value) => Math.exp(value - largest));
      const sum = masses.reduce((a, b) => a + b);
      yield masses.map((mass) => mass / sum);
    }
  }
};
var NoisyMixture = class {
  /** @param {Omit<NoisyMixtureMessage, "kind">} message */
  constructor({ prior, posterior, noise, x, log_evidence: logEvidence }) {
    this.noise = noise;
    this.x = x;
    this.logEvidence = logEvidence;
    this.dims = x.length;
    this.prior = new Mixture(prior);
    this.posterior = new Mixture(posterior);
  }
  /**
   * log p(x|z)
   * @param {readonly number[]} z
   */
  logLikelihood(z) {
    const square = z.reduce((sum, value, i) => sum + (this.x[i] - value) ** 2, 0);
    return -0.5 * (square / this.noise ** 2 + this.dims * (LOG_2PI + 2 * Math.log(this.noise)));
  }
  /**
   * Visits every node of the lattice about q.
   * @param {Gaussian} q
   * @param {LatticeSizes} sizes
   * @param {(share: number, z: number[], at: number, nodes: Float64Array) => void} visit Gets the node's share of q,
   *   its z (valid until the next call), and where its standardised coordinates begin in `nodes`.
   */
  visit({ mean, std }, sizes, visit) {
    const { nodes, shares } = latticeOf(this.dims, sizes);
    const z = mean.slice();
    for (let k = 0; k < shares.length; k++) {
      for (let i = 0; i < z.length; i++) z[i] = mean[i] + std[i] * nodes[k * z.length + i];
      visit(shares[k], z, k * z.length, nodes);
    }
  }
  /**
   * @param {Gaussian} q
   * @returns {Terms}
   */
  terms(q) {
    const logWidths = q.std.reduce((sum, std) => sum + Math.log(std), 0);
    let [prior, posterior, reconstruction, negentropy] = [0, 0, 0, 0];
    this.visit(q, FINE, (share, z, at, nodes) => {
      let square = 0;
      for (let i = 0; i < z.length; i++) square += nodes[at + i] ** 2;
      prior += share * this.prior.logDensity(z);
      posterior += share * this.posterior.logDensity(z);
      reconstruction += share * this.logLikelihood(z);
      negentropy -= share * (0.5 * square + logWidths + 0.5 * this.dims * LOG_2PI);
    });
    return {
      energy: prior + reconstruction,
      entropy: logWidths + 0.5 * this.dims * (LOG_2PI + 1),
      reconstruction,
      klToPrior: negentropy - prior,
      klToPosterior: negentropy - posterior
    };
  }
  /**
   * dF by each mean and each log std: E[s] and E[s std eps] + 1 with s = d log p(x, z) / dz.
   * @param {Gaussian} q
   */
  gradient(q) {
    const byMean = q.mean.map(() => 0);
    const byLogStd = q.mean.map(() => 1);
    this.visit(q, COARSE, (share, z, at, nodes) => {
      this.prior.logDensity(z);
      for (let i = 0; i < z.length; i++) {
        const score = this.prior.score(i) + (this.x[i] - z[i]) / this.noise ** 2;
        byMean[i] += share * score;
        byLogStd[i] += share * score * q.std[i] * nodes[at + i];
      }
    });
    return [...byMean, ...byLogStd];
  }
  /**
   * Gradient ascent of F in mean and log std (Adam), the start included.
   * @param {Gaussian} q
   * @returns {Generator<Gaussian, void, void>}
   */
  *ascent(q, count = 120) {
    const parameters = [...q.mean, ...q.std.map(Math.log)];
    const first = parameters.map(() => 0);
    const second = parameters.map(() => 0);
    for (let step = 1; ; step++) {
      const now = { mean: parameters.slice(0, this.dims), std: parameters.slice(this.dims).map(Math.exp) };
      yield now;
      if (step > count) return;
      this.gradient(now).forEach((slope, i) => {
        first[i] = DECAY * first[i] + (1 - DECAY) * slope;
        second[i] = SQUARE_DECAY * second[i] + (1 - SQUARE_DECAY) * slope ** 2;
        const size = Math.sqrt(second[i] / (1 - SQUARE_DECAY ** step)) + EPSILON;
        parameters[i] += LEARNING_RATE * first[i] / (1 - DECAY ** step) / size;
      });
    }
  }
};

// dashboard/components/chosen_q/drag.js
var NEGLIGIBLE = 1e-9;
function adjusted(q, k, value) {
  const share = clamp(value, 0, 1);
  const rest = q.reduce((sum, other, at) => sum + (at === k ? 0 : other), 0);
  if (rest <= NEGLIGIBLE) return q.map((_, at) => at === k ? share : (1 - share) / (q.length - 1));
  return q.map((other, at) => at === k ? share : other / rest * (1 - share));
}
function gaussianDensity({ mean: [mean], std: [std] }, z) {
  return Math.exp(-0.5 * ((z - mean) / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
}
var replaced = (values, at, value) => values.map((old, i) => i === at ? value : old);

// dashboard/components/chosen_q/pictures.js
var HALF = 5;
var NEAR = 26;
var [NARROWEST, WIDEST] = [0.05, 3];
var UNIT_FRAME = makeFrame({ left: 0, top: 0, width: 1, height: 1 }, [0, 1], [0, 1]);
var KNOB = 9;
var ProbabilityBars = class {
  frame = UNIT_FRAME;
  /**
   * @param {Components} model
   * @returns {number[]}
   */
  start(model) {
    return model.weights.map(() => 1 / model.weights.length);
  }
  /**
   * @param {Components} model
   * @returns {Slider<number[]>[]}
   */
  sliders(model) {
    return model.weights.map((_, k) => ({
      label: `q(component ${k + 1})`,
      range: [0, 1, 0.01],
      read: (q) => q[k],
      write: (q, value) => adjusted(q, k, value)
    }));
  }
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {Components} model
   * @param {number[]} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = makeFrame(plotBox(size, "component", 26), [0.4, q.length + 0.6], [0, 1]);
    const xTicks = q.map((_, k) => ({ value: k + 1, text: String(k + 1) }));
    const yTicks = niceTicks(0, 1, 5);
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "component", yTitle: "probability" });
    q.forEach((share, k) => this.drawBar(context, theme, k, share, model.posterior[k]));
  }
  /**
   * @param {Context} context
   * @param {Theme} theme
   * @param {number} k
   * @param {number} share
   * @param {number} target of the posterior
   */
  drawBar(context, theme, k, share, target) {
    const { px, py } = this.frame;
    const { posterior, kl_to_posterior: goal } = theme.concepts;
    const [left, right] = [px(k + 0.7), px(k + 1.3)];
    context.fillStyle = posterior;
    context.globalAlpha = 0.85;
    context.fillRect(left, py(share), right - left, py(0) - py(share));
    context.globalAlpha = 1;
    context.beginPath();
    context.rect(left - 5, py(target), right - left + 10, py(0) - py(target));
    stroke(context, goal, { width: 4 });
    drawKnob(context, theme, px(k + 1), py(share));
    const style = { size: 16, weight: 700, halo: 5 };
    write(context, theme, fixed(share, 2), px(k + 1), Math.max(12, py(share) - 20), style);
  }
  /**
   * The bar under a pointer.
   * @param {Point} at
   * @param {number[]} q
   */
  grab(at, q) {
    return clamp(Math.round(this.frame.x(at.x)) - 1, 0, q.length - 1);
  }
  /**
   * @param {Point} at
   * @param {number[]} q
   * @param {number} held
   */
  drag(at, q, held) {
    return adjusted(q, held, this.frame.y(at.y));
  }
};
function drawKnob(context, theme, x, y) {
  context.beginPath();
  context.arc(x, y, KNOB, 0, 2 * Math.PI);
  context.fillStyle = theme.concepts.posterior;
  context.fill();
  stroke(context, theme.background, { width: 3 });
}
var GaussianPicture = class {
  frame = UNIT_FRAME;
  /**
   * Where the knobs are: the mean first.
   * @param {Gaussian} q
   * @returns {Point[]}
   */
  knobs(q) {
    const { px, py } = this.frame;
    const [x, y] = q.mean;
    return [
      { x: px(x), y: py(y) },
      { x: px(x + q.std[0]), y: py(y) },
      { x: px(x), y: py(y + q.std[1]) }
    ];
  }
  /**
   * @param {NoisyMixture} model
   * @returns {Gaussian}
   */
  start(model) {
    return { mean: model.x.map((_, i) => i ? 0.5 : 1), std: model.x.map(() => 1) };
  }
  /**
   * @param {NoisyMixture} model
   * @returns {Slider<Gaussian>[]}
   */
  sliders(model) {
    const slider = (part, word, i, range2) => ({
      label: model.dims > 1 ? `${word}, z${"₁₂"[i]}` : word,
      range: range2,
      read: (q) => q[part][i],
      write: (q, value) => ({
        ...q,
        [part]: replaced(q[part], i, value)
      })
    });
    return model.x.flatMap((_, i) => [
      slider("mean", "mean of q", i, [-4, 4, 0.05]),
      slider("std", "width σ of q", i, [NARROWEST, WIDEST, 0.05])
    ]);
  }
  /**
   * A knob of a width only when the pointer is nearer to it than to the mean's.
   * @param {Point} at
   * @param {Gaussian} q
   */
  grab(at, q) {
    const distances = this.knobs(q).map(({ x, y }) => Math.hypot(x - at.x, y - at.y));
    const nearest = distances.indexOf(Math.min(...distances));
    return distances[nearest] < NEAR ? nearest : 0;
  }
  /**
   * @param {Point} at
   * @param {Gaussian} q
   * @param {number} held
   * @returns {Gaussian}
   */
  drag(at, q, held) {
    const point = [this.frame.x(at.x), this.frame.y(at.y)];
    if (held === 0) return { ...q, mean: q.mean.map((_, i) => clamp(point[i], -4, 4)) };
    const width = clamp(Math.abs(point[held - 1] - q.mean[held - 1]), NARROWEST, WIDEST);
    return { ...q, std: replaced(q.std, held - 1, width) };
  }
};
var DensityCurve = class extends GaussianPicture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {NoisyMixture} model
   * @param {Gaussian} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    const places = spread([-HALF, HALF], 401);
    const posterior = places.map((z) => Math.exp(model.posterior.logDensity([z])));
    const highest = Math.max(...posterior);
    const top = 1.12 * Math.max(highest, Math.min(gaussianDensity(q, q.mean[0]), 2.5 * highest));
    this.frame = makeFrame(plotBox(size, "z", 12), [-HALF, HALF], [0, top]);
    const [xTicks, yTicks] = [niceTicks(-HALF, HALF, 10), niceTicks(0, top, 5)];
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "z", yTitle: "density" });
    clipTo(context, this.frame);
    this.drawCurve(context, places, posterior, theme.concepts.kl_to_posterior, 0.35);
    const density = places.map((z) => gaussianDensity(q, z));
    this.drawCurve(context, places, density, theme.concepts.posterior, 0.2);
    context.restore();
    for (const { x, y } of this.knobs(q).reverse()) drawKnob(context, theme, x, Math.max(this.frame.top, y));
  }
  /**
   * @param {Context} context
   * @param {number[]} places
   * @param {number[]} values
   * @param {string} colour
   * @param {number} alpha of the area below it
   */
  drawCurve(context, places, values, colour, alpha) {
    const { px, py } = this.frame;
    context.beginPath();
    places.forEach((z, k) => context.lineTo(px(z), py(values[k])));
    stroke(context, colour, { width: 3.5 });
    context.lineTo(px(HALF), py(0));
    context.lineTo(px(-HALF), py(0));
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
  /**
   * @override
   * @param {Gaussian} q
   */
  knobs(q) {
    const { px, py, y1 } = this.frame;
    return [0, 1].map((away) => {
      const z = q.mean[0] + away * q.std[0];
      return { x: px(z), y: py(Math.min(gaussianDensity(q, z), y1)) };
    });
  }
};
var DensityPlane = class extends GaussianPicture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {NoisyMixture} model
   * @param {Gaussian} q
   */
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = squareFrame(plotBox(size, "z₁", 12), [0, 0], 3);
    const { x0, x1, y0, y1, width, height } = this.frame;
    const [xTicks, yTicks] = [niceTicks(x0, x1, width / 60), niceTicks(y0, y1, height / 50)];
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle: "z₁", yTitle: "z₂" });
    clipTo(context, this.frame);
    this.drawPosterior(context, theme, model);
    const [x, y] = [this.frame.px(q.mean[0]), this.frame.py(q.mean[1])];
    const unit = this.frame.px(1) - this.frame.px(0);
    for (const radius of [1, 2]) {
      context.beginPath();
      context.ellipse(x, y, radius * q.std[0] * unit, radius * q.std[1] * unit, 0, 0, 2 * Math.PI);
      stroke(context, theme.concepts.posterior, { width: 5 - radius });
    }
    context.restore();
    for (const knob of this.knobs(q).reverse()) drawKnob(context, theme, knob.x, knob.y);
  }
  /**
   * The posterior's density as squares whose colour covers more where it is higher; its power of 0.7 keeps the lower
   * mode visible from afar.
   * @param {Context} context
   * @param {Theme} theme
   * @param {NoisyMixture} model
   */
  drawPosterior(context, theme, { posterior }) {
    const { left, top, width, height, x, y } = this.frame;
    const size = 3;
    const peak = Math.max(...posterior.means.map((mean) => posterior.logDensity(mean)));
    context.fillStyle = theme.concepts.kl_to_posterior;
    for (let px = 0; px < width; px += size) {
      for (let py = 0; py < height; py += size) {
        const z = [x(left + px + size / 2), y(top + py + size / 2)];
        const alpha = 0.9 * Math.exp(0.7 * (posterior.logDensity(z) - peak));
        if (alpha < 0.01) continue;
        context.globalAlpha = alpha;
        context.fillRect(left + px, top + py, size, size);
      }
    }
    context.globalAlpha = 1;
  }
};

// dashboard/components/chosen_q/index.js
var Scene = class {
  /** @type {Iterator<Q, void, void> | null} */
  #steps = null;
  /**
   * @param {M} model
   * @param {Picture<Q, M>} picture
   */
  constructor(model, picture) {
    this.model = model;
    this.picture = picture;
    this.q = picture.start(model);
    this.sliders = picture.sliders(model);
  }
  /**
   * Takes q over from the scene of another model of the same kind and size.
   * @param {Scene<any, any>} before
   */
  keep(before) {
    this.q = before.q;
  }
  restart() {
    this.q = this.picture.start(this.model);
  }
  terms() {
    return this.model.terms(this.q);
  }
  ratio() {
    return this.model.ratio?.(this.q);
  }
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   */
  draw(canvas, theme) {
    this.picture.draw(canvas, theme, this.model, this.q);
  }
  /** @param {Point} at */
  grab(at) {
    return this.picture.grab(at, this.q);
  }
  /**
   * @param {Point} at
   * @param {number} held
   */
  drag(at, held) {
    this.q = this.picture.drag(at, this.q, held);
  }
  /** @param {number} slider */
  read(slider) {
    return this.sliders[slider].read(this.q);
  }
  /**
   * @param {number} slider
   * @param {number} value
   */
  write(slider, value) {
    this.q = this.sliders[slider].write(this.q, value);
  }
  ascend() {
    this.#steps = this.model.ascent(this.q);
  }
  halt() {
    this.#steps = null;
  }
  get ascending() {
    return this.#steps !== null;
  }
  /** One step of the ascent; false at its end. */
  advance() {
    const step = this.#steps?.next();
    if (!step || step.done) return false;
    this.q = step.value;
    return true;
  }
};
function sceneOf(message) {
  if (message.kind === "components") return new Scene(new Components(message), new ProbabilityBars());
  return new Scene(
    new NoisyMixture(message),
    message.kind === "line" ? new DensityCurve() : new DensityPlane()
  );
}
var STEP_MS = 33;
var ChosenQ = class {
  /** @type {Theme | null} */
  theme = null;
  /** @type {AnyScene | null} */
  scene = null;
  kind = "";
  /** @type {number[]} */
  bounds = [];
  lastStep = 0;
  /** @type {{ input: HTMLInputElement, output: HTMLOutputElement }[]} */
  rows = [];
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.canvas = findCanvas(root, ".picture");
    this.sliders = find(root, ".sliders");
    this.result = find(root, ".result");
    this.ratio = find(root, ".ratio");
    this.best = find(root, ".best");
    this.decomposition = new Decomposition(root);
    this.frames = new Frames((now) => this.tick(now));
    this.frames.watchSizes([this.canvas], () => this.frames.request());
    this.connect();
  }
  connect() {
    let held = null;
    const drag = (at, start) => {
      if (!this.scene) return;
      this.halt();
      held ??= this.scene.grab(start);
      this.scene.drag(at, held);
      this.show();
    };
    const leave = () => {
      held = null;
    };
    const drop = (at, start) => {
      drag(at, start);
      leave();
    };
    listen(this.canvas, { hover: () => {
    }, drag, drop, leave });
    this.best.onclick = () => this.scene?.ascending ? this.halt() : this.ascend();
    find(this.root, ".back").onclick = () => {
      this.halt();
      this.clear();
      this.scene?.restart();
      this.show();
    };
  }
  /** @param {Uint8Array} data */
  update(data) {
    const message = jsonOf(data);
    this.theme = readTheme(this.root, message.palettes);
    this.root.dataset.kind = message.kind;
    this.root.style.setProperty("--elbo", this.theme.concepts.elbo);
    this.root.style.setProperty("--kl", this.theme.concepts.kl_to_posterior);
    this.halt();
    this.clear();
    this.takeScene(message);
    this.show();
  }
  /**
   * A new model of the same kind and size keeps q where it is.
   * @param {Message} message
   */
  takeScene(message) {
    const scene = sceneOf(message);
    const before = this.scene;
    this.scene = scene;
    if (this.kind === message.kind && before?.sliders.length === scene.sliders.length) {
      scene.keep(before);
    } else {
      this.kind = message.kind;
      this.buildSliders(scene);
    }
  }
  /** @param {AnyScene} scene */
  buildSliders(scene) {
    const rows = scene.sliders.map(({ label, range: [min, max, step] }, k) => {
      const row = newElement("label");
      const input = newElement("input");
      const output = newElement("output");
      for (const [name, value] of Object.entries({ type: "range", min, max, step, "aria-label": label })) {
        input.setAttribute(name, String(value));
      }
      input.oninput = () => {
        this.halt();
        this.scene?.write(k, Number(input.value));
        this.show();
      };
      row.append(newElement("span", { textContent: label }), input, output);
      return { row, input, output };
    });
    this.rows = rows;
    this.sliders.replaceChildren(...rows.map(({ row }) => row));
  }
  /** The numbers and the sliders of the q that is chosen now. */
  show() {
    const { scene } = this;
    if (!scene) return;
    this.decomposition.set(scene.terms(), scene.model.logEvidence);
    this.rows.forEach(({ input, output }, k) => {
      input.value = String(scene.read(k));
      output.textContent = fixed(scene.read(k), 2);
    });
    this.ratio.textContent = fixed(scene.ratio() ?? NaN, 5);
    this.frames.request();
  }
  clear() {
    this.bounds = [];
    this.result.textContent = "";
  }
  ascend() {
    if (!this.scene) return;
    this.clear();
    this.scene.ascend();
    this.lastStep = 0;
    this.best.textContent = "Stop";
    this.frames.request();
  }
  halt() {
    this.scene?.halt();
    this.best.textContent = "Find the best q";
  }
  /** @param {number} now */
  tick(now) {
    if (!this.scene || !this.theme) return;
    if (this.scene.ascending && now - this.lastStep >= STEP_MS) {
      this.lastStep = now;
      this.advance(this.scene);
    }
    this.scene.draw(this.canvas, this.theme);
    this.decomposition.draw(this.theme);
    this.decomposition.drawTrace(this.theme, this.bounds);
    if (this.scene.ascending) this.frames.request();
  }
  /** @param {AnyScene} scene */
  advance(scene) {
    if (!scene.advance()) return this.arrive();
    this.show();
    if (this.decomposition.values) this.bounds.push(this.decomposition.values.bound);
  }
  arrive() {
    this.halt();
    const gap = fixed(Math.max(0, this.decomposition.values?.klToPosterior ?? NaN), 3);
    this.result.textContent = this.kind === "components" ? `q is the posterior: the gap is ${gap} nats and F = log p(x).` : `The best Gaussian from here still misses ${gap} nats: the approximation gap. Another start may end at another mode.`;
  }
  destroy() {
    this.frames.stop();
  }
};
var index_default = elementOf(".chosen", (root) => new ChosenQ(root));
export {
  index_default as default
};
