"""A run's configuration survives a link: every field of it, or the reason why not."""

import dataclasses
import math
from typing import Any, Final, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dashboard.shell.links import PARAMETERS, SETTINGS, read_link, write_link
from dashboard.shell.settings import config_of, parse_scale, parse_sizes, values_of
from vae_core import config
from vae_core.config import (
    MAX_PARAMETERS,
    NOT_GAUSSIAN,
    ModelConfig,
    RunConfig,
    TrainConfig,
    refused_objectives,
)
from vae_core.data import DATASET_INFO, data_shape, num_classes, numbers_known
from vae_core.errors import BadInput

FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "latent_dim": st.integers(1, 32),
    "hidden_dims": st.lists(st.integers(1, 300), max_size=8).map(tuple),
    "activation": st.sampled_from(get_args(config.Activation)),
    "encoder_head": st.sampled_from(get_args(config.EncoderHead)),
    "likelihood": st.sampled_from(get_args(config.Likelihood)),
    "likelihood_scale": st.none() | st.floats(1e-3, 1e3),
    "prior": st.sampled_from(get_args(config.Prior)),
    "num_components": st.integers(1, 1000),
    "architecture": st.sampled_from(get_args(config.Architecture)),
    "beta": st.floats(0, 1000),
    "num_samples": st.integers(1, 1000),
    "optimizer": st.sampled_from(get_args(config.Optimizer)),
    "learning_rate": st.floats(1e-8, 1000),
    "momentum": st.floats(0, 0.999),
    "batch_size": st.integers(1, 1_000_000),
    "initial_weights": st.sampled_from(get_args(config.InitialWeights)),
    "num_epochs": st.none() | st.integers(0, 1_000_000),
    "beta_schedule": st.sampled_from(get_args(config.BetaSchedule)),
    "schedule_epochs": st.integers(1, 1_000_000),
    "free_bits": st.floats(0, 100),
    "objective": st.sampled_from(get_args(config.Objective)),
    "patience": st.none() | st.integers(1, 1_000_000),
    "dataset": st.sampled_from(tuple(name for name in DATASET_INFO if name != "idx")),
    "num_examples": st.none() | st.integers(20, 50_000),
    "data_noise": st.floats(0, 5),
    "binarised": st.sampled_from(get_args(config.Binarised)),
    "condition": st.sampled_from(get_args(config.Condition)),
    "condition_on": st.integers(0, 10),  # which of the numbers that are known of the data
    "seed": st.integers(0, 2**31 - 1),
}
ELSEWHERE: Final = {
    "data_dim": "the data set decides it",
    "num_conditions": "the condition and the data set decide it",
    "image_shape": "the data set decides it",
    "data_folder": "belongs to the data set idx: a test of its own",
    "data_transposed": "belongs to the data set idx: a test of its own",
    "device": "which one there is depends on the machine; its runs are the CPU's",
    "hold": "Step and Reset begin a run paused; it is no setting of the model",
    "model": "its fields",
    "train": "its fields",
}
"""Fields that no link says, with the reason."""


