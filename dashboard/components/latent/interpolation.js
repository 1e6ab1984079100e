/** Interpolations between two pins: eleven decoded images from one to the other, and z moving along the path. */

import { greyLevel, pictureSheet } from "../shared/pixels.js";
import { find, findAll, findCanvas } from "../shared/mount.js";
import { clamp, range, spread } from "../shared/numbers.js";
import { contextOf } from "../shared/theme.js";
import { floats } from "./npz.js";
import { pixelPicture, placesArrays } from "./saving.js";

/**
 * @typedef {import("./explorer.js").Change} Change
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 */

const NUM_IMAGES = 11;
const PATH_POINTS = 41;
const PASS_MS = 4000;
const NEARLY_PARALLEL = 1e-6;

/**
 * On the straight line from a to b.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 * @param {number} share From 0 (a) to 1 (b).
 */
export function linear(a, b, share) {
  return a.map((value, j) => value + share * (b[j] - value));
}

/**
 * At constant angular speed on the great circle through both (Shoemake 1985), the length going with the share.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 * @param {number} share From 0 (a) to 1 (b).
 */
export function spherical(a, b, share) {
  const [lengthA, lengthB] = [a, b].map((z) => Math.hypot(...z));
  const cosine = a.reduce((sum, value, j) => sum + value * b[j], 0) / (lengthA * lengthB);
  const angle = Math.acos(clamp(cosine, -1, 1));
  if (!(Math.sin(angle) > NEARLY_PARALLEL)) return linear(a, b, share);
  const [fromA, fromB] = [1 - share, share].map((part) => Math.sin(part * angle) / Math.sin(angle));
  return a.map((value, j) => fromA * value + fromB * b[j]);
}

export class InterpolationSection {
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
    this.slider = /** @type {HTMLInputElement} */ (find(root, "input"));
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
    const picture = this.strip.hidden ? undefined : pixelPicture(this.strip);
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
    // Something else moves z.
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
   * @param {number[]} shape
   */
  drawStrip(ends, shape) {
    const [height, width] = shape;
    const decoded = this.host.model.decodeAll(this.path(ends, NUM_IMAGES));
    const sheet = pictureSheet(Uint8Array.from(decoded, greyLevel), shape, NUM_IMAGES);
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
}
