"""Controls on the page -> frozen configurations. Each control's tooltip gives its symbol and formula.

What others should be able to reproduce from a link (data, latent dimension, beta, network, seed) lives in the
URL; the rest lasts as long as the session. Values are read by key, so that a callback sees the newest ones.
"""

import math
from collections.abc import Callable
from typing import Any, Final, Literal

import streamlit as st

from dashboard.shell import state
from dashboard.shell.control_texts import DEFAULTS, HELP, LABELS
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import DATASET_INFO, DATASETS, data_shape
from vae_core.errors import BadInput

LIVE_RATES: Final = (1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 1e-2, 3e-2, 0.1, 1.0, 10.0, 1000.0)
SPEEDS: Final = ("1", "3", "10", "30", "100", "full")
Callback = Callable[[], None]
Bind = Literal["query-params"] | None


def value(key: str) -> Any:
    """The control's value, or its default where the control is not on the page."""
    found = state.control(key)
    return DEFAULTS[key] if found is None else found


def read_config(*, hold: bool = False) -> RunConfig:
    """The run that the controls describe.

    Raises:
        BadInput: A value cannot be used; one sentence says which and what to do.
    """
    folder = str(value("data_folder")).strip() or None
    data_dim = math.prod(data_shape(value("dataset"), folder=folder))
    likelihood = _likelihood()
    # A scale that is not on the page is none of the run's, and no reason to refuse it.
    scale = parse_scale(value("likelihood_scale")) if likelihood == "gaussian" else 1.0
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
    st.selectbox(
        "Data", DATASETS, key="dataset", format_func=_dataset_title, help=HELP["dataset"], bind="query-params"
    )
    st.caption(DATASET_INFO[value("dataset")].sentence)
    if value("dataset") == "idx":
        _text("Folder of the IDX files", "data_folder", placeholder="/data/mnist")
    _whole("Latent dimension J", "latent_dim", 1, 32, bind="query-params")
    _text("Hidden layers", "hidden", placeholder="none: linear maps", bind="query-params")
    if _is_images():  # for points, a menu of one would overwrite what was chosen for images
        _choose("Likelihood p(x|z)", "likelihood", ("bernoulli", "continuous_bernoulli", "gaussian"))
    else:
        st.caption("Likelihood p(x|z): Gaussian, the one for real vectors.")
    if _likelihood() == "gaussian":
        _text("Scale s", "likelihood_scale")
    _choose("Encoder head", "encoder_head", ("log_variance", "variance", "unit_variance", "deterministic"))
    _choose("Activation", "activation", ("tanh", "relu", "silu", "softplus"))
    _whole("Seed", "seed", 0, 2**31 - 1, bind="query-params")


def training() -> None:
    """Draws the controls of the training that make a new run."""
    with st.expander("Training"):
        _whole("Epochs", "num_epochs", 0, 1_000_000)
        _whole("Batch size B", "batch_size", 1, 1_000_000)
        _whole("Samples M", "num_samples", 1, 1000)
        _choose("Optimiser", "optimizer", ("adam", "sgd"))
        if value("optimizer") == "sgd":
            _number("Momentum", "momentum", 0.0, 0.999, 0.05)
        _choose("Schedule of β", "beta_schedule", ("constant", "linear", "cyclical"))
        if value("beta_schedule") != "constant":
            _whole("Epochs of the schedule", "schedule_epochs", 1, 1_000_000)
        _number("Free bits λ", "free_bits", 0.0, 100.0, 0.05)
        _whole("Patience", "patience", 0, 1_000_000)


def beta_slider(on_change: Callback) -> None:
    """Draws the weight of the KL; ``on_change`` is called with no arguments when it was moved."""
    st.slider(
        "KL weight β",
        0.0,
        20.0,
        DEFAULTS["beta"],
        0.1,
        key="beta",
        help=HELP["beta"],
        on_change=on_change,
        bind="query-params",
    )


def live(on_learning_rate: Callback, on_speed: Callback) -> None:
    """Draws the other controls that act on a running training."""
    st.markdown("**Live** · act on the running training")
    for key, label, options, on_change in (
        ("learning_rate", "Learning rate η", LIVE_RATES, on_learning_rate),
        ("speed", "Steps per second", SPEEDS, on_speed),
    ):
        st.select_slider(
            label,
            options,
            DEFAULTS[key],
            key=key,
            help=HELP[key],
            on_change=on_change,
            persist_state="session",
            format_func=_plain,
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


def _whole(label: str, key: str, low: int, high: int, *, bind: Bind = None) -> None:
    st.number_input(
        label, low, high, DEFAULTS[key], key=key, help=HELP[key], bind=bind, persist_state="session"
    )


def _number(label: str, key: str, low: float, high: float, step: float) -> None:
    st.number_input(label, low, high, DEFAULTS[key], step, key=key, help=HELP[key], persist_state="session")


def _text(label: str, key: str, *, placeholder: str = "", bind: Bind = None) -> None:
    st.text_input(
        label,
        DEFAULTS[key],
        key=key,
        help=HELP[key],
        placeholder=placeholder,
        max_chars=200,
        bind=bind,
        persist_state="session",
    )


def _choose(label: str, key: str, options: tuple[str, ...]) -> None:
    st.selectbox(label, options, key=key, help=HELP[key], format_func=_label, persist_state="session")


def _label(name: str) -> str:
    return LABELS[name]


def _dataset_title(name: str) -> str:
    return DATASET_INFO[name].title


def _plain(option: object) -> str:
    return f"{option:g}" if isinstance(option, float) else str(option)
