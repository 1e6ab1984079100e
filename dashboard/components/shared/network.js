/**
 * The core's networks: encoder, decoder, likelihood mean, ELBO terms and the decoder's Jacobian. Weights arrive as
 * one Float32Array for each network, layer by layer: the matrix row by row or the kernels, then the bias.
 */

import { layersOf } from "./convolution.js";
import { deviationOf, klToStandardNormal, widthsOf } from "./gaussian.js";
import { SHAPES } from "./shapes.js";

/**
 * @typedef {import("./gaussian.js").Posterior} Posterior
 * @typedef {object} ModelConfig
 * @property {number} data_dim
 * @property {number} latent_dim
 * @property {number[]} hidden_dims Of the encoder; the decoder has them in reverse. Of "conv": channels.
 * @property {"mlp" | "conv"} architecture
 * @property {number[] | null} image_shape Of "conv": [height, width] or [height, width, 3].
 * @property {keyof typeof ACTIVATIONS} activation
 * @property {"log_variance" | "variance" | "full_covariance" | "flow" | "mixture" | "unit_variance" | "deterministic"} encoder_head
 * @property {keyof typeof MEANS} likelihood
 * @property {number | null} scale Of the Gaussian likelihood with one s for all values.
 *
 * @typedef {import("./convolution.js").Linear} Linear
 *
 * @typedef {object} Layer
 * @property {Linear} linear
 * @property {Float32Array} bias Of each output, or of each channel of the outputs in turn.
 * @property {Float64Array} u Before the activation.
 * @property {Float64Array} h After it.
 */

/** @param {number} u */
function sigmoid(u) {
  return u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));
}

/** @param {number} u */
function softplus(u) {
  return Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
}

const ACTIVATIONS = {
  tanh: Math.tanh,
  relu: (/** @type {number} */ u) => Math.max(0, u),
  silu: (/** @type {number} */ u) => u / (1 + Math.exp(-u)),
  softplus,
};

/**
 * Derivatives at u, given h = f(u) where that is cheaper.
 * @type {Record<keyof typeof ACTIVATIONS, (u: number, h: number) => number>}
 */
const DERIVATIVES = {
  tanh: (u, h) => 1 - h * h,
  relu: (u) => (u > 0 ? 1 : 0),
  silu: (u) => {
    const s = sigmoid(u);
    return s * (1 + u * (1 - s));
  },
  softplus: sigmoid,
};

// Below this size of the logit the continuous Bernoulli's mean and normaliser are series: they are 0 / 0 at 0.
const NEAR_ZERO = 0.03;

/**
 * E[x] of the continuous Bernoulli distribution (Loaiza-Ganem and Cunningham 2019).
 * @param {number} logit
 */
export function continuousBernoulliMean(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return 0.5 + logit / 12 - logit ** 3 / 720;
  return -1 / Math.expm1(-logit) - 1 / logit;
}

/**
 * The derivative of its mean by the logit.
 * @param {number} logit
 */
export function continuousBernoulliSlope(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return 1 / 12 - (logit * logit) / 240;
  const half = Math.sinh(logit / 2);
  return 1 / (logit * logit) - 1 / (4 * half * half);
}

/**
 * The logarithm of its normaliser.
 * @param {number} logit
 */
export function continuousBernoulliLogNormalizer(logit) {
  if (Math.abs(logit) < NEAR_ZERO) return Math.LN2 + (logit * logit) / 12 - (7 / 1440) * logit ** 4;
  return Math.log(logit / Math.tanh(logit / 2));
}

/** E[x|z] by the decoder's output, for each likelihood. */
const MEANS = {
  bernoulli: sigmoid,
  continuous_bernoulli: continuousBernoulliMean,
  gaussian: (/** @type {number} */ u) => u,
  gaussian_diagonal: (/** @type {number} */ u) => u,
};

/**
 * Its derivative by the decoder's output.
 * @type {Record<keyof typeof MEANS, (u: number) => number>}
 */
const SLOPES = {
  bernoulli: (u) => sigmoid(u) * (1 - sigmoid(u)),
  continuous_bernoulli: continuousBernoulliSlope,
  gaussian: () => 1,
  gaussian_diagonal: () => 1,
};

