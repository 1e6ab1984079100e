"""Free energy of a q that the user moves: over the components of a mixture, and over z in R or R²."""

from typing import Final

import streamlit as st

from dashboard.components.chart.element import draw_chart
from dashboard.components.chosen_q.element import chosen_q
from dashboard.figures.mixtures import mixture_figure
from dashboard.free_energy import cached
from dashboard.shell import state
from dashboard.shell.choice import number_between, one_of

FORMS: Final = (
    r"$F[q] = \mathbb{E}_q[\log p(x,z)] + H[q] = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))$, and "
    r"$\log p(x) = F[q] + \mathrm{KL}(q\,\|\,p(z|x))$ for any q: F is largest, and equal to log p(x), at the "
    "posterior alone. Each number is computed separately. F is the ELBO of a VAE."
)
COMPONENT_HELP: Final = (
    "z is the component of x, and q is three probabilities. **Find the best q** is the E-step "
    "of EM.\n\n" + FORMS
)
GAUSSIAN_HELP: Final = (
    r"z comes from a mixture and $x \sim \mathcal{N}(z, s^2 I)$ with $s = 1.2$. The posterior has two modes, "
    "q has one: even the best q leaves a gap.\n\n" + FORMS
)
X_HELP: Final = "The example x. Another x has another posterior and another log p(x); q stays."
SPACES: Final = {"line": "line", "plane": "plane"}
SPACE_HELP: Final = "**line**: J = 1. **plane**: J = 2, as in a VAE with two latent dimensions."
PLANE_X: Final = (0.2, 0.2)


@st.fragment
def draw_components() -> None:
    """q over three components."""
    x = _choose_x("fe_x")
    state.draw_address("components")
    chosen_q(cached.components_payload(x), key="fe_components")
    mixture = st.expander("The mixture, and x on it", key="fe_mixture_shown", on_change="rerun")
    if mixture.open:
        line, parts = cached.components_curves()
        figure = mixture_figure(line, parts, x, theme=state.theme_name())
        alt = f"Densities of the three components and their sum p(x); x = {x:g}."
        with mixture:
            draw_chart(figure, key="fe_mixture", alt=alt)


@st.fragment
def draw_gaussian() -> None:
    """A Gaussian q over z."""
    which = one_of("Latent space", SPACES, key="fe_space", help_text=SPACE_HELP)
    x = (_choose_x("fe_place"),) if which == "line" else PLANE_X
    state.draw_address("place")
    chosen_q(cached.place_payload(which, x), key=f"fe_{which}")


def _choose_x(key: str) -> float:
    return number_between("Example x", -4.0, 4.0, 0.1, key=key, help_text=X_HELP)
