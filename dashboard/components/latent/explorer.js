// The latent explorer: one z for all rooms of the element, decoded once per frame, drawn only when something changed.
// A room is a class constructed with (its section, the explorer); it asks to be told by `onChange`.

const explorers = new WeakMap();
const MAX_PINS = 2;
const TIMES_KEPT = 100;
// Who moves z within the plane or between pins; whoever else moves it also says where the other coordinates stay.
const PASSERS = new Set(["pointer", "keys", "play"]);

class Explorer {
  constructor(root, bytes) {
    this.root = root;
    this.blank = root.cloneNode(true);
    this.listeners = [];
    // What can be saved, a function for each room: a list of { title, file } with { width, height, draw(paper) },
    // { table() } or { holds, arrays() }, all of now; { title, hint } where something has to be done first.
    this.offers = [];
    this.changes = new Set();
    this.times = [];
    this.frames = 0;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.take(bytes);
    this.pins = [];
    this.z = new Array(this.config.config.latent_dim).fill(0);
    this.base = { z: this.z, source: "zero" };
    for (const [name, Room] of ROOMS) new Room(root.querySelector(`section.${name}`), this);
    this.resizes = new ResizeObserver(() => this.note("size"));
    this.resizes.observe(root);
    this.sights = new IntersectionObserver((entries) => {
      this.hidden = !entries.at(-1).isIntersecting;
      this.invalidate();
    });
    this.sights.observe(root);
  }

  // fn(z, source) runs in a frame after z moved (source as given to `setZ`) or for "weights", "plane", "pins",
  // "theme", "size"; "frame" when a room asked for a frame by `invalidate`.
  onChange(fn) {
    this.listeners.push(fn);
  }

  setZ(z, source) {
    this.z = Array.from(z);
    if (!PASSERS.has(source)) this.base = { z: this.z, source };
    this.note(source);
  }

  // Moves z in the plane; the other coordinates are those of `base`.
  setPlace(place, source) {
    this.setZ(this.inPlane(place), source);
  }

  // The two dimensions of the plane, from 0; the same twice when J = 1.
  get axes() {
    return this.config.plane;
  }

  get isImage() {
    return this.config.image_shape !== null;
  }

  // Why nothing decoded can be shown or saved; null where it can.
  get failure() {
    return this.decoded.every(isFiniteNumber) ? null : this.root.querySelector(".bad").textContent;
  }

  // Tells the page which held-out datum was chosen by hand: one message a choice.
  choose(row) {
    this.send?.("datum", { row, run: this.config.run });
  }

  // A place of the plane as a point z.
  inPlane(place) {
    const z = [...this.base.z];
    z[this.axes[1]] = place[1];
    z[this.axes[0]] = place[0];
    return z;
  }

  // How the decoded datum changes with one dimension, at z.
  push(axis) {
    return this.model.push(this.z, this.z.map((_, j) => Number(j === axis)));
  }

  zText() {
    const { z } = this;
    if (z.length === 1) return `z = ${fixed(z[0], 2)}`;
    if (z.length === 2) return `z = (${z.map((value) => fixed(value, 2)).join(", ")})`;
    return [...new Set(this.axes)].map((j) => `${nameOf(j)} = ${fixed(z[j], 2)}`).join(", ");
  }

  pin(z) {
    this.pins = [...this.pins, Array.from(z)].slice(-MAX_PINS);
    this.rest();
  }

  unpin() {
    if (!this.pins.length) return;
    this.pins = this.pins.slice(0, -1);
    this.rest();
  }

  // Where the coordinates outside the plane stay: at the newest pin, else at 0.
  rest() {
    const newest = this.pins.at(-1);
    this.base = newest ? { z: newest, source: "pin" } : { z: this.z.map(() => 0), source: "zero" };
    this.note("pins");
  }

  // q(z|x) of something that is no held-out datum, to be drawn in the plane; null takes it away.
  showPosterior(posterior) {
    this.posterior = posterior;
    this.note("posterior");
  }

  note(change) {
    this.changes.add(change);
    this.invalidate();
  }

  invalidate() {
    if (!this.hidden) this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }

  update(bytes) {
    this.pending = bytes;
    this.invalidate();
  }

  // A hidden tab gets no frames; out of sight the element asks for none.
  tick(now) {
    this.frame = 0;
    this.now = now;
    if (this.pending) this.take(this.pending);
    const changes = this.changes.size ? this.changes : new Set(["frame"]);
    this.changes = new Set();
    this.decode();
    for (const change of changes) for (const tell of this.listeners) tell(this.z, change);
    this.report();
  }

  decode() {
    const start = performance.now();
    this.decoded = this.model.decode(this.z).slice();
    this.times.push(performance.now() - start);
    if (this.times.length > TIMES_KEPT) this.times.shift();
  }

  // What changed is noted in the order in which rooms can use it.
  take(bytes) {
    this.pending = null;
    const meta = readMeta(bytes);
    const old = this.config;
    this.config = meta;
    this.theme = readTheme(this.root, meta.palettes);
    this.root.style.setProperty("--decoded", this.theme.concepts.decoded);
    if (meta.hash !== old?.hash) this.takeWeights(readArrays(bytes, meta));
    if (meta.plane.join() !== old?.plane.join()) this.note("plane");
    this.note("theme");
  }

  takeWeights(arrays) {
    this.model = new Model(this.config.config, arrays.decoder, arrays.encoder);
    this.data = new HeldOut(this.config, arrays);
    this.note("weights");
  }

  report() {
    this.frames++;
    Object.assign(this.root.dataset, {
      z: this.z.join(","),
      hash: this.config.hash,
      step: this.config.step,
      frames: this.frames,
      pins: this.pins.length,
      decodeMs: median(this.times).toFixed(3),
    });
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.frame = -1;
    this.resizes.disconnect();
    this.sights.disconnect();
  }
}

// Another run has other sizes, classes and data: everything starts afresh, from the element as it was delivered.
function explorerFor(parentElement, bytes) {
  const root = parentElement.querySelector(".explorer");
  const explorer = explorers.get(parentElement);
  if (explorer?.root === root && explorer.config.run === readMeta(bytes).run) {
    explorer.update(bytes);
    return explorer;
  }
  explorer?.destroy();
  const fresh = explorer?.root === root ? explorer.blank.cloneNode(true) : root;
  if (fresh !== root) root.replaceWith(fresh);
  const next = new Explorer(fresh, bytes);
  explorers.set(parentElement, next);
  return next;
}

export default function ({ data, parentElement, setTriggerValue }) {
  explorerFor(parentElement, data).send = setTriggerValue;
  return () => {
    explorers.get(parentElement)?.destroy();
    explorers.delete(parentElement);
  };
}
