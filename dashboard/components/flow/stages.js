/** The stages of an update, the arrows between them, and what their cards say. */

import { brief, fixed } from "../shared/numbers.js";

/**
 * What Python sends (`flow_payload`): one update of a run, seen at the first example of its mini-batch.
 * @typedef {object} Message
 * @property {string} run
 * @property {number} step
 * @property {number | null} num_steps Null: it trains until it is stopped.
 * @property {number | null} patience
 * @property {number} learning_rate
 * @property {number[]} x
 * @property {number[]} mean
 * @property {number[]} std
 * @property {string} sampling How z is made of them.
 * @property {number[]} eps
 * @property {number[]} z
 * @property {number[]} decoded
 * @property {number[]} prior_z
 * @property {number[]} generated
 * @property {number[] | null} image_shape [height, width]
 * @property {boolean} is_deterministic
 * @property {boolean} given_y Whether the model is conditional.
 * @property {string} objective
 * @property {{ encoder: number[], decoder: number[] }} layers
 * @property {Numbers} numbers
 * @property {number} duration_ms Of all stages.
 * @property {import("../shared/theme.js").Palettes} palettes
 *
 * @typedef {object} Numbers
 * @property {number} num_data Examples in the mini-batch.
 * @property {number} reconstruction @property {number} kl @property {number} beta
 * @property {number} objective The mini-batch mean.
 * @property {number} decoder_gradient @property {number} encoder_gradient @property {number} change
 *
 * @typedef {"left" | "right" | "top" | "bottom"} Side
 */

/** Stages in their order; those of one entry light up together. */
export const STAGES = [
  ["x"],
  ["encoder"],
  ["posterior"],
  ["z"],
  ["decoder"],
  ["decoded"],
  ["fit", "kl"],
  ["loss"],
  ["back"],
  ["update"],
  ["converged"],
  ["prior"],
  ["decoder_again"],
  ["generated"],
];

/**
 * @param {string} from
 * @param {string} to
 * @param {Side} leaves Side of the card that the arrow starts from.
 * @param {Side} enters Side of the card that it leads to.
 */
const arrow = (from, to, leaves, enters) => ({ from, to, leaves, enters });

export const ARROWS = [
  arrow("x", "encoder", "right", "left"),
  arrow("encoder", "posterior", "right", "left"),
  arrow("posterior", "z", "right", "left"),
  arrow("z", "decoder", "right", "left"),
  arrow("decoder", "decoded", "right", "left"),
  arrow("decoded", "fit", "bottom", "top"),
  arrow("posterior", "kl", "bottom", "top"),
  arrow("fit", "loss", "left", "right"),
  arrow("kl", "loss", "right", "left"),
  arrow("loss", "back", "bottom", "top"),
  arrow("back", "update", "left", "right"),
  arrow("update", "converged", "left", "right"),
  arrow("converged", "x", "top", "bottom"),
  arrow("prior", "decoder_again", "right", "left"),
  arrow("decoder_again", "generated", "right", "left"),
];

const MOST_NUMBERS = 2;

/**
 * The first numbers of a vector.
 * @param {number[]} values
 */
export function vectorText(values) {
  const shown = values.slice(0, MOST_NUMBERS).map((value) => fixed(value, 2));
  return shown.join(", ") + (values.length > MOST_NUMBERS ? ", …" : "");
}

/**
 * Index of the lit stage; the number of stages when all have been lit.
 * @param {number} elapsed
 * @param {number} duration Of all stages.
 */
export const stageAt = (elapsed, duration) =>
  Math.min(STAGES.length, Math.floor((elapsed / duration) * STAGES.length));

/**
 * What the cards say, by the name of their stage.
 * @param {Message} message
 * @returns {Record<string, string>}
 */
export function textsOf({ step, num_steps: numSteps, layers, numbers, patience, ...rest }) {
  const { mean, std, eps, z, prior_z: priorZ, is_deterministic: plain, learning_rate: rate } = rest;
  const { reconstruction, kl, beta, objective } = numbers;
  const decoder = layers.decoder.join(" → ");
  const own = `${fixed(beta * kl - reconstruction, 2)} nats with β ${brief(beta)}\n`;
  const rule = patience === null ? "" : `\nstops after ${patience} epochs without a rise`;
  const goesOn = numSteps === null || step < numSteps;
  const count = numSteps === null ? `${step}` : `${step} of ${numSteps}`;
  return {
    encoder: layers.encoder.join(" → "),
    posterior: plain ? `z = μ\nμ ${vectorText(mean)}` : `μ ${vectorText(mean)}\nσ ${vectorText(std)}`,
    z: plain ? `no noise\nz ${vectorText(z)}` : `ε ${vectorText(eps)}\nz ${vectorText(z)}`,
    decoder,
    fit: `${fixed(reconstruction, 2)} nats`,
    kl: `${fixed(kl, 2)} nats`,
    loss: `${rest.objective === "elbo" ? own : ""}mini-batch mean ${fixed(-objective, 2)}`,
    back: `‖∂loss/∂θ‖ ${brief(numbers.decoder_gradient)}\n‖∂loss/∂φ‖ ${brief(numbers.encoder_gradient)}`,
    update: `η ${brief(rate)}\n‖change‖ ${brief(numbers.change)}`,
    converged: `${goesOn ? "no: next mini-batch" : "yes: the end"}\nstep ${count}${rule}`,
    prior: `z ${vectorText(priorZ)}`,
    decoder_again: decoder,
  };
}
