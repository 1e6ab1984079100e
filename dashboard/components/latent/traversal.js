/** Traversals: a slider for every latent dimension, the most used first, each with what the decoder makes of its range. */

import { PixelCanvas } from "../shared/pixels.js";
import { newButton, newElement } from "../shared/mount.js";
import { clamp, fixed, latentName, range, spread } from "../shared/numbers.js";
import { floats, integers } from "./npz.js";
import { drawOnPaper, placesArrays } from "./saving.js";
import { rangeOf, SliderRow } from "./slider_row.js";
import {
  MATRIX_NAME,
  MATRIX_ROWS,
  PATH_VALUES,
  placesAlong,
  STRIP_VALUES,
  TraversalMatrix,
} from "./strips.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("./explorer.js").Change} Change
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 *
 * @typedef {"prior" | "aggregate"} RangeKind
 * @typedef {{ dim: number, direction: 1 | -1, value: number, last: number | null }} Playing
 */

const FEW_ROWS = 8;
const SWEEP_MS = 4000;
const SWEEP_FRAME_MS = 50;
const GESTURE_MS = 1000;
const MAX_UNDOS = 100;
const NO_PARTS =
  "No KL beside the dimensions: to a learned prior, or of a q that is no Gaussian, it is no sum of parts.";
const RANGES = /** @type {const} */ ([
  ["prior", "prior: 0 ± 3 std"],
  ["aggregate", "aggregate posterior: mean ± 3 std"],
]);

export class Traversal {
  /** @type {RangeKind} */
  kind = "prior";
  all = false;
  matrixOn = false;
  /** @type {number[][]} */
  undos = [];
  /** @type {Map<number, SliderRow>} */
  rows = new Map();
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
    this.note = newElement("p", { className: "small", hidden: true });
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
    this.root.replaceChildren(title, tools, this.note, this.list, this.more, canvas);
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
      label.append(input, value === "prior" && this.host.hasLearnedPrior ? "0 ± 3" : text);
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
    const { config, data, isDeterministic, hasKl: hasParts } = this.host;
    const latentDim = config.config.latent_dim;
    this.note.hidden = hasParts || isDeterministic;
    this.note.textContent = NO_PARTS;
    const kl = (/** @type {number} */ dim) => (hasParts ? (config.kl_per_dim[dim] ?? NaN) : null);
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
    const within = /** @type {Document | ShadowRoot} */ (this.root.getRootNode());
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
    return this.host.z.map((old, i) => (i === dim ? value : old));
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
    const { dim, range } = this.shown[cell.row];
    this.slide(dim, spread(range, STRIP_VALUES)[cell.column]);
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
    // Told twice in a frame, or two frames with one time, which a busy machine makes: it goes on with the next.
    if (playing.last === host.now) return host.invalidate();
    if (host.z[playing.dim] !== playing.value) {
      this.playing = null;
      return;
    }
    const [low, high] = this.row(playing.dim).range;
    const passed = Math.min(host.now - (playing.last ?? host.now), SWEEP_FRAME_MS);
    const next = playing.value + (playing.direction * passed * (high - low)) / SWEEP_MS;
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
    this.image?.drawValues(this.host.decoded);
    for (const { strip } of this.shown) strip.paint(this.host.theme);
    if (this.matrixOn && (made || change !== "frame")) this.drawMatrix();
  }

  /** One strip a frame, in turn, so that decoding under a moving pointer never waits for all of them. */
  refreshOne() {
    const waiting = this.shown.filter(({ strip, range }) => strip.isStale(range));
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
    const draw = (/** @type {HTMLCanvasElement} */ paper) => {
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
    const places = this.shown.flatMap(({ dim, range }) => placesAlong(z, dim, range, STRIP_VALUES));
    const decoded = model.decodeAll(places);
    const byRow = (/** @type {ArrayLike<number>} */ values) =>
      floats(values, [this.shown.length, STRIP_VALUES, values.length / places.length]);
    const dims = integers(this.shown.map(({ dim }) => dim + 1));
    return { dims, z: byRow(places.flat()), x: byRow(decoded) };
  }

  /**
   * @param {SliderRow} row
   * @returns {Offer}
   */
  pathOffer({ dim, range, strip }) {
    const { host } = this;
    const { clientWidth: width, clientHeight: height } = strip.canvas;
    const draw = (/** @type {HTMLCanvasElement} */ paper) =>
      drawOnPaper(strip, "canvas", paper, () => strip.paint(host.theme));
    const arrays = () => placesArrays(host.model, placesAlong(host.z, dim, range, PATH_VALUES));
    const title = `Path along ${latentName(dim)}`;
    return { title, file: `path-z${dim + 1}`, picture: { width, height, draw }, holds: "z, x", arrays };
  }

  drawMatrix() {
    const heads = spread([-3, 3], STRIP_VALUES).map((value) => fixed(value, 2));
    this.matrix.draw(this.host.theme, this.shown, heads, this.kind === "prior" ? "z" : "std from mean");
  }
}
