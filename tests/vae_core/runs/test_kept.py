"""Kept steps: logarithmic and within their limit however long a run trains; a fork is bitwise its parent."""

import io
import os
import queue
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.runs import driver
from vae_core.runs.driver import Command, Driver
from vae_core.runs.fork import DRAW_ANEW, forked
from vae_core.runs.kept import KeptSteps, is_due, thinned
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, read_snapshot
from vae_core.training.loop import Training

CONFIG: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(4,)), train=TrainConfig(num_epochs=8, batch_size=400), seed=2
)
"""32 updates: four in each epoch."""
RESUME: Final[Command] = {"command": "resume"}


def train(folder: Path, *commands: Command, config: RunConfig = CONFIG) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config.to_json())
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    for command in commands:
        waiting.put(command)
    Driver(folder, waiting, io.StringIO()).run()
    return load_run(folder / "run.safetensors")


def kept(folder: Path) -> KeptSteps:
    return KeptSteps(folder / "kept")


def begun_from(run: Run, folder: Path) -> Path:
    folder.mkdir()
    save_run(folder / "run.safetensors", run)
    return folder


def assert_same_state(one: Run, other: Run) -> None:
    assert one.step == other.step
    for name, value in {**one.weights, **one.state_tensors}.items():
        found = {**other.weights, **other.state_tensors}[name]
        assert torch.equal(value, found), f"{name} at step {one.step}"


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "parent"
    train(folder)
    return folder


def test_a_run_keeps_the_steps_that_are_due_and_each_can_be_drawn(parent: Path) -> None:
    steps = kept(parent).steps()
    assert steps == tuple(step for step in range(33) if is_due(step))
    newest = read_snapshot(parent / "snapshot.safetensors")
    for step in steps:
        run, snapshot = load_run(kept(parent).run_file(step)), kept(parent).snapshot(step)
        assert snapshot is not None, step
        assert run.step == snapshot.step == snapshot.history[-1, 0] == step
        assert np.array_equal(snapshot.history, run.history, equal_nan=True), step
        assert np.array_equal(snapshot.examples, newest.examples), step
        assert snapshot.grid.shape == newest.grid.shape
    first, last = kept(parent).snapshot(0), kept(parent).snapshot(32)
    assert first is not None
    assert last is not None
    assert not np.array_equal(first.means, last.means)
    assert np.array_equal(last.means, newest.means)


@pytest.mark.parametrize("step", [0, 6, 24])
def test_a_fork_with_nothing_changed_is_its_parent_at_each_later_step(
    step: int, parent: Path, tmp_path: Path
) -> None:
    fork = begun_from(forked(load_run(kept(parent).run_file(step))), tmp_path / "fork")
    end = train(fork, RESUME)
    later = [one for one in kept(parent).steps() if one > step]
    assert set(later) <= set(kept(fork).steps())
    for one in later:
        assert_same_state(load_run(kept(parent).run_file(one)), load_run(kept(fork).run_file(one)))
    assert_same_state(load_run(parent / "run.safetensors"), end)


def test_a_fork_with_another_beta_says_so_in_its_curves(parent: Path, tmp_path: Path) -> None:
    """Right at the fork β is the old one, with the first update the new one, and there is a row of each."""
    run = load_run(kept(parent).run_file(8))
    end = train(begun_from(forked(run, beta=4.0, learning_rate=0.01), tmp_path / "fork"), RESUME)
    names = ("step", "beta", "learning_rate")
    rows = end.history[:, [HISTORY_COLUMNS.index(name) for name in names]].tolist()
    at = [row[0] for row in rows].index(8.0)
    assert rows[at] == [8.0, 1.0, CONFIG.train.learning_rate]
    assert rows[at + 1] == [9.0, 4.0, 0.01]
    assert rows[-1] == [32.0, 4.0, 0.01]
    assert np.array_equal(end.history[: at + 1], run.history, equal_nan=True)
    other = load_run(parent / "run.safetensors").weights
    assert any(not torch.equal(value, other[name]) for name, value in end.weights.items())


