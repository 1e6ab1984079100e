"""Back-propagation by hand: a drawn network, one layer at a time, beside automatic differentiation."""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st

from dashboard import cached as cache
from dashboard.components.network.element import drawn_network
from dashboard.elbo import one_example as elbo_datum
from dashboard.figures.network.drawing import network_svg, said_of_cuts
from dashboard.formats import rounded
from dashboard.gradients import cached_back_propagation as cache_back_propagation
from dashboard.gradients.back_propagation_back import gradient_lines
from dashboard.gradients.back_propagation_beta import said_of_beta
from dashboard.gradients.back_propagation_pass import TOLERANCE, Pass
from dashboard.gradients.back_propagation_steps import moment_of, steps_of
from dashboard.gradients.back_propagation_table import (
    NO_PLACE,
    TABLE_HELP,
    applies,
    gradient_table,
    loss_terms,
)
from dashboard.gradients.back_propagation_walk import NETWORK, draw_stepper, formula_lines, pick_unit
from dashboard.gradients.cached_back_propagation import SmallNetwork
from dashboard.pictures import picture, show
from dashboard.shell import header, state
from dashboard.shell.choice import one_of
from dashboard.subject import Subject
from vae_core.config import Activation, EncoderHead, Likelihood

if TYPE_CHECKING:
    from vae_core.labs.gradients.backward import Slip

SUBJECTS: Final = {"small": "Small network", "current": "Current model"}
SUBJECT_HELP: Final = (
    "**Small network**: every number fits: digits averaged to 2 × 2 pixels, new weights. **Current model**: "
    "your run, or the model that ships; large layers are pictures."
)
HEADS: Final[dict[str, EncoderHead]] = {
    "log σ²": "log_variance",
    "σ² by softplus": "variance",
    "σ = 1": "unit_variance",
    "z = μ": "deterministic",
}
OUTPUTS: Final[dict[str, Likelihood]] = {
    "Bernoulli": "bernoulli",
    "Gaussian, s = 1": "gaussian",
    "continuous Bernoulli": "continuous_bernoulli",
}
ACTIVATIONS: Final[dict[str, Activation]] = {
    "tanh": "tanh",
    "ReLU": "relu",
    "SiLU": "silu",
    "softplus": "softplus",
}
SLIPS: Final[dict[str, "Slip | None"]] = {
    "none": None,
    "f_for_slope": "f_for_slope",
    "kl_sign": "kl_sign",
    "no_half": "no_half",
}
SLIP_LABELS: Final = {
    "none": "none",
    "f_for_slope": "f(u) for f′(u)",
    "kl_sign": "sign of the KL",
    "no_half": "no ½",
}
SLIP_HELP: Final = (
    "Errors that source document 000 prints. **f(u) for f′(u)**: in δ of the hidden layers (4.3.2, 4.3.3). "
    r"**Sign of the KL**: $+\tfrac12\sum(1+\log\sigma^2-\mu^2-\sigma^2)$ (equation 19). **No ½**: "
    r"$\log\mathcal{N} = -\lVert x-y\rVert^2$ (3.3.3). The forward pass stays right."
)
HEAD_HELP: Final = "What the encoder says of σ beside the mean μ."
NOISE_HELP: Final = "Seed of ε ~ N(0, I): another number, another z = μ + σ ⊙ ε."
LARGEST_SEED: Final = 999
PICTURE: Final = 104
"""Pixels; three stand beside each other on a phone."""


def draw() -> None:
    """The choice of the network, then its pass."""
    with st.container(horizontal=True, gap="medium"):
        subject = one_of("Network", SUBJECTS, key="bp_subject", help_text=SUBJECT_HELP)
        slip = SLIPS[one_of("Error of the document", SLIP_LABELS, key="bp_slip", help_text=SLIP_HELP)]
    if subject == "small":
        _small(slip)
    else:
        _current(header.subject(), slip)


