// The board: one instance per place on the page, told of new data, drawing once per frame and only when needed.

const boards = new WeakMap();
const mounts = new Map();
const KINDS = {
  images: [DecodedGrid, PicturePairs],
  points: [DataPlane, DataPlane],
  lines: [CoordinateLines, CoordinateLines],
};
const NO_POSTERIOR = { elbo: "no bound: deterministic encoder", kl: "no KL: deterministic encoder" };

class Board {
  constructor(root, key) {
    this.root = root;
    mounts.set(key, (mounts.get(key) ?? 0) + 1);
    root.dataset.mounts = mounts.get(key);
    this.frame = 0;
    this.stale = new Set();
    this.views = {};
    const all = () => this.invalidate("charts", "plane", "grid", "pairs");
    this.views.charts = new CurveGroup(
      ["elbo", "reconstruction", "kl"].map((concept) => new Curve(root.querySelector(`.${concept}`), concept)),
      () => this.invalidate("charts"),
    );
    const [canvas, tip] = ["canvas", ".tip"].map((part) => root.querySelector(`.plane ${part}`));
    this.views.plane = new Plane(canvas, tip, () => this.invalidate("plane"));
    this.resizes = new ResizeObserver(all);
    for (const stage of root.querySelectorAll(".stage")) this.resizes.observe(stage);
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
  }

  update(payload) {
    this.pending = payload;
    this.invalidate("charts", "plane", "grid", "pairs");
  }

  invalidate(...names) {
    for (const name of names) this.stale.add(name);
    this.frame ||= requestAnimationFrame((now) => this.tick(now));
  }

  // A hidden tab gets no frames, so nothing is decoded or drawn for it.
  tick(now) {
    this.frame = 0;
    if (this.pending) this.take(this.pending, now);
    this.pending = null;
    const moving = [...this.stale].filter((name) => this.views[name].draw(this.theme, now));
    this.stale.clear();
    this.root.dataset.zoom = this.views.charts.zoomText;
    if (moving.length) this.invalidate(...moving);
  }

  take(bytes, now) {
    const payload = JSON.parse(new TextDecoder().decode(bytes));
    const fresh = this.payload?.run !== payload.run;
    this.payload = payload;
    this.theme = readTheme(this.root, payload.palettes);
    if (fresh) this.begin(payload);
    const columns = Object.entries(payload.history).map(([name, column]) => [name, floatsOf(column)]);
    this.views.charts.set(Object.fromEntries(columns), payload.deterministic ? NO_POSTERIOR : {});
    const instant = fresh || this.calm.matches;
    this.setPlane(payload, now, instant);
    this[`set_${payload.kind}`](payload, now, instant);
    Object.assign(this.root.dataset, { run: payload.run, step: payload.step, rows: payload.rows });
  }

  begin(payload) {
    this.views.charts.clear();
    this.views.plane.view = null;
    const [grid, pairs] = ["grid", "pairs"].map((name) => this.root.querySelector(`.${name} canvas`));
    const [Grid, Pairs] = KINDS[payload.kind];
    this.views.grid = new Grid(grid);
    this.views.pairs = new Pairs(pairs);
    const what = payload.kind === "images" ? "images" : "data";
    this.root.querySelector(".pairs h3").textContent = `Held-out ${what} and reconstructions`;
  }

  setPlane(payload, now, instant) {
    const data = {
      means: floatsOf(payload.means),
      stds: floatsOf(payload.stds),
      labels: new Int32Array(bytesOf(payload.labels).buffer),
      classNames: payload.class_names,
      axes: payload.plane,
      latentDim: payload.latent_dim,
    };
    this.views.plane.set(data, now, instant);
  }

  set_images(payload) {
    const shape = payload.image_shape;
    const [rows, columns] = payload.grid_shape;
    const axis = floatsOf(payload.grid_axis);
    this.views.grid.set({ bytes: bytesOf(payload.grid), shape, rows, columns, axis, axes: payload.plane });
    const [examples, reconstructions] = [payload.examples, payload.reconstructions].map(bytesOf);
    this.views.pairs.set({ examples, reconstructions, shape });
  }

  set_points(payload, now, instant) {
    const points = floatsOf(payload.examples);
    const [rows, columns] = payload.grid_shape;
    this.views.grid.set({ points, decoded: floatsOf(payload.grid), rows, columns }, now, instant);
    this.views.pairs.set({ points, decoded: floatsOf(payload.reconstructions), rows: null, columns: null }, now, instant);
  }

  set_lines(payload) {
    const points = floatsOf(payload.examples);
    this.views.grid.set({ points, decoded: floatsOf(payload.grid), dim: payload.data_dim });
    this.views.pairs.set({ points, decoded: floatsOf(payload.reconstructions), dim: payload.data_dim });
  }

  destroy() {
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
  }
}

export default function ({ data, key, parentElement }) {
  const root = parentElement.querySelector(".board");
  let board = boards.get(parentElement);
  if (board?.root !== root) {
    board?.destroy();
    board = new Board(root, key);
    boards.set(parentElement, board);
  }
  board.update(data);
  return () => {
    board.destroy();
    boards.delete(parentElement);
  };
}
