"""Images made from a seed, whose causes are known: sprites, strokes and bars.

An image is a function of its causes alone, and each cause has a few values of its own: what a latent
dimension says about which cause can be measured (:mod:`vae_core.latent.causes`).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Causes = NDArray[np.float64]


class Cause(NamedTuple):
    """One thing that decides an image.

    Arguments:
        name: What it is.
        values: It takes, in their order.
        names: Of the values, where they are no sizes.
        weights: How often each is drawn, in whole numbers; empty: equally often.
        unit: Of the values; empty where they have none.
    """

    name: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    unit: str = ""


class MadeSet(NamedTuple):
    """A set of images.

    Arguments:
        causes: What decides an image, independent of each other.
        draw: Images of causes of shape (n, causes): bytes of shape (n, height * width).
        shape: (height, width).
        num_examples: How many there are where nobody says.
        class_names: Of the classes.
        classes: Of causes of shape (n, causes): shape (n,), int64.
    """

    causes: tuple[Cause, ...]
    draw: Callable[[Causes], NDArray[np.uint8]]
    shape: tuple[int, int]
    num_examples: int
    class_names: tuple[str, ...]
    classes: Callable[[Causes], NDArray[np.int64]]


def draw_sprites(causes: Causes) -> NDArray[np.uint8]:
    """Squares, ellipses and triangles of 32 x 32 pixels, each grey where an edge goes through a pixel.

    A pixel is 1/2 - d, from 0 to 1, for a distance d in pixels from its centre to the edge, negative inside.

    Arguments:
        causes: Shape (0, 1, 2), size, angle, x and y in columns, shape (n, 5).

    Returns:
        Bytes, shape (n, 1024).
    """
    shape, size, angle, x, y = causes.astype(np.float32).T[:, :, None]
    rows, columns = np.divmod(np.arange(1024, dtype=np.float32), 32)
    right, down = columns + 0.5 - x, rows + 0.5 - y
    u, v = np.cos(angle) * right + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * right
    square = np.maximum(abs(u), abs(v)) - 0.75 * size
    long, short = 1.1 * size, 0.55 * size
    radius = np.maximum(np.hypot(u / long, v / short), 1e-6)
    slope = np.maximum(np.hypot(u / long**2, v / short**2), 1e-6 / short)
    ellipse = (radius - 1) * radius / slope
    corner = 0.8660254 * abs(u) + 0.5 * v
    triangle = np.maximum(corner, -v) - 0.55 * size
    distance = np.where(shape == 0, square, np.where(shape == 1, ellipse, triangle))
    return np.rint(255 * np.clip(0.5 - distance, 0, 1)).astype(np.uint8)


def draw_strokes(causes: Causes) -> NDArray[np.uint8]:
    """Arcs of 16 x 16 pixels, 8 pixels long.

    A pixel is 1/2 + width / 2 - d, from 0 to 1, for a distance d from its centre to the arc.

    Arguments:
        causes: Width in pixels, bend (curvature of the arc, 1 / pixel), angle, x and y in columns, shape
            (n, 5).

    Returns:
        Bytes, shape (n, 256).
    """
    width, bend, angle, x, y = causes.T[:, :, None]
    rows, columns = np.divmod(np.arange(256.0), 16)
    right, down = columns + 0.5 - x, rows + 0.5 - y
    u, v = np.cos(angle) * right + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * right
    radius = 1 / np.maximum(abs(bend), 1e-6)  # of a circle that touches the u axis in the middle of the arc
    side = np.where(bend < 0, -1.0, 1.0)
    turn = np.clip(np.arctan2(u, radius - side * v), -4 / radius, 4 / radius)
    distance = np.hypot(u - radius * np.sin(turn), side * v - 2 * radius * np.sin(turn / 2) ** 2)
    return np.rint(255 * np.clip(0.5 + width / 2 - distance, 0, 1)).astype(np.uint8)


def draw_bars(causes: Causes) -> NDArray[np.uint8]:
    """Bars of 8 x 8 pixels: rows and columns, 2 pixels wide, each there or not (Foeldiak 1990).

    Arguments:
        causes: 0 or 1 of each of four rows, then of four columns, shape (n, 8).

    Returns:
        Bytes, 255 where a bar is, shape (n, 64).
    """
    rows, columns = np.repeat(causes[:, :4], 2, axis=1), np.repeat(causes[:, 4:], 2, axis=1)
    lit = np.maximum(rows[:, :, None], columns[:, None, :])
    return (255 * lit).astype(np.uint8).reshape(-1, 64)


def _evenly(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(low, high, count).round(4).tolist())


def _first_cause(causes: Causes) -> NDArray[np.int64]:
    return np.unique(causes[:, 0], return_inverse=True)[1].astype(np.int64)


def _number_of_bars(causes: Causes) -> NDArray[np.int64]:
    return np.minimum(causes.sum(axis=1), 4).astype(np.int64)


_ANGLES: Final = tuple((np.pi / 24 * np.arange(12)).round(4).tolist())
"""A quarter of a turn, in 12 steps: after that a square is the same again."""
_BAR: Final = (0.0, 1.0)
MADE_SETS: Final[dict[str, MadeSet]] = {
    "sprites": MadeSet(
        causes=(
            Cause("shape", (0.0, 1.0, 2.0), ("square", "ellipse", "triangle")),
            Cause("size", _evenly(4, 8, 6), unit="pixels"),
            Cause("angle", _ANGLES, unit="rad"),
            Cause("x", _evenly(9, 23, 16), unit="pixels"),
            Cause("y", _evenly(9, 23, 16), unit="pixels"),
        ),
        draw=draw_sprites,
        shape=(32, 32),
        num_examples=5000,
        class_names=("square", "ellipse", "triangle"),
        classes=_first_cause,
    ),
    "strokes": MadeSet(
        causes=(
            Cause("width", (1.0, 2.0, 3.0), unit="pixels"),
            Cause("bend", _evenly(-0.25, 0.25, 5)),
            Cause("angle", _ANGLES[::2], unit="rad"),
            Cause("x", _evenly(5, 11, 6), unit="pixels"),
            Cause("y", _evenly(5, 11, 6), unit="pixels"),
        ),
        draw=draw_strokes,
        shape=(16, 16),
        num_examples=5000,
        class_names=("thin", "medium", "thick"),
        classes=_first_cause,
    ),
    "bars": MadeSet(
        causes=tuple(
            Cause(f"{kind} {number}", _BAR, ("dark", "bright"), (3, 1))
            for kind in ("row", "column")
            for number in range(1, 5)
        ),
        draw=draw_bars,
        shape=(8, 8),
        num_examples=2000,
        class_names=("no bar", "1 bar", "2 bars", "3 bars", "4 or more"),
        classes=_number_of_bars,
    ),
}
"""Sets of images by name."""
_PIECE: Final = 100


def draw_causes(made: MadeSet, num_examples: int, *, generator: torch.Generator) -> Causes:
    """Draws each cause by itself, shape (n, causes).

    Example:
        >>> draw_causes(MADE_SETS["sprites"], 4, generator=torch.Generator().manual_seed(0)).shape
        (4, 5)
    """
    columns = []
    for cause in made.causes:
        values = np.repeat(cause.values, cause.weights or 1)
        columns.append(values[torch.randint(len(values), (num_examples,), generator=generator).numpy()])
    return np.column_stack(columns)


def images_of(made: MadeSet, causes: Causes) -> NDArray[np.uint8]:
    """The images of causes, some at a time: bytes, shape (n, height * width)."""
    pieces = [made.draw(causes[first : first + _PIECE]) for first in range(0, len(causes), _PIECE)]
    return np.concatenate(pieces)