def fields_of(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def test_every_field_of_a_run_is_in_a_link_or_says_why_not() -> None:
    of_run = {name for kind in (RunConfig, ModelConfig, TrainConfig) for name in fields_of(kind)}
    assert set(FIELDS) | set(ELSEWHERE) == of_run
    assert not set(FIELDS) & set(ELSEWHERE)


def condition_of(values: dict[str, Any]) -> dict[str, Any]:
    """The condition that is drawn, where such a model may have one."""
    if values["condition"] == "none" or values["prior"] == "vamp":
        return {"condition": "none", "num_conditions": 0, "condition_on": ""}
    if values["condition"] == "class":
        return {"num_conditions": num_classes(values["dataset"]), "condition_on": ""}
    names = tuple(numbers_known(values["dataset"]))
    if not names:
        return {"condition": "none", "num_conditions": 0, "condition_on": ""}
    return {"num_conditions": 1, "condition_on": names[values["condition_on"] % len(names)]}


def prior_of(values: dict[str, Any]) -> Any:
    """The prior that is drawn, where the encoder may have it: a VampPrior's components are Gaussians."""
    head, prior = values["encoder_head"], values["prior"]
    if head == "deterministic":
        return "standard_normal"
    return "mixture" if head in NOT_GAUSSIAN and prior == "vamp" else prior


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """A run as the controls may make it: points are Gaussian, values in [0, 1] have no scale."""
    values = {name: draw(strategy) for name, strategy in FIELDS.items()}
    about = DATASET_INFO[values["dataset"]]
    if about.kind == "points":
        values |= {"likelihood": "gaussian", "binarised": "no"}
    if about.num_examples is None:
        values["num_examples"] = None
    if not about.noise:
        values["data_noise"] = 1.0
    if values["likelihood"] != "gaussian":
        values["likelihood_scale"] = 1.0
    values["prior"] = prior_of(values)
    if values["objective"] in refused_objectives(
        values["encoder_head"], values["prior"], values["latent_dim"]
    ):
        values["objective"] = "elbo"
    if values["objective"] != "elbo":
        values |= {"free_bits": 0.0, "batch_size": max(2, values["batch_size"])}
    shape = data_shape(values["dataset"])
    values["data_dim"] = math.prod(shape)
    if len(shape) == 1:
        values["architecture"] = "mlp"
    elif values["architecture"] == "conv":
        values |= {"image_shape": shape, "hidden_dims": (*values["hidden_dims"], 3)[:3]}

    values |= condition_of(values)

    def part(kind: type) -> dict[str, Any]:
        return {name: values[name] for name in fields_of(kind) if name in values}

    try:
        model = ModelConfig(**part(ModelConfig))
    except BadInput as err:
        assume("weights of at most" not in str(err))  # wide layers of wide images: another draw
        raise
    if model.num_parameters > MAX_PARAMETERS // 2:  # the best weights would be kept, too
        values["patience"] = None
    train = TrainConfig(**part(TrainConfig))
    return RunConfig(model=model, train=train, **part(RunConfig))


def through_a_link(run: RunConfig) -> RunConfig:
    link = write_link(values_of(run), "train")
    return config_of({key: one.default for key, one in PARAMETERS.items()} | read_link(link))


@given(configs())
def test_configuration_survives_a_link(run: RunConfig) -> None:
    assert set(values_of(run)) == set(SETTINGS) - {"speed"}
    assert through_a_link(run) == run


def test_default_run_has_an_empty_link() -> None:
    defaults = {key: one.default for key, one in PARAMETERS.items()}
    assert write_link(values_of(config_of(defaults)), "train") == {}


def test_folder_survives_a_link(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.shell.settings.data_shape", lambda name, **_: (28, 28))
    run = RunConfig(
        model=ModelConfig(data_dim=784), dataset="idx", data_folder=str(tmp_path), train=TrainConfig()
    )
    assert through_a_link(run) == run
    turned = dataclasses.replace(run, data_transposed=True)
    assert through_a_link(turned) == turned
    # The worker that reads them stands in another folder than whoever typed the path.
    monkeypatch.chdir(tmp_path.parent)
    typed = read_link({"dataset": "idx", "data_folder": f' "{tmp_path.name}" '})
    assert config_of({key: one.default for key, one in PARAMETERS.items()} | typed).data_folder == str(
        tmp_path
    )


def test_a_folder_is_no_part_of_runs_on_other_data() -> None:
    values = {key: one.default for key, one in PARAMETERS.items()}
    values |= {"data_folder": "/nowhere", "data_set": "emnist", "data_orientation": "transposed"}
    run = config_of(values)
    assert (run.data_folder, run.data_transposed) == (None, False)


def test_what_no_control_can_hold_is_left_out() -> None:
    run = RunConfig(
        model=ModelConfig(data_dim=64, latent_dim=100), train=TrainConfig(beta=1e5), dataset="of old"
    )
    assert not {"latent_dim", "beta", "dataset"} & set(values_of(run))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("128", (128,)),
        ("400, 200", (400, 200)),
        (" 400;200 100,", (400, 200, 100)),
        ("", ()),
        (" , ", ()),
        ("0", (0,)),
    ],
)
def test_sizes_from_text(text: str, sizes: tuple[int, ...]) -> None:
    assert parse_sizes(text) == sizes


@pytest.mark.parametrize("text", ["abc", "12.5", "1e3", "128 x", "nan", "9" * 5000, "(128,)", "²"])
def test_bad_sizes_say_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="write sizes with commas") as refused:
        parse_sizes(text)
    assert refused.value.code == "hidden_dims"
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("text", "scale"), [("1", 1.0), (" 0.5 ", 0.5), ("learned", None), (" Learned", None)]
)
def test_scale_from_text(text: str, scale: float | None) -> None:
    assert parse_scale(text) == scale


@pytest.mark.parametrize("text", ["", "one", "1,5", "0x1"])
def test_bad_scale_says_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="write a number such as 1, or learned"):
        parse_scale(text)
