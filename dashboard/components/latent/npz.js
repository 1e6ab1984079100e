/**
 * NumPy archives (NPZ), as numpy.savez writes them: a ZIP archive without compression, an .npy file of format 1.0
 * for each array (numpy.lib.format; PKWARE's APPNOTE).
 */

/**
 * Its values in C order.
 * @typedef {object} NpyArray
 * @property {readonly number[]} shape
 * @property {Float32Array | Float64Array | Int32Array | Uint32Array} values
 * @property {string} [type] NumPy's name of the type; that of the values where it is missing.
 *
 * @typedef {Record<string, NpyArray>} Arrays
 *
 * @typedef {[size: number, value: number]} Field Of a record: its bytes and what they hold.
 */

/** @type {Record<string, string>} */
const NPY_TYPES = { Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4" };
const NPY_ALIGNMENT = 64;
const ZIP_VERSION = 20;
// 1980-01-01, as numpy has it: equal arrays make equal files.
const ZIP_DATE = 0x21;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/**
 * Numbers in single precision, as the server's archives have them.
 * @param {ArrayLike<number>} values
 * @param {readonly number[]} shape
 * @returns {NpyArray}
 */
export function floats(values, shape = [values.length]) {
  return { shape, values: Float32Array.from(values) };
}

/**
 * @param {ArrayLike<number>} values
 * @param {readonly number[]} shape
 * @returns {NpyArray}
 */
export function integers(values, shape = [values.length]) {
  return { shape, values: Int32Array.from(values) };
}

/**
 * Texts, which numpy pads to the longest of them in four bytes a character.
 * @param {readonly string[]} lines
 * @returns {NpyArray}
 */
export function texts(lines) {
  const characters = lines.map((line) => [...line].map((one) => one.codePointAt(0) ?? 0));
  const width = Math.max(1, ...characters.map((line) => line.length));
  const values = new Uint32Array(lines.length * width);
  characters.forEach((line, k) => values.set(line, k * width));
  return { shape: [lines.length], values, type: `<U${width}` };
}

/**
 * Whole numbers one after the other, little-endian.
 * @param {Field[]} fields
 */
function littleEndian(fields) {
  return Uint8Array.from(
    fields.flatMap(([size, value]) => Array.from({ length: size }, (_, k) => (value >>> (8 * k)) & 255)),
  );
}

/** @param {ArrayLike<number>[]} parts */
function joinBytes(parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * @param {NpyArray} array
 * @throws {Error} The values do not fill the shape.
 */
export function npyBytes({ shape, values, type = NPY_TYPES[values.constructor.name] }) {
  const size = shape.reduce((product, length) => product * length, 1);
  const items = type.startsWith("<U") ? values.length / Number(type.slice(2)) : values.length;
  if (items !== size) throw new Error(`${items} values for an array of shape (${shape})`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const entries = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0];
  const length = start.length + 2 + entries.length + 1;
  const header = `${entries}${" ".repeat(NPY_ALIGNMENT - (length % NPY_ALIGNMENT))}\n`;
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return joinBytes([start, littleEndian([[2, header.length]]), new TextEncoder().encode(header), data]);
}

/** @param {[name: string, bytes: Uint8Array][]} files Names in ASCII. */
function zipBytes(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    /** @type {Field[]} */
    const common = [
      ...[ZIP_VERSION, 0, 0, 0, ZIP_DATE].map((value) => /** @type {Field} */ ([2, value])),
      ...[crc32(bytes), bytes.length, bytes.length].map((value) => /** @type {Field} */ ([4, value])),
      [2, name.length],
      [2, 0],
    ];
    const label = new TextEncoder().encode(name);
    const local = [littleEndian([[4, 0x04034b50], ...common]), label, bytes];
    // prettier-ignore
    directory.push(
      littleEndian([[4, 0x02014b50], [2, ZIP_VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      label,
    );
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const listed = joinBytes(directory);
  const count = files.length;
  // prettier-ignore
  const end = littleEndian([
    [4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, listed.length], [4, offset], [2, 0],
  ]);
  return joinBytes([...parts, listed, end]);
}

/**
 * An archive of arrays by name.
 * @param {Arrays} arrays
 */
export function npzBytes(arrays) {
  return zipBytes(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npyBytes(array)]));
}
