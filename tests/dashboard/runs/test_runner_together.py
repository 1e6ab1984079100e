"""Runs that share a process: one place for all, and each can be stopped, paused and steered by itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from dashboard.runs.job import JobView
from dashboard.runs.runner import LocalRunner
from dashboard.runs.scheduler import Place
from dashboard.runs.store import digest_of
from tests.polling import is_gone, until
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput

LONG: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=1_000_000)
)
ME, OTHER = "0" * 32, "1" * 32


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    """One core; each test leaves nothing going."""
    found = LocalRunner(tmp_path_factory.mktemp("together"), max_running=1)
    found.workers.warm()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def nothing_left(runner: LocalRunner) -> Iterator[None]:
    yield
    for run_id in list(runner._jobs):
        runner.send(run_id, "stop", owner=ME)
    until(lambda: all(job.place is None for job in runner._jobs.values()), "all runs end")


def sweep(**train: object) -> list[RunConfig]:
    base = replace(LONG, train=replace(LONG.train, **train))
    return [replace(base, train=replace(base.train, beta=beta)) for beta in (0.5, 1.0, 4.0)]


def view_of(runner: LocalRunner, run_id: str) -> JobView:
    view = runner.view(run_id)
    assert view is not None
    return view


def reach(runner: LocalRunner, ids: list[str], status: str, *, step: int = 0) -> None:
    def reached() -> bool:
        views = [view_of(runner, run_id) for run_id in ids]
        return all(view.status == status and view.step >= step for view in views)

    until(reached, f"{status} at step {step}")


def test_a_group_is_one_process_with_one_place(runner: LocalRunner) -> None:
    ids = runner.submit_together(sweep(), owner=ME, tags=("sweep ab",))
    after = runner.submit(LONG, owner=ME)
    reach(runner, ids, "running", step=30)
    assert [view_of(runner, run_id).beta for run_id in ids] == [0.5, 1.0, 4.0]
    assert len({id(runner._jobs[run_id].place) for run_id in ids}) == 1
    assert view_of(runner, after).queue_position == 1
    assert all(runner.store.about(run_id).sweep is not None for run_id in ids)
    with pytest.raises(BadInput, match="another browser"):
        runner.send(ids[0], "stop", owner=OTHER)
    # One after the other leaves; with the last one the core is free.
    for run_id in ids:
        assert view_of(runner, after).status == "queued"
        runner.send(run_id, "stop", owner=ME)
        reach(runner, [run_id], "stopped", step=30)
    reach(runner, [after], "running")


def test_short_ones_end_together_with_their_files(runner: LocalRunner) -> None:
    ids = runner.submit_together(sweep(num_epochs=2, batch_size=256), owner=ME)
    reach(runner, ids, "finished", step=12)
    assert all(runner.store.run_file(run_id) is not None for run_id in ids)
    assert [view_of(runner, run_id).num_steps for run_id in ids] == [12] * 3


def test_one_that_is_steered_goes_on_by_itself(runner: LocalRunner) -> None:
    first, second, third = runner.submit_together(sweep(), owner=ME)
    reach(runner, [first, second, third], "running", step=5)
    runner.send(second, "set", owner=ME, beta=3.0)
    until(lambda: runner._jobs[second].process is None, "it has left")
    assert view_of(runner, second).beta == 3.0, "what was set is shown while it waits"
    reach(runner, [first, third], "running", step=view_of(runner, first).step + 5)
    runner.send(third, "pause", owner=ME)
    reach(runner, [third], "paused")
    until(lambda: runner._jobs[third].process is None, "it has left, too")
    left_at = view_of(runner, second).step
    runner.send(first, "stop", owner=ME)
    reach(runner, [second], "running", step=left_at + 5)
    assert view_of(runner, second).beta == 3.0
    runner.send(second, "stop", owner=ME)
    left_at = view_of(runner, third).step
    runner.send(third, "resume", owner=ME)
    reach(runner, [third], "running", step=left_at + 5)


def test_those_that_wait_can_be_stopped_and_changed_one_by_one(runner: LocalRunner) -> None:
    before = runner.submit(LONG, owner=ME)
    reach(runner, [before], "running")
    first, second, third = runner.submit_together(sweep(), owner=ME)
    runner.send(first, "stop", owner=ME)
    assert view_of(runner, first).message == "Stopped before it began."
    runner.send(second, "set", owner=ME, beta=2.0)
    assert (view_of(runner, second).status, view_of(runner, second).beta) == ("queued", 2.0)
    assert [view_of(runner, one).queue_position for one in (first, third, second)] == [0, 1, 2]
    runner.send(before, "stop", owner=ME)
    reach(runner, [third], "running", step=3)
    runner.send(third, "stop", owner=ME)
    reach(runner, [second], "running", step=3)
    assert view_of(runner, second).beta == 2.0


def test_a_process_that_dies_leaves_all_of_them_to_be_resumed(runner: LocalRunner) -> None:
    ids = runner.submit_together(sweep(), owner=ME)
    reach(runner, ids, "running", step=5)
    for run_id in ids:
        runner.save(run_id, for_looking=False)
    process = runner._jobs[ids[0]].process
    assert process is not None
    process.kill()
    reach(runner, ids, "crashed")
    runner.send(ids[1], "resume", owner=ME)
    reach(runner, [ids[1]], "running", step=6)


def test_interrupted_ones_of_a_sweep_go_on_in_one_process(runner: LocalRunner) -> None:
    """They trained one after the other, each behind all of the one before."""
    ids = runner.submit_together(sweep(), owner=ME, tags=("sweep ab",))
    other = runner.submit(replace(LONG, hold=True), owner=ME)
    reach(runner, ids, "running", step=5)
    process = runner._jobs[ids[0]].process
    assert process is not None
    for run_id in ids:
        runner.save(run_id, for_looking=False)
    process.kill()
    reach(runner, ids, "crashed")
    left_at = max(view_of(runner, run_id).step for run_id in ids)
    with pytest.raises(BadInput, match="another browser"):
        runner.resume_together(ids, owner=OTHER)
    runner.resume_together([*ids, other], owner=ME)
    assert len({id(runner._jobs[run_id].place) for run_id in ids}) == 1
    assert runner._jobs[other].place is not runner._jobs[ids[0]].place
    reach(runner, ids, "running", step=left_at + 5)
    # Another β is for one alone: it goes on by itself.
    for run_id in ids:
        runner.send(run_id, "stop", owner=ME)
    reach(runner, ids, "stopped")
    until(lambda: all(runner._jobs[run_id].rests for run_id in ids), "they rest")
    runner.send(ids[1], "set", owner=ME, beta=3.0)
    runner.resume_together(ids, owner=ME)
    places = [id(runner._jobs[run_id].place) for run_id in ids]
    assert places[0] == places[2] != places[1]


def test_their_core_is_lent_and_given_back(runner: LocalRunner) -> None:
    ids = runner.submit_together(sweep(), owner=ME)
    reach(runner, ids, "running", step=5)
    task = Place(owner=digest_of(ME), memory=0, borrows=True, begin=lambda: None)
    runner.scheduler.enter(task)
    reach(runner, ids, "queued")
    stands = [view_of(runner, run_id).step for run_id in ids]
    runner.scheduler.leave(task)
    reach(runner, ids, "running", step=max(stands) + 5)


def test_runs_are_grouped_where_they_gain_by_it(tmp_path: Path) -> None:
    found = LocalRunner(tmp_path, max_running=2)
    configs = sweep()
    assert found.in_groups(configs) == [configs[:2], configs[2:]]
    wide = [replace(one, model=replace(one.model, hidden_dims=(2000,))) for one in configs]
    assert found.in_groups(wide) == [[one] for one in wide]
    redrawn = [replace(one, binarised="stochastic") for one in configs]
    assert found.in_groups(redrawn) == [[one] for one in redrawn], "each draws its images for itself"
    model = replace(configs[0].model, architecture="conv", image_shape=(8, 8), hidden_dims=(4,))
    conv = [replace(one, model=model) for one in configs]
    assert found.in_groups(conv) == [[one] for one in conv]
    found.close()


def test_workers_end_with_the_runner(tmp_path: Path) -> None:
    own = LocalRunner(tmp_path, max_running=1)
    ids = own.submit_together(sweep(), owner=ME)
    reach(own, ids, "running", step=3)
    process = own._jobs[ids[0]].process
    assert process is not None
    own.close()
    assert is_gone(process.pid)
    again = LocalRunner(tmp_path, max_running=1)
    assert [view_of(again, run_id).status for run_id in ids] == ["interrupted"] * 3
    again.close()
