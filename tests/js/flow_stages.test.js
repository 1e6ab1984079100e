import assert from "node:assert/strict";
import test from "node:test";
import { ARROWS, STAGES, stageAt, textsOf, vectorText } from "../../dashboard/components/flow/stages.js";

/** @type {import("../../dashboard/components/flow/stages.js").Message} */
const MESSAGE = {
  run: "a",
  step: 3,
  num_steps: 10,
  patience: null,
  learning_rate: 0.001,
  x: [0, 1],
  mean: [0.5, -1],
  std: [0.2, 0.3],
  eps: [1, -2],
  z: [0.7, -1.6],
  decoded: [0.1, 0.9],
  prior_z: [0, 1],
  generated: [0.4, 0.6],
  image_shape: null,
  sampling: "z = μ + σ ⊙ ε",
  is_deterministic: false,
  given_y: false,
  objective: "elbo",
  layers: { encoder: [64, 32, 4], decoder: [2, 32, 64] },
  numbers: {
    num_data: 128,
    reconstruction: -20.5,
    kl: 5.25,
    beta: 2,
    objective: -33,
    decoder_gradient: 1.5,
    encoder_gradient: 0.25,
    change: 0.01,
  },
  duration_ms: 1400,
  palettes: {
    light: { concepts: {}, classes: [], ghosts: [] },
    dark: { concepts: {}, classes: [], ghosts: [] },
  },
};

test("stages light up one after the other, and all are done when the time is up", () => {
  assert.equal(stageAt(0, 1400), 0);
  assert.equal(stageAt(650, 1400), 6);
  assert.equal(stageAt(1e9, 1400), STAGES.length);
});

test("arrows lead from card to card", () => {
  const cards = new Set(STAGES.flat());
  for (const { from, to } of ARROWS) assert.ok(cards.has(from) && cards.has(to), `${from} to ${to}`);
});

test("the loss of the example is that of its own two terms", () => {
  const texts = textsOf(MESSAGE);
  assert.equal(texts.loss, "31.00 nats with β 2\nmini-batch mean 33.00");
  assert.equal(texts.posterior, "μ 0.50, −1.00\nσ 0.20, 0.30");
  assert.equal(texts.converged, "no: next mini-batch\nstep 3 of 10");
  const endless = textsOf({ ...MESSAGE, num_steps: null });
  assert.equal(endless.converged, "no: next mini-batch\nstep 3");
});

test("a deterministic encoder has neither a width nor noise", () => {
  const texts = textsOf({ ...MESSAGE, is_deterministic: true, step: 10, patience: 4 });
  assert.equal(texts.posterior, "z = μ\nμ 0.50, −1.00");
  assert.match(texts.z, /^no noise\n/);
  assert.equal(texts.converged, "yes: the end\nstep 10 of 10\nstops after 4 epochs without a rise");
});

test("long vectors are shortened", () => {
  assert.equal(vectorText([1, 2]), "1.00, 2.00");
  assert.equal(vectorText([1, 2, 3]), "1.00, 2.00, …");
});

test("the loss of another objective is that of the mini-batch alone", () => {
  assert.equal(textsOf({ ...MESSAGE, objective: "mmd" }).loss, "mini-batch mean 33.00");
  assert.match(textsOf(MESSAGE).loss, /^31\.00 nats with β 2\nmini-batch mean 33\.00$/);
});
