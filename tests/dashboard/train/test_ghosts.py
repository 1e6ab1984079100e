"""Kept runs on the Train page: what they are called, and that one which is gone is kept no longer."""

import json
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.differences import difference, labels
from dashboard.formats import plain
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import KINDS, TINY, checked, open_page, runner, trained
from vae_core.config import RunConfig

__all__ = ["runner"]  # a fixture


def changed(**values: Any) -> RunConfig:
    """``TINY`` with other values of the model, the training, or the run itself."""
    parts: dict[str, Any] = {}
    for name in ("model", "train"):
        part = getattr(TINY, name)
        own = {key: value for key, value in values.items() if hasattr(part, key)}
        parts[name] = replace(part, **own)
    rest = {key: value for key, value in values.items() if hasattr(TINY, key)}
    return replace(TINY, **parts, **rest)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ""),
        ({"num_epochs": 7, "patience": 3, "hold": True}, ""),
        ({"num_components": 3, "momentum": 0.5, "schedule_epochs": 7}, ""),
        ({"prior": "vamp", "num_components": 3}, "prior VampPrior · K = 3"),
        ({"beta": 0.1}, "β 0.1"),
        ({"beta": 0.00025}, "β 0.00025"),
        ({"latent_dim": 8}, "J = 8"),
        ({"hidden_dims": (64, 32)}, "hidden 64, 32"),
        ({"hidden_dims": ()}, "no hidden layers"),
        ({"likelihood": "continuous_bernoulli"}, "continuous Bernoulli"),
        ({"learning_rate": 1e-3}, "η 0.001"),
        ({"seed": 4}, "seed 4"),
        ({"condition": "class", "num_conditions": 10}, "given the class"),
        ({"beta": 4.0, "seed": 4}, "β 4 · seed 4"),
        ({"beta": 4.0, "latent_dim": 3, "activation": "relu", "seed": 4}, "β 4 · J = 3 +2"),
    ],
)
def test_a_run_is_named_by_what_differs(values: dict[str, Any], said: str) -> None:
    assert difference(TINY, changed(**values)) == said


def test_every_field_that_makes_another_curve_makes_a_name() -> None:
    """What a run is, field by field: only its length and its place make no other curve."""
    length = {"num_epochs", "patience"}
    others = {
        **{"likelihood_scale": None, "encoder_head": "variance", "prior": "vamp", "num_components": 3},
        **{"latent_dim": 3, "hidden_dims": (9,), "activation": "relu", "likelihood": "gaussian"},
        **{"beta": 2.0, "num_samples": 2, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.5},
        "initial_weights": "he",
        **{"batch_size": 32, "beta_schedule": "linear", "schedule_epochs": 7, "free_bits": 0.5},
        **{"objective": "mmd", "architecture": "conv"},
    }
    fields = set(TINY.model.to_dict()) | set(TINY.train.to_dict())
    of_data = {"data_dim", "image_shape", "num_conditions"}
    assert fields - set(others) == length | of_data, "a new field: say how its runs are called"
    for name, value in others.items():
        # Only a Gaussian has a scale.
        shared = {"likelihood": "gaussian"} if name == "likelihood_scale" else {}
        # Of tanh networks there is no other choice.
        shared |= {"activation": "relu"} if name == "initial_weights" else {}
        # Only a learned prior has components, only SGD a momentum, only a schedule a length.
        shared |= {
            "num_components": {"prior": "vamp"},
            "momentum": {"optimizer": "sgd"},
            "schedule_epochs": {"beta_schedule": "cyclical"},
        }.get(name, {})
        more = {"image_shape": (8, 8)} if name == "architecture" else {}
        assert difference(changed(**shared), changed(**shared, **more, **{name: value})), name


def test_a_run_is_called_the_same_on_train_and_on_compare() -> None:
    for values in ({"beta": 0.1}, {"hidden_dims": ()}, {"prior": "vamp"}, {"encoder_head": "variance"}):
        other = changed(**values)
        assert labels(["Run a", "Run b"], ["", ""], [TINY, other])[1] == difference(TINY, other)


def test_other_data_is_named_by_its_title() -> None:
    assert difference(TINY, KINDS["points"]).startswith("Two moons"), difference(TINY, KINDS["points"])


def board_of(at: AppTest) -> dict[str, Any]:
    (board,) = [
        element
        for element in at.get("bidi_component")
        if element.proto.component_name.endswith("training_board")
    ]
    return json.loads(board.proto.bytes)


def test_kept_runs_are_ghosts_and_what_is_gone_is_forgotten(runner: LocalRunner) -> None:
    run, other, same = trained(runner, TINY), trained(runner, changed(beta=0.1)), trained(runner, TINY)
    kept = ",".join((other, "f" * 16, same, run))
    at = open_page("train", run=run, keep=kept)
    ghosts = board_of(at)["ghosts"]
    expected = [(other, "β 0.1"), (same, f"Run {same[:4]}")]
    assert [(ghost["run"], ghost["label"]) for ghost in ghosts] == expected
    assert at.session_state["keep"] == (other, same, run), "the one that is gone is forgotten, no other"


def test_without_a_run_the_example_model_is_on_the_board() -> None:
    at = open_page("train")
    board = board_of(at)
    assert (board["run"], board["owner"], board["step"]) == ("", "", 13800)
    assert board["grid_shape"] == [12, 12]
    assert any("Example model (trained on digits)" in text.value for text in at.markdown)


def test_a_run_without_a_picture_says_whose_board_stands_below_it(runner: LocalRunner) -> None:
    """A run that a restart of the server ended in the queue: the numbers beside its name are not its own."""
    run_id = runner.store.create(TINY, owner="browser")
    at = checked(open_page("train", run=run_id))
    assert board_of(at)["run"] == ""
    said = "\n".join(text.value for text in (*at.markdown, *at.caption))
    assert plain("Interrupted at step 0: the server stopped.") in said
    assert "board below is that of the example model" in said
    with_one = checked(open_page("train", run=trained(runner, TINY)))
    assert not [text for text in with_one.caption if "example model" in text.value]


def test_a_run_that_waits_stands_beside_the_kept_curves_alone(runner: LocalRunner) -> None:
    """The example model's curves stood among them, on axes that fitted neither."""
    kept, run_id = trained(runner, changed(beta=0.1)), runner.store.create(TINY, owner="browser")
    at = checked(open_page("train", run=run_id, keep=kept))
    board = board_of(at)
    assert [(ghost["run"], ghost["label"]) for ghost in board["ghosts"]] == [(kept, "β 0.1")]
    assert board["kept_alone"] is True
    assert any("these are the curves that you kept" in text.value for text in at.caption)
    assert board_of(checked(open_page("train", run=run_id)))["kept_alone"] is False
    assert board_of(checked(open_page("train", run=kept, keep=kept)))["kept_alone"] is False


def test_presenting_reaches_the_board(runner: LocalRunner) -> None:
    assert board_of(open_page("train", present="1"))["present"] is True
    assert board_of(checked(open_page("train").run()))["present"] is False
