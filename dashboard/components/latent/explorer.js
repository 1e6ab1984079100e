/**
 * The latent explorer: one z for all sections of the element, decoded once per frame, drawn only when something
 * changed. A section is a class constructed with (its node, the explorer); it asks to be told by `onChange`.
 */

import { letFold } from "../shared/fold.js";
import { Frames, prefersCalm } from "../shared/frames.js";
import { find, findAll } from "../shared/mount.js";
import { Model } from "../shared/network.js";
import { writeAll, written } from "../shared/notation.js";
import { fixed, latentName, median } from "../shared/numbers.js";
import { readTheme } from "../shared/theme.js";
import { DecodedSection } from "./decoded.js";
import { DrawingPad } from "./drawing.js";
import { InterpolationSection } from "./interpolation.js";
import { SHAPES } from "../shared/shapes.js";
import { HeldOut, readArrays, readMeta } from "./message.js";
import { NearestSection } from "./nearest.js";
import { PlaneSection } from "./plane.js";
import { SavingSection } from "./saving.js";
import { Traversal } from "./traversal.js";

/**
 * @typedef {import("../shared/gaussian.js").Posterior} Posterior
 * @typedef {import("./message.js").Meta} Meta
 * @typedef {import("./saving.js").Offer} Offer
 *
 * Who moved z, or what else changed; "frame" when a section asked for a frame by `invalidate`.
 * @typedef {"pointer" | "keys" | "play" | "traversal" | "drawing"} Mover
 * @typedef {Mover | "weights" | "plane" | "pins" | "posterior" | "theme" | "size" | "view" | "frame"} Change
 */

// The way between the pins first: other sections draw it.
const SECTIONS = {
  interpolation: InterpolationSection,
  plane: PlaneSection,
  decoded: DecodedSection,
  nearest: NearestSection,
  traversal: Traversal,
  drawing: DrawingPad,
  saving: SavingSection,
};
/** Those below the plane and what belongs beside it; the saving section has a fold of its own. */
const FOLDING = ".interpolation, .traversal, .drawing";
const MAX_PINS = 2;
const TIMES_KEPT = 100;
/**
 * Who moves z within the plane or between pins; other movers also say where the other coordinates stay.
 * @type {Set<Mover>}
 */
const WITHIN = new Set(["pointer", "keys", "play"]);

export class Explorer {
  /** @type {((z: number[], change: Change) => void)[]} */
  #listeners = [];
  /** @type {(() => void)[]} */
  #endings = [];
  /** @type {Set<Change>} */
  #changes = new Set();
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
    /** @type {number[]} */
    this.z = new Array(this.config.config.latent_dim).fill(0);
    /** Where the coordinates outside the plane stay. @type {{ z: number[], source: Mover | "zero" | "pin" }} */
    this.base = { z: this.z, source: "zero" };
    writeAll(root, "h3, dt, button.density", this.config.given_y);
    this.#begin();
    this.decoded = this.model.decode(this.z).slice();
    for (const change of /** @type {const} */ (["weights", "plane", "theme"])) this.note(change);
    for (const [name, Section] of Object.entries(SECTIONS)) new Section(find(root, `section.${name}`), this);
    // Points have nothing to draw: that section stays empty.
    for (const section of findAll(root, FOLDING)) if (section.children.length) letFold(section);
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

  /**
   * Words and formulas as they are said of this model.
   * @param {string} text
   */
  written(text) {
    return written(text, this.config.given_y);
  }

  /** Whether the prior is not N(0, I): then the KL has no closed form, and is not computed here. */
  get hasLearnedPrior() {
    return Boolean(this.config.components?.length);
  }

  /** Whether KL(q ‖ prior) has a closed form, and with it parts by dimension. */
  get hasKl() {
    return !this.isDeterministic && !this.hasLearnedPrior && !(this.config.config.encoder_head in SHAPES);
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
    const rounded = (/** @type {number[]} */ z) => z.map((value) => Math.round(value * 1e4) / 1e4);
    const pins = this.pins.map(rounded);
    this.send?.("settled", { run: this.config.run, z: rounded(this.z), pins, row });
  }

  /** Goes where the link says; points of another number of dimensions mean nothing here. */
  #begin() {
    const { start, config } = this.config;
    const fits = (/** @type {number[]} */ z) => z.length === config.latent_dim;
    this.pins = start.pins.filter(fits).slice(-MAX_PINS);
    if (fits(start.z)) {
      this.z = [...start.z];
      this.base = { z: this.z, source: "traversal" };
    }
    if (this.pins.length) this.#rest();
  }

  /** What the labels are: "class", or what colours the plane in its place. */
  get labelTitle() {
    return this.config.colour?.title ?? "class";
  }

  /**
   * The name of a label, "" for one below 0.
   * @param {number} label
   */
  className(label) {
    return label < 0 ? "" : (this.config.class_names[label] ?? String(label));
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
    /** @type {Set<Change>} */
    const changes = this.#changes.size ? this.#changes : new Set(["frame"]);
    this.#changes = new Set();
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
      decodeMs: median(this.#times).toFixed(3),
    });
  }

  destroy() {
    this.#frames.stop();
    for (const ending of this.#endings) ending();
  }
}
