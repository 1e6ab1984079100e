/** A sheet on which a density is drawn, by mouse, pen, finger or keys; what is drawn goes to Python at each stroke's end. */

import { jsonOf } from "../shared/arrays.js";
import { elementOf, find, findCanvas } from "../shared/mount.js";
import { clamp } from "../shared/numbers.js";
import { capture, KEY_MOVES, listenToKeys } from "../shared/pointer.js";
import { contextOf } from "../shared/theme.js";
import { Levels, SIDE } from "./levels.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 *
 * @typedef {object} Message What Python sends (`sketch`).
 * @property {string} label
 * @property {string} drawn What was drawn before this element was there.
 */

/** Pixels of the canvas for a cell; the style sheet sizes the canvas. */
const CELL = 8;
const MAX_UNDOS = 50;

class Sketch {
  levels = new Levels();
  /** @type {string[]} */
  undos = [];
  /** Where the pointer was last while it draws. @type {Point | null} */
  last = null;
  /** The cell in which the keys draw. */
  cursor = { x: SIDE / 2, y: SIDE / 2 };
  hasMessage = false;

  /**
   * @param {HTMLElement} root
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  constructor(root, { setTriggerValue }) {
    this.root = root;
    this.tell = setTriggerValue;
    this.canvas = findCanvas(root, "canvas");
    this.canvas.width = this.canvas.height = SIDE * CELL;
    this.undo = /** @type {HTMLButtonElement} */ (find(root, ".undo"));
    this.clear = /** @type {HTMLButtonElement} */ (find(root, ".clear"));
    this.connect();
    this.show();
  }

  connect() {
    const { canvas } = this;
    canvas.onpointerdown = (event) => this.press(event);
    canvas.onpointermove = (event) => this.move(event);
    canvas.onpointerup = canvas.onpointercancel = () => this.lift();
    canvas.onfocus = canvas.onblur = () => this.show();
    listenToKeys(canvas, (event) => this.key(event));
    this.undo.onclick = () => this.back();
    this.clear.onclick = () => this.change(() => (this.levels.text = ""));
  }

  /**
   * @param {Uint8Array} data
   * @param {import("../shared/mount.js").Mounted} mounted
   */
  update(data, { setTriggerValue }) {
    this.tell = setTriggerValue;
    /** @type {Message} */
    const { label, drawn } = jsonOf(data);
    this.canvas.setAttribute("aria-label", label);
    // Later messages are echoes of what is on the sheet already, maybe of an earlier stroke.
    if (!this.hasMessage && !this.undos.length) this.levels.text = drawn;
    this.hasMessage = true;
    this.show();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button || !event.isPrimary) return;
    capture(this.canvas, event);
    this.keep();
    this.last = this.place(event);
    this.levels.dab(this.last);
    this.show();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!event.isPrimary || !this.last) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const here = this.place(each);
      this.levels.line(this.last, here);
      this.last = here;
    }
    this.show();
  }

  lift() {
    if (!this.last) return;
    this.last = null;
    this.send();
  }

  /** @param {KeyboardEvent} event */
  key({ key }) {
    const move = KEY_MOVES[key];
    if (move) {
      const { x, y } = this.cursor;
      this.cursor = { x: clamp(x + move[0], 0, SIDE - 1), y: clamp(y - move[1], 0, SIDE - 1) };
      this.show();
      return true;
    }
    if (key !== " " && key !== "Enter") return false;
    this.change(() => this.levels.dab({ x: this.cursor.x + 0.5, y: this.cursor.y + 0.5 }));
    return true;
  }

  /**
   * Where an event is, in cells.
   * @param {PointerEvent} event
   * @returns {Point}
   */
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: ((clientX - left) / width) * SIDE, y: ((clientY - top) / height) * SIDE };
  }

  keep() {
    this.undos = [...this.undos, this.levels.text].slice(-MAX_UNDOS);
  }

  /** @param {() => void} act */
  change(act) {
    this.keep();
    act();
    this.show();
    this.send();
  }

  back() {
    const before = this.undos.pop();
    if (before === undefined) return;
    this.levels.text = before;
    this.show();
    this.send();
  }

  send() {
    this.tell("drawn", this.levels.text);
  }

  show() {
    const { canvas, levels, cursor } = this;
    const context = contextOf(canvas);
    const style = getComputedStyle(this.root);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = style.getPropertyValue("--st-primary-color").trim() || "#0072b2";
    levels.values.forEach((value, at) => {
      context.globalAlpha = value;
      if (value) context.fillRect((at % SIDE) * CELL, Math.floor(at / SIDE) * CELL, CELL, CELL);
    });
    context.globalAlpha = 1;
    if (canvas.matches(":focus-visible")) {
      context.strokeStyle = style.getPropertyValue("--st-text-color").trim() || "#222222";
      context.lineWidth = 2;
      context.strokeRect(cursor.x * CELL, cursor.y * CELL, CELL, CELL);
    }
    const isEmpty = !levels.values.some(Boolean);
    this.undo.disabled = !this.undos.length;
    this.clear.disabled = isEmpty;
    find(this.root, ".hint").hidden = !isEmpty;
  }

  destroy() {}
}

export default elementOf(".sketch", (root, mounted) => new Sketch(root, mounted));
