/** What the decoder makes of z: a picture, or a point among the data; and how it changes as z moves along each axis. */

import { addArrowHead, clipTo, drawDot, prepare, stroke, write } from "../shared/canvas.js";
import { DataPlane, firstPairs } from "../shared/data_plane.js";
import { greyOf, PixelCanvas } from "../shared/pixels.js";
import { find, findAll, findCanvas } from "../shared/mount.js";
import { brief, latentName, spread } from "../shared/numbers.js";
import { rgbOf } from "../shared/theme.js";
import { floats, integers } from "./npz.js";
import { drawOnPaper, pixelPicture } from "./saving.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./explorer.js").Change} Change
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./saving.js").Offer} Offer
 */

const RISES = "#D55E00";
const FALLS = "#0072B2";
const MESH_REACH = 2.5;
const MESH_LINES = 11;
const CURVE_POINTS = 81;
/** What draws the data below the decoded point anew. @type {Set<Change>} */
const REDRAWS_DATA = new Set(["weights", "plane", "theme", "size", "view"]);

const derivativeName = (/** @type {number} */ axis) => `∂x/∂${latentName(axis)}`;

/**
 * z and E[x|z], as the server's archives have them: shapes (J,) and (D,).
 * @param {Explorer} host
 */
function decodedArrays({ z, model }) {
  return { z: floats(z), x: floats(model.decode(z)) };
}

/**
 * The whole Jacobian, shape (D, J), and which of its columns are drawn, from 1.
 * @param {Explorer} host
 */
function derivativeArrays(host) {
  const { z, model, axes, config } = host;
  const jacobian = floats(model.jacobian(z), [config.config.data_dim, z.length]);
  return { ...decodedArrays(host), jacobian, plane: integers(axes.map((axis) => axis + 1)) };
}

/**
 * Draws signed values: the colour of the ground at 0, one hue at `scale` and another at minus `scale`.
 * @param {PixelCanvas} canvas
 * @param {ArrayLike<number>} values
 * @param {number} scale
 * @param {string} ground
 */
function drawSigned(canvas, values, scale, ground) {
  const [zero, rises, falls] = [ground, RISES, FALLS].map(rgbOf);
  canvas.draw((p) => {
    const hue = values[p] > 0 ? rises : falls;
    const share = Math.min(1, Math.abs(values[p]) / scale);
    const [red, green, blue] = zero.map((level, k) => Math.round(level + share * (hue[k] - level)));
    return 0xff000000 | (blue << 16) | (green << 8) | red;
  });
}

/** Images: the decoded one, and the derivative of it along each axis of the plane. */
class DecodedImages {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   * @param {number[]} shape
   */
  constructor(root, host, shape) {
    this.host = host;
    this.shape = shape;
    this.image = new PixelCanvas(findCanvas(root, ".picture"), shape);
    find(root, ".stage").style.aspectRatio = `${shape[1]} / ${shape[0]}`;
    const section = find(host.root, ".derivatives");
    this.scale = find(section, ".scale");
    this.derivatives = findAll(section, ".derivative").map((figure) => ({
      figure,
      caption: find(figure, "figcaption"),
      image: new PixelCanvas(findCanvas(figure, "canvas"), shape.slice(0, 2)),
    }));
  }

  /** @returns {Offer[]} */
  offers() {
    const { host } = this;
    const shown = this.derivatives.filter(({ figure }) => !figure.hidden).map(({ image }) => image.canvas);
    return [
      {
        ...{ title: "Decoded image", file: "decoded", picture: pixelPicture(this.image.canvas) },
        ...{ holds: "z, x", arrays: () => decodedArrays(host) },
      },
      {
        ...{ title: "Derivatives of the image", file: "derivatives", picture: pixelPicture(...shown) },
        ...{ holds: "z, x, jacobian, plane", arrays: () => derivativeArrays(host) },
      },
    ];
  }

  draw() {
    const { host } = this;
    this.image.drawValues(host.decoded);
    const axes = host.distinctAxes;
    const values = axes.map((axis) => greyOf(host.model.derivative(host.z, axis), this.shape));
    const sizes = values.map((one) => one.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    const largest = Math.max(...sizes);
    this.derivatives.forEach(({ figure, caption, image }, k) => {
      figure.hidden = k >= axes.length;
      if (figure.hidden) return;
      caption.textContent = derivativeName(axes[k]);
      drawSigned(image, values[k], largest || 1, host.theme.background);
    });
    this.scale.textContent = `full colour: ±${brief(largest)} per unit of z`;
  }
}

/** Points of a plane: held-out data, the decoded mesh, and the decoded point with an arrow for each axis. */
class DecodedPoint {
  /** What the mesh was decoded from. */
  mesh = "";
  gliding = false;

  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.plane = new DataPlane(findCanvas(root, ".picture"));
    this.canvas = findCanvas(root, ".over");
    find(host.root, ".derivatives").hidden = true;
  }