@st.fragment
def _small(slip: "Slip | None") -> None:
    last = len(cache_back_propagation.digits()) - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        network = SmallNetwork(
            head=HEADS[_select("Encoder head", HEADS, "bp_head", HEAD_HELP)],
            likelihood=OUTPUTS[_select("Output", OUTPUTS, "bp_output", "The likelihood p(x|z).")],
            activation=ACTIVATIONS[
                _select("Activation", ACTIVATIONS, "bp_activation", "f of hidden layers.")
            ],
            seed=_number("Weights", "bp_seed", "Seed of the weights: another number, other weights."),
        )
        index = _number("Datum", "bp_datum", "A held-out digit, averaged to 2 × 2 pixels.", last)
        noise = _number("Noise ε", "bp_noise", NOISE_HELP)
    found = cache_back_propagation.small_pass(network, index, noise, slip)
    _pass(found, digit=index)


def _pictures(index: int, found: Pass) -> None:
    """The digit, its four pixels, and the four of the output."""
    shown = {
        "a digit": (cache_back_propagation.digits()[index], (8, 8)),
        "x: its quarters": (found.x, cache_back_propagation.SMALL_SHAPE),
        "y: the output": (found.columns[-1].h, cache_back_propagation.SMALL_SHAPE),
    }
    with st.container(horizontal=True):
        for name, (values, shape) in shown.items():
            with st.container(width=PICTURE, gap="xsmall"):
                show(picture(values.astype(np.float32), shape, size=PICTURE), alt=name)
                st.caption(name)


@st.fragment
def _current(shown: Subject, slip: "Slip | None") -> None:
    if not np.isfinite(cache.encoded(shown).reconstruction).all():
        st.error("This run has diverged: its weights are no finite numbers. Train with a smaller rate.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        index = elbo_datum.choose(shown, cache.HELD_OUT)
        noise = _number("Noise ε", "bp_noise", NOISE_HELP)
    beta = shown.beta_in_force
    found = cache_back_propagation.run_pass(shown, cache.HELD_OUT, index, noise, slip, beta)
    _pass(found, about="" if found.log_var is None else said_of_beta(shown.config.train, beta))


def _select(label: str, options: Iterable[str], key: str, help_text: str) -> str:
    return st.selectbox(label, tuple(options), key=key, help=help_text, width=170, persist_state="session")


def _number(label: str, key: str, help_text: str, largest: int = LARGEST_SEED) -> int:
    value = st.number_input(label, 0, largest, 0, key=key, help=help_text, width=130, persist_state="session")
    return int(value)


def _pass(found: Pass, digit: int | None = None, about: str = "") -> None:
    """The steps, the drawing, the step's formula, and the gradients."""
    steps = steps_of(found.columns)
    place, unit = draw_stepper(found.columns, steps, found.beta)
    moment, theme = moment_of(found.columns, steps, place, unit), state.theme_name()
    wide, tall = (
        network_svg(found.columns, moment, loss_terms(found), theme=theme, tall=tall)
        for tall in (False, True)
    )
    label = (
        f"Network with {len(found.columns)} layers, step {place + 1} of {len(steps)}: {steps[place].label}"
    )
    go = functools.partial(pick_unit, found.columns, steps, place)
    drawn_network(wide, tall, label=label, key=NETWORK, on_unit=go)
    if notes := " ".join(filter(None, (said_of_cuts(found.columns), about))):
        st.caption(notes)
    st.markdown("\n\n".join(f"${line}$" for line in formula_lines(found, steps[place], unit)))
    left, right = st.columns(2, gap="medium")
    with left:
        _verdict(found)
        st.markdown(gradient_table(found), help=TABLE_HELP)
    with right:
        for line in gradient_lines(found, steps[place]):
            st.latex(line)
        if digit is not None:
            _pictures(digit, found)


def _verdict(found: Pass) -> None:
    if found.slip is not None and not applies(found):
        st.info(NO_PLACE[found.slip])
    wrong = [parameter for parameter in found.parameters if parameter.difference >= TOLERANCE]
    if not wrong:
        st.success(
            f"By hand = automatic differentiation, to {rounded(found.difference, 1)} (relative, float64)."
        )
        return
    st.error(
        f"With this error {len(wrong)} of {len(found.parameters)} gradients are wrong, "
        f"by up to {100 * found.difference:,.0f} % of their largest entry."
    )