def test_another_seed_changes_the_draws_from_there_and_nothing_else(parent: Path, tmp_path: Path) -> None:
    run = load_run(kept(parent).run_file(6))
    anew = forked(run, seed=9)
    assert_same_state(run, anew)
    assert anew.config == run.config
    ends = []
    for name, start in {"one": anew, "again": anew, "other": forked(run, seed=10)}.items():
        training = driver.open_training(run.config, start)
        order = run.state_tensors["order"].tolist()
        # Step 6 is in the middle of the epoch: what was seen stays seen, the rest comes in another order.
        seen = 6 % training.steps_per_epoch * training.batch_size
        now = training._batches.order.tolist()
        assert now[:seen] == order[:seen], name
        assert now[seen:] != order[seen:], name
        assert sorted(now) == sorted(order), name
        ends.append(train(begun_from(start, tmp_path / name), RESUME))
    assert_same_state(ends[0], ends[1])
    for end in (ends[2], load_run(parent / "run.safetensors")):
        assert not torch.equal(end.state_tensors["generator"], ends[0].state_tensors["generator"])
        assert any(not torch.equal(value, end.weights[name]) for name, value in ends[0].weights.items())
    # It is drawn anew once, not each time the run goes on.
    assert DRAW_ANEW not in ends[0].state_scalars


@pytest.mark.parametrize(
    "changed", [{"beta": -1.0}, {"learning_rate": float("nan")}, {"seed": -1}, {"seed": 2**31}, {"seed": 1.5}]
)
def test_what_is_out_of_range_is_no_fork(changed: dict[str, Any], parent: Path) -> None:
    with pytest.raises(BadInput) as refused:
        forked(load_run(kept(parent).run_file(0)), **changed)
    assert refused.value.code in changed


@pytest.mark.parametrize("said", ["9", -1, None, 1.5, True])
def test_a_hostile_seed_in_a_run_file_is_refused(said: Any, parent: Path) -> None:
    run = load_run(kept(parent).run_file(0))
    hostile = replace(run, state_scalars={**run.state_scalars, DRAW_ANEW: said})
    with pytest.raises(BadInput):
        driver.open_training(run.config, hostile)


def test_a_run_that_falls_back_keeps_nothing_beyond(tmp_path: Path) -> None:
    """It goes on from its last good state another way: what was kept after that is of no run."""
    diverging = replace(CONFIG, train=replace(CONFIG.train, learning_rate=50.0, optimizer="sgd"))
    end = train(tmp_path / "run", config=diverging)
    assert end.status == "diverged"
    assert all(step <= end.step for step in kept(tmp_path / "run").steps())


def test_what_was_kept_after_the_last_save_is_made_again(parent: Path, tmp_path: Path) -> None:
    folder = begun_from(load_run(kept(parent).run_file(6)), tmp_path / "run")
    kept(parent).copy_to(folder / "kept", up_to=32)
    assert kept(folder).steps() == kept(parent).steps()
    train(folder, {"command": "stop"})
    assert kept(folder).steps() == (0, 1, 2, 3, 4, 6)


def test_thousands_of_updates_stay_within_the_limit(parent: Path, tmp_path: Path) -> None:
    run, snapshot = load_run(kept(parent).run_file(32)), kept(parent).snapshot(32)
    assert snapshot is not None
    limit = 300_000
    some = KeptSteps(tmp_path / "kept", limit=limit)
    for step in filter(is_due, range(20_000)):
        there = replace(run, state_scalars={**run.state_scalars, "step": step})
        some.keep(there, replace(snapshot, step=step))
    sizes = [path.stat().st_size for path in (tmp_path / "kept").iterdir()]
    assert sum(sizes) <= limit
    steps = some.steps()
    assert len(steps) > 3
    assert sum(sizes) > 0.7 * limit
    assert (steps[0], steps[-1]) == (0, 16384)
    assert_logarithmic(steps)


