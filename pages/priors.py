"""What else can be Bayesian? (A prior that is learned, and weights that have a posterior.)"""

from typing import Final

import streamlit as st

from dashboard.priors import priors, training, weights
from dashboard.shell import header
from dashboard.shell.choice import one_of

VIEWS: Final = {"priors": "Priors", "weights": "Weights"}
VIEW_HELP: Final = "**Priors**: VampPrior and a mixture. **Weights**: a Gaussian q over the weights too."

header.title("Priors and weights")
view = one_of("View", VIEWS, key="priors_view", help_text=VIEW_HELP)

if view == "priors":
    st.header("A better prior for the example model", help=priors.FITTED_HELP)
    priors.draw_priors()
    st.header("Train all three from the same initial weights", help=training.TRAIN_HELP)
    training.draw_training()
else:
    st.header("How certain is a decoder of its weights?", help=weights.LINE_HELP)
    weights.draw_line()
    st.header("A VAE with a posterior over its weights", help=weights.VAE_HELP)
    st.markdown(
        "Here z is unobserved and the whole decoder has a q(θ). **Before you start:** with few examples, "
        "which will be better on held-out digits, the plain VAE or full Bayes?"
    )
    weights.draw_digits()
