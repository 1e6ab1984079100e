/**
 * The linear maps of a network's layers: matrices, convolutions that halve the sides of an image, and transposed ones
 * that double them. An image is a flat array, row by row, the channels of a pixel side by side.
 */

import { range } from "./numbers.js";

/**
 * Of an image: [height, width, channels].
 * @typedef {readonly [number, number, number]} Shape
 *
 * @typedef {object} Linear
 * @property {number} inputs
 * @property {number} outputs
 * @property {number} count Of weights.
 * @property {number} biases How many: of each output, or of each channel of the outputs.
 * @property {(weights: Float32Array) => void} take Takes the weights, as torch lays them out.
 * @property {(bias: Float32Array, out: Float64Array) => void} begin Writes the biases to `out`.
 * @property {(x: Float64Array, out: Float64Array) => void} add Adds the map of x to `out`.
 */

/** Pixels of a side of a kernel; it lies at every second pixel, and one pixel of zeros is around the image. */
const KERNEL = 4;

/**
 * One row of a matrix times a vector, in four sums: each waits for none of the others.
 * @param {Float32Array} matrix
 * @param {number} row
 * @param {Float64Array} x
 */
function rowTimes(matrix, row, x) {
  const start = row * x.length;
  const whole = x.length - (x.length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0, at = start; i < whole; i += 4, at += 4) {
    a += matrix[at] * x[i];
    b += matrix[at + 1] * x[i + 1];
    c += matrix[at + 2] * x[i + 2];
    d += matrix[at + 3] * x[i + 3];
  }
  for (let i = whole; i < x.length; i++) a += matrix[start + i] * x[i];
  return a + b + (c + d);
}

/** @implements {Linear} */
class Matrix {
  /**
   * @param {number} inputs
   * @param {number} outputs
   */
  constructor(inputs, outputs) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.biases = outputs;
    this.count = inputs * outputs;
    /** @type {Float32Array} */
    this.weights = new Float32Array();
  }

  /** @param {Float32Array} weights */
  take(weights) {
    this.weights = weights;
  }

  /**
   * @param {Float32Array} bias
   * @param {Float64Array} out
   */
  begin(bias, out) {
    out.set(bias);
  }

  /**
   * @param {Float64Array} x
   * @param {Float64Array} out
   */
  add(x, out) {
    for (let o = 0; o < this.outputs; o++) out[o] += rowTimes(this.weights, o, x);
  }
}

/**
 * The convolution of a large image to a small one, or its transposed map from small to large, with weights of its own.
 * @implements {Linear}
 */
class Convolution {
  /**
   * @param {Shape} large
   * @param {Shape} small
   * @param {{ isTransposed: boolean }} direction
   */
  constructor(large, small, { isTransposed }) {
    const size = (/** @type {Shape} */ [height, width, channels]) => height * width * channels;
    const [from, to] = isTransposed ? [small, large] : [large, small];
    this.large = large;
    this.small = small;
    this.isTransposed = isTransposed;
    this.inputs = size(from);
    this.outputs = size(to);
    this.biases = to[2];
    this.count = from[2] * to[2] * KERNEL * KERNEL;
    this.from = from[2];
    this.to = to[2];
    /** Pixel by pixel of the kernel, a row for each channel of the input. */
    this.weights = new Float64Array(this.count);
  }

  /** @param {Float32Array} weights Of the small image's channels, the large one's, and the kernel's rows. */
  take(weights) {
    const { from, to, isTransposed } = this;
    for (const i of range(from)) {
      for (const o of range(to)) {
        const [small, large] = isTransposed ? [i, o] : [o, i];
        const start = (small * (isTransposed ? to : from) + large) * KERNEL * KERNEL;
        for (const k of range(KERNEL * KERNEL)) this.weights[(k * from + i) * to + o] = weights[start + k];
      }
    }
  }

  /**
   * @param {Float32Array} bias
   * @param {Float64Array} out
   */
  begin(bias, out) {
    for (let o = 0; o < out.length; o += bias.length) out.set(bias, o);
  }

