"""Spot the error: misprinted formulas beside the right ones, both evaluated."""

from typing import TYPE_CHECKING, Final, NamedTuple

import streamlit as st

from dashboard.formats import rounded, signed
from dashboard.free_energy import cached

if TYPE_CHECKING:
    from vae_core.labs.misprints import Misprints

EXAMPLE_HELP: Final = "A held-out digit under the example model: every number below is for its q(z|x)."
SHOW_HELP: Final = "Shows the right formula and both values."


class Card(NamedTuple):
    """One misprint.

    Arguments:
        mistake: What is wrong, in a few words; said once the reader asks.
        about: What the formula is about.
        source: Where it was printed.
        printed, right: In LaTeX.
        printed_value, right_value: What each gives, measured.
        why: What the numbers show.
    """

    mistake: str
    about: str
    source: str
    printed: str
    right: str
    printed_value: str
    right_value: str
    why: str


@st.fragment
def draw_misprints() -> None:
    """The cards, two in a row."""
    last = cached.num_examples() - 1
    index = st.slider(
        "Example", 0, last, 0, key="misprint_example", help=EXAMPLE_HELP, persist_state="session"
    )
    found = cached.misprints(index)
    cards = [*_kl(found), *_bound(found), *_posterior(found), *_variance(found), *_density(found)]
    for start in range(0, len(cards), 2):
        for column, (number, card) in zip(
            st.columns(2), enumerate(cards[start : start + 2], start + 1), strict=False
        ):
            with column.container(border=True):
                _card(number, card)


def _card(number: int, card: Card) -> None:
    st.markdown(f"**{number}. {card.about}**")
    st.latex(card.printed)
    if not st.toggle("What is wrong?", key=f"misprint_{number}", help=SHOW_HELP, persist_state="session"):
        return
    st.markdown(f"**{card.mistake}**")
    st.latex(card.right)
    left, right = st.columns(2)
    left.metric("as printed", card.printed_value)
    right.metric("right", card.right_value)
    st.markdown(card.why)
    st.caption(f"Course document {card.source}.")


def _kl(found: "Misprints") -> list[Card]:
    sampled = f"{found.kl_sampled:.3f} ± {2 * found.kl_error:.3f}"
    gradient = ", ".join(signed(value, 3) for value in found.minus_gradient)
    return [
        Card(
            "KL with its sign reversed",
            "The KL of a diagonal Gaussian",
            "000, equation 19",
            r"\mathrm{KL} = +\tfrac12\sum_j(1+\log\sigma_j^2-\mu_j^2-\sigma_j^2)",
            r"\mathrm{KL} = -\tfrac12\sum_j(1+\log\sigma_j^2-\mu_j^2-\sigma_j^2)",
            f"{signed(found.kl_printed, 3)} nats",
            f"{signed(found.kl, 3)} nats",
            f"A KL is never negative. 100 000 samples of log q − log p have the mean {sampled}.",
        ),
        Card(
            "A value in place of a gradient",
            "The gradient of the KL",
            "003, the gradient",
            r"-\nabla\mathrm{KL} = \tfrac12\sum_j(1+\log\sigma_j^2-\mu_j^2-\sigma_j^2)",
            r"-\partial\mathrm{KL}/\partial\mu_j = -\mu_j",
            signed(found.minus_kl, 3),
            f"({gradient})",
            "What is printed is −KL itself, one number. The gradient has one for each μ (right: by automatic "
            "differentiation).",
        ),
    ]


