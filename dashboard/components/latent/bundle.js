// Sources c98698497c675dc9; made by "npm run build": edit the modules, not this file.
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

// dashboard/components/shared/network.js
function sigmoid(u) {
  return u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));
}
function softplus(u) {
  return Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
}
var ACTIVATIONS = {
  tanh: Math.tanh,
  relu: (u) => Math.max(0, u),
  silu: (u) => u / (1 + Math.exp(-u)),
  softplus
};
var DERIVATIVES = {
  tanh: (u, h) => 1 - h * h,
  relu: (u) => u > 0 ? 1 : 0,
  silu: (u) => {
    const s = sigmoid(u);
    return s * (1 + u * (1 - s));
  },
  softplus: sigmoid
};
var NEAR_ZERO = 0.03;
function continuousBernoulliMean(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return 0.5 + logit / 12 - logit ** 3 / 720;
  return -1 / Math.expm1(-logit) - 1 / logit;
}
function continuousBernoulliSlope(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return 1 / 12 - logit * logit / 240;
  const half = Math.sinh(logit / 2);
  return 1 / (logit * logit) - 1 / (4 * half * half);
}
function continuousBernoulliLogNormalizer(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return Math.LN2 + logit * logit / 12 - 7 / 1440 * logit ** 4;
  return Math.log(logit / Math.tanh(logit / 2));
}
var MEANS = {
  bernoulli: sigmoid,
  continuous_bernoulli: continuousBernoulliMean,
  gaussian: (u) => u
};
var SLOPES = {
  bernoulli: (u) => sigmoid(u) * (1 - sigmoid(u)),
  continuous_bernoulli: continuousBernoulliSlope,
  gaussian: () => 1
};
function rowTimes(matrix, row, x) {
  const start = row * x.length;
  const whole = x.length - x.length % 4;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0, at = start; i < whole; i += 4, at += 4) {
    a += matrix[at] * x[i];
    b += matrix[at + 1] * x[i + 1];
    c += matrix[at + 2] * x[i + 2];
    d += matrix[at + 3] * x[i + 3];
  }
  for (let i = whole; i < x.length; i++) a += matrix[start + i] * x[i];
  return a + b + (c + d);
}
var Network = class {
  /**
   * @param {number[]} dims Sizes from input to output.
   * @param {Float32Array} weights
   * @param {keyof typeof ACTIVATIONS} activation
   */
  constructor(dims, weights, activation) {
    this.dims = dims;
    this.activation = ACTIVATIONS[activation];
    this.derivative = DERIVATIVES[activation];
    this.input = new Float64Array(dims[0]);
    this.layers = [];
    let at = 0;
    for (let l = 0; l + 1 < dims.length; l++) {
      const [inputs, outputs] = [dims[l], dims[l + 1]];
      const matrix = weights.subarray(at, at + inputs * outputs);
      const bias = weights.subarray(at + inputs * outputs, at + inputs * outputs + outputs);
      at += inputs * outputs + outputs;
      this.layers.push({ outputs, matrix, bias, u: new Float64Array(outputs), h: new Float64Array(outputs) });
    }
    if (at !== weights.length) throw new Error(`${weights.length} weights for a network of ${at}`);
  }
  /**
   * The outputs before any likelihood; valid until the next call.
   * @param {ArrayLike<number>} input
   */
  forward(input) {
    this.input.set(input);
    let x = this.input;
    const last = this.layers.length - 1;
    this.layers.forEach(({ outputs, matrix, bias, u, h }, index) => {
      for (let o = 0; o < outputs; o++) {
        u[o] = bias[o] + rowTimes(matrix, o, x);
        h[o] = index < last ? this.activation(u[o]) : u[o];
      }
      x = h;
    });
    return x;
  }
  /**
   * Derivatives of all outputs along one input direction, at the input of the last forward pass.
   * @param {ArrayLike<number>} direction
   */
  directional(direction) {
    let d = Float64Array.from(direction);
    const last = this.layers.length - 1;
    this.layers.forEach(({ outputs, matrix, u, h }, index) => {
      const next = new Float64Array(outputs);
      for (let o = 0; o < outputs; o++) {
        const sum = rowTimes(matrix, o, d);
        next[o] = index < last ? sum * this.derivative(u[o], h[o]) : sum;
      }
      d = next;
    });
    return d;
  }
};
var LOG_VAR_RANGE = [-20, 20];
var Model = class {
  /**
   * @param {ModelConfig} config
   * @param {Float32Array} decoderWeights
   * @param {Float32Array} encoderWeights
   */
  constructor(config, decoderWeights, encoderWeights) {
    const { data_dim: dataDim, latent_dim: latentDim, hidden_dims: hidden, activation } = config;
    this.config = config;
    this.mean = MEANS[config.likelihood];
    this.slope = SLOPES[config.likelihood];
    this.decoder = new Network([latentDim, ...[...hidden].reverse(), dataDim], decoderWeights, activation);
    const heads = ["log_variance", "variance"].includes(config.encoder_head) ? 2 : 1;
    this.encoder = new Network([dataDim, ...hidden, heads * latentDim], encoderWeights, activation);
    this.decoded = new Float32Array(dataDim);
  }
  /**
   * E[x|z]; valid until the next call.
   * @param {ArrayLike<number>} z
   */
  decode(z) {
    const outputs = this.decoder.forward(z);
    for (let i = 0; i < outputs.length; i++) this.decoded[i] = this.mean(outputs[i]);
    return this.decoded;
  }
  /**
   * E[x|z] at many places, one after the other.
   * @param {readonly ArrayLike<number>[]} places
   */
  decodeAll(places) {
    const decoded = new Float32Array(places.length * this.config.data_dim);
    places.forEach((z, k) => decoded.set(this.decode(z), k * this.config.data_dim));
    return decoded;
  }
  /**
   * The decoder's Jacobian at z, row by row: a row for each value of x, a column for each latent dimension.
   * @param {readonly number[]} z
   */
  jacobian(z) {
    const columns = z.map((_, j) => this.derivative(z, j));
    return Float32Array.from({ length: this.config.data_dim * z.length }, (_, at) => {
      return columns[at % z.length][Math.floor(at / z.length)];
    });
  }
  /**
   * ∂E[x|z]/∂z_j, a column of the Jacobian.
   * @param {readonly number[]} z
   * @param {number} j From 0.
   */
  derivative(z, j) {
    return this.push(
      z,
      z.map((_, i) => Number(i === j))
    );
  }
  /**
   * How E[x|z] changes when z moves along a direction: the decoder's Jacobian times it.
   * @param {ArrayLike<number>} z
   * @param {ArrayLike<number>} direction
   */
  push(z, direction) {
    const outputs = this.decoder.forward(z);
    return this.decoder.directional(direction).map((d, i) => d * this.slope(outputs[i]));
  }
  /**
   * q(z|x).
   * @param {ArrayLike<number>} x
   * @returns {Posterior}
   */
  encode(x) {
    const J = this.config.latent_dim;
    const outputs = this.encoder.forward(x);
    const mean = Array.from(outputs.subarray(0, J));
    return { mean, std: mean.map((_, j) => this.std(outputs[J + j])) };
  }
  /**
   * The standard deviation that an output of the encoder stands for.
   * @param {number} u
   */
  std(u) {
    switch (this.config.encoder_head) {
      case "deterministic":
        return 0;
      case "unit_variance":
        return 1;
      case "variance":
        u = Math.log(softplus(u) + 1e-9);
    }
    return Math.exp(clamp(u, LOG_VAR_RANGE[0], LOG_VAR_RANGE[1]) / 2);
  }
  /**
   * log p(x|z) in nats, summed over the dimensions of x.
   * @param {ArrayLike<number>} x
   * @param {ArrayLike<number>} z
   */
  logLikelihood(x, z) {
    const outputs = this.decoder.forward(z);
    const { likelihood, scale } = this.config;
    let sum = 0;
    for (let i = 0; i < outputs.length; i++) {
      const u = outputs[i];
      if (likelihood === "gaussian") {
        sum -= ((x[i] - u) / scale) ** 2 / 2 + Math.log(scale) + Math.log(2 * Math.PI) / 2;
      } else {
        sum += x[i] * u - softplus(u);
        if (likelihood === "continuous_bernoulli") sum += continuousBernoulliLogNormalizer(u);
      }
    }
    return sum;
  }
  /**
   * KL(q(z|x) || N(0, I)) in nats; 0 where the encoder is deterministic.
   * @param {Posterior} q
   */
  kl({ mean, std }) {
    if (this.config.encoder_head === "deterministic") return 0;
    return mean.reduce((sum, m, j) => sum + (m * m + std[j] * std[j] - 1) / 2 - Math.log(std[j]), 0);
  }
};

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
  const short2 = xTitle.length <= SHORT_TITLE;
  const end = short2 ? right - 8 * xTitle.length - 8 : Infinity;
  for (const { value, text } of xTicks) {
    if (frame.px(value) < end) write(context, theme, text, frame.px(value), bottom + 5, { base: "top" });
  }
  for (const { value, text } of yTicks) {
    write(context, theme, text, frame.left - 5, frame.py(value), { align: "right" });
  }
  write(context, theme, xTitle, right, bottom + (short2 ? 4 : 20), { align: "right", base: "top", size: 13 });
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
function drawDot(context, theme, [x, y], radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  stroke(context, theme.background, { width: 4 });
  context.fillStyle = colour;
  context.fill();
}
function drawHandle(context, theme, [x, y], { radius, outer, inner }) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  stroke(context, theme.text, { width: outer });
  stroke(context, theme.background, { width: inner });
  context.fillStyle = theme.concepts.decoded;
  context.fill();
}
function addArrowHead(context, from, to, length) {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  for (const side of [-0.45, 0.45]) {
    context.moveTo(to.x, to.y);
    context.lineTo(to.x - length * Math.cos(angle + side), to.y - length * Math.sin(angle + side));
  }
}
function showTip(tip, text, x, y) {
  tip.hidden = text === "";
  if (text === "") return;
  tip.textContent = text;
  const width = tip.parentElement?.clientWidth ?? 0;
  tip.style.left = `${clamp(x - tip.offsetWidth / 2, 0, Math.max(0, width - tip.offsetWidth))}px`;
  tip.style.top = `${Math.max(0, y - tip.offsetHeight)}px`;
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

// dashboard/components/latent/npz.js
var NPY_TYPES = { Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4" };
var NPY_ALIGNMENT = 64;
var ZIP_VERSION = 20;
var ZIP_DATE = 33;
var CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 3988292384 ^ n >>> 1 : n >>> 1;
  return n;
});
function floats(values, shape = [values.length]) {
  return { shape, values: Float32Array.from(values) };
}
function integers(values, shape = [values.length]) {
  return { shape, values: Int32Array.from(values) };
}
function texts(lines) {
  const characters = lines.map((line) => [...line].map((one) => one.codePointAt(0) ?? 0));
  const width = Math.max(1, ...characters.map((line) => line.length));
  const values = new Uint32Array(lines.length * width);
  characters.forEach((line, k) => values.set(line, k * width));
  return { shape: [lines.length], values, type: `<U${width}` };
}
function littleEndian(fields) {
  return Uint8Array.from(
    fields.flatMap(([size, value]) => Array.from({ length: size }, (_, k) => value >>> 8 * k & 255))
  );
}
function joinBytes(parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >>> 8;
  return ~crc >>> 0;
}
function npyBytes({ shape, values, type = NPY_TYPES[values.constructor.name] }) {
  const size = shape.reduce((product, length2) => product * length2, 1);
  const items = type.startsWith("<U") ? values.length / Number(type.slice(2)) : values.length;
  if (items !== size) throw new Error(`${items} values for an array of shape (${shape})`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const entries = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = [147, ...new TextEncoder().encode("NUMPY"), 1, 0];
  const length = start.length + 2 + entries.length + 1;
  const header = `${entries}${" ".repeat(NPY_ALIGNMENT - length % NPY_ALIGNMENT)}
`;
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return joinBytes([start, littleEndian([[2, header.length]]), new TextEncoder().encode(header), data]);
}
function zipBytes(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const common = [
      ...[ZIP_VERSION, 0, 0, 0, ZIP_DATE].map((value) => (
        /** @type {Field} */
        [2, value]
      )),
      ...[crc32(bytes), bytes.length, bytes.length].map((value) => (
        /** @type {Field} */
        [4, value]
      )),
      [2, name.length],
      [2, 0]
    ];
    const label = new TextEncoder().encode(name);
    const local = [littleEndian([[4, 67324752], ...common]), label, bytes];
    directory.push(
      littleEndian([[4, 33639248], [2, ZIP_VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      label
    );
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const listed = joinBytes(directory);
  const count = files.length;
  const end = littleEndian([
    [4, 101010256],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, listed.length],
    [4, offset],
    [2, 0]
  ]);
  return joinBytes([...parts, listed, end]);
}
function npzBytes(arrays) {
  return zipBytes(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npyBytes(array)]));
}

// dashboard/components/latent/svg_context.js
var SVG = "http://www.w3.org/2000/svg";
var ANCHORS = { left: "start", center: "middle", right: "end" };
var RISES_BY = { top: "0.8em", middle: "0.35em", bottom: "-0.2em" };
var short = (value) => String(Math.round(value * 100) / 100);
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
var SvgContext = class {
  globalAlpha = 1;
  lineWidth = 1;
  fillStyle = "#000000";
  strokeStyle = "#000000";
  font = "400 12px sans-serif";
  textAlign = "left";
  textBaseline = "middle";
  imageSmoothingEnabled = true;
  /** @type {number[]} */
  dash = [];
  /** @type {Element[]} */
  states = [];
  clips = 0;
  path = "";
  end = "";
  /** The rectangles that follow each other in one colour. @type {{ style: string, drawn: string[], element: Element } | null} */
  run = null;
  /** @type {{ drawn: string[], element: Element }[]} */
  runs = [];
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.root = document.createElementNS(SVG, "svg");
    this.group = this.root;
    set(this.root, { width, height, viewBox: `0 0 ${width} ${height}` });
  }
  /** In the place of a canvas's own context. */
  asContext() {
    return (
      /** @type {CanvasRenderingContext2D} */
      /** @type {unknown} */
      this
    );
  }
  /** What was drawn is never cleared and the unit stays: layers come one above the other. */
  clearRect() {
  }
  setTransform() {
  }
  /**
   * @param {string} name
   * @param {Attributes} attributes
   */
  add(name, attributes) {
    const element = document.createElementNS(SVG, name);
    set(element, attributes);
    if (this.globalAlpha < 1) element.setAttribute("opacity", String(this.globalAlpha));
    this.run = null;
    return this.group.appendChild(element);
  }
  /** @param {Attributes} attributes */
  enter(attributes) {
    this.group = this.group.appendChild(document.createElementNS(SVG, "g"));
    set(this.group, attributes);
    this.run = null;
  }
  save() {
    this.states.push(this.group);
  }
  restore() {
    this.group = this.states.pop() ?? this.root;
    this.run = null;
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  translate(x, y) {
    this.enter({ transform: `translate(${short(x)} ${short(y)})` });
  }
  /** @param {number} angle */
  rotate(angle) {
    this.enter({ transform: `rotate(${short(angle * 180 / Math.PI)})` });
  }
  clip() {
    const id = `clip${++this.clips}`;
    const clip = this.group.appendChild(document.createElementNS(SVG, "clipPath"));
    clip.id = id;
    set(clip.appendChild(document.createElementNS(SVG, "path")), { d: this.path });
    this.enter({ "clip-path": `url(#${id})` });
  }
  beginPath() {
    this.path = "";
    this.end = "";
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.end = `${short(x)} ${short(y)}`;
    this.path += `M${this.end}`;
  }
  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    const end = `${short(x)} ${short(y)}`;
    if (end !== this.end) this.path += `${this.end ? "L" : "M"}${end}`;
    this.end = end;
  }
  closePath() {
    this.path += "Z";
    this.end = "";
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  rect(x, y, width, height) {
    this.path += rectanglePath(x, y, width, height);
    this.end = "";
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    this.ellipse(x, y, radius, radius);
  }
  /**
   * Whole ones only: two halves.
   * @param {number} x
   * @param {number} y
   * @param {number} right
   * @param {number} up
   */
  ellipse(x, y, right, up) {
    const [start, radii] = [`${short(x + right)} ${short(y)}`, `${short(right)} ${short(up)}`];
    this.lineTo(x + right, y);
    this.path += `A${radii} 0 1 1 ${short(x - right)} ${short(y)}A${radii} 0 1 1 ${start}`;
  }
  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }
  /** @returns {Attributes} */
  get pen() {
    const { strokeStyle: stroke2, lineWidth, dash } = this;
    const pen = { fill: "none", stroke: stroke2, "stroke-width": lineWidth, "stroke-linejoin": "round" };
    return dash.length ? { ...pen, "stroke-dasharray": dash.join(" ") } : pen;
  }
  fill() {
    this.add("path", { d: this.path, fill: this.fillStyle });
  }
  stroke() {
    this.add("path", { d: this.path, ...this.pen });
  }
  /**
   * One path for all that follow each other in one colour, else 60 000 points would be as many elements.
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fillRect(x, y, width, height) {
    const style = `${this.fillStyle} ${this.globalAlpha}`;
    if (this.run?.style !== style) {
      const run = { style, drawn: [], element: this.add("path", { fill: this.fillStyle }) };
      this.runs.push(run);
      this.run = run;
    }
    this.run.drawn.push(rectanglePath(x, y, width, height));
  }
  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.pen });
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {Attributes} ink
   */
  text(text, x, y, ink) {
    const [, weight, size, family] = this.font.match(/^(\S+) (\S+)px (.*)$/) ?? [
      "",
      "400",
      "12",
      "sans-serif"
    ];
    const type = { "font-family": family, "font-size": size, "font-weight": weight };
    const { textBaseline, textAlign } = this;
    const place = { x: short(x), y: short(y), dy: RISES_BY[textBaseline], "text-anchor": ANCHORS[textAlign] };
    this.add("text", { ...place, ...type, ...ink }).textContent = text;
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  fillText(text, x, y) {
    this.text(text, x, y, { fill: this.fillStyle });
  }
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  strokeText(text, x, y) {
    this.text(text, x, y, this.pen);
  }
  /**
   * A bitmap is part of the file.
   * @param {HTMLCanvasElement} canvas
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawImage(canvas, x, y, width, height) {
    const place = { x, y, width, height, preserveAspectRatio: "none" };
    const image = this.add("image", { href: canvas.toDataURL(), ...place });
    if (!this.imageSmoothingEnabled) image.setAttribute("style", "image-rendering: pixelated");
  }
  toString() {
    for (const { element, drawn } of this.runs) element.setAttribute("d", drawn.join(""));
    return new XMLSerializer().serializeToString(this.root);
  }
};
function rectanglePath(x, y, width, height) {
  return `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
}

// dashboard/components/latent/saving.js
var PNG_RATIO = 2;
var SHARP_PIXELS = 480;
var PICTURE_GAP = 8;
var Paper = class {
  style = {};
  /**
   * @param {Picture} picture
   * @param {CanvasRenderingContext2D} context
   * @param {number} ratio Pixels of the context to a CSS pixel.
   */
  constructor({ width, height }, context, ratio) {
    this.clientWidth = width;
    this.clientHeight = height;
    this.width = Math.round(width * ratio);
    this.height = Math.round(height * ratio);
    this.parentElement = { clientWidth: width };
    this.context = context;
    this.ratio = ratio;
  }
  getContext() {
    return this.context;
  }
  setAttribute() {
  }
};
function drawOnPaper(holder, name, paper, draw) {
  const canvas = holder[name];
  holder[name] = paper;
  try {
    draw();
  } finally {
    holder[name] = canvas;
  }
}
function pixelPicture(...canvases) {
  const tallest = Math.max(...canvases.map((canvas) => canvas.height));
  const widest = Math.max(...canvases.map((canvas) => canvas.width));
  const factor = Math.max(1, Math.ceil(SHARP_PIXELS / widest));
  const sizes = canvases.map((canvas) => Math.max(1, Math.floor(factor * tallest / canvas.height)));
  const lefts = [0];
  canvases.forEach((canvas, k) => lefts.push(lefts[k] + canvas.width * sizes[k] + PICTURE_GAP));
  return {
    width: lefts[canvases.length] - PICTURE_GAP,
    height: tallest * factor,
    draw(paper) {
      const { context } = prepare(paper);
      context.imageSmoothingEnabled = false;
      canvases.forEach((canvas, k) => {
        context.drawImage(canvas, lefts[k], 0, canvas.width * sizes[k], canvas.height * sizes[k]);
      });
    }
  };
}
function namedPlaces({ z, pins, path, posterior }) {
  const rows = [["z", z]];
  pins.forEach((pin, k) => rows.push([`pin ${k + 1}`, pin]));
  path?.forEach((place, k) => rows.push([`path ${k / (path.length - 1)}`, place]));
  if (posterior) rows.push(["drawing, mean of q", posterior.mean]);
  return rows;
}
function placesTable(host) {
  const { isImage, model } = host;
  const rows = namedPlaces(host).map(([name, z]) => [
    `"${name}"`,
    ...z,
    ...isImage ? [] : Array.from(model.decode(z))
  ]);
  const names = (letter, count) => range(count).map((j) => `${letter}_${j + 1}`);
  const heads = [...names("z", host.z.length), ...names("x", isImage ? 0 : model.config.data_dim)];
  return [["place", ...heads], ...rows].map((row) => `${row.join()}
`).join("");
}
function placesArrays(model, places) {
  const at = (values) => floats(values, [places.length, values.length / places.length]);
  return { z: at(places.flat()), x: at(model.decodeAll(places)) };
}
function posteriorArrays(model, { mean, std }) {
  return { decoded: floats(model.decode(mean)), mean: floats(mean), std: floats(std) };
}
function placesOffer(host) {
  const arrays = () => {
    const rows = namedPlaces(host);
    const names = texts(rows.map(([name]) => name));
    return {
      place: names,
      ...placesArrays(
        host.model,
        rows.map(([, z]) => z)
      )
    };
  };
  const table = () => placesTable(host);
  return { title: "z, pins and the path", file: "places", table, holds: "place, z, x", arrays };
}
function drawPicture(picture, context, ratio, theme) {
  context.fillStyle = theme.background;
  context.fillRect(0, 0, picture.width * ratio, picture.height * ratio);
  const paper = (
    /** @type {unknown} */
    new Paper(picture, context, ratio)
  );
  picture.draw(
    /** @type {HTMLCanvasElement} */
    paper
  );
}
function pngOf(picture, theme) {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(PNG_RATIO, window.devicePixelRatio || 1);
  canvas.width = Math.round(picture.width * ratio);
  canvas.height = Math.round(picture.height * ratio);
  const context = contextOf(canvas);
  context.clearRect = () => {
  };
  drawPicture(picture, context, ratio, theme);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
function svgOf(picture, theme) {
  const svg = new SvgContext(picture.width, picture.height);
  drawPicture(picture, svg.asContext(), 1, theme);
  return new Blob([svg.toString()], { type: "image/svg+xml" });
}
var MAKERS = {
  png: ({ picture }, theme) => picture && pngOf(picture, theme),
  svg: ({ picture }, theme) => picture && svgOf(picture, theme),
  csv: ({ table }) => table && new Blob([table()], { type: "text/csv" }),
  npz: ({ arrays }) => arrays && new Blob([npzBytes(arrays())], { type: "application/zip" })
};
function helpOf(kind, { holds }) {
  switch (kind) {
    case "png":
      return "The picture, for slides and mails.";
    case "svg":
      return "The picture in a vector file, for papers: sharp at any size.";
    case "csv":
      return "The coordinates, a row for each place.";
    case "npz":
      return `The arrays ${holds}, for numpy.load.`;
  }
}
function kindsOf({ picture, table, arrays }) {
  const kinds = [
    ["png", picture],
    ["svg", picture],
    ["csv", table],
    ["npz", arrays]
  ];
  return kinds.filter(([, made]) => made).map(([kind]) => kind);
}
function download(blob, name) {
  const link = newElement("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1e3);
}
var SavingSection = class {
  /** What the list offers. */
  offered = "";
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.details = /** @type {HTMLDetailsElement} */
    find(root, "details");
    this.list = find(root, "ul");
    this.details.ontoggle = () => this.fill();
    host.onChange(() => this.fill());
  }
  get offers() {
    return [...this.host.offers.flatMap((make) => make()), placesOffer(this.host)];
  }
  /** Rows are made anew only where others are offered: a button keeps the focus. */
  fill() {
    if (!this.details.open) return;
    const { offers } = this;
    const rows = offers.map((offer) => [offer.title, offer.hint, offer.holds, ...kindsOf(offer)].join());
    if (rows.join(";") === this.offered) return;
    this.offered = rows.join(";");
    this.list.replaceChildren(...offers.map((offer) => this.row(offer)));
  }
  /** @param {Offer} offer */
  row(offer) {
    const { title, hint } = offer;
    const row = newElement("li");
    row.append(newElement("span", { textContent: title }));
    if (hint) row.append(newElement("span", { className: "small", textContent: hint }));
    for (const kind of kindsOf(offer)) {
      const textContent = kind.toUpperCase();
      const button = newElement("button", { className: kind, textContent, title: helpOf(kind, offer) });
      button.setAttribute("aria-label", `${title} as ${textContent}`);
      button.onclick = () => void this.save(title, kind);
      row.append(button);
    }
    return row;
  }
  /**
   * @param {string} title
   * @param {Kind} kind
   */
  async save(title, kind) {
    const { theme, config } = this.host;
    const offer = this.offers.find((one) => one.title === title);
    const blob = offer && await MAKERS[kind](offer, theme);
    if (blob) download(blob, `${offer.file}-step-${config.step}.${kind}`);
  }
};

// dashboard/components/latent/decoded.js
var RISES = "#D55E00";
var FALLS = "#0072B2";
var MESH_REACH = 2.5;
var MESH_LINES = 11;
var CURVE_POINTS = 81;
var REDRAWS_DATA = /* @__PURE__ */ new Set(["weights", "plane", "theme", "size", "view"]);
var derivativeName = (axis) => `∂x/∂${latentName(axis)}`;
function decodedArrays({ z, model }) {
  return { z: floats(z), x: floats(model.decode(z)) };
}
function derivativeArrays(host) {
  const { z, model, axes, config } = host;
  const jacobian = floats(model.jacobian(z), [config.config.data_dim, z.length]);
  return { ...decodedArrays(host), jacobian, plane: integers(axes.map((axis) => axis + 1)) };
}
function drawSigned(canvas, values, scale, ground) {
  const [zero, rises, falls] = [ground, RISES, FALLS].map(rgbOf);
  canvas.draw((p) => {
    const hue = values[p] > 0 ? rises : falls;
    const share = Math.min(1, Math.abs(values[p]) / scale);
    const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (hue[k] - level)));
    return 4278190080 | blue << 16 | green << 8 | red;
  });
}
var DecodedImages = class {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   * @param {[number, number]} shape
   */
  constructor(root, host, shape) {
    this.host = host;
    this.image = new PixelCanvas(findCanvas(root, ".picture"), shape);
    find(root, ".stage").style.aspectRatio = `${shape[1]} / ${shape[0]}`;
    const section = find(host.root, ".derivatives");
    this.scale = find(section, ".scale");
    this.derivatives = findAll(section, ".derivative").map((figure) => ({
      figure,
      caption: find(figure, "figcaption"),
      image: new PixelCanvas(findCanvas(figure, "canvas"), shape)
    }));
  }
  /** @returns {Offer[]} */
  offers() {
    const { host } = this;
    const shown = this.derivatives.filter(({ figure }) => !figure.hidden).map(({ image }) => image.canvas);
    return [
      {
        ...{ title: "Decoded image", file: "decoded", picture: pixelPicture(this.image.canvas) },
        ...{ holds: "z, x", arrays: () => decodedArrays(host) }
      },
      {
        ...{ title: "Derivatives of the image", file: "derivatives", picture: pixelPicture(...shown) },
        ...{ holds: "z, x, jacobian, plane", arrays: () => derivativeArrays(host) }
      }
    ];
  }
  draw() {
    const { host } = this;
    this.image.drawGrey(host.decoded);
    const axes = host.distinctAxes;
    const values = axes.map((axis) => host.model.derivative(host.z, axis));
    const sizes = values.map((one) => one.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    const largest = Math.max(...sizes);
    this.derivatives.forEach(({ figure, caption, image }, k) => {
      figure.hidden = k >= axes.length;
      if (figure.hidden) return;
      caption.textContent = derivativeName(axes[k]);
      drawSigned(image, values[k], largest || 1, host.theme.background);
    });
    this.scale.textContent = `full colour: ±${brief(largest)} per unit of z`;
  }
};
var DecodedPoint = class {
  /** What the mesh was decoded from. */
  mesh = "";
  gliding = false;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.plane = new DataPlane(findCanvas(root, ".picture"));
    this.canvas = findCanvas(root, ".over");
    find(host.root, ".derivatives").hidden = true;
  }
  /** @param {Change} change */
  draw(change) {
    const { host } = this;
    const mesh = [host.config.hash, host.axes, host.base.z].join(";");
    const isNew = mesh !== this.mesh;
    this.mesh = mesh;
    if (isNew) {
      const { decoded, rows, columns } = this.decodedMesh();
      const points = Float32Array.from(host.data.x);
      this.plane.set(
        { points, decoded, mesh: { rows, columns } },
        host.now,
        change !== "weights" || host.isCalm
      );
    }
    if (isNew || this.gliding || REDRAWS_DATA.has(change)) {
      this.gliding = this.plane.draw(host.theme, host.now);
    }
    if (this.gliding) host.invalidate();
    this.drawOver(host.theme);
  }
  /** @returns {Offer[]} */
  offers() {
    const { plane, host } = this;
    const draw = (paper) => {
      drawOnPaper(plane, "canvas", paper, () => plane.draw(host.theme, host.now));
      drawOnPaper(this, "canvas", paper, () => this.drawOver(host.theme));
    };
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const held = { holds: "z, x, jacobian, plane, mesh_z, mesh_x", arrays: () => this.arrays() };
    return [{ title: "Data space", file: "data-space", picture: { width, height, draw }, ...held }];
  }
  arrays() {
    const { places, decoded, rows, columns } = this.decodedMesh();
    const at = (values) => floats(values, [rows, columns, values.length / places.length]);
    return { ...derivativeArrays(this.host), mesh_z: at(places.flat()), mesh_x: at(decoded) };
  }
  decodedMesh() {
    const { host } = this;
    const isLine = host.z.length === 1;
    const axis = spread([-MESH_REACH, MESH_REACH], isLine ? CURVE_POINTS : MESH_LINES);
    const rows = isLine ? [0] : axis.toReversed();
    const places = rows.flatMap((second) => axis.map((first) => host.inPlane([first, second])));
    return { places, decoded: host.model.decodeAll(places), rows: rows.length, columns: axis.length };
  }
  /** @param {Theme} theme */
  drawOver(theme) {
    const { host } = this;
    const { context, ...size } = prepare(this.canvas);
    const frame = squareFrame(plotBox(size, "x₁"), this.plane.centre, this.plane.radius);
    const at = (x) => [frame.px(x[0]), frame.py(x[1])];
    clipTo(context, frame);
    if (host.path) {
      this.drawPath(
        context,
        theme,
        host.path.map((z) => at(host.model.decode(z)))
      );
    }
    this.drawNearest(context, theme, at);
    const point = host.decoded;
    for (const axis of host.distinctAxes) {
      const [dx, dy] = host.model.derivative(host.z, axis);
      const end = at([point[0] + dx / 2, point[1] + dy / 2]);
      this.drawArrow(context, theme, at(point), end, derivativeName(axis));
    }
    drawDot(context, theme, at(point), 8, theme.concepts.decoded);
    context.restore();
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[][]} places
   */
  drawPath(context, theme, places) {
    context.beginPath();
    for (const [x, y] of places) context.lineTo(x, y);
    stroke(context, theme.background, { width: 6 });
    stroke(context, theme.text, { width: 2, dash: [5, 3] });
  }
  /**
   * The nearest held-out example, joined to its reconstruction.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {(x: ArrayLike<number>) => number[]} at
   */
  drawNearest(context, theme, at) {
    const { host } = this;
    const x = host.nearest === null ? null : host.data.example(host.nearest);
    if (!x || host.nearest === null) return;
    const place = at(x);
    const reconstruction = at(host.model.decode(host.data.posterior(host.nearest).mean));
    context.beginPath();
    context.moveTo(place[0], place[1]);
    context.lineTo(reconstruction[0], reconstruction[1]);
    stroke(context, theme.text, { width: 2 });
    drawDot(context, theme, place, 5, theme.text);
    drawDot(context, theme, reconstruction, 4, theme.concepts.decoded);
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[]} from
   * @param {readonly number[]} to
   * @param {string} name
   */
  drawArrow(context, theme, [x, y], [toX, toY], name) {
    const angle = Math.atan2(toY - y, toX - x);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    addArrowHead(context, { x, y }, { x: toX, y: toY }, Math.min(10, Math.hypot(toX - x, toY - y) / 2));
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.text, { width: 2 });
    write(context, theme, name, toX + 18 * Math.cos(angle), toY + 14 * Math.sin(angle), {
      halo: 4,
      size: 13
    });
  }
};
var DecodedSection = class {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.stage = find(root, ".stage");
    this.caption = find(root, ".z");
    this.bad = find(root, ".bad");
    host.root.classList.add(host.isImage ? "images" : "points");
    const shape = host.config.image_shape;
    this.shown = shape ? new DecodedImages(root, host, shape) : new DecodedPoint(root, host);
    host.onChange((_, change) => this.told(change));
    host.offers.push(() => this.offers());
  }
  /** @returns {Offer[]} */
  offers() {
    const { failure, isImage } = this.host;
    if (!failure) return this.shown.offers();
    return [{ title: isImage ? "Decoded image" : "Data space", hint: failure }];
  }
  /** @param {Change} change */
  told(change) {
    const isFinite = this.host.failure === null;
    this.bad.hidden = isFinite;
    this.stage.hidden = !isFinite;
    this.caption.textContent = this.host.zText();
    if (isFinite) this.shown.draw(change);
  }
};

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

