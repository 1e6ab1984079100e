"""Spot the error: misprinted formulas beside the right ones, both evaluated."""

from typing import TYPE_CHECKING, Final, NamedTuple

import streamlit as st

from dashboard.components.chart.element import draw_chart
from dashboard.figures.gradient_sign import signs_figure
from dashboard.formats import rounded, signed, subscript
from dashboard.free_energy import cached
from dashboard.shell import state
from dashboard.shell.choice import number_between

if TYPE_CHECKING:
    from dashboard.figures import objects as go
    from vae_core.labs.gradient_sign import SignedTrainings
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
        figure: Shown below the numbers, with its description for those who cannot see it.
    """

    mistake: str
    about: str
    source: str
    printed: str
    right: str
    printed_value: str
    right_value: str
    why: str
    figure: "tuple[go.Figure, str] | None" = None


@st.fragment
def draw_misprints() -> None:
    """The cards, two in a row."""
    last = cached.num_examples() - 1
    index = number_between("Example", 0, last, key="misprint_example", help_text=EXAMPLE_HELP)
    state.draw_address("misprints")
    found = cached.misprints(index)
    cards = [*_kl(found), *_bound(found), *_posterior(found), *_variance(found), *_density(found)]
    cards += [_gradient_sign(cached.signed_trainings()), *_products(found), *_expectations(found)]
    cards += _names(found)
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
    if card.figure is not None:
        figure, alt = card.figure
        draw_chart(figure, key=f"misprint_figure_{number}", alt=alt)
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


def _gradient_sign(found: "SignedTrainings") -> Card:
    start, climbed, fell = float(found.climbing[0]), float(found.climbing[-1]), float(found.falling[-1])
    last = int(found.steps[-1])
    figure = signs_figure(
        found.steps.numpy(), found.climbing.numpy(), found.falling.numpy(), theme=state.theme_name()
    )
    alt = f"Held-out ELBO from {start:.1f} nats: θ + αd climbs to {climbed:.1f}, θ − αd falls to {fell:.3g}."
    return Card(
        "Gradient step with the wrong sign",
        "The stochastic gradient step",
        "002, the stochastic gradient method",
        r"d = \tfrac1{|S|}\sum_{d\in S}\nabla_\theta\mathrm{LB}_d,\qquad \theta := \theta - \alpha d",
        r"\theta := \theta + \alpha d",
        f"{_short(fell)} nats",
        f"{signed(climbed, 1)} nats",
        f"d points up the bound, which is to be maximised: θ − αd goes down. Two trainings on digits, {last} "
        f"steps each, from the same weights ({signed(start, 1)} nats), with the same mini-batches, noise and "
        "α. With a minus sign d must be the gradient of the loss, −LB.",
        (figure, alt),
    )


def _short(value: float) -> str:
    """Three figures, as a power of ten where it is long."""
    return signed(value, 1) if abs(value) < 1e5 else rounded(value, 2)


def _products(found: "Misprints") -> list[Card]:
    outer = "; ".join(", ".join(signed(value, 2) for value in row) for row in found.mean_outer)
    dims = len(found.minus_gradient)
    return [
        Card(
            "Inner product inside the trace",
            "The quadratic term of log q",
            "000, section 3.2.2",
            r"\tfrac12\mathrm{tr}\,\Sigma^{-1}\mathbb{E}_q[(z-\mu)^{\!\top}(z-\mu)] = \tfrac J2",
            r"\tfrac12\mathrm{tr}\,\Sigma^{-1}\mathbb{E}_q[(z-\mu)(z-\mu)^{\!\top}] = \tfrac J2",
            f"{found.quadratic_printed:.3f}",
            f"{found.quadratic:.3f}",
            f"J = {dims}. The expectation must be the matrix Σ. The inner product is one number, the sum of "
            "the σ²: both agree only where J = 1, and with σ = (0.5, 2) the printed one is 9.03 in place of "
            "1.",
        ),
        Card(
            "Outer product for a squared length",
            "The KL with σ = 1",
            "002, the KL",
            r"\mathrm{KL} = \tfrac12\,\mu\mu^{\!\top}",
            r"\mathrm{KL} = \tfrac12\,\mu^{\!\top}\mu",
            f"{dims} × {dims} numbers",
            f"{found.mean_inner:.3f} nats",
            f"What is printed is a {dims} × {dims} matrix, ({outer}) row by row. A KL is one number: the sum "
            "of its diagonal.",
        ),
        Card(
            "One noise for all dimensions",
            "The noise of the sample",
            "000, section 4.3.1",
            r"z_j = \mu_j + \varepsilon\,\sigma_j",
            r"z_j = \mu_j + \varepsilon_j\,\sigma_j",
            f"corr {signed(found.correlation_printed, 3)}",
            f"corr {signed(found.correlation, 3)}",
            f"Correlation of z{subscript(1)} and z{subscript(2)} over 100 000 draws. With one ε all z lie on "
            "a line; q has a diagonal covariance, so its dimensions are independent. (Equations 24, 26, 27 "
            "and 29 count ε past J, too.)",
        ),
    ]


def _expectations(found: "Misprints") -> list[Card]:
    sampled = f"{signed(found.reconstruction_sampled, 2)} ± {2 * found.reconstruction_error:.2f}"
    (total, inside), (by_phi, held) = found.by_theta, found.by_phi
    return [
        Card(
            "A closed form where there is none",
            "The two terms of the ELBO",
            "001, J₁ and J₂",
            r"J_1\ \text{and}\ J_2\ \text{have closed forms}",
            r"J_1 \approx \tfrac1M\textstyle\sum_m\log p(x|z_m)",
            f"{signed(found.at_mean, 2)} nats",
            f"{signed(found.reconstruction, 2)} nats",
            "The decoder is a network: its expectation has no closed form. As printed: log p(x|μ), the value "
            f"at the mean. Right: by quadrature. 10 000 samples give {sampled}.",
        ),
        Card(
            "The wrong parameter in trouble",
            "Which gradient passes through the expectation",
            "003, the gradient of an expectation",
            r"\nabla_\theta\,\mathbb{E}_{q_\phi}[\log p_\theta(x|z)] \ne "
            r"\mathbb{E}_{q_\phi}[\nabla_\theta\log p_\theta(x|z)]",
            r"\nabla_\phi\,\mathbb{E}_{q_\phi}[\log p_\theta(x|z)] \ne "
            r"\mathbb{E}_{q_\phi}[\nabla_\phi\log p_\theta(x|z)]",
            f"{signed(total, 3)} ≠ {signed(inside, 3)}",
            f"{signed(by_phi, 3)} ≠ {signed(held, 3)}",
            "Both sides, by the bias of one pixel (θ) and by μ₁ (φ): left a difference quotient of the "
            "expectation, right the mean of the derivatives. q does not contain θ, so the two agree; φ is in "
            "q, and the samples alone do not know it. Reparameterisation mends that.",
        ),
    ]


def _names(found: "Misprints") -> list[Card]:
    (elbo, wide_elbo), (here, there) = found.elbo, found.integrand
    return [
        Card(
            "Minimise for maximise",
            "What is done with the ELBO",
            "000, heading of section 3.2",
            r"\min_{\theta,\phi}\ \mathrm{ELBO}",
            r"\max_{\theta,\phi}\ \mathrm{ELBO}",
            f"{signed(min(elbo, wide_elbo), 2)} nats",
            f"{signed(max(elbo, wide_elbo), 2)} nats",
            "Of the encoder's q and one twice as wide, the one that each would choose. log p(x) is "
            f"{signed(found.log_evidence, 2)} nats: the smaller ELBO is further from it, and there is no "
            "smallest.",
        ),
        Card(
            "The posterior in the encoder's place",
            "What the encoder gives",
            "002, the encoder",
            r"\text{encoder: } p(z|x) = \mathcal{N}(\mu(x), \mathrm{diag}\,\sigma^2(x))",
            r"\text{encoder: } q(z|x) = \mathcal{N}(\mu(x), \mathrm{diag}\,\sigma^2(x))",
            f"{signed(found.log_evidence, 3)} nats",
            f"{signed(elbo, 3)} nats",
            "The bound that each would have. With the posterior the ELBO is log p(x) itself; the encoder's q "
            f"only approximates it, and its ELBO is {found.gap:.3f} nats below.",
        ),
        Card(
            "Integral over the wrong variable",
            "The KL as an integral",
            "003, the KL",
            r"-\mathrm{KL} = \int q(z)\,(\log p(z) - \log q(z))\,dx",
            r"-\mathrm{KL} = \int q(z)\,(\log p(z) - \log q(z))\,dz",
            f"{signed(here, 2)} or {signed(there, 2)}",
            f"{signed(found.minus_kl, 3)} nats",
            "There is no x in the integrand: over all images with pixels in [0, 1] the integral is the "
            "integrand itself, another value at each z (as printed: at μ and at μ + σ). Over z it is one "
            "number.",
        ),
        Card(
            "A sum with another end",
            "The squared error of an image",
            "000, equation 22",
            r"\tfrac12\sum_{i=1}^{Q}(x_i-y_i)^2",
            r"\tfrac12\sum_{i=1}^{D}(x_i-y_i)^2",
            f"{found.squares_printed:.3f}",
            f"{found.squares:.3f}",
            "The document has no Q; the sum is over the D pixels. As printed, with Q = J, it leaves out "
            "nearly all of the image. Both at z = μ.",
        ),
    ]
