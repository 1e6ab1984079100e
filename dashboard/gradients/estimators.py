"""Gradient estimators: of a one-line function whose truth is known, and of the ELBO of this model's datum."""

from typing import Final

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard.elbo import one_example as elbo_datum
from dashboard.gradients import cached_estimators as cache_estimators
from dashboard.gradients import estimators_precise
from dashboard.gradients.estimators_account import Scene, draw_scene
from dashboard.gradients.estimators_measured import SAMPLE_COUNTS
from dashboard.shell import header
from dashboard.shell.choice import one_of
from dashboard.subject import Split, Subject
from vae_core.errors import BadInput

MEASURED: Final = {"function": "a one-line function", "elbo": "the ELBO of one example"}
SPLIT: Final[Split] = "held_out"
FORMS: Final = {
    True: "f = log p(x|z), the KL is in closed form.",
    False: "f = log p(x, z), the entropy of q is in closed form.",
}
WHAT_HELP: Final = (
    r"$\nabla_{\mu,\sigma}\,\mathbb{E}_{z\sim\mathcal{N}(\mu,\sigma^2)}[f(z)]$ with f of one line, whose "
    r"truth is known; or $\nabla\,\mathrm{ELBO}(x)$ with $f(z) = \log p(x|z)$ and the KL in closed form."
)
FUNCTION_HELP: Final = "Adding 10 changes no gradient, but see the score function. The step has no slope."
MEAN_HELP: Final = r"Mean of $q(z) = \mathcal{N}(z;\mu,\sigma^2)$."
STD_HELP: Final = "Standard deviation of q. Derivatives are by σ itself, not by log σ."
SAMPLES_HELP: Final = (
    r"Samples of z in one estimate: $\tfrac1M\sum_m$. The variance of such a mean falls as 1/M."
)
ERROR_HELP: Final = (
    r"Document 003 prints $z = \mu + \sigma^2\varepsilon$. Right is $z = \mu + \sigma\varepsilon$: only then "
    r"$z\sim\mathcal{N}(\mu,\sigma^2)$."
)
DIM_HELP: Final = "Whose μ and σ: the derivatives of one latent dimension are shown."
ABOUT_HELP: Final = (
    r"$\nabla\,\mathbb{E}_q[f]$: q itself depends on μ and σ. **Reparameterisation** "
    r"$\mathbb{E}_\varepsilon[\nabla f(\mu+\sigma\varepsilon)]$. **Score function** "
    r"$\mathbb{E}_q[f\,\nabla\log q]$; a **baseline** b takes $f - b$ (mean of f over the other samples; "
    r"for M = 1 over one more sample). **Samples as constants** drop the term. Kingma and Welling 2014; "
    "Williams 1992; Kool et al. 2019."
)


def draw() -> None:
    """What is measured is chosen, then all about it."""
    st.subheader("Four ways to a gradient through a sample", help=ABOUT_HELP)
    what = one_of("What is measured", MEASURED, key="estimators_of", help_text=WHAT_HELP)
    if what == "function":
        _function()
        return
    shown = header.subject()
    if shown.config.model.encoder_head == "deterministic":
        st.warning("A deterministic encoder has no q(z|x): no samples, nothing to estimate.")
    elif not np.isfinite(cache.encoded(shown, SPLIT).reconstruction).all():
        st.error("This run has diverged: its gradient is not finite. Train with a smaller learning rate.")
    else:
        _datum(shown)


@st.fragment
def _function() -> None:
    formulas = {formula: formula for formula in cache_estimators.functions()}
    formula = one_of("f(z)", formulas, key="estimators_f", help_text=FUNCTION_HELP)
    mean, std, count = _sliders()
    with_error = _error()
    draw_scene(
        Scene(
            measured=cache_estimators.function(formula, mean, std),
            cost=cache_estimators.function_cost(formula),
            sweep=cache_estimators.function_sweep(formula, mean),
            count=count,
            with_error=with_error,
            std=std,
            target="E[f(z)]",
            dimension="",
            unit="",
            form="",
            has_slope=cache_estimators.functions()[formula].has_slope,
        )
    )


def _sliders() -> tuple[float, float, int]:
    left, middle, right = st.columns(3, gap="medium")
    mean = left.slider(
        "μ", -3.0, 3.0, 0.7, 0.1, key="estimators_mean", help=MEAN_HELP, persist_state="session"
    )
    std = middle.slider(
        "σ", 0.1, 2.0, 0.5, 0.05, key="estimators_std", help=STD_HELP, persist_state="session"
    )
    with right:
        return mean, std, _samples()


@st.fragment
def _datum(shown: Subject) -> None:
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with right:
        index = elbo_datum.choose(shown, SPLIT)
        dim = _dimension(shown)
        count = _samples()
        with_error = _error()
    with left:
        elbo_datum.picture(shown, SPLIT, index)
    if shown.config.model.encoder_head == "unit_variance":
        st.info("This encoder fixes σ = 1: the gradient by σ exists, and nothing learns from it.")
    try:
        scene = _scene(shown, index, dim, count, with_error=with_error)
    except BadInput as err:
        st.error(str(err))
        return
    draw_scene(scene, precise=lambda: estimators_precise.draw(shown, SPLIT, index))


def _scene(shown: Subject, index: int, dim: int, count: int, *, with_error: bool) -> Scene:
    measured, sweep = cache_estimators.datum(shown, SPLIT, index, dim), None
    if with_error and measured.squared_truth is not None:
        sweep = cache_estimators.datum_sweep(shown, SPLIT, index, dim)
    return Scene(
        measured=estimators_precise.refined(measured, shown, SPLIT, index, dim),
        cost=cache_estimators.datum_cost(shown),
        sweep=sweep,
        count=count,
        with_error=with_error,
        std=float(cache.encoded(shown, SPLIT).stds[index, dim]),
        target="ELBO",
        dimension=str(dim + 1) if shown.config.model.latent_dim > 1 else "",
        unit=", nats",
        form=FORMS[shown.config.model.prior == "standard_normal"],
        has_slope=True,
    )


def _samples() -> int:
    return st.select_slider(
        "Samples M", SAMPLE_COUNTS, 8, key="estimators_samples", help=SAMPLES_HELP, persist_state="session"
    )


def _error() -> bool:
    return st.toggle(
        "Add the error z = μ + σ² ε", key="estimators_error", help=ERROR_HELP, persist_state="session"
    )


def _dimension(shown: Subject) -> int:
    latent_dim = shown.config.model.latent_dim
    if latent_dim == 1:
        return 0
    per_dim = cache.encoded(shown, SPLIT).kl_per_dim
    # A prior without a closed form has no KL by dimension.
    most_used = int(per_dim.mean(0).argmax()) + 1 if per_dim.shape[1] else 1
    key = f"estimators_dim_{latent_dim}"
    return (
        st.slider(
            "Latent dimension", 1, latent_dim, most_used, key=key, help=DIM_HELP, persist_state="session"
        )
        - 1
    )
