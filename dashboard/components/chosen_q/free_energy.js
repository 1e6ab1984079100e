/** The free energy F[q] = E_q[log p(x, z)] + H[q] of a q over components, or of a Gaussian q in one or two dimensions. */

/**
 * The terms of the free energy, in nats: F = energy + entropy = reconstruction - klToPrior = log p(x) - klToPosterior.
 * @typedef {object} Terms
 * @property {number} energy E_q[log p(x, z)]
 * @property {number} entropy H[q]
 * @property {number} reconstruction E_q[log p(x|z)]
 * @property {number} klToPrior
 * @property {number} klToPosterior
 *
 * @typedef {object} MixtureMessage A mixture of Gaussians as Python sends it.
 * @property {number[]} constants log w_k plus the logarithm of the component's normaliser.
 * @property {number[][]} means
 * @property {number[][][]} precisions
 *
 * @typedef {object} ComponentsMessage
 * @property {"components"} kind
 * @property {number[]} weights p(z)
 * @property {number[]} fits log p(x|z)
 * @property {number[]} posterior p(z|x)
 * @property {number} log_evidence log p(x)
 * @property {boolean} [lagrange] Whether the stationarity condition is shown.
 *
 * @typedef {object} NoisyMixtureMessage
 * @property {"line" | "plane"} kind
 * @property {MixtureMessage} prior
 * @property {MixtureMessage} posterior
 * @property {number} noise
 * @property {number[]} x
 * @property {number} log_evidence log p(x)
 *
 * @typedef {{ mean: number[], std: number[] }} Gaussian q with a diagonal covariance matrix.
 */

const LOG_2PI = Math.log(2 * Math.PI);

/** @typedef {Record<number, { points: number, reach: number }>} LatticeSizes By the number of dimensions. */

// Lattices about q for the numbers on screen and for each step of the ascent: points in each dimension, and how many
// standard deviations they reach on either side.
/** @type {LatticeSizes} */
const FINE = { 1: { points: 2001, reach: 8 }, 2: { points: 221, reach: 6.5 } };
/** @type {LatticeSizes} */
const COARSE = { 1: { points: 1000, reach: 8 }, 2: { points: 75, reach: 8 } };

const LEARNING_RATE = 0.08;
const [DECAY, SQUARE_DECAY, EPSILON] = [0.9, 0.999, 1e-8];

/** @type {Map<string, { nodes: Float64Array, shares: Float64Array }>} */
const lattices = new Map();

/**
 * Nodes of N(0, I), `dims` numbers each, one after the other, and their shares of its mass.
 * @param {number} dims
 * @param {LatticeSizes} sizes
 */
function latticeOf(dims, sizes) {
  const { points, reach } = sizes[dims];
  const name = `${dims} ${points}`;
  const known = lattices.get(name);
  if (known) return known;
  const line = Float64Array.from({ length: points }, (_, k) => reach * ((2 * k) / (points - 1) - 1));
  const count = points ** dims;
  const nodes = new Float64Array(count * dims);
  const shares = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) {
    let square = 0;
    for (let dim = 0, rest = k; dim < dims; dim++, rest = Math.floor(rest / points)) {
      nodes[k * dims + dim] = line[rest % points];
      square += line[rest % points] ** 2;
    }
    shares[k] = Math.exp(-0.5 * square);
    sum += shares[k];
  }
  for (let k = 0; k < count; k++) shares[k] /= sum;
  const lattice = { nodes, shares };
  lattices.set(name, lattice);
  return lattice;
}

/** sum_k w_k N(z; mu_k, P_k^-1). */
export class Mixture {
  /** @param {MixtureMessage} message */
  constructor({ constants, means, precisions }) {
    this.constants = constants;
    this.means = means;
    this.precisions = precisions;
    this.terms = new Float64Array(constants.length);
    this.pulls = constants.map(() => [0, 0]);
    this.sum = 1;
  }

