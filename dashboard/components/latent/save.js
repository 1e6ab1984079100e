// What can be taken home: what a room offers is drawn once more, on paper, and saved as PNG or SVG; coordinates as
// CSV, decoded arrays as NPZ.

const PNG_RATIO = 2;
const SHARP_PIXELS = 480;
const PICTURE_GAP = 8;

// Stands in for a canvas: the same size, another context.
class Paper {
  constructor({ width, height }, context, ratio) {
    Object.assign(this, { clientWidth: width, clientHeight: height, context, ratio });
    Object.assign(this, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this, { parentElement: { clientWidth: width }, style: {} });
  }

  getContext() {
    return this.context;
  }

  setAttribute() {}
}

// Draws with a paper in the place of the holder's canvas.
function drawOnPaper(holder, name, paper, draw) {
  const canvas = holder[name];
  holder[name] = paper;
  try {
    draw();
  } finally {
    holder[name] = canvas;
  }
}

// The offer of canvases that have as many pixels as their pictures: side by side, each enlarged by a whole factor.
function pixelOffer(title, file, ...canvases) {
  const tallest = Math.max(...canvases.map((canvas) => canvas.height));
  const factor = Math.max(1, Math.ceil(SHARP_PIXELS / Math.max(...canvases.map((canvas) => canvas.width))));
  const sizes = canvases.map((canvas) => Math.max(1, Math.floor((factor * tallest) / canvas.height)));
  const lefts = [0];
  canvases.forEach((canvas, k) => lefts.push(lefts[k] + canvas.width * sizes[k] + PICTURE_GAP));
  const draw = (paper) => {
    const { context } = prepare(paper);
    context.imageSmoothingEnabled = false;
    canvases.forEach((canvas, k) => {
      context.drawImage(canvas, lefts[k], 0, canvas.width * sizes[k], canvas.height * sizes[k]);
    });
  };
  return { title, file, width: lefts.at(-1) - PICTURE_GAP, height: tallest * factor, draw };
}

// Where z, the pins, the way between them and a drawing are: [name, place] each.
function namedPlaces({ z, pins, path, posterior }) {
  const rows = [["z", z], ...pins.map((pin, k) => [`pin ${k + 1}`, pin])];
  for (const [k, place] of (path ?? []).entries()) rows.push([`way ${k / (path.length - 1)}`, place]);
  if (posterior) rows.push(["drawing, mean of q", posterior.mean]);
  return rows;
}

// In the file's own digits; what is decoded is a coordinate, too, where the data are points.
function placesTable(host) {
  const { isImage, model } = host;
  const rows = namedPlaces(host).map(([name, z]) => [`"${name}"`, ...z, ...(isImage ? [] : model.decode(z))]);
  const counts = [["z", host.z.length], ["x", isImage ? 0 : model.config.data_dim]];
  const heads = counts.flatMap(([letter, count]) => range(count).map((j) => `${letter}_${j + 1}`));
  return [["place", ...heads], ...rows].map((row) => `${row.join()}\n`).join("");
}

// Places z, shape (n, J), and E[x|z], shape (n, D): named as in the server's archives.
function placesArrays(model, places) {
  const at = (values) => floats(values, [places.length, values.length / places.length]);
  return { z: at(places.flat()), x: at(model.decodeAll(places)) };
}

// q(z|x), shapes (J,), and what its mean decodes to, shape (D,).
function posteriorArrays(model, { mean, std }) {
  return { decoded: floats(model.decode(mean)), mean: floats(mean), std: floats(std) };
}

function placesOffer(host) {
  const arrays = () => {
    const rows = namedPlaces(host);
    return { place: texts(rows.map(([name]) => name)), ...placesArrays(host.model, rows.map(([, z]) => z)) };
  };
  const table = () => placesTable(host);
  return { title: "z, pins and the way", file: "places", table, holds: "place, z, x", arrays };
}

function drawOffer(offer, context, ratio, theme) {
  context.fillStyle = theme.background;
  context.fillRect(0, 0, offer.width * ratio, offer.height * ratio);
  offer.draw(new Paper(offer, context, ratio));
}

function pngOf(offer, theme) {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(PNG_RATIO, window.devicePixelRatio || 1);
  Object.assign(canvas, { width: Math.round(offer.width * ratio), height: Math.round(offer.height * ratio) });
  const context = canvas.getContext("2d");
  // Each layer would clear what lies below it.
  context.clearRect = () => {};
  drawOffer(offer, context, ratio, theme);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function svgOf(offer, theme) {
  const context = new VectorContext(offer.width, offer.height);
  drawOffer(offer, context, 1, theme);
  return new Blob([context.toString()], { type: "image/svg+xml" });
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const tableOf = (offer) => new Blob([offer.table()], { type: "text/csv" });
const archiveOf = (offer) => new Blob([npzBytes(offer.arrays())], { type: "application/zip" });

const MAKERS = { png: pngOf, svg: svgOf, csv: tableOf, npz: archiveOf };
const HELP = {
  png: () => "The picture, for slides and mails.",
  svg: () => "The picture in a vector file, for papers: sharp at any size.",
  csv: () => "The coordinates, a row for each place.",
  npz: ({ holds }) => `The arrays ${holds}, for numpy.load.`,
};

function kindsOf({ draw, table, arrays }) {
  return [...(draw ? ["png", "svg"] : []), ...(table ? ["csv"] : []), ...(arrays ? ["npz"] : [])];
}

class SaveRoom {
  constructor(root, host) {
    this.host = host;
    this.details = root.querySelector("details");
    this.list = root.querySelector("ul");
    this.details.ontoggle = () => this.fill();
    host.onChange(() => this.fill());
  }

  get offers() {
    return [...this.host.offers.flatMap((make) => make()), placesOffer(this.host)];
  }

  // Rows are made anew only where others are offered: a button keeps the focus.
  fill() {
    if (!this.details.open) return;
    const { offers } = this;
    const offered = offers.map((offer) => [offer.title, offer.hint, offer.holds, ...kindsOf(offer)].join()).join(";");
    if (offered === this.offered) return;
    this.offered = offered;
    this.list.replaceChildren(...offers.map((offer) => this.row(offer)));
  }

  row(offer) {
    const { title, hint } = offer;
    const row = document.createElement("li");
    row.append(newElement("span", { textContent: title }));
    if (hint) row.append(newElement("span", { className: "small", textContent: hint }));
    for (const kind of kindsOf(offer)) {
      const button = row.appendChild(document.createElement("button"));
      Object.assign(button, { className: kind, textContent: kind.toUpperCase(), title: HELP[kind](offer) });
      button.setAttribute("aria-label", `${title} as ${kind.toUpperCase()}`);
      button.onclick = () => this.save(title, kind);
    }
    return row;
  }

  async save(title, kind) {
    const { theme, config } = this.host;
    const offer = this.offers.find((one) => one.title === title);
    if (offer) download(await MAKERS[kind](offer, theme), `${offer.file}-step-${config.step}.${kind}`);
  }
}
