"""Configurations refuse every bad value by the name of its field, and survive JSON unchanged."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_core.config import MAX_PARAMETERS, Activation, ModelConfig, RunConfig, TrainConfig, unknown_settings
from vae_core.errors import BadInput
from vae_core.formats import FORMAT, upgraded
from vae_core.model import VAE

INF, NAN = math.inf, math.nan
NO_NUMBERS: Final = (True, "x", None, NAN, INF, -INF, [1], {"a": 1}, 10**30, 10**5000)
NO_INTEGERS: Final = (*NO_NUMBERS, 1.0, 0.5)
NO_NAMES: Final = ("", "Tanh", None, 3, True, ["tanh"], "x" * 10_000)

MODEL_FAULTS: Final[dict[str, tuple[object, ...]]] = {
    "data_dim": (0, -1, 65_537, 10**9, *NO_INTEGERS),
    "latent_dim": (0, -1, 513, *NO_INTEGERS),
    "hidden_dims": ((0,), (-1,), (8193,), (8,) * 9, 128, "128", (1.5,), (True,), (None,), (8192, 8192), None),
    "activation": NO_NAMES,
    "encoder_head": NO_NAMES,
    "likelihood": NO_NAMES,
    "prior": NO_NAMES,
    "initial_weights": NO_NAMES,
    "likelihood_scale": (0, -1.0, 1e-4, 1001, *(value for value in NO_NUMBERS if value is not None)),
}
TRAIN_FAULTS: Final[dict[str, tuple[object, ...]]] = {
    "beta": (-1, -1e-9, 1e7, *NO_NUMBERS),
    "learning_rate": (0, -1e-3, 1e-9, 1001, *NO_NUMBERS),
    "num_samples": (0, -1, 1001, 10**9, *NO_INTEGERS),
    "optimizer": NO_NAMES,
    "momentum": (-0.1, 1.0, *NO_NUMBERS),
    "batch_size": (0, -1, 10**9, *NO_INTEGERS),
    "num_epochs": (-1, 10**9, *(value for value in NO_INTEGERS if value is not None)),
    "beta_schedule": NO_NAMES,
    "schedule_epochs": (0, -1, 10**9, *NO_INTEGERS),
    "free_bits": (-1e-9, 101, *NO_NUMBERS),
    "patience": (0, -1, 10**9, *(value for value in NO_INTEGERS if value is not None)),
}
RUN_FAULTS: Final[dict[str, tuple[object, ...]]] = {
    "seed": (-1, 2**31, *NO_INTEGERS),
    "dataset": ("", None, 3, True),
    "data_folder": (3, True, ["/data"]),
    "hold": (1, "yes", None),
    "model": (None, {"data_dim": 64}),
    "train": (None, {}),
}


def cases(faults: dict[str, tuple[object, ...]]) -> list[tuple[str, object]]:
    return [(name, value) for name, values in faults.items() for value in values]


def shown(value: object) -> str:
    """How a message names the value, as far as it names it: long values are cut."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return repr(value)[:30] if not isinstance(value, int) or abs(value) < 10**40 else "bits"


def refuses(build: Callable[..., object], name: str, value: object) -> None:
    with pytest.raises(BadInput) as caught:
        build(**{name: value})
    error = caught.value
    assert error.code == name, (name, value)
    assert str(error).startswith(error.message)
    assert str(error).endswith(f"{error.hint}.")
    assert len(str(error)) < 300
    assert "\n" not in str(error)


@pytest.mark.parametrize(("name", "value"), cases(MODEL_FAULTS), ids=lambda value: shown(value)[:20])
def test_model_refuses(name: str, value: object) -> None:
    refuses(lambda **field: ModelConfig(**{"data_dim": 64, **field}), name, value)


@pytest.mark.parametrize(("name", "value"), cases(TRAIN_FAULTS), ids=lambda value: shown(value)[:20])
def test_training_refuses(name: str, value: object) -> None:
    refuses(TrainConfig, name, value)


