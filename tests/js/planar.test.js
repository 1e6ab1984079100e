import assert from "node:assert/strict";
import { test } from "node:test";
import { ellipseOf } from "../../dashboard/components/shared/gaussian.js";
import {
  FlowShape,
  drawsOf,
  frameOf,
  layersOf,
  momentsOf,
  outlineOf,
  pushed,
} from "../../dashboard/components/shared/planar.js";

/** @param {number} J @param {number} size */
const bent = (J, size) => {
  const frame = frameOf(J);
  return layersOf(
    frame.map((value, k) => value + size * Math.sin(7 * k + 1)),
    J,
  );
};

test("without shifts the outline is the ellipse, and the moments are those of N(0, I)", () => {
  const flow = { centre: [1, -2], scale: [0.5, 2], layers: layersOf(frameOf(2), 2) };
  const q = new FlowShape(flow).posterior();
  const [outline, ellipse] = [outlineOf(flow, 2, 72), ellipseOf(q, [0, 1], 2)];
  outline.forEach((z, k) => z.forEach((value, j) => assert.ok(Math.abs(value - ellipse[k][j]) < 1e-5)));
  const { mean, covariance } = momentsOf(flow.layers, 2);
  assert.ok(Math.max(...mean.map(Math.abs)) < 1e-12);
  assert.ok(Math.abs(covariance[0][0] - 1) < 1e-12 && Math.abs(covariance[0][1]) < 1e-12);
});

test("the outline holds the mass that two deviations of a Gaussian hold", () => {
  const flow = { centre: [0, 0], scale: [1, 1], layers: bent(2, 1.2) };
  const outline = outlineOf(flow, 2, 400);
  const isInside = (/** @type {number[]} */ [x, y]) =>
    outline.slice(1).reduce((inside, [x1, y1], k) => {
      const [x0, y0] = outline[k];
      return y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) ? !inside : inside;
    }, false);
  const draws = drawsOf(flow, 4000);
  const share = draws.filter(isInside).length / draws.length;
  assert.ok(Math.abs(share - (1 - Math.exp(-2))) < 0.02, String(share));
});

test("draws have the moments of the rule, in one, two and eight dimensions", () => {
  for (const J of [1, 2, 8]) {
    const flow = { centre: Array(J).fill(0), scale: Array(J).fill(1), layers: bent(J, 0.8) };
    const { mean, covariance } = momentsOf(flow.layers, J);
    const draws = drawsOf(flow, 20_000);
    for (let j = 0; j < J; j++) {
      const found = draws.reduce((sum, z) => sum + z[j], 0) / draws.length;
      const square = draws.reduce((sum, z) => sum + (z[j] - found) ** 2, 0) / draws.length;
      assert.ok(Math.abs(found - mean[j]) < 0.05, `${J}, ${j}: ${found} ${mean[j]}`);
      assert.ok(Math.abs(square / covariance[j][j] - 1) < 0.06, `${J}, ${j}: ${square}`);
    }
  }
});

test("a layer that would fold is moved to where it can be undone", () => {
  const values = frameOf(1).map((value, k) => (k % 3 === 1 ? -50 : value));
  const flow = { centre: [0], scale: [1], layers: layersOf(values, 1) };
  let before = -Infinity;
  for (let eps = -6; eps <= 6; eps += 0.05) {
    const [z] = pushed(flow, [eps]);
    assert.ok(z > before, `${eps}`);
    before = z;
  }
});
