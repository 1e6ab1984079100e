import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldOut, readArrays, readMeta } from "../../dashboard/components/latent/message.js";

const PLACES = {
  means: { type: "f4", offset: 0, length: 4 },
  labels: { type: "i4", offset: 16, length: 2 },
  x: { type: "u1", offset: 24, length: 3 },
};

/** @param {number} lead Bytes before the message in its buffer. */
function messageAt(lead) {
  const head = new TextEncoder().encode(JSON.stringify({ run: "a", arrays: PLACES }).padEnd(200));
  const bytes = new Uint8Array(lead + 4 + head.length + 28);
  new DataView(bytes.buffer).setUint32(lead, head.length, true);
  bytes.set(head, lead + 4);
  const body = lead + 4 + head.length;
  bytes.set(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), body);
  bytes.set(new Uint8Array(Int32Array.of(-1, 7).buffer), body + 16);
  bytes.set([0, 51, 255], body + 24);
  return bytes.subarray(lead);
}

test("a message is read wherever it starts in its buffer", () => {
  for (const lead of [0, 1, 3]) {
    const bytes = messageAt(lead);
    const meta = readMeta(bytes);
    assert.equal(meta.run, "a");
    const { means, labels, x } = readArrays(bytes, meta);
    assert.deepEqual(
      [[...means], [...labels], [...x]],
      [
        [1, 2, 3, 4],
        [-1, 7],
        [0, 51, 255],
      ],
    );
  }
});

test("held-out examples by row, and none for those whose values were left out", () => {
  const config = /** @type {import("../../dashboard/components/shared/network.js").ModelConfig} */ ({
    data_dim: 3,
    latent_dim: 2,
  });
  const arrays = {
    means: Float32Array.of(1, 2, 3, 4),
    stds: Float32Array.of(5, 6, 7, 8),
    factors: new Float32Array(),
    labels: Int32Array.of(-1, 7),
    x: Uint8Array.of(0, 51, 255),
  };
  const data = new HeldOut({ config, image_shape: [1, 3] }, arrays);
  assert.deepEqual(data.posterior(1), { mean: [3, 4], std: [7, 8] });
  assert.deepEqual([...(data.example(0) ?? [])], [...Float32Array.of(0, 0.2, 1)]);
  assert.equal(data.example(1), null);
  assert.deepEqual([...data.pairs(data.means, [1, 1])], [2, 2, 4, 4]);
});
