// Traversals: a slider for every latent dimension, the most used first, each with what the decoder makes of its range.

const FEW_ROWS = 8;
const SWEEP_MS = 4000;
const SWEEP_FRAME_MS = 50;
const GESTURE_MS = 1000;
const MAX_UNDOS = 100;

class Traversal {
  constructor(root, host) {
    Object.assign(this, { root, host, kind: "prior", undos: [], rows: new Map(), turn: 0, visible: true });
    this.build();
    this.arrange();
    host.offers.push(() => this.offers());
    host.onChange((_, change) => {
      if (change === "weights") this.arrange();
      this.follow(change);
    });
    new IntersectionObserver((entries) => {
      this.visible = entries.at(-1).isIntersecting;
      host.invalidate();
    }).observe(root);
  }

  offers() {
    const { failure, isImage } = this.host;
    if (failure) return [{ title: "Traversals", hint: failure }];
    return isImage ? this.matrixOffer() : this.shown.map((row) => this.pathOffer(row));
  }

  build() {
    const button = (textContent, onclick) => newElement("button", { type: "button", textContent, onclick });
    this.zero = button("All to 0", () => this.move(this.host.z.map(() => 0)));
    this.undo = button("Undo", () => this.host.setZ(this.undos.pop(), "traversal"));
    this.matrixButton = button("All dimensions", () => this.change({ matrixOn: !this.matrixOn }));
    this.more = button("", () => this.change({ all: !this.all }));
    this.here = newElement("canvas", { className: "here" });
    this.here.setAttribute("role", "img");
    this.here.setAttribute("aria-label", "Decoded at z");
    const tools = newElement("div", { className: "bar" });
    tools.append(this.here, this.rangeChoice(), this.zero, this.undo, this.matrixButton);
    this.list = newElement("div", { className: "dimensions" });
    this.matrix = new TraversalMatrix(newElement("canvas", { className: "matrix" }));
    this.matrix.canvas.setAttribute("role", "img");
    this.matrix.canvas.onclick = ({ offsetX, offsetY }) => this.chooseCell({ x: offsetX, y: offsetY });
    const title = newElement("h3", { textContent: "Traversal: move one latent dimension, the others stay" });
    this.root.replaceChildren(title, tools, this.list, this.more, this.matrix.canvas);
    this.root.classList.toggle("points", !this.host.config.image_shape);
  }

  rangeChoice() {
    const field = newElement("fieldset");
    field.append(newElement("legend", { textContent: "Range" }));
    const choices = { prior: "prior: 0 ± 3 std", aggregate: "aggregate posterior: mean ± 3 std" };
    for (const [value, text] of Object.entries(choices)) {
      const input = newElement("input", { type: "radio", name: "traversal-range", value });
      input.checked = value === this.kind;
      input.onchange = () => this.change({ kind: value });
      const label = newElement("label");
      label.append(input, text);
      field.append(label);
    }
    return field;
  }

  change(settings) {
    Object.assign(this, settings);
    this.arrange();
    this.host.invalidate();
  }

  // Order, ranges and names by the weights of now. Rows stay in place while one of them has the focus.
  arrange() {
    const { config, data } = this.host;
    const latentDim = config.config.latent_dim;
    const known = config.config.encoder_head !== "deterministic";
    const kl = (dim) => (known ? (config.kl_per_dim[dim] ?? NaN) : null);
    const byUse = [...Array(latentDim).keys()].sort((a, b) => (kl(b) || 0) - (kl(a) || 0) || a - b);
    if (!this.order || !this.list.contains(this.root.getRootNode().activeElement)) this.order = byUse;
    const count = this.matrixOn ? MATRIX_ROWS : this.all ? latentDim : FEW_ROWS;
    this.shown = this.order.slice(0, count).map((dim) => this.row(dim));
    for (const row of this.shown) row.describe(rangeOf(data, row.dim, this.kind), kl(row.dim));
    const elements = this.shown.map(({ element }) => element);
    if (elements.some((element, k) => element !== this.list.children[k])) this.list.replaceChildren(...elements);
    while (this.list.children.length > elements.length) this.list.lastChild.remove();
    this.showTools(latentDim);
  }

  row(dim) {
    if (!this.rows.has(dim)) this.rows.set(dim, new SliderRow(this, dim));
    return this.rows.get(dim);
  }

  showTools(latentDim) {
    const images = this.host.config.image_shape !== null;
    this.list.hidden = Boolean(this.matrixOn);
    this.matrix.canvas.hidden = !this.matrixOn;
    this.matrixButton.hidden = this.here.hidden = !images;
    this.matrixButton.setAttribute("aria-pressed", String(Boolean(this.matrixOn)));
    this.more.hidden = Boolean(this.matrixOn) || latentDim <= FEW_ROWS;
    this.more.textContent = this.all ? `Show the ${FEW_ROWS} most used` : `Show all ${latentDim}`;
  }

