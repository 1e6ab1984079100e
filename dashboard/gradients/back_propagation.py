"""Back-propagation by hand: a drawn network, one layer at a time, beside automatic differentiation."""

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.network.element import drawn_network
from dashboard.elbo import one_example
from dashboard.figures.network.drawing import network_svg, said_of_cuts
from dashboard.figures.network.fan import Fan, fan_svg
from dashboard.figures.network.layers import Column, Moment
from dashboard.figures.network.svg import number_text
from dashboard.formats import rounded, superscript
from dashboard.gradients import cached
from dashboard.gradients.cached import SmallNetwork
from dashboard.gradients.formulas import formula_lines, gradient_lines
from dashboard.gradients.network_pass import (
    TOLERANCE,
    Parameter,
    Pass,
    Samples,
    Step,
    moment_of,
    picked,
    steps_of,
)
from dashboard.pictures import picture, show
from dashboard.shell import state
from dashboard.shell.choice import one_of
from dashboard.shell.controls import labels_of
from dashboard.subject import Subject
from dashboard.tables import draw_table
from vae_core.config import MIXTURE_COMPONENTS, Activation, EncoderHead, Likelihood, TrainConfig

if TYPE_CHECKING:
    from vae_core.labs.gradients.backward import Slip

Array = NDArray[np.float64]
NETWORKS: Final = {"small": "Small network", "current": "Current model"}
NETWORK_HELP: Final = (
    "**Small network**: every number fits: digits averaged to 2 × 2 pixels, untrained weights. **Current "
    "model**: your run, or the example model; large layers are drawn as pictures."
)
HEADS: Final = {
    "log_variance": "log σ²",
    "variance": "σ² through softplus",
    "full_covariance": "full covariance L Lᵀ",
    "flow": "planar flow",
    "mixture": "two Gaussians",
    "unit_variance": "σ = 1",
    "deterministic": "z = μ",
}
OUTPUTS: Final = labels_of(Likelihood)
ACTIVATIONS: Final = labels_of(Activation)
MISTAKES: Final = {
    "none": "none",
    "f_for_slope": "f(u) for f′(u)",
    "kl_sign": "sign of the KL",
    "no_half": "no ½",
}
MISTAKE_HELP: Final = (
    "Mistakes found in printed derivations. **f(u) for f′(u)**: in δ of the hidden layers. "
    r"**Sign of the KL**: $+\tfrac12\sum(1+\log\sigma^2-\mu^2-\sigma^2)$. **No ½**: "
    r"$\log\mathcal{N} = -\lVert x-y\rVert^2$. The forward pass stays right. (Course document 000: 4.3.2 and "
    "4.3.3, equation 19, 3.3.3.)"
)
NO_EFFECT: Final[dict["Slip", str]] = {
    "f_for_slope": "This mistake has no effect here: the network has no hidden layer.",
    "kl_sign": "This mistake has no effect here: L has no KL (a deterministic encoder, or β = 0).",
    "no_half": "This mistake has no effect here: the output is not a Gaussian with one s.",
}
OF_CONVOLUTIONS: Final = (
    "K ⋆ h is a convolution: a unit of a map sums 4 × 4 pixels at every second place. Kᵀ ⋆ is its adjoint, a "
    "transposed convolution: with it δ comes back through a convolution, and the decoder's maps grow. The "
    "gradient of K is a correlation of δ with h. Units are numbered row by row, at each place map after map."
)
HEAD_HELP: Final = (
    "What q(z|x) is, and how the encoder gives its σ. **Planar flow**: z = μ + σ f(ε), f of four layers "
    "t + v tanh(aᵀt + b). **Two Gaussians**: with weights w; each gives a z, and the loss is their mean by w."
)
NOISE_HELP: Final = (
    "Seed of ε ~ N(0, I): another number, another z = μ + σ ⊙ ε, or μ + L ε, or μ + σ f(ε) with a flow f."
)
LARGEST_SEED: Final = 999
PICTURE: Final = 104
"""Pixels; three stand beside each other on a phone."""
STEP: Final = "bp_step"
UNIT: Final = "bp_unit"
SAMPLE: Final = "bp_sample"
FAN: Final = "bp_fan"
MAX_SAMPLES: Final = 5
SAMPLES_HELP: Final = (
    "C samples of z for one example (M elsewhere): once through the encoder, then each z through a decoder "
    "pass of its own, forward and back. δ at the heads is the mean over the samples, and so is every "
    "gradient."
)
FAN_HELP: Final = (
    "A click on a sample shows its numbers in the decoder below. The encoder has one pass: its δ is the mean."
)
NETWORK: Final = "bp_network"
STEP_HELP: Final = (
    r"Forward: $u^{(l)} = W^{(l)}h^{(l-1)} + b^{(l)}$, $h^{(l)} = f(u^{(l)})$. Back: "
    r"$\delta^{(l)} = \partial L/\partial u^{(l)} = (W^{(l+1)\top}\delta^{(l+1)})\odot f'(u^{(l)})$, and "
    r"$\partial L/\partial W^{(l)} = \delta^{(l)}h^{(l-1)\top}$. L = −(log p(x|z) − β KL) "
    "of one example with one sample z"
)
UNIT_HELP: Final = (
    "The unit whose sum is written out, with its weights drawn; a click on a unit does the same."
)
MAX_UNIT_BUTTON: Final = 6
"""A layer with more units has a number field in place of the button that goes to the next unit."""
GIVEN_IN_BIASES: Final = (
    "On this view y is the decoder's output. The given class is in the first biases of both networks, and "
    "everything below holds given it."
)
TABLE_HELP: Final = (
    r"Relative difference: $\max|g_{hand} - g_{auto}| / \max|g_{auto}|$ over the entries of a parameter, in "
    "float64. Of each gradient the entry of largest absolute value is shown."
)