  /**
   * log p(z); keeps each component's share and P (z - mu) for `score`.
   * @param {readonly number[]} z
   */
  logDensity(z) {
    const { constants, means, precisions, terms, pulls } = this;
    let largest = -Infinity;
    for (let k = 0; k < terms.length; k++) {
      const [mean, precision] = [means[k], precisions[k]];
      let square = 0;
      for (let i = 0; i < z.length; i++) {
        let pull = 0;
        for (let j = 0; j < z.length; j++) pull += precision[i][j] * (z[j] - mean[j]);
        pulls[k][i] = pull;
        square += (z[i] - mean[i]) * pull;
      }
      terms[k] = constants[k] - 0.5 * square;
      largest = Math.max(largest, terms[k]);
    }
    let sum = 0;
    for (let k = 0; k < terms.length; k++) {
      terms[k] = Math.exp(terms[k] - largest);
      sum += terms[k];
    }
    this.sum = sum;
    return largest + Math.log(sum);
  }

  /**
   * d log p / dz_i at the z of the last `logDensity`.
   * @param {number} i
   */
  score(i) {
    let score = 0;
    for (let k = 0; k < this.terms.length; k++) score -= (this.terms[k] / this.sum) * this.pulls[k][i];
    return score;
  }
}

/**
 * KL(p to q) of two distributions over components.
 * @param {readonly number[]} p
 * @param {readonly number[]} q
 */
const klOf = (p, q) => p.reduce((sum, share, k) => sum + (share > 0 ? share * Math.log(share / q[k]) : 0), 0);

/** z is the component that generated x; q is a list of probabilities. */
export class Components {
  /** @param {Omit<ComponentsMessage, "kind">} message */
  constructor({ weights, fits, posterior, log_evidence: logEvidence }) {
    this.weights = weights;
    this.fits = fits;
    this.posterior = posterior;
    this.logEvidence = logEvidence;
  }

  /**
   * @param {readonly number[]} q
   * @returns {Terms}
   */
  terms(q) {
    const mean = (/** @type {readonly number[]} */ values) =>
      q.reduce((sum, share, k) => sum + (share > 0 ? share * values[k] : 0), 0);
    const reconstruction = mean(this.fits);
    return {
      energy: reconstruction + mean(this.weights.map(Math.log)),
      entropy: -mean(q.map(Math.log)),
      reconstruction,
      klToPrior: klOf(q, this.weights),
      klToPosterior: klOf(q, this.posterior),
    };
  }

  /**
   * log p(x, k) - log q_k - 1 + gamma for each component, with gamma = 1 - log p(x): 0 everywhere at the posterior alone.
   * @param {readonly number[]} q
   */
  residuals(q) {
    return q.map((share, k) => Math.log(this.weights[k]) + this.fits[k] - Math.log(share) - this.logEvidence);
  }

  /**
   * E_q[p(x, z) / q(z)]: the bound without its logarithm.
   * @param {readonly number[]} q
   */
  ratio(q) {
    return q.reduce((sum, share, k) => sum + (share > 0 ? this.weights[k] * Math.exp(this.fits[k]) : 0), 0);
  }

  /**
   * Normalised q^(1 - t) posterior^t for t from 0 to 1: the KL to the posterior never rises on this path.
   * @param {readonly number[]} q
   * @returns {Generator<number[], void, void>}
   */
  *ascent(q, count = 40) {
    for (let step = 0; step < count; step++) {
      const t = step / (count - 1);
      const logs = q.map(
        (share, k) => (1 - t) * Math.log(Math.max(share, 1e-300)) + t * Math.log(this.posterior[k]),
      );
      const largest = Math.max(...logs);
      const masses = logs.map((value) => Math.exp(value - largest));
      const sum = masses.reduce((a, b) => a + b);
      yield masses.map((mass) => mass / sum);
    }
  }
}

/** z comes from a mixture and x ~ N(z, noise^2 I); q is a Gaussian. */
export class NoisyMixture {
  /** @param {Omit<NoisyMixtureMessage, "kind">} message */
  constructor({ prior, posterior, noise, x, log_evidence: logEvidence }) {
    this.noise = noise;
    this.x = x;
    this.logEvidence = logEvidence;
    this.dims = x.length;
    this.prior = new Mixture(prior);
    this.posterior = new Mixture(posterior);
  }

