/** Bytes from Python as arrays and as JSON. */

/** @param {string} base64 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @param {string} base64 */
export function floatsOf(base64) {
  return new Float32Array(bytesOf(base64).buffer);
}

/** @param {string} base64 */
export function integersOf(base64) {
  return new Int32Array(bytesOf(base64).buffer);
}

/**
 * The value that some bytes of JSON stand for.
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export const jsonOf = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
