// The data of the element: a length, JSON, then arrays one after the other, each at a multiple of four bytes.

const ARRAYS = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

const headLength = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);

function readMeta(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headLength(bytes))));
}

// The arrays by name, as copies: the bytes may start anywhere in their buffer.
function readArrays(bytes, meta) {
  const body = 4 + headLength(bytes);
  const read = ({ type, offset, length }) => {
    const start = body + offset;
    return new ARRAYS[type](bytes.slice(start, start + length * ARRAYS[type].BYTES_PER_ELEMENT).buffer);
  };
  return Object.fromEntries(Object.entries(meta.arrays).map(([name, place]) => [name, read(place)]));
}

// Held-out data: where they lie and, for the first of them, what they are.
class HeldOut {
  constructor({ config, image_shape: imageShape }, { means, stds, labels, x }) {
    Object.assign(this, { means, stds, labels, x });
    this.latentDim = config.latent_dim;
    this.dataDim = config.data_dim;
    this.levels = imageShape ? 255 : 1;
    this.countWithX = x.length / config.data_dim;
  }

  // q(z|x) of one datum.
  posterior(i) {
    const part = (values) => Array.from(values.subarray(i * this.latentDim, (i + 1) * this.latentDim));
    return { mean: part(this.means), std: part(this.stds) };
  }

  // The datum as the model takes it (images from 0 to 1), or null where it was left out to save bytes.
  datum(i) {
    if (i >= this.countWithX) return null;
    return Float32Array.from(this.x.subarray(i * this.dataDim, (i + 1) * this.dataDim), (value) => value / this.levels);
  }

  // Two coordinates of all means or stds, as flat pairs.
  pairs(values, [first, second]) {
    const pairs = new Float32Array(2 * this.labels.length);
    for (let i = 0; i < this.labels.length; i++) {
      pairs[2 * i] = values[i * this.latentDim + first];
      pairs[2 * i + 1] = values[i * this.latentDim + second];
    }
    return pairs;
  }
}
