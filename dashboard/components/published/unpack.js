/** What the file holds: deflated bytes as base64. */

import { bytesOf } from "../shared/arrays.js";

/**
 * @param {string} base64
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function inflated(base64) {
  const packed = new Blob([bytesOf(base64)]).stream();
  return new Uint8Array(
    await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer(),
  );
}

/**
 * Bytes in their order, where the file has first every fourth of them, then every fourth one after it, and so on.
 * @param {Uint8Array} planes
 */
export function interleaved(planes) {
  const count = planes.length / 4;
  return Uint8Array.from(planes, (_, at) => planes[(at % 4) * count + (at >> 2)]);
}
