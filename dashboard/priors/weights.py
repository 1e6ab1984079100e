"""Weights that have a posterior too: in closed form for one line, then in a VAE on few and on all digits."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.evidence import bound_figure
from dashboard.figures.weights import line_figure
from dashboard.formats import rounded, signed
from dashboard.priors import cached_weights as cache_weights
from dashboard.priors import weights_digits
from dashboard.shell import state
from dashboard.shell.choice import one_of

if TYPE_CHECKING:
    from dashboard.figures.weights import LineView
    from vae_core.labs.weights.bayesian_regression import WeightFit

LINE_HELP: Final = (
    r"$x = \sum_h w_h \tanh(a_h z + c_h) + w_0 + s\,\varepsilon$ with $w \sim \mathcal{N}(0, \sigma_w^2 "
    r"I)$: a "
    "decoder whose hidden layer stays as it was drawn and whose last layer has a posterior. z is known here "
    "(petal length of an iris, x its petal width), so the exact posterior of w is known too."
)
DATA_HELP: Final = "N: how many of the 150 flowers are seen."
PRIOR_HELP: Final = r"$\sigma_w$ of the prior $p(w) = \mathcal{N}(0, \sigma_w^2 I)$ over each weight."
COUNTS: Final = {"once": "once for all examples", "repeated": "once per example (wrong)"}
COUNT_HELP: Final = (
    r"The weights are shared by all data: $\sum_i \mathbb{E}_q[\log p(x_i|w)] - "
    r"\mathrm{KL}(q(w)\,\|\,p(w))$, "
    "so per datum the KL is **divided by N**. Whoever forgets that counts it N times. Spot the error."
)
Q_HELP: Final = (
    r"Best $q(w) = \prod_i \mathcal{N}(w_i; m_i, s_i^2)$: m is the ridge solution, and "
    r"$s_i^2 = 1/\Lambda_{ii}$ with the precision $\Lambda = \Phi^\top\Phi / s^2 + I / \sigma_w^2$ of "
    r"the exact "
    "posterior (Bishop 2006, sections 3.3 and 10.1)."
)


def draw() -> None:
    """The line, then the digits."""
    st.subheader("How sure is a decoder of its weights?", help=LINE_HELP)
    _line()
    st.subheader("A VAE whose weights have a posterior", help=weights_digits.VAE_HELP)
    weights_digits.draw()


@st.fragment
def _line() -> None:
    controls, picture = st.columns([2, 3], gap="medium")
    with controls:
        num_data, prior_std, is_wrong = _settings()
        found, view = cache_weights.line(num_data, prior_std, wrong=is_wrong)
        _account(found, num_data, is_wrong=is_wrong)
    with picture:
        titles = ("z: petal length, standard deviations", "x: petal width, standard deviations")
        alt = f"Decoded line after {num_data} data with the spread of its weights."
        figure = line_figure(view, titles=titles, theme=state.theme_name())
        st.plotly_chart(figure, key="w_line", alt=alt, config=CHART_CONFIG)
        _spreads(view)


def _settings() -> tuple[int, float, bool]:
    num_data = st.slider(
        "Data N",
        2,
        cache_weights.NUM_FLOWERS,
        20,
        key="w_line_data",
        help=DATA_HELP,
        persist_state="session",
    )
    prior_std = st.slider(
        "Prior width of w",
        0.1,
        3.0,
        0.5,
        0.1,
        key="w_line_prior",
        help=PRIOR_HELP,
        persist_state="session",
    )
    count = one_of("KL(q(w) ‖ p(w)) counts", COUNTS, key="w_line_count", help_text=COUNT_HELP)
    return num_data, prior_std, count == "repeated"


def _account(found: "WeightFit", num_data: int, *, is_wrong: bool) -> None:
    figure = bound_figure(found.bound, None, found.log_evidence, theme=state.theme_name())
    alt = f"F {found.bound:.3f}, log p(data) {found.log_evidence:.3f}, gap {found.kl_to_posterior:.3f} nats."
    st.plotly_chart(figure, key="w_line_bound", alt=alt, config=CHART_CONFIG)
    st.markdown(
        rf"ELBO of all {num_data} data: $\mathbb{{E}}_q$[log p(x|w)] **{signed(found.log_likelihood, 3)}** − "
        f"KL(q ‖ p(w)) **{found.weight_kl:.3f}** = **{signed(found.bound, 3)}** nats. The weights cost "
        f"**{found.weight_kl / num_data:.3f}** nats per datum.",
        help=Q_HELP,
    )
    if is_wrong:
        st.warning(
            rf"This q maximised $\mathbb{{E}}_q$[log p(x|w)] − {num_data} · KL: its true bound is the ELBO "
            "above. Its weights stay near the prior however many data come."
        )
    residual = abs(found.log_evidence - found.bound - found.kl_to_posterior)
    st.caption(
        f"x is all data here; log p(x) = ELBO + KL(q ‖ true posterior) closes to {rounded(residual, 1)} nats."
    )


def _spreads(view: "LineView") -> None:
    rows = [
        f"| {name} | {view.spread[place]:.3f} | {view.exact_spread[place]:.3f} |"
        for name, place in cache_weights.places(view.z)
    ]
    head = "| σ of the weights | under q | exact posterior |\n| --- | ---: | ---: |\n"
    st.markdown(head + "\n".join(rows))
    st.caption(
        f"The likelihood's own σ is {view.noise:g} everywhere, however many data there are; that of the "
        "weights goes to 0 as data come. The exact posterior is less sure in the gap, where no flower lies. "
        "A q that takes each weight by itself cannot know of the gap: there only combinations of weights are "
        "uncertain."
    )