def choose_network() -> tuple[str, "Slip | None"]:
    """Id of the network in view, and the deliberate error of its backward pass."""
    with st.container(horizontal=True, gap="medium"):
        network = one_of("Network", NETWORKS, key="bp_subject", help_text=NETWORK_HELP)
        mistake = one_of("Deliberate mistake", MISTAKES, key="bp_slip", help_text=MISTAKE_HELP)
    return network, None if mistake == "none" else cast("Slip", mistake)


@st.fragment
def draw_small_network(slip: "Slip | None") -> None:
    """The pass of a digit of 2 x 2 pixels through a network with three hidden units and J = 2."""
    last = len(cached.digits()) - 1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        network = SmallNetwork(
            head=_select("Encoder head", HEADS, "bp_head", HEAD_HELP),
            likelihood=_select("Output", OUTPUTS, "bp_output", "The likelihood p(x|z); s is 1."),
            activation=_select("Activation", ACTIVATIONS, "bp_activation", "f of hidden layers."),
            seed=_number("Weights", "bp_seed", "Seed of the weights: another number, other weights."),
        )
        index = _number("Example", "bp_example", "A held-out digit, averaged to 2 × 2 pixels.", last)
        noise = _number("Noise ε", "bp_noise", NOISE_HELP)
        count = _num_samples(is_deterministic=network.head == "deterministic")
    found = cached.small_pass(network, index, noise, slip, count, _sample(count, network.head))
    _draw_pass(found, digit=index)