// dashboard/components/latent/ink.js
var FINE = 4;
var EDGE = 0.1;
var MNIST_SIZE = 28;
var MNIST_BOX = 20;
var Ink = class {
  /** @param {readonly number[]} shape [height, width] in pixels of the data. */
  constructor([height, width]) {
    this.columns = width;
    this.height = height * FINE;
    this.width = width * FINE;
    this.values = new Float32Array(this.height * this.width);
  }
  /**
   * A soft dab.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {boolean} erases
   */
  dab(x, y, radius, erases) {
    const [cx, cy, reach] = [x * FINE, y * FINE, radius * FINE];
    for (let row = Math.max(0, Math.floor(cy - reach)); row < Math.min(this.height, cy + reach); row++) {
      const first = Math.max(0, Math.floor(cx - reach));
      for (let column = first; column < Math.min(this.width, cx + reach); column++) {
        const away = Math.hypot(column + 0.5 - cx, row + 0.5 - cy) / reach;
        const amount = clamp(2 * (1 - away), 0, 1);
        const at = row * this.width + column;
        this.values[at] = erases ? Math.min(this.values[at], 1 - amount) : Math.max(this.values[at], amount);
      }
    }
  }
  /**
   * @param {Point} from
   * @param {Point} to
   * @param {number} radius
   * @param {boolean} erases
   */
  line(from, to, radius, erases) {
    const steps = Math.max(1, Math.ceil(4 * Math.hypot(to.x - from.x, to.y - from.y) / radius));
    for (let k = 0; k <= steps; k++) {
      const share = k / steps;
      this.dab(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, radius, erases);
    }
  }
  /**
   * The pixel of the data that a pixel of the sheet lies in.
   * @param {number} row
   * @param {number} column
   */
  pixel(row, column) {
    return Math.floor(row / FINE) * this.columns + Math.floor(column / FINE);
  }
  /**
   * An example, each of its pixels as a block.
   * @param {ArrayLike<number>} x
   */
  put(x) {
    this.values = this.values.map((_, at) => x[this.pixel(Math.floor(at / this.width), at % this.width)]);
  }
  /** Bounding box [left, top, right, bottom] and centre of mass in sheet pixels; null where there is no ink. */
  measure() {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    let [mass, x, y] = [0, 0, 0];
    this.values.forEach((value, at) => {
      const [column, row] = [at % this.width, Math.floor(at / this.width)];
      [mass, x, y] = [mass + value, x + value * (column + 0.5), y + value * (row + 0.5)];
      if (value < EDGE) return;
      [box[0], box[1]] = [Math.min(box[0], column), Math.min(box[1], row)];
      [box[2], box[3]] = [Math.max(box[2], column + 1), Math.max(box[3], row + 1)];
    });
    return box[0] < box[2] ? { box, mass: [x / mass, y / mass] } : null;
  }
  /** Scale and centre (in sheet pixels) that put the ink where the data set has it. */
  fit() {
    const ink = this.measure();
    if (!ink) return { scale: 1, centre: [this.width / 2, this.height / 2] };
    const [left, top, right, bottom] = ink.box;
    const isMnist = this.width === this.height && this.width === MNIST_SIZE * FINE;
    const share = isMnist ? MNIST_BOX / MNIST_SIZE : 1;
    const scale = Math.min(share * this.width / (right - left), share * this.height / (bottom - top));
    return { scale, centre: isMnist ? ink.mass : [(left + right) / 2, (top + bottom) / 2] };
  }
  /**
   * Between sheet pixels (bilinear), 0 outside.
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    const [column, row] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [right, down] = [x - 0.5 - column, y - 0.5 - row];
    const value = (i, j) => i < 0 || j < 0 || i >= this.width || j >= this.height ? 0 : this.values[j * this.width + i];
    const upper = value(column, row) * (1 - right) + value(column + 1, row) * right;
    const lower = value(column, row + 1) * (1 - right) + value(column + 1, row + 1) * right;
    return upper * (1 - down) + lower * down;
  }
  /**
   * The input of the model, one number for each pixel of the data: the mean of its block of the placed sheet.
   * @param {boolean} isFitted
   */
  input(isFitted) {
    const middle = [this.width / 2, this.height / 2];
    const { scale, centre } = isFitted ? this.fit() : { scale: 1, centre: middle };
    const place = (at, axis) => (at + 0.5 - middle[axis]) / scale + centre[axis];
    const x = new Float32Array(this.columns * this.height / FINE);
    for (let row = 0; row < this.height; row++) {
      for (let column = 0; column < this.width; column++) {
        x[this.pixel(row, column)] += this.at(place(column, 0), place(row, 1)) / FINE ** 2;
      }
    }
    return x;
  }
};

