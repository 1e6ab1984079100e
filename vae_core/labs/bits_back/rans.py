"""An entropy coder: range asymmetric numeral systems, several of them side by side on one stack."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

PRECISION: Final = 16
"""Bits of a probability: frequencies of a symbol's alternatives add up to 2^16."""
WORD_BITS: Final = 16
LOWEST: Final = 1 << 31
"""Of a head: below it a word is fetched; a head stays below 2^47."""
HEAD_BYTES: Final = 6
_MASK: Final = np.uint64((1 << PRECISION) - 1)
_SHIFT: Final = np.uint64(PRECISION)
Words = NDArray[np.uint16]
Heads = NDArray[np.uint64]


class Rans:
    """A stack of symbols, last in, first out: rANS (Duda 2013, arXiv 1311.2540) with N heads.

    A head is a number h. To push a symbol that has the frequencies [start, start + f) of 2^16,

        h -> 2^16 floor(h / f) + h mod f + start,

    which multiplies h by about 2^16 / f: the symbol costs -log2(f / 2^16) bits. Popping reads h mod 2^16,
    which lies in the symbol's interval, and undoes it exactly. Numpy moves all heads at once. Where a head
    would pass 2^47 its lowest 16 bits become a word of the tail; where it falls below 2^31 it takes one back.

    What is popped from random bits is a symbol drawn from its distribution: bits-back coding uses that.

    Arguments:
        heads: Numbers from 2^31 to below 2^47, shape (N,).
        tail: Words of 16 bits, the last one on top.
    """

    def __init__(self, heads: Heads, tail: Words) -> None:
        if not len(heads) or int(heads.min()) < LOWEST or int(heads.max()) >= LOWEST << WORD_BITS:
            raise BadInput("bits_back", "a head of the code is out of its range", "the file is damaged")
        self._heads = heads.astype(np.uint64)
        self._tail: list[int] = tail.tolist()

    @property
    def num_heads(self) -> int:
        """N, the symbols that one operation takes at most."""
        return len(self._heads)

    @property
    def num_bits(self) -> float:
        """log2 of all that the stack can tell: the words, and log2 of each head."""
        return WORD_BITS * len(self._tail) + float(np.log2(self._heads.astype(np.float64)).sum())

    def push(self, start: NDArray[np.integer], frequency: NDArray[np.integer]) -> None:
        """Puts at most N symbols on the stack, one on each of the first heads.

        Arguments:
            start: Where each symbol's interval begins, shape (m,), m <= N.
            frequency: How long each is, at least 1.

        Raises:
            BadInput: A symbol without an interval (code ``bits_back``): what is decoded was never coded so.
        """
        if not frequency.all():
            raise BadInput("bits_back", "the code says a symbol that it cannot say", "the file is damaged")
        starts, lengths = start.astype(np.uint64), frequency.astype(np.uint64)
        heads = self._heads[: len(starts)]
        is_full = heads >= lengths << np.uint64(31)
        self._tail.extend((heads[is_full] & _MASK).tolist())
        heads = np.where(is_full, heads >> _SHIFT, heads)
        self._heads[: len(starts)] = ((heads // lengths) << _SHIFT) + heads % lengths + starts

    def peek(self, count: int) -> NDArray[np.int64]:
        """A number below 2^16 of each of the first heads: it lies in the interval of the symbol on top."""
        return (self._heads[:count] & _MASK).astype(np.int64)

    def pop(self, start: NDArray[np.integer], frequency: NDArray[np.integer]) -> None:
        """Takes from the stack the symbols whose intervals :meth:`peek` has shown.

        Raises:
            BadInput: The stack is empty (code ``bits_back``).
        """
        starts, lengths = start.astype(np.uint64), frequency.astype(np.uint64)
        heads = self._heads[: len(starts)]
        heads = lengths * (heads >> _SHIFT) + (heads & _MASK) - starts
        needs = np.nonzero(heads < LOWEST)[0]
        if len(needs) > len(self._tail):
            raise BadInput("bits_back", "the code ends too early", "the file is damaged")
        # The head that was last to give a word is the first to take one.
        for head in needs[::-1].tolist():
            heads[head] = (heads[head] << _SHIFT) | np.uint64(self._tail.pop())
        self._heads[: len(starts)] = heads

    def state(self) -> tuple[Heads, Words]:
        """Copies of the heads and of the tail."""
        return self._heads.copy(), np.array(self._tail, np.uint16)


def frequencies(cumulative: NDArray[np.float64], *, least: int = 1) -> NDArray[np.int64]:
    """Ends of the intervals of symbols on [0, 2^16].

    Arguments:
        cumulative: P(symbol <= k), shape (..., S), ascending to 1; the last column counts as 1.
        least: Length of the shortest: 1 where any symbol may have to be pushed, 0 where symbols are popped
            first, so that none without mass is ever met.

    Returns:
        Shape (..., S + 1), from 0 to 2^16.
    """
    count = cumulative.shape[-1]
    room = (1 << PRECISION) - least * count
    ends = np.zeros((*cumulative.shape[:-1], count + 1), np.int64)
    ends[..., 1:] = np.floor(cumulative * room + 0.5).astype(np.int64) + least * np.arange(1, count + 1)
    ends[..., -1] = 1 << PRECISION
    return ends