@st.fragment
def draw_current_model(subject: Subject, slip: "Slip | None") -> None:
    """The pass of a held-out example through the model in view."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        index = one_example.choose(subject, "held_out")
        noise = _number("Noise ε", "bp_noise", NOISE_HELP)
        count = _num_samples(is_deterministic=subject.config.model.encoder_head == "deterministic")
    if subject.y is not None:
        st.caption(GIVEN_IN_BIASES)
    beta = subject.beta_in_force
    point = _sample(count, subject.config.model.encoder_head)
    found = cached.run_pass(subject, index, noise, slip, beta, count, point)
    _draw_pass(found, note="" if found.log_var is None else said_of_beta(subject.config.train, beta))


def _select(label: str, options: Mapping[str, str], key: str, help_text: str) -> Any:
    if state.control(key) not in options:
        state.set_control(key, next(iter(options)))
    return st.selectbox(
        label,
        tuple(options),
        key=key,
        help=help_text,
        format_func=lambda option: options.get(option, option),
        width=170,
        persist_state="session",
    )


def _number(label: str, key: str, help_text: str, largest: int = LARGEST_SEED) -> int:
    found = state.control(key)
    if not isinstance(found, int) or found > largest:  # of a link
        state.set_control(key, largest if isinstance(found, int) else 0)
    value = st.number_input(label, 0, largest, key=key, help=help_text, width=130, persist_state="session")
    return int(value)


def _num_samples(*, is_deterministic: bool) -> int:
    """C; a deterministic encoder has one z."""
    if is_deterministic:
        return 1
    count = st.number_input(
        "Samples C",
        1,
        MAX_SAMPLES,
        key="bp_samples",
        help=SAMPLES_HELP,
        width=130,
        persist_state="session",
    )
    return int(count)


def _sample(count: int, head: EncoderHead) -> int:
    """The point z whose numbers the decoder shows, from 0; of a mixture there are C of each component."""
    sample = state.control(SAMPLE)
    points = count * (MIXTURE_COMPONENTS if head == "mixture" else 1)
    return sample if isinstance(sample, int) and 0 <= sample < points else 0


def _draw_fan(found: Pass, moment: Moment) -> None:
    """The samples of z beside each other, between q(z|x) and their means."""
    name = "The samples" if found.weights is None else "One z of each component"
    st.markdown(f"**{name}**", help=FAN_HELP)
    theme = state.theme_name()
    wide, tall = (fan_svg(_fan(found, moment), theme=theme, tall=tall) for tall in (False, True))
    label = f"{found.samples.number} samples of z, sample {found.samples.shown + 1} in view"
    on_unit = functools.partial(_pick_sample, found.samples.number)
    drawn_network(wide, tall, label=label, key=FAN, on_unit=on_unit)


def _fan(found: Pass, moment: Moment) -> Fan:
    """Numbers that are not computed yet at this step are left out."""
    samples = found.samples
    latent = next(at for at, column in enumerate(found.columns) if column.kind == "latent")
    has_z, has_delta = moment.forward > latent, moment.backward >= len(found.columns) - latent
    return Fan(
        q=_rows_of_q(found),
        names=_names_of(samples),
        shares=samples.shares,
        eps=samples.eps if has_z else None,
        z=samples.z if has_z else None,
        reconstructions=samples.reconstructions if moment.has_loss else None,
        delta_z=samples.delta_z if has_delta else None,
        shown=samples.shown,
        number=samples.number,
    )


def _rows_of_q(found: Pass) -> list[tuple[str, Array]]:
    if found.weights is None:
        return [("μ", found.mean), ("σ", found.std)]
    parts = (np.split(part, len(found.weights)) for part in (found.mean, found.std))
    rows = [("w", found.weights)]
    for number, (mean, std) in enumerate(zip(*parts, strict=True), 1):
        mark = superscript(number).strip("⁽⁾")
        rows += [("μ" + mark, mean), ("σ" + mark, std)]
    return rows


def _names_of(samples: Samples) -> list[str]:
    """Of the points: their sample, and of a mixture their component."""
    of_each = samples.number // samples.num_components
    if samples.num_components == 1:
        return [f"sample c = {point + 1}" for point in range(of_each)]
    names = []
    for point in range(samples.number):
        sample = f", sample {point % of_each + 1}" if of_each > 1 else ""
        names.append(f"component {samples.component_of(point) + 1}{sample}")
    return names


def _pick_sample(count: int) -> None:
    """Shows the sample that was clicked (untrusted input)."""
    match getattr(state.control(FAN), "unit", None):
        case [int(sample), int(_)] if 0 <= sample < count:
            state.set_control(SAMPLE, sample)


def _draw_pass(found: Pass, digit: int | None = None, note: str = "") -> None:
    """The steps, the drawing, the step's formula, and the gradients."""
    steps = steps_of(found.columns)
    at, unit = _draw_stepper(found.columns, steps, found.beta)
    moment, theme = moment_of(found.columns, steps, at, unit), state.theme_name()
    if found.samples.number > 1:
        _draw_fan(found, moment)
    wide, tall = (
        network_svg(found.columns, moment, loss_terms(found), theme=theme, tall=tall)
        for tall in (False, True)
    )
    label = f"Network with {len(found.columns)} layers, step {at + 1} of {len(steps)}: {steps[at].label}"
    on_unit = functools.partial(_pick_unit, found.columns, steps, at)
    drawn_network(wide, tall, label=label, key=NETWORK, on_unit=on_unit)
    is_conv = found.config.architecture == "conv"
    if notes := " ".join(filter(None, (said_of_cuts(found.columns), note, OF_CONVOLUTIONS * is_conv))):
        st.caption(notes)
    st.markdown("\n\n".join(f"${line}$" for line in formula_lines(found, steps[at], unit)))
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_verdict(found)
        _draw_gradients(found)
    with right:
        for line in gradient_lines(found, steps[at]):
            st.latex(line)
        if digit is not None:
            _draw_pictures(digit, found)


