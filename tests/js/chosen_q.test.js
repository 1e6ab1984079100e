import assert from "node:assert/strict";
import test from "node:test";
import { adjusted, gaussianDensity, replaced } from "../../dashboard/components/chosen_q/drag.js";
import { Components, Mixture } from "../../dashboard/components/chosen_q/free_energy.js";

const sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);

test("a probability that is moved leaves the others their proportions", () => {
  const q = adjusted([0.2, 0.5, 0.3], 0, 0.6);
  assert.equal(q[0], 0.6);
  assert.ok(Math.abs(sum(q) - 1) < 1e-12);
  assert.ok(Math.abs(q[1] / q[2] - 0.5 / 0.3) < 1e-12);
});

test("probabilities stay in [0, 1] and sum to 1, also where the others have none", () => {
  for (const [q, value] of /** @type {[number[], number][]} */ ([
    [[0.2, 0.8], 7],
    [[0.2, 0.8], -3],
    [[1, 0, 0], 0.4],
    [[0, 0.4, 0.6], 0],
  ])) {
    const moved = adjusted(q, 0, value);
    assert.ok(Math.abs(sum(moved) - 1) < 1e-12, String(moved));
    assert.ok(
      moved.every((share) => share >= 0 && share <= 1),
      String(moved),
    );
  }
  assert.deepEqual(adjusted([1, 0, 0], 0, 0.4), [0.4, 0.3, 0.3]);
});

test("the density of a Gaussian integrates to one", () => {
  const q = { mean: [0.3], std: [0.7] };
  const step = 0.01;
  let total = 0;
  for (let z = -8; z <= 8; z += step) total += step * gaussianDensity(q, z);
  assert.ok(Math.abs(total - 1) < 1e-6, String(total));
});

test("the stationarity condition leaves no residual at the posterior alone", () => {
  const weights = [0.5, 0.3, 0.2];
  const fits = [-1, -3, -0.5];
  const joint = weights.map((weight, k) => weight * Math.exp(fits[k]));
  const evidence = sum(joint);
  const posterior = joint.map((value) => value / evidence);
  const model = new Components({ weights, fits, posterior, log_evidence: Math.log(evidence) });
  for (const residual of model.residuals(posterior)) assert.ok(Math.abs(residual) < 1e-12, String(residual));
  const q = [0.2, 0.5, 0.3];
  const mean = sum(model.residuals(q).map((residual, k) => q[k] * residual));
  assert.ok(Math.abs(mean + model.terms(q).klToPosterior) < 1e-12, "their mean under q is minus the gap");
  assert.equal(model.residuals([0, 0.5, 0.5])[0], Infinity);
});

test("one value is replaced, the others stay", () => {
  assert.deepEqual(replaced([1, 2, 3], 1, 9), [1, 9, 3]);
});

test("the score of a mixture is the slope of its log density", () => {
  const normaliser = -Math.log(2 * Math.PI);
  const mixture = new Mixture({
    constants: [Math.log(0.4) + normaliser, Math.log(0.6) + normaliser + Math.log(2)],
    means: [
      [-1, 0.5],
      [1, -0.5],
    ],
    precisions: [
      [
        [1, 0],
        [0, 1],
      ],
      [
        [2, 0],
        [0, 2],
      ],
    ],
  });
  const h = 1e-5;
  for (const z of [
    [0, 0],
    [0.7, -1.1],
  ]) {
    for (const i of [0, 1]) {
      const [up, down] = [h, -h].map((by) => mixture.logDensity(replaced(z, i, z[i] + by)));
      mixture.logDensity(z);
      assert.ok(Math.abs(mixture.score(i) - (up - down) / (2 * h)) < 1e-6, `${z}, ${i}`);
    }
  }
});
