import assert from "node:assert/strict";
import { test } from "node:test";
import {
  continuousBernoulliLogNormalizer,
  continuousBernoulliMean,
  continuousBernoulliSlope,
  Model,
} from "../../dashboard/components/shared/network.js";

const CONFIG = /** @type {const} */ ({
  data_dim: 1,
  latent_dim: 1,
  hidden_dims: [],
  architecture: "mlp",
  image_shape: null,
  activation: "tanh",
  likelihood: "gaussian",
  scale: 1,
});

/**
 * σ where the encoder's output for it is u.
 * @param {"log_variance" | "variance"} head
 * @param {number} u
 */
function stdOf(head, u) {
  const config = { ...CONFIG, hidden_dims: [], encoder_head: head };
  const encoder = Float32Array.of(0, 0, 0, u); // two weights, then two biases
  return new Model(config, new Float32Array(2), encoder).encode([0.5]).std[0];
}

test("σ is held to the limits that it has in the core, on both sides of each", () => {
  const [least, most] = [Math.exp(-10), Math.exp(10)];
  for (const u of [-20, -20.5, -25, -1e30]) assert.equal(stdOf("log_variance", u), least);
  for (const u of [20, 25, 1e30]) assert.equal(stdOf("log_variance", u), most);
  assert.ok(Math.abs(stdOf("log_variance", 0) - 1) < 1e-12);
  for (const u of [-20.7, -21, -100, -1e30]) assert.equal(stdOf("variance", u), least);
  for (const u of [5e8, 1e12]) assert.equal(stdOf("variance", u), most);
  assert.ok(stdOf("variance", -20) > least);
  assert.ok(stdOf("variance", 4.8e8) < most);
});

test("the continuous Bernoulli is finite for all finite logits", () => {
  for (const size of [
    0,
    1e-300,
    0.0299,
    0.0301,
    1,
    89,
    90,
    709,
    711,
    1421,
    1e10,
    1e154,
    1e200,
    Number.MAX_VALUE,
  ]) {
    for (const logit of [size, -size]) {
      const mean = continuousBernoulliMean(logit);
      assert.ok(mean >= 0 && mean <= 1, `${logit}: ${mean}`);
      const slope = continuousBernoulliSlope(logit);
      assert.ok(slope >= 0 && slope <= 1 / 12, `${logit}: ${slope}`);
      assert.ok(Number.isFinite(continuousBernoulliLogNormalizer(logit)), String(logit));
    }
  }
});
