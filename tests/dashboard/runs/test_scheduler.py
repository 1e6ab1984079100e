"""Who computes next: within the budget, and nobody a second time before another's first."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.runs import scheduler as schedulers
from dashboard.runs.scheduler import FORGOTTEN_S, TURN_S, Place, Scheduler, memory_budget
from vae_core.errors import BadInput

GIB = 2**30


class World:
    """A scheduler whose processes are made of nothing: they note what they are told."""

    def __init__(self, **budget: Any) -> None:
        options: dict[str, Any] = {"cores": 1, "memory": 100 * GIB, "max_resting": 4} | budget
        self.scheduler = Scheduler(clock=lambda: self.now, **options)
        self.now = 0.0
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.paused: list[tuple[str, str]] = []

    def enter(
        self, name: str, *, memory: int = GIB, unseen_s: Callable[[], float] = lambda: 0.0, **options: Any
    ) -> Place:
        """``name`` begins with the letter of its browser."""
        place = Place(
            owner=name[0],
            memory=memory,
            begin=lambda: self.begun.append(name),
            end=lambda: self.ended.append(name),
            unseen_s=unseen_s,
            **options,
        )
        self.scheduler.enter(place)
        return place

    def training(self, name: str, **options: Any) -> Place:
        return self.enter(name, pause=lambda why: self.paused.append((name, why)), **options)

    def later(self, seconds: float = TURN_S) -> None:
        """So many seconds later, at the next look of anybody."""
        self.now += seconds
        self.scheduler.advance()


def test_browsers_take_turns_whoever_asks_most() -> None:
    world = World()
    places = {name: world.enter(name) for name in ("a1", "a2", "a3", "b1", "b2", "c1")}
    waiting = [name for name in places if places[name].state == "waiting"]
    waiting.sort(key=lambda name: world.scheduler.position(places[name]))
    assert [world.scheduler.position(places[name]) for name in waiting] == [1, 2, 3, 4, 5]
    while len(world.begun) < 6:
        world.scheduler.leave(places[world.begun[-1]])
    assert world.begun == ["a1", *waiting] == ["a1", "b1", "c1", "a2", "b2", "a3"]


MOVES = st.tuples(st.sampled_from(["enter", "enter", "leave", "rest", "wake"]), st.integers(0, 2))


@given(st.integers(1, 3), st.lists(MOVES, min_size=20, max_size=60))
def test_nobody_is_served_twice_before_another_once(cores: int, moves: list[tuple[str, int]]) -> None:
    scheduler = Scheduler(cores=cores, memory=100 * GIB, max_resting=100)
    places: list[Place] = []
    log: list[Place] = []

    def enter(owner: str) -> None:
        place = Place(owner=owner, memory=GIB, begin=lambda: log.append(place))
        places.append(place)
        before = {one.owner for one in places if one.state == "waiting"}
        scheduler.enter(place)
        check(before)

    def check(waited: set[str]) -> None:
        working = [place for place in places if place.state == "working"]
        assert len(working) <= cores
        still = {place.owner for place in places if place.state == "waiting"} & waited
        if still:
            assert len(working) == cores, "a core idles while somebody waits"
        for place in log:
            others = [place.owner for place in working].count(place.owner)
            for waiter in still - {place.owner}:
                held = sum(one.owner == waiter for one in working)
                assert others <= held + 1, (place.owner, waiter)
                served = any(one.owner == waiter for one in history)
                assert served or not any(one.owner == place.owner for one in history), (
                    "a second before a first"
                )
        history.extend(log)
        log.clear()

    history: list[Place] = []
    for move, number in moves:
        waited = {place.owner for place in places if place.state == "waiting"}
        if move == "enter":
            if sum(place.state == "waiting" for place in places) < 15:
                enter("abc"[number])
            continue
        there = [
            place
            for place in places
            if place.state == {"leave": "working", "rest": "working"}.get(move, "resting")
        ]
        if there:
            getattr(scheduler, move)(there[number % len(there)])
            check(waited)


def test_lecturer_comes_first() -> None:
    world = World()
    first = world.enter("a1")
    world.enter("b1")
    lecturer = world.enter("z1")
    assert world.scheduler.position(lecturer) == 2
    world.scheduler.set_lecturer("z")
    assert world.scheduler.position(lecturer) == 1
    world.scheduler.leave(first)
    assert world.begun == ["a1", "z1"]


def test_sweep_comes_after_what_else_its_browser_wants_and_takes_turns_with_others() -> None:
    world = World()
    running = world.enter("a1", is_sweep=True)
    waiting = [world.enter(name, is_sweep=name[0] == "a") for name in ("a2", "a3", "b1", "b2")]
    own = world.enter("a4")
    places = [running, *waiting, own]
    while any(place.state == "working" for place in places):
        world.scheduler.leave(next(place for place in places if place.state == "working"))
    assert world.begun == ["a1", "b1", "a4", "b2", "a2", "a3"]


def test_sweep_of_a_lecturer_keeps_no_class_waiting() -> None:
    world = World()
    world.scheduler.set_lecturer("z")
    first = world.training("z1", is_sweep=True)
    world.enter("z2", is_sweep=True)
    student = world.enter("a1")
    assert world.scheduler.position(student) == 1
    world.training("z3")
    assert world.begun == ["z1", "z3"], "what the class looks at"
    world.scheduler.leave(first)
    assert world.begun == ["z1", "z3", "a1"]


def test_unwatched_sweep_does_not_end_itself_but_makes_room_for_others() -> None:
    world = World()
    gone = lambda: 91.0  # noqa: E731
    first = world.training("a1", unseen_s=gone, is_sweep=True)
    world.training("a2", unseen_s=gone, is_sweep=True)
    world.scheduler.advance()
    assert (world.ended, world.scheduler.wanted_by(first)) == ([], "")
    world.training("b1")
    assert (world.ended, world.scheduler.wanted_by(first)) == (["a1"], "others")
    other = World()
    other.training("a1", unseen_s=gone, is_sweep=True)
    other.training("a2")
    assert other.ended == ["a1"], "a run started by hand does not wait for a sweep in a closed tab"


def test_memory_is_a_budget_and_nobody_overtakes_who_waits_for_it() -> None:
    world = World(cores=4, memory=10 * GIB)
    first = world.enter("a1", memory=7 * GIB)
    large, small = world.enter("b1", memory=5 * GIB), world.enter("c1", memory=GIB)
    assert (large.state, small.state) == ("waiting", "waiting")
    world.scheduler.leave(first)
    assert world.begun == ["a1", "b1", "c1"]
    alone = World(memory=GIB)
    alone.enter("a1", memory=2 * GIB)
    assert alone.begun == ["a1"], "what is larger than the budget works alone"


def test_paused_processes_have_a_budget_and_the_longest_paused_ends() -> None:
    world = World(cores=1, max_resting=2)
    held = [world.enter(name, needs_core=False) for name in ("a1", "b1", "c1", "d1")]
    assert [place.state for place in held] == ["resting", "resting", "waiting", "waiting"]
    assert world.ended == ["a1"], "one at a time"
    world.scheduler.leave(held[0])
    assert (held[2].state, world.ended) == ("resting", ["a1", "b1"])
    world.scheduler.wake(held[2])
    assert held[2].state == "working"
    assert held[3].state == "resting"


def test_training_that_is_paused_beyond_the_budget_ends_the_longest_paused() -> None:
    world = World(cores=3, max_resting=1)
    first, second = world.training("a1"), world.training("b1")
    world.scheduler.rest(first)
    assert world.ended == []
    world.scheduler.rest(second)
    assert world.ended == ["a1"]


def test_paused_process_makes_room_for_memory() -> None:
    world = World(cores=2, memory=3 * GIB)
    paused = world.training("a1", memory=2 * GIB)
    world.scheduler.rest(paused)
    world.training("b1", memory=2 * GIB)
    assert (world.begun, world.ended) == (["a1"], ["a1"])
    world.scheduler.leave(paused)
    assert world.begun == ["a1", "b1"]


def test_unwatched_training_ends_only_where_somebody_waits_and_is_no_lecturers() -> None:
    world = World()
    world.scheduler.set_lecturer("z")
    gone = lambda: 91.0  # noqa: E731
    lecturers = world.training("z1", unseen_s=gone)
    left = world.training("a1", unseen_s=gone)
    world.scheduler.advance()
    assert world.ended == []
    waiting = world.training("b1")
    assert world.ended == ["a1"]
    assert (world.scheduler.wanted_by(left), world.scheduler.wanted_by(lecturers)) == ("others", "")
    world.scheduler.leave(left)
    assert (waiting.state, world.ended) == ("working", ["a1"])


@pytest.mark.parametrize(("is_sweep", "wanted_by"), [(False, "owner"), (True, "")])
def test_second_run_of_a_browser_is_not_called_others(is_sweep: bool, wanted_by: str) -> None:
    world = World()
    first = world.training("a1", is_sweep=is_sweep)
    world.training("a2", is_sweep=is_sweep)
    assert world.scheduler.wanted_by(first) == wanted_by
    world.training("b1")
    assert world.scheduler.wanted_by(first) == "others"


def test_place_that_is_left_makes_room_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "MAX_WAITING_PER_BROWSER", 1)
    world = World()
    working, waiting = world.enter("a1"), world.enter("a2")
    for left in (None, working):
        with pytest.raises(BadInput, match="of yours"):
            world.scheduler.require_room("a", instead_of=left)
    world.scheduler.require_room("a", instead_of=waiting)


def test_no_more_unwatched_trainings_end_than_computations_wait() -> None:
    world = World(cores=2)
    for name, seconds in (("a1", 91.0), ("b1", 92.0)):
        world.training(name, unseen_s=lambda seconds=seconds: seconds)
    world.training("c1")
    world.scheduler.advance()
    assert world.ended == ["b1"], "the one that nobody looked at for longest, once"


def test_training_that_is_ending_lends_no_core() -> None:
    world = World()
    world.training("a1", unseen_s=lambda: 91.0)
    world.training("b1")
    task = world.enter("a2", borrows=True)
    world.later()
    assert (world.ended, world.paused, task.state) == (["a1"], [], "waiting"), "nor hands it over"


def test_paused_process_that_is_ending_does_not_work_again() -> None:
    world = World(max_resting=1)
    first, _ = (world.enter(name, needs_core=False) for name in ("a1", "b1"))
    world.scheduler.wake(first)
    assert (world.ended, first.state) == (["a1"], "resting")


def test_task_takes_over_the_core_of_its_own_browser_and_gives_it_back() -> None:
    world = World()
    training = world.training("a1")
    others = world.training("b1")
    task = world.enter("a2", borrows=True)
    assert (world.begun, world.paused) == (["a1", "a2"], [("a1", "lent")])
    assert training.state == "waiting"
    stranger = world.enter("c1", borrows=True)
    assert stranger.state == "waiting"
    world.scheduler.leave(task)
    assert (world.begun[-1], training.state, others.state) == ("a1", "working", "waiting")


def test_core_of_a_training_that_was_stopped_meanwhile_goes_to_the_next() -> None:
    world = World()
    training, others = world.training("a1"), world.training("b1")
    task = world.enter("a2", borrows=True)
    world.scheduler.leave(training)
    assert others.state == "waiting"
    world.scheduler.leave(task)
    assert others.state == "working"


def test_queue_is_bounded_for_all_and_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "MAX_WAITING", 4)
    monkeypatch.setattr(schedulers, "MAX_WAITING_PER_BROWSER", 2)
    world = World()
    for name in ("a1", "a2", "a3", "b1"):
        world.enter(name)
    with pytest.raises(BadInput, match="2 computations of yours are waiting already") as refused:
        world.enter("a4")
    assert refused.value.code == "queue"
    world.enter("c1")
    with pytest.raises(BadInput, match="4 computations are waiting already"):
        world.enter("d1")


def test_memory_of_the_machine_is_known() -> None:
    assert GIB / 4 < memory_budget() < 2**50


def test_browsers_that_were_served_longest_ago_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "MAX_KNOWN", 2)
    world = World()
    for name in "abcab":
        world.scheduler.leave(world.enter(name))
    assert list(world.scheduler._served) == ["a", "b"]
    first = world.enter("b")
    for name in "bc":
        world.enter(name)
    world.scheduler.leave(first)
    assert world.begun[-1] == "c", "it was served longer ago"


def test_trainings_without_an_end_take_turns() -> None:
    world = World()
    places = {name: world.training(name) for name in ("a1", "b1", "c1")}
    world.later(TURN_S / 2)
    assert world.begun == ["a1"]
    for name, waits in (("b1", "a1"), ("c1", "b1"), ("a1", "c1"), ("b1", "a1")):
        world.later(TURN_S)
        assert (world.begun[-1], places[waits].state) == (name, "waiting")
        assert world.paused[-1] == (waits, "turn")
    world.later(TURN_S / 2)
    late = world.training("d1")
    world.later(TURN_S / 2)
    assert late.state == "working", "whoever has had no turn yet comes first"
    assert world.ended == []


def test_training_alone_keeps_its_core() -> None:
    world = World(cores=2)
    world.training("a1")
    world.training("b1")
    world.later(1000.0)
    assert (world.begun, world.paused) == (["a1", "b1"], [])


def test_turns_are_of_browsers_and_not_of_runs() -> None:
    """Who has two on two cores hands one over, and keeps the other whoever has more to do."""
    world = World(cores=2)
    world.training("a1")
    world.training("a2")
    world.training("b1")
    world.later()
    assert world.begun == ["a1", "a2", "b1", "a1"]
    world.later()
    assert world.begun[4:] == ["a2"], "those of a take turns on the core that is theirs"
    other = World(cores=2)
    for name in ("a1", "b1", "b2"):
        other.training(name)
    other.later()
    assert other.begun == ["a1", "b1", "b2"], "a has one, which stays"
    assert other.paused == [("b1", "turn")]
    more = World(cores=3)
    for name in ("a1", "a2", "b1", "b2"):
        more.training(name)
    more.later()
    assert more.paused == [("b1", "turn")], "b would have two, and was served last"
    alone = World()
    alone.training("a1")
    alone.training("a2")
    alone.later()
    alone.later()
    assert alone.begun == ["a1", "a2", "a1"], "the two of one browser take turns, too"


def test_own_sweep_interrupts_nothing_and_those_of_others_take_turns() -> None:
    world = World()
    world.training("a1")
    sweep = world.training("a2", is_sweep=True)
    world.later()
    assert sweep.state == "waiting"
    sweeps = World()
    sweeps.training("a1", is_sweep=True)
    sweeps.training("a2", is_sweep=True)
    sweeps.later()
    assert sweeps.begun == ["a1"]
    world.training("b1", is_sweep=True)
    assert world.begun == ["a1", "b1"]
    world.later()
    assert world.begun == ["a1", "b1", "a1"]


def test_task_gets_the_core_of_a_training_whose_turn_is_over_and_keeps_it() -> None:
    world = World()
    training = world.training("a1")
    task = world.enter("b1", borrows=True)
    world.later()
    assert (task.state, training.state) == ("working", "waiting")
    world.later(1000.0)
    assert task.state == "working", "a task cannot be interrupted"
    world.scheduler.leave(task)
    assert training.state == "working"


def test_training_that_is_shown_to_a_class_works_beside_the_others() -> None:
    world = World()
    world.scheduler.set_lecturer("z")
    first, waiting = world.training("a1"), world.training("b1")
    shown = world.training("z1")
    assert (shown.state, first.state) == ("working", "working")
    world.later()
    assert (shown.state, first.state, waiting.state) == ("working", "waiting", "working")
    second = world.training("z2", unseen_s=lambda: 10.0)
    assert second.state == "waiting", "of a lecturer's trainings one works beside the budget"
    world.later()
    world.later()
    assert (world.begun[-2:], shown.state) == (["a1", "b1"], "working")
    world.scheduler.leave(first)
    world.scheduler.leave(waiting)
    assert second.state == "working"
    student = world.training("c1")
    world.later()
    assert (student.state, second.state, shown.state) == ("working", "waiting", "working")


def test_trainings_take_turns_beside_a_task_of_the_lecturer_too() -> None:
    """It has the core of their training, which counts in no budget; the task does."""
    world = World()
    world.scheduler.set_lecturer("z")
    world.training("z1")
    first, second = world.training("a1"), world.training("b1")
    task = world.enter("z2", borrows=True)
    assert (task.state, world.paused) == ("working", [("z1", "lent")])
    world.later()
    assert (first.state, second.state) == ("waiting", "working")


def test_process_that_waits_longest_for_its_turn_makes_room_for_memory() -> None:
    world = World(memory=3 * GIB)
    first, second, third = (world.training(name) for name in ("a1", "b1", "c1"))
    world.later()
    world.later()
    assert [place.state for place in (first, second, third)] == ["waiting", "waiting", "working"]
    large = world.training("d1", memory=2 * GIB)
    world.later()
    assert (large.state, world.ended) == ("waiting", ["b1"]), "of those who wait its turn comes last"
    assert first.state == "working", "it has its memory"
    world.later()
    assert (first.state, third.state, world.ended) == ("waiting", "working", ["b1"]), "one at a time"
    world.scheduler.leave(second)
    world.later()
    assert (third.state, world.ended) == ("working", ["b1", "a1"]), "what ends does not begin"
    world.scheduler.leave(first)
    assert (third.state, large.state) == ("waiting", "working")


@pytest.mark.parametrize("is_sweep", [True, False])
def test_no_room_is_made_of_a_sweep(is_sweep: bool) -> None:
    world = World(memory=2 * GIB)
    world.training("a1", is_sweep=is_sweep)
    world.training("b1")
    world.later()
    waiting = world.training("c1")
    world.later()
    assert waiting.state == "waiting"
    assert world.ended == ([] if is_sweep else ["a1"])


def test_no_room_is_made_of_a_training_that_has_lent_its_core() -> None:
    world = World(cores=2, memory=3 * GIB)
    world.training("a1")
    world.training("b1")
    task = world.enter("a2", borrows=True)
    waiting = world.training("c1")
    world.later()
    assert (task.state, waiting.state, world.ended) == ("working", "waiting", [])


@pytest.mark.parametrize("owner", ["a", "z"])
def test_training_without_a_last_epoch_that_nobody_looks_at_ends_in_the_end(owner: str) -> None:
    world = World()
    world.scheduler.set_lecturer("z")
    unseen = FORGOTTEN_S - 1.0
    place = world.training(f"{owner}1", unseen_s=lambda: unseen, is_endless=lambda: True)
    other = World()
    other.training("a1", unseen_s=lambda: unseen)
    for one in (world, other):
        one.scheduler.advance()
        assert one.ended == []
    unseen = FORGOTTEN_S + 1.0
    for one in (world, other):
        one.scheduler.advance()
        one.scheduler.advance()
    assert (world.ended, place.ending) == ([f"{owner}1"], "forgotten")
    assert other.ended == [], "one with a last epoch ends there"