/** The smallest σ of one value of a Gaussian whose variances come from the decoder, and the largest log σ². */
const MIN_PIXEL_SCALE = 0.01;
const MAX_PIXEL_LOG_VAR = 20;

/**
 * log p(x|z) of a Gaussian of one value, nats.
 * @param {number} away x − y.
 * @param {number} variance
 */
function gaussianLogDensity(away, variance) {
  return -(away * away) / variance / 2 - Math.log(2 * Math.PI * variance) / 2;
}

/**
 * log p(x|z) of one value in nats, by the decoder's outputs u: the value's own, and that of its variance.
 * @type {Record<keyof typeof MEANS, (x: number, u: number, spread: number, scale: number) => number>}
 */
const LOG_DENSITIES = {
  bernoulli: (x, u) => x * u - softplus(u),
  continuous_bernoulli: (x, u) => x * u - softplus(u) + continuousBernoulliLogNormalizer(u),
  gaussian: (x, u, _, scale) => gaussianLogDensity(x - u, scale * scale),
  gaussian_diagonal: (x, u, spread) =>
    gaussianLogDensity(x - u, MIN_PIXEL_SCALE ** 2 + Math.exp(Math.min(spread, MAX_PIXEL_LOG_VAR))),
};

/** A network that keeps its activations, so that a forward pass allocates nothing. */
export class Network {
  /**
   * @param {Linear[]} maps From input to output.
   * @param {Float32Array} weights
   * @param {keyof typeof ACTIVATIONS} activation
   */
  constructor(maps, weights, activation) {
    this.activation = ACTIVATIONS[activation];
    this.derivative = DERIVATIVES[activation];
    this.input = new Float64Array(maps[0].inputs);
    /** @type {Layer[]} */
    this.layers = [];
    let at = 0;
    for (const linear of maps) {
      linear.take(weights.subarray(at, (at += linear.count)));
      const bias = weights.subarray(at, (at += linear.biases));
      const [u, h] = [new Float64Array(linear.outputs), new Float64Array(linear.outputs)];
      this.layers.push({ linear, bias, u, h });
    }
    if (at !== weights.length) throw new Error(`${weights.length} weights for a network of ${at}`);
  }

  /**
   * The outputs before any likelihood; valid until the next call.
   * @param {ArrayLike<number>} input
   */
  forward(input) {
    this.input.set(input);
    /** @type {Float64Array} */
    let x = this.input;
    const last = this.layers.length - 1;
    this.layers.forEach(({ linear, bias, u, h }, index) => {
      linear.begin(bias, u);
      linear.add(x, u);
      for (let o = 0; o < u.length; o++) h[o] = index < last ? this.activation(u[o]) : u[o];
      x = h;
    });
    return x;
  }

  /**
   * Derivatives of all outputs along one input direction, at the input of the last forward pass.
   * @param {ArrayLike<number>} direction
   */
  directional(direction) {
    let d = Float64Array.from(direction);
    const last = this.layers.length - 1;
    this.layers.forEach(({ linear, u, h }, index) => {
      const next = new Float64Array(u.length);
      linear.add(d, next);
      if (index < last) for (let o = 0; o < u.length; o++) next[o] *= this.derivative(u[o], h[o]);
      d = next;
    });
    return d;
  }
}

/**
 * How many numbers the encoder of a Gaussian gives beside the means.
 * @type {Partial<Record<ModelConfig["encoder_head"], (J: number) => number>>}
 */
const SPREADS = {
  log_variance: (J) => J,
  variance: (J) => J,
  full_covariance: (J) => (J * (J + 1)) / 2,
};

/** The whole model. */
export class Model {
  /**
   * @param {ModelConfig} config
   * @param {Float32Array} decoderWeights
   * @param {Float32Array} encoderWeights
   */
  constructor(config, decoderWeights, encoderWeights) {
    const { data_dim: dataDim, latent_dim: latentDim, activation } = config;
    this.config = config;
    this.mean = MEANS[config.likelihood];
    this.slope = SLOPES[config.likelihood];
    const layers = layersOf(config, {
      heads:
        SHAPES[config.encoder_head]?.size(latentDim) ??
        latentDim + (SPREADS[config.encoder_head]?.(latentDim) ?? 0),
      perValue: config.likelihood === "gaussian_diagonal" ? 2 : 1,
    });
    this.decoder = new Network(layers.decoder, decoderWeights, activation);
    this.encoder = new Network(layers.encoder, encoderWeights, activation);
    this.decoded = new Float32Array(dataDim);
  }

