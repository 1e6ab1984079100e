"""Arrays in NumPy's files, NPY and NPZ, from untrusted bytes: never unpickled, sizes checked first."""

import io
import tokenize
import warnings
from collections.abc import Mapping
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from vae_core.data.archive import Archive
from vae_core.data.limits import MAX_ARRAY_BYTES, MAX_VALUES
from vae_core.errors import BadInput

MAX_HEADER_BYTES: Final = 10_000
_LARGEST_VALUE: Final = 8
_MAGIC: Final = b"\x93NUMPY"
_PICKLED: Final = "holds Python objects, which could run a program when they are read"
_MALFORMED: Final = (
    *(ValueError, TypeError, KeyError, EOFError, SyntaxError, MemoryError, RecursionError),
    *(OverflowError, AttributeError, tokenize.TokenError, UnicodeError),
)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def num_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def read_npy(content: bytes) -> NDArray[Any]:
    """Reads a NumPy file of numbers.

    The header is checked, and the size that it states against that of the file, before any value is read.

    References:
        The NPY format (NumPy Enhancement Proposal 1, 2007), https://numpy.org/neps/nep-0001-npy-format.html

    Arguments:
        content: The file.

    Returns:
        Its array of whole numbers, truth values or real numbers, none of its dimensions 0.

    Raises:
        BadInput: ``npy`` (it is no such file), ``npy_pickle``, ``npy_type``, ``npy_shape``, ``npy_size``,
            ``npy_truncated`` or ``npy_long``.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> np.save(file, np.arange(3))
        >>> read_npy(file.getvalue())
        array([0, 1, 2])
    """
    header = _read_header(content)
    return _values(content, header)


def read_npz(content: bytes) -> Mapping[str, NDArray[Any]]:
    """Reads the arrays of numbers in a NumPy archive by their names; what else is in it is left out.

    Arguments:
        content: The file, packed or not.

    Raises:
        BadInput: As :func:`read_npy` and :class:`vae_core.data.archive.Archive`, where there is no array
            that can be read (code ``npz_empty`` where there is none at all).

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> np.savez(file, x=np.ones(2))
        >>> dict(read_npz(file.getvalue()))
        {'x': array([1., 1.])}
    """
    archive, arrays, refusal = Archive(content), {}, None
    for place, name in enumerate(archive.names):
        if not name.endswith(".npy"):
            continue
        try:
            # The header first: what an archive says of sizes is not believed.
            header = _read_header(archive.read(place, first=MAX_HEADER_BYTES + 100))
            most = header.start + header.num_bytes + 1
            arrays[name.removesuffix(".npy")] = _values(archive.read(place, most=most), header)
        except BadInput as err:
            if err.code in ("npy_pickle", "zip_encrypted"):
                raise
            refusal = refusal or err
    if refusal is not None and not arrays:
        raise refusal
    if not arrays:
        raise BadInput("npz_empty", "the archive holds no array", "save it with numpy.savez")
    return arrays


def read_text(content: bytes) -> str:
    """The one text of a NumPy file, as ``numpy.save("file", "text")`` writes it.

    Raises:
        BadInput: It is no such file (``npy``, ``npy_type`` or ``npy_truncated``).
    """
    header = _stated(content)
    if header.shape != () or header.dtype.kind != "U":
        raise BadInput("npy_type", "the NumPy file holds no text", "save one with numpy.save")
    if len(content) - header.start != header.dtype.itemsize:
        raise BadInput("npy_truncated", "the NumPy file is cut short", "save it again")
    try:
        return str(np.frombuffer(content, header.dtype, offset=header.start)[0])
    except _MALFORMED as err:
        raise BadInput("npy", "the text of the NumPy file is damaged", "save it again") from err


def _stated(content: bytes) -> _Header:
    """What the file states of its array, not checked yet."""
    stream = io.BytesIO(content[: MAX_HEADER_BYTES + 100])
    if not content.startswith(_MAGIC):
        found = "empty" if not content else "no NumPy array"
        raise BadInput("npy", f"the NumPy file is {found}", "save it with numpy.save")
    try:
        version = npy_format.read_magic(stream)
        read = {
            (1, 0): npy_format.read_array_header_1_0,
            (2, 0): npy_format.read_array_header_2_0,
        }[version]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # files of Python 2 are read as well
            shape, is_fortran, dtype = read(stream, max_header_size=MAX_HEADER_BYTES)
    except _MALFORMED as err:
        raise BadInput("npy", "the header of the NumPy file is damaged", "save it again") from err
    return _Header(shape, is_fortran, dtype, stream.tell())


def _read_header(content: bytes) -> _Header:
    header = _stated(content)
    shape, dtype = header.shape, header.dtype
    _check_type(dtype)
    if not 1 <= len(shape) <= 4 or min(shape) < 1:
        message = f"the array has the shape {str(shape)[:40]}"
        raise BadInput("npy_shape", message, "give one to four dimensions, none of them 0")
    if prod(shape) > MAX_VALUES or prod(shape) * dtype.itemsize > MAX_ARRAY_BYTES:
        message = f"the array announces {_times(shape)} values, more than {MAX_ARRAY_BYTES // 2**20} MB"
        raise BadInput("npy_size", message, "use fewer or smaller examples")
    return header


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _check_type(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise BadInput("npy_pickle", f"the NumPy file {_PICKLED}", "save numbers only")
    if dtype.kind not in "buif" or dtype.itemsize > _LARGEST_VALUE or dtype.subdtype is not None:
        raise BadInput("npy_type", f"the array holds values of type {str(dtype)[:40]}", "save real numbers")


def _values(content: bytes, header: _Header) -> NDArray[Any]:
    found, stated = len(content) - header.start, header.num_bytes
    if found < stated:
        message = f"the NumPy file is cut short: {found:,} of {stated:,} bytes of values are there"
        raise BadInput("npy_truncated", message, "save it again")
    if found > stated:
        raise BadInput("npy_long", "the NumPy file goes on after its values", "save it again")
    order = "F" if header.is_fortran else "C"
    values = np.frombuffer(content, header.dtype, offset=header.start)
    return values.reshape(header.shape, order=order).astype(header.dtype.newbyteorder("="), copy=False)
