// What is drawn of the latent plane: the map (means, prior, names) and, above it, what moves every frame.

const DEVIATIONS = [1, 2];
const ABOVE_AXIS = 14;
const MANY_DATA = 2000;
const TOO_MANY_TO_GLIDE = 10_000;
const ROWS_AT_A_TIME = 500;

const nameOf = (axis) => `z${subscript(axis + 1)}`;

// The board's plane with switchable classes and a view that stays where it is when new data arrive.
class ClassMap extends Plane {
  hiddenClasses = new Set();
  density = new DensityLayer();

  connect() {}

  tell() {}

  set(data, now, instant) {
    const reach = this.reach.target?.[0];
    this.density.set(data);
    super.set(data, now, instant || data.labels.length > TOO_MANY_TO_GLIDE);
    if (!this.view || !reach) return;
    this.view.zoom *= this.reach.target[0] / reach;
    this.reach.set(this.reach.target, now, true);
  }

  drawPrior(context, theme) {
    this.density.draw(context, theme, this.frame, this.invalidate);
    super.drawPrior(context, theme);
  }

  // What is not a number is neither drawn nor near.
  drawPoints(context, theme) {
    const { labels } = this.data;
    const hides = (i) => this.hiddenClasses.has(i < labels.length ? labels[i] : this.classes[i - labels.length]);
    if (this.hiddenClasses.size) this.shown = this.shown.map((value, at) => (hides(at >> 1) ? NaN : value));
    if (labels.length > TOO_MANY_TO_GLIDE) return this.drawDots(context, theme);
    const radius = labels.length > MANY_DATA ? 1.75 : 3;
    context.globalAlpha = 0.65;
    for (const label of [-1, ...this.classes]) {
      context.beginPath();
      for (let i = 0; i < labels.length; i++) {
        if (labels[i] !== label || !isFiniteNumber(this.shown[2 * i])) continue;
        addMark(context, label, this.frame.px(this.shown[2 * i]), this.frame.py(this.shown[2 * i + 1]), radius);
      }
      context.fillStyle = classColour(theme, label);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  // A rectangle a datum: of so many, filling paths of circles would take longer than a frame. Some rows at a
  // time, so that no class covers all others.
  drawDots(context, theme) {
    const { labels } = this.data;
    context.globalAlpha = 0.5;
    for (let from = 0; from < labels.length; from += ROWS_AT_A_TIME) {
      for (const label of [-1, ...this.classes]) {
        context.fillStyle = classColour(theme, label);
        this.dotRows(context, label, from, Math.min(labels.length, from + ROWS_AT_A_TIME));
      }
    }
    context.globalAlpha = 1;
  }

  dotRows(context, label, from, to) {
    const { px, py } = this.frame;
    for (let i = from; i < to; i++) {
      if (this.data.labels[i] !== label || !isFiniteNumber(this.shown[2 * i])) continue;
      context.fillRect(px(this.shown[2 * i]) - 1, py(this.shown[2 * i + 1]) - 1, 2, 2);
    }
  }

  // Index of the datum whose mean is nearest, by the first coordinate alone on a line; null when none is shown.
  nearest([x, y]) {
    let best = null;
    let closest = Infinity;
    for (let i = 0; i < this.data.labels.length; i++) {
      const across = this.shown[2 * i] - x;
      const up = this.single ? 0 : this.shown[2 * i + 1] - y;
      const away = across * across + up * up;
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }

  currentFrame() {
    this.frame = this.frameAt(performance.now());
    return this.frame;
  }

  panBy(right, down) {
    const { x0, x1, y0, y1, width, height } = this.currentFrame();
    const centre = [(x0 + x1) / 2 - (right * (x1 - x0)) / width, (y0 + y1) / 2 + (down * (y1 - y0)) / height];
    this.look({ centre, zoom: this.zoomOf() });
  }

  zoomAbout(at, factor) {
    this.currentFrame();
    return super.zoomAbout(at, factor);
  }

  // Keeps a place in view that a key has moved out of it.
  follow([x, y]) {
    const { x0, x1, y0, y1 } = this.currentFrame();
    const inView = x >= x0 && x <= x1 && (this.single || (y >= y0 && y <= y1));
    if (!inView) this.look({ centre: [x, this.single ? (y0 + y1) / 2 : y], zoom: this.zoomOf() });
  }
}

// The posterior of one datum, pins, the path between them, and z.
class Overlay {
  constructor(canvas, map) {
    this.canvas = canvas;
    this.map = map;
  }

  // scene: axes, z, pins, path (places z or null), nearest and posterior ({ mean, std } or null).
  draw(theme, scene) {
    const { context } = prepare(this.canvas);
    this.frame = this.map.frame;
    this.scene = scene;
    clipTo(context, this.frame);
    if (scene.nearest) this.drawPosterior(context, theme, scene.nearest, theme.text);
    if (scene.posterior) this.drawPosterior(context, theme, scene.posterior, theme.concepts.posterior);
    if (scene.path) this.drawPath(context, theme);
    scene.pins.forEach((pin, k) => this.drawPin(context, theme, this.place(pin), k + 1));
    this.drawZ(context, theme, this.place(scene.z));
    context.restore();
  }

  // Pixels of a point z; on a line, z stands just above the axis.
  place(z) {
    const [first, second] = this.scene.axes;
    const { px, py, top, height } = this.frame;
    return [px(z[first]), this.map.single ? top + height - ABOVE_AXIS : py(z[second])];
  }

  // Ellipses at 1 and 2 standard deviations, to the scale of the axes; on a line, bars at the height of the std.
  drawPosterior(context, theme, { mean, std }, colour) {
    const [first, second] = this.scene.axes;
    const { px, py } = this.frame;
    const [x, y] = [px(mean[first]), py(this.map.single ? std[first] : mean[second])];
    context.beginPath();
    for (const k of DEVIATIONS) {
      const right = px(mean[first] + k * std[first]) - x;
      const up = this.map.single ? 0 : y - py(mean[second] + k * std[second]);
      context.moveTo(x + right, y);
      if (this.map.single) context.lineTo(x - right, y);
      else context.ellipse(x, y, right, up, 0, 0, 2 * Math.PI);
      if (this.map.single) for (const side of [-right, right]) this.drawTick(context, x + side, y);
    }
    stroke(context, theme.background, { width: 4, alpha: 0.7 });
    stroke(context, colour, { width: 1.75 });
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    stroke(context, theme.background, { width: 5 });
    stroke(context, colour, { width: 2 });
  }

  drawTick(context, x, y) {
    context.moveTo(x, y - 5);
    context.lineTo(x, y + 5);
  }

  drawPath(context, theme) {
    context.beginPath();
    for (const z of this.scene.path) context.lineTo(...this.place(z));
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.concepts.decoded, { width: 2 });
  }

  drawPin(context, theme, [x, y], number) {
    context.beginPath();
    context.arc(x, y, 10, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.background, { width: 2 });
    write(context, theme, String(number), x, y + 1, { weight: 700, size: 13, colour: theme.background });
  }

  drawZ(context, theme, [x, y]) {
    context.beginPath();
    if (this.map.single) {
      context.moveTo(x, this.frame.top);
      context.lineTo(x, this.frame.top + this.frame.height);
      stroke(context, theme.concepts.decoded, { width: 2 });
      context.beginPath();
    }
    context.arc(x, y, 7, 0, 2 * Math.PI);
    stroke(context, theme.text, { width: 6 });
    stroke(context, theme.background, { width: 3 });
    context.fillStyle = theme.concepts.decoded;
    context.fill();
  }
}
