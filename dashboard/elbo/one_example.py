"""The bound of one example: how far it is from log p(x), and why."""

from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import Encoded, mean
from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.elbo import gaps
from dashboard.elbo.ahead import examples_ahead
from dashboard.elbo.cached import Example
from dashboard.figures.elbo import histogram_figure
from dashboard.figures.evidence import bound_figure, importance_figure, samples_figure
from dashboard.figures.posterior import posterior_figure
from dashboard.formats import rounded, shown_difference, shown_sum, signed
from dashboard.pictures import show_examples
from dashboard.shell import state
from dashboard.shell.choice import choose_example
from dashboard.subject import Split, Subject

if TYPE_CHECKING:
    from vae_core.evidence.exact import Evidence

DIGITS: Final = 3
"""Decimals of the numbers of one example, on every view."""
EXAMPLE_HELP: Final = (
    "Choose an example: its log p(x), its true posterior, its bounds. Arrow keys move by one."
)
IDENTITY_HELP: Final = (
    r"$\log p(x) = \mathrm{ELBO}(x) + \mathrm{KL}(q(z|x)\,\|\,p(z|x))$: three numbers, each measured "
    "separately. KL(q ‖ true posterior) is what the bound misses; KL(q ‖ prior) is one of its two terms."
)
POSTERIOR_HELP: Final = (
    r"$p(z|x) = p(x|z)\,p(z)/p(x)$ on a grid, and the encoder's $q(z|x)$ with 1 and 2 standard deviations, "
    "to scale; of a flow or a mixture the curves that hold as much of it, 39 and 86 %."
)
IMPORTANCE_HELP: Final = (
    r"$\log\tfrac1K\sum_k p(x,z_k)/q(z_k|x)$, $z_k \sim q$: the ELBO at K = 1, rising to log p(x) with K "
    "(Burda, Grosse and Salakhutdinov 2016). Bars are two standard errors: by chance an estimate may "
    "lie above log p(x), the bound itself never does."
)
SAMPLES_HELP: Final = (
    r"$\log p(x|z_m)$ of samples $z_m \sim q(z|x)$: their mean is the reconstruction term, their spread is "
    "why an estimate with M = 1 is noisy."
)
OTHERS_HELP: Final = (
    "The ELBO of every example, with the same M: the better the bound, the further to the right."
)


@st.fragment
def draw(shown: Subject, split: Split, terms: Encoded, num_samples: int) -> None:
    """The choice of the example and all about it; another one draws this part alone.

    Arguments:
        shown: The model.
        split: Which examples.
        terms: Of them, with M samples each.
        num_samples: M.
    """
    index = choose(shown, split)
    examples_ahead().look(shown, split, index)
    example = cache.example(shown, split, index)
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with left:
        reconstruction(example.x_and_decoded, example.class_name, shown)
    with right:
        result = gaps.result_of(shown, split)
        _identity(example, shown, None if result is None else result["best_elbo"][index : index + 1])
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("q beside the true posterior", help=shown.written(POSTERIOR_HELP))
        _posterior(example, shown)
    with right:
        st.header("Importance-weighted bound", help=shown.written(IMPORTANCE_HELP))
        _importance(example, shown)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Reconstruction by sample", help=shown.written(SAMPLES_HELP))
        _samples(example, shown, num_samples)
    with right:
        st.header("ELBO of all examples", help=OTHERS_HELP)
        shown_mean = shown_difference(mean(terms.reconstruction), mean(terms.kl))  # as All examples has it
        figure = histogram_figure(terms.elbo, index, mean=shown_mean, theme=state.theme_name())
        alt = f"Histogram of the ELBO of each example; this one has {signed(terms.elbo[index])} nats."
        draw_chart(figure, key="histogram", alt=alt)


def choose(shown: Subject, split: Split) -> int:
    """The slider of the example, the same in all views; a link names the example, too."""
    count = len(shown.examples(split)[0])
    return choose_example(f"elbo_example_{split}", count, shown.written(EXAMPLE_HELP))


def reconstruction(x_and_decoded: NDArray[np.float32], class_name: str, shown: Subject) -> None:
    """An example beside E[x|z] at its posterior mean, shape (2, D), and its class where it has one."""
    alt = shown.written("The example, and E[x|z] at its posterior mean.")
    names = ("x", "decoded")
    shape, columns = shown.image_shape, shown.columns
    show_examples(x_and_decoded, shape, size=160, gap=12, alt=alt, names=names, columns=columns)
    said = [f"Class **{class_name}**"] if class_name else []
    if shape is not None:  # points have their names beside them
        said.append("left the example, right its reconstruction")
    if said:
        sentence = "; ".join(said)
        st.markdown(f"{sentence[0].upper()}{sentence[1:]}.")


def shown_bound(example: Example) -> float:
    """The bound in the digits of every view: where it is exact, the difference of its shown terms."""
    if example.evidence is None:
        return round(example.elbo, DIGITS)
    return shown_difference(float(example.evidence.reconstruction), example.kl, DIGITS)


def shown_evidence(example: Example) -> float:
    """log p(x) in the digits of every view: the sum of what is shown of the bound and of the gap (J ≤ 2)."""
    assert example.evidence is not None
    gap = float(example.evidence.kl_to_posterior)
    return shown_sum(float(example.evidence.log_evidence), shown_bound(example), gap, digits=DIGITS)


