/** The live line: the objective and its terms with digits that add up. */

import { fixed } from "../shared/numbers.js";
import { LEAST_RANGE } from "./history.js";

const DECIMALS = 2;
const MOST_DECIMALS = 4;
const BETA_DIGITS = 5;
/** Half a step between numbers of single precision, relative to them. */
const SINGLE = 2 ** -24;

/**
 * @param {number} value
 * @param {number} decimals
 */
const rounded = (value, decimals) => Number(value.toFixed(decimals));

/**
 * A large weight has more of them, since it multiplies the KL, or another penalty.
 * @param {number} weight
 */
function decimalsOfKl(weight) {
  const more = Math.ceil(Math.log10(Math.max(1, Math.abs(weight))));
  return Math.min(MOST_DECIMALS, DECIMALS + (Number.isFinite(more) ? more : 0));
}

/**
 * @typedef {object} Terms What is shown, as text; numbers where a program reads it.
 * @property {string} objective
 * @property {string} reconstruction
 * @property {string} beta
 * @property {string} kl
 * @property {string} elbo
 * @property {number} betaValue
 * @property {number} elboValue
 */

/**
 * Each term is rounded once, and both sums are taken from the rounded terms: whoever adds up what stands on the board
 * gets what stands on the board.
 * @param {number} reconstruction
 * @param {number} kl
 * @param {number} beta
 * @param {number} penalised What β multiplies: the KL, or with free bits the sum of its parts that cost.
 * @returns {Terms}
 */
export function shownTerms(reconstruction, kl, beta, penalised = kl) {
  const betaValue = Number(beta.toPrecision(BETA_DIGITS));
  const decimals = decimalsOfKl(betaValue);
  const [first, second] = [rounded(reconstruction, DECIMALS), rounded(penalised, decimals)];
  const elboValue = rounded(first - rounded(kl, decimals), DECIMALS);
  return {
    objective: fixed(first - betaValue * second, DECIMALS),
    reconstruction: fixed(reconstruction, DECIMALS),
    beta: Number.isFinite(betaValue) ? String(betaValue) : "–",
    kl: fixed(penalised, decimals),
    elbo: fixed(elboValue, DECIMALS),
    betaValue,
    elboValue,
  };
}

/**
 * Nats of the KL that cost something: Σⱼ max(λ, KLⱼ), of the whole KL where it has no parts.
 * @param {readonly number[]} perDim
 * @param {number} kl
 * @param {number} freeBits λ
 */
export function penalisedKl(perDim, kl, freeBits) {
  if (!perDim.length) return Math.max(freeBits, kl);
  return perDim.reduce((sum, part) => sum + Math.max(freeBits, part), 0);
}

/**
 * What a weight multiplied where the objective and what it was taken from are known, (from − objective) / weight; NaN
 * where the rounding of these two, which are kept in single precision, would show in a digit of it.
 * @param {number} from
 * @param {number} objective
 * @param {number} weight
 */
export function penalisedOf(from, objective, weight) {
  const rounding = SINGLE * (Math.abs(from) + Math.abs(objective));
  const isKnown = rounding < 0.5 * 10 ** -decimalsOfKl(weight) * Math.abs(weight);
  return isKnown ? (from - objective) / weight : NaN;
}

/**
 * An objective that weighs another penalty than the KL: −weight · penalty is added to the reconstruction or the ELBO,
 * as they are shown. Both are text; where the penalty is not known the objective is what was measured.
 * @param {number} from Reconstruction or ELBO, as shown.
 * @param {number} penalty
 * @param {number} weight In force now.
 * @param {number} measured
 */
export function shownPenalty(from, penalty, weight, measured) {
  if (!Number.isFinite(penalty)) return { objective: fixed(measured, DECIMALS), penalty: "–" };
  const decimals = decimalsOfKl(weight);
  const objective = fixed(from - weight * rounded(penalty, decimals), DECIMALS);
  return { objective, penalty: fixed(penalty, decimals) };
}

/**
 * What is the case and what that means where no latent dimension is active, or where the KL, which bounds the mutual
 * information of x and z from above, is below what an axis shows at least: there units are active by noise, now two of
 * them, now none. Nothing otherwise, and before the first update.
 * @param {readonly boolean[]} active
 * @param {number} step
 * @param {number} kl
 * @param {number} beta It decides of the digits, which are those of the live line.
 * @returns {[string, string]}
 */
export function collapseParts(active, step, kl, beta) {
  const count = active.filter(Boolean).length;
  if (!active.length || step === 0 || !Number.isFinite(kl) || (count && kl >= LEAST_RANGE)) return ["", ""];
  const dims = active.length === 1 ? "1 latent dimension is" : `${active.length} latent dimensions are`;
  const [same, uses] = count ? ["almost the same", "hardly uses"] : ["the same", "does not use"];
  const decoder = `q(z|x) is ${same} for every x, and the decoder ${uses} z`;
  const decimals = decimalsOfKl(beta);
  const isShown = !(kl > 0) || rounded(kl, decimals) > 0;
  const nats = isShown ? fixed(kl, decimals) : `below ${fixed(10 ** -decimals, decimals)}`;
  return [`Posterior collapse: ${count} of ${dims} active (KL ${nats} nats)`, `: ${decoder}.`];
}

/**
 * @typedef {object} AtLimits What stands at a limit of its range.
 * @property {number} low Held-out examples with some log σ² at the lower limit.
 * @property {number} high With some at the upper one.
 * @property {number} components Of a learned prior.
 * @property {number} scale 1 where a learned s is, else 0.
 * @property {number} examples Held-out examples there are.
 */

/**
 * What is at a limit of its range and what that means; nothing where nothing is.
 * @param {AtLimits} atLimits
 * @returns {[string, string]}
 */
export function limitParts({ low, high, components, scale, examples }) {
  const of = (/** @type {number} */ count) => `for ${count} of ${examples} examples`;
  const found = [
    high && `log σ² = 20 ${of(high)}`,
    low && `log σ² = −20 ${of(low)}`,
    components && `log σ² of ${components} component${components === 1 ? "" : "s"} of p(z)`,
    scale && "s = 0.001",
  ].filter(Boolean);
  if (!found.length) return ["", ""];
  return [
    `At a limit: ${found.join(", ")}`,
    ": values beyond it are clamped to it, and their gradient leads back.",
  ];
}

/**
 * What there is to remark about a training, each as a finding and what it means.
 * @param {readonly boolean[]} active
 * @param {number} step
 * @param {number} kl
 * @param {number} beta
 * @param {AtLimits} atLimits
 */
export function remarks(active, step, kl, beta, atLimits) {
  return [limitParts(atLimits), collapseParts(active, step, kl, beta)].filter(([what]) => what);
}
