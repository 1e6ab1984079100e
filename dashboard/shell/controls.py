"""Controls on the page -> frozen configurations. Each control's tooltip gives its symbol and formula.

What a control starts with, and what a link says of it, is in ``state.PARAMETERS``. Values are read by key, so
that a callback sees the newest ones.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import streamlit as st

from dashboard.components.dial.element import Scale, dial, moved
from dashboard.shell import state
from dashboard.shell.state import PARAMETERS, SPEEDS, Number, Text, Whole
from vae_core.config import (
    UNIT_INTERVAL,
    Activation,
    BetaSchedule,
    EncoderHead,
    Likelihood,
    ModelConfig,
    Optimizer,
    RunConfig,
    TrainConfig,
)
from vae_core.data import DATASET_INFO, data_shape
from vae_core.errors import BadInput

Callback = Callable[[], None]
DIGITS: Final = "%.12g"
"""A number with all the digits it has, and no more: 0.1, 0.00025."""
BETA_SCALE: Final = Scale(low=1e-3, high=100.0, ticks=(0.0, 0.01, 0.1, 1.0, 10.0, 100.0), zero=True)
LEARNING_RATE_SCALE: Final = Scale(low=1e-5, high=10.0, ticks=(1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0))
BETAS: Final = (0.0, 0.1, 1.0, 4.0, 10.0)
"""What one click reaches: the autoencoder, more and more of the KL, the ELBO at 1."""
LABELS: Final = {
    "log_variance": "log σ² (no constraint)",
    "variance": "σ² through softplus",
    "unit_variance": "σ² = 1, fixed",
    "deterministic": "none: z = μ (autoencoder)",
    "bernoulli": "Bernoulli",
    "continuous_bernoulli": "continuous Bernoulli",
    "gaussian": "Gaussian",
    "tanh": "tanh",
    "relu": "ReLU",
    "silu": "SiLU",
    "softplus": "softplus",
    "adam": "Adam",
    "sgd": "SGD with momentum",
    "constant": "constant",
    "linear": "linear warm-up",
    "cyclical": "cyclical",
}
HELP: Final = {
    "dataset": "The examples $x$. A part is held out: the model never trains on it, and the thick curves are "
    "measured on it.",
    "data_folder": "A folder on the server with IDX files, plain or .gz: `train-images-idx3-ubyte`, "
    "`train-labels-idx1-ubyte` and the `t10k-…` pair.",
    "latent_dim": r"$J$, the number of latent dimensions: $z \in \mathbb{R}^J$. "
    "With 2 the latent space is a plane.",
    "hidden": "Sizes of the encoder's hidden layers, for instance `128` or `400, 200`; the decoder mirrors "
    "them. Empty: linear maps.",
    "activation": "$f$ of the hidden layers, $h = f(Wx + b)$.",
    "likelihood": r"$p(x|z)$. Bernoulli: $\sum_i x_i\log y_i + (1-x_i)\log(1-y_i)$. Continuous Bernoulli: "
    r"the same, normalised to a density for grey pixels. Gaussian: "
    r"$-\tfrac12\|x-y\|^2/s^2 - D\log s - \tfrac D2\log 2\pi$.",
    "likelihood_scale": r"$s$, the standard deviation of $p(x|z) = \mathcal{N}(y, s^2 I)$: a number, or "
    "`learned`. With $s = 1$ these data are mostly noise to the model.",
    "encoder_head": r"What the encoder gives beside $\mu$: $\log\sigma^2$, $\sigma^2$ through softplus, "
    r"$\sigma^2 = 1$ (then $\mathrm{KL} = \tfrac12\|\mu\|^2$), or nothing ($z=\mu$, no KL, no bound).",
    "seed": r"Starts the split of the data, the initial weights, the order of the examples and the noise "
    r"$\varepsilon$: the same settings and seed give the same run, bit for bit.",
    "beta": "β, the weight of the KL in what training maximises: E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)). "
    "1 is the ELBO, 0 an autoencoder. It acts at once, also in the middle of a run; the ELBO shown is always "
    "the one with β = 1.",
    "learning_rate": "η, the size of a step: θ ← θ + η ∇(objective). It acts at once, also in the middle of "
    "a run.",
    "speed": "Most steps per second: slow motion for a class. It acts at once and changes no number. At 3 or "
    "fewer, and after **Step**, flow charts below the board light up stage by stage with the numbers of "
    "one example.",
    "num_epochs": "An epoch is one pass over the training data.",
    "batch_size": "$B$, examples per update.",
    "num_samples": r"$M$, samples in $\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m \log p(x|z_m)$. "
    "1 is usual.",
    "optimizer": r"Adam adapts the step of every weight; SGD with momentum takes $v \leftarrow mv + g$.",
    "momentum": r"$m$ in $v \leftarrow m v + g$; 0 is plain SGD.",
    "beta_schedule": "Constant; or β rises from 0 during a warm-up; or it rises and stays, again and again.",
    "schedule_epochs": "Epochs of the warm-up, or of one cycle.",
    "free_bits": r"$\lambda$ in $\sum_j \max(\lambda, \mathrm{KL}_j)$: nats per latent dimension that cost "
    "nothing. 0: off.",
    "patience": "Stop when the held-out ELBO has not risen for this many epochs. 0: never.",
}


def value(key: str) -> Any:
    """The control's value, or its default where the control is not on the page."""
    found = state.control(key)
    return PARAMETERS[key].default if found is None else found