  /**
   * E[x|z]; valid until the next call.
   * @param {ArrayLike<number>} z
   */
  decode(z) {
    const outputs = this.decoder.forward(z);
    for (let i = 0; i < this.decoded.length; i++) this.decoded[i] = this.mean(outputs[i]);
    return this.decoded;
  }

  /**
   * E[x|z] at many places, one after the other.
   * @param {readonly ArrayLike<number>[]} places
   */
  decodeAll(places) {
    const decoded = new Float32Array(places.length * this.config.data_dim);
    places.forEach((z, k) => decoded.set(this.decode(z), k * this.config.data_dim));
    return decoded;
  }

  /**
   * The decoder's Jacobian at z, row by row: a row for each value of x, a column for each latent dimension.
   * @param {readonly number[]} z
   */
  jacobian(z) {
    const columns = z.map((_, j) => this.derivative(z, j));
    return Float32Array.from({ length: this.config.data_dim * z.length }, (_, at) => {
      return columns[at % z.length][Math.floor(at / z.length)];
    });
  }

  /**
   * ∂E[x|z]/∂z_j, a column of the Jacobian.
   * @param {readonly number[]} z
   * @param {number} j From 0.
   */
  derivative(z, j) {
    return this.push(
      z,
      z.map((_, i) => Number(i === j)),
    );
  }

  /**
   * How E[x|z] changes when z moves along a direction: the decoder's Jacobian times it.
   * @param {ArrayLike<number>} z
   * @param {ArrayLike<number>} direction
   */
  push(z, direction) {
    const outputs = this.decoder.forward(z);
    const moved = this.decoder.directional(direction).subarray(0, this.config.data_dim);
    return moved.map((d, i) => d * this.slope(outputs[i]));
  }

  /**
   * q(z|x).
   * @param {ArrayLike<number>} x
   * @returns {Posterior}
   */
  encode(x) {
    const J = this.config.latent_dim;
    const outputs = this.encoder.forward(x);
    const kind = SHAPES[this.config.encoder_head];
    if (kind) return kind.of(kind.parameters(outputs, J), J).posterior();
    const mean = Array.from(outputs.subarray(0, J));
    const std = mean.map((_, j) => this.std(outputs[J + j]));
    if (this.config.encoder_head !== "full_covariance") return { mean, std };
    // Row by row: what the encoder gives below the diagonal, and on it the conditional deviations.
    const factor = new Float64Array((J * (J + 1)) / 2);
    for (let j = 0, at = 0, below = 2 * J; j < J; j++) {
      for (let k = 0; k < j; k++) factor[at++] = outputs[below++];
      factor[at++] = std[j];
    }
    return { mean, std: widthsOf(factor, J), factor };
  }

  /**
   * The standard deviation that an output of the encoder stands for.
   * @param {number} u
   */
  std(u) {
    switch (this.config.encoder_head) {
      case "deterministic":
        return 0;
      case "unit_variance":
        return 1;
      case "variance":
        u = Math.log(softplus(u) + 1e-9);
    }
    return deviationOf(u);
  }

  /**
   * log p(x|z) in nats, summed over the dimensions of x.
   * @param {ArrayLike<number>} x
   * @param {ArrayLike<number>} z
   */
  logLikelihood(x, z) {
    const outputs = this.decoder.forward(z);
    const { data_dim: D, likelihood, scale } = this.config;
    const density = LOG_DENSITIES[likelihood];
    let sum = 0;
    for (let i = 0; i < D; i++) sum += density(x[i], outputs[i], outputs[D + i], scale ?? 1);
    return sum;
  }

  /**
   * KL(q(z|x) || N(0, I)) in nats; 0 where the encoder is deterministic, NaN of what is no Gaussian: it is sampled.
   * @param {Posterior} q
   */
  kl(q) {
    if (q.shape) return NaN;
    return this.config.encoder_head === "deterministic" ? 0 : klToStandardNormal(q);
  }
}
