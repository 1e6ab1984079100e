// Pictures to take home: what a room offers is drawn once more, on paper, and saved as PNG or SVG.

const PNG_RATIO = 2;
const SHARP_PIXELS = 480;

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

// The offer of a canvas that has as many pixels as its pictures: enlarged by a whole factor.
function pixelOffer(title, file, canvas) {
  const factor = Math.max(1, Math.ceil(SHARP_PIXELS / canvas.width));
  const [width, height] = [canvas.width * factor, canvas.height * factor];
  const draw = (paper) => {
    const { context } = prepare(paper);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, width, height);
  };
  return { title, file, width, height, draw };
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

const MAKERS = { png: pngOf, svg: svgOf };

class SaveRoom {
  constructor(root, host) {
    this.host = host;
    this.details = root.querySelector("details");
    this.list = root.querySelector("ul");
    this.details.ontoggle = () => this.fill();
    host.onChange(() => this.fill());
  }

  get offers() {
    return this.host.offers.flatMap((make) => make());
  }

  // Rows are made anew only where others are offered: a button keeps the focus.
  fill() {
    if (!this.details.open) return;
    const titles = this.offers.map(({ title }) => title);
    if (titles.join() === this.titles?.join()) return;
    this.titles = titles;
    this.list.replaceChildren(...titles.map((title) => this.row(title)));
  }

  row(title) {
    const row = document.createElement("li");
    row.append(title);
    for (const kind of Object.keys(MAKERS)) {
      const button = row.appendChild(document.createElement("button"));
      button.textContent = kind.toUpperCase();
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
