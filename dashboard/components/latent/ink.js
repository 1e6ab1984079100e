// Ink on a sheet finer than the data, and how it becomes an input as the data set has them.

// Sheet pixels to a data pixel in each direction: scikit-learn's digits were counted from such blocks of four.
const INK_FINE = 4;
const INK_EDGE = 0.1;
// MNIST fits each digit into 20 x 20 of its 28 x 28 pixels and puts the centre of mass in the middle.
const MNIST_SIZE = 28;
const MNIST_BOX = 20;

class Ink {
  // shape: [height, width] in data pixels; values from 0 to 1, row by row.
  constructor([height, width]) {
    [this.height, this.width] = [height * INK_FINE, width * INK_FINE];
    this.values = new Float32Array(this.height * this.width);
  }

  // A soft dab at a place in data pixels.
  dab(x, y, radius, erases) {
    const [cx, cy, reach] = [x * INK_FINE, y * INK_FINE, radius * INK_FINE];
    for (let row = Math.max(0, Math.floor(cy - reach)); row < Math.min(this.height, cy + reach); row++) {
      for (let column = Math.max(0, Math.floor(cx - reach)); column < Math.min(this.width, cx + reach); column++) {
        const away = Math.hypot(column + 0.5 - cx, row + 0.5 - cy) / reach;
        const amount = clamp(2 * (1 - away), 0, 1);
        const at = row * this.width + column;
        this.values[at] = erases ? Math.min(this.values[at], 1 - amount) : Math.max(this.values[at], amount);
      }
    }
  }

  line(from, to, radius, erases) {
    const steps = Math.max(1, Math.ceil((4 * Math.hypot(to.x - from.x, to.y - from.y)) / radius));
    for (let k = 0; k <= steps; k++) {
      const share = k / steps;
      this.dab(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, radius, erases);
    }
  }

  // A datum, each of its pixels as a block.
  put(x) {
    const columns = this.width / INK_FINE;
    this.values = this.values.map((_, at) => {
      const [row, column] = [Math.floor(at / this.width), at % this.width];
      return x[Math.floor(row / INK_FINE) * columns + Math.floor(column / INK_FINE)];
    });
  }

  // Bounding box [left, top, right, bottom] and centre of mass in sheet pixels; null where there is no ink.
  measure() {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    let [mass, x, y] = [0, 0, 0];
    this.values.forEach((value, at) => {
      const [column, row] = [at % this.width, Math.floor(at / this.width)];
      [mass, x, y] = [mass + value, x + value * (column + 0.5), y + value * (row + 0.5)];
      if (value < INK_EDGE) return;
      [box[0], box[1]] = [Math.min(box[0], column), Math.min(box[1], row)];
      [box[2], box[3]] = [Math.max(box[2], column + 1), Math.max(box[3], row + 1)];
    });
    return box[0] < box[2] ? { box, mass: [x / mass, y / mass] } : null;
  }

  // Scale and centre (in sheet pixels) that put the ink where the data set has it.
  fit() {
    const { box, mass } = this.measure();
    const isMnist = this.width === this.height && this.width === MNIST_SIZE * INK_FINE;
    const room = isMnist ? MNIST_BOX / MNIST_SIZE : 1;
    const scale = Math.min((room * this.width) / (box[2] - box[0]), (room * this.height) / (box[3] - box[1]));
    return { scale, centre: isMnist ? mass : [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] };
  }

  // Between sheet pixels (bilinear), 0 outside.
  at(x, y) {
    const [column, row] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [right, down] = [x - 0.5 - column, y - 0.5 - row];
    const value = (i, j) => (i < 0 || j < 0 || i >= this.width || j >= this.height ? 0 : this.values[j * this.width + i]);
    const upper = value(column, row) * (1 - right) + value(column + 1, row) * right;
    const lower = value(column, row + 1) * (1 - right) + value(column + 1, row + 1) * right;
    return upper * (1 - down) + lower * down;
  }

  // The input of the model, one number for each data pixel: the mean of its block of the placed sheet.
  input(isFitted) {
    const middle = [this.width / 2, this.height / 2];
    const { scale, centre } = isFitted ? this.fit() : { scale: 1, centre: middle };
    const columns = this.width / INK_FINE;
    const x = new Float32Array((columns * this.height) / INK_FINE);
    for (let row = 0; row < this.height; row++) {
      for (let column = 0; column < this.width; column++) {
        const place = [column + 0.5, row + 0.5].map((value, axis) => (value - middle[axis]) / scale + centre[axis]);
        const pixel = Math.floor(row / INK_FINE) * columns + Math.floor(column / INK_FINE);
        x[pixel] += this.at(...place) / INK_FINE ** 2;
      }
    }
    return x;
  }
}