// dashboard/components/latent/drawing.js
var MAX_SHEETS = 50;
var ERASER = 1.6;
var NOT_FINITE = "The encoder's outputs are not finite: this training has diverged.";
var AT_MEAN = "The ELBO averages log p(x|z) over all z from q; here z is the mean of q.";
var DrawingPad = class {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    const shape = host.config.image_shape;
    root.hidden = !shape;
    this.sheet = shape && new DrawingSheet(root, host, shape);
  }
};
var DrawingSheet = class {
  /** @type {{ values: Float32Array<ArrayBuffer>, taken: Taken | null }[]} */
  undos = [];
  /** Number of examples taken so far. */
  numTaken = 0;
  erases = false;
  /** @type {Taken | null} */
  taken = null;
  /** Where the pointer was last while it draws. @type {Point | null} */
  last = null;
  /** @type {Float32Array | null} */
  input = null;
  /** @type {Posterior | null} */
  posterior = null;
  isFinite = true;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   * @param {[number, number]} shape
   */
  constructor(root, host, shape) {
    this.root = root;
    this.host = host;
    this.shape = shape;
    this.ink = new Ink(shape);
    const sheet = [this.ink.height, this.ink.width];
    const alt = "Drawing sheet, for mouse, pen or finger. The button below it needs none.";
    this.pad = this.picture("pad", sheet, "Draw here", alt);
    this.seen = this.picture("seen", shape, "What the model sees", "The input as the model sees it");
    this.again = this.picture("again", shape, "Reconstruction E[x|z] at the mean", "Reconstruction");
    this.eraser = newButton("Eraser", () => this.choose(!this.erases));
    this.undo = newButton("Undo", () => this.back());
    this.fitted = newElement("input", { type: "checkbox", checked: true, onchange: () => this.read(true) });
    this.terms = newElement("dl");
    this.note = newElement("p");
    this.build();
    this.connect();
    this.show();
    host.offers.push(() => [this.offer()]);
    host.onChange((_, change) => {
      if (change === "weights") this.read(false);
      if (change === "theme") this.colour();
    });
  }
  /** @returns {Offer} */
  offer() {
    const title = "Drawing, as the model sees it, reconstruction";
    const { posterior, input, host } = this;
    if (!posterior || !input) return { title, hint: this.sentence() };
    const picture = pixelPicture(this.pad.canvas, this.seen.canvas, this.again.canvas);
    const arrays = () => ({ x: floats(input), ...posteriorArrays(host.model, posterior) });
    return { title, file: "drawing", picture, holds: "x, decoded, mean, std", arrays };
  }
  build() {
    const pictures = newElement("div", { className: "pictures" });
    for (const { canvas } of [this.pad, this.seen, this.again]) {
      if (canvas.parentElement) pictures.append(canvas.parentElement);
    }
    const clear = newButton("Clear", () => this.change(() => this.ink = new Ink(this.shape)));
    const take = newButton("Take a test image", () => this.change(() => this.takeNext()));
    const tools = newElement("div", { className: "bar" });
    tools.append(this.eraser, this.undo, clear, take, this.fitChoice());
    this.note.setAttribute("aria-live", "polite");
    const title = newElement("h3", { textContent: "Draw an input: where does the encoder put it?" });
    const side = newElement("div");
    side.append(tools, this.terms, this.note);
    const columns = newElement("div", { className: "columns" });
    columns.append(pictures, side);
    this.root.replaceChildren(title, columns);
    this.choose(false);
    this.colour();
  }
  /**
   * @param {string} className
   * @param {readonly number[]} pixels [height, width]
   * @param {string} caption
   * @param {string} alt
   */
  picture(className, pixels, caption, alt) {
    const canvas = newElement("canvas", { className });
    canvas.style.aspectRatio = `${this.shape[1]} / ${this.shape[0]}`;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", alt);
    const figure = newElement("figure");
    figure.append(canvas, newElement("figcaption", { textContent: caption }));
    return new PixelCanvas(canvas, pixels);
  }
  fitChoice() {
    const title = "Moves and scales the drawing as the data set's own images are; a test image stays as it is.";
    const label = newElement("label", { title });
    label.append(this.fitted, "centre and scale");
    return label;
  }
  colour() {
    const { reconstruction, kl } = this.host.theme.concepts;
    this.root.style.setProperty("--reconstruction", reconstruction);
    this.root.style.setProperty("--kl", kl);
  }
  /** @param {boolean} erases */
  choose(erases) {
    this.erases = erases;
    this.eraser.setAttribute("aria-pressed", String(erases));
  }
  connect() {
    const pad = this.pad.canvas;
    pad.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return;
      capture(pad, event);
      this.keep();
      this.taken = null;
      this.last = this.place(event);
      this.draw(event, this.last);
    };
    pad.onpointermove = (event) => {
      if (!event.isPrimary) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) if (this.last) this.draw(each, this.last);
    };
    const end = () => {
      if (!this.last) return;
      this.last = null;
      this.read(true);
    };
    pad.onpointerup = end;
    pad.onpointercancel = end;
  }
  /**
   * Where an event is, in pixels of the data.
   * @param {PointerEvent} event
   * @returns {Point}
   */
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.pad.canvas.getBoundingClientRect();
    return { x: (clientX - left) / width * this.shape[1], y: (clientY - top) / height * this.shape[0] };
  }
  /** The brush covers about as many pixels of the data as the pens of the digits and of MNIST did. */
  get radius() {
    return Math.max(0.9, this.shape[1] / 16) * (this.erases ? ERASER : 1);
  }
  /**
   * @param {PointerEvent} event
   * @param {Point} last
   */
  draw(event, last) {
    const here = this.place(event);
    this.ink.line(last, here, this.radius, this.erases);
    this.last = here;
    this.showSheet();
  }
  keep() {
    this.undos = [...this.undos, { values: this.ink.values.slice(), taken: this.taken }].slice(-MAX_SHEETS);
  }
  /** @param {() => void} make */
  change(make) {
    this.keep();
    this.taken = null;
    make();
    this.choose(false);
    this.read(true);
  }
  back() {
    const kept = this.undos.pop();
    if (!kept) return;
    this.ink.values = kept.values;
    this.taken = kept.taken;
    this.read(true);
  }
  takeNext() {
    const { data } = this.host;
    const index = this.numTaken % data.countWithX;
    const x = data.example(index);
    if (!x) return;
    this.taken = { index, x };
    this.ink.put(x);
    this.numTaken += 1;
  }
  /**
   * Encodes what is on the sheet.
   * @param {boolean} moves Whether z goes to the posterior's mean.
   */
  read(moves) {
    const isEmpty = this.ink.measure() === null;
    this.input = this.taken?.x ?? (isEmpty ? null : this.ink.input(this.fitted.checked));
    const posterior = this.input && this.host.model.encode(this.input);
    this.isFinite = !posterior || [...posterior.mean, ...posterior.std].every(Number.isFinite);
    this.posterior = this.isFinite ? posterior : null;
    this.host.showPosterior(this.posterior);
    if (moves && this.posterior) this.host.setZ(this.posterior.mean, "drawing");
    this.show();
  }
  show() {
    this.undo.disabled = this.undos.length === 0;
    this.showSheet();
    this.paint(this.seen, this.input);
    this.paint(this.again, this.posterior && this.host.model.decode(this.posterior.mean));
    this.showTerms();
    this.note.textContent = this.sentence();
  }
  sentence() {
    if (!this.isFinite && this.input) return NOT_FINITE;
    if (!this.input) return "Draw, or take a test image.";
    if (!this.taken) return AT_MEAN;
    const { index } = this.taken;
    const name = this.host.className(this.host.data.labels[index]);
    return `Held-out image ${index + 1}${name && `, class ${name}`}, as it is. ${AT_MEAN}`;
  }
  showTerms() {
    this.terms.replaceChildren();
    const { input, posterior, host } = this;
    if (!posterior || !input) return;
    const reconstruction = host.model.logLikelihood(input, posterior.mean);
    this.addTerm("reconstruction", "log p(x|z) at the mean", reconstruction);
    if (host.isDeterministic) return;
    const kl = host.model.kl(posterior);
    this.addTerm("kl", "KL(q ‖ prior)", kl);
    this.addTerm("difference", "their difference", reconstruction - kl);
  }
  /**
   * @param {string} className
   * @param {string} title
   * @param {number} nats
   */
  addTerm(className, title, nats) {
    const term = newElement("div", { className });
    const value = newElement("dd", { textContent: `${fixed(nats, 1)} nats` });
    term.append(newElement("dt", { textContent: title }), value);
    this.terms.append(term);
  }
  showSheet() {
    this.paint(this.pad, this.ink.values);
  }
  /**
   * @param {PixelCanvas} picture
   * @param {ArrayLike<number> | null} values From 0 (black) to 1 (white), row by row; null leaves it empty.
   */
  paint(picture, values) {
    if (values) picture.drawGrey(values);
    else picture.context.clearRect(0, 0, picture.canvas.width, picture.canvas.height);
  }
};