def _bound(found: "Misprints") -> list[Card]:
    (ratio, wide_ratio), (elbo, wide_elbo) = found.log_ratio, found.elbo
    return [
        Card(
            "ELBO without the logarithm",
            "The ELBO as an expectation",
            "000, equation 15",
            r"\mathrm{ELBO} = \mathbb{E}_q\!\left[\frac{p(x,z)}{q(z|x)}\right]",
            r"\mathrm{ELBO} = \mathbb{E}_q\!\left[\log\frac{p(x,z)}{q(z|x)}\right]",
            f"e^({signed(ratio, 2)}), e^({signed(wide_ratio, 2)})",
            f"{signed(elbo, 2)}, {signed(wide_elbo, 2)}",
            "For the encoder's q and for one twice as wide. Without the logarithm every q gives p(x): there "
            "would be nothing to maximise. With it the better q wins.",
        ),
        Card(
            "Reconstruction without the logarithm",
            "The ELBO in two terms",
            "000, equation 16",
            r"\mathrm{ELBO} = \mathbb{E}_q[p(x|z)] - \mathrm{KL}(q\,\|\,p(z))",
            r"\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q\,\|\,p(z))",
            f"{signed(found.mean_likelihood - found.kl, 3)} nats",
            f"{signed(found.elbo[0], 3)} nats",
            rf"$\mathbb{{E}}_q$[p(x|z)] of 64 pixels is {rounded(found.mean_likelihood, 1)}: without its "
            "logarithm only the KL would be trained, and the best q would be the prior.",
        ),
    ]


def _posterior(found: "Misprints") -> list[Card]:
    return [
        Card(
            "KL to the encoder itself",
            "The gap of the bound",
            "002, framework 1",
            r"\log p(x) = \mathrm{ELBO} + \mathrm{KL}(q,\, p(z|x;\phi))",
            r"\log p(x) = \mathrm{ELBO} + \mathrm{KL}(q\,\|\,p(z|x;\theta))",
            "0 nats",
            f"{found.gap:.3f} nats",
            "φ are the encoder's weights: with them the posterior is q itself, and KL(q ‖ q) is 0 for every "
            "q. The gap is to the true posterior, which depends on θ.",
        ),
        Card(
            "p(x) computed from p(x)",
            "The evidence",
            "004, the likelihood",
            r"p(x) = \int p(z|x)\,p(x)\,dz",
            r"p(x) = \int p(x|z)\,p(z)\,dz",
            f"{found.posterior_mass:.4f} · p(x)",
            f"e^({signed(found.log_evidence, 3)})",
            "The printed integral is p(x) times ∫ p(z|x) dz = 1: to compute p(x) it needs p(x).",
        ),
    ]


def _variance(found: "Misprints") -> list[Card]:
    return [
        Card(
            "Softmax in place of softplus",
            "The variance head of the encoder",
            "000, section 3.3.4",
            r"\sigma^2 = \mathrm{softmax}(u)",
            r"\sigma_j^2 = \mathrm{softplus}(u_j)\quad\text{or}\quad e^{u_j}",
            f"Σσ² = {found.variance_softmax:.3f}",
            f"Σσ² = {found.variance:.3f}",
            "Softmax keeps σ² above 0, but makes the variances of all dimensions sum to 1 for every example.",
        ),
        Card(
            "Variance in place of standard deviation",
            "The reparameterisation",
            "003, reparameterisation",
            r"z = \mu + \sigma^2\odot\varepsilon",
            r"z = \mu + \sigma\odot\varepsilon",
            f"std {found.spread_printed:.4f}",
            f"std {found.spread:.4f}",
            f"Measured on 100 000 draws of z₁, whose σ is {found.std:.4f}.",
        ),
    ]


def _density(found: "Misprints") -> list[Card]:
    return [
        Card(
            "Log-density without ½ and its constant",
            "The Gaussian log-likelihood",
            "000, section 3.3.3",
            r"\log\mathcal{N}(x\,|\,y, I) = -\|x-y\|^2",
            r"\log\mathcal{N}(x\,|\,y, I) = -\tfrac12\|x-y\|^2-\tfrac{D}{2}\log 2\pi",
            f"∫ = {found.mass_printed:.4f}",
            f"∫ = {found.mass:.4f}",
            "The integral over x for D = 1: a density must have 1. The printed one has √π, its variance is "
            "½, and the reconstruction counts twice against the KL: it trains with β = ½.",
        ),
    ]
