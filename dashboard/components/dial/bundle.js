// Sources 3e3442bdcf9e2a28; made by "npm run build": edit the modules, not this file.
// dashboard/components/shared/arrays.js
var jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

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
var newElement = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

// dashboard/components/shared/numbers.js
var clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// dashboard/components/shared/pointer.js
function capture(element, event) {
  if (event.isTrusted) element.setPointerCapture(event.pointerId);
}
function listenToKeys(element, key) {
  element.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && key(event)) event.preventDefault();
  });
}

// dashboard/components/dial/pace.js
var INTERVAL_MS = 200;
var PATIENCE_MS = 1e3;
var Pace = class {
  /** @type {T | undefined} */
  #waiting;
  #timer = 0;
  #answered = true;
  #sentAt = -Infinity;
  /** @param {(value: T) => void} send */
  constructor(send) {
    this.send = send;
  }
  /** @param {T} value */
  offer(value) {
    this.#waiting = value;
    this.#go();
  }
  /**
   * The last value goes at once.
   * @param {T} value
   */
  finish(value) {
    this.#waiting = value;
    this.#sentAt = -Infinity;
    this.#go();
  }
  /** The last value that was sent has arrived. */
  answered() {
    this.#answered = true;
    this.#go();
  }
  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waiting = void 0;
  }
  #go() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#waiting === void 0) return;
    const rest = this.#sentAt + (this.#answered ? INTERVAL_MS : PATIENCE_MS) - performance.now();
    if (rest > 0) {
      this.#timer = window.setTimeout(() => this.#go(), rest);
      return;
    }
    const value = this.#waiting;
    this.#waiting = void 0;
    this.#answered = false;
    this.#sentAt = performance.now();
    this.send(value);
  }
};

