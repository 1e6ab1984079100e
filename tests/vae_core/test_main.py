"""The entry of all processes: its table of tasks, what it refuses, and that a process loads what it needs."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.runs.pretrained import PRETRAINED_RUN
from vae_core.__main__ import TASKS, main
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.labs.gradients import accuracy
from vae_core.labs.reduction import evaluation
from vae_core.runs.runfile import load_run

ROOT: Final = Path(__file__).resolve().parents[2]
RUN: Final = str(PRETRAINED_RUN)


def compute(name: str, inputs: dict[str, Any], *arguments: str) -> dict[str, NDArray[Any]]:
    """A task in this process; its progress rises to 1."""
    shares: list[float] = []
    arrays = {key: np.asarray(value) for key, value in inputs.items()}
    result = TASKS[name](arrays, shares.append, arguments)
    assert shares == sorted(shares), name
    assert 0 < shares[-1] <= 1, name
    return dict(result)


def digit(number: int) -> NDArray[np.float32]:
    return load_dataset("digits", seed=0).x_test[number].numpy()


def test_tasks_by_name() -> None:
    """Dashboards, and results that were kept, know the tasks by these names."""
    assert list(TASKS) == [
        "gaps",
        "ladder",
        "evidence",
        "bits_back",
        "tsne",
        "gradients",
        "signal",
        "weighting",
        "race",
        "priors",
        "weights",
        "reduction",
        "bring",
        "openml",
    ]


def test_gaps_are_those_of_the_run_in_the_file() -> None:
    found = compute("gaps", {"x": np.stack([digit(0), digit(1)])}, RUN, "0")
    assert found["log_evidence"].shape == (2,)
    assert str(found["digest"]) == load_run(PRETRAINED_RUN).digest


def test_ladder_is_that_of_the_run_in_the_file() -> None:
    axis = np.linspace(-3, 3, 5)
    found = compute("ladder", {"x": digit(0)[None], "axis0": axis, "axis1": axis}, RUN, "0", "1")
    assert found["elbo"].shape == (5, 1)
    assert found["log_q"].shape == (5, 5, 5)
    assert str(found["digest"]) == load_run(PRETRAINED_RUN).digest


def test_bits_back_codes_and_decodes_the_images() -> None:
    found = compute("bits_back", {"x": np.stack([digit(0), digit(1)])}, RUN, "0", "grey")
    assert found["lengths"].shape == (3,)
    assert bool(found["is_identical"])
    assert str(found["digest"]) == load_run(PRETRAINED_RUN).digest


def test_evidence_is_that_of_each_run() -> None:
    found = compute("evidence", {"x": np.stack([digit(0), digit(1)])}, "0", RUN, RUN)
    assert found["log_evidence0"].shape == found["error1"].shape == (2,)
    assert np.array_equal(found["elbo0"], found["elbo1"])
    assert bool(found["is_exact1"])
    assert str(found["digest1"]) == load_run(PRETRAINED_RUN).digest


def test_gradients_are_those_of_the_run_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    few = partial(accuracy.measure_accuracy, num_samples=accuracy.PIECE)
    monkeypatch.setattr(accuracy, "measure_accuracy", few)
    found = compute("gradients", {"x": digit(0), "sample_counts": [1, 8]}, RUN, "0")
    assert found["mean"].shape == found["variance"].shape
    assert found["mean"].shape[0] == 2
    assert str(found["digest"]) == load_run(PRETRAINED_RUN).digest


def test_signal_is_that_of_the_run_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_core.labs.gradients.importance_weighted._REPEATS", 2)
    found = compute("signal", {"x": np.stack([digit(0), digit(1)])}, RUN, "0")
    assert found["ratio"].shape == found["error"].shape == (len(found["sample_counts"]), 3)
    assert str(found["digest"]) == load_run(PRETRAINED_RUN).digest


def test_weighting_trains_on_digits_once_for_each_number_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_core.labs.gradients.importance_weighted._HELD_OUT", 10)
    found = compute("weighting", {}, "1", "0", "0")
    assert found["elbo"].shape == found["log_evidence"].shape == (3, 10)
    assert (found["log_evidence"] > found["elbo"]).all()


def test_race_returns_what_it_was_given_too() -> None:
    config = RunConfig(
        dataset="two_moons",
        model=ModelConfig(data_dim=2, hidden_dims=(4,), likelihood="gaussian"),
        train=TrainConfig(num_epochs=1),
    )
    inputs = {"runs": [config.to_json()] * 2, "num_data": 100, "data_digest": "", "split": 0}
    found = compute("race", inputs)
    assert found["held_out"].shape == (2, 2)
    assert np.array_equal(found["held_out"][0], found["held_out"][1]), "equal configurations"
    assert RunConfig.from_json(str(found["runs"][0])) == config


def test_priors_are_trained_on_the_data_set_of_that_name() -> None:
    found = compute("priors", {}, "digits", "3", "1", "0", "0")
    assert found["mixture/centres"].shape[1:] == (3, 2)


def test_weights_are_those_of_few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_core.labs.weights.comparison.NUM_GRADIENTS", 2)
    monkeypatch.setattr("vae_core.labs.weights.comparison.NUM_WEIGHTS", 2)
    found = compute("weights", {"num_data": 20}, "decoder", "1.0", "50", "0", "0")
    assert found["num_data"].tolist()[0] == 20


def test_reduction_is_of_the_data_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "compare", partial(evaluation.compare, num_updates=20))
    found = compute("reduction", evaluation.data_arrays(load_dataset("two_moons", seed=0)), "1", "0", "0")
    assert found["VAE.codes"].shape == (400, 1)


@pytest.mark.parametrize("arguments", [[], ["tsk"], ["task", "tsne"], ["task", "no_such", "a", "b"]])
def test_other_commands_are_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "python -m vae_core worker [RUN_DIR...]" in said
    assert all(name in said for name in TASKS)


def test_a_process_loads_only_what_it_needs() -> None:
    script = (
        "import sys; import vae_core.__main__; assert 'torch' not in sys.modules, 'entry';"
        "import vae_core.latent.projection; assert 'torch' not in sys.modules, 't-SNE';"
        "import vae_core.runs.worker; assert 'sklearn' not in sys.modules, 'worker'"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
