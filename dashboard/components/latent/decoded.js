// What the decoder makes of z: a picture, or a point among the data; and how it changes as z moves along each axis.

const RISES = "#D55E00";
const FALLS = "#0072B2";
const MESH_REACH = 2.5;
const MESH_LINES = 11;
const CURVE_POINTS = 81;

const derivativeName = (axis) => `∂x/∂${nameOf(axis)}`;

function rgbOf(colour) {
  scratch.fillStyle = colour;
  return [1, 3, 5].map((at) => parseInt(scratch.fillStyle.slice(at, at + 2), 16));
}

// z and E[x|z], as the server's archives have them: shapes (J,) and (D,).
function decodedArrays({ z, model }) {
  return { z: floats(z), x: floats(model.decode(z)) };
}

// The whole Jacobian, shape (D, J), and which of its columns are drawn, from 1.
function nudgeArrays(host) {
  const { z, model, axes, config } = host;
  const jacobian = floats(model.jacobian(z), [config.config.data_dim, z.length]);
  return { ...decodedArrays(host), jacobian, plane: integers(axes.map((axis) => axis + 1)) };
}

// A canvas of as many pixels as a datum has; the style sheet enlarges it without smoothing.
class PixelCanvas {
  constructor(canvas, [height, width]) {
    Object.assign(canvas, { width, height });
    this.context = canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  // values from 0 (black) to 1 (white).
  drawGrey(values) {
    for (let p = 0; p < this.words.length; p++) {
      this.words[p] = 0xff000000 | (Math.round(255 * clamp(values[p], 0, 1)) * 0x010101);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  // The colour of the ground at 0, one hue at `scale` and another at minus `scale`.
  drawSigned(values, scale, ground) {
    const [zero, rises, falls] = [ground, RISES, FALLS].map(rgbOf);
    for (let p = 0; p < this.words.length; p++) {
      const hue = values[p] > 0 ? rises : falls;
      const share = Math.min(1, Math.abs(values[p]) / scale);
      const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (hue[k] - level)));
      this.words[p] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

// Images: the decoded one, and the decoder's Jacobian times each direction of the plane.
class DecodedImages {
  constructor(root, host) {
    this.host = host;
    this.shape = host.config.image_shape;
    this.picture = new PixelCanvas(root.querySelector(".picture"), this.shape);
    root.querySelector(".stage").style.aspectRatio = this.shape.toReversed().join(" / ");
    const change = host.root.querySelector(".nudges");
    this.scale = change.querySelector(".scale");
    this.nudges = [...change.querySelectorAll(".nudge")].map((figure) => ({
      figure,
      canvas: new PixelCanvas(figure.querySelector("canvas"), this.shape),
    }));
  }

  offers() {
    const { host } = this;
    const nudges = this.nudges.filter(({ figure }) => !figure.hidden).map(({ canvas }) => canvas.context.canvas);
    const decoded = { holds: "z, x", arrays: () => decodedArrays(host) };
    const nudged = { holds: "z, x, jacobian, plane", arrays: () => nudgeArrays(host) };
    return [
      { ...pixelOffer("Decoded picture", "decoded", this.picture.context.canvas), ...decoded },
      { ...pixelOffer("A nudge of z", "nudges", ...nudges), ...nudged },
    ];
  }

  draw() {
    this.picture.drawGrey(this.host.decoded);
    const axes = [...new Set(this.host.axes)];
    const changes = axes.map((axis) => this.host.push(axis));
    const largest = Math.max(...changes.map((values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)));
    this.nudges.forEach(({ figure, canvas }, k) => {
      figure.hidden = k >= axes.length;
      if (figure.hidden) return;
      figure.querySelector("figcaption").textContent = derivativeName(axes[k]);
      canvas.drawSigned(changes[k], largest || 1, this.host.theme.background);
    });
    this.scale.textContent = `full colour: ±${brief(largest)} per unit of z`;
  }
}

// Points of a plane: held-out data, the decoded mesh, and the decoded point with an arrow for each axis.
class DecodedPoint {
  constructor(root, host) {
    this.host = host;
    this.plane = new DataPlane(root.querySelector(".picture"));
    this.over = root.querySelector(".over");
    host.root.querySelector(".nudges").hidden = true;
  }

  draw(source) {
    const { host } = this;
    const mesh = [host.config.hash, host.axes, host.base.z].join(";");
    if (mesh !== this.mesh) this.plane.set(this.decodedMesh(), host.now, source !== "weights" || host.calm.matches);
    const stale = mesh !== this.mesh || this.gliding || REDRAWS_MAP.has(source);
    this.mesh = mesh;
    if (stale) this.gliding = this.plane.draw(host.theme, host.now);
    if (this.gliding) host.invalidate();
    this.drawOver(host.theme);
  }

  offers() {
    const { plane, over, host } = this;
    const draw = (paper) => {
      drawOnPaper(plane, "canvas", paper, () => plane.draw(host.theme, host.now));
      drawOnPaper(this, "over", paper, () => this.drawOver(host.theme));
    };
    const { clientWidth: width, clientHeight: height } = over;
    const held = { holds: "z, x, jacobian, plane, mesh_z, mesh_x", arrays: () => this.arrays() };
    return [{ title: "Data space", file: "data-space", width, height, draw, ...held }];
  }

  arrays() {
    const { places, decoded, rows, columns } = this.decodedMesh();
    const at = (values) => floats(values, [rows, columns, values.length / places.length]);
    return { ...nudgeArrays(this.host), mesh_z: at(places.flat()), mesh_x: at(decoded) };
  }

  decodedMesh() {
    const { host } = this;
    const lines = host.z.length === 1 ? CURVE_POINTS : MESH_LINES;
    const axis = range(lines, -MESH_REACH, (2 * MESH_REACH) / (lines - 1));
    const rows = host.z.length === 1 ? [0] : axis.toReversed();
    const places = rows.flatMap((second) => axis.map((first) => host.inPlane([first, second])));
    const decoded = host.model.decodeAll(places);
    return { points: host.data.x, places, decoded, rows: rows.length, columns: lines };
  }

  drawOver(theme) {
    const { host } = this;
    const { context, ...size } = prepare(this.over);
    const frame = squareFrame(plotBox(size, "x₁"), this.plane.centre, this.plane.radius);
    const at = ([x, y]) => [frame.px(x), frame.py(y)];
    clipTo(context, frame);
    if (host.path) this.drawPath(context, theme, host.path.map((z) => at(host.model.decode(z))));
    this.drawNearest(context, theme, at);
    const point = host.decoded;
    for (const axis of new Set(host.axes)) {
      const [dx, dy] = host.push(axis);
      this.drawArrow(context, theme, at(point), at([point[0] + dx / 2, point[1] + dy / 2]), derivativeName(axis));
    }
    this.drawDot(context, theme, at(point), 8, theme.concepts.decoded);
    context.restore();
  }

  drawPath(context, theme, places) {
    context.beginPath();
    for (const place of places) context.lineTo(...place);
    stroke(context, theme.background, { width: 6 });
    stroke(context, theme.text, { width: 2, dash: [5, 3] });
  }

  // The nearest held-out datum, joined to its reconstruction.
  drawNearest(context, theme, at) {
    const { host } = this;
    const x = host.nearest === null ? null : host.data.datum(host.nearest);
    if (!x) return;
    const reconstruction = at(host.model.decode(host.data.posterior(host.nearest).mean));
    context.beginPath();
    context.moveTo(...at(x));
    context.lineTo(...reconstruction);
    stroke(context, theme.text, { width: 2 });
    this.drawDot(context, theme, at(x), 5, theme.text);
    this.drawDot(context, theme, reconstruction, 4, theme.concepts.decoded);
  }

  drawArrow(context, theme, [x, y], [toX, toY], name) {
    const angle = Math.atan2(toY - y, toX - x);
    const head = Math.min(10, Math.hypot(toX - x, toY - y) / 2);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    for (const side of [-0.45, 0.45]) {
      context.moveTo(toX, toY);
      context.lineTo(toX - head * Math.cos(angle + side), toY - head * Math.sin(angle + side));
    }
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.text, { width: 2 });
    write(context, theme, name, toX + 18 * Math.cos(angle), toY + 14 * Math.sin(angle), { halo: 4, size: 13 });
  }

  drawDot(context, theme, [x, y], radius, colour) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    stroke(context, theme.background, { width: 4 });
    context.fillStyle = colour;
    context.fill();
  }
}

class DecodedRoom {
  constructor(root, host) {
    this.host = host;
    const find = (selector) => root.querySelector(selector);
    [this.stage, this.caption, this.bad] = [".stage", ".z", ".bad"].map(find);
    host.root.classList.add(host.isImage ? "images" : "points");
    this.shown = host.isImage ? new DecodedImages(root, host) : new DecodedPoint(root, host);
    host.onChange((z, source) => this.told(source));
    host.offers.push(() => this.offers());
  }

  offers() {
    const { failure, isImage } = this.host;
    return failure ? [{ title: isImage ? "Decoded picture" : "Data space", hint: failure }] : this.shown.offers();
  }

  told(source) {
    const whole = this.host.failure === null;
    this.bad.hidden = whole;
    this.stage.hidden = !whole;
    this.caption.textContent = this.host.zText();
    if (whole) this.shown.draw(source);
  }
}
