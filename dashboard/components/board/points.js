// Data that are not pictures: points of a plane, or short vectors drawn as lines over their coordinates.

const pathOf = (context, frame, values, indices) => {
  let down = false;
  for (const i of indices) {
    const [x, y] = [values[2 * i], values[2 * i + 1]];
    const drawn = isFiniteNumber(x + y);
    if (drawn) context[down ? "lineTo" : "moveTo"](frame.px(x), frame.py(y));
    down = drawn;
  }
};

const range = (count, start = 0, step = 1) => Array.from({ length: count }, (_, k) => start + k * step);

function drawKey(context, theme, frame) {
  const style = { align: "right", weight: 700, size: 13, halo: 5 };
  const right = frame.left + frame.width - 4;
  write(context, theme, "decoded", right, frame.top + 8, { ...style, colour: theme.concepts.decoded });
  write(context, theme, "x", right - 58, frame.top + 8, { ...style, colour: theme.concepts.data });
}

// Two-dimensional data with the decoded grid as a mesh over them, or joined to their reconstructions.
class DataPlane {
  constructor(canvas) {
    this.canvas = canvas;
    this.moved = new Tween();
  }

  // data: points (flat pairs, fixed during a run), decoded (flat pairs), rows and columns of the mesh or null.
  set(data, now, instant) {
    this.data = data;
    this.moved.set(data.decoded, now, instant);
    const sides = [0, 1].map((axis) => extent(data.points.filter((_, i) => i % 2 === axis)) ?? [-1, 1]);
    this.centre = sides.map(([low, high]) => (low + high) / 2);
    this.radius = Math.max(...sides.map(([low, high]) => (high - low) / 2)) * 1.15 || 1;
    const shown = data.rows === null ? "each joined to its reconstruction" : "under the decoded grid";
    this.canvas.setAttribute("aria-label", `${data.points.length / 2} held-out points, ${shown}`);
  }

  draw(theme, now) {
    const { context, ...size } = prepare(this.canvas);
    const box = plotBox(size, "x₁");
    const frame = squareFrame(box, this.centre, this.radius);
    const xTicks = niceTicks(frame.x0, frame.x1, box.width / 50);
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "x₁", yTitle: "x₂" });
    const decoded = this.moved.read(now);
    clipTo(context, frame);
    const data = theme.concepts.data;
    if (this.data.rows === null) {
      this.drawJoins(context, theme, frame, decoded);
      this.drawDots(context, frame, this.data.points, data, 3.5, false);
      this.drawDots(context, frame, decoded, theme.concepts.decoded, 3, true);
    } else {
      this.drawDots(context, frame, this.data.points, data, 3, true);
      this.drawMesh(context, theme, frame, decoded);
    }
    context.restore();
    drawKey(context, theme, frame);
    return this.moved.moving(now);
  }

  drawDots(context, frame, values, colour, radius, filled) {
    context.beginPath();
    for (const i of range(values.length / 2)) {
      const [x, y] = [frame.px(values[2 * i]), frame.py(values[2 * i + 1])];
      if (!isFiniteNumber(x + y)) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fillStyle = colour;
    if (filled) context.fill();
    else stroke(context, colour, { width: 1.5, alpha: 0.8 });
  }

  drawJoins(context, theme, frame, decoded) {
    const { points } = this.data;
    context.beginPath();
    for (const i of range(points.length / 2)) {
      const ends = [points[2 * i], points[2 * i + 1], decoded[2 * i], decoded[2 * i + 1]];
      pathOf(context, frame, ends, [0, 1]);
    }
    stroke(context, theme.concepts.decoded, { width: 1.25, alpha: 0.7 });
  }

  drawMesh(context, theme, frame, decoded) {
    const { rows, columns } = this.data;
    context.beginPath();
    for (const row of range(rows)) pathOf(context, frame, decoded, range(columns, row * columns));
    if (rows > 1) for (const column of range(columns)) pathOf(context, frame, decoded, range(rows, column, columns));
    stroke(context, theme.concepts.decoded, { width: 1.5 });
  }
}

// Vectors as lines over their coordinates: data in grey, decoded ones in their colour.
class CoordinateLines {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // data: points and decoded (flat rows), dim.
  set(data) {
    this.data = data;
    const [held, decoded] = [data.points, data.decoded].map((values) => values.length / data.dim);
    const text = `${held} held-out data and ${decoded} decoded ones over ${data.dim} coordinates`;
    this.canvas.setAttribute("aria-label", text);
  }

  draw(theme) {
    const { context, ...size } = prepare(this.canvas);
    const { points, decoded, dim } = this.data;
    const box = plotBox(size, "coordinate");
    const [low, high] = extent(points) ?? [0, 1];
    const margin = (high - low) * 0.1 || 0.5;
    const frame = makeFrame(box, [0.5, dim + 0.5], [low - margin, high + margin]);
    const xTicks = niceTicks(0.5, dim + 0.5, Math.min(dim, box.width / 50)).filter(({ value }) => Number.isInteger(value));
    const yTicks = niceTicks(frame.y0, frame.y1, box.height / 45);
    drawAxes(context, theme, frame, { xTicks, yTicks, xTitle: "coordinate", yTitle: "value" });
    clipTo(context, frame);
    for (const [values, colour, alpha] of [[points, theme.concepts.data, 0.6], [decoded, theme.concepts.decoded, 0.5]]) {
      context.beginPath();
      for (const row of range(values.length / dim)) this.trace(context, frame, values.subarray(row * dim, (row + 1) * dim));
      stroke(context, colour, { width: 1.25, alpha });
    }
    context.restore();
    drawKey(context, theme, frame);
  }

  trace(context, frame, values) {
    const pairs = Array.from(values).flatMap((value, k) => [k + 1, value]);
    pathOf(context, frame, pairs, range(values.length));
    if (values.length > 1 || !isFiniteNumber(values[0])) return;
    context.moveTo(frame.px(0.6), frame.py(values[0]));
    context.lineTo(frame.px(1.4), frame.py(values[0]));
  }
}
