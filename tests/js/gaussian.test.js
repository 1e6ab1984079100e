import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregateDensity } from "../../dashboard/components/latent/density.js";
import { HeldOut } from "../../dashboard/components/latent/message.js";
import {
  covarianceOf,
  ellipseOf,
  klToStandardNormal,
  widthsOf,
} from "../../dashboard/components/shared/gaussian.js";

// L = [[0.5, 0, 0], [0.3, 0.4, 0], [-0.2, 0.1, 0.7]]
const FACTOR = [0.5, 0.3, 0.4, -0.2, 0.1, 0.7];
const Q = { mean: [0.1, -0.2, 0.3], std: widthsOf(FACTOR, 3), factor: FACTOR };

/** @param {number} value @param {number} expected */
const near = (value, expected) =>
  assert.ok(Math.abs(value - expected) < 1e-12, `${value} is not ${expected}`);

test("covariances are those of L times its transpose", () => {
  near(covarianceOf(Q, 1, 1), 0.25);
  near(covarianceOf(Q, 0, 1), 0.15);
  near(covarianceOf(Q, 2, 1), -0.02);
  near(covarianceOf({ mean: [0, 0], std: [2, 3] }, 0, 1), 0);
  near(covarianceOf({ mean: [0, 0], std: [2, 3] }, 1, 1), 9);
});

test("the KL has the determinant of L, and is the diagonal one without entries below", () => {
  const sums = 0.1 ** 2 + 0.2 ** 2 + 0.3 ** 2 + 0.25 + 0.25 + 0.54 - 3;
  near(klToStandardNormal(Q), sums / 2 - Math.log(0.5 * 0.4 * 0.7));
  const diagonal = { mean: [1, 2], std: [0.5, 3] };
  near(klToStandardNormal({ ...diagonal, factor: [0.5, 0, 3] }), klToStandardNormal(diagonal));
});

test("every point of an ellipse is k deviations away", () => {
  const [a, b, c] = [covarianceOf(Q, 1, 1), covarianceOf(Q, 2, 2), covarianceOf(Q, 1, 2)];
  for (const [x, y] of ellipseOf(Q, [1, 2], 2, 12)) {
    const [dx, dy] = [x - Q.mean[1], y - Q.mean[2]];
    near((b * dx * dx - 2 * c * dx * dy + a * dy * dy) / (a * b - c * c), 4);
  }
});

test("a held-out example has its own L", () => {
  const config = /** @type {import("../../dashboard/components/shared/network.js").ModelConfig} */ ({
    data_dim: 1,
    latent_dim: 2,
  });
  const arrays = {
    means: Float32Array.of(1, 2, 3, 4),
    stds: Float32Array.of(1, 1, 1, 1),
    factors: Float32Array.of(1, 0, 1, 1, 0.5, 2),
    labels: Int32Array.of(0, 1),
    x: Float32Array.of(0, 0),
  };
  const data = new HeldOut({ config, image_shape: null }, arrays);
  assert.deepEqual(Array.from(data.posterior(1).factor ?? []), [1, 0.5, 2]);
  assert.deepEqual([...data.covariances([0, 1])], [0, 0.5]);
  assert.deepEqual([...data.covariances([1, 1])], []);
});

test("a tilted density integrates to one and has its covariance", () => {
  const ends = { x0: -4, x1: 4, y0: -4, y1: 4 };
  const posteriors = {
    means: Float32Array.of(0, 0),
    stds: Float32Array.of(0.8, 1),
    covariances: Float32Array.of(0.6),
  };
  const density = aggregateDensity(posteriors, ends, 80, 80);
  let [mass, covariance] = [0, 0];
  density.forEach((value, k) => {
    const [x, y] = [-3.95 + 0.1 * (k % 80), 3.95 - 0.1 * Math.floor(k / 80)];
    mass += value * 0.01;
    covariance += value * 0.01 * x * y;
  });
  assert.ok(Math.abs(mass - 1) < 1e-3, `${mass}`);
  assert.ok(Math.abs(covariance - 0.6) < 5e-3, `${covariance}`);
});