def assert_logarithmic(steps: Sequence[int]) -> None:
    """No gap between two steps is wider than two other neighbouring gaps together."""
    # Below 8 there are no steps in between; the newest gap is still young.
    gaps = np.diff([np.log1p(step) for step in steps if step >= 8])
    if len(gaps) > 3:
        assert gaps.max() <= 1.2 * (gaps[:-2] + gaps[1:-1]).min(), steps


@given(st.integers(3, 40), st.integers(2, 2**50))
def test_the_kept_steps_stay_logarithmic_as_an_endless_run_goes_on(most: int, end: int) -> None:
    steps: tuple[int, ...] = ()
    step = 0
    while step <= end:
        steps = thinned(dict.fromkeys((*steps, step), 1), most=most)
        step += 1 << max(0, step.bit_length() - 2)
    assert len(steps) <= most
    assert steps[:1] == (0,)
    assert all(map(is_due, steps))
    assert_logarithmic(steps)


@pytest.mark.parametrize(("fits", "due"), [(30, 13), (15, 8), (5, 5)])
def test_what_would_have_to_go_again_soon_is_not_written(
    fits: int, due: int, parent: Path, tmp_path: Path
) -> None:
    run, snapshot = load_run(kept(parent).run_file(0)), kept(parent).snapshot(0)
    assert snapshot is not None
    size = sum(path.stat().st_size for path in (parent / "kept").glob("0.*"))
    some = KeptSteps(tmp_path / "kept", limit=fits * size + size // 2)
    some.keep(run, snapshot)
    assert 1 + sum(map(some.wants, range(1, 65))) == due


def test_a_model_too_large_for_the_limit_keeps_nothing_more(parent: Path, tmp_path: Path) -> None:
    run, snapshot = load_run(kept(parent).run_file(0)), kept(parent).snapshot(0)
    assert snapshot is not None
    none = KeptSteps(tmp_path / "kept", limit=1000)
    assert none.wants(0)
    none.keep(run, snapshot)
    assert none.steps() == ()
    assert not any(map(none.wants, range(100)))
    assert list((tmp_path / "kept").iterdir()) == []


def test_another_run_shares_the_content_and_loses_nothing_with_it(parent: Path, tmp_path: Path) -> None:
    kept(parent).copy_to(tmp_path / "kept", up_to=8)
    copied = KeptSteps(tmp_path / "kept")
    assert copied.steps() == (0, 1, 2, 3, 4, 6, 8)
    if hasattr(os, "link"):
        assert copied.run_file(8).samefile(kept(parent).run_file(8))
    copied.forget_after(4)
    assert copied.steps() == (0, 1, 2, 3, 4)
    assert 8 in kept(parent).steps()


@pytest.mark.parametrize("name", ["run", "snapshot"])
def test_a_damaged_step_cannot_be_looked_at(name: str, parent: Path, tmp_path: Path) -> None:
    kept(parent).copy_to(tmp_path / "kept", up_to=1)
    path = tmp_path / "kept" / f"1.{name}.safetensors"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:100])
    assert KeptSteps(tmp_path / "kept").snapshot(1) is None
    assert KeptSteps(tmp_path / "kept").snapshot(0) is not None


def test_what_else_lies_there_is_no_step(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert KeptSteps(folder).steps() == ()
    folder.mkdir()
    for name in (
        "x.run.safetensors",
        "7.run.safetensors.tmp",
        "-1.run.safetensors",
        "7.snapshot.safetensors",
    ):
        (folder / name).touch()
    assert KeptSteps(folder).steps() == ()


def test_a_training_says_nothing_of_its_being_watched(parent: Path) -> None:
    """Keeping draws nothing from the run's generator: the weights are those of the plain loop."""
    training = driver.open_training(CONFIG, None)
    assert isinstance(training, Training)
    for _ in training.steps():
        pass
    end = load_run(parent / "run.safetensors")
    for name, value in training.model.state_dict().items():
        assert torch.equal(value, end.weights[name]), name
