/** The live training board: curves, latent plane, decoded grid and reconstructions, drawn only when something changed. */

import { floatsOf, integersOf, jsonOf } from "../shared/arrays.js";
import { Frames, prefersCalm } from "../shared/frames.js";
import { elementOf, find, findAll, findCanvas } from "../shared/mount.js";
import { Plane } from "../shared/plane.js";
import { readTheme } from "../shared/theme.js";
import { Curve } from "./curve.js";
import { CurveGroup } from "./curve_group.js";
import { decodedViews } from "./decoded_views.js";
import { CONCEPTS, NO_HISTORY } from "./history.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./decoded_views.js").DecodedViews} DecodedViews
 * @typedef {import("./decoded_views.js").View} View
 * @typedef {import("./history.js").Column} Column
 *
 * @typedef {object} Message What Python sends (`board_payload`); arrays are base64.
 * @property {string} run
 * @property {number} step
 * @property {number} rows Of the whole history.
 * @property {Record<Column, string>} history float32; only some of the rows of a long one.
 * @property {string[]} class_names
 * @property {boolean} deterministic Whether there is neither a bound nor a KL.
 * @property {import("../shared/theme.js").Palettes} palettes
 * @property {number[]} plane The two dimensions that are shown, from 0.
 * @property {number} latent_dim
 * @property {string} means float32, pairs.
 * @property {string} stds float32, pairs.
 * @property {string} labels int32
 * @property {"images" | "points" | "lines"} kind
 * @property {number} data_dim
 * @property {number[] | null} image_shape [height, width]
 * @property {string} examples uint8 for images, otherwise float32; the same for the next two.
 * @property {string} reconstructions
 * @property {string} grid
 * @property {number[]} grid_shape [rows, columns]
 * @property {string} grid_axis float32
 */

const NO_POSTERIOR = { elbo: "no bound: deterministic encoder", kl: "no KL: deterministic encoder" };

/** How often an element of each key was made: an element that is kept while data arrive counts 1. */
const mounts = new Map();

class Board {
  /** A message that no frame has taken yet. @type {Uint8Array | null} */
  pending = null;
  /** @type {Theme | null} */
  theme = null;
  /** @type {DecodedViews | null} */
  decoded = null;
  run = "";
  /** Views to be drawn in the next frame. @type {Set<View>} */
  stale = new Set();

  /**
   * @param {HTMLElement} root
   * @param {string} key
   */
  constructor(root, key) {
    this.root = root;
    mounts.set(key, (mounts.get(key) ?? 0) + 1);
    root.dataset.mounts = mounts.get(key);
    this.frames = new Frames((now) => this.tick(now));
    const curves = CONCEPTS.map((concept) => new Curve(find(root, `.${concept}`), concept));
    this.charts = new CurveGroup(curves, () => this.invalidate(this.charts));
    const redrawPlane = () => this.invalidate(this.plane);
    this.plane = new Plane(findCanvas(root, ".plane canvas"), find(root, ".plane .tip"), redrawPlane);
    this.plane.connect();
    this.frames.watchSizes(findAll(root, ".stage"), () => this.invalidateAll());
  }

  /** @param {Uint8Array} data */
  update(data) {
    this.pending = data;
    this.invalidateAll();
  }

  invalidateAll() {
    for (const view of this.views) this.stale.add(view);
    this.frames.request();
  }

  /** @param {View} view */
  invalidate(view) {
    this.stale.add(view);
    this.frames.request();
  }

  /** @returns {View[]} */
  get views() {
    const decoded = this.decoded ? [this.decoded.grid, this.decoded.pairs] : [];
    return [this.charts, this.plane, ...decoded];
  }

  /**
   * A hidden tab gets no frames, so nothing is decoded or drawn for it.
   * @param {number} now
   */
  tick(now) {
    if (this.pending) this.take(this.pending, now);
    this.pending = null;
    const { theme } = this;
    if (!theme) return;
    const moving = [...this.stale].filter((view) => view.draw(theme, now));
    this.stale = new Set(moving);
    this.root.dataset.zoom = this.charts.zoomText;
    if (moving.length) this.frames.request();
  }

  /**
   * @param {Uint8Array} data
   * @param {number} now
   */
  take(data, now) {
    /** @type {Message} */
    const message = jsonOf(data);
    const isFirst = this.decoded === null || this.run !== message.run;
    const instant = isFirst || prefersCalm();
    this.theme = readTheme(this.root, message.palettes);
    this.decoded = isFirst ? this.begin(message) : this.decoded;
    this.charts.set(historyOf(message), message.deterministic ? NO_POSTERIOR : {});
    this.plane.set(planeOf(message), now, instant);
    this.decoded?.set(message, now, instant);
    this.stale = new Set(this.views);
    const { run, step, rows } = message;
    Object.assign(this.root.dataset, { run, step, rows });
  }

  /**
   * Another run begins without the zoom of the last one, and may have data of another kind.
   * @param {Message} message
   */
  begin({ run, kind }) {
    this.run = run;
    this.charts.clear();
    this.plane.view = null;
    const what = kind === "images" ? "images" : "examples";
    find(this.root, ".pairs h2").textContent = `Held-out ${what} and reconstructions`;
    const [grid, pairs] = [".grid canvas", ".pairs canvas"].map((selector) =>
      findCanvas(this.root, selector),
    );
    return decodedViews(kind, grid, pairs);
  }

  destroy() {
    this.frames.stop();
  }
}

/** @param {Message} message */
function historyOf({ history }) {
  const columns = Object.entries(history).map(([name, column]) => [name, floatsOf(column)]);
  return { ...NO_HISTORY, ...Object.fromEntries(columns) };
}

/** @param {Message} message */
const planeOf = ({ means, stds, labels, class_names: classNames, plane: axes, latent_dim: latentDim }) => ({
  means: floatsOf(means),
  stds: floatsOf(stds),
  labels: integersOf(labels),
  classNames,
  axes,
  latentDim,
});

export default elementOf(".board", (root, { key }) => new Board(root, key));
