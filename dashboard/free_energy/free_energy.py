"""Free energy of a q that the user drags: over the components of a mixture, and over a place z."""

from typing import Final

import streamlit as st

from dashboard.components.chosen_q.element import chosen_q
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.free_energy import mixture_figure
from dashboard.free_energy import cached as cache_free_energy
from dashboard.shell import state
from dashboard.shell.choice import one_of

FORMS: Final = (
    r"$F[q] = \mathbb{E}_q[\log p(x,z)] + H[q] = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))$, and "
    r"$\log p(x) = F[q] + \mathrm{KL}(q\,\|\,p(z|x))$ for any q: F is largest, and equal to log p(x), at the "
    "posterior alone. Each number is computed by itself. F is the ELBO of a VAE."
)
COMPONENT_HELP: Final = (
    "z is the component that made x, and q is three probabilities. **Find the best q** is the E-step of EM."
    "\n\n" + FORMS
)
GAUSSIAN_HELP: Final = (
    r"z comes from a mixture and $x \sim \mathcal{N}(z, s^2 I)$ with $s = 1.2$. The posterior has two bumps, "
    "q has one: even the best q leaves a gap.\n\n" + FORMS
)
DATUM_HELP: Final = "The datum x. Another datum has another posterior and another log p(x); q stays."
SPACE_HELP: Final = "**line**: z is a number. **plane**: z has two, as the latent space of a VAE with J = 2."
PLANE_DATUM: Final = (0.2, 0.2)


def draw_components() -> None:
    """q over three components."""
    st.subheader("Which component made x?", help=COMPONENT_HELP)
    _components()


@st.fragment
def _components() -> None:
    x = _datum("fe_x", 0.3)
    chosen_q(cache_free_energy.components_payload(x), key="fe_components")
    with st.expander("The mixture, and x on it"):
        line, parts = cache_free_energy.components_curves()
        figure = mixture_figure(line, parts, x, theme=state.theme_name())
        alt = f"Densities of the three components and their sum p(x); x = {x:g}."
        st.plotly_chart(figure, key="fe_mixture", alt=alt, config=CHART_CONFIG)


def draw_gaussian() -> None:
    """A Gaussian q over a place z."""
    st.subheader("A Gaussian q over z", help=GAUSSIAN_HELP)
    _gaussian()


@st.fragment
def _gaussian() -> None:
    which = one_of("Latent space", {"line": "line", "plane": "plane"}, key="fe_space", help_text=SPACE_HELP)
    x = (_datum("fe_place", 0.2),) if which == "line" else PLANE_DATUM
    chosen_q(cache_free_energy.place_payload(which, x), key=f"fe_{which}")


def _datum(key: str, default: float) -> float:
    return st.slider("Datum x", -4.0, 4.0, default, 0.1, key=key, help=DATUM_HELP, persist_state="session")
