"""Which is better? (PCA, autoencoder and VAE on the same data; optimisers from the same initial weights.)"""

from typing import Final

import streamlit as st

from dashboard.compare import dimension_reduction, race, surface
from dashboard.shell import header
from dashboard.shell.choice import one_of

VIEWS: Final = {"reduction": "Dimension reduction", "optimisers": "Optimisers"}
VIEW_HELP: Final = "**Dimension reduction**: PCA, autoencoder, VAE. **Optimisers**: SGD, momentum, Adam."
OPTIMISER_VIEWS: Final = {"race": "Training", "surface": "On a surface"}
OPTIMISER_VIEW_HELP: Final = (
    "**Training**: three trainings of a VAE, and where each would have stopped. **On a surface**: the same "
    "optimisers maximise the ELBO of one image over two coordinates, which can be drawn."
)

header.title("Compare")
view = one_of("View", VIEWS, key="compare_view", help_text=VIEW_HELP)

if view == "reduction":
    st.header("VAE or PCA: six comparisons", help=dimension_reduction.METHODS_HELP)
    dimension_reduction.draw_dimension_reduction()
else:
    shown = one_of("Show", OPTIMISER_VIEWS, key="optimiser_view", help_text=OPTIMISER_VIEW_HELP)
    if shown == "race":
        st.header("Three optimisers, one start", help=race.RACE_HELP)
        race.draw_race()
    else:
        st.header("The ELBO as a surface over the mean of q", help=surface.SURFACE_HELP)
        surface.draw_surface()
