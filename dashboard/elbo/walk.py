"""Watch q move: the approximate posterior of one datum, optimised for it alone, step by step."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.elbo import cached as cache_bound
from dashboard.elbo.one_example import choose, picture
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.walk import Walk, walk_figure
from dashboard.formats import signed
from dashboard.shell import state
from dashboard.subject import Split, Subject

WALK_HELP: Final = (
    r"Gradient ascent of $F(\mu, \sigma) = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))$ for this "
    "datum alone, from the encoder's answer. F climbs towards log p(x); what it gains is the amortisation "
    "gap, what stays is the approximation gap: no Gaussian with these axes has the posterior's shape."
)


def draw(shown: Subject, split: Split, num_samples: int) -> None:
    """The walk of one datum's q."""
    del num_samples  # see WITHOUT_NOISE
    if shown.config.model.encoder_head == "deterministic":
        st.warning("A deterministic encoder has no q(z|x): there is nothing to move.")
        return
    st.subheader("One set of variational parameters for one datum", help=WALK_HELP)
    _walk(shown, split)


@st.fragment
def _walk(shown: Subject, split: Split) -> None:
    index = choose(shown, split)
    bound, steps = (
        cache_bound.example_bound(shown, split, index),
        cache_bound.local_posterior(shown, split, index),
    )
    exact = None if bound.evidence is None else float(bound.evidence.log_evidence)
    elbo = np.array([float(step.elbo) for step in steps])
    grid = bound.posterior
    walk = Walk(
        axes=None if grid is None else [axis.numpy() for axis in grid.axes],
        log_density=None if grid is None else grid.log_density.numpy(),
        means=np.concatenate([step.q.mean.numpy() for step in steps]),
        stds=np.concatenate([step.q.std.numpy() for step in steps]),
        elbo=elbo,
        log_evidence=exact,
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        alt = (
            f"q walks in {len(steps) - 1} steps; its bound climbs from {elbo[0]:.3f} to {elbo[-1]:.3f} nats."
        )
        st.plotly_chart(walk_figure(walk, theme=state.theme_name()), key="walk", alt=alt, config=CHART_CONFIG)
    with right:
        picture(shown, split, index)
        _account(elbo, exact)


def _account(elbo: np.ndarray, exact: float | None) -> None:
    st.metric("F of the encoder's q", f"{signed(elbo[0], 3)} nats", border=True)
    gain = f"{elbo[-1] - elbo[0]:.3f} amortisation gap closed"
    st.metric("F of the best q", f"{signed(elbo[-1], 3)} nats", gain, border=True)
    if exact is None:
        st.caption("log p(x) and the picture of the posterior need J = 1 or 2.")
        return
    left_over = f"{exact - elbo[-1]:.3f} approximation gap left"
    st.metric(
        "log p(x)", f"{signed(exact, 3)} nats", left_over, delta_color="off", delta_arrow="off", border=True
    )
