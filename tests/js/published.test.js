import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { NO_HISTORY } from "../../dashboard/components/board/history.js";
import { sentenceOf } from "../../dashboard/components/published/sentence.js";
import { inflated, interleaved } from "../../dashboard/components/published/unpack.js";

const NOT_AT_LIMITS = { low: 0, high: 0, components: 0, scale: 0, examples: 360 };

/**
 * What a page says of a training with one row of its history.
 * @param {{ reconstruction?: number, kl?: number, beta?: number, step?: number, active?: boolean[],
 *   high?: number, freeBits?: number, klPerDim?: number[], deterministic?: boolean, kind?: "images" | "points",
 *   givenY?: boolean,
 *   objective?: import("../../dashboard/components/board/live_line.js").Objective }} [changes]
 */
function said(changes = {}) {
  const { reconstruction = -20.834, kl = 3.3444, beta = 1, step = 6900, active = [true, true] } = changes;
  const { high = 0, freeBits = 0, klPerDim = [2, 1.3444], deterministic = false, kind = "images" } = changes;
  const { objective = "elbo", givenY = false } = changes;
  const history = {
    ...NO_HISTORY,
    step: Float32Array.of(step),
    beta: Float32Array.of(beta),
    reconstruction_held_out: Float32Array.of(reconstruction),
    kl_held_out: Float32Array.of(kl),
  };
  return sentenceOf(
    { step, kind, active, at_limits: { ...NOT_AT_LIMITS, high } },
    { history, betaInForce: null, klPerDim, freeBits, deterministic, objective, givenY },
  );
}

test("bytes come back as they were packed", async () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, k) => (k * 37) % 251);
  const planes = [0, 1, 2, 3].flatMap((start) => [...bytes].filter((_, k) => k % 4 === start));
  const text = deflateSync(Uint8Array.from(planes)).toString("base64");
  assert.deepEqual(interleaved(await inflated(text)), bytes);
  assert.equal(interleaved(new Uint8Array()).length, 0);
});

test("the terms add up in the digits that are shown", () => {
  assert.equal(
    said(),
    "After 6,900 updates the objective of a held-out image is −24.17 nats on average: reconstruction −20.83 − β 1 · " +
      "KL 3.34. Its ELBO (β = 1) is −24.17 nats: log p(x) is at least that. " +
      "2 of 2 latent dimensions are active.",
  );
  assert.match(
    said({ beta: 4 }),
    /is −34\.21 nats .* reconstruction −20\.83 − β 4 · KL 3\.344\. .* is −24\.17 nats/,
  );
});

test("a conditional model's bound is of log p(x|y)", () => {
  assert.match(said({ givenY: true }), /is −24\.17 nats: log p\(x\|y\) is at least that\./);
});

test("free bits: what costs, and the ELBO of the whole KL", () => {
  const text = said({ freeBits: 1.5 });
  assert.match(text, /is −24\.33 nats .* − β 1 · Σ max\(1\.5, KLⱼ\) 3\.50\./);
  assert.match(text, /ELBO \(β = 1\) is −24\.17 nats/);
});

test("another objective is named, and the bound is the bound", () => {
  const text = said({ objective: "mmd", beta: 2 });
  assert.match(
    text,
    /a reconstruction of −20\.83 and a KL of 3\.34\d? nats\. Trained on another objective: /,
  );
  assert.match(text, /reconstruction − β · D · MMD², with β = 2\. Its ELBO \(β = 1\) is −24\.17 nats/);
});

test("no bound without a posterior, and none of numbers that are not finite", () => {
  const text = said({ deterministic: true, kind: "points", kl: 0, step: 1 });
  assert.match(text, /^After 1 update a held-out example has a reconstruction of −20\.83 nats/);
  assert.match(text, /no bound\.$/);
  assert.match(said({ reconstruction: NaN }), /not finite/);
  assert.match(said({ kl: Infinity }), /not finite/);
  assert.match(said({ step: 0 }), /^Before the first update the objective/);
});

test("a collapse is said, one dimension is one, and learned priors have no parts to count", () => {
  assert.match(said({ active: [false, false], kl: 0.001 }), /Posterior collapse: 0 of 2/);
  assert.match(said({ active: [true] }), /1 of 1 latent dimension is active\.$/);
  assert.match(said({ active: [] }), /at least that\.$/);
});

test("what is at a limit is said", () => {
  assert.match(
    said({ high: 12 }),
    /that\. At a limit: log σ² = 20 for 12 of 360 .* 2 of 2 latent dimensions are/,
  );
});
