"""A run file gives back what was put in, and a training that goes on from it is the one never interrupted."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs.runfile import Run, load_run, parse_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS
from vae_core.training.loop import Training, TrainStep

DIGITS: Final = load_dataset("digits")
DATA: Final[Dataset] = replace(DIGITS, x_train=DIGITS.x_train[:150].clone(), labels_train=None)
HISTORY: Final = np.array([[0.0, 0.0, *3 * [np.nan], *8 * [1 / 3]], [7.0, 1.0, *11 * [-0.1]]])


def started(config: RunConfig) -> Training:
    generator = torch.Generator().manual_seed(config.seed)
    return Training(VAE(config.model, generator=generator), DATA, config.train, generator=generator)


def run_of(training: Training, config: RunConfig) -> Run:
    tensors, scalars = training.state()
    return Run(
        config=config,
        weights=training.model.state_dict(),
        history=HISTORY,
        status="paused",
        state_tensors=tensors,
        state_scalars=scalars,
    )


def config_of(**settings: Any) -> RunConfig:
    model = ModelConfig(data_dim=64, hidden_dims=(8,), likelihood="gaussian", likelihood_scale=None)
    return RunConfig(model=model, train=TrainConfig(num_epochs=4, **settings), seed=5)


def resumed(path: Path) -> Training:
    run = load_run(path)
    # Another seed: whatever is drawn must come from the saved generator.
    training = Training(run.model(), DATA, run.config.train, generator=torch.Generator().manual_seed(99))
    training.load_state(dict(run.state_tensors), dict(run.state_scalars))
    return training


def take(training: Training, count: int) -> list[TrainStep]:
    steps = training.steps()
    return [next(steps) for _ in range(count)]


def weights(training: Training) -> Tensor:
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def test_round_trip(tmp_path: Path) -> None:
    config = config_of()
    training = started(config)
    take(training, 4)
    run = run_of(training, config)
    save_run(tmp_path / "a.safetensors", run)
    found = load_run(tmp_path / "a.safetensors")
    assert (found.config, found.status, found.step) == (config, "paused", 4)
    assert found.state_scalars == run.state_scalars
    assert np.array_equal(found.history, HISTORY, equal_nan=True)
    assert found.history.dtype == np.float64
    for ours, theirs in ((run.weights, found.weights), (run.state_tensors, found.state_tensors)):
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            assert torch.equal(value, theirs[name]), name
            assert value.dtype == theirs[name].dtype, name
    assert torch.equal(weights(training), torch.cat([p.flatten() for p in found.model().parameters()]))
    assert len(list(tmp_path.iterdir())) == 1


def test_weights_alone_are_a_run_without_updates(tmp_path: Path) -> None:
    config = config_of()
    model = VAE(config.model, generator=torch.Generator().manual_seed(5))
    history = np.empty((0, len(HISTORY_COLUMNS)))
    path = tmp_path / "a.safetensors"
    save_run(path, Run(config=config, weights=model.state_dict(), history=history, status="finished"))
    found = load_run(path)
    assert (found.step, found.state_scalars) == (0, {})
    assert all(torch.equal(found.weights[name], value) for name, value in model.state_dict().items())


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    config = config_of()
    run = run_of(started(config), config)
    for name in ("a.safetensors", "b.safetensors"):
        save_run(tmp_path / name, run, durable=False)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("updates", [0, 1, 3, 4, 6, 11, 12])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "sgd", "learning_rate": 1e-3},
        {"optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.0},
        {"beta_schedule": "cyclical", "schedule_epochs": 2, "patience": 50, "num_samples": 2},
    ],
    ids=["adam", "sgd", "sgd without momentum", "cyclical and patient"],
)
def test_a_resumed_training_is_the_uninterrupted_one(
    settings: dict[str, Any], updates: int, tmp_path: Path
) -> None:
    """Three updates an epoch, twelve in all: within and between epochs, before the first, after the last."""
    config = config_of(**settings)
    whole, broken = started(config), started(config)
    expected = list(whole.steps())
    before = take(broken, updates)
    save_run(tmp_path / "run.safetensors", run_of(broken, config), durable=False)
    again = resumed(tmp_path / "run.safetensors")
    after = list(again.steps())
    assert [repr(step) for step in before + after] == [repr(step) for step in expected]
    assert torch.equal(weights(again), weights(whole))
    assert torch.equal(again.generator.get_state(), whole.generator.get_state())


def test_live_changes_survive(tmp_path: Path) -> None:
    config = config_of()
    whole = started(config)
    take(whole, 4)
    whole.set_beta(2.5)
    whole.set_learning_rate(0.01)
    save_run(tmp_path / "run.safetensors", run_of(whole, config), durable=False)
    again = resumed(tmp_path / "run.safetensors")
    assert (again.beta, again.learning_rate) == (2.5, 0.01)
    list(whole.steps())
    list(again.steps())
    assert torch.equal(weights(again), weights(whole))


def test_a_divergence_that_an_older_version_saved_in_the_last_batch_of_an_epoch_is_gone_on_from() -> None:
    training = started(config_of())
    take(training, 5)
    tensors, scalars = training.state()
    again = started(config_of())
    again.load_state(tensors, {**scalars, "position": 150})
    assert [(step.step, step.epoch) for step in take(again, 2)] == [(6, 2), (7, 2)]


DAMAGED: Final[dict[str, dict[str, Any]]] = {
    "no step": {"step": None},
    "text step": {"step": "x"},
    "infinite step": {"step": float("inf")},
    "hostile beta": {"live_beta": -1},
    "text beta": {"live_beta": "1"},
    "hostile rate": {"learning_rate": 1e9},
    "short order": {"order": torch.arange(10)},
    "twice the same row": {"order": torch.zeros(150, dtype=torch.int32)},
    "rows outside": {"order": torch.arange(1, 151)},
    "short generator": {"generator": torch.zeros(3, dtype=torch.uint8)},
    "float generator": {"generator": torch.zeros(5056)},
    "short moments": {"optimizer.exp_avg": torch.zeros(3)},
    "double moments": {"optimizer.exp_avg": torch.zeros(1113).double()},
    "unknown moments": {"optimizer.more": torch.zeros(3)},
    "no moments": {"optimizer.exp_avg_sq": None},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_training_state_is_refused(case: str) -> None:
    training = started(config_of())
    take(training, 4)
    tensors, scalars = training.state()
    for name, value in DAMAGED[case].items():
        target: dict[str, Any] = scalars if name in scalars else tensors
        target[name] = value
        if value is None:
            del target[name]
    with pytest.raises(BadInput, match="training state is damaged") as caught:
        started(config_of()).load_state(tensors, scalars)
    assert caught.value.code == "run"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the run gone\.safetensors cannot be read") as caught:
        load_run(tmp_path / "gone.safetensors")
    assert caught.value.code == "run"
    with pytest.raises(BadInput, match="cannot be read"):
        load_run(tmp_path)


def test_history_has_its_columns(tmp_path: Path) -> None:
    config = config_of()
    run = replace(run_of(started(config), config), history=np.zeros((0, len(HISTORY_COLUMNS))))
    save_run(tmp_path / "run.safetensors", run, durable=False)
    assert parse_run((tmp_path / "run.safetensors").read_bytes()).history.shape == (0, len(HISTORY_COLUMNS))
