// The latent plane: posterior means by class over the prior, with a view that glides, zooms and pans.

const classColour = (theme, label) => (label < 0 ? theme.text : theme.classes[label % theme.classes.length]);

// Ten colours times three shapes: the classes from 8 on differ from all others in two ways.
function addMark(context, label, x, y, radius) {
  const shape = label < 8 ? 0 : Math.floor(label / 8) % 3;
  context.moveTo(x + radius, y);
  if (shape === 0) return context.arc(x, y, radius, 0, 2 * Math.PI);
  if (shape === 1) return context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  context.moveTo(x, y - radius * 1.2);
  context.lineTo(x + radius * 1.2, y + radius);
  context.lineTo(x - radius * 1.2, y + radius);
  return context.closePath();
}

// Moves places that are closer than `room` pixels apart, half the way each, so that names can be read.
function spreadOut(places, room) {
  for (let round = 0; round < 8; round++) {
    for (const a of places) {
      for (const b of places) {
        const away = Math.hypot(a[0] - b[0], a[1] - b[1]);
        if (a === b || !(away < room)) continue;
        const push = (room - away) / 2 / (away || 1);
        const [dx, dy] = [(a[0] - b[0] || 1e-3) * push, (a[1] - b[1] || 1e-3) * push];
        a[0] += dx;
        a[1] += dy;
        b[0] -= dx;
        b[1] -= dy;
      }
    }
  }
}

class Plane {
  constructor(canvas, tip, invalidate) {
    this.canvas = canvas;
    this.tip = tip;
    this.invalidate = invalidate;
    this.places = new Tween();
    this.reach = new Tween();
    this.view = null;
    this.connect();
  }

  // data: means and stds (pairs, flat), labels, classNames, axes (0-based dimensions), latentDim.
  set(data, now, instant) {
    this.data = data;
    this.single = data.latentDim === 1;
    const pairs = this.single ? data.means.map((mean, i) => (i % 2 ? data.stds[i] : mean)) : data.means;
    this.classes = [...new Set(data.labels)].filter((label) => label >= 0).sort((a, b) => a - b);
    const middles = this.classes.flatMap((label) => this.middle(pairs, label));
    // By `set`: a call takes no 100 000 arguments.
    const places = new Float32Array(pairs.length + middles.length);
    places.set(pairs);
    places.set(middles, pairs.length);
    this.places.set(places, now, instant);
    const [firsts, seconds] = [0, 1].map((axis) => extent(pairs.filter((_, i) => i % 2 === axis)) ?? [0, 0]);
    const [low, high] = this.single ? firsts : (extent(pairs) ?? [0, 0]);
    const reach = Float32Array.of(Math.max(3.3, -low * 1.08, high * 1.08), Math.max(1.2, seconds[1] * 1.1));
    this.reach.set(reach, now, instant);
    this.describe(low, high);
  }

  middle(pairs, label) {
    const members = [...this.data.labels.keys()].filter((i) => this.data.labels[i] === label);
    return [0, 1].map((axis) => median(members.map((i) => pairs[2 * i + axis])));
  }

  className(label) {
    return this.data.classNames[label] ?? String(label);
  }

  describe(low, high) {
    const axes = this.titles().join(" against ");
    const count = `${this.data.labels.length} held-out data, ${this.classes.length} classes`;
    const text = `${axes}: posterior means of ${count}, from ${fixed(low, 1)} to ${fixed(high, 1)}`;
    this.canvas.setAttribute("aria-label", text);
  }

  titles() {
    const [first, second] = this.data.axes.map((axis) => `z${subscript(axis + 1)}`);
    return this.single ? [`posterior mean of ${first}`, "posterior std"] : [first, second];
  }

  frameAt(now) {
    const size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const box = plotBox(size, this.titles()[0]);
    const [reach, tallest] = this.reach.read(now);
    const { centre, zoom } = this.view ?? { centre: [0, this.single ? tallest / 2 : 0], zoom: 1 };
    if (!this.single) return squareFrame(box, centre, reach / zoom);
    const half = [reach / zoom, tallest / 2 / zoom];
    return makeFrame(box, ...[0, 1].map((axis) => [centre[axis] - half[axis], centre[axis] + half[axis]]));
  }

  // Returns whether it is still gliding.
  draw(theme, now) {
    const { context } = prepare(this.canvas);
    this.frame = this.frameAt(now);
    const [xTitle, yTitle] = this.titles();
    const xTicks = niceTicks(this.frame.x0, this.frame.x1, this.frame.width / 50);
    const yTicks = niceTicks(this.frame.y0, this.frame.y1, this.frame.height / 45);
    drawAxes(context, theme, this.frame, { xTicks, yTicks, xTitle, yTitle });
    clipTo(context, this.frame);
    this.drawPrior(context, theme);
    this.shown = this.places.read(now);
    this.drawPoints(context, theme);
    this.drawNames(context, theme);
    const style = { colour: theme.concepts.prior, align: "left", base: "bottom", halo: 4 };
    write(context, theme, "prior: 1, 2, 3 std", this.frame.left + 5, this.frame.top + this.frame.height - 4, style);
    context.restore();
    this.tell(context, theme);
    return this.places.moving(now) || this.reach.moving(now);
  }