// dashboard/components/latent/interpolation.js
var NUM_IMAGES = 11;
var PATH_POINTS = 41;
var PASS_MS = 4e3;
var NEARLY_PARALLEL = 1e-6;
function linear(a, b, share) {
  return a.map((value, j) => value + share * (b[j] - value));
}
function spherical(a, b, share) {
  const [lengthA, lengthB] = [a, b].map((z) => Math.hypot(...z));
  const cosine = a.reduce((sum, value, j) => sum + value * b[j], 0) / (lengthA * lengthB);
  const angle = Math.acos(clamp(cosine, -1, 1));
  if (!(Math.sin(angle) > NEARLY_PARALLEL)) return linear(a, b, share);
  const [fromA, fromB] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return a.map((value, j) => fromA * value + fromB * b[j]);
}
var InterpolationSection = class {
  between = linear;
  playing = false;
  /** When the last frame of playing was. */
  since = 0;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.hint = find(root, ".hint");
    this.tools = find(root, ".tools");
    this.strip = findCanvas(root, ".strip");
    this.play = find(root, ".play");
    this.slider = /** @type {HTMLInputElement} */
    find(root, "input");
    this.kinds = findAll(root, "[data-kind]");
    for (const button of this.kinds) button.onclick = () => this.choose(button.dataset.kind);
    this.play.onclick = () => this.run(!this.playing);
    this.slider.oninput = () => this.go(this.share, false);
    this.slider.onchange = () => this.host.settle();
    this.choose("linear");
    host.onChange((_, change) => this.told(change));
    host.offers.push(() => [this.offer()]);
  }
  /** The two pins; null while there are fewer. @returns {[number[], number[]] | null} */
  get ends() {
    const [from, to] = this.host.pins;
    return to ? [from, to] : null;
  }
  /** @returns {Offer} */
  offer() {
    const title = "From pin 1 to pin 2";
    const { ends, host } = this;
    if (!ends) return { title, hint: "Pin two places of the plane first." };
    if (host.failure) return { title, hint: host.failure };
    const picture = this.strip.hidden ? void 0 : pixelPicture(this.strip);
    const arrays = () => {
      const shares = spread([0, 1], NUM_IMAGES);
      return { share: floats(shares), ...placesArrays(host.model, this.path(ends, NUM_IMAGES)) };
    };
    return { title, file: "between-pins", picture, holds: "share, z, x", arrays };
  }
  /** @param {string | undefined} kind */
  choose(kind) {
    this.between = kind === "spherical" ? spherical : linear;
    for (const button of this.kinds) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    }
    this.host.note("pins");
  }
  /**
   * `count` places from the first pin to the second, both included.
   * @param {[number[], number[]]} ends
   * @param {number} count
   */
  path([from, to], count) {
    return spread([0, 1], count).map((share) => this.between(from, to, share));
  }
  /** @param {Change} change */
  told(change) {
    if (change === "pins" || change === "weights") this.show();
    if (this.playing && ["pointer", "keys", "pins"].includes(change)) this.run(false);
    if (this.playing) this.advance(this.host.now);
  }
  show() {
    const { ends, host } = this;
    this.hint.hidden = ends !== null;
    this.tools.hidden = ends === null;
    host.path = ends && this.path(ends, PATH_POINTS);
    this.strip.hidden = !ends || !host.config.image_shape;
    if (ends && host.config.image_shape) this.drawStrip(ends, host.config.image_shape);
  }
  /**
   * @param {[number[], number[]]} ends
   * @param {[number, number]} shape
   */
  drawStrip(ends, [height, width]) {
    const decoded = this.host.model.decodeAll(this.path(ends, NUM_IMAGES));
    const sheet = pictureSheet(Uint8Array.from(decoded, greyLevel), [height, width], NUM_IMAGES);
    Object.assign(this.strip, { width: NUM_IMAGES * (width + 1) - 1, height });
    const context = contextOf(this.strip);
    for (const k of range(NUM_IMAGES)) {
      context.drawImage(sheet, k * width, 0, width, height, k * (width + 1), 0, width, height);
    }
  }
  /** @param {boolean} playing */
  run(playing) {
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Play";
    if (playing && this.share >= 1) this.slider.value = "0";
    this.since = performance.now();
    if (playing) this.go(this.share, true);
  }
  get share() {
    return Number(this.slider.value);
  }
  /** @param {number} now */
  advance(now) {
    const share = this.share + Math.max(0, now - this.since) / PASS_MS;
    this.since = now;
    this.go(Math.min(1, share), share < 1);
    if (share >= 1) this.run(false);
  }
  /**
   * @param {number} share
   * @param {boolean} playing
   */
  go(share, playing) {
    if (!playing && this.playing) this.run(false);
    this.slider.value = String(share);
    this.slider.setAttribute("aria-valuetext", `${Math.round(100 * share)} % of the way`);
    const { ends } = this;
    if (ends) this.host.setZ(this.between(...ends, share), "play");
  }
};

// dashboard/components/shared/arrays.js
var jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

// dashboard/components/latent/message.js
var ARRAYS = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };
var headLength = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
function readMeta(bytes) {
  return jsonOf(bytes.subarray(4, 4 + headLength(bytes)));
}
function readArrays(bytes, meta) {
  const body = 4 + headLength(bytes);
  const read = ({ type, offset, length }) => {
    const start = body + offset;
    const part = bytes.slice(start, start + length * ARRAYS[type].BYTES_PER_ELEMENT);
    return new ARRAYS[type](part.buffer);
  };
  const named = Object.entries(meta.arrays).map(([name, place]) => [name, read(place)]);
  return Object.fromEntries(named);
}
var HeldOut = class {
  /**
   * @param {Pick<Meta, "config" | "image_shape">} meta
   * @param {Pick<Arrays, "means" | "stds" | "labels" | "x">} arrays
   */
  constructor({ config, image_shape: imageShape }, { means, stds, labels, x }) {
    this.means = means;
    this.stds = stds;
    this.labels = labels;
    this.x = x;
    this.latentDim = config.latent_dim;
    this.dataDim = config.data_dim;
    this.levels = imageShape ? 255 : 1;
    this.countWithX = x.length / config.data_dim;
  }
  /**
   * q(z|x) of one example.
   * @param {number} i
   * @returns {Posterior}
   */
  posterior(i) {
    const part = (values) => Array.from(values.subarray(i * this.latentDim, (i + 1) * this.latentDim));
    return { mean: part(this.means), std: part(this.stds) };
  }
  /**
   * The example as the model takes it (images from 0 to 1), or null where it was left out to save bytes.
   * @param {number} i
   */
  example(i) {
    if (i >= this.countWithX) return null;
    const values = this.x.subarray(i * this.dataDim, (i + 1) * this.dataDim);
    return Float32Array.from(values, (value) => value / this.levels);
  }
  /**
   * Two coordinates of all means or stds, as flat pairs.
   * @param {Float32Array} values
   * @param {readonly number[]} axes
   */
  pairs(values, [first, second]) {
    const pairs = new Float32Array(2 * this.labels.length);
    for (let i = 0; i < this.labels.length; i++) {
      pairs[2 * i] = values[i * this.latentDim + first];
      pairs[2 * i + 1] = values[i * this.latentDim + second];
    }
    return pairs;
  }
};

