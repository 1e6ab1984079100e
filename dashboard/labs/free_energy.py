"""Free energy of a q that the user sets: over the components of a mixture, and over a place z."""

from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st

from dashboard import cache_free_energy, state
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.evidence import bound_figure
from dashboard.figures.free_energy import mixture_figure, path_figure
from dashboard.figures.walk import walk_figure
from dashboard.formats import signed

if TYPE_CHECKING:
    from vae_core.free_energy import FreeEnergy

FORMS_HELP: Final = (
    r"$F[q] = \mathbb{E}_q[\log p(x,z)] + H[q] = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))$, and "
    r"$\log p(x) = F[q] + \mathrm{KL}(q\,\|\,p(z|x))$ for any q: F is largest, and equal to log p(x), at the "
    "posterior alone. Each number is computed by itself."
)
COMPONENT_HELP: Final = "z is the component that made x. Move x and q; F never passes log p(x)."
GAUSSIAN_HELP: Final = (
    r"z comes from a mixture, and $x \sim \mathcal{N}(z, s^2 I)$. The posterior has two bumps, q has one: "
    "even the best q leaves a gap."
)
LOG_HELP: Final = (
    "One of the source documents prints the bound without its logarithm (000, equations 15 and 16): "
    r"$\mathbb{E}_q[p(x,z)/q(z)] = p(x)$ for every q, so there would be nothing to maximise."
)
WIDEST: Final = 3.0


def draw_components() -> None:
    """q over three components."""
    st.subheader("Which component made x?", help=COMPONENT_HELP)
    _components()


@st.fragment
def _components() -> None:
    controls, numbers = st.columns([2, 3], gap="large")
    with controls:
        x = st.slider("Datum x", -4.0, 4.0, 0.3, 0.1, key="fe_x", persist_state="session")
        posterior = cache_free_energy.components_posterior(x)
        q = _responsibilities(posterior)
    with numbers:
        _account(cache_free_energy.components_free_energy(x, tuple(q)), key="fe_bound")
        with st.expander("Spot the error: a bound without its logarithm"):
            ratio = cache_free_energy.ratio_without_log(x, tuple(q))
            st.markdown(f"E_q[p(x,z)/q(z)] = **{ratio:.5f}**: move q, it stays p(x).", help=LOG_HELP)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**The mixture, and x**")
        line, parts = cache_free_energy.components_curves()
        figure = mixture_figure(line, parts, x, theme=state.theme_name())
        st.plotly_chart(figure, key="fe_mixture", alt=f"Three components; x = {x:g}.", config=CHART_CONFIG)
    with right:
        st.markdown("**▶ walks q to the posterior**")
        path, bounds = cache_free_energy.components_path(x, tuple(q))
        figure = path_figure(path, np.array(posterior), bounds, theme=state.theme_name())
        alt = f"q walks to the posterior; F climbs from {bounds[0]:.3f} to {bounds[-1]:.3f} nats."
        st.plotly_chart(figure, key="fe_path", alt=alt, config=CHART_CONFIG)


def _responsibilities(posterior: tuple[float, ...]) -> list[float]:
    """q from one slider for each component; their sum is made 1."""
    for number, value in enumerate((0.2, 0.2, 0.6), 1):
        if state.control(f"fe_q{number}") is None:
            state.set_control(f"fe_q{number}", value)
    values = [
        st.slider(
            f"q of component {number}", 0.0, 1.0, step=0.01, key=f"fe_q{number}", persist_state="session"
        )
        for number in (1, 2, 3)
    ]
    st.button(
        "Set q to the posterior",
        key="fe_best",
        on_click=_set_q,
        args=(posterior,),
        help="The E-step of EM: the gap closes.",
    )
    total = sum(values)
    if total == 0:
        st.info("All three are 0: q is taken as even.")
        return [1 / 3] * 3
    q = [value / total for value in values]
    st.caption("q = " + ", ".join(f"{share:.3f}" for share in q) + " (divided by their sum)")
    return q


def _set_q(posterior: tuple[float, ...]) -> None:
    for number, value in enumerate(posterior, 1):
        state.set_control(f"fe_q{number}", value)


def draw_gaussian() -> None:
    """A Gaussian q over a place z."""
    st.subheader("A Gaussian q over z", help=GAUSSIAN_HELP)
    _gaussian()


@st.fragment
def _gaussian() -> None:
    controls, picture = st.columns([2, 3], gap="large")
    with controls:
        options = tuple(cache_free_energy.NOISY)
        which = st.segmented_control(
            "Latent space",
            options,
            default=options[0],
            required=True,
            key="fe_space",
            persist_state="session",
        )
        mean, std = _gaussian_sliders(cache_free_energy.NOISY[which])
        found, walk = cache_free_energy.gaussian(which, mean, std)
        _account(found, key="fe_gaussian_bound")
    with picture:
        st.markdown("**▶ finds the best q from here**")
        alt = f"q over the posterior; its bound climbs from {walk.elbo[0]:.3f} to {walk.elbo[-1]:.3f} nats."
        figure = walk_figure(walk, theme=state.theme_name())
        st.plotly_chart(figure, key="fe_walk", alt=alt, config=CHART_CONFIG)
        left = found.log_evidence - walk.elbo[-1]
        st.caption(
            f"The best Gaussian from here still misses **{left:.3f}** nats: the approximation gap. Another "
            "start may end at another bump."
        )


def _gaussian_sliders(dims: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    mean, std = [], []
    for dim in range(1, dims + 1):
        name = f" {dim}" if dims > 1 else ""
        mean.append(
            st.slider(
                f"Mean of q{name}", -4.0, 4.0, 1.0, 0.05, key=f"fe_mean{dims}{dim}", persist_state="session"
            )
        )
        std.append(
            st.slider(
                f"Width σ of q{name}",
                0.05,
                WIDEST,
                1.0,
                0.05,
                key=f"fe_std{dims}{dim}",
                persist_state="session",
            )
        )
    return tuple(mean), tuple(std)


def _account(found: "FreeEnergy", *, key: str) -> None:
    """Bar and sentences: F, log p and the gap between them, in both forms."""
    figure = bound_figure(found.bound, None, found.log_evidence, theme=state.theme_name())
    alt = f"F {found.bound:.3f}, log p(x) {found.log_evidence:.3f}, gap {found.kl_to_posterior:.3f} nats."
    st.plotly_chart(figure, key=key, alt=alt, config=CHART_CONFIG)
    st.markdown(
        f"log p(x) **{signed(found.log_evidence, 4)}** = F **{signed(found.bound, 4)}** + KL(q ‖ posterior) "
        f"**{found.kl_to_posterior:.4f}** nats",
        help=FORMS_HELP,
    )
    st.markdown(
        f"F = E_q[log p(x,z)] {signed(found.energy, 4)} + H[q] {signed(found.entropy, 4)}  \n"
        f"F = E_q[log p(x|z)] {signed(found.reconstruction, 4)} − KL(q ‖ prior) {found.kl_to_prior:.4f}"
    )
    residual = abs(found.log_evidence - found.bound - found.kl_to_posterior)
    st.caption(f"F is the ELBO. The three numbers close to {residual:.0e} nats.")
