// Grey-scale pictures: white ink on black in both themes, pixels kept sharp.

// Puts pictures (uint8, flat, row by row) side by side on one hidden canvas.
function pictureSheet(bytes, [height, width], columns) {
  const count = Math.floor(bytes.length / (height * width));
  const sheet = document.createElement("canvas");
  sheet.width = Math.max(1, columns * width);
  sheet.height = Math.max(1, Math.ceil(count / columns) * height);
  const context = sheet.getContext("2d");
  const pixels = context.createImageData(sheet.width, sheet.height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let k = 0; k < count; k++) {
    const corner = Math.floor(k / columns) * height * sheet.width + (k % columns) * width;
    for (let p = 0; p < height * width; p++) {
      const grey = bytes[k * height * width + p];
      words[corner + Math.floor(p / width) * sheet.width + (p % width)] = 0xff000000 | (grey * 0x010101);
    }
  }
  context.putImageData(pixels, 0, 0);
  return sheet;
}

// Enlarged by a whole factor without smoothing, then fitted: every pixel comes out equally large.
function enlarged(sheet, targetWidth) {
  const factor = Math.max(1, Math.ceil((targetWidth * (window.devicePixelRatio || 1)) / sheet.width));
  const large = document.createElement("canvas");
  large.width = sheet.width * factor;
  large.height = sheet.height * factor;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, 0, 0, large.width, large.height);
  return large;
}

function drawSheet(context, sheet, left, top, width, height) {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(enlarged(sheet, width), left, top, width, height);
}

// A few positions out of `count`, the ends among them, symmetric, `room` pixels apart or more.
function spacedIndices(count, length, room) {
  const fitting = Math.min(count, 6, Math.floor(length / room));
  const most = Math.max(1, (fitting - count) % 2 ? fitting - 1 : fitting);
  if (most === 1) return [Math.floor((count - 1) / 2)];
  return Array.from({ length: most }, (_, k) => Math.round((k * (count - 1)) / (most - 1)));
}

// The decoded means over the plane: row 0 at the largest value of the second dimension.
class DecodedGrid {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // data: bytes, shape [h, w], rows, columns, axis (ascending), axes (0-based dimensions).
  set(data) {
    this.data = data;
    this.sheet = pictureSheet(data.bytes, data.shape, data.columns);
    const [first, second] = data.axes.map((axis) => `z${subscript(axis + 1)}`);
    const span = `from ${fixed(data.axis[0], 1)} to ${fixed(data.axis.at(-1), 1)}`;
    const rows = data.rows > 1 ? `, ${second} upwards` : "";
    this.titles = data.rows > 1 ? [first, second] : [first, ""];
    this.canvas.setAttribute("aria-label", `Decoded images over ${first} to the right${rows}, ${span}`);
  }

  // The largest place for the whole grid that keeps its proportions.
  area(size) {
    const { rows, columns, shape } = this.data;
    const box = plotBox(size, this.titles[0]);
    const scale = Math.min(box.width / (columns * shape[1]), box.height / (rows * shape[0]));
    const [width, height] = [scale * columns * shape[1], scale * rows * shape[0]];
    return { left: box.left + (box.width - width) / 2, top: box.top, width, height };
  }

  draw(theme) {
    const { context, ...size } = prepare(this.canvas);
    const area = this.area(size);
    drawSheet(context, this.sheet, area.left, area.top, area.width, area.height);
    this.separate(context, theme, area);
    this.drawNumbers(context, theme, area);
  }

  drawNumbers(context, theme, { left, top, width, height }) {
    const { rows, columns, axis } = this.data;
    const bottom = top + height;
    for (const k of spacedIndices(columns, width, 46).filter((index) => index < columns - 1)) {
      write(context, theme, fixed(axis[k], 1), left + ((k + 0.5) * width) / columns, bottom + 5, { base: "top" });
    }
    write(context, theme, this.titles[0], left + width, bottom + 4, { base: "top", align: "right", size: 13 });
    if (rows === 1) return;
    for (const k of spacedIndices(rows, height, 36)) {
      write(context, theme, fixed(axis[k], 1), left - 5, bottom - ((k + 0.5) * height) / rows, { align: "right" });
    }
    write(context, theme, this.titles[1], left - 34, top + 6, { size: 13 });
  }

  separate(context, theme, { left, top, width, height }) {
    const [stepX, stepY] = [width / this.data.columns, height / this.data.rows];
    context.beginPath();
    for (let k = 1; k < this.data.columns; k++) {
      context.moveTo(left + k * stepX, top);
      context.lineTo(left + k * stepX, top + height);
    }
    for (let k = 1; k < this.data.rows; k++) {
      context.moveTo(left, top + k * stepY);
      context.lineTo(left + width, top + k * stepY);
    }
    stroke(context, theme.background, { alpha: 0.6 });
  }
}

// The room for the words beside the pictures.
const LABELS = 62;

// Held-out pictures above what the decoder makes of their posterior means, in as many bands as fit best.
class PicturePairs {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // data: examples and reconstructions (bytes), shape [h, w].
  set(data) {
    const size = data.shape[0] * data.shape[1];
    this.count = Math.floor(data.examples.length / size);
    this.shape = data.shape;
    this.rows = [data.examples, data.reconstructions];
    this.canvas.setAttribute("aria-label", `${this.count} held-out images, each above its reconstruction`);
  }

  // The number of bands that makes the pictures largest, less what an unfilled band would waste.
  arrange(width, height) {
    const [h, w] = this.shape;
    const fits = (bands) => {
      const columns = Math.ceil(this.count / bands);
      const scale = Math.min((width - 4 * columns) / (columns * w), (height - 14 * (bands - 1)) / (2.1 * bands * h));
      return { bands, columns, scale, worth: (scale * this.count) / (bands * columns) };
    };
    const choices = Array.from({ length: this.count }, (_, k) => fits(k + 1));
    return choices.reduce((best, choice) => (choice.worth > best.worth ? choice : best));
  }

  draw(theme) {
    const { context, width, height } = prepare(this.canvas);
    if (!this.count) return;
    const { bands, columns, scale } = this.arrange(width - LABELS, height - 8);
    for (let band = 0; band < bands; band++) {
      const top = 8 + band * (2.1 * this.shape[0] * scale + 14);
      const members = [band * columns, Math.min(this.count, (band + 1) * columns)];
      this.drawRow(context, 0, members, top, scale);
      this.drawRow(context, 1, members, top + this.shape[0] * scale + 4, scale);
      const middle = top + (this.shape[0] * scale) / 2;
      const style = { align: "right", size: 13 };
      write(context, theme, "x", LABELS - 8, middle, style);
      const decoded = { ...style, colour: theme.concepts.decoded, weight: 700 };
      write(context, theme, "decoded", LABELS - 8, middle + this.shape[0] * scale + 4, decoded);
    }
  }

  drawRow(context, row, [from, to], top, scale) {
    const [height, width] = this.shape;
    for (let k = from; k < to; k++) {
      const bytes = this.rows[row].subarray(k * height * width, (k + 1) * height * width);
      const left = LABELS + (k - from) * (width * scale + 4);
      drawSheet(context, pictureSheet(bytes, this.shape, 1), left, top, width * scale, height * scale);
    }
  }
}
