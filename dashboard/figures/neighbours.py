"""Neighbours of an example among two-dimensional ones."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.base import LEGEND_ABOVE, finish
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.float32]
HEIGHT = 400


def neighbours_figure(
    x: Array, row: int, decoded: Array, near: dict[str, NDArray[np.int64]], *, theme: ThemeName
) -> go.Figure:
    """All examples, the chosen one, its reconstruction, and its neighbours of each kind as rings.

    Arguments:
        x: Examples, shape (n, 2).
        row: The chosen example.
        decoded: A decoded point, shape (2,).
        near: Rows of neighbours by the space of the distance.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    _add(figure, x, "x", {"color": colours["data"], "size": 4, "opacity": 0.7})
    for (space, rows), concept, size in zip(near.items(), ("posterior", "beta"), (10, 15), strict=False):
        ring = {"color": colours[concept], "size": size, "symbol": "circle-open", "line": {"width": 2}}
        _add(figure, x[rows], f"near in {space}", ring)
    _add(figure, x[row][None], "the example", {"color": colours["log_evidence"], "size": 8})
    _add(figure, decoded[None], "decoded", {"color": colours["decoded"], "size": 11, "symbol": "diamond"})
    figure.update_xaxes(title="x<sub>1</sub>", zeroline=False)
    figure.update_yaxes(title="x<sub>2</sub>", scaleanchor="x", zeroline=False)
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=True)


def _add(figure: go.Figure, points: Array, name: str, marker: dict[str, object]) -> None:
    figure.add_scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        name=name,
        marker=marker,
        hovertemplate="(%{x:.2f}, %{y:.2f})",
    )
