/** A sheet to draw an input on: its posterior, its reconstruction and the two terms at the posterior's mean. */

import { channelsOf, greyOf, PixelCanvas } from "../shared/pixels.js";
import { newButton, newElement } from "../shared/mount.js";
import { fixed } from "../shared/numbers.js";
import { capture } from "../shared/pointer.js";
import { Ink } from "./ink.js";
import { floats } from "./npz.js";
import { pixelPicture, posteriorArrays } from "./saving.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("../shared/gaussian.js").Posterior} Posterior
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 *
 * A held-out example that was put on the sheet as it is.
 * @typedef {{ index: number, x: Float32Array }} Taken
 */

const MAX_SHEETS = 50;
const ERASER = 1.6;
const NOT_FINITE = "The encoder's outputs are not finite: this training has diverged.";
const NO_KL = " KL(q ‖ prior) has no closed form here: the page ELBO estimates it.";
const AT_MEAN = "The ELBO averages log p(x|z) over all z from q; here z is the mean of q.";

/** Hidden where the data are no images. */
export class DrawingPad {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    const shape = host.config.image_shape;
    root.hidden = !shape;
    this.sheet = shape && new DrawingSheet(root, host, shape);
  }
}

class DrawingSheet {
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
   * @param {number[]} shape
   */
  constructor(root, host, shape) {
    this.root = root;
    this.host = host;
    this.shape = shape;
    this.ink = new Ink(shape);
    const sheet = [this.ink.height, this.ink.width];
    const alt = "Drawing sheet, for mouse, pen or finger. The button Take a held-out image needs none.";
    this.pad = this.picture("pad", sheet, "Draw here", alt);
    this.seen = this.picture("seen", shape, "What the model sees", "The input as the model sees it");
    this.again = this.picture(
      "again",
      shape,
      host.written("Reconstruction E[x|z] at the mean"),
      "Reconstruction",
    );
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
    const clear = newButton("Clear", () => this.change(() => (this.ink = new Ink(this.shape))));
    const take = newButton("Take a held-out image", () => this.change(() => this.takeNext()));
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
    const title =
      "Moves and scales the drawing as the data set's own images are; a held-out image stays as it is.";
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
    return { x: ((clientX - left) / width) * this.shape[1], y: ((clientY - top) / height) * this.shape[0] };
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
    this.ink.put(greyOf(x, this.shape));
    this.numTaken += 1;
  }

  /**
   * Encodes what is on the sheet.
   * @param {boolean} moves Whether z goes to the posterior's mean.
   */
  read(moves) {
    const isEmpty = this.ink.measure() === null;
    this.input = this.taken?.x ?? (isEmpty ? null : this.drawn());
    const posterior = this.input && this.host.model.encode(this.input);
    this.isFinite = !posterior || [...posterior.mean, ...posterior.std].every(Number.isFinite);
    this.posterior = this.isFinite ? posterior : null;
    this.host.showPosterior(this.posterior);
    if (moves && this.posterior) this.host.setZ(this.posterior.mean, "drawing");
    this.show();
  }

  /** What the pen drew as an input: grey, in each colour the same. */
  drawn() {
    const grey = this.ink.input(this.fitted.checked);
    const channels = channelsOf(this.shape);
    return Float32Array.from({ length: grey.length * channels }, (_, at) => grey[Math.floor(at / channels)]);
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
    if (!this.input) return "Draw, or take a held-out image.";
    const isSampled = !this.host.hasKl && !this.host.isDeterministic;
    const atMean = `${this.host.written(AT_MEAN)}${isSampled ? NO_KL : ""}`;
    if (!this.taken) return atMean;
    const { index } = this.taken;
    const name = this.host.className(this.host.data.labels[index]);
    return `Held-out image ${index + 1}${name && `, ${this.host.labelTitle} ${name}`}, as it is. ${atMean}`;
  }

  showTerms() {
    this.terms.replaceChildren();
    const { input, posterior, host } = this;
    if (!posterior || !input) return;
    const reconstruction = host.model.logLikelihood(input, posterior.mean);
    this.addTerm("reconstruction", host.written("log p(x|z) at the mean"), reconstruction);
    if (!host.hasKl) return;
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
    if (values) picture.drawValues(values);
    else picture.context.clearRect(0, 0, picture.canvas.width, picture.canvas.height);
  }
}