  /**
   * log p(x|z)
   * @param {readonly number[]} z
   */
  logLikelihood(z) {
    const square = z.reduce((sum, value, i) => sum + (this.x[i] - value) ** 2, 0);
    return -0.5 * (square / this.noise ** 2 + this.dims * (LOG_2PI + 2 * Math.log(this.noise)));
  }

  /**
   * Visits every node of the lattice about q.
   * @param {Gaussian} q
   * @param {LatticeSizes} sizes
   * @param {(share: number, z: number[], at: number, nodes: Float64Array) => void} visit Gets the node's share of q,
   *   its z (valid until the next call), and where its standardised coordinates begin in `nodes`.
   */
  visit({ mean, std }, sizes, visit) {
    const { nodes, shares } = latticeOf(this.dims, sizes);
    const z = mean.slice();
    for (let k = 0; k < shares.length; k++) {
      for (let i = 0; i < z.length; i++) z[i] = mean[i] + std[i] * nodes[k * z.length + i];
      visit(shares[k], z, k * z.length, nodes);
    }
  }

  /**
   * @param {Gaussian} q
   * @returns {Terms}
   */
  terms(q) {
    const logWidths = q.std.reduce((sum, std) => sum + Math.log(std), 0);
    let [prior, posterior, reconstruction, negentropy] = [0, 0, 0, 0];
    this.visit(q, FINE, (share, z, at, nodes) => {
      let square = 0;
      for (let i = 0; i < z.length; i++) square += nodes[at + i] ** 2;
      prior += share * this.prior.logDensity(z);
      posterior += share * this.posterior.logDensity(z);
      reconstruction += share * this.logLikelihood(z);
      negentropy -= share * (0.5 * square + logWidths + 0.5 * this.dims * LOG_2PI);
    });
    return {
      energy: prior + reconstruction,
      entropy: logWidths + 0.5 * this.dims * (LOG_2PI + 1),
      reconstruction,
      klToPrior: negentropy - prior,
      klToPosterior: negentropy - posterior,
    };
  }

  /**
   * dF by each mean and each log std: E[s] and E[s std eps] + 1 with s = d log p(x, z) / dz.
   * @param {Gaussian} q
   */
  gradient(q) {
    const byMean = q.mean.map(() => 0);
    const byLogStd = q.mean.map(() => 1);
    this.visit(q, COARSE, (share, z, at, nodes) => {
      this.prior.logDensity(z);
      for (let i = 0; i < z.length; i++) {
        const score = this.prior.score(i) + (this.x[i] - z[i]) / this.noise ** 2;
        byMean[i] += share * score;
        byLogStd[i] += share * score * q.std[i] * nodes[at + i];
      }
    });
    return [...byMean, ...byLogStd];
  }

  /**
   * Gradient ascent of F in mean and log std (Adam), the start included.
   * @param {Gaussian} q
   * @returns {Generator<Gaussian, void, void>}
   */
  *ascent(q, count = 120) {
    const parameters = [...q.mean, ...q.std.map(Math.log)];
    const first = parameters.map(() => 0);
    const second = parameters.map(() => 0);
    for (let step = 1; ; step++) {
      const now = { mean: parameters.slice(0, this.dims), std: parameters.slice(this.dims).map(Math.exp) };
      yield now;
      if (step > count) return;
      this.gradient(now).forEach((slope, i) => {
        first[i] = DECAY * first[i] + (1 - DECAY) * slope;
        second[i] = SQUARE_DECAY * second[i] + (1 - SQUARE_DECAY) * slope ** 2;
        const size = Math.sqrt(second[i] / (1 - SQUARE_DECAY ** step)) + EPSILON;
        parameters[i] += (LEARNING_RATE * first[i]) / (1 - DECAY ** step) / size;
      });
    }
  }
}