@pytest.mark.parametrize(("name", "value"), cases(RUN_FAULTS), ids=lambda value: shown(value)[:20])
def test_run_refuses(name: str, value: object) -> None:
    refuses(lambda **field: RunConfig(**{"model": ModelConfig(data_dim=64), **field}), name, value)


def build(name: str, value: object) -> object:
    values: dict[str, Any] = {name: value}
    return TrainConfig(**values) if name in TRAIN_FAULTS else ModelConfig(data_dim=4, **values)


def test_a_message_names_the_value() -> None:
    for name, value in (*cases(TRAIN_FAULTS), ("latent_dim", 513), ("activation", "Tanh")):
        with pytest.raises(BadInput) as caught:
            build(name, value)
        assert shown(value) in caught.value.message, (name, caught.value.message)


def test_the_number_of_weights_is_limited_and_exact(generator: torch.Generator) -> None:
    for head in ("log_variance", "variance", "unit_variance", "deterministic"):
        config = ModelConfig(
            data_dim=7,
            hidden_dims=(5, 3),
            encoder_head=head,
            likelihood="gaussian",
            likelihood_scale=None,
        )
        model = VAE(config, generator=generator)
        assert config.num_parameters == sum(p.numel() for p in model.parameters()), head
    with pytest.raises(BadInput, match=f"weights of at most {MAX_PARAMETERS:,}"):
        ModelConfig(data_dim=65_536, hidden_dims=(128,))


RUN: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(32, 16), likelihood="gaussian", likelihood_scale=None),
    train=TrainConfig(beta=0.5, optimizer="sgd", patience=3, beta_schedule="cyclical"),
    dataset="pinwheel",
    seed=2**31 - 1,
    hold=True,
)


def test_json_round_trip() -> None:
    endless = replace(RUN, train=TrainConfig(num_epochs=None))
    assert RunConfig.from_json(endless.to_json()) == endless
    assert RunConfig.from_json(RUN.to_json()) == RUN
    assert hash(RunConfig.from_json(RUN.to_json())) == hash(RUN)
    assert RUN.held().hold
    assert RUN.held() == RUN