  /**
   * @param {Float64Array} x
   * @param {Float64Array} out
   */
  add(x, out) {
    const { from, to, weights, isTransposed } = this;
    const [height, width] = this.large;
    const [rows, columns] = this.small;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const small = row * columns + column;
        for (let k = 0; k < KERNEL * KERNEL; k++) {
          const [down, right] = [2 * row - 1 + (k >> 2), 2 * column - 1 + (k & 3)];
          if (down < 0 || down >= height || right < 0 || right >= width) continue;
          const large = down * width + right;
          const [source, target] = isTransposed ? [small * from, large * to] : [large * from, small * to];
          for (let i = 0, at = k * from * to; i < from; i++) {
            const value = x[source + i];
            for (let o = 0; o < to; o++) out[target + o] += weights[at++] * value;
          }
        }
      }
    }
  }
}

/**
 * The decoder's last layer where it gives two numbers for each value: torch has all first ones first.
 * @implements {Linear}
 */
class InTurn {
  /** @param {Convolution} map To [height, width, 2 * channels]. */
  constructor(map) {
    this.map = map;
    this.inputs = map.inputs;
    this.outputs = map.outputs;
    this.count = map.count;
    this.biases = map.to;
    this.pixels = new Float64Array(map.outputs);
  }

  /** @param {Float32Array} weights */
  take(weights) {
    this.map.take(weights);
  }

  /**
   * @param {Float32Array} bias
   * @param {Float64Array} out
   */
  begin(bias, out) {
    this.map.begin(bias, this.pixels);
    out.fill(0);
    this.#addPixels(out);
  }

  /**
   * @param {Float64Array} x
   * @param {Float64Array} out
   */
  add(x, out) {
    this.pixels.fill(0);
    this.map.add(x, this.pixels);
    this.#addPixels(out);
  }

  /** @param {Float64Array} out */
  #addPixels(out) {
    const [half, channels] = [this.outputs / 2, this.map.to / 2];
    for (let o = 0, at = 0; o < half; o += channels) {
      for (let c = 0; c < channels; c++) out[o + c] += this.pixels[at++];
      for (let c = 0; c < channels; c++) out[half + o + c] += this.pixels[at++];
    }
  }
}

/** @param {readonly number[]} sizes */
const matrices = (sizes) => range(sizes.length - 1).map((l) => new Matrix(sizes[l], sizes[l + 1]));

/**
 * The layers of a model's networks, from input to output.
 * @param {import("./network.js").ModelConfig} config
 * @param {{ heads: number, perValue: number }} outputs Of the encoder, and of the decoder for each value of x.
 * @returns {{ encoder: Linear[], decoder: Linear[] }}
 */
export function layersOf(config, { heads, perValue }) {
  const { data_dim: dataDim, latent_dim: latentDim, hidden_dims: hidden, image_shape: shape } = config;
  if (config.architecture !== "conv" || !shape) {
    return {
      encoder: matrices([dataDim, ...hidden, heads]),
      decoder: matrices([latentDim, ...[...hidden].reverse(), perValue * dataDim]),
    };
  }
  /** @type {Shape[]} */
  const maps = [[shape[0], shape[1], shape[2] ?? 1]];
  for (const channels of hidden) {
    const [height, width] = maps[maps.length - 1];
    maps.push([height >> 1, width >> 1, channels]);
  }
  const last = maps[hidden.length];
  const between = (/** @type {number} */ l, /** @type {boolean} */ isTransposed) => {
    const [height, width, channels] = maps[l];
    const times = isTransposed && l === 0 ? perValue : 1;
    return new Convolution([height, width, times * channels], maps[l + 1], { isTransposed });
  };
  const down = range(hidden.length).map((l) => between(l, false));
  const up = range(hidden.length).map((l) => between(l, true));
  const size = last[0] * last[1] * last[2];
  const decoder = [
    new Matrix(latentDim, size),
    ...up.slice(1).reverse(),
    perValue === 1 ? up[0] : new InTurn(up[0]),
  ];
  return { encoder: [...down, new Matrix(size, heads)], decoder };
}
