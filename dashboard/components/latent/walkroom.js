// The latent plane to walk in: the pointer, a finger or the keys move z; classes can be switched off.

const KEY_STEP = 0.1;
const FINE_KEY_STEP = 0.02;
const KEY_ZOOM = 0.8;
const CHOICE_PIXELS = 12;
const KEY_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const REDRAWS_MAP = new Set(["weights", "plane", "theme", "size", "view"]);
const OTHERS = {
  zero: "at 0",
  draw: "those of the drawing",
};

class WalkRoom {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    const find = (selector) => root.querySelector(selector);
    [this.hand, this.legend, this.density] = [".hand", ".legend", ".density"].map(find);
    this.density.onclick = () => this.switchDensity();
    this.others = host.root.querySelector(".others");
    this.map = new ClassMap(find(".map"), null, () => host.note("view"));
    this.overlay = new Overlay(this.hand, this.map);
    this.gestures = new Gestures(this.hand, this);
    this.hand.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && this.key(event)) event.preventDefault();
    });
    this.hand.addEventListener("focus", () => this.announce());
    host.onChange((z, source) => this.told(source));
    host.offers.push(() => [this.offer()]);
  }

  offer() {
    const { map, overlay, host } = this;
    const { clientWidth: width, clientHeight: height } = map.canvas;
    const draw = (paper) => {
      drawOnPaper(map, "canvas", paper, () => map.draw(host.theme, host.now));
      drawOnPaper(overlay, "canvas", paper, () => overlay.draw(host.theme, overlay.scene));
    };
    const held = { holds: "means, stds, labels, plane", arrays: () => this.arrays() };
    return { title: "Latent plane", file: "latent-plane", width, height, draw, ...held };
  }

  // q(z|x) of all held-out data that travelled here, and which dimensions are drawn, from 1.
  arrays() {
    const { data, axes } = this.host;
    const { means, stds, labels, latentDim } = data;
    const shape = [labels.length, latentDim];
    const plane = integers(axes.map((axis) => axis + 1));
    return { means: floats(means, shape), stds: floats(stds, shape), labels: integers(labels), plane };
  }

  told(source) {
    const { host } = this;
    if (source === "weights" || source === "plane") this.setMap();
    if (source === "theme") this.buildLegend();
    if (this.gliding || REDRAWS_MAP.has(source)) this.gliding = this.map.draw(host.theme, host.now);
    if (this.gliding) host.invalidate();
    const nearest = this.map.nearest(this.placeOfZ());
    host.nearest = nearest;
    this.overlay.draw(host.theme, {
      axes: host.axes,
      z: host.z,
      pins: host.pins,
      path: host.path,
      nearest: nearest === null ? null : host.data.posterior(nearest),
      posterior: host.posterior,
    });
    this.report();
  }

  setMap() {
    const { config, data, axes, now, calm } = this.host;
    const shown = {
      means: data.pairs(data.means, axes),
      stds: data.pairs(data.stds, axes),
      labels: data.labels,
      classNames: config.class_names,
      axes,
      latentDim: config.config.latent_dim,
    };
    const turned = axes.join() !== this.axes?.join();
    if (turned) this.map.view = null;
    this.axes = axes;
    // On a line and for a deterministic encoder there is no density over the plane.
    this.density.hidden = axes[0] === axes[1] || config.config.encoder_head === "deterministic";
    this.map.set(shown, now, turned || calm.matches);
    this.buildLegend();
  }

  buildLegend() {
    const { classes, hiddenClasses } = this.map;
    if (!classes) return;
    this.legend.hidden = classes.length < 2;
    while (this.legend.children.length > classes.length) this.legend.lastChild.remove();
    classes.forEach((label, k) => {
      const button = this.legend.children[k] ?? this.legend.appendChild(document.createElement("button"));
      button.textContent = this.map.className(label);
      button.dataset.shape = label < 8 ? 0 : Math.floor(label / 8) % 3;
      button.style.setProperty("--class", classColour(this.host.theme, label));
      button.setAttribute("aria-pressed", !hiddenClasses.has(label));
      button.onclick = () => this.switchClass(label);
    });
  }

  switchClass(label) {
    const { hiddenClasses } = this.map;
    if (!hiddenClasses.delete(label)) hiddenClasses.add(label);
    this.buildLegend();
    this.host.note("view");
  }

  switchDensity() {
    const { density } = this.map;
    density.isOn = !density.isOn;
    this.density.setAttribute("aria-pressed", density.isOn);
    this.host.note("view");
  }

  placeOfZ() {
    return this.host.axes.map((axis) => this.host.z[axis]);
  }

  point({ x, y }) {
    const { frame } = this.map;
    if (frame) this.host.setPlace([frame.x(x), frame.y(y)], "pointer");
  }

  pan(right, down) {
    this.map.panBy(right, down);
  }

  zoom(at, factor) {
    return this.map.zoomAbout(at, factor);
  }

  click(at) {
    this.point(at);
    this.before = { pins: this.host.pins, base: this.host.base };
    this.pin();
  }

  // Pins z; where the nearest datum lies under it, the page hears of that datum.
  pin() {
    this.host.pin(this.host.z);
    const place = this.placeOfZ();
    const row = this.map.nearest(place);
    if (row === null) return;
    const { px, py } = this.map.frame;
    const { mean } = this.host.data.posterior(row);
    const [across, up] = this.host.axes.map((axis) => mean[axis]);
    const rise = this.map.single ? 0 : py(up) - py(place[1]);
    if (Math.hypot(px(across) - px(place[0]), rise) <= CHOICE_PIXELS) this.host.choose(row);
  }

  // A double click: what its first click pinned is taken back.
  reset() {
    Object.assign(this.host, this.before);
    this.before = null;
    this.host.note("pins");
    this.map.look(null);
  }

  key({ key, shiftKey, repeat }) {
    const { host, map } = this;
    const move = KEY_MOVES[key];
    if (move) this.step(move, shiftKey ? FINE_KEY_STEP : KEY_STEP);
    else if (key === "Enter") !repeat && this.pin();
    else if (key === "Delete" || key === "Backspace") host.unpin();
    else if (key === "0") map.look(null);
    else if (key === "+" || key === "=") this.zoomByKey(KEY_ZOOM);
    else if (key === "-") this.zoomByKey(1 / KEY_ZOOM);
    else if (key === " ") this.gestures.hold(true);
    else return false;
    return true;
  }

  step(move, size) {
    const place = this.placeOfZ().map((value, axis) => value + move[axis] * size);
    if (this.map.single) place[1] = place[0];
    this.host.setPlace(place, "keys");
    this.map.follow(this.placeOfZ());
    this.announce();
  }

  zoomByKey(factor) {
    const { px, py } = this.map.currentFrame();
    const [x, y] = this.placeOfZ();
    this.map.zoomAbout({ x: px(x), y: py(this.map.single ? 0 : y) }, factor);
  }

  // For screen readers, by keys only: a moving pointer would never stop talking.
  announce() {
    this.hand.setAttribute("aria-valuetext", this.host.zText());
    this.hand.setAttribute("aria-valuenow", this.placeOfZ()[0].toFixed(2));
  }

  report() {
    const { host, map } = this;
    const count = host.z.length - new Set(host.axes).size;
    const pinned = host.base.source === "pin" && `those of pin ${host.pins.length}`;
    const from = pinned || (OTHERS[host.base.source] ?? "as the sliders stand");
    const which = count === 1 ? "The other dimension is" : `The other ${count} dimensions are`;
    this.others.textContent = count ? `${which} ${from}.` : "";
    const { x0, x1, y0, y1, left, top, width, height } = map.frame;
    Object.assign(this.host.root.dataset, {
      view: [x0, x1, y0, y1].join(","),
      box: [left, top, width, height].join(","),
      nearest: host.nearest ?? "",
    });
  }
}
