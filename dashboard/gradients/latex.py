"""Numbers and sums as they stand in the formulas of a pass."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.network.svg import number_text

Array = NDArray[np.float64]
TERMS: Final = 4
"""Sums of more terms are written with dots."""


def number(value: float) -> str:
    """A number within a formula: three decimals, or a power of ten."""
    if value == 0 or 0.001 <= abs(value) < 10_000:
        return f"{value:.3f}"
    digits, power = f"{value:.2e}".split("e")
    return rf"{digits}\!\cdot\!10^{{{int(power)}}}"


def factor(value: float) -> str:
    """A number after a multiplication or addition sign: in brackets where it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def products(left: Array, right: Array) -> str:
    """``a·b + c·d + …``: all products, or the first ones of many."""
    pairs = [f"{factor(a)}{{\\cdot}}{factor(b)}" for a, b in zip(left, right, strict=True)]
    if len(pairs) > TERMS:
        return " + ".join([*pairs[:2], rf"\dots_{{({len(pairs)}\text{{ terms}})}}"])
    return " + ".join(pairs)


def weight(beta: float) -> str:
    """The weight of the KL as a factor within a formula; 1 is not written."""
    if beta == 1:
        return ""
    return (f"{beta:.4g}" if beta == 0 or 0.001 <= beta < 10_000 else number(beta)) + r"{\cdot}"


def matrix(values: Array) -> str:
    """A small matrix of numbers; four columns of them fit a phone."""
    rows = [" & ".join(rf"\text{{{number_text(value)}}}" for value in row) for row in values]
    return r"{\small\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}}"


def red(formula: str) -> str:
    """The part of a formula that a deliberate error changes."""
    return rf"\textcolor{{#E5484D}}{{{formula}}}"
