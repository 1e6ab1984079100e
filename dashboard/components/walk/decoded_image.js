// The decoded image at any place of the plane, from a grid of decoded images.

// Index of the lower neighbour of a value on an ascending axis, and the share of the way to the upper one.
function between(axis, value) {
  let low = 0;
  while (low < axis.length - 2 && axis[low + 1] <= value) low++;
  return [low, clamp((value - axis[low]) / (axis[low + 1] - axis[low]), 0, 1)];
}

// One image, blended from the four of a grid whose places in the plane are nearest.
class DecodedImage {
  constructor(canvas) {
    this.canvas = canvas;
  }

  // data: bytes (row 0 of the grid at the largest z2), shape [h, w], rows, columns, axis (ascending).
  set(data) {
    this.data = data;
    const [height, width] = data.shape;
    Object.assign(this.canvas, { width, height });
    this.canvas.setAttribute("aria-label", `Decoded image at z, ${width} by ${height} pixels`);
    this.context = this.canvas.getContext("2d");
    this.pixels = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.pixels.data.buffer);
  }

  // The four images about z, each as [its first byte, its weight].
  neighbours(z) {
    const { axis, rows, columns } = this.data;
    const [[column, right], [row, up]] = z.map((value) => between(axis, value));
    const corner = (i, j) => ((rows - 1 - row - j) * columns + column + i) * this.words.length;
    return [
      [corner(0, 0), (1 - right) * (1 - up)],
      [corner(1, 0), right * (1 - up)],
      [corner(0, 1), (1 - right) * up],
      [corner(1, 1), right * up],
    ];
  }

  draw(z) {
    const corners = this.neighbours(z);
    for (let p = 0; p < this.words.length; p++) {
      let grey = 0;
      for (const [first, weight] of corners) grey += weight * this.data.bytes[first + p];
      this.words[p] = 0xff000000 | (Math.round(grey) * 0x010101);
    }
    this.context.putImageData(this.pixels, 0, 0);
  }
}
