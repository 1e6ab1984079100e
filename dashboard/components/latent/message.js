/** What Python sends: a length, JSON, then arrays one after the other, each at a multiple of four bytes. */

import { jsonOf } from "../shared/arrays.js";
import { covarianceOf } from "../shared/gaussian.js";
import { SHAPES } from "../shared/shapes.js";

/**
 * @typedef {import("../shared/network.js").ModelConfig} ModelConfig
 * @typedef {import("../shared/gaussian.js").Posterior} Posterior
 * @typedef {import("../shared/theme.js").Palettes} Palettes
 *
 * @typedef {object} Place
 * @property {keyof typeof ARRAYS} type
 * @property {number} offset In bytes, from the first array on.
 * @property {number} length In values.
 *
 * Where z and the pins are at first, as a link says it; empty: z = 0, no pins.
 * @typedef {{ z: number[], pins: number[][] }} Start
 *
 * @typedef {object} Meta
 * @property {ModelConfig} config
 * @property {string} hash Of the weights, and of what colours the plane.
 * @property {string} run
 * @property {boolean} given_y Whether it is a conditional model given one y.
 * @property {number} step
 * @property {readonly number[]} plane The two dimensions of the plane, from 0; the same twice when J = 1.
 * @property {number[] | null} image_shape [height, width], or with 3 colours; null where the data are points of a plane.
 * @property {string[]} [columns] Names of the first values of a point, where they have names.
 * @property {string[]} class_names
 * @property {{ title: string, ends: string[] | null }} [colour] What the labels are, where they are no classes.
 * @property {number[]} kl_per_dim None where the KL has no parts by dimension.
 * @property {Posterior[]} [components] Of a learned prior, the heaviest first; none for N(0, I).
 * @property {Palettes} palettes
 * @property {Start} start
 * @property {Record<string, Place>} arrays
 *
 * @typedef {object} Arrays
 * @property {Float32Array} decoder
 * @property {Float32Array} encoder
 * @property {Float32Array} means
 * @property {Float32Array} stds
 * @property {Float32Array} factors Lower triangles of L, for an encoder with a full covariance matrix and for the
 *   covariances of what is no Gaussian; else empty.
 * @property {Float32Array} [shapes] What says which q it is that is no Gaussian, see `SHAPES`.
 * @property {Int32Array} labels
 * @property {Float32Array | Uint8Array} x
 */

const ARRAYS = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

/** @param {Uint8Array} bytes */
const headLength = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);

/**
 * @param {Uint8Array} bytes
 * @returns {Meta}
 */
export function readMeta(bytes) {
  return jsonOf(bytes.subarray(4, 4 + headLength(bytes)));
}

/**
 * The arrays by name, as copies: the bytes may start anywhere in their buffer.
 * @param {Uint8Array} bytes
 * @param {Meta} meta
 * @returns {Arrays}
 */
export function readArrays(bytes, meta) {
  const body = 4 + headLength(bytes);
  const read = (/** @type {Place} */ { type, offset, length }) => {
    const start = body + offset;
    const part = bytes.slice(start, start + length * ARRAYS[type].BYTES_PER_ELEMENT);
    return new ARRAYS[type](part.buffer);
  };
  const named = Object.entries(meta.arrays).map(([name, place]) => [name, read(place)]);
  return Object.fromEntries(named);
}

/** Held-out examples: where they lie in the latent space and, for the first of them, what they are. */
export class HeldOut {
  /**
   * @param {Pick<Meta, "config" | "image_shape">} meta
   * @param {Pick<Arrays, "means" | "stds" | "factors" | "shapes" | "labels" | "x">} arrays
   */
  constructor({ config, image_shape: imageShape }, { means, stds, factors, shapes, labels, x }) {
    this.means = means;
    this.stds = stds;
    this.factors = factors;
    this.shapes = shapes ?? new Float32Array();
    this.kind = SHAPES[config.encoder_head];
    this.labels = labels;
    this.x = x;
    this.latentDim = config.latent_dim;
    this.dataDim = config.data_dim;
    this.levels = imageShape ? 255 : 1;
    this.countWithX = x.length / config.data_dim;
  }

  /**
   * q(z|x) of one example.
   * @param {number} i
   * @returns {Posterior}
   */
  posterior(i) {
    if (!this.kind || !this.shapes.length) return this.gaussian(i);
    const size = this.kind.size(this.latentDim);
    const parameters = this.shapes.subarray(i * size, (i + 1) * size);
    return { ...this.gaussian(i), shape: this.kind.of(parameters, this.latentDim) };
  }

  /**
   * Its mean and covariances.
   * @param {number} i
   * @returns {Posterior}
   */
  gaussian(i) {
    const part = (/** @type {Float32Array} */ values) =>
      Array.from(values.subarray(i * this.latentDim, (i + 1) * this.latentDim));
    const q = { mean: part(this.means), std: part(this.stds) };
    if (!this.factors.length) return q;
    const size = (this.latentDim * (this.latentDim + 1)) / 2;
    return { ...q, factor: this.factors.subarray(i * size, (i + 1) * size) };
  }

  /**
   * The covariances of two dimensions of all examples; empty where they are all 0.
   * @param {readonly number[]} axes
   */
  covariances([first, second]) {
    if (!this.factors.length || first === second) return new Float32Array();
    return Float32Array.from(this.labels, (_, i) => covarianceOf(this.gaussian(i), first, second));
  }

  /**
   * The example as the model takes it (images from 0 to 1), or null where it was left out to save bytes.
   * @param {number} i
   */
  example(i) {
    if (i >= this.countWithX) return null;
    const values = this.x.subarray(i * this.dataDim, (i + 1) * this.dataDim);
    return Float32Array.from(values, (value) => value / this.levels);
  }

  /**
   * Two coordinates of all means or stds, as flat pairs.
   * @param {Float32Array} values
   * @param {readonly number[]} axes
   */
  pairs(values, [first, second]) {
    const pairs = new Float32Array(2 * this.labels.length);
    for (let i = 0; i < this.labels.length; i++) {
      pairs[2 * i] = values[i * this.latentDim + first];
      pairs[2 * i + 1] = values[i * this.latentDim + second];
    }
    return pairs;
  }
}