@given(
    beta=st.floats(0, 1e6),
    learning_rate=st.floats(1e-8, 1e3),
    batch_size=st.integers(1, 1_000_000),
    hidden_dims=st.lists(st.integers(1, 100), max_size=8),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_usable_numbers_survive_json(
    beta: float, learning_rate: float, batch_size: int, hidden_dims: list[int], seed: int
) -> None:
    run = RunConfig(
        model=ModelConfig(data_dim=5, hidden_dims=tuple(hidden_dims)),
        train=TrainConfig(beta=beta, learning_rate=learning_rate, batch_size=batch_size),
        seed=seed,
    )
    assert RunConfig.from_json(run.to_json()) == run


@pytest.mark.parametrize("part", [None, "model", "train"])
def test_a_setting_that_this_version_does_not_know_is_left_aside_and_found(part: str | None) -> None:
    values = RUN.to_dict()
    (values if part is None else values[part])["later"] = {"a": [1]}
    later = {"later": {"a": [1]}}
    assert RunConfig.from_json(json.dumps({"format": FORMAT, **values})) == RUN
    assert unknown_settings(values) == (later if part is None else {part: later})
    assert unknown_settings(RUN.to_dict()) == {}


SINCE_4: Final = {
    "num_examples": None,
    "data_noise": 1.0,
    "binarised": "no",
    "condition": "none",
    "condition_on": "",
}
"""What older runs were, by the settings that came with formats 5, 6 and 8."""


def test_a_configuration_of_format_1_is_what_it_was_then() -> None:
    old = {"model": {"data_dim": 64}, "seed": 3}
    since = {"architecture": "mlp", "image_shape": None, "initial_weights": "he", "num_conditions": 0}
    assert upgraded(old, 1) == {
        "model": {"data_dim": 64, "prior": "standard_normal", "num_components": 50, **since},
        "seed": 3,
        "device": "cpu",
        "data_transposed": False,
        **SINCE_4,
    }
    stated = {"model": {"data_dim": 64, "prior": "vamp", "num_components": 3}, "device": "cuda"}
    with_shape = {"model": {**since, "data_dim": 64, "prior": "vamp", "num_components": 3}, "device": "cuda"}
    assert upgraded(stated, 1) == with_shape | {"data_transposed": False} | SINCE_4
    of_4 = {"model": {"data_dim": 64, **since}, "seed": 3, **SINCE_4}
    assert upgraded(old, 2) == of_4 | {"data_transposed": False}
    assert upgraded(old, 4) == of_4
    of_5 = {
        "model": {"data_dim": 64, "num_conditions": 0},
        "seed": 3,
        "condition": "none",
        "condition_on": "",
    }
    assert upgraded(old, 5) == of_5
    assert upgraded(old, FORMAT) == old


@pytest.mark.parametrize("activation", get_args(Activation))
def test_initial_weights_are_a_setting_of_the_networks_that_have_a_choice(activation: Activation) -> None:
    """Runs of before that are equal to ones of now, to the last bit, have equal settings."""
    model = ModelConfig(data_dim=5, activation=activation, initial_weights="he")
    has_choice = activation in ("relu", "silu")
    assert (model == ModelConfig(data_dim=5, activation=activation)) == (not has_choice)
    assert model.initial_weights == ("he" if has_choice else "small_outputs")


HOSTILE: Final = {
    "nothing": ("", "config"),
    "no JSON": ("{", "config"),
    "10 000 lists": ("[" * 10_000 + "]" * 10_000, "config"),
    "10 000 objects": ('{"format": 1, "model": ' + '{"a":' * 10_000 + "1" + "}" * 10_001, "config"),
    "a number of 10 000 digits": ('{"format": ' + "9" * 10_000 + "}", "config"),
    "a list": ("[1]", "format"),
    "a number": ("3", "format"),
    "null": ("null", "format"),
    "no format": ("{}", "format"),
    "newer format": (json.dumps({"format": FORMAT + 1}), "format"),
    "format true": ('{"format": true, "model": {"data_dim": 64}}', "format"),
    "format 0": ('{"format": 0, "model": {"data_dim": 64}}', "format"),
    "long format": (json.dumps({"format": "x" * 100_000}), "format"),
    "no model": ('{"format": 1}', "config"),
    "model without data_dim": ('{"format": 1, "model": {}}', "config"),
    "model is a list": ('{"format": 1, "model": [64]}', "config"),
    "train is null": ('{"format": 1, "model": {"data_dim": 64}, "train": null}', "config"),
    "NaN beta": ('{"format": 1, "model": {"data_dim": 64}, "train": {"beta": NaN}}', "beta"),
    "infinite momentum": (
        '{"format": 1, "model": {"data_dim": 64}, "train": {"momentum": 1e999}}',
        "momentum",
    ),
    "text size": ('{"format": 1, "model": {"data_dim": "64"}}', "data_dim"),
    "true size": ('{"format": 1, "model": {"data_dim": true}}', "data_dim"),
    "nested sizes": ('{"format": 1, "model": {"data_dim": 64, "hidden_dims": [[8]]}}', "hidden_dims"),
    "an object for a name": ('{"format": 1, "model": {"data_dim": 64, "prior": {}}}', "prior"),
    "a folder that is a number": (
        '{"format": 1, "model": {"data_dim": 64}, "data_folder": 3}',
        "data_folder",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_json_is_refused(case: str) -> None:
    text, code = HOSTILE[case]
    with pytest.raises(BadInput) as caught:
        RunConfig.from_json(text)
    assert caught.value.code == code
    assert len(str(caught.value)) < 300, case
