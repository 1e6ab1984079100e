"""Small multiples, one for each method on the same axes: its latent plane, or its output for points."""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_POINT, FONT_SIZE, faded, finish, literal
from dashboard.figures.classes import class_marks
from dashboard.formats import names_of_values
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT = 250
FRAME: Final = 200.0
"""Pixels of a plane's side where five stand in a row."""
LETTER: Final = (8.0, 11.0)
"""Pixels that a bold letter of a name covers."""
NAMES_LETTERS: Final = 16
"""Letters of the names of classes that share a place, at most; where they have more their number is said."""


def plane_figure(
    points: Array,
    labels: NDArray[np.int32],
    *,
    class_names: Sequence[str],
    reach: float,
    theme: ThemeName,
) -> go.Figure:
    """Codes coloured by class, each class named at the median of its codes; no unit, so no ticks.

    Classes whose names would lie on each other are named together.

    Arguments:
        points: Shape (n, 2).
        labels: Shape (n,), -1 for none.
        class_names: Names of the labels.
        reach: The axes go from -reach to reach.
        theme: Light or dark.
    """
    figure = go.Figure(_dots(points, labels, theme))
    style = {
        "showarrow": False,
        "font": {"size": FONT_SIZE, "color": CONCEPTS[theme]["log_evidence"]},
        "bgcolor": "rgba(255,255,255,0.6)" if theme == "light" else "rgba(0,0,0,0.55)",
        "borderpad": 1,
    }
    figure.layout.annotations = [
        {"x": name.x, "y": name.y, "text": f"<b>{literal(name.text)}</b>"} | style
        for name in placed_names(points, labels, class_names=class_names, reach=reach)
    ]
    return _square(figure, (-reach, reach), (-reach, reach), theme, ticks=False)


class PlacedName(NamedTuple):
    """The name of one class or of several, and the centre of its text in the coordinates of the plane."""

    text: str
    x: float
    y: float


def placed_names(
    points: Array, labels: NDArray[np.int32], *, class_names: Sequence[str], reach: float
) -> list[PlacedName]:
    """The names of the classes at the medians of their points, no two on each other.

    Those that would be are joined, at the mean of their medians: of a collapsed run, whose codes are all in
    one place, ten names would read as that of the last.

    Arguments:
        points: Shape (n, 2).
        labels: Shape (n,), -1 for none.
        class_names: Names of the labels.
        reach: The plane goes from -reach to reach.

    Example:
        >>> points, labels = np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 1.0]]), np.array([0, 1, 2], np.int32)
        >>> [name.text for name in placed_names(points, labels, class_names="abc", reach=2.0)]
        ['a, b', 'c']
    """
    present = np.unique(labels[labels >= 0]).tolist()
    medians = {label: np.median(points[labels == label], 0) for label in present}
    groups: list[list[int]] = [[label] for label in present]

    def placed(group: Sequence[int]) -> PlacedName:
        x, y = np.mean([medians[label] for label in group], 0).tolist()
        text = ", ".join(class_names[label] for label in group)
        if len(group) == 1 or len(text) <= NAMES_LETTERS:
            return PlacedName(text, x, y)
        return PlacedName("all classes" if len(group) == len(present) else f"{len(group)} classes", x, y)

    def meet(one: PlacedName, other: PlacedName) -> bool:
        pixel = 2 * reach / FRAME
        width, height = LETTER[0] * (len(one.text) + len(other.text)) / 2, LETTER[1]
        return abs(one.x - other.x) < width * pixel and abs(one.y - other.y) < height * pixel

    names = [placed(group) for group in groups]
    while True:
        pairs = combinations(range(len(names)), 2)
        found = next(((i, j) for i, j in pairs if meet(names[i], names[j])), None)
        if found is None:
            return names
        first, second = found
        groups[first] = sorted(groups[first] + groups.pop(second))
        names.pop(second)
        names[first] = placed(groups[first])


def space_figure(
    x: Array,
    made: Array,
    labels: NDArray[np.int32],
    *,
    is_line: bool,
    ranges: tuple[tuple[float, float], tuple[float, float]],
    theme: ThemeName,
    columns: tuple[int, int] = (0, 1),
    names: Sequence[str] = (),
) -> go.Figure:
    """The output of a method for points: points, or a line, over the examples, in the plane of two columns.

    Arguments:
        x: Examples, shape (n, D), D >= 2.
        made: Shape (m, D).
        labels: Classes of ``x`` for a line, else of ``made``.
        is_line: Whether ``made`` are points of a line in order.
        ranges: Of both axes.
        theme: Light or dark.
        columns: Which two, from 0.
        names: Of the D values; empty: they have none.
    """
    figure, x, made = go.Figure(), x[:, columns], made[:, columns]
    if is_line:
        figure.add_trace(_dots(x, labels, theme, opacity=0.45))
        line = {"color": CONCEPTS[theme]["log_evidence"], "width": 4}
        figure.add_scatter(x=made[:, 0], y=made[:, 1], mode="lines", line=line, hoverinfo="skip")
    else:
        marker = {"color": faded(CONCEPTS[theme]["data"], 0.4), "size": 4}
        figure.add_scatter(x=x[:, 0], y=x[:, 1], mode="markers", marker=marker, hoverinfo="skip")
        figure.add_trace(_dots(made, labels, theme))
    named = names_of_values(names, max(columns) + 1)
    figure.update_xaxes(title=literal(named[columns[0]]))
    figure.update_yaxes(title=literal(named[columns[1]]))
    return _square(figure, *ranges, theme, ticks=True)


def space_ranges(
    x: Array, columns: tuple[int, int] = (0, 1)
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of two columns of the examples with a margin."""
    low, high = x[:, columns].min(0), x[:, columns].max(0)
    margin = 0.08 * (high - low).clip(1e-6)
    (left, bottom), (right, top) = low - margin, high + margin
    return (float(left), float(right)), (float(bottom), float(top))


def _dots(points: Array, labels: NDArray[np.int32], theme: ThemeName, opacity: float = 0.8) -> go.Scatter:
    marks = class_marks(labels, theme, none=CONCEPTS[theme]["decoded"])
    marker = marks | {"size": 5, "opacity": opacity}
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker=marker,
        hovertemplate=f"{AT_POINT}<extra></extra>",
    )


def _square(
    figure: go.Figure, x: tuple[float, float], y: tuple[float, float], theme: ThemeName, *, ticks: bool
) -> go.Figure:
    for axis, reach in ((figure.layout.xaxis, x), (figure.layout.yaxis, y)):
        axis.range, axis.showticklabels = reach, ticks
        axis.zeroline, axis.showgrid, axis.showline, axis.mirror = False, False, True, True
        # The frame keeps the proportions of the data space in a column of any width.
        axis.constrain, axis.linecolor = "domain", CONCEPTS[theme]["data"]
    figure.layout.yaxis.scaleanchor = "x"
    return finish(figure, height=HEIGHT, theme=theme)
