"""Units and pitfalls: loss reductions, entropy of grey pixels, densities, bits, posterior collapse."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import streamlit as st

from dashboard.cached import Encoded, mean
from dashboard.components.chart.element import draw_chart
from dashboard.elbo import cached as cache
from dashboard.figures.rates import collapse_figure
from dashboard.formats import rounded, shown_difference, signed
from dashboard.shell import state
from dashboard.shell.choice import one_of, switch
from dashboard.shell.pages import to_train
from dashboard.subject import Split, Subject

if TYPE_CHECKING:
    from vae_core.labs.loss_conventions import Program

REDUCTIONS_HELP: Final = (
    r"A loss $-a\,\mathbb{E}_q[\log p(x|z)] + \beta\, b\,\mathrm{KL}$ trains with $\beta\, b / a$, whatever "
    "β its author wrote. Averaging over pixels divides the reconstruction alone. A KL times 0.00025 "
    r"beside the mean squared error of $D = 12\,288$ values, as one program has it, is that of "
    r"$\beta = 0.00025 \cdot D/2 = 1.5$ with $s = 1$."
)
FLOOR_HELP: Final = (
    r"$\max_y\, x\log y + (1-x)\log(1-y) = -H(x)$ at $y = x$: for a grey pixel that is below 0, so the "
    "cross-entropy of a perfect picture is not 0."
)
DENSITY_HELP: Final = (
    r"$\log\mathcal{N}(x; x, s^2 I) = -D\log s - \tfrac{D}{2}\log 2\pi$: above 0 for $s < 0.399$. "
    "A density may exceed 1: a negative loss is no error."
)
BITS_HELP: Final = (
    r"$-\mathrm{ELBO} / (D \log 2)$: the length of a code for one value, where they are 0 and 1 (**Nats as "
    "bytes** writes it). Of grey pixels it is the cross-entropy, with the limit H(x) above."
)
DENSITY_BITS_HELP: Final = (
    r"$-\mathrm{ELBO} / (D \log 2)$, of a density: below 0 where that is above 1. A code for values that are "
    r"rounded to steps of $\Delta$ takes about $\log_2\tfrac1\Delta$ bits more for each."
)
COLLAPSE_HELP: Final = (
    r"A linear VAE with likelihood $\mathcal{N}(Wz+m, s^2I)$ keeps dimension $j$ iff "
    r"$\lambda_j > \beta s^2$, with $\mathrm{KL}_j = \tfrac12\log\frac{\lambda_j}{\beta s^2}$; "
    r"$\lambda_j$: eigenvalues of the training data's covariance (Lucas et al. 2019). Where the encoder "
    r"fixes $\sigma = 1$, $\mathrm{KL}_j = \tfrac12(\sqrt{\lambda_j / \beta s^2} - 1)$."
)


@st.fragment
def reductions(shown: Subject, terms: Encoded) -> None:
    """The loss and the effective β of a program that sums or averages as the switches say."""
    columns = st.columns(4)
    with columns[0]:
        pixels = _switch(
            shown, f"Reconstruction, over {'values' if shown.image_shape is None else 'pixels'}", "pixels"
        )
    with columns[1]:
        batch = _switch(shown, "Reconstruction, over the batch", "batch")
    with columns[2]:
        latent = _switch(shown, "KL, over dimensions", "latent")
    with columns[3]:
        kl_batch = _switch(shown, "KL, over the batch", "kl_batch")
    squared = False
    if shown.config.model.likelihood == "gaussian":
        squared = switch(
            shown.written("Squared error in place of −log p(x|z)"),
            key="reduce_squared",
            help_text=r"As `mse_loss`: without $\tfrac{1}{2s^2}$ and without the constant.",
        )
    state.draw_address("reductions")
    how: dict[str, Any] = {"pixels": pixels, "latent": latent, "batch": batch, "kl_batch": kl_batch}
    _verdict(shown, terms, how, squared=squared)


def _switch(shown: Subject, label: str, key: str) -> str:
    return one_of(
        label,
        {"sum": "sum", "mean": "mean"},
        key=f"reduce_{key}",
        help_text=shown.written(REDUCTIONS_HELP),
    )


def _verdict(shown: Subject, terms: Encoded, how: dict[str, Any], *, squared: bool) -> None:
    from vae_core.labs.loss_conventions import Program

    config, beta = shown.config, shown.beta_in_force
    program = Program(
        data_dim=config.model.data_dim,
        latent_dim=config.model.latent_dim,
        batch_size=config.train.batch_of(len(shown.data.x_train)),
        scale=shown.likelihood_scale if squared else None,
        **how,
    )
    _show_verdict(program, mean(terms.reconstruction), mean(terms.kl), beta)


def _show_verdict(program: "Program", reconstruction: float, kl: float, beta: float) -> None:
    effective = program.effective_beta(beta)
    left, right = st.columns(2)
    loss = signed(program.loss(reconstruction, kl, beta), 4)
    left.metric("Loss that such a program prints", loss, border=True)
    right.metric("Effective β", f"{rounded(effective, 4)}", border=True)
    if np.isclose(effective, beta):
        st.caption(f"The same direction as our objective with β = {beta:g}, up to one factor.")
        return
    st.caption(
        f"Its author wrote β = {beta:g}; the gradient is that of β = {rounded(effective, 4)}: the KL weighs "
        f"{rounded(effective / beta)} times as much as intended "
        f"(D = {program.data_dim}, J = {program.latent_dim}, B = {program.batch_size})."
    )


def limits(shown: Subject, terms: Encoded) -> None:
    """How large the reconstruction term can become, and the ELBO in bits per dimension."""
    import torch

    from vae_core.labs.loss_conventions import bits_per_dim, entropy_floor, highest_density
    from vae_core.likelihoods import MIN_PIXEL_SCALE

    model, reconstruction = shown.config.model, mean(terms.reconstruction)
    if model.likelihood == "bernoulli":
        floors = [entropy_floor(torch.from_numpy(piece)) for piece in terms.x.pieces()]
        _floor(float(torch.cat(floors).mean()), reconstruction)
    elif model.likelihood == "gaussian":
        scale = shown.likelihood_scale
        best = f"{signed(highest_density(model.data_dim, scale))} nats"
        st.metric(
            shown.written(f"log p(x|z) of a perfect copy, s = {rounded(scale)}"),
            best,
            help=DENSITY_HELP,
            border=True,
        )
        st.markdown(f"The reconstruction is **{signed(reconstruction)}** nats. {_sign(reconstruction)}")
    elif model.likelihood == "gaussian_diagonal":
        best = f"{signed(highest_density(model.data_dim, MIN_PIXEL_SCALE))} nats"
        label = f"log p(x|z) of a perfect copy, every σ at its floor of {MIN_PIXEL_SCALE}"
        st.metric(shown.written(label), best, help=DENSITY_HELP, border=True)
        st.markdown(
            f"The reconstruction is **{signed(reconstruction)}** nats. {_sign(reconstruction)} A value that "
            "never changes is a perfect copy: its σ(z) falls to the floor and adds 3.69 nats, whatever the "
            "rest."
        )
    else:
        st.markdown(
            f"The reconstruction, of densities on [0, 1], is **{signed(reconstruction)}** nats. "
            f"{_sign(reconstruction)}"
        )
    bits = bits_per_dim(mean(terms.elbo), model.data_dim)
    st.metric(
        "−ELBO in bits per dimension",
        signed(bits, 4),
        help=BITS_HELP if model.likelihood == "bernoulli" else DENSITY_BITS_HELP,
        border=True,
    )


def _floor(floor: float, reconstruction: float) -> None:
    st.metric("Entropy of the pixels H(x)", f"{floor:.2f} nats", help=FLOOR_HELP, border=True)
    st.markdown(
        f"−reconstruction = **{-reconstruction:.2f}** nats can never fall below **{floor:.2f}**: "
        f"**{signed(shown_difference(-reconstruction, floor))}** nats are left to learn."
    )


def _sign(nats: float) -> str:
    return "Above 0: densities may exceed 1, a negative loss is no error." if nats > 0 else ""


def collapse(shown: Subject, split: Split) -> None:
    """Which dimensions a linear VAE would keep, beside the KL that was measured."""
    config = shown.config
    is_elbo = config.train.is_elbo and not config.train.free_bits
    is_predicted = config.model.has_kl_parts and not shown.is_deterministic and shown.y is None
    if config.model.likelihood != "gaussian" or not (is_predicted and is_elbo):
        st.info(
            "The prediction is for a Gaussian likelihood with one s, an encoder that gives a Gaussian, the "
            "prior N(0, I), and the objective ELBO without free bits, conditional on nothing."
        )
        settings = {"likelihood": "gaussian", "encoder_head": "log_variance", "prior": "standard_normal"}
        settings |= {"objective": "elbo", "condition": "none"}
        to_train("Set up a Gaussian run", **settings, free_bits=0.0)
        return
    if not shown.beta_in_force > 0:
        st.info("With β = 0 the objective has no KL term, so nothing collapses.")
        to_train("Set up a run with β = 1", beta=1.0)
        return
    found, measured = cache.predicted_collapse(shown), cache.kl_of_dimensions(shown, split)
    figure = collapse_figure(found.kl_per_dim.numpy(), measured, theme=state.theme_name())
    num_active, num_measured = int(found.is_active.sum()), int((measured > 0.01).sum())
    alt = f"Predicted active: {num_active}; measured with KL above 0.01: {num_measured}."
    draw_chart(figure, key="collapse", alt=alt)
    values = ", ".join(f"{rounded(value)}" for value in found.eigenvalues[:8].tolist())
    kind = "This model is linear: at the end of its training the two agree." if _is_linear(shown) else (
        "This model is not linear: it may keep what a linear one drops, and the other way round."
    )  # fmt: skip
    turned = (
        " Measured in the principal axes of the posterior means: this q may be rotated with the weights, "
        "which changes the parts of the KL and not their sum."
        if cache.is_free_to_turn(shown)
        else ""
    )
    st.caption(f"β s² = {rounded(found.threshold)}; λ = {values} of the training data. {alt} {kind}{turned}")


def _is_linear(shown: Subject) -> bool:
    return not shown.config.model.hidden_dims
