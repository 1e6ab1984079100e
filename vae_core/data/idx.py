"""The IDX format of MNIST and its relatives, read from untrusted bytes."""

import gzip
import io
import zlib
from math import prod
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

MAX_VALUES: Final = 600_000_000
"""Most values a file may hold: EMNIST's largest, 700 000 images of 28 x 28, fits."""

_CHUNK_BYTES: Final = 1 << 20
_UNSIGNED_BYTES: Final = 0x08
_OTHER_TYPES: Final = {
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_idx(content: bytes) -> NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes, plain or compressed with gzip.

    The file is two zero bytes, a type, a rank, the dimensions as big-endian 32-bit numbers, then the values
    in row-major order. Memory grows with the values found, never with what a header promises.

    References:
        The MNIST database of handwritten digits (LeCun, Cortes and Burges, 1998), http://yann.lecun.com/exdb/mnist/

    Arguments:
        content: The file.

    Returns:
        Its array, of one (labels) to three (images: n, height, width) dimensions, none of them 0.

    Raises:
        BadInput: ``idx_empty``, ``idx_short``, ``idx_magic``, ``idx_type``, ``idx_rank``, ``idx_size`` (above
            ``MAX_VALUES``), ``idx_truncated``, ``idx_long`` or ``idx_gzip``.

    Example:
        >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        array([7, 2, 1], dtype=uint8)
    """
    compressed = content[:2] == b"\x1f\x8b"
    stream: _Readable = gzip.GzipFile(fileobj=io.BytesIO(content)) if compressed else io.BytesIO(content)
    try:
        dims = read_idx_dims(stream)
        values = _read_values(stream, dims)
    except (OSError, EOFError, zlib.error) as err:
        raise BadInput("idx_gzip", "the gzip file is damaged or cut short", "download it again") from err
    return np.frombuffer(values, np.uint8).reshape(dims)


def read_idx_dims(stream: _Readable) -> tuple[int, ...]:
    """The dimensions in the header of an IDX file, read from an open, inflated stream; raises as above."""
    rank = _read_rank(stream.read(4))
    header = stream.read(4 * rank)
    if len(header) < 4 * rank:
        raise BadInput("idx_short", f"the IDX file ends within its {rank} dimensions", "download it again")
    dims = tuple(int.from_bytes(header[start : start + 4], "big") for start in range(0, 4 * rank, 4))
    if 0 in dims:
        raise BadInput(
            "idx_empty", f"the IDX file holds no values ({_times(dims)})", "choose a file with data"
        )
    if prod(dims) > MAX_VALUES:
        message = f"the IDX file announces {_times(dims)} values, more than {MAX_VALUES}"
        raise BadInput("idx_size", message, "use fewer or smaller images")
    return dims


def _read_rank(magic: bytes) -> int:
    hint = "choose an IDX file such as train-images-idx3-ubyte.gz"
    if not magic:
        raise BadInput("idx_empty", "the IDX file is empty", hint)
    if len(magic) < 4:
        raise BadInput("idx_short", f"the IDX file has only {len(magic)} bytes", hint)
    if magic[:2] != b"\0\0" or magic[2] not in (_UNSIGNED_BYTES, *_OTHER_TYPES):
        raise BadInput(
            "idx_magic", f"this is not an IDX file: it begins with the bytes {magic.hex(' ')}", hint
        )
    if magic[2] != _UNSIGNED_BYTES:
        raise BadInput(
            "idx_type", f"the IDX file holds {_OTHER_TYPES[magic[2]]}", "store it as unsigned bytes"
        )
    if not 1 <= magic[3] <= 3:
        raise BadInput("idx_rank", f"the IDX file has {magic[3]} dimensions, not 1 to 3", hint)
    return magic[3]


def _read_values(stream: _Readable, dims: tuple[int, ...]) -> bytearray:
    count, values = prod(dims), bytearray()
    while len(values) < count and (chunk := stream.read(min(_CHUNK_BYTES, count - len(values)))):
        values += chunk
    if len(values) < count:
        message = f"the IDX file is cut short: {len(values)} of its {count} values ({_times(dims)}) are there"
        raise BadInput("idx_truncated", message, "download it again")
    if stream.read(1):
        raise BadInput(
            "idx_long", f"the IDX file goes on after its {count} values ({_times(dims)})", "download it again"
        )
    return values


def _times(dims: tuple[int, ...]) -> str:
    return " x ".join(map(str, dims))
