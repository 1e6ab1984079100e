// Line charts over the step that share one zoom and one crosshair.

// One chart: a held-out and a training curve of the same quantity.
class Curve {
  constructor(card, concept) {
    this.concept = concept;
    this.canvas = card.querySelector("canvas");
    this.tip = card.querySelector(".tip");
    this.value = card.querySelector(".value");
    this.note = card.querySelector(".note");
    this.title = card.querySelector("h3").textContent;
  }

  set(history, note) {
    this.history = history;
    this.missing = note !== "";
    this.unit = note || "nats per datum";
    this.heldOut = history[`${this.concept}_held_out`];
    this.training = history[`${this.concept}_train`];
    const latest = this.missing ? undefined : this.heldOut.findLast(isFiniteNumber);
    this.value.textContent = this.missing ? "" : fixed(latest, 1);
  }

  // Margins of 5 % about what is in view. Without a zoom the first tenth does not count: the
  // start of a training is so far from its end that it would flatten everything that follows.
  yRange([x0, x1], zoomed) {
    const steps = this.history.step;
    const first = zoomed ? steps.findIndex((step) => step >= x0) : Math.floor(steps.length / 10);
    const last = steps.findLastIndex((step) => step <= x1) + 1;
    const ranges = [this.heldOut, this.training].map((values) => extent(values, Math.max(0, first), last)).filter(Boolean);
    if (this.missing || !ranges.length) return [0, 1];
    const low = Math.min(...ranges.map((range) => range[0]));
    const high = Math.max(...ranges.map((range) => range[1]));
    const margin = 0.05 * (high - low) || 0.5;
    return [low - margin, high + margin];
  }

  draw(theme, range, zoomed, cursor, selection) {
    const { context, ...size } = prepare(this.canvas);
    this.box = plotBox(size, "step", 15);
    const frame = makeFrame(this.box, range, this.yRange(range, zoomed));
    const xTicks = niceTicks(frame.x0, frame.x1, this.box.width / 45);
    const yTicks = this.missing ? [] : niceTicks(frame.y0, frame.y1, this.box.height / 22);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "step", yTitle: "" });
    clipTo(context, { ...frame, top: 0, height: frame.top + frame.height });
    this.drawBeta(context, theme, frame);
    context.restore();
    clipTo(context, frame);
    if (!this.missing) this.drawCurves(context, theme, frame);
    if (selection) this.drawSelection(context, theme, frame, selection);
    context.restore();
    if (cursor !== null) this.drawCursor(context, theme, frame, cursor);
    this.describe(cursor);
  }

  drawCurves(context, theme, frame) {
    const colour = theme.concepts[this.concept];
    this.trace(context, frame, this.training);
    stroke(context, colour, { width: 1.5, alpha: 0.55, dash: [5, 3] });
    this.trace(context, frame, this.heldOut);
    context.lineJoin = "round";
    stroke(context, colour, { width: 2.5 });
    if (this.history.step.length === 1 && isFiniteNumber(this.heldOut[0])) this.dot(context, theme, frame, this.heldOut, 0);
  }

  trace(context, frame, values) {
    context.beginPath();
    let down = false;
    for (let i = 0; i < values.length; i++) {
      const drawn = isFiniteNumber(values[i]) && isFiniteNumber(this.history.step[i]);
      if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(this.history.step[i]), frame.py(values[i]));
      down = drawn;
    }
  }

  // From the newest change back, so that where many lie close together the latest keeps its label.
  drawBeta(context, theme, frame) {
    const { step, beta } = this.history;
    let free = Infinity;
    for (let i = beta.length - 1; i > 0; i--) {
      const x = frame.px(step[i - 1]);
      if (beta[i] === beta[i - 1] || !isFiniteNumber(beta[i]) || x > free || x < frame.left) continue;
      context.beginPath();
      context.moveTo(x, frame.top);
      context.lineTo(x, frame.top + frame.height);
      stroke(context, theme.concepts.beta, { width: 1.25 });
      const align = x > frame.left + frame.width - 30 ? "right" : "center";
      write(context, theme, `β ${brief(beta[i])}`, x, 7, { colour: theme.concepts.beta, weight: 700, align });
      free = x - 44;
    }
  }

  drawSelection(context, theme, frame, [a, b]) {
    context.globalAlpha = 0.15;
    context.fillStyle = theme.text;
    context.fillRect(frame.px(a), frame.top, frame.px(b) - frame.px(a), frame.height);
    context.globalAlpha = 1;
  }

  drawCursor(context, theme, frame, row) {
    const x = frame.px(this.history.step[row]);
    if (x < frame.left - 1 || x > frame.left + frame.width + 1) return;
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + frame.height);
    stroke(context, theme.text, { alpha: 0.6 });
    clipTo(context, frame);
    if (!this.missing) for (const values of [this.training, this.heldOut]) this.dot(context, theme, frame, values, row);
    context.restore();
  }

  dot(context, theme, frame, values, row) {
    if (!isFiniteNumber(values[row])) return;
    context.beginPath();
    context.arc(frame.px(this.history.step[row]), frame.py(values[row]), 4, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts[this.concept];
    context.fill();
    stroke(context, theme.background, { width: 1.5 });
  }

  valuesText(row) {
    if (this.missing) return this.unit;
    return `held-out ${fixed(this.heldOut[row], 2)} · training ${fixed(this.training[row], 2)}`;
  }

  describe(cursor) {
    const row = cursor ?? this.history.step.length - 1;
    const label = `${this.title}, nats per datum, at step ${this.history.step[row]}: ${this.valuesText(row)}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
}