// dashboard/components/latent/nearest.js
function vectorText(values) {
  const numbers = Array.from(values, (value) => fixed(value, 2)).join(", ");
  return values.length === 1 ? numbers : `(${numbers})`;
}
var NearestSection = class {
  /** What is shown. */
  shown = "";
  /** @type {{ x: PixelCanvas, reconstruction: PixelCanvas } | null} */
  images = null;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.pair = find(root, ".pair");
    this.missing = find(root, ".missing");
    this.facts = new Map(findAll(root, "dd").map((fact) => [fact.className, fact]));
    this.pair.hidden = !host.isImage;
    const shape = host.config.image_shape;
    if (shape) {
      const image = (name) => new PixelCanvas(findCanvas(root, name), shape);
      this.images = { x: image(".x"), reconstruction: image(".reconstruction") };
    }
    host.onChange((_, change) => this.told(change));
    host.offers.push(() => [this.offer()]);
  }
  /** @param {Change} change */
  told(change) {
    const { nearest, axes, config } = this.host;
    const shown = [nearest, axes, config.hash].join(";");
    if (shown === this.shown && change !== "theme") return;
    this.shown = shown;
    this.root.classList.toggle("none", nearest === null);
    if (nearest !== null) this.show(nearest);
  }
  /** @returns {Offer} */
  offer() {
    const { failure, nearest } = this.host;
    const title = "Nearest example and its reconstruction";
    if (failure) return { title, hint: failure };
    if (nearest === null) return { title, hint: "Switch a class on first: none is shown." };
    const shown = this.pair.hidden ? null : this.images;
    const picture = shown ? pixelPicture(shown.x.canvas, shown.reconstruction.canvas) : void 0;
    const x = this.missing.hidden ? "x, " : "";
    const held = { holds: `row, ${x}decoded, mean, std`, arrays: () => this.arrays(nearest) };
    return { title, file: "nearest", picture, ...held };
  }
  /**
   * x is missing where it was left out to save bytes.
   * @param {number} row
   */
  arrays(row) {
    const { data, model } = this.host;
    const x = data.example(row);
    const index = { shape: [], values: Int32Array.of(row) };
    return { row: index, ...x && { x: floats(x) }, ...posteriorArrays(model, data.posterior(row)) };
  }
  /** @param {number} i */
  show(i) {
    const { data, model, distinctAxes } = this.host;
    const q = data.posterior(i);
    const x = data.example(i);
    const decoded = model.decode(q.mean).slice();
    this.missing.hidden = x !== null;
    if (this.images) this.pair.hidden = x === null;
    if (this.images && x) {
      this.images.x.drawGrey(x);
      this.images.reconstruction.drawGrey(decoded);
    }
    const inPlane = (values) => vectorText(distinctAxes.map((axis) => values[axis]));
    const points = { point: x ? vectorText(x) : "", made: vectorText(decoded) };
    this.write({
      class: this.host.className(data.labels[i]),
      mean: inPlane(q.mean),
      std: inPlane(q.std),
      kl: this.nats(model.kl(q)),
      fit: x ? this.nats(model.logLikelihood(x, q.mean)) : "",
      ...this.images ? {} : points
    });
  }
  /** @param {number} value */
  nats(value) {
    return this.host.isDeterministic ? "" : `${fixed(value, 1)} nats`;
  }
  /**
   * What is empty is not shown.
   * @param {Record<string, string>} facts
   */
  write(facts) {
    for (const [name, value] of this.facts) {
      value.textContent = facts[name] ?? "";
      value.hidden = !facts[name];
      const term = value.previousElementSibling;
      if (term instanceof HTMLElement) term.hidden = value.hidden;
    }
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

// dashboard/components/latent/density.js
var CELLS = 112;
var MOST_EXAMPLES = 4e3;
var REACH = 4.5;
var PRIOR_PEAK = 1 / (2 * Math.PI);
var FULL_TINT = 0.8;
var SETTLED_MS = 150;
function cellDensities(mean, std, low, high, count) {
  const cell = (high - low) / count;
  const width = Math.max(std, cell / 2);
  const at = (place) => clamp(Math.round((place - low) / cell - 0.5), 0, count - 1);
  const first = at(mean - REACH * width);
  const last = at(mean + REACH * width);
  const values = [];
  for (let k = first; k <= last; k++) {
    const away = (low + (k + 0.5) * cell - mean) / width;
    values.push(Math.exp(-0.5 * away * away) / (width * Math.sqrt(2 * Math.PI)));
  }
  return { first, values };
}
function aggregateDensity({ means, stds }, { x0, x1, y0, y1 }, columns, rows) {
  const density = new Float32Array(columns * rows);
  const step = 2 * Math.ceil(means.length / 2 / MOST_EXAMPLES);
  let count = 0;
  for (let i = 0; i < means.length; i += step) {
    if (![means[i], means[i + 1], stds[i], stds[i + 1]].every(Number.isFinite)) continue;
    count++;
    const across = cellDensities(means[i], stds[i], x0, x1, columns);
    const down = cellDensities(-means[i + 1], stds[i + 1], -y1, -y0, rows);
    down.values.forEach((height, k) => {
      const start = (down.first + k) * columns + across.first;
      for (let c = 0; c < across.values.length; c++) density[start + c] += height * across.values[c];
    });
  }
  return density.map((value) => value / Math.max(1, count));
}
function tintOf(posteriors, frame, colour) {
  const rows = Math.max(1, Math.round(CELLS * frame.height / frame.width));
  const density = aggregateDensity(posteriors, frame, CELLS, rows);
  const pixels = new ImageData(CELLS, rows);
  const [red, green, blue] = rgbOf(colour);
  density.forEach((value, k) => {
    const tint = FULL_TINT * Math.sqrt(Math.min(1, value / PRIOR_PEAK));
    pixels.data.set([red, green, blue, Math.round(255 * tint)], 4 * k);
  });
  const canvas = Object.assign(document.createElement("canvas"), { width: CELLS, height: rows });
  contextOf(canvas).putImageData(pixels, 0, 0);
  return canvas;
}
var DensityLayer = class {
  isOn = false;
  /** @type {Posteriors} */
  posteriors = { means: new Float32Array(), stds: new Float32Array() };
  /** @type {{ canvas: HTMLCanvasElement, ends: Ends, colour: string } | null} */
  tint = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = void 0;
  /** @param {Posteriors} posteriors */
  set(posteriors) {
    this.posteriors = posteriors;
    this.tint = null;
  }
  /**
   * The tint lies where it belongs at once; it is made anew when the view has rested.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {() => void} invalidate
   */
  draw(context, theme, frame, invalidate) {
    if (!this.isOn) return;
    const colour = theme.concepts.posterior;
    if (this.tint?.colour !== colour) this.tint = null;
    this.tint ??= { canvas: tintOf(this.posteriors, frame, colour), ends: frame, colour };
    const { x0, x1, y0, y1 } = this.tint.ends;
    const [left, top] = [frame.px(x0), frame.py(y1)];
    context.imageSmoothingEnabled = true;
    context.drawImage(this.tint.canvas, left, top, frame.px(x1) - left, frame.py(y0) - top);
    const moved = x0 !== frame.x0 || x1 !== frame.x1 || y0 !== frame.y0 || y1 !== frame.y1;
    if (moved) this.remakeSoon(invalidate);
  }
  /** @param {() => void} invalidate */
  remakeSoon(invalidate) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.tint = null;
      invalidate();
    }, SETTLED_MS);
  }
  /** Ends what is waiting. */
  stop() {
    clearTimeout(this.timer);
  }
};

// dashboard/components/latent/class_map.js
var DEVIATIONS = [1, 2];
var ABOVE_AXIS = 14;
var MANY_EXAMPLES = 2e3;
var TOO_MANY_TO_GLIDE = 1e4;
var ROWS_AT_A_TIME = 500;
var ClassMap = class extends Plane {
  /** @type {Set<number>} */
  hiddenClasses = /* @__PURE__ */ new Set();
  density = new DensityLayer();
  /**
   * @override
   * @param {PlaneData} data
   * @param {number} now
   * @param {boolean} instant
   */
  set(data, now, instant) {
    const reach = this.reach.target?.[0];
    this.density.set(data);
    super.set(data, now, instant || data.labels.length > TOO_MANY_TO_GLIDE);
    if (!this.view || !reach || !this.reach.target) return;
    this.view.zoom *= this.reach.target[0] / reach;
    this.reach.set(this.reach.target, now, true);
  }
  /**
   * @override
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPrior(context, theme, frame) {
    this.density.draw(context, theme, frame, this.invalidate);
    super.drawPrior(context, theme, frame);
  }
  /**
   * @override
   * @param {Float32Array} places
   */
  visible(places) {
    if (!this.hiddenClasses.size) return places;
    const { labels } = this.data;
    const labelOf = (i) => i < labels.length ? labels[i] : this.classes[i - labels.length];
    return places.map((value, at) => this.hiddenClasses.has(labelOf(at >> 1)) ? NaN : value);
  }
  /**
   * @override
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawPoints(context, theme, frame) {
    const count = this.data.labels.length;
    if (count > TOO_MANY_TO_GLIDE) this.drawDots(context, theme, frame);
    else super.drawPoints(context, theme, frame, count > MANY_EXAMPLES ? 1.75 : 3);
  }
  /**
   * A rectangle for each example: of so many, filling paths of circles would take longer than a frame. Some rows at
   * a time, so that no class covers all others.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  drawDots(context, theme, frame) {
    const { labels } = this.data;
    context.globalAlpha = 0.5;
    for (let from = 0; from < labels.length; from += ROWS_AT_A_TIME) {
      for (const label of [-1, ...this.classes]) {
        context.fillStyle = classColour(theme, label);
        this.dotRows(context, frame, label, from, Math.min(labels.length, from + ROWS_AT_A_TIME));
      }
    }
    context.globalAlpha = 1;
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Frame} frame
   * @param {number} label
   * @param {number} from
   * @param {number} to
   */
  dotRows(context, { px, py }, label, from, to) {
    for (let i = from; i < to; i++) {
      if (this.data.labels[i] !== label || !Number.isFinite(this.shown[2 * i])) continue;
      context.fillRect(px(this.shown[2 * i]) - 1, py(this.shown[2 * i + 1]) - 1, 2, 2);
    }
  }
  /**
   * Index of the example whose mean is nearest, by the first coordinate alone on a line; null when none is shown.
   * @param {readonly number[]} place
   */
  nearest([x, y]) {
    let best = null;
    let closest = Infinity;
    for (let i = 0; i < this.data.labels.length; i++) {
      const across = this.shown[2 * i] - x;
      const up = this.single ? 0 : this.shown[2 * i + 1] - y;
      const away = across * across + up * up;
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }
  /**
   * The scales of now: several gestures may come between two drawings.
   * @override
   */
  currentFrame() {
    this.frame = this.frameAt(performance.now());
    return this.frame;
  }
  /** @param {Point} moved To the right and down, in pixels. */
  panBy(moved) {
    const frame = this.currentFrame();
    this.look({ centre: panned(frame, centreOf(frame), moved), zoom: this.zoom });
  }
  /**
   * Keeps a place in view that a key has moved out of it.
   * @param {readonly number[]} place
   */
  follow([x, y]) {
    const { x0, x1, y0, y1 } = this.currentFrame();
    const inView = x >= x0 && x <= x1 && (this.single || y >= y0 && y <= y1);
    if (!inView) this.look({ centre: [x, this.single ? (y0 + y1) / 2 : y], zoom: this.zoom });
  }
};
var Overlay = class {
  /** What was drawn last. @type {Scene | null} */
  scene = null;
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ClassMap} map
   */
  constructor(canvas, map) {
    this.canvas = canvas;
    this.map = map;
  }
  /**
   * @param {Theme} theme
   * @param {Scene} scene
   */
  draw(theme, scene) {
    const { context } = prepare(this.canvas);
    const frame = this.map.frame ?? this.map.currentFrame();
    this.scene = scene;
    clipTo(context, frame);
    const { axes } = scene;
    if (scene.nearest) this.drawPosterior(context, theme, frame, axes, scene.nearest, theme.text);
    if (scene.posterior) {
      this.drawPosterior(context, theme, frame, axes, scene.posterior, theme.concepts.posterior);
    }
    const pixels = (z) => this.pixelsOf(frame, axes, z);
    if (scene.path) this.drawPath(context, theme, scene.path.map(pixels));
    scene.pins.forEach((pin, k) => this.drawPin(context, theme, pixels(pin), k + 1));
    this.drawZ(context, theme, frame, pixels(scene.z));
    context.restore();
  }
  /**
   * Pixels of a point z; on a line, z stands just above the axis.
   * @param {Frame} frame
   * @param {readonly number[]} axes
   * @param {readonly number[]} z
   */
  pixelsOf({ px, py, top, height }, [first, second], z) {
    return [px(z[first]), this.map.single ? top + height - ABOVE_AXIS : py(z[second])];
  }
  /**
   * Ellipses at 1 and 2 standard deviations, to the scale of the axes; on a line, bars at the height of the std.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {readonly number[]} axes
   * @param {Posterior} posterior
   * @param {string} colour
   */
  drawPosterior(context, theme, { px, py }, [first, second], { mean, std }, colour) {
    const [x, y] = [px(mean[first]), py(this.map.single ? std[first] : mean[second])];
    context.beginPath();
    for (const k of DEVIATIONS) {
      const right = px(mean[first] + k * std[first]) - x;
      const up = this.map.single ? 0 : y - py(mean[second] + k * std[second]);
      context.moveTo(x + right, y);
      if (this.map.single) context.lineTo(x - right, y);
      else context.ellipse(x, y, right, up, 0, 0, 2 * Math.PI);
      if (this.map.single) for (const side of [-right, right]) this.drawTick(context, x + side, y);
    }
    stroke(context, theme.background, { width: 4, alpha: 0.7 });
    stroke(context, colour, { width: 1.75 });
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    stroke(context, theme.background, { width: 5 });
    stroke(context, colour, { width: 2 });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   */
  drawTick(context, x, y) {
    context.moveTo(x, y - 5);
    context.lineTo(x, y + 5);
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[][]} pixels
   */
  drawPath(context, theme, pixels) {
    context.beginPath();
    for (const [x, y] of pixels) context.lineTo(x, y);
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.concepts.decoded, { width: 2 });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[]} pixels
   * @param {number} number
   */
  drawPin(context, theme, [x, y], number) {
    context.beginPath();
    context.arc(x, y, 10, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.background, { width: 2 });
    write(context, theme, String(number), x, y + 1, { weight: 700, size: 13, colour: theme.background });
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   * @param {readonly number[]} pixels
   */
  drawZ(context, theme, frame, [x, y]) {
    if (this.map.single) {
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, frame.top + frame.height);
      stroke(context, theme.concepts.decoded, { width: 2 });
    }
    drawHandle(context, theme, [x, y], { radius: 7, outer: 6, inner: 3 });
  }
};

