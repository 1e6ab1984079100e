// The core's networks in plain JavaScript: encoder, decoder, likelihood mean, ELBO terms and the decoder's Jacobian.
// Weights arrive as one Float32Array per network, layer by layer: the matrix row by row, then the bias.

const ACTIVATIONS = {
  tanh: Math.tanh,
  relu: (u) => Math.max(0, u),
  silu: (u) => u / (1 + Math.exp(-u)),
  softplus: (u) => softplus(u),
};

// Derivatives at u, given h = f(u) where that is cheaper.
const DERIVATIVES = {
  tanh: (u, h) => 1 - h * h,
  relu: (u) => (u > 0 ? 1 : 0),
  silu: (u) => {
    const s = sigmoid(u);
    return s * (1 + u * (1 - s));
  },
  softplus: (u) => sigmoid(u),
};

function sigmoid(u) {
  return u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));
}

function softplus(u) {
  return Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
}

// Below this size of the logit the continuous Bernoulli's mean and normaliser are series: they are 0 / 0 at 0.
const NEAR_ZERO = 0.03;

function continuousBernoulliMean(l) {
  if (Math.abs(l) < NEAR_ZERO) return 0.5 + l / 12 - l ** 3 / 720;
  return -1 / Math.expm1(-l) - 1 / l;
}

function continuousBernoulliSlope(l) {
  if (Math.abs(l) < NEAR_ZERO) return 1 / 12 - (l * l) / 240;
  const half = Math.sinh(l / 2);
  return 1 / (l * l) - (isFinite(half) ? 1 / (4 * half * half) : 0);
}

function continuousBernoulliLogNormalizer(l) {
  if (Math.abs(l) < NEAR_ZERO) return Math.LN2 + (l * l) / 12 - (7 / 1440) * l ** 4;
  return Math.log(l / Math.tanh(l / 2));
}

// E[x|z] and its slope by the decoder's output, for each likelihood.
const MEANS = {
  bernoulli: sigmoid,
  continuous_bernoulli: continuousBernoulliMean,
  gaussian: (u) => u,
};
const SLOPES = {
  bernoulli: (u) => sigmoid(u) * (1 - sigmoid(u)),
  continuous_bernoulli: continuousBernoulliSlope,
  gaussian: () => 1,
};

// One row of a matrix times a vector, in four sums: each waits for none of the others.
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

// A multi-layer perceptron with room for its activations, so that a forward pass allocates nothing.
class Network {
  // dims: sizes from input to output; weights: flat Float32Array; activation: a name.
  constructor(dims, weights, activation) {
    this.dims = dims;
    this.activation = ACTIVATIONS[activation];
    this.derivative = DERIVATIVES[activation];
    this.input = new Float64Array(dims[0]);
    this.layers = [];
    let at = 0;
    for (let l = 0; l + 1 < dims.length; l++) {
      const [inputs, outputs] = [dims[l], dims[l + 1]];
      const matrix = weights.subarray(at, at + inputs * outputs);
      const bias = weights.subarray(at + inputs * outputs, at + inputs * outputs + outputs);
      at += inputs * outputs + outputs;
      this.layers.push({ outputs, matrix, bias, u: new Float64Array(outputs), h: new Float64Array(outputs) });
    }
    if (at !== weights.length) throw new Error(`${weights.length} weights for a network of ${at}`);
  }

  // The outputs before any likelihood; valid until the next call.
  forward(input) {
    this.input.set(input);
    let x = this.input;
    const last = this.layers.length - 1;
    this.layers.forEach(({ outputs, matrix, bias, u, h }, index) => {
      for (let o = 0; o < outputs; o++) {
        u[o] = bias[o] + rowTimes(matrix, o, x);
        h[o] = index < last ? this.activation(u[o]) : u[o];
      }
      x = h;
    });
    return x;
  }

