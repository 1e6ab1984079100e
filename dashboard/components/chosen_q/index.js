/** A q that is dragged by hand or moves to the best one by gradient ascent; nothing is sent to the server. */

import { jsonOf } from "../shared/arrays.js";
import { Frames } from "../shared/frames.js";
import { elementOf, find, findCanvas, newElement } from "../shared/mount.js";
import { fixed } from "../shared/numbers.js";
import { listen } from "../shared/pointer.js";
import { readTheme } from "../shared/theme.js";
import { Decomposition } from "./decomposition.js";
import { Components, NoisyMixture } from "./free_energy.js";
import { DensityCurve, DensityPlane, ProbabilityBars } from "./pictures.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./free_energy.js").Terms} Terms
 *
 * @typedef {(import("./free_energy.js").ComponentsMessage | import("./free_energy.js").NoisyMixtureMessage)
 *   & { palettes: import("../shared/theme.js").Palettes }} Message
 */

/**
 * @template Q
 * @typedef {object} Model
 * @property {number} logEvidence
 * @property {(q: Q) => Terms} terms
 * @property {(q: Q) => Iterator<Q, void, void>} ascent The path from q to the best one.
 * @property {(q: Q) => number} [ratio]
 * @property {(q: Q) => number[]} [residuals]
 */

/**
 * @template Q
 * @template M
 * @typedef {object} Picture
 * @property {(model: M) => Q} start
 * @property {(model: M) => import("./pictures.js").Slider<Q>[]} sliders
 * @property {(canvas: HTMLCanvasElement, theme: Theme, model: M, q: Q) => void} draw
 * @property {(at: Point, q: Q) => number} grab
 * @property {(at: Point, q: Q, held: number) => Q} drag
 */

/**
 * A model, how its q is drawn, and where q is.
 * @template Q
 * @template {Model<Q>} M
 */
class Scene {
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

  residuals() {
    return this.model.residuals?.(this.q);
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
}

/** @typedef {Scene<number[], Components> | Scene<import("./free_energy.js").Gaussian, NoisyMixture>} AnyScene */

/**
 * @param {Message} message
 * @returns {AnyScene}
 */
function sceneOf(message) {
  if (message.kind === "components") return new Scene(new Components(message), new ProbabilityBars());
  return new Scene(
    new NoisyMixture(message),
    message.kind === "line" ? new DensityCurve() : new DensityPlane(),
  );
}

const STEP_MS = 33;
// Residuals below this are written as 0.00.
const STATIONARY = 0.005;

/** @param {number} value */
const signedText = (value) =>
  value === Infinity ? "∞" : `${value >= STATIONARY ? "+" : ""}${fixed(value, 2)}`;

class ChosenQ {
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
    this.stationary = find(root, ".stationary");
    this.best = find(root, ".best");
    this.decomposition = new Decomposition(root);
    this.frames = new Frames((now) => this.tick(now));
    this.frames.watchSizes([this.canvas], () => this.frames.request());
    this.connect();
  }

  connect() {
    /** @type {number | null} */
    let held = null;
    const drag = (/** @type {Point} */ at, /** @type {Point} */ start) => {
      if (!this.scene) return;
      this.halt();
      held ??= this.scene.grab(start);
      this.scene.drag(at, held);
      this.show();
    };
    const leave = () => {
      held = null;
    };
    const drop = (/** @type {Point} */ at, /** @type {Point} */ start) => {
      drag(at, start);
      leave();
    };
    listen(this.canvas, { hover: () => {}, drag, drop, leave });
    this.best.onclick = () => (this.scene?.ascending ? this.halt() : this.ascend());
    find(this.root, ".back").onclick = () => {
      this.halt();
      this.clear();
      this.scene?.restart();
      this.show();
    };
  }

  /** @param {Uint8Array} data */
  update(data) {
    /** @type {Message} */
    const message = jsonOf(data);
    this.theme = readTheme(this.root, message.palettes);
    this.root.dataset.kind = message.kind;
    this.stationary.hidden = !(message.kind === "components" && message.lagrange);
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
    if (!this.stationary.hidden) this.showStationary(scene);
    this.frames.request();
  }

  /**
   * The residual of the stationarity condition of each component.
   * @param {AnyScene} scene
   */
  showStationary(scene) {
    const residuals = scene.residuals() ?? [];
    find(this.stationary, ".gamma").textContent = fixed(1 - scene.model.logEvidence, 3);
    find(this.stationary, ".residuals").textContent = residuals.map(signedText).join(", ");
    const isStationary = residuals.every((value) => Math.abs(value) < STATIONARY);
    find(this.stationary, ".verdict").textContent = isStationary
      ? "(q is stationary: it is the posterior)"
      : "(a positive one asks for more mass, a negative one for less)";
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
    this.result.textContent =
      this.kind === "components"
        ? `q is the posterior: the gap is ${gap} nats and F = log p(x).`
        : `The best Gaussian from here still misses ${gap} nats: the approximation gap. ` +
          "Another start may end at another mode.";
  }

  destroy() {
    this.frames.stop();
  }
}

export default elementOf(".chosen", (root) => new ChosenQ(root));
