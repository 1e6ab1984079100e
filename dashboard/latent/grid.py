"""The decoded grid over the latent plane, and how many posterior means lie in each of its cells."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import encoded
from dashboard.components.chart.element import draw_chart
from dashboard.figures.data_space import data_space_figure
from dashboard.figures.latent import grid_figure
from dashboard.latent import cached as cache
from dashboard.latent import neighbours
from dashboard.latent.saving import Kept, chart_config, save_menu
from dashboard.pictures import Pixels
from dashboard.shell import state
from dashboard.shell.choice import chosen_example, number_between, one_of, switch
from dashboard.subject import Subject
from dashboard.tiles import tiled

HELP: Final = (
    r"$\mathbb{E}[x|z]$ over two latent dimensions. On Gaussian quantiles the steps are "
    "equal in prior probability, so samples from the prior look like this; linear steps reach further out."
)
SPACINGS: Final = {"quantiles": "quantiles", "linear": "linear"}
SPACING_HELP: Final = "Steps of equal prior probability (Gaussian quantiles), or of equal length."
SIZE_HELP: Final = "Points along each side of the grid."
RANGE_HELP: Final = "How far the linear grid reaches, in standard deviations of the prior."
DENSITY_HELP: Final = (
    "How many posterior means lie in each cell: the more, the stronger the colour (for points: the larger "
    "the dot). Cells without any are holes: the decoder has never been trained there."
)
BASES: Final = {"zero": "at 0", "example": "of the chosen example"}
BASE_HELP: Final = (
    "Values of the dimensions outside the plane: 0, the mean of the prior, or the posterior mean of the "
    "example that you pinned in the latent plane or chose under Neighbours."
)
MORPH_HELP: Final = (
    r"The grid moves from the latent plane (0) to data space (1): $(1-t)\,z + t\,\mathbb{E}[x|z]$."
)
Array = NDArray[np.float32]


@st.fragment
def draw(shown: Subject, plane: tuple[int, int]) -> None:
    """The grid with its controls."""
    left, right = st.columns([1, 3], gap="medium")
    with left:
        axis = _axis(shown)
        density = switch("Density of the means", key="grid_density", help_text=DENSITY_HELP)
        morph = 1.0 if shown.image_shape or plane[0] == plane[1] else _morph(shown)
        base = _base(shown, plane)
        state.draw_address("grid")
        menu = st.container()
    grid = cache.grid(shown, tuple(axis.tolist()), plane, base)
    counts = cell_counts(encoded(shown).means, axis, plane)
    with right:
        _figure(shown, plane, grid, axis, counts=counts if density else None, morph=morph)
    arrays = {"x": grid, "axis": axis, "plane": np.array(plane) + 1, "base": np.array(base), "counts": counts}
    pixels = None if shown.image_shape is None else grid_pixels(grid, shown.image_shape)
    with menu:
        save_menu(Kept(title="Decoded grid", file="decoded-grid", arrays=arrays, pixels=pixels))


def _base(shown: Subject, plane: tuple[int, int]) -> tuple[float, ...]:
    """Where the dimensions outside the plane stay; the page says so."""
    latent_dim = shown.config.model.latent_dim
    num_others = latent_dim - len(set(plane))
    if num_others == 0:
        return (0.0,) * latent_dim
    choice = one_of("Other dimensions", BASES, key="grid_base", help_text=BASE_HELP)
    which = "The other dimension is" if num_others == 1 else f"The other {num_others} dimensions are"
    if choice == "zero":
        st.caption(f"{which} at 0.")
        return (0.0,) * latent_dim
    means = encoded(shown).means
    row = chosen_example(neighbours.EXAMPLE, len(means))
    st.caption(f"{which} at the posterior mean of example {row}.")
    return tuple(means[row].tolist())


def cell_counts(means: Array, axis: Array, plane: tuple[int, int]) -> NDArray[np.int64]:
    """Posterior means in each cell of the grid, laid out as the grid is, shape (rows, columns).

    A cell reaches half way to its neighbours; the outermost ones have no end.

    Arguments:
        means: Shape (n, J).
        axis: Values along both sides, ascending, shape (columns,).
        plane: The two dimensions; one row when they are the same.
    """
    edges = np.concatenate([[-np.inf], (axis[1:] + axis[:-1]) / 2, [np.inf]])
    if plane[0] == plane[1]:
        return np.histogram(means[:, plane[0]], edges)[0][None]
    counts = np.histogram2d(means[:, plane[1]], means[:, plane[0]], (edges, edges))[0]
    return counts[::-1].astype(np.int64)


def _axis(shown: Subject) -> Array:
    spacing = one_of("Spacing", SPACINGS, key="grid_spacing", help_text=SPACING_HELP)
    size = number_between("Size", 4, 24, key="grid_size", help_text=SIZE_HELP)
    if spacing == "quantiles":
        if shown.config.model.prior != "standard_normal":
            st.caption(
                "Quantiles of N(0, 1). The prior of this run is learned, and may have its mass elsewhere: "
                "samples from it need not look like this."
            )
        return cache.quantiles(size)
    reach = number_between("Range", 1.0, 5.0, 0.5, key="grid_range", help_text=RANGE_HELP)
    return np.linspace(-reach, reach, size, dtype=np.float32)


def _morph(shown: Subject) -> float:
    label = "From latent plane to data space"
    return number_between(label, 0.0, 1.0, 0.05, key="grid_morph", help_text=shown.written(MORPH_HELP))


def _figure(
    shown: Subject,
    plane: tuple[int, int],
    grid: Array,
    axis: Array,
    *,
    counts: NDArray[np.int64] | None,
    morph: float,
) -> None:
    theme = state.theme_name()
    if shown.image_shape is not None:
        figure = grid_figure(
            grid, axis, plane=plane, image_shape=shown.image_shape, theme=theme, counts=counts
        )
    else:
        if morph < 1:
            columns, rows = np.meshgrid(axis, axis[::-1])
            flat = np.stack([columns, rows], axis=-1)
            grid = ((1 - morph) * flat + morph * grid[..., :2]).astype(np.float32)
        x = encoded(shown).x[:]
        figure = data_space_figure(
            x, mesh=grid, point=None, theme=theme, counts=counts, columns=shown.columns
        )
    config = chart_config("decoded-grid")
    draw_chart(figure, key="grid", alt="Decoded means over the plane.", config=config)


def grid_pixels(grid: Array, image_shape: tuple[int, ...], *, scale: int = 4) -> Pixels:
    """The decoded grid as a picture, each pixel ``scale`` times as wide and high."""
    levels = (np.clip(np.nan_to_num(grid), 0, 1) * 255).astype(np.uint8)
    return tiled(levels, image_shape).repeat(scale, axis=0).repeat(scale, axis=1)
