"""Why reparameterise, and what does back-propagation compute?"""

from typing import Final

import streamlit as st

from dashboard.gradients import back_propagation, estimators, importance_weighted
from dashboard.shell import header
from dashboard.shell.choice import one_of
from dashboard.shell.header import subject

VIEWS: Final = {
    "estimators": "Estimators",
    "back_propagation": "Back-propagation by hand",
    "importance_weighted": "Importance weighting",
}
VIEW_HELP: Final = (
    "**Estimators**: bias and variance. "
    "**Back-propagation by hand**: each layer's δ beside automatic differentiation. "
    "**Importance weighting**: a tighter bound to train on, and what it does to the encoder's gradient."
)

header.title("Gradients")
view = one_of("View", VIEWS, key="gradients_view", help_text=VIEW_HELP)

if view == "estimators":
    st.header("Four estimators of the gradient of an expectation", help=estimators.ESTIMATORS_HELP)
    of = one_of(
        "Expectation", estimators.EXPECTATIONS, key="estimators_of", help_text=estimators.EXPECTATION_HELP
    )
    if of == "function":
        estimators.draw_function()
    else:
        estimators.draw_elbo(subject())
elif view == "importance_weighted":
    st.header("A tighter bound to train on", help=importance_weighted.TRAINING_HELP)
    importance_weighted.draw_trainings()
    st.header("Signal and noise of its gradient", help=importance_weighted.SIGNAL_HELP)
    importance_weighted.draw_signal(subject())
else:
    network, slip = back_propagation.choose_network()
    if network == "small":
        back_propagation.draw_small_network(slip)
    else:
        back_propagation.draw_current_model(subject(), slip)
