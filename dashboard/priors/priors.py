"""Other priors for the example model, which is not trained again: only KL(q(z) ‖ p(z)) changes."""

from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.components.chart.element import draw_chart
from dashboard.figures.priors import plane_figure
from dashboard.formats import margin, shown_difference, shown_sum, signed, with_error
from dashboard.pictures import sheet, show
from dashboard.priors import cached
from dashboard.priors.cached import NUM_DECODED, NUM_SAMPLES, FittedView
from dashboard.shell import state
from dashboard.shell.choice import one_of_numbers
from dashboard.subject import pretrained
from dashboard.tables import draw_table

if TYPE_CHECKING:
    from vae_core.labs.priors.fitted import PriorEvaluation
    from vae_core.latent.aggregate import Estimate

TITLES: Final = {"standard_normal": "N(0, I)", "mixture": "mixture", "vamp": "VampPrior"}
FITTED_HELP: Final = (
    r"$\mathrm{ELBO} = \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,p(z))$, and the mean KL is "
    r"$I_q(x;z) + \mathrm{KL}(q(z)\,\|\,p(z))$ with the aggregate posterior "
    r"$q(z) = \tfrac1n\sum_i q(z|x_i)$. A prior changes the last term alone. "
    "**Mixture**: Gaussians fitted by EM to one sample of each training "
    r"q(z|x). **VampPrior** (Tomczak and Welling 2018): $p(z) = \tfrac1K\sum_k q(z|u_k)$, here with training "
    r"images as the pseudo-inputs $u_k$."
)
K_HELP: Final = (
    "K, the components of the mixture and the pseudo-inputs of the VampPrior. With all training images as "
    "pseudo-inputs the VampPrior is their aggregate posterior."
)
COUNTS: Final = (1, 2, 5, 10, 20, 50, 100, 200)
IN_A_ROW: Final = 8


@st.fragment
def draw_priors() -> None:
    """Three priors beside each other: their densities, draws, bounds."""
    num_components = one_of_numbers("Components or pseudo-inputs K", COUNTS, key="prior_k", help_text=K_HELP)
    state.draw_address("priors")
    found = cached.fitted_views(num_components)
    means = cache.encoded(pretrained()).means
    for column, (name, view) in zip(st.columns(3), found.items(), strict=True):
        with column:
            _prior(name, view, means)
    st.caption(
        "Lines: log p(z) = −7, −6, … nats, the same in all three. Dots: posterior means of held-out digits. "
        f"Crosses: centres of the prior. Below each: {NUM_DECODED} decoded draws from it."
    )
    _draw_bounds(found)


def _prior(name: str, view: FittedView, means: NDArray[np.float32]) -> None:
    title, kl = TITLES[name], view.numbers.fit.marginal_kl
    st.markdown(f"**{title}** · KL(q(z) ‖ p(z)) = **{signed(kl.value, 3)}** nats")
    figure = plane_figure(view.density, means, view.centres, theme=state.theme_name())
    alt = (
        f"{title}: contours of its density over the posterior means; marginal KL {signed(kl.value, 3)} nats."
    )
    draw_chart(figure, key=f"prior_{name}", alt=alt)
    pixels = sheet(view.samples, (8, 8), size=48, in_a_row=IN_A_ROW)
    show(pixels, alt=f"Decoded draws from {title}.", width="stretch")


def _draw_bounds(found: dict[str, FittedView]) -> None:
    normal = found["standard_normal"].numbers
    all_numbers = [view.numbers for view in found.values()]
    rows = {
        "recon\u00adstruction": [signed(numbers.reconstruction, 3) for numbers in all_numbers],
        "mutual information": [f"{numbers.fit.mutual_information.value:.3f}" for numbers in all_numbers],
        "KL(q(z) ‖ p(z))": [_with_error(numbers.fit.marginal_kl) for numbers in all_numbers],
        "**held-out ELBO**": [_elbo(numbers, normal) for numbers in all_numbers],
        "gain over N(0, I)": ["–", *(_with_error(_gain(numbers, normal)) for numbers in all_numbers[1:])],
    }
    head = ("nats per example", *(TITLES[name].replace("Prior", "") for name in found))  # a phone is narrow
    draw_table(head, ((label, *cells) for label, cells in rows.items()), title="The bound under each prior")
    _verdict(found, normal)


def _verdict(found: dict[str, FittedView], normal: "PriorEvaluation") -> None:
    best = max(("mixture", "vamp"), key=lambda name: float(found[name].numbers.elbo.mean()))
    gain = _with_error(_gain(found[best].numbers, normal))
    fit = normal.fit
    st.markdown(
        f"Encoder and decoder are untouched, so the reconstruction is the same to the last digit. The "
        f"{TITLES[best]} changes the ELBO by **{gain}** nats, what it takes from KL(q(z) ‖ p(z)); "
        f"no prior can gain more on these examples than the **{fit.marginal_kl.value:.3f}** nats of "
        "KL(q(z) ‖ N(0, I))."
    )
    parts = (fit.mutual_information.value, fit.marginal_kl.value)
    estimated = f"{shown_sum(fit.kl.value, *parts, digits=3):.3f}"
    exact = f"{normal.reconstruction - float(normal.elbo.mean()):.3f}"
    st.caption(
        f"Nats per example, {len(normal.elbo)} held-out digits, M = {NUM_SAMPLES} samples of z each, the "
        "same for all priors; ± is the standard error over the digits, for this one model. Mutual "
        f"information and KL(q(z) ‖ p(z)) are estimated from these z: under N(0, I) they sum to {estimated}; "
        f"the ELBO has the KL in closed form, {exact}, and under another prior it plus the mean of "
        "log N(z; 0, I) − log p(z)."
    )


def _gain(numbers: "PriorEvaluation", normal: "PriorEvaluation") -> "Estimate":
    """The difference of the KL(q(z) || p(z)) that the table shows, and its standard error over the pairs."""
    less = shown_difference(normal.fit.marginal_kl.value, numbers.fit.marginal_kl.value, 3)
    return numbers.gain(normal)._replace(value=less)


def _elbo(numbers: "PriorEvaluation", normal: "PriorEvaluation") -> str:
    """The ELBO under N(0, I) and the gain over it, in the digits that the table shows."""
    value = round(float(normal.elbo.mean()), 3) + _gain(numbers, normal).value
    error = float(numbers.elbo.std()) / len(numbers.elbo) ** 0.5
    return with_error(f"**{signed(value, 3)}**", margin(error, 3))


def _with_error(estimate: "Estimate") -> str:
    return with_error(signed(estimate.value, 3), margin(estimate.standard_error, 3))
