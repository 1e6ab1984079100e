"""Examples in the plane of their first two columns: with the decoded grid, decoded samples, or neighbours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_POINT, LEGEND_ABOVE, finish, literal
from dashboard.formats import names_of_values
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.float32]
GRID_HEIGHT = 460
SAMPLES_HEIGHT = 380
NEIGHBOURS_HEIGHT = 400
LARGEST_DOT = 18


def data_space_figure(
    x: Array,
    *,
    mesh: Array,
    point: Array | None,
    theme: ThemeName,
    counts: NDArray[np.int64] | None = None,
    columns: Sequence[str] = (),
) -> go.Figure:
    """Examples with the decoded grid as a mesh, and the decoded point of the sliders; two columns are drawn.

    Arguments:
        x: Examples, shape (n, D), D >= 2.
        mesh: Decoded grid, shape (rows, columns, D).
        point: A decoded point, shape (D,).
        theme: Light or dark.
        counts: Posterior means in each cell of the grid, shape (rows, columns), as dots of that area.
        columns: Names of the D values; empty: they have none.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    _add_points(figure, x, "x", color=colours["data"], size=5)
    mesh = mesh[..., :2]
    lines = [*mesh, *(mesh.transpose(1, 0, 2) if len(mesh) > 1 else ())]
    gap = np.full((1, 2), np.nan, np.float32)
    path = np.concatenate([part for line in lines for part in (line, gap)])
    line = {"color": colours["decoded"], "width": 1.2}
    figure.add_scatter(
        x=path[:, 0], y=path[:, 1], mode="lines", line=line, name="decoded grid", hoverinfo="skip"
    )
    if counts is not None:
        _add_dots(figure, mesh[counts > 0], counts[counts > 0], theme)
    if point is not None:
        _add_points(figure, point[None], "decoded z", color=colours["kl"], size=16, symbol="x")
    return _finish(figure, GRID_HEIGHT, columns, theme)


def _add_dots(figure: go.Figure, nodes: Array, counts: NDArray[np.int64], theme: ThemeName) -> None:
    sizes = LARGEST_DOT * np.sqrt(counts / counts.max())
    figure.add_scatter(
        x=nodes[:, 0],
        y=nodes[:, 1],
        mode="markers",
        name="posterior means in the cell",
        marker={"color": CONCEPTS[theme]["beta"], "size": sizes, "opacity": 0.65},
        text=counts,
        hovertemplate="%{text} posterior means<extra></extra>",
    )


def decoded_samples_figure(
    x: Array, decoded: Array, *, span: float, theme: ThemeName, columns: Sequence[str] = ()
) -> go.Figure:
    """Decoded samples among examples, in the plane of two columns.

    Arguments:
        x: Examples, shape (n, D), D >= 2.
        decoded: Decoded samples, shape (k, D).
        span: Half the width of both axes about 0.
        theme: Light or dark.
        columns: Names of the D values; empty: they have none.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    for values, name, concept, size in ((x, "x", "data", 4), (decoded, "decoded sample", "decoded", 8)):
        _add_points(figure, values, name, color=colours[concept], size=size, opacity=0.8)
    figure.update_xaxes(range=[-span, span])
    figure.update_yaxes(range=[-span, span])
    return _finish(figure, SAMPLES_HEIGHT, columns, theme)


def neighbours_figure(
    x: Array,
    row: int,
    decoded: Array,
    near: dict[str, NDArray[np.int64]],
    *,
    theme: ThemeName,
    columns: Sequence[str] = (),
) -> go.Figure:
    """All examples, the chosen one, its reconstruction, and its neighbours of each kind as rings.

    Arguments:
        x: Examples, shape (n, D), D >= 2: two columns are drawn.
        row: The chosen example.
        decoded: A decoded point, shape (D,).
        near: Rows of neighbours by the space of the distance.
        theme: Light or dark.
        columns: Names of the D values; empty: they have none.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    _add_points(figure, x, "x", color=colours["data"], size=4, opacity=0.7)
    for (space, rows), concept, size in zip(near.items(), ("posterior", "beta"), (10, 15), strict=False):
        ring = {"color": colours[concept], "size": size, "symbol": "circle-open", "line": {"width": 2}}
        _add_points(figure, x[rows], f"near in {space}", **ring)
    _add_points(figure, x[row][None], "the example", color=colours["log_evidence"], size=8)
    _add_points(figure, decoded[None], "decoded", color=colours["decoded"], size=11, symbol="diamond")
    return _finish(figure, NEIGHBOURS_HEIGHT, columns, theme)


def _add_points(figure: go.Figure, points: Array, name: str, **marker: Any) -> None:
    figure.add_scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        name=name,
        marker=marker,
        hovertemplate=AT_POINT,
    )


def _finish(figure: go.Figure, height: int, columns: Sequence[str], theme: ThemeName) -> go.Figure:
    """Both axes in one scale."""
    first, second = map(literal, names_of_values(columns, 2))
    figure.update_xaxes(title=first, zeroline=False)
    figure.update_yaxes(title=second, zeroline=False, scaleanchor="x")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=height, theme=theme, legend=True)
