"""The lower part of the Latent space page: its sections one at a time, and what can be taken home."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from dashboard import cache, latent_points, latent_projection
from dashboard.exports import coordinates_csv, grid_npz, grid_png
from dashboard.run_header import Subject

EXPORT_GRID: Final = 20
EXPORT_HELP: Final = {
    "latent_coordinates.csv": "A row for each held-out datum: class, posterior mean and deviation, bound.",
    "decoded_grid.npz": "The decoded means on the Gaussian quantiles, and the values of z.",
    "decoded_grid.png": "The same as a grey picture.",
}


def sections(shown: Subject, plane: tuple[int, int]) -> None:
    """Neighbours, selection, arithmetic and projections behind tabs; only the open one is computed."""
    near, many, sums, maps = st.tabs(
        ["A datum and its neighbours", "Select many", "Class arithmetic", "Projections"],
        on_change="rerun",
        key="latent_more",
    )
    if near.open:
        with near:
            latent_points.neighbours(shown)
    if many.open:
        with many:
            st.caption(latent_points.SELECT_HELP)
            latent_points.selection(shown, plane)
    if sums.open:
        with sums:
            st.caption(latent_points.ARITHMETIC_HELP)
            latent_points.arithmetic(shown)
    if maps.open:
        with maps:
            latent_projection.draw(shown)


def exports(shown: Subject, plane: tuple[int, int]) -> None:
    """Coordinates as CSV, the decoded grid as NPZ and PNG; charts save themselves as SVG."""
    data = cache.encoded(shown.key, 1, "held-out")
    base = (0.0,) * shown.config.model.latent_dim
    axis = cache.quantiles(EXPORT_GRID)
    grid = cache.grid(shown.key, tuple(axis.tolist()), plane, base)
    shape = shown.image_shape
    with st.popover("Export", icon=":material/download:", help="Coordinates, decoded array, picture."):
        _download(
            "Coordinates (CSV)", "latent_coordinates.csv", lambda: coordinates_csv(data, shown.class_names)
        )
        _download("Decoded grid (NPZ)", "decoded_grid.npz", lambda: grid_npz(grid, axis, plane))
        if shape is not None:
            _download("Decoded grid (PNG)", "decoded_grid.png", lambda: grid_png(grid, shape))


def _download(label: str, file: str, content: Callable[[], str | bytes]) -> None:
    # The content is made when it is asked for, not at each drawing of the page.
    st.download_button(label, content, file, key=f"export_{file}", on_click="ignore", help=EXPORT_HELP[file])