def read_config(*, hold: bool = False) -> RunConfig:
    """The run that the controls describe.

    Raises:
        BadInput: A value cannot be used; one sentence says which and what to do.
    """
    folder = str(value("data_folder")).strip() or None
    data_dim = math.prod(data_shape(value("dataset"), folder=folder))
    likelihood = _likelihood()
    # A scale that is not on the page is none of the run's, and no reason to refuse it.
    scale = parse_scale(value("likelihood_scale")) if likelihood not in UNIT_INTERVAL else 1.0
    model = ModelConfig(
        data_dim=data_dim,
        latent_dim=value("latent_dim"),
        hidden_dims=parse_sizes(value("hidden")),
        activation=value("activation"),
        encoder_head=value("encoder_head"),
        likelihood=likelihood,
        likelihood_scale=scale,
    )
    return RunConfig(
        model=model,
        dataset=value("dataset"),
        data_folder=folder if value("dataset") == "idx" else None,
        train=_train_config(),
        seed=value("seed"),
        hold=hold,
    )


def parse_sizes(text: str) -> tuple[int, ...]:
    """Hidden sizes from text such as ``"400, 200"``; empty text is no hidden layer.

    Raises:
        BadInput: A part is no whole number.
    """
    parts = [part for part in text.replace(",", " ").replace(";", " ").split() if part]
    try:
        return tuple(int(part) for part in parts)
    except ValueError as err:
        shown = text if len(text) <= 30 else text[:27] + "..."
        hint = "write sizes with commas, such as 400, 200, or leave it empty"
        raise BadInput("hidden_dims", f"hidden layers must be whole numbers, got {shown!r}", hint) from err


def parse_scale(text: str) -> float | None:
    """s from text: a number, or None for ``"learned"``.

    Raises:
        BadInput: Neither.
    """
    if text.strip().lower() == "learned":
        return None
    try:
        return float(text)
    except ValueError as err:
        hint = "write a number such as 1, or learned"
        raise BadInput(
            "likelihood_scale", f"s must be a number or 'learned', got {text[:30]!r}", hint
        ) from err


def data_and_model() -> None:
    """Draws the controls that make a new run."""
    st.markdown("**Data and model** · for the next run")
    _choose("Data", "dataset", {name: info.title for name, info in DATASET_INFO.items()})
    st.caption(DATASET_INFO[value("dataset")].sentence)
    if value("dataset") == "idx":
        _text("Folder of the IDX files", "data_folder", placeholder="/data/mnist")
    _number("Latent dimension J", "latent_dim")
    _text("Hidden layers", "hidden", placeholder="none: linear maps")
    if _is_images():  # for points, a menu of one would overwrite what was chosen for images
        _choose("Likelihood p(x|z)", "likelihood", labels_of(Likelihood))
    else:
        st.caption("Likelihood p(x|z): Gaussian, the one for real vectors.")
    if _likelihood() not in UNIT_INTERVAL:
        _text("Scale s", "likelihood_scale")
    _choose("Encoder head", "encoder_head", labels_of(EncoderHead))
    _choose("Activation", "activation", labels_of(Activation))
    _number("Seed", "seed")


def training() -> None:
    """Draws the controls of the training that make a new run."""
    with st.expander("Training"):
        _number("Epochs", "num_epochs")
        _number("Batch size B", "batch_size")
        _number("Samples M", "num_samples")
        _choose("Optimiser", "optimizer", labels_of(Optimizer))
        if value("optimizer") == "sgd":
            _number("Momentum", "momentum", 0.05)
        _choose("Schedule of β", "beta_schedule", labels_of(BetaSchedule))
        if value("beta_schedule") != "constant":
            _number("Epochs of the schedule", "schedule_epochs")
        _number("Free bits λ", "free_bits", 0.05)
        _number("Patience", "patience")


