/**
 * What can be saved: what a section offers is drawn once more, in a size of its own, and saved as PNG or SVG;
 * coordinates as CSV, decoded arrays as NPZ.
 */

import { prepare } from "../shared/canvas.js";
import { find, newElement } from "../shared/mount.js";
import { range } from "../shared/numbers.js";
import { contextOf } from "../shared/theme.js";
import { floats, npzBytes, texts } from "./npz.js";
import { SvgContext } from "./svg_context.js";

/**
 * @typedef {import("../shared/network.js").Model} Model
 * @typedef {import("../shared/gaussian.js").Posterior} Posterior
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./explorer.js").Explorer} Explorer
 * @typedef {import("./npz.js").Arrays} Arrays
 *
 * @typedef {object} Picture
 * @property {number} width In CSS pixels.
 * @property {number} height
 * @property {(paper: HTMLCanvasElement) => void} draw Draws it on what stands for a canvas of that size.
 *
 * What a section offers to save, all of it of now; only a title and a hint where something has to be done first.
 * @typedef {object} Offer
 * @property {string} title
 * @property {string} [hint]
 * @property {string} [file] Name of the files, without what follows it.
 * @property {Picture} [picture]
 * @property {() => string} [table]
 * @property {string} [holds] Names of the arrays.
 * @property {() => Arrays} [arrays]
 *
 * @typedef {keyof typeof MAKERS} Kind
 */

const PNG_RATIO = 2;
const SHARP_PIXELS = 480;
const PICTURE_GAP = 8;

/** Stands for a canvas: the size of a picture, and a context of its own. */
class Paper {
  style = {};

  /**
   * @param {Picture} picture
   * @param {CanvasRenderingContext2D} context
   * @param {number} ratio Pixels of the context to a CSS pixel.
   */
  constructor({ width, height }, context, ratio) {
    this.clientWidth = width;
    this.clientHeight = height;
    this.width = Math.round(width * ratio);
    this.height = Math.round(height * ratio);
    this.parentElement = { clientWidth: width };
    this.context = context;
    this.ratio = ratio;
  }

  getContext() {
    return this.context;
  }

  setAttribute() {}
}

/**
 * Draws with a paper in the place of the holder's canvas.
 * @template {string} Name
 * @param {Record<Name, HTMLCanvasElement>} holder
 * @param {Name} name
 * @param {HTMLCanvasElement} paper
 * @param {() => void} draw
 */
export function drawOnPaper(holder, name, paper, draw) {
  const canvas = holder[name];
  holder[name] = paper;
  try {
    draw();
  } finally {
    holder[name] = canvas;
  }
}

/**
 * Canvases that have as many pixels as their pictures: side by side, each enlarged by a whole factor.
 * @param {...HTMLCanvasElement} canvases
 * @returns {Picture}
 */
export function pixelPicture(...canvases) {
  const tallest = Math.max(...canvases.map((canvas) => canvas.height));
  const widest = Math.max(...canvases.map((canvas) => canvas.width));
  const factor = Math.max(1, Math.ceil(SHARP_PIXELS / widest));
  const sizes = canvases.map((canvas) => Math.max(1, Math.floor((factor * tallest) / canvas.height)));
  const lefts = [0];
  canvases.forEach((canvas, k) => lefts.push(lefts[k] + canvas.width * sizes[k] + PICTURE_GAP));
  return {
    width: lefts[canvases.length] - PICTURE_GAP,
    height: tallest * factor,
    draw(paper) {
      const { context } = prepare(paper);
      context.imageSmoothingEnabled = false;
      canvases.forEach((canvas, k) => {
        context.drawImage(canvas, lefts[k], 0, canvas.width * sizes[k], canvas.height * sizes[k]);
      });
    },
  };
}

/**
 * Where z, the pins, the path between them and a drawing are.
 * @param {Explorer} host
 * @returns {[name: string, z: number[]][]}
 */
function namedPlaces({ z, pins, path, posterior }) {
  /** @type {[string, number[]][]} */
  const rows = [["z", z]];
  pins.forEach((pin, k) => rows.push([`pin ${k + 1}`, pin]));
  path?.forEach((place, k) => rows.push([`path ${k / (path.length - 1)}`, place]));
  if (posterior) rows.push(["drawing, mean of q", posterior.mean]);
  return rows;
}

/**
 * In the file's own digits; what is decoded is a coordinate, too, where the data are points.
 * @param {Explorer} host
 */
function placesTable(host) {
  const { isImage, model } = host;
  const rows = namedPlaces(host).map(([name, z]) => [
    `"${name}"`,
    ...z,
    ...(isImage ? [] : Array.from(model.decode(z))),
  ]);
  const names = (/** @type {string} */ letter, /** @type {number} */ count) =>
    range(count).map((j) => `${letter}_${j + 1}`);
  const heads = [...names("z", host.z.length), ...names("x", isImage ? 0 : model.config.data_dim)];
  return [["place", ...heads], ...rows].map((row) => `${row.join()}\n`).join("");
}

/**
 * Places z, shape (n, J), and E[x|z], shape (n, D): named as in the server's archives.
 * @param {Model} model
 * @param {number[][]} places
 */
export function placesArrays(model, places) {
  const at = (/** @type {ArrayLike<number>} */ values) =>
    floats(values, [places.length, values.length / places.length]);
  return { z: at(places.flat()), x: at(model.decodeAll(places)) };
}

/**
 * L of shape (J, J), from its lower triangle.
 * @param {ArrayLike<number>} factor
 * @param {number} J
 */
function squareOf(factor, J) {
  const square = new Float32Array(J * J);
  for (let j = 0, at = 0; j < J; j++) for (let k = 0; k <= j; k++) square[j * J + k] = factor[at++];
  return square;
}

