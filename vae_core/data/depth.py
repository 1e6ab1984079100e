"""Pictures of more than 8 bits a value: one scale for all of a set, so that their brightness compares."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

Numbers = Literal["whole", "real"]
_BITS: Final = (2, 4, 8, 10, 12, 14, 16)
"""Of cameras, microscopes and scanners, and of PNG."""


class Deep(NamedTuple):
    """The values of one picture of more than 8 bits.

    Arguments:
        numbers: What its file has: whole numbers, or real ones.
        low: The least of them.
        high: The largest.
        are_whole: Whether all of them are whole.
    """

    numbers: Numbers
    low: float
    high: float
    are_whole: bool


class Scale(NamedTuple):
    """What the deep pictures of a set with one kind of numbers are scaled by: (v - black) / (white - black).

    Arguments:
        numbers: What their files have.
        num_pictures: How many there are.
        low: The least value of all of them.
        high: The largest.
        black: What becomes 0.
        white: What becomes 1.
        are_whole: Whether all of their values are whole.
        bits: Of which ``white`` is the largest value; None where another rule holds.
    """

    numbers: Numbers
    num_pictures: int
    low: float
    high: float
    black: float
    white: float
    are_whole: bool
    bits: int | None = None


def measured_values(values: NDArray[Any]) -> Deep:
    """What the values of a deep picture are, shape (height, width).

    Raises:
        BadInput: Some of them are no numbers (code ``image_values``).
    """
    is_real = values.dtype.kind == "f"
    if is_real and not np.isfinite(values).all():
        message = "it has values that are no numbers (NaN), or infinite"
        raise BadInput("image_values", message, "fill them in")
    are_whole = not is_real or bool((values == np.round(values)).all())
    return Deep("real" if is_real else "whole", float(values.min()), float(values.max()), are_whole)


def scales_of(found: Sequence[Deep | None]) -> dict[Numbers, Scale]:
    r"""One scale for each kind of numbers in a set of pictures.

    Whole numbers from 0 to 65,535 are divided by :math:`2^b - 1`, b the least of 2, 4, 8, 10, 12, 14 and 16
    bits in which all of them fit: programs write 12 bits of a camera into files of 16. Numbers in [0, 1]
    stay. Others without a negative one are divided by the largest of the set; with negative ones the least
    becomes 0, and the largest 1.

    Arguments:
        found: The values of each picture; None where it has 8 bits.

    Example:
        >>> scales_of([Deep("whole", 0, 4011, True), Deep("whole", 7, 900, True), None])["whole"].white
        4095.0
    """
    scales: dict[Numbers, Scale] = {}
    for numbers in ("whole", "real"):
        some = [one for one in found if one is not None and one.numbers == numbers]
        if some:
            low, high = min(one.low for one in some), max(one.high for one in some)
            are_whole = all(one.are_whole for one in some)
            black, white, bits = _black_and_white(low, high, are_whole)
            scales[numbers] = Scale(numbers, len(some), low, high, black, white, are_whole, bits)
    return scales


def _black_and_white(low: float, high: float, are_whole: bool) -> tuple[float, float, int | None]:
    if low >= 0 and high <= 1:
        return 0.0, 1.0, None
    if are_whole and low >= 0 and high < 2**16:
        bits = next(bits for bits in _BITS if high < 2**bits)
        return 0.0, 2.0**bits - 1, bits
    return (0.0, high, None) if low >= 0 else (low, high, None)


def scaled_values(values: NDArray[np.floating], scale: Scale) -> NDArray[np.uint8]:
    """Grey of 8 bits, of values of any shape; where all of a set are equal, black."""
    span = scale.white - scale.black
    shares = (values.astype(np.float64) - scale.black) / (span if span > 0 else 1.0)
    # Resizing may go beyond the values that it is made of.
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
