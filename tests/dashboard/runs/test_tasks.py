"""Tasks: computed in the background with progress, a queue, cancel and errors; results outlive the server."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dashboard.runs import scheduler as schedulers
from dashboard.runs import tasks as tasks_module
from dashboard.runs.tasks import MAX_KEPT_RESULTS, Progress, Tasks, task_key
from tests.polling import until

POINTS = np.random.default_rng(0).normal(size=(120, 5)).astype(np.float32)
MANY = {"points": np.concatenate([POINTS] * 8)}
ME, SHE = "0" * 32, "1" * 32
"""Tokens of two browsers."""
KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
Start = Callable[..., None]


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Tasks]:
    made = Tasks(tmp_path, limit=1)
    yield made
    for key in (OTHER, KEY):
        for owner in (ME, SHE):
            made.cancel(key, owner=owner)
        until(lambda key=key: made.progress(key) is None, "the end of the task")


def start(tasks: Tasks, key: str, inputs: dict[str, np.ndarray]) -> None:
    tasks.start(key, "tsne", "0", owner=ME, inputs=inputs)


def test_tsne_is_computed_in_the_background_and_kept(tasks: Tasks, tmp_path: Path) -> None:
    start(tasks, KEY, {"points": np.concatenate([POINTS, POINTS + 200])})
    assert tasks.progress(KEY) is not None
    until(lambda: tasks.progress(KEY) is None, "the end of the t-SNE")
    result = tasks.result(KEY)
    assert result is not None
    found = result["coordinates"]
    assert found.shape == (240, 2)
    centres = found[:120].mean(0), found[120:].mean(0)
    nearest = np.linalg.norm(found[:, None] - np.stack(centres), axis=2).argmin(1)
    assert (nearest == np.repeat([0, 1], 120)).mean() > 0.95, "two far clusters stay apart"
    again = Tasks(tmp_path, limit=1).result(KEY)
    assert again is not None, "the result outlives the server"
    assert np.array_equal(again["coordinates"], found)
    files = [path for path in (tmp_path / "tasks").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{KEY}.npz"], "inputs are removed"


def test_second_task_waits_for_its_turn_and_can_leave(tasks: Tasks) -> None:
    start(tasks, KEY, MANY)
    start(tasks, OTHER, MANY)
    until(lambda: (found := tasks.progress(KEY)) is None or not found.queue_position, "the first begins")
    assert tasks.progress(OTHER) == Progress(0.0, 1)
    tasks.cancel(OTHER, owner=ME)
    assert tasks.progress(OTHER) is None
    assert tasks.progress(KEY) is not None


def test_progress_rises_and_cancel_ends_the_work(tasks: Tasks) -> None:
    start(tasks, KEY, MANY)
    until(lambda: (tasks.progress(KEY) or Progress(0.0, 0)).done > 0, "some progress")
    tasks.cancel(KEY, owner=ME)
    assert tasks.progress(KEY) is None
    assert (tasks.result(KEY), tasks.error(KEY)) == (None, None)


def test_bad_input_is_said_and_the_last_result_stays(tasks: Tasks) -> None:
    start(tasks, KEY, {"points": POINTS})
    until(lambda: tasks.progress(KEY) is None, "the end of the t-SNE")
    start(tasks, KEY, {"points": POINTS[:3]})
    until(lambda: tasks.progress(KEY) is None, "the refusal")
    assert "t-SNE takes 4" in (tasks.error(KEY) or "")
    assert tasks.result(KEY) is not None


def test_task_that_dies_is_said(tasks: Tasks) -> None:
    start(tasks, KEY, {})
    until(lambda: tasks.progress(KEY) is None, "the end")
    assert "ended unexpectedly (code 1)" in (tasks.error(KEY) or "")


def test_a_task_that_crashes_says_what_to_change(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a library may on some input: the same input would crash it again."""
    crash = [sys.executable, "-c", "import os; os.abort()"]
    spawn = tasks_module.spawn
    monkeypatch.setattr(tasks_module, "spawn", lambda command: spawn(crash))
    start(tasks, KEY, {"points": POINTS})
    until(lambda: tasks.progress(KEY) is None, "the crash")
    assert tasks.error(KEY) == (
        "The computation crashed (signal 6): choose other data or other settings, then try again."
    )


