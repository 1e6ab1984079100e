"""The lower part of the Latent space page: its sections one at a time, and what can be taken home."""

from typing import Final

import streamlit as st

from dashboard import cached as cache
from dashboard.latent import arithmetic as latent_arithmetic
from dashboard.latent import points as latent_points
from dashboard.latent import projection as latent_projection
from dashboard.latent.exports import coordinates_csv
from dashboard.latent.saving import choose_charts_format
from dashboard.subject import Subject

COORDINATES_HELP: Final = "A row for each held-out datum: class, posterior mean and deviation, bound."


def sections(shown: Subject, plane: tuple[int, int]) -> None:
    """Neighbours, selection, arithmetic and projections behind tabs; only the open one is computed."""
    near, many, sums, maps = st.tabs(
        ["Neighbours", "Select many", "Class arithmetic", "Projections"],
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
            latent_arithmetic.draw(shown)
    if maps.open:
        with maps:
            latent_projection.draw(shown)


def exports(shown: Subject) -> None:
    """Coordinates as CSV, and what the charts save themselves as; pictures have a menu of their own."""
    data = cache.encoded(shown)
    with st.popover("Export", icon=":material/download:", help="Coordinates, and the format of the charts."):
        # The content is made when it is asked for, not at each drawing of the page.
        st.download_button(
            "Coordinates (CSV)",
            lambda: coordinates_csv(data, shown.class_names),
            "latent_coordinates.csv",
            key="export_latent_coordinates.csv",
            on_click="ignore",
            help=COORDINATES_HELP,
        )
        choose_charts_format()
