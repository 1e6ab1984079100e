"""The entropy coder: what is pushed comes back, for as many bits as its probabilities say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vae_core.errors import BadInput
from vae_core.labs.bits_back.rans import LOWEST, PRECISION, Rans, frequencies


def stack_of(num_heads: int, num_words: int = 0) -> Rans:
    rng = np.random.default_rng(num_heads)
    heads = rng.integers(LOWEST, LOWEST << 16, num_heads, dtype=np.uint64)
    return Rans(heads, rng.integers(0, 1 << 16, num_words).astype(np.uint16))


@st.composite
def symbols(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """A number of heads, and intervals [start, start + f) of 2^16: from a single one to nearly all of it."""
    ends = st.tuples(st.integers(0, (1 << PRECISION) - 1), st.integers(1, 1 << PRECISION))
    interval = ends.map(lambda pair: (pair[0], max(1, min(pair[1], (1 << PRECISION) - pair[0]))))
    return draw(st.integers(1, 5)), draw(st.lists(interval, max_size=60))


@given(symbols())
def test_what_was_pushed_last_is_popped_first_and_the_stack_is_as_before(
    drawn: tuple[int, list[tuple[int, int]]],
) -> None:
    num_heads, intervals = drawn
    stack = stack_of(num_heads)
    before = stack.state()
    pieces = [np.array(intervals[i : i + num_heads]) for i in range(0, len(intervals), num_heads)]
    for piece in pieces:
        stack.push(piece[:, 0], piece[:, 1])
    for piece in reversed(pieces):
        shown = stack.peek(len(piece))
        assert ((piece[:, 0] <= shown) & (shown < piece.sum(1))).all()
        stack.pop(piece[:, 0], piece[:, 1])
    assert all(np.array_equal(a, b) for a, b in zip(before, stack.state(), strict=True))


@given(symbols())
def test_what_was_popped_is_pushed_back(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    """The other way round: random bits choose symbols, and pushing these gives the very bits back."""
    num_heads, intervals = drawn
    stack = stack_of(num_heads, num_words=200)
    before, done = stack.state(), []
    for _, length in intervals:
        table = np.array([0, length, 1 << PRECISION])
        found = int(np.searchsorted(table, stack.peek(1)[0], side="right")) - 1
        done.append((table[found : found + 1], table[found + 1 : found + 2] - table[found : found + 1]))
        stack.pop(*done[-1])
    for start, length in reversed(done):
        stack.push(start, length)
    assert all(np.array_equal(a, b) for a, b in zip(before, stack.state(), strict=True))


@pytest.mark.parametrize("num_heads", [1, 7])
def test_length_is_the_sum_of_minus_log2_p(num_heads: int) -> None:
    """A head that is at least 2^15 times a frequency rounds by less than 2^-15 of a symbol: 5e-5 bits."""
    rng = np.random.default_rng(0)
    ends = frequencies(rng.dirichlet(np.full(17, 0.3)).cumsum())
    found = rng.integers(0, 17, (4000 // num_heads, num_heads))
    stack = stack_of(num_heads)
    before = stack.num_bits
    for row in found:
        stack.push(ends[row], ends[row + 1] - ends[row])
    expected = -np.log2((ends[found + 1] - ends[found]) / (1 << PRECISION)).sum()
    assert stack.num_bits - before == pytest.approx(expected, abs=5e-5 * found.size)
    heads, tail = stack.state()
    assert 47 * len(heads) + 16 * len(tail) >= stack.num_bits > 31 * len(heads) + 16 * len(tail) - 1


@pytest.mark.parametrize("least", [0, 1])
def test_frequencies_cover_all_and_are_near_the_probabilities(least: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.full(40, 0.05), size=30)
    ends = frequencies(p.cumsum(1), least=least)
    lengths = np.diff(ends)
    assert ends[:, 0].max() == 0
    assert (ends[:, -1] == 1 << PRECISION).all()
    assert lengths.min() == least
    assert np.abs(lengths / (1 << PRECISION) - p).max() < (1 + least * 40) / (1 << PRECISION)


def test_an_empty_stack_and_wild_heads_are_refused() -> None:
    stack = Rans(np.array([LOWEST], np.uint64), np.array([], np.uint16))
    one = np.array([1])
    with pytest.raises(BadInput, match="ends too early"):
        stack.pop(stack.peek(1), one)
    for heads in ([], [LOWEST - 1], [LOWEST << 16]):
        with pytest.raises(BadInput, match="out of its range"):
            Rans(np.array(heads, np.uint64), np.array([], np.uint16))


def entropy(p: NDArray[np.float64]) -> float:
    return float(-(p * np.log2(p)).sum())


def test_random_bits_that_are_popped_draw_from_the_distribution() -> None:
    """Frequencies of 20 000 symbols within five standard errors; each takes its entropy off the stack."""
    p = np.array([0.5, 0.3, 0.15, 0.05])
    ends, stack = frequencies(p.cumsum()), stack_of(1, num_words=4000)
    counts, before = np.zeros(4), stack.num_bits
    for _ in range(20_000):
        found = int(np.searchsorted(ends, stack.peek(1)[0], side="right")) - 1
        stack.pop(ends[found : found + 1], ends[found + 1 : found + 2] - ends[found : found + 1])
        counts[found] += 1
    assert (np.abs(counts / 20_000 - p) < 5 * np.sqrt(p * (1 - p) / 20_000)).all()
    assert (before - stack.num_bits) / 20_000 == pytest.approx(entropy(p), abs=5 / math.sqrt(20_000))


def test_a_symbol_without_an_interval_is_refused() -> None:
    """A damaged code may say one to whoever gives its bits back."""
    with pytest.raises(BadInput, match="cannot say"):
        stack_of(1).push(np.array([5]), np.array([0]))
