/** The live line on top of the board: objective = reconstruction − β · KL, and the ELBO beside it. */

import { find, findAll } from "../shared/mount.js";
import { written } from "../shared/notation.js";
import { fixed } from "../shared/numbers.js";
import { penalisedKl, penalisedOf, shownPenalty, shownTerms } from "./objective.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./history.js").History} History
 *
 * @typedef {"elbo" | "importance_weighted" | "mmd" | "total_correlation"} Objective
 *
 * @typedef {object} LineData
 * @property {History} history
 * @property {number | null} betaInForce β now, where it is another one than the last row's.
 * @property {readonly number[]} klPerDim Of the last row.
 * @property {number} freeBits
 * @property {boolean} deterministic
 * @property {Objective} objective
 * @property {boolean} givenY Whether the model is conditional.
 */

const TERMS = /** @type {const} */ (["objective", "reconstruction", "beta", "kl", "penalty", "elbo"]);
/** What another objective weighs in the place of the KL. @type {Partial<Record<Objective, string>>} */
const PENALTIES = { mmd: "D · MMD²", total_correlation: "TC, by MSS" };
/** By which formula it is estimated. @type {Partial<Record<Objective, string>>} */
const ESTIMATORS = {
  mmd:
    "MMD² = E k(z, z′) + E k(p, p′) − 2 E k(z, p), z of q(z) and p of the prior, from one mini-batch of each: without " +
    "bias, and so below 0 at times where q(z) is near the prior (Gretton et al. 2012).",
  total_correlation:
    "TC = E[log q(z) − Σⱼ log q(zⱼ)] ≥ 0. MSS, minibatch stratified sampling (Chen et al. 2018): q(z) ≈ q(z|xᵢ)/N + " +
    "(N − 1)/N · mean of q(z|xⱼ) over the other examples of one mini-batch. The logarithm of an estimated density is " +
    "biased, so that this may be below 0. It is what training maximises; the page ELBO measures TC itself.",
};
/** What the terms make up, in words. @type {Record<Objective, string>} */
export const OBJECTIVES = {
  elbo: "objective",
  importance_weighted: "objective: log of the mean weight",
  mmd: "objective: reconstruction − β · D · MMD²",
  total_correlation: "objective: ELBO − (β − 1) · TC",
};
/** With which of the examples it is measured. @type {Partial<Record<Objective, string>>} */
const MEASURED = {
  importance_weighted: "; how far the objective is above the ELBO: from one K-th of the examples",
  mmd: "; MMD² from one mini-batch of them, without bias: at times below 0",
  total_correlation:
    "; TC by MSS, the estimate that training weighs: from one mini-batch, biased, at times below 0; the page ELBO shows TC itself",
};
const NO_BOUND = "No bound: a deterministic encoder has no q(z|x), and so no KL.";

/**
 * The terms at a row of the history; null: now. Without rows there are no numbers.
 * @param {LineData} data
 * @param {number | null} row
 * @returns {import("./objective.js").Terms & { penalty?: string }}
 */
export function termsOf({ history, betaInForce, klPerDim, freeBits, deterministic, objective }, row) {
  const at = row ?? history.step.length - 1;
  if (at < 0) return shownTerms(NaN, NaN, NaN);
  const [reconstruction, kl] = [history.reconstruction_held_out[at], history.kl_held_out[at]];
  const beta = row === null ? (betaInForce ?? history.beta[at]) : history.beta[at];
  if (objective !== "elbo") {
    const terms = shownTerms(reconstruction, deterministic ? 0 : kl, beta);
    const maximised = history.objective_held_out[at] ?? NaN;
    if (!PENALTIES[objective]) return { ...terms, objective: fixed(maximised, 2) };
    // The row was measured with the β that it states; what is shown is the objective with the β of now.
    const then = history.beta[at];
    if (objective === "mmd") {
      const penalty = penalisedOf(reconstruction, maximised, then);
      return {
        ...terms,
        ...shownPenalty(Number(reconstruction.toFixed(2)), penalty, terms.betaValue, maximised),
      };
    }
    const penalty = penalisedOf(reconstruction - kl, maximised, then - 1);
    return { ...terms, ...shownPenalty(terms.elboValue, penalty, terms.betaValue - 1, maximised) };
  }
  if (deterministic) return shownTerms(reconstruction, 0, 0);
  if (!freeBits) return shownTerms(reconstruction, kl, beta);
  if (row === null) return shownTerms(reconstruction, kl, beta, penalisedKl(klPerDim, kl, freeBits));
  // The parts of the KL are those of now. What was penalised at an earlier row follows from the objective there, which
  // a row of an older version does not hold.
  const maximised = history.objective_held_out[at] ?? NaN;
  const terms = shownTerms(reconstruction, kl, beta, penalisedOf(reconstruction, maximised, beta));
  return { ...terms, objective: Number.isNaN(maximised) ? terms.objective : fixed(maximised, 2) };
}

export class LiveLine {
  /** @type {LineData | null} */
  data = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.terms = TERMS.map((name) => find(root, `.term.${name}`));
    this.bounded = findAll(root, ".bounded");
    this.signs = findAll(root, ".terms b");
    this.when = find(root, ".when");
    this.klLabel = find(root, ".term.kl small");
  }

  /** @param {LineData} data */
  set(data) {
    this.data = data;
  }

  /** @param {number | null} row */
  termsAt(row) {
    return this.data && termsOf(this.data, row);
  }

  /**
   * @param {Theme} theme
   * @param {number | null} row
   */
  draw(theme, row) {
    const terms = this.termsAt(row);
    if (!terms || !this.data) return;
    const { deterministic, freeBits, history, objective, givenY } = this.data;
    const isElbo = objective === "elbo";
    this.terms.forEach((term, k) => {
      find(term, "strong").textContent = terms[TERMS[k]] ?? "";
      term.style.color = theme.concepts[TERMS[k]] ?? theme.text;
    });
    this.klLabel.textContent = freeBits ? `Σ max(${freeBits}, KLⱼ)` : "KL";
    for (const part of this.bounded) part.hidden = deterministic;
    for (const sign of this.signs) sign.style.visibility = isElbo ? "" : "hidden";
    if (!isElbo) this.terms[TERMS.indexOf("beta")].hidden = false;
    const penalty = this.terms[TERMS.indexOf("penalty")];
    penalty.hidden = !PENALTIES[objective];
    find(penalty, "small").textContent = PENALTIES[objective] ?? "";
    penalty.title = ESTIMATORS[objective] ?? "";
    find(this.terms[0], "small").textContent = OBJECTIVES[objective];
    const at = row === null ? "nats per example" : `at step ${history.step[row]}`;
    const measured = MEASURED[objective] ?? "";
    this.when.textContent = `${deterministic ? `${written(NO_BOUND, givenY)} ` : ""}Held-out, ${at}${measured}`;
  }
}
