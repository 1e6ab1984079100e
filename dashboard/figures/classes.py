"""Marks of classes: a colour and a shape for each, no two classes with the same of both.

The elements in the browser draw the same ones: ``components/shared/class_marks.js``.
"""

import functools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.base import mixed
from dashboard.theme import CLASSES, PALETTES, RAMP, ThemeName

SHAPES: Final = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x")
"""Seven, which shares no factor with ten colours: 70 classes differ in colour or shape, most in both."""
TONE: Final = 0.6
"""From 70 classes on each round of 70 keeps this share of its colour; the rest is of the class three on."""
NEXT: Final = 3


# A figure that plays colours the same points by a few classes in each of sixty frames.
@functools.lru_cache(maxsize=1024)
def class_colour(label: int, theme: ThemeName) -> str:
    """The colour of a class, from 0."""
    palette = CLASSES[theme]
    share = TONE ** (label // (len(palette) * len(SHAPES)))
    return mixed(palette[(label + NEXT) % len(palette)], palette[label % len(palette)], share).upper()


def class_shape(label: int) -> str:
    """The shape of a class's marks, a symbol of Plotly."""
    return SHAPES[label % len(SHAPES)]


def class_marks(
    labels: NDArray[np.integer] | Sequence[int], theme: ThemeName, *, none: str
) -> dict[str, Any]:
    """Colour and symbol of points; those of no class, -1, are circles of the colour ``none``."""
    return {
        "color": [none if k < 0 else class_colour(int(k), theme) for k in labels],
        "symbol": [SHAPES[0] if k < 0 else class_shape(int(k)) for k in labels],
    }


def ramp(theme: ThemeName, count: int) -> list[str]:
    """Colours of a number from the least to the largest, evenly apart.

    Example:
        >>> ramp("light", 15)[::2] == list(RAMP["light"])
        True
    """
    anchors, found = RAMP[theme], []
    for place in np.linspace(0, len(anchors) - 1, count).tolist():
        first = min(int(place), len(anchors) - 2)
        found.append(mixed(anchors[first], anchors[first + 1], place - first))
    return found


def number_palettes(count: int) -> dict[ThemeName, dict[str, object]]:
    """What the elements in the browser are told where the labels are ``count`` steps of a number."""
    return {theme: {**PALETTES[theme], "classes": ramp(theme, count)} for theme in RAMP}
