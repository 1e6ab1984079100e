/** A point that moves through the latent plane by itself until a pointer or a key takes it over. */

import { bytesOf, floatsOf, integersOf, jsonOf } from "../shared/arrays.js";
import { drawHandle, prepare, stroke } from "../shared/canvas.js";
import { Frames, prefersCalm } from "../shared/frames.js";
import { elementOf, find, findCanvas } from "../shared/mount.js";
import { clamp, fixed } from "../shared/numbers.js";
import { Plane } from "../shared/plane.js";
import { KEY_MOVES, listen } from "../shared/pointer.js";
import { readTheme } from "../shared/theme.js";
import { DecodedImage } from "./decoded_image.js";
import { distance, nearestPhase, pathAt } from "./path.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/theme.js").Theme} Theme
 *
 * @typedef {object} Message What Python sends (`walk_payload`); arrays are base64.
 * @property {string[]} class_names
 * @property {import("../shared/theme.js").Palettes} palettes
 * @property {number[]} plane The two dimensions that are shown, from 0.
 * @property {number} latent_dim
 * @property {string} means float32, pairs.
 * @property {string} labels int32
 * @property {number[]} image_shape [height, width]
 * @property {string} grid uint8
 * @property {number[]} grid_shape [rows, columns]
 * @property {string} grid_axis float32
 */

const ROUND_MS = 20000;
const REST_MS = 2000;
const TRAIL_MS = 1500;
const RETURN_MS = 500;
const LONGEST_FRAME_MS = 50;
const STEP = 0.1;
const FINE_STEP = 0.02;

class Walk {
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
    const point = (/** @type {Point} */ { x, y }) => {
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
    /** @type {Message} */
    const message = jsonOf(data);
    this.theme = readTheme(this.root, message.palettes);
    this.root.style.setProperty("--decoded", this.theme.concepts.decoded);
    const plane = {
      means: floatsOf(message.means),
      stds: new Float32Array(),
      labels: integersOf(message.labels),
      classNames: message.class_names,
      axes: message.plane,
      latentDim: message.latent_dim,
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
    this.trail = this.trail.filter((place) => now - place.now < TRAIL_MS);
    // A point that has rested as long as its trail lasts leaves only itself.
    if (this.trail.every(({ z }) => distance(z, this.z) === 0)) this.trail.length = 1;
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
}

export default elementOf(".walk", (root) => new Walk(root));
