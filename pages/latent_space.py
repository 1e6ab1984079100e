"""Where does each image live, and what lies between? (The latent plane, and what the decoder makes of it.)"""

import streamlit as st

from dashboard.cached import encoded
from dashboard.latent import (
    aggregate,
    arithmetic,
    grid,
    neighbours,
    plane,
    projection,
    saving,
    selection,
    style,
)
from dashboard.shell import folding, header
from dashboard.shell.choice import one_of

VIEWS = {
    "neighbours": "Neighbours",
    "selection": "Select many",
    "arithmetic": "Class arithmetic",
    "projection": "Projections",
}
VIEW_HELP = (
    "**Neighbours**: one example, and what is near it. **Select many**: all examples in a part of the plane. "
    "**Class arithmetic**: sums and differences of class means. **Projections**: PCA and t-SNE."
)

header.title("Latent space")
shown = header.subject()
dims = plane.choose(shown)

st.header("Latent plane", help=shown.written(plane.HELP))
plane.explore(shown, dims)

if folding.section("Decoded grid", key="grid", help_text=shown.written(grid.HELP)):
    grid.draw(shown, dims)

if shown.y is not None and folding.section(style.title(shown), key="style", help_text=style.help_of(shown)):
    style.draw(shown)

if folding.section(
    "Prior against aggregate posterior", key="aggregate", help_text=shown.written(aggregate.HELP)
):
    aggregate.histograms(shown, dims)
    aggregate.samples(shown)

if folding.section("Examples, classes and projections", key="closer"):
    saving.export_menu(encoded(shown), shown.class_names)
    view = one_of("Show", VIEWS, key="latent_view", help_text=VIEW_HELP)
    if view == "neighbours":
        neighbours.draw(shown)
    elif view == "selection":
        st.caption(selection.HELP)
        selection.draw(shown, dims)
    elif view == "arithmetic":
        arithmetic.draw(shown)
    else:
        projection.draw(shown)