// dashboard/components/latent/gestures.js
var STILL = 4;
var difference = (from, to) => ({ x: to.x - from.x, y: to.y - from.y });
var Gestures = class {
  /** Where each pointer that is down was last. @type {Map<number, Point>} */
  held = /* @__PURE__ */ new Map();
  /** @type {Point} */
  start = { x: 0, y: 0 };
  space = false;
  pans = false;
  moved = false;
  /**
   * @param {HTMLElement} element
   * @param {Target} target
   */
  constructor(element, target) {
    this.element = element;
    this.target = target;
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", ({ pointerId }) => {
      if (this.held.delete(pointerId) && this.moved && !this.pans) this.target.rest();
    });
    element.addEventListener("pointercancel", ({ pointerId }) => this.held.delete(pointerId));
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("keyup", ({ key }) => key === " " && this.hold(false));
    element.addEventListener("blur", () => {
      this.hold(false);
      this.target.leave();
    });
  }
  /**
   * The space bar makes a drag with the primary button pan.
   * @param {boolean} space
   */
  hold(space) {
    this.space = space;
    this.element.classList.toggle("pans", space);
  }
  /** @param {PointerEvent} event */
  down(event) {
    capture(this.element, event);
    this.held.set(event.pointerId, placeOf(event));
    if (this.held.size === 1) this.start = placeOf(event);
    this.pans = event.button > 0 || this.space || this.held.size > 1;
    this.moved = this.pans;
    if (!this.pans) this.target.point(placeOf(event));
  }
  /** @param {PointerEvent} event */
  move(event) {
    const at = placeOf(event);
    const last = this.held.get(event.pointerId);
    if (last && distance(at, this.start) > STILL) this.moved = true;
    if (!last || !this.pans) {
      this.target.point(at);
      return;
    }
    this.held.set(event.pointerId, at);
    const other = [...this.held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.pinch(last, at, other);
    else this.target.pan(difference(last, at));
  }
  /**
   * @param {Point} last
   * @param {Point} at
   * @param {Point} other
   */
  pinch(last, at, other) {
    const after = middleOf(at, other);
    this.target.pan(difference(middleOf(last, other), after));
    this.target.zoom(after, pinchFactor(last, at, other));
  }
  /**
   * The second click of a double click takes back what the first one did.
   * @param {MouseEvent} event
   */
  click(event) {
    if (event.detail > 1) this.target.reset();
    else if (!this.moved) this.target.click(placeOf(event));
  }
  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.ctrlKey || event.metaKey) return;
    if (this.target.zoom(placeOf(event), wheelFactor(event.deltaY))) event.preventDefault();
  }
};

// dashboard/components/latent/plane.js
var KEY_STEP = 0.1;
var FINE_KEY_STEP = 0.02;
var KEY_ZOOM = 0.8;
var CHOICE_PIXELS = 12;
var REDRAWS_MAP = /* @__PURE__ */ new Set(["weights", "plane", "theme", "size", "view"]);
var OTHERS = { zero: "at 0", drawing: "those of the drawing" };
var PlaneSection = class {
  /** The plane that is shown. @type {readonly number[] | null} */
  axes = null;
  gliding = false;
  /** What the first click of a double click changes. @type {Pick<Explorer, "pins" | "base"> | null} */
  before = null;
  /** Whether keys moved z since the page last heard of it. */
  keyed = false;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.hand = findCanvas(root, ".hand");
    this.legend = find(root, ".legend");
    this.density = find(root, ".density");
    this.others = find(host.root, ".others");
    this.map = new ClassMap(findCanvas(root, ".map"), null, () => host.note("view"));
    this.overlay = new Overlay(this.hand, this.map);
    this.gestures = new Gestures(this.hand, this);
    this.density.onclick = () => this.switchDensity();
    listenToKeys(this.hand, (event) => this.key(event));
    this.hand.addEventListener("focus", () => this.announce());
    host.onChange((_, change) => this.told(change));
    host.onEnd(() => this.map.density.stop());
    host.offers.push(() => [this.offer()]);
  }
  /** @returns {Offer} */
  offer() {
    const { map, overlay, host } = this;
    const { clientWidth: width, clientHeight: height } = map.canvas;
    const draw = (paper) => {
      drawOnPaper(map, "canvas", paper, () => map.draw(host.theme, host.now));
      const { scene } = overlay;
      if (scene) drawOnPaper(overlay, "canvas", paper, () => overlay.draw(host.theme, scene));
    };
    const held = { holds: "means, stds, labels, plane", arrays: () => this.arrays() };
    return { title: "Latent plane", file: "latent-plane", picture: { width, height, draw }, ...held };
  }
  /** q(z|x) of all held-out examples that were sent, and which dimensions are drawn, from 1. */
  arrays() {
    const { data, axes } = this.host;
    const { means, stds, labels, latentDim } = data;
    const shape = [labels.length, latentDim];
    const plane = integers(axes.map((axis) => axis + 1));
    return { means: floats(means, shape), stds: floats(stds, shape), labels: integers(labels), plane };
  }
  /** @param {Change} change */
  told(change) {
    const { host } = this;
    if (change === "weights" || change === "plane") this.setMap();
    if (change === "theme") this.buildLegend();
    if (this.gliding || REDRAWS_MAP.has(change)) this.gliding = this.map.draw(host.theme, host.now);
    if (this.gliding) host.invalidate();
    const { axes, z, pins, path, posterior } = host;
    const nearest = this.map.nearest(this.placeOfZ());
    host.nearest = nearest;
    const about = nearest === null ? null : host.data.posterior(nearest);
    this.overlay.draw(host.theme, { axes, z, pins, path, nearest: about, posterior });
    this.report();
  }
  setMap() {
    const { config, data, axes, now } = this.host;
    const shown = {
      means: data.pairs(data.means, axes),
      stds: data.pairs(data.stds, axes),
      labels: data.labels,
      classNames: config.class_names,
      axes,
      latentDim: config.config.latent_dim
    };
    const turned = axes.join() !== this.axes?.join();
    if (turned) this.map.view = null;
    this.axes = axes;
    this.density.hidden = axes[0] === axes[1] || this.host.isDeterministic;
    this.map.set(shown, now, turned || this.host.isCalm);
    this.buildLegend();
  }
  buildLegend() {
    const { classes, hiddenClasses } = this.map;
    this.legend.hidden = classes.length < 2;
    while (this.legend.children.length > classes.length) this.legend.lastChild?.remove();
    while (this.legend.children.length < classes.length) {
      this.legend.append(document.createElement("button"));
    }
    this.legend.querySelectorAll("button").forEach((button, k) => {
      const label = classes[k];
      button.textContent = this.map.className(label);
      button.dataset.shape = String(shapeOf(label));
      button.style.setProperty("--class", classColour(this.host.theme, label));
      button.setAttribute("aria-pressed", String(!hiddenClasses.has(label)));
      button.onclick = () => this.switchClass(label);
    });
  }
  /** @param {number} label */
  switchClass(label) {
    const { hiddenClasses } = this.map;
    if (!hiddenClasses.delete(label)) hiddenClasses.add(label);
    this.buildLegend();
    this.host.note("view");
  }
  switchDensity() {
    const { density } = this.map;
    density.isOn = !density.isOn;
    this.density.setAttribute("aria-pressed", String(density.isOn));
    this.host.note("view");
  }
  placeOfZ() {
    return this.host.axes.map((axis) => this.host.z[axis]);
  }
  /** @param {Point} at */
  point({ x, y }) {
    const frame = this.map.frame ?? this.map.currentFrame();
    this.host.setPlace([frame.x(x), frame.y(y)], "pointer");
  }
  /** @param {Point} moved */
  pan(moved) {
    this.map.panBy(moved);
  }
  /**
   * @param {Point} at
   * @param {number} factor
   */
  zoom(at, factor) {
    return this.map.zoomAbout(at, factor);
  }
  /** @param {Point} at */
  click(at) {
    this.point(at);
    this.before = { pins: this.host.pins, base: this.host.base };
    this.pin();
  }
  /** Pins z; where the nearest example lies under it, the page hears of that example, too. */
  pin() {
    this.host.pin(this.host.z);
    this.host.settle(this.exampleUnderZ());
  }
  unpin() {
    this.host.unpin();
    this.host.settle();
  }
  /** Row of the nearest example, where its mean lies under z; else null. */
  exampleUnderZ() {
    const place = this.placeOfZ();
    const row = this.map.nearest(place);
    if (row === null) return null;
    const { px, py } = this.map.frame ?? this.map.currentFrame();
    const { mean } = this.host.data.posterior(row);
    const [across, up] = this.host.axes.map((axis) => mean[axis]);
    const rise = this.map.single ? 0 : py(up) - py(place[1]);
    return Math.hypot(px(across) - px(place[0]), rise) <= CHOICE_PIXELS ? row : null;
  }
  rest() {
    this.host.settle();
  }
  /** Who moved z by keys and goes elsewhere has come to rest. */
  leave() {
    if (this.keyed) this.host.settle();
    this.keyed = false;
  }
  /** A double click: what its first click pinned is taken back. */
  reset() {
    if (this.before) Object.assign(this.host, this.before);
    this.before = null;
    this.host.note("pins");
    this.host.settle();
    this.map.look(null);
  }
  /** @param {KeyboardEvent} event */
  key({ key, shiftKey, repeat }) {
    const { map } = this;
    const move = KEY_MOVES[key];
    if (move) this.step(move, shiftKey ? FINE_KEY_STEP : KEY_STEP);
    else if (key === "Enter") {
      if (!repeat) this.pin();
    } else if (key === "Delete" || key === "Backspace") this.unpin();
    else if (key === "0") map.look(null);
    else if (key === "+" || key === "=") this.zoomByKey(KEY_ZOOM);
    else if (key === "-") this.zoomByKey(1 / KEY_ZOOM);
    else if (key === " ") this.gestures.hold(true);
    else return false;
    return true;
  }
  /**
   * @param {readonly number[]} move
   * @param {number} size
   */
  step(move, size) {
    const place = this.placeOfZ().map((value, axis) => value + move[axis] * size);
    if (this.map.single) place[1] = place[0];
    this.host.setPlace(place, "keys");
    this.keyed = true;
    this.map.follow(this.placeOfZ());
    this.announce();
  }
  /** @param {number} factor */
  zoomByKey(factor) {
    const { px, py } = this.map.currentFrame();
    const [x, y] = this.placeOfZ();
    this.map.zoomAbout({ x: px(x), y: py(this.map.single ? 0 : y) }, factor);
  }
  /** For screen readers, by keys only: a moving pointer would never stop talking. */
  announce() {
    this.hand.setAttribute("aria-valuetext", this.host.zText());
    this.hand.setAttribute("aria-valuenow", this.placeOfZ()[0].toFixed(2));
  }
  report() {
    const { host, map } = this;
    const count = host.z.length - host.distinctAxes.length;
    const { source } = host.base;
    const where = source === "pin" ? `those of pin ${host.pins.length}` : OTHERS[source] ?? "as the sliders stand";
    const which = count === 1 ? "The other dimension is" : `The other ${count} dimensions are`;
    this.others.textContent = count ? `${which} ${where}.` : "";
    const { x0, x1, y0, y1, left, top, width, height } = map.frame ?? map.currentFrame();
    Object.assign(host.root.dataset, {
      view: [x0, x1, y0, y1].join(","),
      box: [left, top, width, height].join(","),
      nearest: host.nearest ?? ""
    });
  }
};