  /** @param {Change} change */
  draw(change) {
    const { host } = this;
    const mesh = [host.config.hash, host.axes, host.base.z].join(";");
    const isNew = mesh !== this.mesh;
    this.mesh = mesh;
    if (isNew) {
      const { data_dim: dim } = host.config.config;
      const { decoded: all, rows, columns } = this.decodedMesh();
      const [points, decoded] = [firstPairs(host.data.x, dim), firstPairs(all, dim)];
      this.plane.set(
        { points, decoded, mesh: { rows, columns }, names: host.config.columns ?? [] },
        host.now,
        change !== "weights" || host.isCalm,
      );
    }
    if (isNew || this.gliding || REDRAWS_DATA.has(change)) {
      this.gliding = this.plane.draw(host.theme, host.now);
    }
    if (this.gliding) host.invalidate();
    this.drawOver(host.theme);
  }

  /** @returns {Offer[]} */
  offers() {
    const { plane, host } = this;
    const draw = (/** @type {HTMLCanvasElement} */ paper) => {
      drawOnPaper(plane, "canvas", paper, () => plane.draw(host.theme, host.now));
      drawOnPaper(this, "canvas", paper, () => this.drawOver(host.theme));
    };
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const held = { holds: "z, x, jacobian, plane, mesh_z, mesh_x", arrays: () => this.arrays() };
    return [{ title: "Data space", file: "data-space", picture: { width, height, draw }, ...held }];
  }

  arrays() {
    const { places, decoded, rows, columns } = this.decodedMesh();
    const at = (/** @type {ArrayLike<number>} */ values) =>
      floats(values, [rows, columns, values.length / places.length]);
    return { ...derivativeArrays(this.host), mesh_z: at(places.flat()), mesh_x: at(decoded) };
  }

  decodedMesh() {
    const { host } = this;
    const isLine = host.z.length === 1;
    const axis = spread([-MESH_REACH, MESH_REACH], isLine ? CURVE_POINTS : MESH_LINES);
    const rows = isLine ? [0] : axis.toReversed();
    const places = rows.flatMap((second) => axis.map((first) => host.inPlane([first, second])));
    return { places, decoded: host.model.decodeAll(places), rows: rows.length, columns: axis.length };
  }

  /** @param {Theme} theme */
  drawOver(theme) {
    const { host } = this;
    const { context, ...size } = prepare(this.canvas);
    const frame = this.plane.frameIn(size);
    const at = (/** @type {ArrayLike<number>} */ x) => [frame.px(x[0]), frame.py(x[1])];
    clipTo(context, frame);
    if (host.path) {
      this.drawPath(
        context,
        theme,
        host.path.map((z) => at(host.model.decode(z))),
      );
    }
    this.drawNearest(context, theme, at);
    const point = host.decoded;
    for (const axis of host.distinctAxes) {
      const [dx, dy] = host.model.derivative(host.z, axis);
      const end = at([point[0] + dx / 2, point[1] + dy / 2]);
      this.drawArrow(context, theme, at(point), end, derivativeName(axis));
    }
    drawDot(context, theme, at(point), 8, theme.concepts.decoded);
    context.restore();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[][]} places
   */
  drawPath(context, theme, places) {
    context.beginPath();
    for (const [x, y] of places) context.lineTo(x, y);
    stroke(context, theme.background, { width: 6 });
    stroke(context, theme.text, { width: 2, dash: [5, 3] });
  }

  /**
   * The nearest held-out example, joined to its reconstruction.
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {(x: ArrayLike<number>) => number[]} at
   */
  drawNearest(context, theme, at) {
    const { host } = this;
    const x = host.nearest === null ? null : host.data.example(host.nearest);
    if (!x || host.nearest === null) return;
    const place = at(x);
    const reconstruction = at(host.model.decode(host.data.posterior(host.nearest).mean));
    context.beginPath();
    context.moveTo(place[0], place[1]);
    context.lineTo(reconstruction[0], reconstruction[1]);
    stroke(context, theme.text, { width: 2 });
    drawDot(context, theme, place, 5, theme.text);
    drawDot(context, theme, reconstruction, 4, theme.concepts.decoded);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {readonly number[]} from
   * @param {readonly number[]} to
   * @param {string} name
   */
  drawArrow(context, theme, [x, y], [toX, toY], name) {
    const angle = Math.atan2(toY - y, toX - x);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(toX, toY);
    addArrowHead(context, { x, y }, { x: toX, y: toY }, Math.min(10, Math.hypot(toX - x, toY - y) / 2));
    stroke(context, theme.background, { width: 5 });
    stroke(context, theme.text, { width: 2 });
    write(context, theme, name, toX + 18 * Math.cos(angle), toY + 14 * Math.sin(angle), {
      halo: 4,
      size: 13,
    });
  }
}

export class DecodedSection {
  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.stage = find(root, ".stage");
    this.caption = find(root, ".z");
    this.bad = find(root, ".bad");
    host.root.classList.add(host.isImage ? "images" : "points");
    const shape = host.config.image_shape;
    this.shown = shape ? new DecodedImages(root, host, shape) : new DecodedPoint(root, host);
    host.onChange((_, change) => this.told(change));
    host.offers.push(() => this.offers());
  }

  /** @returns {Offer[]} */
  offers() {
    const { failure, isImage } = this.host;
    if (!failure) return this.shown.offers();
    return [{ title: isImage ? "Decoded image" : "Data space", hint: failure }];
  }

  /** @param {Change} change */
  told(change) {
    const isFinite = this.host.failure === null;
    this.bad.hidden = isFinite;
    this.stage.hidden = !isFinite;
    this.caption.textContent = this.host.zText();
    if (isFinite) this.shown.draw(change);
  }
}