  // A change by hand: at most one step back for each gesture.
  slide(dim, value) {
    const now = performance.now();
    const isSame = this.gesture?.dim === dim && now - this.gesture.at < GESTURE_MS;
    this.gesture = { dim, at: now };
    if (this.playing?.dim === dim) this.playing = null;
    this.move(this.host.z.map((old, i) => (i === dim ? value : old)), !isSame);
  }

  move(z, keeps = true) {
    if (keeps) this.keep();
    this.host.setZ(z, "traversal");
  }

  keep() {
    this.undos = [...this.undos, [...this.host.z]].slice(-MAX_UNDOS);
  }

  chooseCell(place) {
    const cell = this.matrix.cell(place, this.shown.length);
    if (!cell) return;
    const { dim, range } = this.shown[cell.row];
    this.slide(dim, spread(range, STRIP_VALUES)[cell.column]);
  }

  togglePlay(dim) {
    if (this.playing?.dim === dim) this.playing = null;
    else {
      this.playing = { dim, direction: 1, value: this.host.z[dim] };
      this.keep();
    }
    this.host.invalidate();
  }

  // There and back through the range; whoever else moves the dimension takes it over.
  sweep() {
    const { playing, host } = this;
    if (!playing || playing.last === host.now) return;
    if (host.z[playing.dim] !== playing.value) {
      this.playing = null;
      return;
    }
    const [low, high] = this.rows.get(playing.dim).range;
    const passed = Math.min(host.now - (playing.last ?? host.now), SWEEP_FRAME_MS);
    const next = playing.value + (playing.direction * passed * (high - low)) / SWEEP_MS;
    if (next <= low || next >= high) playing.direction = next >= high ? -1 : 1;
    Object.assign(playing, { last: host.now, value: clamp(next, low, high) });
    host.setZ(host.z.map((old, i) => (i === playing.dim ? playing.value : old)), "traversal");
  }

  follow(change) {
    this.sweep();
    this.undo.disabled = this.undos.length === 0;
    for (const row of this.shown) row.show(this.host.z[row.dim], this.playing?.dim === row.dim);
    if (!this.visible) return;
    const made = this.refreshOne();
    this.drawHere();
    for (const { strip } of this.shown) strip.paint(this.host.theme);
    if (this.matrixOn && (made || change !== "frame")) this.drawMatrix();
  }

  // One strip a frame, in turn, so that decoding under a moving pointer never waits for all of them.
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

  drawHere() {
    const shape = this.host.config.image_shape;
    if (!shape) return;
    const bytes = Uint8ClampedArray.from(this.host.decoded, (value) => value * 255);
    Object.assign(this.here, { width: shape[1], height: shape[0] });
    this.here.getContext("2d").drawImage(pictureSheet(bytes, shape, 1), 0, 0);
  }

  // As wide as it can be, whatever the page leaves it.
  matrixOffer() {
    const { matrix } = this;
    const size = matrix.measure(this.shown, Infinity);
    if (!size) return [];
    const held = { holds: "dims, z, x", arrays: () => this.matrixArrays() };
    const draw = (paper) => {
      drawOnPaper(matrix, "canvas", paper, () => this.drawMatrix());
      if (this.matrixOn) this.drawMatrix();
    };
    const width = MATRIX_NAME + size.width;
    return [{ title: "Traversals", file: "traversals", width, height: size.height, draw, ...held }];
  }

  // A row for each dimension that is shown, named from 1; a column for each value.
  matrixArrays() {
    const { model, z } = this.host;
    const places = this.shown.flatMap(({ dim, range }) => placesAlong({ z, dim, range }, STRIP_VALUES));
    const { z: ways, x } = placesArrays(model, places);
    const apart = ({ values, shape }) => floats(values, [this.shown.length, STRIP_VALUES, shape[1]]);
    return { dims: integers(this.shown.map(({ dim }) => dim + 1)), z: apart(ways), x: apart(x) };
  }

  pathOffer({ dim, range, strip }) {
    const { clientWidth: width, clientHeight: height } = strip.canvas;
    const draw = (paper) => drawOnPaper(strip, "canvas", paper, () => strip.paint(this.host.theme));
    const { model, z } = this.host;
    const held = { holds: "z, x", arrays: () => placesArrays(model, placesAlong({ z, dim, range }, PATH_VALUES)) };
    return { title: `Path along ${zName(dim)}`, file: `path-z${dim + 1}`, width, height, draw, ...held };
  }

  drawMatrix() {
    const heads = spread([-3, 3], STRIP_VALUES).map((value) => fixed(value, 2));
    this.matrix.draw(this.host.theme, this.shown, heads, this.kind === "prior" ? "z" : "std from mean");
  }
}
