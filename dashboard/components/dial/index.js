/** A slider that acts while it is dragged, a number box beside it, and values that one click reaches. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf, find, newElement } from "../shared/mount.js";
import { clamp, decimal } from "../shared/numbers.js";
import { capture, listenToKeys } from "../shared/pointer.js";
import { Pace } from "../shared/pace.js";
import { Sequence } from "../shared/sequence.js";
import { COARSE, positionOf, stepped, tickLabel, typed, valueAt } from "./scale.js";

/**
 * @typedef {object} Message What Python sends (`dial`).
 * @property {string} label
 * @property {string} symbol
 * @property {string} help
 * @property {number} value
 * @property {number} sequence Of the newest value that Python has had from this dial.
 * @property {import("./scale.js").Scale} scale
 * @property {number[]} range [smallest, largest] value that may be typed.
 * @property {number[]} presets
 * @property {string} frozen Why the value cannot be changed; empty where it can.
 * @property {string} note
 * @property {boolean} large Whether it is for a projector.
 *
 * @typedef {object} Moved What Python gets.
 * @property {number} sequence Rises with every message of a browser.
 * @property {number} value
 */

/** Pixels: this near to a tick its value holds, and this near to the thumb it is taken without a jump. */
const SNAP = 4;
const GRIP = 14;
/** How far a finger goes before it drags: it may mean to scroll. */
const SLACK = 4;

class Dial {
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
  sequence = new Sequence();

  /**
   * @param {HTMLElement} root
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  constructor(root, { setTriggerValue }) {
    this.root = root;
    this.tell = setTriggerValue;
    this.track = find(root, ".track");
    this.number = /** @type {HTMLInputElement} */ (find(root, ".number"));
    this.presets = find(root, ".presets");
    this.ticks = find(root, ".ticks");
    this.help = find(root, ".help");
    this.escape = (/** @type {KeyboardEvent} */ event) => {
      // The listener goes a moment after the help has closed.
      if (event.key !== "Escape" || !this.help.matches(":popover-open")) return;
      event.preventDefault();
      this.help.hidePopover();
    };
    this.pace = new Pace((/** @type {number} */ value) => this.send(value));
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
    number.oninput = () => (this.isTyping = true);
    number.onblur = () => this.leaveBox();
    number.onkeyup = () => this.keyUp();
    listenToKeys(number, ({ key }) => this.typeKey(key));
    const about = find(this.root, ".about");
    about.onpointerenter = ({ pointerType }) => pointerType === "mouse" && this.explain();
    about.onpointerleave = ({ pointerType }) => pointerType === "mouse" && this.help.hidePopover();
    this.help.onbeforetoggle = () => this.placeHelp();
    this.help.ontoggle = () => this.listenForEscape();
  }

  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.tell = setTriggerValue;
    /** @type {Message} */
    const message = jsonOf(data);
    this.message = message;
    this.describe(message);
    if (message.frozen) this.letGo();
    if (this.sequence.isOlder(message.sequence) && !message.frozen) return;
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
    track.setAttribute("aria-valuemin", decimal(range[0]));
    track.setAttribute("aria-valuemax", decimal(range[1]));
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
      // A click by hand leaves the focus to the page, and with it the keys that steer a run.
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
    this.track.setAttribute("aria-valuenow", decimal(value));
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
    if (!held.moves || (held.grip && clientX === held.x)) return this.value;
    const box = this.track.getBoundingClientRect();
    const position = clamp((clientX - held.grip - box.left) / Math.max(1, box.width), 0, 1);
    return valueAt(message.scale, position, SNAP / Math.max(1, box.width));
  }

  /** @param {PointerEvent} event */
  release({ clientX }) {
    const { held } = this;
    if (!held) return;
    // A finger that went nowhere is a tap; a hand on the thumb that went nowhere changes nothing.
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
    /** @type {Record<string, () => number>} */
    const moves = {
      ArrowRight: () => stepped(scale, value, 1),
      ArrowUp: () => stepped(scale, value, 1),
      ArrowLeft: () => stepped(scale, value, -1),
      ArrowDown: () => stepped(scale, value, -1),
      PageUp: () => stepped(scale, value, COARSE),
      PageDown: () => stepped(scale, value, -COARSE),
      Home: () => lowest,
      End: () => scale.high,
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
    /** @type {Moved} */
    const moved = { value, sequence: this.sequence.next() };
    this.tell("moved", moved);
  }

  explain() {
    if (this.help.textContent && !this.help.matches(":popover-open")) this.help.showPopover();
  }

  /** While the help is open, Escape closes it and means nothing else on the page, such as the end of presenting. */
  listenForEscape() {
    const isOpen = this.help.matches(":popover-open");
    if (isOpen) document.addEventListener("keydown", this.escape, true);
    else document.removeEventListener("keydown", this.escape, true);
  }

  placeHelp() {
    const { left, bottom } = find(this.root, ".about").getBoundingClientRect();
    this.help.style.left = `${clamp(left - 20, 8, Math.max(8, innerWidth - 328))}px`;
    this.help.style.top = `${bottom + 6}px`;
  }

  destroy() {
    document.removeEventListener("keydown", this.escape, true);
    this.pace.stop();
  }
}

/**
 * @param {import("./scale.js").Scale} scale
 * @param {number} value
 */
function tickMark(scale, value) {
  const tick = newElement("span", { textContent: tickLabel(value) });
  tick.style.setProperty("--at", String(positionOf(scale, value)));
  return tick;
}

export default elementOf(".dial", (root, mounted) => new Dial(root, mounted));
