// What the decoder makes of one latent dimension while the others stay at z: pictures, or a path in data space.

const STRIP_VALUES = 9;
const PATH_VALUES = 49;
const STRIP_GAP = 4;
const STRIP_PICTURE = 56;

const newElement = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
const zName = (dim) => `z${subscript(dim + 1)}`;

// n values from low to high.
const spread = ([low, high], n) => Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));

// n places along a dimension through z.
function placesAlong({ z, dim, range }, n) {
  return spread(range, n).map((value) => z.map((old, j) => (j === dim ? value : old)));
}

class Strip {
  constructor(host, dim) {
    this.host = host;
    this.dim = dim;
    this.canvas = newElement("canvas", { className: "along" });
    this.canvas.setAttribute("role", "img");
  }

  // Whether it shows another model, another range or other coordinates than those of now.
  isStale(range) {
    const { model, z } = this.host;
    if (this.model !== model || this.range !== range) return true;
    return z.some((value, i) => i !== this.dim && value !== this.z[i]);
  }

  refresh(range) {
    Object.assign(this, { model: this.host.model, range, z: [...this.host.z] });
    const [from, to] = range.map((value) => fixed(value, 1));
    this.canvas.setAttribute("aria-label", `Decoded while ${zName(this.dim)} goes from ${from} to ${to}`);
    this.make();
  }

  // The decoded means at n values of the dimension, one after the other.
  decodeAlong(n) {
    return this.model.decodeAll(placesAlong(this, n));
  }
}

// Nine pictures side by side on a canvas of their own pixels, enlarged by a whole factor; CSS fits it to its place.
class ImageStrip extends Strip {
  make() {
    const [height, width] = this.host.config.image_shape;
    const bytes = Uint8ClampedArray.from(this.decodeAlong(STRIP_VALUES), (value) => value * 255);
    const sheet = pictureSheet(bytes, [height, width], STRIP_VALUES);
    const factor = Math.max(1, Math.ceil(STRIP_PICTURE / width));
    const step = width * factor + STRIP_GAP;
    Object.assign(this.canvas, { width: STRIP_VALUES * step - STRIP_GAP, height: height * factor });
    this.share = (step - STRIP_GAP) / this.canvas.width;
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    for (let k = 0; k < STRIP_VALUES; k++) {
      context.drawImage(sheet, k * width, 0, width, height, k * step, 0, width * factor, height * factor);
    }
  }

  paint() {}
}

const PATH_POINTS = 400;

// Data that are points of a plane: some of them, the path that the decoded point goes, and where it is now.
class PathStrip extends Strip {
  make() {
    this.path = this.decodeAlong(PATH_VALUES);
    const { x } = this.host.data;
    const sides = [0, 1].map((axis) => extent(x.filter((_, i) => i % 2 === axis)) ?? [-1, 1]);
    this.centre = sides.map(([low, high]) => (low + high) / 2);
    this.radius = 0.6 * Math.max(...sides.map(([low, high]) => high - low), 1e-6);
  }

  paint(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.path || width < 10) return;
    const { px, py } = squareFrame({ left: 0, top: 0, width, height }, this.centre, this.radius);
    this.paintData(context, theme, px, py);
    context.beginPath();
    for (let k = 0; k < PATH_VALUES; k++) context.lineTo(px(this.path[2 * k]), py(this.path[2 * k + 1]));
    stroke(context, theme.concepts.decoded, { width: 2.5 });
    const [x, y] = this.host.decoded;
    context.beginPath();
    context.arc(px(x), py(y), 6, 0, 2 * Math.PI);
    context.fillStyle = theme.concepts.decoded;
    context.fill();
    stroke(context, theme.text, { width: 2 });
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
  }

  paintData(context, theme, px, py) {
    const { x } = this.host.data;
    context.fillStyle = theme.concepts.data;
    context.globalAlpha = 0.6;
    for (let i = 0; i < Math.min(PATH_POINTS, x.length / 2); i++) {
      context.fillRect(px(x[2 * i]) - 1.5, py(x[2 * i + 1]) - 1.5, 3, 3);
    }
    context.globalAlpha = 1;
    context.strokeStyle = theme.concepts.data;
    context.lineWidth = 1;
  }
}

const MATRIX_ROWS = 64;
const MATRIX_HEAD = 22;
const MATRIX_NAME = 96;
const MATRIX_PICTURE = 60;

// All strips below each other: rows are dimensions, the most used first, columns are values.
class TraversalMatrix {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // rows: { strip, dim, use, faint } in their order; heads: texts above the columns, `corner` before them.
  draw(theme, rows, heads, corner) {
    const measured = this.measure(rows, this.canvas.parentElement.clientWidth);
    if (!measured) return;
    Object.assign(this, measured);
    const { width } = this;
    this.canvas.style.height = `${measured.height}px`;
    const { context } = prepare(this.canvas);
    write(context, theme, corner, 0, MATRIX_HEAD / 2, { align: "left" });
    const each = width < STRIP_VALUES * 40 ? 2 : 1;
    heads.forEach((text, k) => k % each || write(context, theme, text, this.middle(k), MATRIX_HEAD / 2));
    rows.forEach(({ strip, dim, use, faint }, index) => {
      const top = MATRIX_HEAD + index * this.row;
      context.globalAlpha = faint ? 0.6 : 1;
      write(context, theme, `${zName(dim)}  ${use}`, 0, top + this.row / 2, { align: "left" });
      context.globalAlpha = 1;
      if (strip.share) context.drawImage(strip.canvas, MATRIX_NAME, top, width, this.row - STRIP_GAP / 2);
    });
    this.canvas.setAttribute("aria-label", `Traversals of ${rows.length} latent dimensions, one in each row`);
  }

  // Sizes that fit into so many pixels across; null while no strip is made.
  measure(rows, across) {
    const first = rows.find(({ strip }) => strip.share)?.strip.canvas;
    if (!first) return null;
    const width = Math.min(across - MATRIX_NAME, STRIP_VALUES * MATRIX_PICTURE);
    const row = (width * first.height) / first.width + STRIP_GAP / 2;
    return { width, row, height: MATRIX_HEAD + rows.length * row };
  }

  middle(k) {
    return MATRIX_NAME + (this.width * (k + 0.5)) / STRIP_VALUES;
  }

  // Row and column of a place, or null.
  cell({ x, y }, rows) {
    const row = Math.floor((y - MATRIX_HEAD) / this.row);
    const column = Math.floor(((x - MATRIX_NAME) / this.width) * STRIP_VALUES);
    const inside = row >= 0 && row < rows && column >= 0 && column < STRIP_VALUES;
    return inside ? { row, column } : null;
  }
}
