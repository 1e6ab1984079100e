"""The IDX format of MNIST and its relatives, read from untrusted bytes.

Every reader here begins with the same header of the same stream, so a file that one of them takes none of the
others refuses; whether it is compressed its first bytes say, not its name.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

MAX_BYTES: Final = 600_000_000
"""Most bytes the values of a file may take: EMNIST's largest, 700 000 images of 28 x 28, fits."""

_CHUNK_BYTES: Final = 1 << 20
_TYPES: Final = {0x08: np.dtype("u1"), 0x09: np.dtype("i1"), 0x0B: np.dtype(">i2"), 0x0C: np.dtype(">i4")}
_OTHER_TYPES: Final = {0x0D: "32-bit floats", 0x0E: "64-bit floats"}


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class IdxHeader(NamedTuple):
    """The dimensions of an array, none of them 0, and the type of its values."""

    dims: tuple[int, ...]
    dtype: np.dtype[Any]


def read_idx(content: bytes) -> NDArray[Any]:
    """Reads an IDX file of whole numbers, plain or compressed with gzip.

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
            ``MAX_BYTES``), ``idx_truncated``, ``idx_long`` or ``idx_gzip``.

    Example:
        >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        array([7, 2, 1], dtype=uint8)
    """
    return read_idx_file(io.BytesIO(content))


def read_idx_file(file: BinaryIO) -> NDArray[Any]:
    """The array in an IDX file, open at its start, once in memory; raises as :func:`read_idx` does."""
    with _opened(file) as (stream, header):
        values = _read_values(stream, header, header.dims)
        if stream.read(1):
            message = f"the IDX file goes on after its {prod(header.dims)} values ({_times(header.dims)})"
            raise BadInput("idx_long", message, "download it again")
    return np.frombuffer(values, header.dtype).reshape(header.dims)


def read_idx_start(file: BinaryIO, count: int) -> NDArray[Any]:
    """The first rows of the array in an IDX file, at most ``count``; raises as :func:`read_idx` does.

    Arguments:
        file: Open at its start; no more is read of it than these rows need.
        count: How many rows.
    """
    with _opened(file) as (stream, header):
        dims = (min(count, header.dims[0]), *header.dims[1:])
        return np.frombuffer(_read_values(stream, header, dims), header.dtype).reshape(dims)


def read_idx_header(file: BinaryIO) -> IdxHeader:
    """What an IDX file, open at its start, says of its array; raises as :func:`read_idx` does."""
    with _opened(file) as (_, header):
        return header


@contextmanager
def _opened(file: BinaryIO) -> Iterator[tuple[_Readable, IdxHeader]]:
    """The inflated stream of a file, behind its header, and what the header says."""
    is_compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream: _Readable = gzip.GzipFile(fileobj=file) if is_compressed else file
    try:
        yield stream, _read_header(stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        raise BadInput("idx_gzip", "the gzip file is damaged or cut short", "download it again") from err


def _read_header(stream: _Readable) -> IdxHeader:
    rank, dtype = _read_magic(stream)
    header = stream.read(4 * rank)
    if len(header) < 4 * rank:
        raise BadInput("idx_short", f"the IDX file ends within its {rank} dimensions", "download it again")
    dims = tuple(int.from_bytes(header[start : start + 4], "big") for start in range(0, 4 * rank, 4))
    if 0 in dims:
        raise BadInput(
            "idx_empty", f"the IDX file holds no values ({_times(dims)})", "choose a file with data"
        )
    if prod(dims) * dtype.itemsize > MAX_BYTES:
        message = f"the IDX file announces {_times(dims)} values, more than {MAX_BYTES} bytes"
        raise BadInput("idx_size", message, "use fewer or smaller images")
    return IdxHeader(dims, dtype)


def _read_magic(stream: _Readable) -> tuple[int, np.dtype[Any]]:
    """Rank and type, from the first four bytes."""
    magic, hint = stream.read(4), "choose an IDX file such as train-images-idx3-ubyte.gz"
    if not magic:
        raise BadInput("idx_empty", "the IDX file is empty", hint)
    if len(magic) < 4:
        raise BadInput("idx_short", f"the IDX file has only {len(magic)} bytes", hint)
    if magic[:2] != b"\0\0" or magic[2] not in (*_TYPES, *_OTHER_TYPES):
        if magic.lstrip()[:1] == b"<":
            message = "this is a web page, not an IDX file"
            raise BadInput("idx_magic", message, "download the file itself, not the page that shows it")
        raise BadInput(
            "idx_magic", f"this is not an IDX file: it begins with the bytes {magic.hex(' ')}", hint
        )
    if magic[2] not in _TYPES:
        raise BadInput(
            "idx_type", f"the IDX file holds {_OTHER_TYPES[magic[2]]}", "store it as unsigned bytes"
        )
    if not 1 <= magic[3] <= 3:
        raise BadInput("idx_rank", f"the IDX file has {magic[3]} dimensions, not 1 to 3", hint)
    return magic[3], _TYPES[magic[2]]


def _read_values(stream: _Readable, header: IdxHeader, dims: tuple[int, ...]) -> bytearray:
    count, values = prod(dims) * header.dtype.itemsize, bytearray()
    while len(values) < count and (chunk := stream.read(min(_CHUNK_BYTES, count - len(values)))):
        values += chunk
    if len(values) < count:
        found, total = len(values) // header.dtype.itemsize, prod(header.dims)
        message = (
            f"the IDX file is cut short: {found} of its {total} values ({_times(header.dims)}) are there"
        )
        raise BadInput("idx_truncated", message, "download it again")
    return values


def _times(dims: tuple[int, ...]) -> str:
    return " x ".join(map(str, dims))