  // Derivatives of all outputs along one input direction, at the input of the last forward pass.
  directional(direction) {
    let d = Float64Array.from(direction);
    const last = this.layers.length - 1;
    this.layers.forEach(({ outputs, matrix, u, h }, index) => {
      const next = new Float64Array(outputs);
      for (let o = 0; o < outputs; o++) {
        const sum = rowTimes(matrix, o, d);
        next[o] = index < last ? sum * this.derivative(u[o], h[o]) : sum;
      }
      d = next;
    });
    return d;
  }
}

const LOG_VAR_RANGE = [-20, 20];

// The whole model. config: data_dim, latent_dim, hidden_dims, activation, encoder_head, likelihood, scale.
class Model {
  constructor(config, decoderWeights, encoderWeights) {
    const { data_dim: dataDim, latent_dim: latentDim, hidden_dims: hidden, activation } = config;
    this.config = config;
    this.mean = MEANS[config.likelihood];
    this.slope = SLOPES[config.likelihood];
    this.decoder = new Network([latentDim, ...[...hidden].reverse(), dataDim], decoderWeights, activation);
    const heads = ["log_variance", "variance"].includes(config.encoder_head) ? 2 : 1;
    this.encoder = new Network([dataDim, ...hidden, heads * latentDim], encoderWeights, activation);
    this.decoded = new Float32Array(dataDim);
  }

  // E[x|z]; valid until the next call.
  decode(z) {
    const outputs = this.decoder.forward(z);
    for (let i = 0; i < outputs.length; i++) this.decoded[i] = this.mean(outputs[i]);
    return this.decoded;
  }

  // E[x|z] at many places, one after the other.
  decodeAll(places) {
    const decoded = new Float32Array(places.length * this.config.data_dim);
    places.forEach((z, k) => decoded.set(this.decode(z), k * this.config.data_dim));
    return decoded;
  }

  // The decoder's Jacobian at z, row by row: a row for each value of x, a column for each latent dimension.
  jacobian(z) {
    const columns = z.map((_, j) => this.push(z, z.map((__, i) => Number(i === j))));
    return Float32Array.from({ length: this.config.data_dim * z.length }, (_, at) => {
      return columns[at % z.length][Math.floor(at / z.length)];
    });
  }

  // How E[x|z] changes when z moves along a direction: the decoder's Jacobian times it.
  push(z, direction) {
    const outputs = this.decoder.forward(z);
    return this.decoder.directional(direction).map((d, i) => d * this.slope(outputs[i]));
  }

  // q(z|x): mean and std.
  encode(x) {
    const J = this.config.latent_dim;
    const outputs = this.encoder.forward(x);
    const mean = Array.from(outputs.subarray(0, J));
    const logVar = (j) => {
      if (this.config.encoder_head === "unit_variance") return 0;
      const u = outputs[J + j];
      const value = this.config.encoder_head === "variance" ? Math.log(softplus(u) + 1e-9) : u;
      return Math.min(LOG_VAR_RANGE[1], Math.max(LOG_VAR_RANGE[0], value));
    };
    const deterministic = this.config.encoder_head === "deterministic";
    return { mean, std: mean.map((_, j) => (deterministic ? 0 : Math.exp(logVar(j) / 2))) };
  }

  // log p(x|z) in nats, summed over the data's values.
  logLikelihood(x, z) {
    const outputs = this.decoder.forward(z);
    const { likelihood, scale } = this.config;
    let sum = 0;
    for (let i = 0; i < outputs.length; i++) {
      const u = outputs[i];
      if (likelihood === "gaussian") {
        sum -= ((x[i] - u) / scale) ** 2 / 2 + Math.log(scale) + Math.log(2 * Math.PI) / 2;
      } else {
        sum += x[i] * u - softplus(u);
        if (likelihood === "continuous_bernoulli") sum += continuousBernoulliLogNormalizer(u);
      }
    }
    return sum;
  }

  // KL(q(z|x) || N(0, I)) in nats.
  kl({ mean, std }) {
    if (this.config.encoder_head === "deterministic") return 0;
    return mean.reduce((sum, m, j) => sum + (m * m + std[j] * std[j] - 1) / 2 - Math.log(std[j]), 0);
  }
}
