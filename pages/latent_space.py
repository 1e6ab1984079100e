"""Where does each datum live, and what lies between?"""

import streamlit as st

from dashboard.latent import grid as latent_grid
from dashboard.latent import more as latent_more
from dashboard.latent import plane as latent_page
from dashboard.latent import samples as latent_samples
from dashboard.shell import header

shown = header.subject()
header.stop_if_diverged(shown)
plane = latent_page.choose_plane(shown)
st.subheader("Latent plane", help=latent_page.PLANE_HELP)
latent_page.explore(shown, plane)
st.subheader("Decoded grid", help=latent_grid.GRID_HELP)
latent_grid.draw(shown, plane)
latent_samples.section(shown, plane)
st.subheader("Look closer", help="Single data, many at once, sums of classes, and other projections.")
latent_more.exports(shown)
latent_more.sections(shown, plane)
