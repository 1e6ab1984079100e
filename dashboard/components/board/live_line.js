/** The live line on top of the board: objective = reconstruction − β · KL, and the ELBO beside it. */

import { find, findAll } from "../shared/mount.js";
import { penalisedKl, shownTerms } from "./objective.js";

/**
 * @typedef {import("../shared/theme.js").Theme} Theme
 * @typedef {import("./history.js").History} History
 *
 * @typedef {object} LineData
 * @property {History} history
 * @property {number | null} betaInForce β now, where it is another one than the last row's.
 * @property {readonly number[]} klPerDim Of the last row.
 * @property {number} freeBits
 * @property {boolean} deterministic
 */

const TERMS = /** @type {const} */ (["objective", "reconstruction", "beta", "kl", "elbo"]);
const NO_BOUND = "No bound: a deterministic encoder has no q(z|x), and so no KL.";

/**
 * The terms at a row of the history; null: now. Without rows there are no numbers.
 * @param {LineData} data
 * @param {number | null} row
 */
export function termsOf({ history, betaInForce, klPerDim, freeBits, deterministic }, row) {
  const at = row ?? history.step.length - 1;
  if (at < 0) return shownTerms(NaN, NaN, NaN);
  const [reconstruction, kl] = [history.reconstruction_held_out[at], history.kl_held_out[at]];
  if (deterministic) return shownTerms(reconstruction, 0, 0);
  const beta = row === null ? (betaInForce ?? history.beta[at]) : history.beta[at];
  if (!freeBits) return shownTerms(reconstruction, kl, beta);
  // The parts of the KL are those of now: of an earlier row it is not known what was free.
  return shownTerms(reconstruction, kl, beta, row === null ? penalisedKl(klPerDim, kl, freeBits) : NaN);
}

export class LiveLine {
  /** @type {LineData | null} */
  data = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.terms = TERMS.map((name) => find(root, `.term.${name}`));
    this.bounded = findAll(root, ".bounded");
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
    const { deterministic, freeBits, history } = this.data;
    this.terms.forEach((term, k) => {
      find(term, "strong").textContent = terms[TERMS[k]];
      term.style.color = theme.concepts[TERMS[k]] ?? theme.text;
    });
    this.klLabel.textContent = freeBits ? `Σ max(${freeBits}, KLⱼ)` : "KL";
    for (const part of this.bounded) part.hidden = deterministic;
    const at = row === null ? "nats per example" : `at step ${history.step[row]}`;
    this.when.textContent = `${deterministic ? `${NO_BOUND} ` : ""}Held-out, ${at}`;
  }
}
