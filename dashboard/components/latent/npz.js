// NumPy archives (NPZ), as numpy.savez writes them: a ZIP archive without compression, an .npy file of format 1.0
// for each array (numpy.lib.format; PKWARE's APPNOTE). An array is { shape, values }, its values in C order.

const NPY_TYPES = { Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4" };
const NPY_ALIGNMENT = 64;
const ZIP_VERSION = 20;
// 1980-01-01, as numpy has it: equal arrays make equal files.
const ZIP_DATE = 0x21;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

// As the server's archives have them: numbers in single precision.
function floats(values, shape = [values.length]) {
  return { shape, values: new Float32Array(values) };
}

function integers(values, shape = [values.length]) {
  return { shape, values: new Int32Array(values) };
}

// Texts, which numpy pads to the longest of them in four bytes a character.
function texts(lines) {
  const characters = lines.map((line) => [...line].map((one) => one.codePointAt(0)));
  const width = Math.max(1, ...characters.map((line) => line.length));
  const values = new Uint32Array(lines.length * width);
  characters.forEach((line, k) => values.set(line, k * width));
  return { shape: [lines.length], values, type: `<U${width}` };
}

// Whole numbers one after the other, little-endian; fields are [bytes, value].
function littleEndian(fields) {
  const split = ([size, value]) => Array.from({ length: size }, (_, k) => (value >>> (8 * k)) & 255);
  return Uint8Array.from(fields.flatMap(split));
}

function joinBytes(parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function npyBytes({ shape, values, type = NPY_TYPES[values.constructor.name] }) {
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

// files: [name, bytes] each, names in ASCII.
function zipBytes(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const sizes = [[4, crc32(bytes)], [4, bytes.length], [4, bytes.length], [2, name.length], [2, 0]];
    const common = [[2, ZIP_VERSION], [2, 0], [2, 0], [2, 0], [2, ZIP_DATE], ...sizes];
    const label = new TextEncoder().encode(name);
    const local = [littleEndian([[4, 0x04034b50], ...common]), label, bytes];
    const rest = [[2, 0], [2, 0], [2, 0], [4, 0], [4, offset]];
    directory.push(littleEndian([[4, 0x02014b50], [2, ZIP_VERSION], ...common, ...rest]), label);
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const listed = joinBytes(directory);
  const counts = [[2, 0], [2, 0], [2, files.length], [2, files.length], [4, listed.length], [4, offset], [2, 0]];
  return joinBytes([...parts, listed, littleEndian([[4, 0x06054b50], ...counts])]);
}

// An archive of arrays by name.
function npzBytes(arrays) {
  return zipBytes(Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npyBytes(array)]));
}
