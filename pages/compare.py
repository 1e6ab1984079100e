"""Which is better? (Runs side by side; PCA, autoencoder and VAE on the same data; three optimisers.)"""

from typing import Final

import streamlit as st

from dashboard.compare import dimension_reduction, race, run_pictures, runs, surface, sweep
from dashboard.shell import header, state
from dashboard.shell.choice import one_of

VIEWS: Final = {"runs": "Runs", "reduction": "Dimension reduction", "optimisers": "Optimisers"}
VIEW_HELP: Final = (
    "**Runs**: several of them on the same axes, and a sweep of β. **Dimension reduction**: PCA, "
    "autoencoder, VAE. **Optimisers**: SGD, momentum, Adam."
)
OPTIMISER_VIEWS: Final = {"race": "Training", "surface": "On a surface"}
OPTIMISER_VIEW_HELP: Final = (
    "**Training**: three trainings of a VAE, and where each would have stopped. **On a surface**: the same "
    "optimisers maximise the ELBO of one image over two coordinates, which can be drawn."
)

header.title("Compare")
view = one_of("View", VIEWS, key="compare_view", help_text=VIEW_HELP)

if view == "runs":
    st.header("Runs side by side", help=runs.RUNS_HELP)
    notice = state.pop_notice()
    if notice:
        st.warning(notice)
    chosen = runs.choose()
    sweep.draw(chosen)
    sweep.earlier()
    sides = runs.load(chosen)
    left, right = st.columns(2, gap="medium")
    with left:
        sweep.rates(chosen, sides)
    if sides:
        with right:
            runs.numbers(sides)
        runs.differences(sides)
        runs.curves(sides)
        run_pictures.reconstructions(sides)
        run_pictures.planes(sides)
        run_pictures.grids(sides)
        left, right = st.columns(2, gap="medium")
        with left:
            runs.kl_by_dimension(sides)
        with right:
            runs.gaps(sides)
    elif not chosen:
        runs.say_what_to_do()
elif view == "reduction":
    st.header("VAE or PCA: six comparisons", help=dimension_reduction.METHODS_HELP)
    dimension_reduction.draw_dimension_reduction()
else:
    shown = one_of("Show", OPTIMISER_VIEWS, key="optimiser_view", help_text=OPTIMISER_VIEW_HELP)
    if shown == "race":
        st.header("Three optimisers from the same initial weights", help=race.RACE_HELP)
        race.draw_race()
    else:
        st.header("The ELBO as a surface over the mean of q", help=surface.SURFACE_HELP)
        surface.draw_surface()