def _identity(example: Example, shown: Subject, best_elbo: NDArray[np.float64] | None) -> None:
    exact = example.evidence
    if exact is None:
        st.metric(shown.bound_name, f"{signed(example.elbo, DIGITS)} nats", help=shown.written(IDENTITY_HELP))
        st.info(
            f"With J = {len(example.mean)} no grid is fine enough for the exact {shown.written('log p(x)')} "
            "(J ≤ 2): the "
            "importance-weighted bound below stands in for it, and **All examples** has annealed importance "
            "sampling."
        )
        return
    best = None if best_elbo is None or not len(best_elbo) else float(best_elbo[0])
    divergence = float(exact.kl_to_posterior)
    elbo, total = shown_bound(example), shown_evidence(example)
    # The digits of the sentence below it: a sum of rounded numbers may differ from the rounded sum.
    figure = bound_figure(elbo, best, total, theme=state.theme_name())
    alt = f"ELBO {signed(elbo, 3)}, log p(x) {signed(total, 3)}, gap {signed(divergence, 3)} nats."
    draw_chart(figure, key="bound", alt=alt, words=shown.written)
    st.markdown(
        f"{shown.written('log p(x)')} **{signed(total, DIGITS)}** = ELBO **{signed(elbo, DIGITS)}** + "
        f"KL(q ‖ true posterior) **{divergence:.{DIGITS}f}** nats",
        help=shown.written(IDENTITY_HELP),
    )
    more = "" if best is not None else " **All examples** splits it into amortisation and approximation gap."
    st.caption(shown.written(_how(example, exact)) + more)


def _how(example: Example, exact: "Evidence") -> str:
    residual = rounded(abs(float(exact.log_evidence) - example.elbo - float(exact.kl_to_posterior)), 1)
    return (
        f"Reconstruction {signed(float(exact.reconstruction), DIGITS)} − KL(q ‖ prior) "
        f"{example.kl:.{DIGITS}f} = ELBO. "
        f"By quadrature, with estimated errors: log p(x) {rounded(float(exact.error), 1)}, ELBO "
        f"{rounded(float(exact.elbo_error), 1)}, KL(q ‖ true posterior) "
        f"{rounded(float(exact.kl_to_posterior_error), 1)} nats; the sum above holds to within {residual} "
        "nats."
    )


def _posterior(example: Example, shown: Subject) -> None:
    grid = example.posterior
    if grid is None:
        st.info("A picture of the true posterior needs J = 1 or 2.")
        return
    figure = posterior_figure(
        [axis.numpy() for axis in grid.axes],
        grid.log_density.numpy(),
        {"encoder's q(z|x)": example.q},
        titles=[f"z<sub>{dim + 1}</sub>" for dim in range(len(grid.axes))],
        theme=state.theme_name(),
    )
    where = ", ".join(
        f"{signed(mean)} ± {std:.2f}" for mean, std in zip(example.mean, example.std, strict=True)
    )
    tilt = correlation_text(example.q.factor)
    alt = f"The true posterior of this example as contours, and q at {where}{tilt}."
    draw_chart(figure, key="posterior", alt=alt, words=shown.written)


def correlation_text(factor: NDArray[np.float32] | None) -> str:
    """What is said of a q with a full covariance matrix in the plane."""
    if factor is None or len(factor) != 2:
        return ""
    covariance = factor @ factor.T
    rho = float(covariance[0, 1]) / float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return f", correlation {signed(rho)}"


def _importance(example: Example, shown: Subject) -> None:
    curve = example.curve
    figure = importance_figure(
        curve.sample_counts,
        curve.bounds.numpy(),
        curve.standard_errors.numpy(),
        elbo=shown_bound(example),
        log_evidence=None if example.evidence is None else shown_evidence(example),
        theme=state.theme_name(),
    )
    largest, count = float(curve.bounds[-1]), curve.sample_counts[-1]
    alt = f"The bound with K = {count}: {signed(largest, 3)} nats."
    draw_chart(figure, key="importance", alt=alt, words=shown.written)
    goal = "the bound of the largest K" if example.evidence is None else shown.written("log p(x)")
    if curve.enough is None:
        verdict = f"Even K = {count:,} is not enough: q has little mass where the posterior has most."
    else:
        verdict = f"K = {curve.enough:,} comes within 0.05 nats of {goal}."
    st.caption(f"{verdict} Effective samples: {curve.effective_sample_size:,.0f} of {count:,}.")


def _samples(example: Example, shown: Subject, num_samples: int) -> None:
    values = example.curve.log_likelihoods.numpy()
    figure = samples_figure(values, theme=state.theme_name())
    spread = f"{signed(values.mean())} ± {values.std():.2f}"
    alt = f"Histogram of log p(x|z) of {len(values)} samples of z: {spread} nats."
    draw_chart(figure, key="samples", alt=alt, words=shown.written)
    st.caption(
        f"{len(values):,} samples, standard deviation {values.std():.2f} nats; the mean of M = {num_samples} "
        f"has a standard error of {values.std() / num_samples**0.5:.2f} nats."
    )
