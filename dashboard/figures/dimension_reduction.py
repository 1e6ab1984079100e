"""Small multiples, one for each method on the same axes: its latent plane, or its output for points."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, faded, finish
from dashboard.figures.classes import class_marks
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT = 250


def plane_figure(
    points: Array,
    labels: NDArray[np.int32],
    *,
    class_names: Sequence[str],
    reach: float,
    theme: ThemeName,
) -> go.Figure:
    """Codes coloured by class, each class named at the median of its codes; no unit, so no ticks.

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
    names = np.unique(labels[labels >= 0])
    places = (np.median(points[labels == label], 0) for label in names)
    figure.layout.annotations = [
        {"x": x, "y": y, "text": f"<b>{class_names[label]}</b>"} | style
        for label, (x, y) in zip(names, places, strict=True)
    ]
    return _square(figure, (-reach, reach), (-reach, reach), theme, ticks=False)


def space_figure(
    x: Array,
    made: Array,
    labels: NDArray[np.int32],
    *,
    is_line: bool,
    ranges: tuple[tuple[float, float], tuple[float, float]],
    theme: ThemeName,
) -> go.Figure:
    """The output of a method for points: points, or a line, over the examples, in the plane of two columns.

    Arguments:
        x: Examples, shape (n, D), D >= 2.
        made: Shape (m, D).
        labels: Classes of ``x`` for a line, else of ``made``.
        is_line: Whether ``made`` are points of a line in order.
        ranges: Of both axes.
        theme: Light or dark.
    """
    figure = go.Figure()
    if is_line:
        figure.add_trace(_dots(x, labels, theme, opacity=0.45))
        line = {"color": CONCEPTS[theme]["log_evidence"], "width": 4}
        figure.add_scatter(x=made[:, 0], y=made[:, 1], mode="lines", line=line, hoverinfo="skip")
    else:
        marker = {"color": faded(CONCEPTS[theme]["data"], 0.4), "size": 4}
        figure.add_scatter(x=x[:, 0], y=x[:, 1], mode="markers", marker=marker, hoverinfo="skip")
        figure.add_trace(_dots(made, labels, theme))
    figure.update_xaxes(title="x<sub>1</sub>")
    figure.update_yaxes(title="x<sub>2</sub>")
    return _square(figure, *ranges, theme, ticks=True)


def space_ranges(x: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of the first two columns of the examples with a margin."""
    low, high = x[:, :2].min(0), x[:, :2].max(0)
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
        hovertemplate="(%{x:.2f}, %{y:.2f})<extra></extra>",
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
