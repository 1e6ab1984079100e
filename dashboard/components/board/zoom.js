// What the line charts share: the range of steps in view, the crosshair and the keys.

class CurveGroup {
  constructor(curves, invalidate) {
    this.curves = curves;
    this.invalidate = invalidate;
    this.clear();
    for (const curve of curves) this.connect(curve);
  }

  clear() {
    this.zoom = null;
    this.cursorStep = null;
    this.active = null;
    this.selection = null;
  }

  set(history, notes) {
    this.history = history;
    for (const curve of this.curves) curve.set(history, notes[curve.concept] ?? "");
  }

  full() {
    const [first, last] = extent(this.history.step) ?? [0, 1];
    return [first, last > first ? last : first + 10];
  }

  range() {
    return this.zoom ?? this.full();
  }

  // Ranges that hold everything mean "no zoom": the charts follow the data again.
  setZoom(a, b) {
    const [first, last] = this.full();
    const width = Math.min(Math.max(b - a, (last - first) / 200), last - first);
    const x0 = clamp(a, first, last - width);
    this.zoom = width >= (last - first) * 0.999 ? null : [x0, x0 + width];
    this.invalidate();
  }

  zoomAbout(step, factor) {
    const [x0, x1] = this.range();
    if (factor > 1 && this.zoom === null) return false;
    this.setZoom(step - (step - x0) * factor, step + (x1 - step) * factor);
    return true;
  }

  nearestRow(step) {
    const steps = this.history.step;
    let best = 0;
    for (let i = 1; i < steps.length; i++) if (Math.abs(steps[i] - step) < Math.abs(steps[best] - step)) best = i;
    return best;
  }

  stepAt(curve, x) {
    return makeFrame(curve.box, this.range(), [0, 1]).x(clamp(x, curve.box.left, curve.box.left + curve.box.width));
  }

  point(curve, step) {
    this.active = step === null ? null : curve;
    this.cursorStep = step === null ? null : this.history.step[this.nearestRow(step)];
    this.invalidate();
  }

  connect(curve) {
    listen(curve.canvas, {
      hover: (at) => this.point(curve, this.stepAt(curve, at.x)),
      leave: () => this.leave(curve),
      drag: (at, start) => this.select(curve, at, start),
      drop: (at, start) => this.takeSelection(Math.abs(at.x - start.x) > 4),
      wheel: (at, factor) => this.zoomAbout(this.stepAt(curve, at.x), factor),
      reset: () => this.setZoom(-Infinity, Infinity),
    });
    curve.canvas.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && this.key(curve, event.key)) event.preventDefault();
    });
    curve.canvas.addEventListener("blur", () => this.point(curve, null));
  }

  leave(curve) {
    this.selection = null;
    this.point(curve, null);
  }

  select(curve, at, start) {
    this.selection = [this.stepAt(curve, start.x), this.stepAt(curve, at.x)].sort((a, b) => a - b);
    this.invalidate();
  }

  takeSelection(far) {
    if (far && this.selection) this.setZoom(...this.selection);
    this.selection = null;
    this.invalidate();
  }

  key(curve, key) {
    const middle = this.cursorStep ?? (this.range()[0] + this.range()[1]) / 2;
    if (key === "ArrowLeft" || key === "ArrowRight") this.moveCursor(curve, key === "ArrowLeft" ? -1 : 1);
    else if (key === "+" || key === "=") this.zoomAbout(middle, 0.7);
    else if (key === "-") this.zoomAbout(middle, 1 / 0.7);
    else if (key === "0") this.setZoom(-Infinity, Infinity);
    else if (key === "Escape") this.point(curve, null);
    else return false;
    return true;
  }

  moveCursor(curve, by) {
    const steps = this.history.step;
    const [x0, x1] = this.range();
    const row = this.cursorStep === null ? this.nearestRow(x1) : this.nearestRow(this.cursorStep) + by;
    this.point(curve, clamp(steps[clamp(row, 0, steps.length - 1)], x0, x1));
  }

  draw(theme) {
    const row = this.cursorStep === null ? null : this.nearestRow(this.cursorStep);
    for (const curve of this.curves) {
      curve.draw(theme, this.range(), this.zoom !== null, row, this.selection);
      this.tell(curve, row);
    }
  }

  tell(curve, row) {
    curve.note.textContent = row === null ? curve.unit : curve.valuesText(row);
    if (row === null || curve !== this.active) return showTip(curve.tip, "", 0, 0);
    const { step, epoch, beta } = this.history;
    const where = `step ${step[row]} · epoch ${epoch[row]} · β ${brief(beta[row])}`;
    const x = makeFrame(curve.box, this.range(), [0, 1]).px(step[row]);
    return showTip(curve.tip, where, x, curve.box.top + curve.box.height + 24);
  }

  get zoomText() {
    return this.zoom === null ? "" : this.zoom.map((step) => Number(step.toFixed(2))).join(",");
  }
}
