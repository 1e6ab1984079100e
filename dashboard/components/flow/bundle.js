// Sources 4c0937fa23175cbb; made by "npm run build": edit the modules, not this file.
// dashboard/components/shared/arrays.js
var jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

// dashboard/components/shared/numbers.js
var clamp = (value, low, high) => Math.min(high, Math.max(low, value));
function fixed(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}
var brief = (value) => Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";

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
function stroke(context, colour, { width = 1, alpha = 1, dash = [] } = {}) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
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

// dashboard/components/flow/stages.js
var STAGES = [
  ["x"],
  ["encoder"],
  ["posterior"],
  ["z"],
  ["decoder"],
  ["decoded"],
  ["fit", "kl"],
  ["loss"],
  ["back"],
  ["update"],
  ["converged"],
  ["prior"],
  ["decoder_again"],
  ["generated"]
];
var arrow = (from, to, leaves, enters) => ({ from, to, leaves, enters });
var ARROWS = [
  arrow("x", "encoder", "right", "left"),
  arrow("encoder", "posterior", "right", "left"),
  arrow("posterior", "z", "right", "left"),
  arrow("z", "decoder", "right", "left"),
  arrow("decoder", "decoded", "right", "left"),
  arrow("decoded", "fit", "bottom", "top"),
  arrow("posterior", "kl", "bottom", "top"),
  arrow("fit", "loss", "left", "right"),
  arrow("kl", "loss", "right", "left"),
  arrow("loss", "back", "bottom", "top"),
  arrow("back", "update", "left", "right"),
  arrow("update", "converged", "left", "right"),
  arrow("converged", "x", "top", "bottom"),
  arrow("prior", "decoder_again", "right", "left"),
  arrow("decoder_again", "generated", "right", "left")
];
var MOST_NUMBERS = 2;
function vectorText(values) {
  const shown = values.slice(0, MOST_NUMBERS).map((value) => fixed(value, 2));
  return shown.join(", ") + (values.length > MOST_NUMBERS ? ", …" : "");
}
var stageAt = (elapsed, duration) => Math.min(STAGES.length, Math.floor(elapsed / duration * STAGES.length));
function textsOf({ step, num_steps: numSteps, layers, numbers, patience, ...rest }) {
  const { mean, std, eps, z, prior_z: priorZ, is_deterministic: plain, learning_rate: rate } = rest;
  const { reconstruction, kl, beta, objective } = numbers;
  const decoder = layers.decoder.join(" → ");
  const loss = `${fixed(beta * kl - reconstruction, 2)} nats with β ${brief(beta)}`;
  const rule = patience === null ? "" : `
stops after ${patience} epochs without a rise`;
  const goesOn = numSteps === null || step < numSteps;
  const count = numSteps === null ? `${step}` : `${step} of ${numSteps}`;
  return {
    encoder: layers.encoder.join(" → "),
    posterior: plain ? `z = μ
μ ${vectorText(mean)}` : `μ ${vectorText(mean)}
σ ${vectorText(std)}`,
    z: plain ? `no noise
z ${vectorText(z)}` : `ε ${vectorText(eps)}
z ${vectorText(z)}`,
    decoder,
    fit: `${fixed(reconstruction, 2)} nats`,
    kl: `${fixed(kl, 2)} nats`,
    loss: `${loss}
mini-batch mean ${fixed(-objective, 2)}`,
    back: `‖∂loss/∂θ‖ ${brief(numbers.decoder_gradient)}
‖∂loss/∂φ‖ ${brief(numbers.encoder_gradient)}`,
    update: `η ${brief(rate)}
‖change‖ ${brief(numbers.change)}`,
    converged: `${goesOn ? "no: next mini-batch" : "yes: the end"}
step ${count}${rule}`,
    prior: `z ${vectorText(priorZ)}`,
    decoder_again: decoder
  };
}

