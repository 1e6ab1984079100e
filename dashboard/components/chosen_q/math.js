// Mixtures of Gaussians in one or two dimensions, and the free energy F[q] = E_q[log p(x, z)] + H[q] of a q.

const LOG_2PI = Math.log(2 * Math.PI);
// Lattices about q, for the numbers on screen and for each step of the climb: points in each dimension, and how
// many standard deviations they reach on either side.
const FINE = { 1: [2001, 8], 2: [221, 6.5] };
const COARSE = { 1: [1000, 8], 2: [75, 8] };
const LEARNING_RATE = 0.08;
const [DECAY, SQUARE_DECAY, TINY] = [0.9, 0.999, 1e-8];
const lattices = new Map();

// Nodes of N(0, I), `dims` numbers each, one after the other, and their shares of its mass.
function lattice(dims, [points, reach]) {
  const name = `${dims} ${points}`;
  if (lattices.has(name)) return lattices.get(name);
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
    sum += shares[k] = Math.exp(-0.5 * square);
  }
  for (let k = 0; k < count; k++) shares[k] /= sum;
  lattices.set(name, { nodes, shares });
  return lattices.get(name);
}

// sum_k w_k N(z; mu_k, P_k^-1); `constants` holds log w_k and the logarithm of each normaliser.
class Mixture {
  constructor({ constants, means, precisions }) {
    Object.assign(this, { constants, means, precisions });
    this.terms = new Float64Array(constants.length);
    this.pulls = constants.map(() => [0, 0]);
  }

  // log p(z); leaves the terms and, for each component, P (z - mu) behind for `score`.
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
    for (let k = 0; k < terms.length; k++) sum += terms[k] = Math.exp(terms[k] - largest);
    this.sum = sum;
    return largest + Math.log(sum);
  }

  // d log p / dz_i where `logDensity` was asked last.
  score(i) {
    let score = 0;
    for (let k = 0; k < this.terms.length; k++) score -= (this.terms[k] / this.sum) * this.pulls[k][i];
    return score;
  }
}

const klOf = (p, q) => p.reduce((sum, share, k) => sum + (share > 0 ? share * Math.log(share / q[k]) : 0), 0);

// z is the component that made x: `weights` are p(z), `fits` log p(x|z).
class Components {
  constructor({ weights, fits, posterior, log_evidence: logEvidence }) {
    Object.assign(this, { weights, fits, posterior, logEvidence });
  }

  account(q) {
    const mean = (values) => q.reduce((sum, share, k) => sum + (share > 0 ? share * values[k] : 0), 0);
    const reconstruction = mean(this.fits);
    return {
      energy: reconstruction + mean(this.weights.map(Math.log)),
      entropy: -mean(q.map(Math.log)),
      reconstruction,
      klToPrior: klOf(q, this.weights),
      klToPosterior: klOf(q, this.posterior),
    };
  }

  // E_q[p(x, z) / q(z)]: the bound without its logarithm.
  ratio(q) {
    return q.reduce((sum, share, k) => sum + (share > 0 ? this.weights[k] * Math.exp(this.fits[k]) : 0), 0);
  }

  // q^(1 - t) posterior^t: KL to the posterior falls all the way.
  *walk(q, count = 40) {
    for (let step = 0; step < count; step++) {
      const t = step / (count - 1);
      const logs = q.map((share, k) => (1 - t) * Math.log(Math.max(share, 1e-300)) + t * Math.log(this.posterior[k]));
      const largest = Math.max(...logs);
      const masses = logs.map((value) => Math.exp(value - largest));
      const sum = masses.reduce((a, b) => a + b);
      yield masses.map((mass) => mass / sum);
    }
  }
}

// z comes from a mixture and x ~ N(z, noise^2 I); q is {mean, std}.
class NoisyPlace {
  constructor({ prior, posterior, noise, x, log_evidence: logEvidence }) {
    Object.assign(this, { noise, x, logEvidence, dims: x.length });
    [this.prior, this.posterior] = [new Mixture(prior), new Mixture(posterior)];
    this.z = new Array(x.length);
  }

  logFit(z) {
    const square = z.reduce((sum, value, i) => sum + (this.x[i] - value) ** 2, 0);
    return -0.5 * (square / this.noise ** 2 + this.dims * (LOG_2PI + 2 * Math.log(this.noise)));
  }

  // Calls visit(share, z, node) at every node of the lattice about q.
  over({ mean, std }, size, visit) {
    const { nodes, shares } = lattice(this.dims, size[this.dims]);
    const { z, dims } = this;
    for (let k = 0; k < shares.length; k++) {
      for (let i = 0; i < dims; i++) z[i] = mean[i] + std[i] * nodes[k * dims + i];
      visit(shares[k], z, k * dims, nodes);
    }
  }

  account(q) {
    const logWidths = q.std.reduce((sum, std) => sum + Math.log(std), 0);
    let [prior, posterior, reconstruction, negentropy] = [0, 0, 0, 0];
    this.over(q, FINE, (share, z, at, nodes) => {
      let square = 0;
      for (let i = 0; i < z.length; i++) square += nodes[at + i] ** 2;
      prior += share * this.prior.logDensity(z);
      posterior += share * this.posterior.logDensity(z);
      reconstruction += share * this.logFit(z);
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

  // dF by each mean and each log std: E[s] and E[s std eps] + 1 with s = d log p(x, z) / dz.
  slope(q) {
    const [byMean, byWidth] = [q.mean.map(() => 0), q.mean.map(() => 1)];
    this.over(q, COARSE, (share, z, at, nodes) => {
      this.prior.logDensity(z);
      for (let i = 0; i < z.length; i++) {
        const score = this.prior.score(i) + (this.x[i] - z[i]) / this.noise ** 2;
        byMean[i] += share * score;
        byWidth[i] += share * score * q.std[i] * nodes[at + i];
      }
    });
    return [...byMean, ...byWidth];
  }

  // Gradient ascent of F over mean and log std (Adam), the start included.
  *walk(q, count = 120) {
    const place = [...q.mean, ...q.std.map(Math.log)];
    const [first, second] = [place.map(() => 0), place.map(() => 0)];
    for (let step = 1; ; step++) {
      const now = { mean: place.slice(0, this.dims), std: place.slice(this.dims).map(Math.exp) };
      yield now;
      if (step > count) return;
      this.slope(now).forEach((slope, i) => {
        first[i] = DECAY * first[i] + (1 - DECAY) * slope;
        second[i] = SQUARE_DECAY * second[i] + (1 - SQUARE_DECAY) * slope ** 2;
        const size = Math.sqrt(second[i] / (1 - SQUARE_DECAY ** step)) + TINY;
        place[i] += (LEARNING_RATE * first[i]) / (1 - DECAY ** step) / size;
      });
    }
  }
}
