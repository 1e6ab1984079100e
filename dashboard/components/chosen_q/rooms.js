// What is dragged: q as bars over components, as a curve over a line, as an ellipse in a plane.

const HALF = 5;
const NEAR = 26;
const NARROWEST = 0.05;
const WIDEST = 3;
const REST = 1 - 1e-9;

const roundTo = (value, step) => Math.round(value / step) * step;

function knob(context, theme, x, y, colour, radius = 9) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  stroke(context, theme.background, { width: 3 });
}

// q over components: a bar is dragged up and down, the others keep their proportions.
class BarsRoom {
  start(model) {
    return model.weights.map(() => 1 / model.weights.length);
  }

  sliders(model) {
    return model.weights.map((_, k) => ({
      label: `q(component ${k + 1})`,
      range: [0, 1, 0.01],
      read: (q) => q[k],
      write: (q, value) => this.with(q, k, value),
    }));
  }

  with(q, k, value) {
    const share = clamp(value, 0, 1);
    const rest = q.reduce((sum, other, at) => sum + (at === k ? 0 : other), 0);
    const others = q.length - 1;
    const scaled = (other) => (rest > 1 - REST ? (other / rest) * (1 - share) : (1 - share) / others);
    return q.map((other, at) => (at === k ? share : scaled(other)));
  }

  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = makeFrame(plotBox(size, "component", 26), [0.4, q.length + 0.6], [0, 1]);
    const xTicks = q.map((_, k) => ({ value: k + 1, text: String(k + 1) }));
    drawAxes(context, theme, this.frame, { xTicks, yTicks: niceTicks(0, 1, 5), xTitle: "component", yTitle: "probability" });
    q.forEach((share, k) => this.bar(context, theme, k, share, model.posterior[k]));
  }

  bar(context, theme, k, share, target) {
    const { px, py } = this.frame;
    const { posterior, kl_to_posterior: goal } = theme.concepts;
    const [left, right] = [px(k + 0.7), px(k + 1.3)];
    context.fillStyle = posterior;
    context.globalAlpha = 0.85;
    context.fillRect(left, py(share), right - left, py(0) - py(share));
    context.globalAlpha = 1;
    context.beginPath();
    context.rect(left - 5, py(target), right - left + 10, py(0) - py(target));
    stroke(context, goal, { width: 4 });
    knob(context, theme, px(k + 1), py(share), posterior);
    write(context, theme, fixed(share, 2), px(k + 1), Math.max(12, py(share) - 20), { size: 16, weight: 700, halo: 5 });
  }

  grab(at, q) {
    return clamp(Math.round(this.frame.x(at.x)) - 1, 0, q.length - 1);
  }

  drag(at, q, held) {
    return this.with(q, held, this.frame.y(at.y));
  }
}

// What the line and the plane share: a q with a mean and a width for each dimension.
class GaussianRoom {
  start(model) {
    return { mean: model.x.map((_, i) => (i ? 0.5 : 1)), std: model.x.map(() => 1) };
  }

  sliders(model) {
    const name = (word, i) => (model.dims > 1 ? `${word}, z${"₁₂"[i]}` : word);
    const slider = (part, word, i, range) => ({
      label: name(word, i),
      range,
      read: (q) => q[part][i],
      write: (q, value) => ({ ...q, [part]: q[part].map((old, at) => (at === i ? value : old)) }),
    });
    return model.x.flatMap((_, i) => [
      slider("mean", "mean of q", i, [-4, 4, 0.05]),
      slider("std", "width σ of q", i, [NARROWEST, WIDEST, 0.05]),
    ]);
  }

  // The width's knob only when the pointer is nearer to it than to the middle.
  grab(at, q) {
    const places = this.knobs(q);
    const distances = places.map(({ x, y }) => Math.hypot(x - at.x, y - at.y));
    const nearest = distances.indexOf(Math.min(...distances));
    return distances[nearest] < NEAR ? nearest : 0;
  }

  drag(at, q, held) {
    const point = [this.frame.x(at.x), this.frame.y(at.y)];
    if (held === 0) {
      const mean = q.mean.map((_, i) => clamp(point[i], -4, 4));
      return { ...q, mean };
    }
    const width = clamp(Math.abs(point[held - 1] - q.mean[held - 1]), NARROWEST, WIDEST);
    return { ...q, std: q.std.map((old, i) => (i === held - 1 ? width : old)) };
  }
}

