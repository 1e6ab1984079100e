"""Small pieces of SVG text."""

from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_CELLS: Final = 1024
"""Units of a layer that are drawn at most: each is 30 bytes of every drawing."""
WRONG: Final = "#E5484D"
"""Of numbers that an error has made wrong: red on light and on dark."""
_LEVELS: Final = 24


def number_text(value: float) -> str:
    """Three decimals, or two significant digits for very small and large values: ``−0.521``, ``3.1e−5``."""
    digits = f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.1e}"
    return digits.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float,
    anchor: str = "start",
    colour: str = "currentColor",
    extra: str = "",
) -> str:
    """Words at a place; ``extra`` holds further attributes."""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place} {extra}>{escape(words)}</text>"


def rect(x: float, y: float, width: float, height: float, extra: str) -> str:
    """A rectangle with round corners; ``extra`` holds its colours."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="7" {extra}/>'


def grid_shape(count: int, image_shape: tuple[int, int] | None) -> tuple[int, int]:
    """Rows and columns of a layer's picture; of a large image the upper rows, each as long as it is."""
    if image_shape is not None:
        height, width = image_shape
        return max(1, min(height, MAX_CELLS // width)), min(width, MAX_CELLS)
    columns = int(np.ceil(np.sqrt(min(count, MAX_CELLS))))
    return -(-min(count, MAX_CELLS) // columns), columns


def cells(
    values: NDArray[np.float64],
    shape: tuple[int, int],
    x: float,
    y: float,
    size: float,
    *,
    colours: tuple[str, str],
) -> str:
    """Units as squares, darker with |value|: one colour for positive values, one for negative.

    Squares of one shade share a path, so that a layer of hundreds stays a few kilobytes.
    """
    cell = size / max(shape)
    shown = np.nan_to_num(values)
    levels = np.ceil(_LEVELS * np.abs(shown) / max(float(np.abs(shown).max()), 1e-300)).astype(int)
    marks = []
    for level in range(1, _LEVELS + 1):
        for positive, colour in zip((True, False), colours, strict=True):
            places = np.flatnonzero((levels == level) & ((shown > 0) == positive))
            path = "".join(
                f"M{x + place % shape[1] * cell:.1f} {y + place // shape[1] * cell:.1f}"
                f"h{cell:.2f}v{cell:.2f}h{-cell:.2f}z"
                for place in places
            )
            if path:
                marks.append(f'<path d="{path}" fill="{colour}" fill-opacity="{level / _LEVELS:.2f}"/>')
    return "".join(marks)
