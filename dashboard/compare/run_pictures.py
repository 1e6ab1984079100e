"""Runs in pictures: reconstructions of the same examples, aligned latent planes, decoded grids."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached as cache
from dashboard.compare import cached
from dashboard.compare.cached import GRID_REACH, Plane
from dashboard.compare.runs import Side, written
from dashboard.components.chart.element import draw_chart
from dashboard.figures.dimension_reduction import space_figure, space_ranges
from dashboard.figures.runs import turned_plane_figure
from dashboard.formats import plain
from dashboard.pictures import mosaic, show, strip
from dashboard.shell import condition, state

T = TypeVar("T")
IMAGES: Final = 10
MAX_POINTS: Final = cached.MAX_PLANE
SIZE: Final = 56
GRID_SIZE: Final = 360
IN_A_ROW: Final = 3
RECONSTRUCTION_HELP: Final = (
    r"$\mathbb{E}[x|z]$ at the posterior mean $z = \mu(x)$ of the same held-out examples."
)
PLANE_HELP: Final = (
    r"Posterior means. Each run's codes $Z$ are rotated, or reflected, onto the first run's $Z_1$ by the "
    r"orthogonal $R$ that minimises $\|Z R - Z_1\|$ (orthogonal Procrustes, Schönemann 1966), without a "
    "shift or a change of scale. N(0, I) stays the same, and so does the bound. "
    r"**Residual**: $\sqrt{\tfrac1n\sum_i\|z_i R - z_{1,i}\|^2}$ over all dimensions, in units of z; in "
    r"brackets $\|ZR - Z_1\|^2 / \|Z_1\|^2$."
)
GRID_HELP: Final = (
    rf"$\mathbb{{E}}[x|z]$ from −{GRID_REACH:g} to {GRID_REACH:g} in the coordinates of the planes above: "
    "the same place of two grids is the same place of the first run's plane. Other dimensions are 0."
)
Y_HELP: Final = "What conditional runs of this y decode with; the others take none."


def reconstructions(sides: Sequence[Side]) -> None:
    """The same held-out examples, as each run makes them again."""
    st.markdown("**Reconstructions of the same held-out examples**", help=written(sides, RECONSTRUCTION_HELP))
    first = sides[0]
    x = _held_out(first)
    shape = first.subject.image_shape
    count = IMAGES if shape else MAX_POINTS
    made = [
        cache.decode(side.subject, side.measured.means[:count], side.measured.y[:count]) for side in sides
    ]
    if shape is None:
        _in_data_space(sides, x, made, "reconstruction")
        return
    _row("held-out", x[:IMAGES], shape)
    for side, images in zip(sides, made, strict=True):
        _row(f"**{plain(side.label)}**", images, shape)


def _row(label: str, images: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    left, right = st.columns([1, 5], vertical_alignment="center")
    left.markdown(label)
    with right:
        show(strip(images, shape, size=SIZE), alt=f"{label.strip('*')}: {len(images)} images.")


def planes(sides: Sequence[Side]) -> None:
    """The latent planes, turned onto the first run's, and what the turn leaves."""
    if len(sides) > 1:
        st.markdown("**Latent planes, aligned with the first run's**", help=PLANE_HELP)
    else:
        st.markdown("**Latent plane**", help=PLANE_HELP)
    found = cached.planes(tuple(side.subject for side in sides))
    one_dimension = max(side.subject.config.model.latent_dim for side in sides) == 1
    reach = 1.08 * max(float(np.quantile(np.abs(plane.points), 0.995)) for plane in found)
    for column, side, plane in _in_rows(sides, found):
        with column:
            st.markdown(f"**{plain(side.label)}**  \n{_turn(plane, is_first=side is sides[0])}")
            figure = turned_plane_figure(
                plane.points,
                side.measured.labels,
                class_names=side.subject.class_names,
                reach=max(reach, 2.2),
                one_dimension=one_dimension,
                theme=state.theme_name(),
            )
            alt = f"{side.label}: posterior means of {len(plane.points)} held-out examples by class."
            draw_chart(figure, key=f"runs_plane_{side.view.run_id}", alt=alt)
    dims = {side.subject.config.model.latent_dim for side in sides}
    note = "" if max(dims) <= 2 else " J > 2: the two most used dimensions of the first run."
    other = " Runs with fewer dimensions get zeros for those that they lack." if len(dims) > 1 else ""
    st.caption(f"Dashed: the prior at 1 and 2 standard deviations.{note}{other}")


def _turn(plane: Plane, *, is_first: bool) -> str:
    if is_first:
        return "unchanged"
    how = "rotated and reflected" if plane.is_mirrored else "rotated"
    return f"{how}, residual {plane.residual:.2f} ({plane.share:.0%})"


def grids(sides: Sequence[Side]) -> None:
    """What each run decodes over the same plane."""
    st.markdown("**Decoded grids**", help=written(sides, GRID_HELP))
    found = cached.planes(tuple(side.subject for side in sides), _y_of_grids(sides))
    shape = sides[0].subject.image_shape
    if shape is None:
        x = _held_out(sides[0])
        made = [plane.grid.reshape(-1, plane.grid.shape[-1]) for plane in found]
        _in_data_space(sides, x, made, "grid")
        return
    for column, side, plane in _in_rows(sides, found):
        with column:
            st.markdown(f"**{plain(side.label)}**")
            alt = f"{side.label}: decoded grid of {plane.grid.shape[0]} by {plane.grid.shape[1]} images."
            show(mosaic(plane.grid, shape, size=GRID_SIZE), alt=alt)


def _y_of_grids(sides: Sequence[Side]) -> tuple[float | None, ...]:
    """The y with which each conditional run decodes its grid; one choice for all that have the same y."""
    chosen: dict[tuple[str, str], float] = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for side in sides:
            if side.takes_y and side.y_is not in chosen:
                same = sum(kind == side.y_is[0] for kind, _ in chosen)
                chosen[side.y_is] = condition.choose(side.subject, number=same, help_text=Y_HELP)
    return tuple(chosen.get(side.y_is) for side in sides)


def _in_rows(sides: Sequence[Side], of_each: Sequence[T]) -> Iterator[tuple[DeltaGenerator, Side, T]]:
    """A column of the page for each run, some in a row, with what there is of each."""
    for start in range(0, len(sides), IN_A_ROW):
        row = zip(sides[start:], of_each[start:], strict=True)
        for column, (side, one) in zip(st.columns(IN_A_ROW), row, strict=False):
            yield column, side, one


def _held_out(side: Side) -> NDArray[np.float32]:
    """The first of the examples that all runs share."""
    return cache.Rows(side.subject.data.x_test)[side.measured.rows[:MAX_POINTS]]


def _in_data_space(
    sides: Sequence[Side],
    x: NDArray[np.float32],
    made: Sequence[NDArray[np.float32]],
    key: str,
) -> None:
    """Points that the runs reconstruct or decode, over the held-out ones."""
    ranges = space_ranges(x)
    for column, side, points in _in_rows(sides, made):
        with column:
            st.markdown(f"**{plain(side.label)}**")
            same = key == "reconstruction"
            classes = side.measured.labels if same else np.full(len(points), -1, np.int32)
            figure = space_figure(
                x,
                points,
                classes,
                is_line=False,
                ranges=ranges,
                theme=state.theme_name(),
                names=side.subject.columns,
            )
            alt = f"{side.label}: {key} over the held-out points."
            draw_chart(figure, key=f"runs_{key}_{side.view.run_id}", alt=alt)