  drawPrior(context, theme) {
    const { px, py, left, top, width, height } = this.frame;
    context.beginPath();
    for (const deviations of this.single ? [-3, -2, -1, 1, 2, 3] : [1, 2, 3]) {
      if (this.single) {
        context.moveTo(px(deviations), top);
        context.lineTo(px(deviations), top + height);
      } else {
        context.moveTo(px(deviations), py(0));
        context.arc(px(0), py(0), px(deviations) - px(0), 0, 2 * Math.PI);
      }
    }
    if (this.single) {
      context.moveTo(left, py(1));
      context.lineTo(left + width, py(1));
    }
    stroke(context, theme.concepts.prior, { dash: [5, 4], width: 1.25 });
  }

  drawPoints(context, theme) {
    const { labels } = this.data;
    context.globalAlpha = 0.65;
    for (const label of [-1, ...this.classes]) {
      context.beginPath();
      for (let i = 0; i < labels.length; i++) {
        const [x, y] = [this.shown[2 * i], this.shown[2 * i + 1]];
        if (labels[i] === label && isFiniteNumber(x + y)) addMark(context, label, this.frame.px(x), this.frame.py(y), 3);
      }
      context.fillStyle = classColour(theme, label);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  drawNames(context, theme) {
    const first = 2 * this.data.labels.length;
    const place = (at) => [this.frame.px(this.shown[at]), this.frame.py(this.shown[at + 1])];
    const places = this.classes.map((_, k) => place(first + 2 * k));
    spreadOut(places, 17);
    this.classes.forEach((label, k) => {
      const style = { colour: classColour(theme, label), weight: 700, size: 18, halo: 5 };
      if (isFiniteNumber(places[k][0] + places[k][1])) write(context, theme, this.className(label), ...places[k], style);
    });
  }

  nearest({ x, y }, within = 16) {
    let best = null;
    let closest = within;
    for (let i = 0; i < this.data.labels.length; i++) {
      const away = Math.hypot(this.frame.px(this.shown[2 * i]) - x, this.frame.py(this.shown[2 * i + 1]) - y);
      if (away < closest) [best, closest] = [i, away];
    }
    return best;
  }

  tell(context, theme) {
    const i = this.pointer ? this.nearest(this.pointer) : null;
    if (i === null) return showTip(this.tip, "", 0, 0);
    const [x, y] = [this.frame.px(this.shown[2 * i]), this.frame.py(this.shown[2 * i + 1])];
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    stroke(context, theme.text, { width: 2 });
    const axes = this.single ? [0] : [0, 1];
    const pair = (values) => axes.map((axis) => fixed(values[2 * i + axis], 2)).join(", ");
    const name = this.data.labels[i] < 0 ? "" : `class ${this.className(this.data.labels[i])}\n`;
    return showTip(this.tip, `${name}mean ${pair(this.data.means)}\nstd ${pair(this.data.stds)}`, x, y - 10);
  }

  connect() {
    listen(this.canvas, {
      hover: (at) => this.point(at),
      leave: () => this.leave(),
      drag: (at, start) => this.pan(at, start),
      drop: () => (this.held = null),
      wheel: (at, factor) => this.zoomAbout(at, factor),
      reset: () => this.look(null),
    });
  }

  leave() {
    this.held = null;
    this.point(null);
  }

  look(view) {
    this.view = view;
    this.invalidate();
  }

  point(at) {
    this.pointer = at;
    this.invalidate();
  }

  zoomOf() {
    return this.view?.zoom ?? 1;
  }

  pan(at, start) {
    const { x0, x1, y0, y1, width, height } = this.frame;
    this.pointer = null;
    this.held ??= [(x0 + x1) / 2, (y0 + y1) / 2];
    const right = ((at.x - start.x) * (x1 - x0)) / width;
    const up = ((start.y - at.y) * (y1 - y0)) / height;
    const centre = [this.held[0] - right, this.held[1] - up];
    if (Math.hypot(at.x - start.x, at.y - start.y) > 3) this.look({ centre, zoom: this.zoomOf() });
  }

  // The place under the pointer stays where it is.
  zoomAbout(at, factor) {
    if (factor > 1 && this.view === null) return false;
    const zoom = clamp(this.zoomOf() / factor, 1, 100);
    const ratio = this.zoomOf() / zoom;
    const { x, y, x0, x1, y0, y1 } = this.frame;
    const centre = [x(at.x) + ((x0 + x1) / 2 - x(at.x)) * ratio, y(at.y) + ((y0 + y1) / 2 - y(at.y)) * ratio];
    this.look(zoom === 1 ? null : { centre, zoom });
    return true;
  }
}
