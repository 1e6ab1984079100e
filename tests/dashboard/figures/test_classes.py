"""Marks of classes: no two alike, told apart with any colour vision, the same in charts and in elements."""

from itertools import combinations, pairwise
from typing import Any, Final, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.figures.classes import SHAPES, class_colour, class_marks, class_shape
from dashboard.figures.dimension_reduction import FRAME, LETTER, placed_names, plane_figure
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


def test_classes_in_one_place_are_named_together() -> None:
    """Of a collapsed run the page read "9": its name lay on those of the other nine."""
    labels, names = np.repeat(np.arange(10, dtype=np.int32), 3), tuple("0123456789")
    points = np.random.default_rng(0).normal(0, 1e-3, (30, 2))
    assert [name.text for name in placed_names(points, labels, class_names=names, reach=2.2)] == [
        "all classes"
    ]
    angle = 2 * np.pi * labels / 10
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    apart = placed_names(ring, labels, class_names=names, reach=2.2)
    assert [name.text for name in apart] == list(names)
    assert np.allclose([(name.x, name.y) for name in apart], ring[::3]), "each at its median"
    ring[labels == 4] = ring[labels == 7] + 0.01
    figure = plane_figure(ring, labels, class_names=("<i>", *names[1:]), reach=2.2, theme="light")
    texts = [note["text"] for note in figure.layout.annotations]
    assert texts == [
        "<b>&lt;i&gt;</b>",
        *(f"<b>{name}</b>" for name in ("1", "2", "3", "4, 7", "5", "6", "8", "9")),
    ]


def test_no_two_names_of_a_crowded_plane_meet() -> None:
    rng, labels = np.random.default_rng(1), np.arange(40, dtype=np.int32)
    names = placed_names(
        rng.normal(size=(40, 2)), labels, class_names=[f"class {k}" for k in labels], reach=3.0
    )
    assert 1 < len(names) < 40
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            width = LETTER[0] * (len(one.text) + len(other.text)) / 2
            away = np.abs([one.x - other.x, one.y - other.y]) * FRAME / 6
            assert away[0] >= width or away[1] >= LETTER[1], (one, other)
