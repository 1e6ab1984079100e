"""Where does each image live, and what lies between? (The latent plane, and what the decoder makes of it.)"""

import streamlit as st

from dashboard.cached import encoded
from dashboard.latent import aggregate, arithmetic, grid, neighbours, plane, projection, saving, selection
from dashboard.shell import header

st.title("Latent space", anchor=False)
shown = header.subject()
dims = plane.choose(shown)

st.header("Latent plane", help=plane.HELP)
plane.explore(shown, dims)

st.header("Decoded grid", help=grid.HELP)
grid.draw(shown, dims)

st.header("Prior against aggregate posterior", help=aggregate.HELP)
aggregate.histograms(shown, dims)
aggregate.samples(shown)

st.header("Look closer", help="One example, many at once, sums of classes, and other projections.")
saving.export_menu(encoded(shown), shown.class_names)
near, many, sums, maps = st.tabs(
    ["Neighbours", "Select many", "Class arithmetic", "Projections"],
    on_change="rerun",  # only the open one is computed
    key="latent_more",
)
if near.open:
    with near:
        neighbours.draw(shown)
if many.open:
    with many:
        st.caption(selection.HELP)
        selection.draw(shown, dims)
if sums.open:
    with sums:
        arithmetic.draw(shown)
if maps.open:
    with maps:
        projection.draw(shown)