def test_task_that_takes_too_long_is_stopped_and_frees_its_core(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A race of a million updates of a wide network would hold a core of the class for hours."""
    monkeypatch.setattr(tasks_module, "LIMIT_S", 0.05)
    start(tasks, KEY, MANY)
    until(lambda: tasks.progress(KEY) is None, "the end")
    assert (tasks.error(KEY), tasks.result(KEY)) == (tasks_module.LATE, None)
    assert tasks_module.LATE.startswith("It was stopped after 30 minutes")
    monkeypatch.undo()
    start(tasks, OTHER, {"points": POINTS[:4]})
    until(lambda: tasks.progress(OTHER) is None, "the next")
    assert tasks.result(OTHER) is not None


@pytest.mark.parametrize("damaged", [b"", b"PK no archive", b"PK\x03\x04 cut off"])
def test_damaged_result_counts_as_none(tasks: Tasks, tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "tasks" / f"{KEY}.npz").write_bytes(damaged)
    assert tasks.result(KEY) is None
    assert not tasks.is_done(KEY), "it can be started again"


def test_keys_are_hex_digits(tasks: Tasks) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        start(tasks, "../../evil", {"points": POINTS})
    assert tasks.result("../../evil") is None


def test_oldest_results_go(tasks: Tasks, tmp_path: Path) -> None:
    for number in range(MAX_KEPT_RESULTS + 5):
        (tmp_path / "tasks" / f"{number:016x}.npz").touch()
    start(tasks, KEY, {"points": POINTS[:4]})
    until(lambda: tasks.progress(KEY) is None, "the end")
    until(lambda: len(list((tmp_path / "tasks").glob("*.npz"))) <= MAX_KEPT_RESULTS, "the oldest have gone")
    assert tasks.result(KEY) is not None


def test_results_have_room_for_so_many_bytes_and_the_newest_stays(
    tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "MAX_KEPT_BYTES", 2500)
    names = [f"{number:016x}.npz" for number in range(4)]
    for number, name in enumerate(names):
        (tmp_path / "tasks" / name).write_bytes(bytes(1000))
        os.utime(tmp_path / "tasks" / name, (number, number))
    tasks._forget_oldest()
    assert sorted(path.name for path in (tmp_path / "tasks").glob("*.npz")) == names[2:]
    monkeypatch.setattr(tasks_module, "MAX_KEPT_BYTES", 0)
    tasks._forget_oldest()
    assert [path.name for path in (tmp_path / "tasks").glob("*.npz")] == names[3:]


def test_tasks_that_are_over_are_remembered_up_to_a_number(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "MAX_KEPT_RESULTS", 2)
    for number in range(4):
        start(tasks, f"{number:016x}", {"points": POINTS[:4]})
        until(lambda number=number: tasks.progress(f"{number:016x}") is None, "the end")
    until(lambda: len(tasks._tasks) == 2, "the first two are forgotten")


def test_a_task_that_is_tidying_up_leaves_the_next_of_its_key_alone(tasks: Tasks, tmp_path: Path) -> None:
    start(tasks, KEY, MANY)
    tasks.cancel(KEY, owner=ME)
    start(tasks, KEY, {"points": POINTS})
    until(lambda: tasks.progress(KEY) is None, "the end of the t-SNE")
    assert tasks.error(KEY) is None
    assert tasks.result(KEY) is not None
    until(lambda: not list((tmp_path / "tasks" / "inputs").iterdir()), "both inputs removed")


def test_key_tells_apart_all_that_a_result_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(6.0)
    keys = [
        task_key("race", 1, "a"),
        task_key("weights", 1, "a"),
        task_key("race", "1", "a"),
        task_key("race", 1, "a", None),
        task_key("race", "1a"),
        task_key("race", rows),
        task_key("race", rows.reshape(2, 3)),
        task_key("race", rows.astype(np.float32)),
        task_key("race", rows + 1),
    ]
    assert len(set(keys)) == len(keys)
    assert task_key("race", 1, "a") == keys[0], "equal inputs share a result"
    assert task_key("race", rows.reshape(2, 3).T.copy().T) == keys[6], "the order in memory does not count"
    monkeypatch.setattr(tasks_module, "RESULT_VERSION", tasks_module.RESULT_VERSION + 1)
    assert task_key("race", 1, "a") not in keys, "another version's results are not found"


def test_result_of_another_version_is_computed_anew(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    key = task_key("t-SNE", POINTS)
    start(tasks, key, {"points": POINTS[:4]})
    until(lambda: tasks.progress(key) is None, "the end of the t-SNE")
    assert tasks.result(task_key("t-SNE", POINTS)) is not None
    monkeypatch.setattr(tasks_module, "RESULT_VERSION", tasks_module.RESULT_VERSION + 1)
    assert tasks.result(task_key("t-SNE", POINTS)) is None


def test_cancel_of_one_leaves_the_result_to_who_still_waits(tasks: Tasks) -> None:
    start(tasks, KEY, MANY)
    tasks.start(KEY, "tsne", "0", owner=SHE, inputs=MANY)
    assert tasks.is_wanted_by(KEY, ME)
    tasks.cancel(KEY, owner=ME)
    assert (tasks.is_wanted_by(KEY, ME), tasks.is_wanted_by(KEY, SHE)) == (False, True)
    tasks.cancel(KEY, owner="2" * 32)
    assert tasks.progress(KEY) is not None, "strangers end nothing"
    tasks.cancel(KEY, owner=SHE)
    assert tasks.progress(KEY) is None


def test_task_that_cannot_start_ends_with_its_error_and_frees_its_core(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str]) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(tasks_module, "spawn", fail)
    start(tasks, KEY, MANY)
    until(lambda: tasks.progress(KEY) is None, "the end")
    assert (
        tasks.error(KEY) == "The computation could not start (Resource temporarily unavailable). Try again."
    )
    start(tasks, OTHER, MANY)
    until(lambda: tasks.progress(OTHER) is None, "the end of the next")


def test_inputs_that_cannot_be_written_are_the_tasks_error(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    start(tasks, KEY, MANY)
    assert tasks.progress(KEY) is None
    assert "No space left on device" in str(tasks.error(KEY))


def test_full_queue_is_the_tasks_error(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tasks, KEY, MANY)
    monkeypatch.setattr(schedulers, "MAX_WAITING", 0)
    start(tasks, OTHER, MANY)
    assert tasks.progress(OTHER) is None
    assert "waiting already" in str(tasks.error(OTHER))


def test_inputs_of_a_server_that_was_killed_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "tasks" / "inputs" / "left.npz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left")
    Tasks(tmp_path, limit=1)
    assert not left.exists()