// dashboard/components/latent/strips.js
var STRIP_VALUES = 9;
var PATH_VALUES = 49;
var STRIP_GAP = 4;
var IMAGE_PIXELS = 56;
var PATH_POINTS2 = 400;
function placesAlong(z, dim, range2, n) {
  return spread(range2, n).map((value) => z.map((old, j) => j === dim ? value : old));
}
var Strip = class {
  /** @type {Source | null} */
  source = null;
  /** The width of an image by that of the strip; 0 where there are none. */
  share = 0;
  /**
   * @param {Explorer} host
   * @param {number} dim
   */
  constructor(host, dim) {
    this.host = host;
    this.dim = dim;
    this.canvas = newElement("canvas", { className: "along" });
    this.canvas.setAttribute("role", "img");
  }
  /**
   * Whether it shows another model, another range or other coordinates than those of now.
   * @param {readonly number[]} range
   */
  isStale(range2) {
    const { source } = this;
    if (source?.model !== this.host.model || source.range !== range2) return true;
    return this.host.z.some((value, i) => i !== this.dim && value !== source.z[i]);
  }
  /** @param {readonly number[]} range */
  refresh(range2) {
    const { model, z } = this.host;
    this.source = { model, range: range2, z: [...z] };
    const [from, to] = range2.map((value) => fixed(value, 1));
    this.canvas.setAttribute(
      "aria-label",
      `Decoded while ${latentName(this.dim)} goes from ${from} to ${to}`
    );
    this.make(this.source);
  }
  /**
   * The decoded means at n values of the dimension, one after the other.
   * @param {Source} source
   * @param {number} n
   */
  decodeAlong({ model, z, range: range2 }, n) {
    return model.decodeAll(placesAlong(z, this.dim, range2, n));
  }
  /**
   * Decodes what is shown.
   * @param {Source} _source
   */
  make(_source) {
  }
  /**
   * Draws what is not drawn by `make` already.
   * @param {Theme} _theme
   */
  paint(_theme) {
  }
};
var ImageStrip = class extends Strip {
  /**
   * @param {Explorer} host
   * @param {number} dim
   * @param {[number, number]} shape
   */
  constructor(host, dim, shape) {
    super(host, dim);
    this.shape = shape;
  }
  /**
   * @override
   * @param {Source} source
   */
  make(source) {
    const [height, width] = this.shape;
    const levels = Uint8ClampedArray.from(this.decodeAlong(source, STRIP_VALUES), (value) => value * 255);
    const sheet = pictureSheet(levels, this.shape, STRIP_VALUES);
    const factor = Math.max(1, Math.ceil(IMAGE_PIXELS / width));
    const step = width * factor + STRIP_GAP;
    Object.assign(this.canvas, { width: STRIP_VALUES * step - STRIP_GAP, height: height * factor });
    this.share = (step - STRIP_GAP) / this.canvas.width;
    const context = contextOf(this.canvas);
    context.imageSmoothingEnabled = false;
    for (let k = 0; k < STRIP_VALUES; k++) {
      context.drawImage(sheet, k * width, 0, width, height, k * step, 0, width * factor, height * factor);
    }
  }
};
var PathStrip = class extends Strip {
  /** @type {Float32Array | null} */
  path = null;
  square = { centre: [0, 0], radius: 1 };
  /**
   * @override
   * @param {Source} source
   */
  make(source) {
    this.path = this.decodeAlong(source, PATH_VALUES);
    this.square = squareAround(Float32Array.from(this.host.data.x), 1.2);
  }
  /**
   * @override
   * @param {Theme} theme
   */
  paint(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.path || width < 10) return;
    const { centre, radius } = this.square;
    const frame = squareFrame({ left: 0, top: 0, width, height }, centre, radius);
    const { px, py } = frame;
    this.paintData(context, theme, frame);
    context.beginPath();
    for (let k = 0; k < PATH_VALUES; k++) context.lineTo(px(this.path[2 * k]), py(this.path[2 * k + 1]));
    stroke(context, theme.concepts.decoded, { width: 2.5 });
    const [x, y] = this.host.decoded;
    context.beginPath();
    context.arc(px(x), py(y), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.text, { width: 2 });
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
  }
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {Frame} frame
   */
  paintData(context, theme, { px, py }) {
    const { x } = this.host.data;
    context.fillStyle = theme.concepts.data;
    context.globalAlpha = 0.6;
    for (let i = 0; i < Math.min(PATH_POINTS2, x.length / 2); i++) {
      context.fillRect(px(x[2 * i]) - 1.5, py(x[2 * i + 1]) - 1.5, 3, 3);
    }
    context.globalAlpha = 1;
  }
};
var MATRIX_ROWS = 64;
var MATRIX_HEAD = 22;
var MATRIX_NAME = 96;
var MATRIX_IMAGE = 60;
var TraversalMatrix = class {
  /** Of the strips. */
  width = 0;
  /** Height of a row. */
  row = 1;
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
  }
  /**
   * @param {Theme} theme
   * @param {SliderRow[]} rows In their order.
   * @param {string[]} heads Above the columns.
   * @param {string} corner Before them.
   */
  draw(theme, rows, heads, corner) {
    const measured = this.measure(rows, this.canvas.parentElement?.clientWidth ?? 0);
    if (!measured) return;
    const { width, row, height } = measured;
    Object.assign(this, { width, row });
    this.canvas.style.height = `${height}px`;
    const { context } = prepare(this.canvas);
    write(context, theme, corner, 0, MATRIX_HEAD / 2, { align: "left" });
    const each = width < STRIP_VALUES * 40 ? 2 : 1;
    heads.forEach((text, k) => {
      if (k % each === 0) write(context, theme, text, this.middle(k), MATRIX_HEAD / 2);
    });
    rows.forEach(({ strip, dim, use, faint }, index) => {
      const top = MATRIX_HEAD + index * row;
      context.globalAlpha = faint ? 0.6 : 1;
      write(context, theme, `${latentName(dim)}  ${use}`, 0, top + row / 2, { align: "left" });
      context.globalAlpha = 1;
      if (strip.share) context.drawImage(strip.canvas, MATRIX_NAME, top, width, row - STRIP_GAP / 2);
    });
    this.canvas.setAttribute("aria-label", `Traversals of ${rows.length} latent dimensions, one in each row`);
  }
  /**
   * Sizes that fit into so many pixels across; null while no strip is made.
   * @param {SliderRow[]} rows
   * @param {number} across
   */
  measure(rows, across) {
    const first = rows.find(({ strip }) => strip.share)?.strip.canvas;
    if (!first) return null;
    const width = Math.min(across - MATRIX_NAME, STRIP_VALUES * MATRIX_IMAGE);
    const row = width * first.height / first.width + STRIP_GAP / 2;
    return { width, row, height: MATRIX_HEAD + rows.length * row };
  }
  /** @param {number} k */
  middle(k) {
    return MATRIX_NAME + this.width * (k + 0.5) / STRIP_VALUES;
  }
  /**
   * Row and column of a place, or null.
   * @param {Point} place
   * @param {number} rows
   */
  cell({ x, y }, rows) {
    const row = Math.floor((y - MATRIX_HEAD) / this.row);
    const column = Math.floor((x - MATRIX_NAME) / this.width * STRIP_VALUES);
    const inside = row >= 0 && row < rows && column >= 0 && column < STRIP_VALUES;
    return inside ? { row, column } : null;
  }
};

// dashboard/components/latent/slider_row.js
var UNUSED_NATS = 0.01;
var UNUSED = "unused: q is the prior here";
var SLIDER_STEPS = 120;
var PRIOR_REACH = 3;
function momentsOf({ means, latentDim }, dim) {
  const n = means.length / latentDim;
  let [sum, squares] = [0, 0];
  for (let i = dim; i < means.length; i += latentDim) sum += means[i];
  for (let i = dim; i < means.length; i += latentDim) squares += (means[i] - sum / n) ** 2;
  return { mean: sum / n, std: Math.sqrt(squares / n) };
}
function rangeOf(data, dim, kind) {
  if (kind === "prior") return [-PRIOR_REACH, PRIOR_REACH];
  const { mean, std } = momentsOf(data, dim);
  const holds = std > 0 && Number.isFinite(std);
  return holds ? [mean - 3 * std, mean + 3 * std] : [-PRIOR_REACH, PRIOR_REACH];
}
var SliderRow = class {
  range = [-PRIOR_REACH, PRIOR_REACH];
  /** Whether the dimension is unused. */
  faint = false;
  use = "";
  /** The value that is shown. @type {number | null} */
  shown = null;
  /**
   * @param {Traversal} traversal
   * @param {number} dim
   */
  constructor(traversal, dim) {
    const { host } = traversal;
    this.dim = dim;
    this.strip = host.config.image_shape ? new ImageStrip(host, dim, host.config.image_shape) : new PathStrip(host, dim);
    this.element = newElement("div", { className: "dimension" });
    this.element.dataset.dim = String(dim);
    this.label = newElement("label");
    this.output = newElement("output");
    this.play = newElement("button", { type: "button", onclick: () => traversal.togglePlay(dim) });
    this.slider = newElement("input", { type: "range", id: `traversal-${dim}` });
    this.slider.oninput = () => traversal.slide(dim, Number(this.slider.value));
    this.slider.onchange = () => host.settle();
    this.label.htmlFor = this.slider.id;
    this.strip.canvas.onclick = ({ offsetX }) => {
      const column = Math.floor(offsetX / this.strip.canvas.clientWidth * STRIP_VALUES) || 0;
      if (!this.strip.share) return;
      traversal.slide(dim, spread(this.range, STRIP_VALUES)[clamp(column, 0, STRIP_VALUES - 1)]);
      host.settle();
    };
    const head = newElement("div", { className: "head" });
    head.append(this.label, this.output, this.play);
    this.element.append(head, this.slider, this.strip.canvas);
  }
  /**
   * @param {number[]} range
   * @param {number | null} kl In nats; null where the encoder has no q.
   */
  describe(range2, kl) {
    this.range = range2;
    this.faint = kl !== null && kl < UNUSED_NATS;
    this.use = kl === null ? "" : `KL ${fixed(kl, 2)}`;
    const parts = [latentName(this.dim), kl === null ? "" : `${this.use} nats`, this.faint ? UNUSED : ""];
    this.label.textContent = parts.filter(Boolean).join(" · ");
    this.element.classList.toggle("unused", this.faint);
    const [min, max] = range2;
    Object.assign(this.slider, { min, max, step: (max - min) / SLIDER_STEPS });
    this.shown = null;
  }
  /**
   * @param {number} value
   * @param {boolean} plays
   */
  show(value, plays) {
    const name = latentName(this.dim);
    this.play.textContent = plays ? "Pause" : "Play";
    this.play.setAttribute("aria-label", `${this.play.textContent} ${name}`);
    if (this.strip.share) this.element.style.setProperty("--half", `${50 * this.strip.share}%`);
    if (value === this.shown) return;
    this.shown = value;
    if (Number(this.slider.value) !== value) this.slider.value = String(value);
    this.output.textContent = fixed(value, 2);
    this.slider.setAttribute("aria-valuetext", `${name} = ${fixed(value, 2)}`);
  }
};

// dashboard/components/latent/traversal.js
var FEW_ROWS = 8;
var SWEEP_MS = 4e3;
var SWEEP_FRAME_MS = 50;
var GESTURE_MS = 1e3;
var MAX_UNDOS = 100;
var RANGES = (
  /** @type {const} */
  [
    ["prior", "prior: 0 ± 3 std"],
    ["aggregate", "aggregate posterior: mean ± 3 std"]
  ]
);
var Traversal = class {
  /** @type {RangeKind} */
  kind = "prior";
  all = false;
  matrixOn = false;
  /** @type {number[][]} */
  undos = [];
  /** @type {Map<number, SliderRow>} */
  rows = /* @__PURE__ */ new Map();
  /** @type {SliderRow[]} */
  shown = [];
  /** The dimensions in the order of their rows. @type {number[] | null} */
  order = null;
  turn = 0;
  visible = true;
  /** @type {Playing | null} */
  playing = null;
  /** The last change by hand. @type {{ dim: number, at: number } | null} */
  gesture = null;
  /** When the last strip was made. */
  madeAt = NaN;
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.undo = newButton("Undo", () => this.back());
    this.matrixButton = newButton("All dimensions", () => this.change({ matrixOn: !this.matrixOn }));
    this.more = newButton("", () => this.change({ all: !this.all }));
    this.here = newElement("canvas", { className: "here" });
    const shape = host.config.image_shape;
    this.image = shape && new PixelCanvas(this.here, shape);
    this.list = newElement("div", { className: "dimensions" });
    this.matrix = new TraversalMatrix(newElement("canvas", { className: "matrix" }));
    this.build();
    this.arrange();
    host.offers.push(() => this.offers());
    host.onChange((_, change) => {
      if (change === "weights") this.arrange();
      this.follow(change);
    });
    host.watchSight(root, (visible) => {
      this.visible = visible;
      host.invalidate();
    });
  }
  /** @returns {Offer[]} */
  offers() {
    const { failure, isImage } = this.host;
    if (failure) return [{ title: "Traversals", hint: failure }];
    return isImage ? this.matrixOffer() : this.shown.map((row) => this.pathOffer(row));
  }
  build() {
    const zero = newButton("All to 0", () => {
      this.move(this.host.z.map(() => 0));
      this.host.settle();
    });
    this.here.setAttribute("role", "img");
    this.here.setAttribute("aria-label", "Decoded at z");
    const tools = newElement("div", { className: "bar" });
    tools.append(this.here, this.rangeChoice(), zero, this.undo, this.matrixButton);
    const { canvas } = this.matrix;
    canvas.setAttribute("role", "img");
    canvas.onclick = ({ offsetX, offsetY }) => this.chooseCell({ x: offsetX, y: offsetY });
    const title = newElement("h3", { textContent: "Traversal: move one latent dimension, the others stay" });
    this.root.replaceChildren(title, tools, this.list, this.more, canvas);
    this.root.classList.toggle("points", !this.host.isImage);
  }
  rangeChoice() {
    const field = newElement("fieldset");
    field.append(newElement("legend", { textContent: "Range" }));
    for (const [value, text] of RANGES) {
      const input = newElement("input", { type: "radio", name: "traversal-range", value });
      input.checked = value === this.kind;
      input.onchange = () => this.change({ kind: value });
      const label = newElement("label");
      label.append(input, text);
      field.append(label);
    }
    return field;
  }
  /** @param {Partial<Pick<Traversal, "all" | "kind" | "matrixOn">>} settings */
  change(settings) {
    Object.assign(this, settings);
    this.arrange();
    this.host.invalidate();
  }
  /** Order, ranges and names by the weights of now. Rows stay in place while one of them has the focus. */
  arrange() {
    const { config, data, isDeterministic } = this.host;
    const latentDim = config.config.latent_dim;
    const kl = (dim) => isDeterministic ? null : config.kl_per_dim[dim] ?? NaN;
    const byUse = range(latentDim).sort((a, b) => (kl(b) || 0) - (kl(a) || 0) || a - b);
    this.order = this.order && this.hasFocus ? this.order : byUse;
    const count = this.matrixOn ? MATRIX_ROWS : this.all ? latentDim : FEW_ROWS;
    this.shown = this.order.slice(0, count).map((dim) => this.row(dim));
    for (const row of this.shown) row.describe(rangeOf(data, row.dim, this.kind), kl(row.dim));
    const elements = this.shown.map(({ element }) => element);
    const moved = elements.some((element, k) => element !== this.list.children[k]);
    if (moved) this.list.replaceChildren(...elements);
    while (this.list.children.length > elements.length) this.list.lastChild?.remove();
    this.showTools(latentDim);
  }
  get hasFocus() {
    const within = (
      /** @type {Document | ShadowRoot} */
      this.root.getRootNode()
    );
    return this.list.contains(within.activeElement);
  }
  /** @param {number} dim */
  row(dim) {
    const row = this.rows.get(dim) ?? new SliderRow(this, dim);
    this.rows.set(dim, row);
    return row;
  }
  /** @param {number} latentDim */
  showTools(latentDim) {
    this.list.hidden = this.matrixOn;
    this.matrix.canvas.hidden = !this.matrixOn;
    this.matrixButton.hidden = this.here.hidden = !this.host.config.image_shape;
    this.matrixButton.setAttribute("aria-pressed", String(this.matrixOn));
    this.more.hidden = this.matrixOn || latentDim <= FEW_ROWS;
    this.more.textContent = this.all ? `Show the ${FEW_ROWS} most used` : `Show all ${latentDim}`;
  }
  /**
   * A change by hand: at most one step back for each gesture.
   * @param {number} dim
   * @param {number} value
   */
  slide(dim, value) {
    const now = performance.now();
    const isSame = this.gesture?.dim === dim && now - this.gesture.at < GESTURE_MS;
    this.gesture = { dim, at: now };
    if (this.playing?.dim === dim) this.playing = null;
    this.move(this.with(dim, value), !isSame);
  }
  /**
   * z with another value in one dimension.
   * @param {number} dim
   * @param {number} value
   */
  with(dim, value) {
    return this.host.z.map((old, i) => i === dim ? value : old);
  }
  /** @param {number[]} z */
  move(z, keeps = true) {
    if (keeps) this.keep();
    this.host.setZ(z, "traversal");
  }
  keep() {
    this.undos = [...this.undos, [...this.host.z]].slice(-MAX_UNDOS);
  }
  back() {
    const z = this.undos.pop();
    if (!z) return;
    this.host.setZ(z, "traversal");
    this.host.settle();
  }
  /** @param {Point} place */
  chooseCell(place) {
    const cell = this.matrix.cell(place, this.shown.length);
    if (!cell) return;
    const { dim, range: range2 } = this.shown[cell.row];
    this.slide(dim, spread(range2, STRIP_VALUES)[cell.column]);
    this.host.settle();
  }
  /** @param {number} dim */
  togglePlay(dim) {
    if (this.playing?.dim === dim) this.playing = null;
    else {
      this.playing = { dim, direction: 1, value: this.host.z[dim], last: null };
      this.keep();
    }
    this.host.invalidate();
  }
  /** There and back through the range, until something else moves the dimension. */
  sweep() {
    const { playing, host } = this;
    if (!playing) return;
    if (playing.last === host.now) return host.invalidate();
    if (host.z[playing.dim] !== playing.value) {
      this.playing = null;
      return;
    }
    const [low, high] = this.row(playing.dim).range;
    const passed = Math.min(host.now - (playing.last ?? host.now), SWEEP_FRAME_MS);
    const next = playing.value + playing.direction * passed * (high - low) / SWEEP_MS;
    if (next <= low || next >= high) playing.direction = next >= high ? -1 : 1;
    Object.assign(playing, { last: host.now, value: clamp(next, low, high) });
    host.setZ(this.with(playing.dim, playing.value), "traversal");
  }
  /** @param {Change} change */
  follow(change) {
    this.sweep();
    this.undo.disabled = this.undos.length === 0;
    for (const row of this.shown) row.show(this.host.z[row.dim], this.playing?.dim === row.dim);
    if (!this.visible) return;
    const made = this.refreshOne();
    this.image?.drawGrey(this.host.decoded);
    for (const { strip } of this.shown) strip.paint(this.host.theme);
    if (this.matrixOn && (made || change !== "frame")) this.drawMatrix();
  }
  /** One strip a frame, in turn, so that decoding under a moving pointer never waits for all of them. */
  refreshOne() {
    const waiting = this.shown.filter(({ strip, range: range2 }) => strip.isStale(range2));
    if (!waiting.length) return false;
    this.host.invalidate();
    if (this.madeAt === this.host.now) return false;
    this.madeAt = this.host.now;
    const row = waiting[this.turn++ % waiting.length];
    row.strip.refresh(row.range);
    return true;
  }
  /**
   * As wide as it can be, whatever the page leaves it.
   * @returns {Offer[]}
   */
  matrixOffer() {
    const { matrix } = this;
    const size = matrix.measure(this.shown, Infinity);
    if (!size) return [];
    const draw = (paper) => {
      drawOnPaper(matrix, "canvas", paper, () => this.drawMatrix());
      if (this.matrixOn) this.drawMatrix();
    };
    const picture = { width: MATRIX_NAME + size.width, height: size.height, draw };
    const held = { holds: "dims, z, x", arrays: () => this.matrixArrays() };
    return [{ title: "Traversals", file: "traversals", picture, ...held }];
  }
  /** A row for each dimension that is shown, named from 1; a column for each value. */
  matrixArrays() {
    const { model, z } = this.host;
    const places = this.shown.flatMap(({ dim, range: range2 }) => placesAlong(z, dim, range2, STRIP_VALUES));
    const decoded = model.decodeAll(places);
    const byRow = (values) => floats(values, [this.shown.length, STRIP_VALUES, values.length / places.length]);
    const dims = integers(this.shown.map(({ dim }) => dim + 1));
    return { dims, z: byRow(places.flat()), x: byRow(decoded) };
  }
  /**
   * @param {SliderRow} row
   * @returns {Offer}
   */
  pathOffer({ dim, range: range2, strip }) {
    const { host } = this;
    const { clientWidth: width, clientHeight: height } = strip.canvas;
    const draw = (paper) => drawOnPaper(strip, "canvas", paper, () => strip.paint(host.theme));
    const arrays = () => placesArrays(host.model, placesAlong(host.z, dim, range2, PATH_VALUES));
    const title = `Path along ${latentName(dim)}`;
    return { title, file: `path-z${dim + 1}`, picture: { width, height, draw }, holds: "z, x", arrays };
  }
  drawMatrix() {
    const heads = spread([-3, 3], STRIP_VALUES).map((value) => fixed(value, 2));
    this.matrix.draw(this.host.theme, this.shown, heads, this.kind === "prior" ? "z" : "std from mean");
  }
};