// dashboard/components/dial/scale.js
var ZERO_SHARE = 0.1;
var FINE_STEPS = 20;
var COARSE = FINE_STEPS / 4;
var startOf = ({ zero }) => zero ? ZERO_SHARE : 0;
var rounded = (value) => Number(value.toPrecision(2));
var gridValue = (step) => rounded(10 ** (step / FINE_STEPS));
function positionOf(scale, value) {
  const start = startOf(scale);
  if (value < scale.low) return clamp(start * value / scale.low, 0, start);
  const share = Math.log(value / scale.low) / Math.log(scale.high / scale.low);
  return clamp(start + (1 - start) * share, start, 1);
}
function valueAt(scale, position, reach = 0) {
  const { low, high, zero, ticks } = scale;
  const near = ticks.find((tick) => Math.abs(positionOf(scale, tick) - position) < reach);
  if (near !== void 0) return near;
  const start = startOf(scale);
  if (zero && position < start) return position < start / 2 ? 0 : low;
  const share = clamp((position - start) / (1 - start), 0, 1);
  return rounded(low * (high / low) ** share);
}
function stepped(scale, value, steps) {
  const { low, high, zero } = scale;
  if (steps > 0) {
    if (value >= high) return value;
    return Math.min(high, value < low ? raised(low, steps - 1) : raised(value, steps));
  }
  if (value <= low) return zero ? 0 : value;
  const lower = value > high ? high : lowered(value, -steps);
  return lower < low ? zero && value <= low ? 0 : low : lower;
}
function raised(value, steps) {
  if (steps === 0) return value;
  let at = Math.floor(FINE_STEPS * Math.log10(value)) - 1;
  while (gridValue(at) <= value) at++;
  return gridValue(at + steps - 1);
}
function lowered(value, steps) {
  let at = Math.ceil(FINE_STEPS * Math.log10(value)) + 1;
  while (gridValue(at) >= value) at--;
  return gridValue(at - steps + 1);
}
var SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function tickLabel(value) {
  if (value === 0 || value >= 0.01 && value < 1e4) return String(value);
  const power = Math.round(Math.log10(value));
  return `10${power < 0 ? "⁻" : ""}${[...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("")}`;
}
function typed(text) {
  const plain = text.trim().replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

// dashboard/components/dial/index.js
var SNAP = 4;
var GRIP = 14;
var SLACK = 4;
var FORGOTTEN_MS = 1e4;
var Dial = class {
  /** @type {Message | null} */
  message = null;
  value = 0;
  /** The hand on the slider: where it began, and what separates it from the thumb. @type {{ x: number, grip: number, moves: boolean, before: number } | null} */
  held = null;
  /** Whether the number box holds what was not entered yet. */
  isTyping = false;
  /** Whether a key has moved the value and is still down. */
  isKeyed = false;
  /** What the marks on the scale and the buttons were made from. */
  marks = "";
  sequence = 0;
  sentAt = -Infinity;
  /**
   * @param {HTMLElement} root
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  constructor(root, { setTriggerValue }) {
    this.root = root;
    this.tell = setTriggerValue;
    this.track = find(root, ".track");
    this.number = /** @type {HTMLInputElement} */
    find(root, ".number");
    this.presets = find(root, ".presets");
    this.ticks = find(root, ".ticks");
    this.help = find(root, ".help");
    this.pace = new Pace((value) => this.send(value));
    this.connect();
  }
  connect() {
    const { track, number } = this;
    track.onpointerdown = (event) => this.press(event);
    track.onpointermove = ({ clientX }) => this.drag(clientX);
    track.onpointerup = (event) => this.release(event);
    track.onpointercancel = () => this.cancel();
    listenToKeys(track, ({ key }) => this.key(key));
    track.onkeyup = track.onblur = () => this.keyUp();
    number.oninput = () => this.isTyping = true;
    number.onblur = () => this.leaveBox();
    number.onkeyup = () => this.keyUp();
    listenToKeys(number, ({ key }) => this.typeKey(key));
    const about = find(this.root, ".about");
    about.onpointerenter = ({ pointerType }) => pointerType === "mouse" && this.explain();
    about.onpointerleave = ({ pointerType }) => pointerType === "mouse" && this.help.hidePopover();
    this.help.onbeforetoggle = () => this.placeHelp();
  }
  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.tell = setTriggerValue;
    const message = jsonOf(data);
    this.message = message;
    this.describe(message);
    if (message.frozen) this.letGo();
    const isOlder = message.sequence < this.sequence && performance.now() - this.sentAt < FORGOTTEN_MS;
    if (isOlder && !message.frozen) return;
    this.pace.answered();
    if (!this.held && !this.isKeyed) this.show(message.value);
  }
  /** @param {Message} message */
  describe({ label, symbol, help, scale, range, presets, frozen, note, large }) {
    const { root, track, number } = this;
    find(root, ".label").textContent = label;
    this.help.textContent = help;
    find(root, ".note").textContent = frozen || note;
    root.classList.toggle("frozen", Boolean(frozen));
    root.classList.toggle("large", large);
    track.setAttribute("aria-label", label);
    track.setAttribute("aria-valuemin", String(range[0]));
    track.setAttribute("aria-valuemax", String(range[1]));
    track.setAttribute("aria-disabled", String(Boolean(frozen)));
    number.setAttribute("aria-label", `${label}, number`);
    number.disabled = Boolean(frozen);
    this.presets.setAttribute("aria-label", `${symbol}, values`);
    const marks = JSON.stringify([symbol, scale, presets]);
    if (marks !== this.marks) {
      this.marks = marks;
      this.presets.replaceChildren(...presets.map((value) => this.presetButton(symbol, value)));
      this.ticks.replaceChildren(...scale.ticks.map((value) => tickMark(scale, value)));
    }
    for (const button of this.presets.children) {
      if (button instanceof HTMLButtonElement) button.disabled = Boolean(frozen);
    }
  }
  /**
   * @param {string} symbol
   * @param {number} value
   */
  presetButton(symbol, value) {
    const button = newElement("button", { type: "button", textContent: String(value) });
    button.setAttribute("aria-label", `${symbol} = ${value}`);
    button.onclick = ({ detail }) => {
      this.choose(value);
      if (detail) button.blur();
    };
    return button;
  }
  /** @param {number} value */
  show(value) {
    const { message } = this;
    if (!message) return;
    this.value = value;
    const text = String(value);
    this.root.style.setProperty("--at", String(positionOf(message.scale, value)));
    this.track.setAttribute("aria-valuenow", text);
    this.track.setAttribute("aria-valuetext", `${message.symbol} = ${text}`);
    if (!this.isTyping) this.number.value = text;
    for (const button of this.presets.children) {
      button.setAttribute("aria-pressed", String(button.textContent === text));
    }
  }
  /** @param {PointerEvent} event */
  press(event) {
    const { message } = this;
    if (event.button || !event.isPrimary || !message || message.frozen) return;
    capture(this.track, event);
    this.say("");
    const box = this.track.getBoundingClientRect();
    const thumb = box.left + positionOf(message.scale, this.value) * box.width;
    const grip = Math.abs(event.clientX - thumb) <= GRIP ? event.clientX - thumb : 0;
    const moves = event.pointerType !== "touch";
    this.held = { x: event.clientX, grip, moves, before: this.value };
    if (moves && !grip) this.drag(event.clientX);
  }
  /** @param {number} clientX */
  drag(clientX) {
    const value = this.valueUnder(clientX);
    if (value === this.value) return;
    this.show(value);
    this.pace.offer(value);
  }
  /**
   * The value under the hand: until it has moved, the one that is shown.
   * @param {number} clientX
   */
  valueUnder(clientX) {
    const { held, message } = this;
    if (!held || !message) return this.value;
    held.moves ||= Math.abs(clientX - held.x) > SLACK;
    if (!held.moves || held.grip && clientX === held.x) return this.value;
    const box = this.track.getBoundingClientRect();
    const position = clamp((clientX - held.grip - box.left) / Math.max(1, box.width), 0, 1);
    return valueAt(message.scale, position, SNAP / Math.max(1, box.width));
  }
  /** @param {PointerEvent} event */
  release({ clientX }) {
    const { held } = this;
    if (!held) return;
    if (!held.grip) held.moves = true;
    const value = this.valueUnder(clientX);
    this.held = null;
    this.show(value);
    if (value !== held.before) this.pace.finish(value);
  }
  /** The browser took the pointer, to scroll: nothing was meant. */
  cancel() {
    const { held } = this;
    this.held = null;
    if (held && held.before !== this.value) this.choose(held.before);
  }
  /** @param {number} value */
  choose(value) {
    if (!this.message || this.message.frozen) return;
    this.isTyping = false;
    this.say("");
    this.show(value);
    this.pace.finish(value);
  }
  /** @param {string} key */
  key(key) {
    const { message, value } = this;
    if (!message || message.frozen) return false;
    const { scale } = message;
    const lowest = scale.zero ? 0 : scale.low;
    const moves = {
      ArrowRight: () => stepped(scale, value, 1),
      ArrowUp: () => stepped(scale, value, 1),
      ArrowLeft: () => stepped(scale, value, -1),
      ArrowDown: () => stepped(scale, value, -1),
      PageUp: () => stepped(scale, value, COARSE),
      PageDown: () => stepped(scale, value, -COARSE),
      Home: () => lowest,
      End: () => scale.high
    };
    if (!Object.hasOwn(moves, key)) return false;
    const next = moves[key]();
    this.say("");
    this.show(next);
    if (next !== value) {
      this.isKeyed = true;
      this.pace.offer(next);
    }
    return true;
  }
  keyUp() {
    if (this.isKeyed) this.pace.finish(this.value);
    this.isKeyed = false;
  }
  /** A key that is still down when the focus goes is let go of elsewhere. */
  leaveBox() {
    this.enter();
    this.keyUp();
  }
  /** It is frozen: nothing of what the hand began goes on. */
  letGo() {
    this.held = null;
    this.isKeyed = this.isTyping = false;
    this.say("");
    this.pace.stop();
  }
  /** @param {string} key In the number box. */
  typeKey(key) {
    if (key === "Enter") this.enter();
    else if (key === "Escape") this.forget();
    else if (key === "ArrowUp" || key === "ArrowDown") {
      this.forget();
      return this.key(key);
    } else return false;
    return true;
  }
  /** Leaves what was typed, and shows the value. */
  forget() {
    this.isTyping = false;
    this.say("");
    this.show(this.value);
  }
  /** Takes what was typed, or says what is wrong with it. */
  enter() {
    const { message, number } = this;
    if (!message || !this.isTyping) return;
    const [low, high] = message.range;
    const value = typed(number.value);
    if (value >= low && value <= high) this.choose(value);
    else this.say(`${message.symbol} is a number from ${low} to ${high}.`);
  }
  /** @param {string} problem */
  say(problem) {
    find(this.root, ".problem").textContent = problem;
    this.number.setAttribute("aria-invalid", String(Boolean(problem)));
  }
  /** @param {number} value */
  send(value) {
    this.sequence = Math.max(Date.now(), this.sequence + 1);
    this.sentAt = performance.now();
    const moved = { value, sequence: this.sequence };
    this.tell("moved", moved);
  }
  explain() {
    if (this.help.textContent && !this.help.matches(":popover-open")) this.help.showPopover();
  }
  placeHelp() {
    const { left, bottom } = find(this.root, ".about").getBoundingClientRect();
    this.help.style.left = `${clamp(left - 20, 8, Math.max(8, innerWidth - 328))}px`;
    this.help.style.top = `${bottom + 6}px`;
  }
  destroy() {
    this.pace.stop();
  }
};
function tickMark(scale, value) {
  const tick = newElement("span", { textContent: tickLabel(value) });
  tick.style.setProperty("--at", String(positionOf(scale, value)));
  return tick;
}
var index_default = elementOf(".dial", (root, mounted) => new Dial(root, mounted));
export {
  index_default as default
};