/**
 * q(z|x), shapes (J,), L of a full covariance matrix, and what the mean decodes to, shape (D,).
 * @param {Model} model
 * @param {Posterior} posterior
 */
export function posteriorArrays(model, { mean, std, factor }) {
  const size = [mean.length, mean.length];
  return {
    decoded: floats(model.decode(mean)),
    mean: floats(mean),
    std: floats(std),
    ...(factor && { factor: floats(squareOf(factor, mean.length), size) }),
  };
}

/**
 * @param {Explorer} host
 * @returns {Offer}
 */
function placesOffer(host) {
  const arrays = () => {
    const rows = namedPlaces(host);
    const names = texts(rows.map(([name]) => name));
    return {
      place: names,
      ...placesArrays(
        host.model,
        rows.map(([, z]) => z),
      ),
    };
  };
  const table = () => placesTable(host);
  return { title: "z, pins and the path", file: "places", table, holds: "place, z, x", arrays };
}

/**
 * @param {Picture} picture
 * @param {CanvasRenderingContext2D} context
 * @param {number} ratio
 * @param {Theme} theme
 */
function drawPicture(picture, context, ratio, theme) {
  context.fillStyle = theme.background;
  context.fillRect(0, 0, picture.width * ratio, picture.height * ratio);
  const paper = /** @type {unknown} */ (new Paper(picture, context, ratio));
  picture.draw(/** @type {HTMLCanvasElement} */ (paper));
}

/**
 * @param {Picture} picture
 * @param {Theme} theme
 * @returns {Promise<Blob | null>}
 */
function pngOf(picture, theme) {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(PNG_RATIO, window.devicePixelRatio || 1);
  canvas.width = Math.round(picture.width * ratio);
  canvas.height = Math.round(picture.height * ratio);
  const context = contextOf(canvas);
  // Each layer would clear what lies below it.
  context.clearRect = () => {};
  drawPicture(picture, context, ratio, theme);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/**
 * @param {Picture} picture
 * @param {Theme} theme
 */
function svgOf(picture, theme) {
  const svg = new SvgContext(picture.width, picture.height);
  drawPicture(picture, svg.asContext(), 1, theme);
  return new Blob([svg.toString()], { type: "image/svg+xml" });
}

/**
 * @typedef {Blob | null | undefined} File Nothing where an offer has none of a kind.
 * @type {Record<"png" | "svg" | "csv" | "npz", (offer: Offer, theme: Theme) => File | Promise<File>>}
 */
const MAKERS = {
  png: ({ picture }, theme) => picture && pngOf(picture, theme),
  svg: ({ picture }, theme) => picture && svgOf(picture, theme),
  csv: ({ table }) => table && new Blob([table()], { type: "text/csv" }),
  npz: ({ arrays }) => arrays && new Blob([npzBytes(arrays())], { type: "application/zip" }),
};

/**
 * @param {Kind} kind
 * @param {Offer} offer
 */
function helpOf(kind, { holds }) {
  switch (kind) {
    case "png":
      return "The picture, for slides and e-mails.";
    case "svg":
      return "The picture in a vector file, for papers: sharp at any size.";
    case "csv":
      return "The coordinates, a row for each place.";
    case "npz":
      return `The arrays ${holds}, for numpy.load.`;
  }
}

/**
 * @param {Offer} offer
 * @returns {Kind[]}
 */
function kindsOf({ picture, table, arrays }) {
  /** @type {[Kind, unknown][]} */
  const kinds = [
    ["png", picture],
    ["svg", picture],
    ["csv", table],
    ["npz", arrays],
  ];
  return kinds.filter(([, made]) => made).map(([kind]) => kind);
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function download(blob, name) {
  const link = newElement("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export class SavingSection {
  /** What the list offers. */
  offered = "";

  /**
   * @param {HTMLElement} root
   * @param {Explorer} host
   */
  constructor(root, host) {
    this.host = host;
    this.details = /** @type {HTMLDetailsElement} */ (find(root, "details"));
    this.list = find(root, "ul");
    this.details.ontoggle = () => this.fill();
    host.onChange(() => this.fill());
  }

  get offers() {
    return [...this.host.offers.flatMap((make) => make()), placesOffer(this.host)];
  }

  /** Rows are made anew only where others are offered: a button keeps the focus. */
  fill() {
    if (!this.details.open) return;
    const { offers } = this;
    const rows = offers.map((offer) => [offer.title, offer.hint, offer.holds, ...kindsOf(offer)].join());
    if (rows.join(";") === this.offered) return;
    this.offered = rows.join(";");
    this.list.replaceChildren(...offers.map((offer) => this.row(offer)));
  }

  /** @param {Offer} offer */
  row(offer) {
    const { title, hint } = offer;
    const row = newElement("li");
    row.append(newElement("span", { textContent: title }));
    if (hint) row.append(newElement("span", { className: "small", textContent: hint }));
    for (const kind of kindsOf(offer)) {
      const textContent = kind.toUpperCase();
      const button = newElement("button", { className: kind, textContent, title: helpOf(kind, offer) });
      button.setAttribute("aria-label", `${title} as ${textContent}`);
      button.onclick = () => void this.save(title, kind);
      row.append(button);
    }
    return row;
  }

  /**
   * @param {string} title
   * @param {Kind} kind
   */
  async save(title, kind) {
    const { theme, config } = this.host;
    const offer = this.offers.find((one) => one.title === title);
    const blob = offer && (await MAKERS[kind](offer, theme));
    if (blob) download(blob, `${offer.file}-step-${config.step}.${kind}`);
  }
}
