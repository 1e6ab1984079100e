/** The latent plane: the pointer, a finger or the keys move z; classes can be switched off. */

import { find, findCanvas } from "../shared/mount.js";
import { KEY_MOVES, listenToKeys } from "../shared/pointer.js";
import { classColour, shapeOf } from "../shared/class_marks.js";
import { ClassMap, Overlay } from "./class_map.js";
import { Gestures } from "./gestures.js";
import { floats, integers } from "./npz.js";
import { drawOnPaper } from "./saving.js";

/**
 * @typedef {import("../shared/frame.js").Point} Point
 * @typedef {import("./explorer.js").Change} Change
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 */

const KEY_STEP = 0.1;
const FINE_KEY_STEP = 0.02;
const KEY_ZOOM = 0.8;
const CHOICE_PIXELS = 12;
/** What draws the map anew. @type {Set<Change>} */
const REDRAWS_MAP = new Set(["weights", "plane", "theme", "size", "view"]);
/** Where the dimensions outside the plane stay, by who put them there. @type {Record<string, string>} */
const OTHERS = { zero: "at 0", drawing: "at the posterior mean of the drawing" };

export class PlaneSection {
  /** The plane that is shown. @type {readonly number[] | null} */
  axes = null;
  gliding = false;
  /** What the first click of a double click changes. @type {Pick<Explorer, "pins" | "base"> | null} */
  before = null;
  /** Whether keys moved z since the page last heard of it. */
  keyed = false;

  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    /** What coloured the plane last; nothing: the classes. @type {string | undefined} */
    this.colour = undefined;
    this.host = host;
    this.hand = findCanvas(root, ".hand");
    this.legend = find(root, ".legend");
    this.density = find(root, ".density");
    this.others = find(host.root, ".others");
    this.map = new ClassMap(findCanvas(root, ".map"), null, () => host.note("view"));
    this.overlay = new Overlay(this.hand, this.map);
    this.gestures = new Gestures(this.hand, this);
    this.density.onclick = () => this.switchDensity();
    listenToKeys(this.hand, (event) => this.key(event));
    this.hand.addEventListener("focus", () => this.announce());
    host.onChange((_, change) => this.told(change));
    host.onEnd(() => this.map.density.stop());
    host.offers.push(() => [this.offer()]);
  }

  /** @returns {Offer} */
  offer() {
    const { map, overlay, host } = this;
    const { clientWidth: width, clientHeight: height } = map.canvas;
    const draw = (/** @type {HTMLCanvasElement} */ paper) => {
      drawOnPaper(map, "canvas", paper, () => map.draw(host.theme, host.now));
      const { scene } = overlay;
      if (scene) drawOnPaper(overlay, "canvas", paper, () => overlay.draw(host.theme, scene));
    };
    const held = { holds: "means, stds, labels, plane", arrays: () => this.arrays() };
    return { title: "Latent plane", file: "latent-plane", picture: { width, height, draw }, ...held };
  }

  /** q(z|x) of all held-out examples that were sent, and which dimensions are drawn, from 1. */
  arrays() {
    const { data, axes } = this.host;
    const { means, stds, labels, latentDim } = data;
    const shape = [labels.length, latentDim];
    const plane = integers(axes.map((axis) => axis + 1));
    return { means: floats(means, shape), stds: floats(stds, shape), labels: integers(labels), plane };
  }

  /** @param {Change} change */
  told(change) {
    const { host } = this;
    if (change === "weights" || change === "plane") this.setMap();
    if (change === "theme") this.buildLegend();
    if (this.gliding || REDRAWS_MAP.has(change)) this.gliding = this.map.draw(host.theme, host.now);
    if (this.gliding) host.invalidate();
    const { axes, z, pins, path, posterior } = host;
    const nearest = this.map.nearest(this.placeOfZ());
    host.nearest = nearest;
    const about = nearest === null ? null : host.data.posterior(nearest);
    this.overlay.draw(host.theme, { axes, z, pins, path, nearest: about, posterior });
    this.report();
  }

  setMap() {
    const { config, data, axes, now } = this.host;
    const shown = {
      means: data.pairs(data.means, axes),
      stds: data.pairs(data.stds, axes),
      covariances: data.covariances(axes),
      components: config.components,
      labels: data.labels,
      classNames: config.class_names,
      what: config.colour?.title,
      ends: config.colour?.ends,
      axes,
      latentDim: config.config.latent_dim,
    };
    if (config.colour?.title !== this.colour) this.map.hiddenClasses.clear();
    this.colour = config.colour?.title;
    const turned = axes.join() !== this.axes?.join();
    if (turned) this.map.view = null;
    this.axes = axes;
    // On a line and for a deterministic encoder there is no density over the plane.
    this.density.hidden = axes[0] === axes[1] || this.host.isDeterministic;
    this.map.set(shown, now, turned || this.host.isCalm);
    this.buildLegend();
  }

  buildLegend() {
    const { classes, hiddenClasses } = this.map;
    // Numbers have a colour bar instead.
    this.legend.hidden = classes.length < 2 || Boolean(this.map.data.ends);
    while (this.legend.children.length > classes.length) this.legend.lastChild?.remove();
    while (this.legend.children.length < classes.length) {
      this.legend.append(document.createElement("button"));
    }
    this.legend.querySelectorAll("button").forEach((button, k) => {
      const label = classes[k];
      button.textContent = this.map.className(label);
      button.dataset.shape = String(shapeOf(label));
      button.style.setProperty("--class", classColour(this.host.theme, label));
      button.setAttribute("aria-pressed", String(!hiddenClasses.has(label)));
      button.onclick = () => this.switchClass(label);
    });
  }

  /** @param {number} label */
  switchClass(label) {
    const { hiddenClasses } = this.map;
    if (!hiddenClasses.delete(label)) hiddenClasses.add(label);
    this.buildLegend();
    this.host.note("view");
  }

  switchDensity() {
    const { density } = this.map;
    density.isOn = !density.isOn;
    this.density.setAttribute("aria-pressed", String(density.isOn));
    this.host.note("view");
  }

  placeOfZ() {
    return this.host.axes.map((axis) => this.host.z[axis]);
  }

  /** @param {Point} at */
  point({ x, y }) {
    const frame = this.map.frame ?? this.map.currentFrame();
    this.host.setPlace([frame.x(x), frame.y(y)], "pointer");
  }

  /** @param {Point} moved */
  pan(moved) {
    this.map.panBy(moved);
  }

  /**
   * @param {Point} at
   * @param {number} factor
   */
  zoom(at, factor) {
    return this.map.zoomAbout(at, factor);
  }

  /** @param {Point} at */
  click(at) {
    this.point(at);
    this.before = { pins: this.host.pins, base: this.host.base };
    this.pin();
  }

  /** Pins z; where the nearest example lies under it, the page hears of that example, too. */
  pin() {
    this.host.pin(this.host.z);
    this.host.settle(this.exampleUnderZ());
  }

  unpin() {
    this.host.unpin();
    this.host.settle();
  }

  /** Row of the nearest example, where its mean lies under z; else null. */
  exampleUnderZ() {
    const place = this.placeOfZ();
    const row = this.map.nearest(place);
    if (row === null) return null;
    const { px, py } = this.map.frame ?? this.map.currentFrame();
    const { mean } = this.host.data.posterior(row);
    const [across, up] = this.host.axes.map((axis) => mean[axis]);
    const rise = this.map.single ? 0 : py(up) - py(place[1]);
    return Math.hypot(px(across) - px(place[0]), rise) <= CHOICE_PIXELS ? row : null;
  }

  rest() {
    this.host.settle();
  }

  /** Who moved z by keys and goes elsewhere has come to rest. */
  leave() {
    if (this.keyed) this.host.settle();
    this.keyed = false;
  }

  /** A double click: what its first click pinned is taken back. */
  reset() {
    if (this.before) Object.assign(this.host, this.before);
    this.before = null;
    this.host.note("pins");
    this.host.settle();
    this.map.look(null);
  }

  /** @param {KeyboardEvent} event */
  key({ key, shiftKey, repeat }) {
    const { map } = this;
    const move = KEY_MOVES[key];
    if (move) this.step(move, shiftKey ? FINE_KEY_STEP : KEY_STEP);
    else if (key === "Enter") {
      if (!repeat) this.pin();
    } else if (key === "Delete" || key === "Backspace") this.unpin();
    else if (key === "0") map.look(null);
    else if (key === "+" || key === "=") this.zoomByKey(KEY_ZOOM);
    else if (key === "-") this.zoomByKey(1 / KEY_ZOOM);
    else if (key === " ") this.gestures.hold(true);
    else return false;
    return true;
  }

  /**
   * @param {readonly number[]} move
   * @param {number} size
   */
  step(move, size) {
    const place = this.placeOfZ().map((value, axis) => value + move[axis] * size);
    if (this.map.single) place[1] = place[0];
    this.host.setPlace(place, "keys");
    this.keyed = true;
    this.map.follow(this.placeOfZ());
    this.announce();
  }

  /** @param {number} factor */
  zoomByKey(factor) {
    const { px, py } = this.map.currentFrame();
    const [x, y] = this.placeOfZ();
    this.map.zoomAbout({ x: px(x), y: py(this.map.single ? 0 : y) }, factor);
  }

  /** For screen readers, by keys only: a moving pointer would never stop talking. */
  announce() {
    this.hand.setAttribute("aria-valuetext", this.host.zText());
    this.hand.setAttribute("aria-valuenow", this.placeOfZ()[0].toFixed(2));
  }

  report() {
    const { host, map } = this;
    const count = host.z.length - host.distinctAxes.length;
    const { source } = host.base;
    const where =
      source === "pin" ? `at pin ${host.pins.length}` : (OTHERS[source] ?? "as the sliders stand");
    const which = count === 1 ? "The other dimension is" : `The other ${count} dimensions are`;
    this.others.textContent = count ? `${which} ${where}.` : "";
    const { x0, x1, y0, y1, left, top, width, height } = map.frame ?? map.currentFrame();
    Object.assign(host.root.dataset, {
      view: [x0, x1, y0, y1].join(","),
      box: [left, top, width, height].join(","),
      nearest: host.nearest ?? "",
    });
  }
}