// dashboard/components/flow/index.js
var COLOURS = {
  x: "data",
  posterior: "posterior",
  z: "posterior",
  decoded: "decoded",
  fit: "reconstruction",
  kl: "kl",
  loss: "elbo",
  prior: "prior",
  generated: "decoded"
};
var PICTURES = (
  /** @type {const} */
  ["x", "decoded", "generated"]
);
var HEAD = 8;
var Flow = class {
  /** @type {Message | null} */
  message = null;
  /** @type {Theme | null} */
  theme = null;
  began = 0;
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.cards = Object.fromEntries(findAll(root, ".card").map((card) => [card.dataset.stage ?? "", card]));
    for (const [name, card] of Object.entries(this.cards)) card.style.setProperty("--area", name);
    this.frames = new Frames((now) => this.tick(now));
    this.frames.watchSizes([root], () => this.frames.request());
  }
  /** @param {Uint8Array} data */
  update(data) {
    const message = jsonOf(data);
    const theme = readTheme(this.root, message.palettes);
    this.theme = theme;
    for (const [name, concept] of Object.entries(COLOURS)) {
      this.cards[name].style.setProperty("--colour", theme.concepts[concept]);
    }
    const isNew = this.message?.run !== message.run || this.message.step !== message.step;
    if (isNew) {
      this.message = message;
      this.began = performance.now();
      this.write(message);
    }
    this.frames.request();
  }
  /** @param {Message} message */
  write(message) {
    const { step, numbers } = message;
    find(this.root, ".of").textContent = `of step ${step}: the first of ${numbers.num_data} examples in its mini-batch`;
    for (const name of PICTURES) this.showExample(name, message[name], message.image_shape);
    for (const [name, text] of Object.entries(textsOf(message)))
      find(this.cards[name], "p").textContent = text;
  }
  /**
   * An example as a picture, or as its first values where it is no image.
   * @param {string} name
   * @param {number[]} values
   * @param {number[] | null} shape [height, width]
   */
  showExample(name, values, shape) {
    const card = this.cards[name];
    const canvas = findCanvas(card, "canvas");
    canvas.hidden = !shape;
    find(card, "p").textContent = shape ? "" : vectorText(values);
    if (!shape) return;
    new PixelCanvas(canvas, shape).drawGrey(values);
    const [height, width] = shape;
    canvas.setAttribute("aria-label", `${find(card, "h4").textContent}, ${width} by ${height} pixels`);
  }
  /** @param {number} now */
  tick(now) {
    const { message, theme } = this;
    if (!message || !theme) return;
    const lit = prefersCalm() ? STAGES.length : stageAt(now - this.began, message.duration_ms);
    this.root.dataset.lit = String(lit);
    this.root.dataset.step = String(message.step);
    STAGES.forEach((names, at) => {
      for (const name of names) this.cards[name].dataset.is = at < lit ? "done" : at === lit ? "now" : "next";
    });
    for (const canvas of findAll(this.root, ".arrows")) {
      if (canvas instanceof HTMLCanvasElement) this.drawArrows(canvas, theme, now);
    }
    if (lit < STAGES.length) this.frames.request();
  }
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Theme} theme
   * @param {number} now
   */
  drawArrows(canvas, theme, now) {
    const { context, width } = prepare(canvas);
    if (!width) return;
    const box = canvas.getBoundingClientRect();
    for (const { from, to, leaves, enters } of ARROWS) {
      if (this.cards[from].parentElement !== canvas.parentElement) continue;
      const [start, end] = [this.placeOf(from, leaves, box), this.placeOf(to, enters, box)];
      if (leaves === "top" || leaves === "bottom") start.x = end.x;
      drawArrow(context, theme, start, end, this.cards[to].dataset.is ?? "", now);
    }
  }
  /**
   * The middle of a side of a card, from the corner of a box.
   * @param {string} name
   * @param {Side} side
   * @param {DOMRect} box
   * @returns {Point}
   */
  placeOf(name, side, box) {
    const card = this.cards[name].getBoundingClientRect();
    const [x, y] = [(card.left + card.right) / 2 - box.left, (card.top + card.bottom) / 2 - box.top];
    if (side === "left" || side === "right") return { x: card[side] - box.left, y };
    return { x, y: card[side] - box.top };
  }
  destroy() {
    this.frames.stop();
  }
};
function drawArrow(context, theme, from, to, state, now) {
  const colour = state === "now" ? theme.concepts.elbo : theme.text;
  const alpha = state === "next" ? 0.25 : 0.8;
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  context.lineDashOffset = -now / 20;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x - HEAD * Math.cos(angle), to.y - HEAD * Math.sin(angle));
  stroke(context, colour, { width: 3, alpha, dash: state === "now" ? [6, 5] : [] });
  context.beginPath();
  context.moveTo(to.x, to.y);
  for (const turn of [2.6, -2.6]) {
    context.lineTo(to.x + HEAD * 1.4 * Math.cos(angle + turn), to.y + HEAD * 1.4 * Math.sin(angle + turn));
  }
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  context.fill();
  context.globalAlpha = 1;
}
var index_default = elementOf(".flow", (root) => new Flow(root));
export {
  index_default as default
};
