/** What a training came to, in one or two sentences with the digits of the board. */

import { OBJECTIVES, termsOf } from "../board/live_line.js";
import { remarks } from "../board/objective.js";
import { written } from "../shared/notation.js";

/**
 * @typedef {import("../board/index.js").Message} Message
 * @typedef {import("../board/live_line.js").LineData} LineData
 */

/**
 * @param {number} number
 * @param {string} what
 */
const counted = (number, what) => `${number.toLocaleString("en-US")} ${what}${number === 1 ? "" : "s"}`;

/**
 * @param {Pick<Message, "step" | "kind" | "active" | "at_limits">} message
 * @param {LineData} line
 * @returns {string}
 */
export function sentenceOf({ step, kind, active, at_limits: atLimits }, line) {
  const { history, deterministic, freeBits, objective: maximised, givenY } = line;
  const example = kind === "images" ? "image" : "example";
  const when = step ? `After ${counted(step, "update")}` : "Before the first update";
  const terms = termsOf(line, null);
  const kl = history.kl_held_out.at(-1) ?? NaN;
  if (!Number.isFinite(history.reconstruction_held_out.at(-1)) || (!deterministic && !Number.isFinite(kl))) {
    return `${when} the numbers of this training are not finite: it has diverged.`;
  }
  if (deterministic) {
    return (
      `${when} a held-out ${example} has a reconstruction of ${terms.reconstruction} nats on average. The encoder ` +
      written("is deterministic: there is no q(z|x), and so no KL and no bound.", givenY)
    );
  }
  const name = freeBits ? `Σ max(${freeBits}, KLⱼ) ${terms.kl}` : `KL ${terms.kl}`;
  const objective =
    maximised !== "elbo"
      ? `${when} a held-out ${example} has on average a reconstruction of ` +
        `${terms.reconstruction} and a KL of ${terms.kl} nats. Trained on another ${OBJECTIVES[maximised]}, ` +
        `with β = ${terms.beta}.`
      : `${when} the objective of a held-out ${example} is ${terms.objective} nats on average: reconstruction ` +
        `${terms.reconstruction} − β ${terms.beta} · ${name}.`;
  const bound = `Its ELBO (β = 1) is ${terms.elbo} nats: ${written("log p(x)", givenY)} is at least that.`;
  const parts = remarks(active, step, kl, terms.betaValue, atLimits);
  const said = parts.map((one) => written(one.join(""), givenY));
  const isCollapsed = said.some((text) => text.startsWith("Posterior collapse"));
  return [objective, bound, ...said, isCollapsed ? "" : activeText(active)].filter(Boolean).join(" ");
}

/** @param {readonly boolean[]} active */
function activeText(active) {
  if (!active.length) return "";
  const are = active.length === 1 ? "is" : "are";
  return `${active.filter(Boolean).length} of ${counted(active.length, "latent dimension")} ${are} active.`;
}