def beta_dial(on_change: Callback, *, frozen: str = "", note: str = "", shown: float | None = None) -> None:
    """Draws the weight of the KL.

    Arguments:
        on_change: Called with no arguments about five times a second while it is dragged: draw it in a
            fragment.
        frozen: Why it cannot be changed; empty where it can.
        note: One sentence below it.
        shown: What it shows where that is not the control's value.
    """
    with st.container(key="beta"), st.container(key="beta_number"):
        _dial("KL weight β", "beta", on_change, frozen=frozen, note=note, shown=shown)


def learning_rate_dial(
    on_change: Callback, *, frozen: str = "", note: str = "", shown: float | None = None
) -> None:
    """Draws the learning rate; the arguments are those of :func:`beta_dial`."""
    with st.container(key="learning_rate"):
        _dial("Learning rate η", "learning_rate", on_change, frozen=frozen, note=note, shown=shown)


def _dial(label: str, key: str, on_change: Callback, *, frozen: str, note: str, shown: float | None) -> None:
    limits = _range(key)
    name, newest = f"{key}_dial", f"{key}_sequence"
    said = state.control(newest)
    had = said if isinstance(said, int) else 0

    def take() -> None:
        found = moved(state.control(name), limits)
        # Where two messages cross, the later one of the hand counts.
        if found is None or found.sequence <= had:
            return
        state.set_control(key, found.value)
        state.set_control(newest, found.sequence)
        on_change()
        if found.last:
            # Not with each value of a drag: every new URL is an entry in the browser's history.
            state.follow_link(PARAMETERS[key].page)

    dial(
        label,
        key=name,
        value=value(key) if shown is None else shown,
        scale=BETA_SCALE if key == "beta" else LEARNING_RATE_SCALE,
        limits=limits,
        on_change=take,
        sequence=had,
        symbol=label[-1],
        presets=BETAS if key == "beta" else (),
        help_text=HELP[key],
        frozen="Fixed by this link." if key in state.fixed_controls() else frozen,
        note=note,
    )


def speed(on_change: Callback) -> None:
    """Draws the speed limit; ``on_change`` is called with no arguments when it was moved."""
    st.select_slider(
        "Steps per second",
        SPEEDS,
        key="speed",
        help=HELP["speed"],
        on_change=on_change,
        persist_state="session",
    )


def live_speed() -> float | None:
    """Most steps per second, or None for full speed."""
    speed = value("speed")
    return None if speed == "full" else float(speed)


def _train_config() -> TrainConfig:
    return TrainConfig(
        beta=value("beta"),
        num_samples=value("num_samples"),
        optimizer=value("optimizer"),
        learning_rate=value("learning_rate"),
        momentum=value("momentum"),
        batch_size=value("batch_size"),
        num_epochs=value("num_epochs"),
        beta_schedule=value("beta_schedule"),
        schedule_epochs=value("schedule_epochs"),
        free_bits=value("free_bits"),
        patience=value("patience") or None,
    )


def _is_images() -> bool:
    return DATASET_INFO[value("dataset")].kind == "images"


def _likelihood() -> Any:
    return value("likelihood") if _is_images() else "gaussian"


def _number(label: str, key: str, step: float = 1) -> None:
    low, high = _range(key)
    whole = isinstance(low, int)
    st.number_input(
        label,
        low,
        high,
        step=step,
        format="%d" if whole else DIGITS,
        key=key,
        help=HELP[key],
        persist_state="session",
    )


def _range(key: str) -> tuple[Any, Any]:
    kind = PARAMETERS[key].kind
    assert isinstance(kind, (Whole, Number)), key
    return kind.low, kind.high


def _text(label: str, key: str, *, placeholder: str = "") -> None:
    kind = PARAMETERS[key].kind
    longest = kind.longest if isinstance(kind, Text) else None
    st.text_input(
        label,
        key=key,
        help=HELP[key],
        placeholder=placeholder,
        max_chars=longest,
        persist_state="session",
    )


def _choose(label: str, key: str, labels: Mapping[str, str]) -> None:
    st.selectbox(
        label,
        tuple(labels),
        key=key,
        help=HELP[key],
        format_func=lambda option: labels.get(option, option),
        persist_state="session",
    )


def labels_of(options: Any) -> dict[str, str]:
    """Labels of the names of a ``Literal``."""
    return {name: LABELS[name] for name in get_args(options)}