def _draw_stepper(columns: Sequence[Column], steps: Sequence[Step], beta: float) -> tuple[int, int]:
    """Draws a button for each step; returns the step in view, the first at the start, and the unit in view.

    ``beta`` is the weight of the KL that the tooltip of the buttons names.
    Buttons and not a choice: while one of a choice has the focus, the arrow keys belong to it.
    """
    last = len(steps) - 1
    at = state.control(STEP)
    at = min(at, last) if isinstance(at, int) and at >= 0 else 0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        about = f"{STEP_HELP}; here β = {beta:.4g}{', so that L = −ELBO' if beta == 1 else ''}."
        _step_button("Back", "bp_back", max(at - 1, 0), disabled=at == 0, shortcut="Left", about=about)
        for number, step in enumerate(steps):
            _step_button(step.label, f"bp_step{number}", number, is_here=number == at)
        following = min(at + 1, last)
        _step_button("Step", "bp_next", following, disabled=at == last, shortcut="Right", about=about)
        column = steps[at].column
        unit = 0 if column is None else _choose_unit(len(columns[column].h))
        state.draw_address("back_propagation")
    return at, unit


def _step_button(
    label: str,
    key: str,
    target: int,
    *,
    disabled: bool = False,
    shortcut: str | None = None,
    about: str | None = None,
    is_here: bool = False,
) -> None:
    st.button(
        label,
        key=key,
        type="primary" if is_here else "secondary",
        disabled=disabled,
        shortcut=shortcut,
        on_click=state.set_control,
        args=(STEP, target),
        help=about,
    )


def _choose_unit(count: int) -> int:
    """The unit in view, from 0; its number stays from layer to layer where the layer has that many."""
    number = state.control(UNIT)
    if not isinstance(number, int) or not 1 <= number <= count:
        number = 1
    if count > MAX_UNIT_BUTTON:
        key = f"{UNIT}_of_{count}"
        state.set_control(key, number)  # a click on a unit, or a link, may have chosen another one since
        st.number_input(
            "Unit",
            1,
            count,
            key=key,
            help=UNIT_HELP,
            width=120,
            on_change=lambda: state.set_control(UNIT, state.control(key)),
        )
        return number - 1
    st.button(
        f"Unit {number} of {count}",
        key="bp_next_unit",
        shortcut="U",
        on_click=state.set_control,
        args=(UNIT, number % count + 1),
        help=UNIT_HELP,
    )
    return number - 1


def _pick_unit(columns: Sequence[Column], steps: Sequence[Step], at: int) -> None:
    """Goes to the unit that was clicked on the drawing."""
    found = picked(getattr(state.control(NETWORK), "unit", None), columns, steps, at)
    if found is not None:
        state.set_control(STEP, found[0])
        state.set_control(UNIT, found[1] + 1)