class LineRoom extends GaussianRoom {
  density({ mean: [mean], std: [std] }, z) {
    return Math.exp(-0.5 * ((z - mean) / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
  }

  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    const places = Array.from({ length: 401 }, (_, k) => -HALF + (2 * HALF * k) / 400);
    const posterior = places.map((z) => Math.exp(model.posterior.logDensity([z])));
    const highest = Math.max(...posterior);
    const top = 1.12 * Math.max(highest, Math.min(this.density(q, q.mean[0]), 2.5 * highest));
    this.frame = makeFrame(plotBox(size, "z", 12), [-HALF, HALF], [0, top]);
    const ticks = { xTicks: niceTicks(-HALF, HALF, 10), yTicks: niceTicks(0, top, 5) };
    drawAxes(context, theme, this.frame, { ...ticks, xTitle: "z", yTitle: "density" });
    clipTo(context, this.frame);
    this.curve(context, places, posterior, theme.concepts.kl_to_posterior, 0.35);
    this.curve(context, places, places.map((z) => this.density(q, z)), theme.concepts.posterior, 0.2);
    context.restore();
    for (const { x, y } of this.knobs(q).reverse()) knob(context, theme, x, Math.max(this.frame.top, y), theme.concepts.posterior);
  }

  curve(context, places, values, colour, alpha) {
    const { px, py } = this.frame;
    context.beginPath();
    places.forEach((z, k) => context.lineTo(px(z), py(values[k])));
    stroke(context, colour, { width: 3.5 });
    context.lineTo(px(HALF), py(0));
    context.lineTo(px(-HALF), py(0));
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }

  knobs(q) {
    const { px, py, y1 } = this.frame;
    return [0, 1].map((away) => {
      const z = q.mean[0] + away * q.std[0];
      return { x: px(z), y: py(Math.min(this.density(q, z), y1)) };
    });
  }
}

class PlaneRoom extends GaussianRoom {
  draw(canvas, theme, model, q) {
    const { context, ...size } = prepare(canvas);
    this.frame = squareFrame(plotBox(size, "z₁", 12), [0, 0], 3);
    const { x0, x1, y0, y1, width, height } = this.frame;
    const ticks = { xTicks: niceTicks(x0, x1, width / 60), yTicks: niceTicks(y0, y1, height / 50) };
    drawAxes(context, theme, this.frame, { ...ticks, xTitle: "z₁", yTitle: "z₂" });
    clipTo(context, this.frame);
    this.cloud(context, theme, model);
    const [x, y] = [this.frame.px(q.mean[0]), this.frame.py(q.mean[1])];
    const unit = this.frame.px(1) - this.frame.px(0);
    for (const radius of [1, 2]) {
      context.beginPath();
      context.ellipse(x, y, radius * q.std[0] * unit, radius * q.std[1] * unit, 0, 0, 2 * Math.PI);
      stroke(context, theme.concepts.posterior, { width: 5 - radius });
    }
    context.restore();
    for (const place of this.knobs(q).reverse()) knob(context, theme, place.x, place.y, theme.concepts.posterior);
  }

  // The posterior's density as squares of a colour that covers more where it is higher; its power of 0.7 keeps
  // the lower bump visible from afar.
  cloud(context, theme, model) {
    const { left, top, width, height, x, y } = this.frame;
    const size = 3;
    const peak = Math.max(...model.posterior.means.map((mean) => model.posterior.logDensity(mean)));
    context.fillStyle = theme.concepts.kl_to_posterior;
    for (let px = 0; px < width; px += size) {
      for (let py = 0; py < height; py += size) {
        const z = [x(left + px + size / 2), y(top + py + size / 2)];
        const alpha = 0.9 * Math.exp(0.7 * (model.posterior.logDensity(z) - peak));
        if (alpha < 0.01) continue;
        context.globalAlpha = alpha;
        context.fillRect(left + px, top + py, size, size);
      }
    }
    context.globalAlpha = 1;
  }

  knobs(q) {
    const { px, py } = this.frame;
    const [x, y] = q.mean;
    return [{ x: px(x), y: py(y) }, { x: px(x + q.std[0]), y: py(y) }, { x: px(x), y: py(y + q.std[1]) }];
  }
}
