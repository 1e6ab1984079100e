"""Watch q move: the approximate posterior of one example, optimised for it alone, step by step."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.elbo.cached import Example
from dashboard.elbo.one_example import DIGITS, choose, reconstruction, shown_bound, shown_evidence
from dashboard.figures.walk import Walk, walk_figure
from dashboard.formats import signed
from dashboard.shell import state
from dashboard.subject import Split, Subject

HELP: Final = (
    r"Gradient ascent of $F(\mu, \sigma) = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))$ for this "
    "example alone, from the encoder's q. F rises towards log p(x): the increase is the amortisation gap, "
    "the remainder the approximation gap: no q of this family has the posterior's shape. The family is the "
    r"encoder's: a diagonal covariance matrix, a full one, $LL^\top$ in the place of $\sigma^2$, a flow, or "
    "a mixture."
)


@st.fragment
def draw(shown: Subject, split: Split) -> None:
    """The choice of the example, its q from step to step, and how much of the gap that closes."""
    index = choose(shown, split)
    example, steps = cache.example(shown, split, index), cache.local_posterior(shown, split, index)
    elbo = np.array([float(step.elbo) for step in steps])
    grid = example.posterior
    walk = Walk(
        axes=None if grid is None else [axis.numpy() for axis in grid.axes],
        log_density=None if grid is None else grid.log_density.numpy(),
        steps=[cache.drawn(step.q, grid) for step in steps],
        elbo=elbo,
        log_evidence=None if example.evidence is None else shown_evidence(example),
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        first, last = signed(elbo[0], 3), signed(elbo[-1], 3)
        alt = f"q moves in {len(steps) - 1} steps; its bound rises from {first} to {last} nats."
        draw_chart(walk_figure(walk, theme=state.theme_name()), key="walk", alt=alt, words=shown.written)
    with right:
        reconstruction(example.x_and_decoded, example.class_name, shown)
        _gaps(elbo, example, shown)


def _gaps(elbo: np.ndarray, example: Example, shown: Subject) -> None:
    # The bound is that of the view of one example, and what follows adds up.
    first, gain = shown_bound(example), round(float(elbo[-1] - elbo[0]), DIGITS)
    best = first + gain
    st.metric("F of the encoder's q", f"{signed(first, DIGITS)} nats", border=True)
    closed = f"{gain:.{DIGITS}f} nats: amortisation gap closed"
    st.metric("F of the best q", f"{signed(best, DIGITS)} nats", closed, border=True)
    if example.evidence is None:
        st.caption(shown.written("log p(x) and the picture of the posterior need J = 1 or 2."))
        return
    log_evidence = shown_evidence(example)
    rest = f"{log_evidence - best:.{DIGITS}f} nats: approximation gap left"
    value = f"{signed(log_evidence, DIGITS)} nats"
    st.metric(shown.written("log p(x)"), value, rest, delta_color="off", delta_arrow="off", border=True)