// dashboard/components/latent/explorer.js
var SECTIONS = {
  interpolation: InterpolationSection,
  plane: PlaneSection,
  decoded: DecodedSection,
  nearest: NearestSection,
  traversal: Traversal,
  drawing: DrawingPad,
  saving: SavingSection
};
var MAX_PINS = 2;
var TIMES_KEPT = 100;
var WITHIN = /* @__PURE__ */ new Set(["pointer", "keys", "play"]);
var Explorer = class {
  /** @type {((z: number[], change: Change) => void)[]} */
  #listeners = [];
  /** @type {(() => void)[]} */
  #endings = [];
  /** @type {Set<Change>} */
  #changes = /* @__PURE__ */ new Set();
  /** @type {Uint8Array | null} */
  #pending = null;
  /** @type {number[]} */
  #times = [];
  #frames = new Frames((now) => this.#tick(now));
  #numFrames = 0;
  now = 0;
  /** What can be saved, a function for each section. @type {(() => Offer[])[]} */
  offers = [];
  /** @type {number[][]} */
  pins = [];
  /** Places from the first pin to the second. @type {number[][] | null} */
  path = null;
  /** Row of the held-out example whose posterior mean is nearest to z. @type {number | null} */
  nearest = null;
  /** q(z|x) of something that is no held-out example. @type {Posterior | null} */
  posterior = null;
  /** Tells the page; Streamlit's. @type {((name: string, value: unknown) => void) | null} */
  send = null;
  /**
   * @param {HTMLElement} root
   * @param {Uint8Array} bytes
   */
  constructor(root, bytes) {
    this.root = root;
    this.config = readMeta(bytes);
    const arrays = readArrays(bytes, this.config);
    this.model = new Model(this.config.config, arrays.decoder, arrays.encoder);
    this.data = new HeldOut(this.config, arrays);
    this.theme = this.#readTheme();
    this.z = new Array(this.config.config.latent_dim).fill(0);
    this.base = { z: this.z, source: "zero" };
    this.#begin();
    this.decoded = this.model.decode(this.z).slice();
    for (
      const change of
      /** @type {const} */
      ["weights", "plane", "theme"]
    ) this.note(change);
    for (const [name, Section] of Object.entries(SECTIONS)) new Section(find(root, `section.${name}`), this);
    this.#frames.watchSizes([root], () => this.note("size"));
    this.#frames.onlyInSight(root);
  }
  /**
   * Calls back in a frame after something changed.
   * @param {(z: number[], change: Change) => void} told
   */
  onChange(told) {
    this.#listeners.push(told);
  }
  /**
   * Calls back when the explorer ends.
   * @param {() => void} ending
   */
  onEnd(ending) {
    this.#endings.push(ending);
  }
  /**
   * Tells whether a node is in sight, now and whenever that changes.
   * @param {Element} element
   * @param {(visible: boolean) => void} told
   */
  watchSight(element, told) {
    this.#frames.watchSight(element, told);
  }
  /**
   * @param {ArrayLike<number>} z
   * @param {Mover} source
   */
  setZ(z, source) {
    this.z = Array.from(z);
    if (!WITHIN.has(source)) this.base = { z: this.z, source };
    this.note(source);
  }
  /**
   * Moves z in the plane; the other coordinates are those of `base`.
   * @param {readonly number[]} place
   * @param {Mover} source
   */
  setPlace(place, source) {
    this.setZ(this.inPlane(place), source);
  }
  /** The two dimensions of the plane, from 0; the same twice when J = 1. */
  get axes() {
    return this.config.plane;
  }
  /** The dimensions of the plane, each once. */
  get distinctAxes() {
    return [...new Set(this.axes)];
  }
  get isImage() {
    return this.config.image_shape !== null;
  }
  /** Whether the encoder gives a point z instead of q(z|x). */
  get isDeterministic() {
    return this.config.config.encoder_head === "deterministic";
  }
  /** Whether the reader asked for less motion. */
  get isCalm() {
    return prefersCalm();
  }
  /** Why nothing decoded can be shown or saved; null where it can. */
  get failure() {
    return this.decoded.every(Number.isFinite) ? null : find(this.root, ".bad").textContent;
  }
  /**
   * Tells the page where z and the pins are: one message when the hand rests, none while it moves.
   * @param {number | null} row Of the held-out example that was chosen by hand.
   */
  settle(row = null) {
    const rounded = (z) => z.map((value) => Math.round(value * 1e4) / 1e4);
    const pins = this.pins.map(rounded);
    this.send?.("settled", { run: this.config.run, z: rounded(this.z), pins, row });
  }
  /** Goes where the link says; points of another number of dimensions mean nothing here. */
  #begin() {
    const { start, config } = this.config;
    const fits = (z) => z.length === config.latent_dim;
    this.pins = start.pins.filter(fits).slice(-MAX_PINS);
    if (fits(start.z)) {
      this.z = [...start.z];
      this.base = { z: this.z, source: "traversal" };
    }
    if (this.pins.length) this.#rest();
  }
  /**
   * The name of a class, "" for a label below 0.
   * @param {number} label
   */
  className(label) {
    return label < 0 ? "" : this.config.class_names[label] ?? String(label);
  }
  /**
   * A place of the plane as a point z.
   * @param {readonly number[]} place
   */
  inPlane(place) {
    const z = [...this.base.z];
    z[this.axes[1]] = place[1];
    z[this.axes[0]] = place[0];
    return z;
  }
  zText() {
    const { z } = this;
    if (z.length === 1) return `z = ${fixed(z[0], 2)}`;
    if (z.length === 2) return `z = (${z.map((value) => fixed(value, 2)).join(", ")})`;
    return this.distinctAxes.map((j) => `${latentName(j)} = ${fixed(z[j], 2)}`).join(", ");
  }
  /** @param {readonly number[]} z */
  pin(z) {
    this.pins = [...this.pins, Array.from(z)].slice(-MAX_PINS);
    this.#rest();
  }
  unpin() {
    if (!this.pins.length) return;
    this.pins = this.pins.slice(0, -1);
    this.#rest();
  }
  /** The coordinates outside the plane stay at the newest pin, else at 0. */
  #rest() {
    const newest = this.pins.at(-1);
    this.base = newest ? { z: newest, source: "pin" } : { z: this.z.map(() => 0), source: "zero" };
    this.note("pins");
  }
  /**
   * Has q(z|x) of something that is no held-out example drawn in the plane; null takes it away.
   * @param {Posterior | null} posterior
   */
  showPosterior(posterior) {
    this.posterior = posterior;
    this.note("posterior");
  }
  /** @param {Change} change */
  note(change) {
    this.#changes.add(change);
    this.invalidate();
  }
  invalidate() {
    this.#frames.request();
  }
  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#pending = bytes;
    this.invalidate();
  }
  /** @param {number} now */
  #tick(now) {
    this.now = now;
    if (this.#pending) this.#take(this.#pending);
    const changes = this.#changes.size ? this.#changes : /* @__PURE__ */ new Set(["frame"]);
    this.#changes = /* @__PURE__ */ new Set();
    this.#decode();
    for (const change of changes) for (const tell of this.#listeners) tell(this.z, change);
    this.#report();
  }
  #decode() {
    const start = performance.now();
    this.decoded = this.model.decode(this.z).slice();
    this.#times.push(performance.now() - start);
    if (this.#times.length > TIMES_KEPT) this.#times.shift();
  }
  /**
   * What changed is noted in the order in which sections can use it.
   * @param {Uint8Array} bytes
   */
  #take(bytes) {
    this.#pending = null;
    const old = this.config;
    this.config = readMeta(bytes);
    this.theme = this.#readTheme();
    if (this.config.hash !== old.hash) {
      const arrays = readArrays(bytes, this.config);
      this.model = new Model(this.config.config, arrays.decoder, arrays.encoder);
      this.data = new HeldOut(this.config, arrays);
      this.note("weights");
    }
    if (this.config.plane.join() !== old.plane.join()) this.note("plane");
    if (JSON.stringify(this.config.start) !== JSON.stringify(old.start)) {
      this.#begin();
      this.note("pins");
    }
    this.note("theme");
  }
  #readTheme() {
    const theme = readTheme(this.root, this.config.palettes);
    this.root.style.setProperty("--decoded", theme.concepts.decoded);
    return theme;
  }
  #report() {
    this.#numFrames++;
    Object.assign(this.root.dataset, {
      z: this.z.join(","),
      hash: this.config.hash,
      step: this.config.step,
      frames: this.#numFrames,
      pins: this.pins.length,
      decodeMs: median(this.#times).toFixed(3)
    });
  }
  destroy() {
    this.#frames.stop();
    for (const ending of this.#endings) ending();
  }
};

// dashboard/components/latent/index.js
var LatentElement = class {
  /** @type {Explorer | null} */
  #explorer = null;
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.blank = root.cloneNode(true);
  }
  /**
   * Another run has other sizes, classes and data.
   * @param {Uint8Array} bytes
   * @param {Mounted} mounted
   */
  update(bytes, { setTriggerValue }) {
    if (this.#explorer?.config.run === readMeta(bytes).run) {
      this.#explorer.update(bytes);
    } else {
      if (this.#explorer) this.#clear();
      this.#explorer = new Explorer(this.root, bytes);
    }
    this.#explorer.send = setTriggerValue;
  }
  #clear() {
    this.destroy();
    const blank = (
      /** @type {HTMLElement} */
      this.blank.cloneNode(true)
    );
    for (const { name } of [...this.root.attributes]) this.root.removeAttribute(name);
    for (const { name, value } of blank.attributes) this.root.setAttribute(name, value);
    this.root.replaceChildren(...blank.childNodes);
  }
  destroy() {
    this.#explorer?.destroy();
  }
};
var index_default = elementOf(".explorer", (root) => new LatentElement(root));
export {
  index_default as default
};