def loss_terms(found: Pass) -> dict[int, str]:
    """The terms of the loss, nats, by the column below which the drawing has them."""
    heads = next(at for at, column in enumerate(found.columns) if column.kind == "heads")
    mean = "mean " if found.samples.number > 1 else ""
    loss = f"{mean}−log p(x|z) = {number_text(-found.reconstruction)},  L = {number_text(found.loss)}"
    terms = {len(found.columns) - 1: loss}
    if found.log_var is None:
        return terms
    weight = "" if found.beta == 1 else f",  β = {found.beta:.4g}"
    return {heads: f"KL = {number_text(found.kl)}{weight}"} | terms


def _draw_verdict(found: Pass) -> None:
    if found.slip is not None and not has_effect(found):
        st.info(NO_EFFECT[found.slip])
    wrong = [parameter for parameter in found.parameters if parameter.difference >= TOLERANCE]
    if not wrong:
        st.success(
            f"By hand = automatic differentiation, to {rounded(found.difference, 1)} (relative, float64)."
        )
        return
    st.error(
        f"With this mistake {len(wrong)} of {len(found.parameters)} gradients are wrong, "
        f"by up to {100 * found.difference:,.0f} % of their largest entry."
    )


def has_effect(found: Pass) -> bool:
    """Whether the deliberate error changes a gradient of this network."""
    return {
        None: False,
        "f_for_slope": bool(found.config.hidden_dims),
        "kl_sign": found.log_var is not None and found.beta > 0,
        "no_half": found.config.likelihood == "gaussian",
    }[found.slip]


def _draw_gradients(found: Pass) -> None:
    head = ("∂L/∂", "by hand", "automatic", "relative difference")
    draw_table(head, map(_gradient_row, found.parameters), title="All gradients", help_text=TABLE_HELP)


def _gradient_row(parameter: Parameter) -> list[str]:
    """Cells of one parameter; a wrong gradient is red."""
    name = parameter.symbol + (superscript(parameter.number) if parameter.number else "")
    by_hand, automatic = number_text(parameter.by_hand), number_text(parameter.automatic)
    if parameter.difference < TOLERANCE:
        return [f"**{name}**", by_hand, automatic, rounded(parameter.difference, 1)]
    return [
        f"**{name}**",
        f":red[**{by_hand}**]",
        automatic,
        f":red[**{100 * parameter.difference:,.0f} %**]",
    ]


def _draw_pictures(index: int, found: Pass) -> None:
    """The digit, its four pixels, and the four of the output."""
    shown = {
        "the digit": (cached.digits()[index], (8, 8)),
        "x: its quarters": (found.x, cached.SMALL_SHAPE),
        "y: the output": (found.columns[-1].h[: len(found.x)], cached.SMALL_SHAPE),
    }
    with st.container(horizontal=True):
        for name, (values, shape) in shown.items():
            with st.container(width=PICTURE, gap="xsmall"):
                show(picture(values.astype(np.float32), shape, size=PICTURE), alt=name)
                st.caption(name)


def said_of_beta(train: TrainConfig, beta: float) -> str:
    """What is said of ``beta``, the KL weight of the run's last update, and of what the loss leaves out."""
    course = {
        "constant": "",
        "linear": f" It rose from 0 to {train.beta:g} during the first {train.schedule_epochs} epochs.",
        "cyclical": f" It rises from 0 to {train.beta:g} in each cycle of {train.schedule_epochs} epochs.",
    }[train.beta_schedule]
    if train.beta_schedule == "constant" and beta != train.beta:
        course = f" The run began with {train.beta:g}; β was moved while it trained."
    said = f"L has β = {beta:.4g}, that of this run's last update.{course}"
    if not train.is_elbo:
        said = f"L is the negative ELBO with β = {beta:.4g}; this run maximised another objective."
    if train.free_bits:
        said += " The run's free bits are left out: they depend on the whole mini-batch, L on one example."
    return said
