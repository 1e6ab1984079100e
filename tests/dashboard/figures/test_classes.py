"""Marks of classes: no two alike, told apart with any colour vision, the same in charts and in elements."""

from itertools import combinations, pairwise
from typing import Any, Final, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.figures.classes import SHAPES, class_colour, class_marks, class_shape
from dashboard.figures.dimension_reduction import plane_figure
from dashboard.figures.latent import projection_figure
from dashboard.theme import PALETTES, ThemeName
from tests.js.node import call

Array = NDArray[np.float64]
THEMES: Final = get_args(ThemeName)
# Machado, Oliveira and Fernandes (2009), severity 1, of linear RGB.
VISIONS: Final = {
    "all three cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, vision: Array) -> Array:
    """CIELAB (D65) of a colour #RRGGBB as somebody sees it."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ (vision @ linear).clip(0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", THEMES)
def test_no_two_classes_have_the_same_mark(theme: ThemeName) -> None:
    marks = [(class_colour(label, theme), class_shape(label)) for label in range(400)]
    assert len(set(marks)) == 400
    assert all(one[0] != other[0] and one[1] != other[1] for one, other in pairwise(marks))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_classes_are_told_apart_with_any_colour_vision(theme: ThemeName, vision: str) -> None:
    """Ten colours are 5 apart (2.3 is just noticed), 40 where their shapes are the same.

    Of 70 classes those of the same colour have different shapes.
    """
    seen = [lab(class_colour(label, theme), VISIONS[vision]) for label in range(10)]
    for one, other in combinations(range(10), 2):
        away = float(np.linalg.norm(seen[one] - seen[other]))
        assert away > (40 if class_shape(one) == class_shape(other) else 5), (one, other, away)
    for one, other in combinations(range(70), 2):
        if class_colour(one, theme) == class_colour(other, theme):
            assert class_shape(one) != class_shape(other), (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_elements_in_the_browser_draw_the_same_marks(theme: ThemeName) -> None:
    labels = [-1, *range(160)]
    found = call(
        "shared/class_marks.js",
        "(theme, labels) => labels.map((k) => [m.classColour(theme, k).toLowerCase(), m.shapeOf(k)])",
        PALETTES[theme] | {"text": "#123456"},
        labels,
    )
    marks = class_marks(labels, theme, none="#123456")
    shades = [colour.lower() for colour in marks["color"]]
    shapes = [SHAPES.index(symbol) for symbol in marks["symbol"]]
    assert found == [list(mark) for mark in zip(shades, shapes, strict=True)]


def test_charts_use_them() -> None:
    points, labels = np.zeros((26, 2), np.float32), np.arange(26, dtype=np.int32)
    names = tuple(map(str, labels))
    expected = class_marks(labels, "light", none="")
    figure: Any = projection_figure(points, labels, titles=("1", "2"), class_names=names, theme="light")
    assert [trace.marker.symbol for trace in figure.data] == expected["symbol"]
    assert [trace.marker.color for trace in figure.data] == expected["color"]
    small: Any = plane_figure(points, labels, class_names=names, reach=1.0, theme="light")
    assert list(small.data[0].marker.symbol) == expected["symbol"]
    assert list(small.data[0].marker.color) == expected["color"]
