"""Who computes next: one budget of cores and memory for trainings and tasks, fair between browsers.

A process has a place. It **works** (it holds a core), it **rests** (a paused training: memory, and a core
only for the moment of a single step), or it **waits** for a core. The rules:

- As many work as there are cores in the budget: all but one, which is left to the server and to single steps.
  One training of a lecturer works beside them: what a class looks at waits for nobody and takes nobody's
  core.
- Of those who wait a lecturer comes first, then the browser of which the fewest work, then the one that was
  served longest ago, then who came first. So nobody gets a second place before another's first.
- A training has no end of its own, so trainings take turns: where another waits, one that has worked for
  ``TURN_S`` hands its core over and waits, with its process, for its next turn.
- A run of a sweep, which is one of many that nobody waits for, comes after all else that its own browser
  wants, has no lecturer's precedence, and neither interrupts nor ends another training of its browser.
- Whoever is next and finds no memory waits for it, and nobody who needs memory overtakes.
- At most ``max_resting`` rest. To make room, the process that has rested longest is saved and ended, and then
  that of the training whose next turn comes last.
- Where somebody waits for a core, trainings that nobody has looked at for ``UNWATCHED_S`` are saved and
  ended. Those of a lecturer stay.
- A training without a last epoch that nobody has looked at for ``FORGOTTEN_S`` is saved and ended, also where
  nobody waits: it would heat the room for ever.
- A task whose own browser trains takes over the core of that training, which goes on when the task has ended:
  otherwise whoever trains without an end on two cores would wait for their own picture for ever.

Everything changes under the one ``lock``, of trainings and tasks, too; nothing under it blocks.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from vae_core.errors import BadInput

MAX_WAITING: Final = 100
MAX_WAITING_PER_BROWSER: Final = 20
MAX_KNOWN: Final = 10_000
"""Browsers whose last turn is remembered."""
TURN_S: Final = 5.0
"""Seconds for which a training works where others wait: thousands of updates of a small model, and the
thirtieth of a class begins within three minutes."""
FORGOTTEN_S: Final = 3 * 3600.0
"""After how long without a look at it a training without a last epoch ends: longer than a lesson, in which
the lecturer may be on other pages for a long time."""
UNWATCHED_S: Final = 90.0
"""After how long without a look at it a run counts as unwatched: even a hidden tab looks once a minute."""
MEMORY_SHARE: Final = 0.6
"""Of the machine's memory; the rest is for the server, its caches, the idle worker and other programs."""
UNKNOWN_MEMORY: Final = 4 * 2**30
"""Budget where the system does not say how much memory it has."""


def _nothing() -> None:
    """What a place without such a callback does."""


def _now() -> float:
    return 0.0


def _never() -> bool:
    return False


@dataclass(eq=False, slots=True, kw_only=True)
class Place:
    """One process, from the wish for it to its end; the callbacks are called under the lock.

    Arguments:
        owner: Digest of the token of the browser that wants it.
        memory: Bytes that it needs.
        needs_core: Whether it works when it begins; otherwise it rests.
        borrows: Whether it takes over the core of a training of its owner.
        is_sweep: Whether it is a run of a sweep.
        begin: Starts it, or has it go on.
        end: Has it save itself and end.
        pause: Has a training hand its core over, because its turn is over or because a task of its browser
            works meanwhile; None: it works to its end, a task.
        unseen_s: Seconds since somebody looked at it.
        is_endless: Whether it is a training without a last epoch.
    """

    owner: str
    memory: int
    begin: Callable[[], None]
    needs_core: bool = True
    borrows: bool = False
    is_sweep: bool = False
    end: Callable[[], None] = _nothing
    pause: Callable[[Literal["turn", "lent"]], None] | None = None
    unseen_s: Callable[[], float] = _now
    is_endless: Callable[[], bool] = _never
    state: Literal["waiting", "working", "resting", "gone"] = field(default="gone", init=False)
    has_process: bool = field(default=False, init=False)
    ending: Literal["", "room", "unwatched", "forgotten"] = field(default="", init=False)
    """Why it was told to end; "": it was not."""
    since: float = field(default=0.0, init=False)
    """When it came to what it does now, a training that works: to its turn."""
    turn: int = field(default=0, init=False)
    """When it came to wait, or to rest, as a rising number."""
    lender: "Place | None" = field(default=None, init=False)
    """The training whose core it has taken over."""


class Scheduler:
    """Gives places their turn.

    Arguments:
        cores: How many work at a time; None: all cores but one.
        memory: Bytes for all processes; None: a share of the machine's.
        max_resting: How many rest at a time; None: two for each core of the machine.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        cores: int | None = None,
        memory: int | None = None,
        max_resting: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lock = threading.Condition(threading.RLock())
        """Guards everything that runs in the background, and rings when any of it changes."""
        self._cores = max(1, num_cores() - 1) if cores is None else cores
        self._memory = memory_budget() if memory is None else memory
        self._max_resting = 2 * num_cores() if max_resting is None else max_resting
        self._clock = clock
        self._places: list[Place] = []
        self._order: list[Place] | None = None
        self._turns = 0
        self._served: dict[str, int] = {}
        self._lecturers: set[str] = set()

    @property
    def cores(self) -> int:
        """How many work at a time, a lecturer's training beside them."""
        return self._cores

    def set_lecturer(self, owner: str) -> None:
        """Has a browser come first from now on; ``owner`` is the digest of its token."""
        with self.lock:
            self._lecturers.add(owner)
            self._changed()

    def require_room(self, owner: str, *, instead_of: Place | None = None) -> None:
        """Raises :class:`BadInput` (code ``queue``) when too many wait, or too many of this browser.

        Arguments:
            owner: Digest of the browser's token.
            instead_of: A place that is left for the new one.
        """
        with self.lock:
            # One with a process waits until that has ended.
            waiting = [place for place in self._in("waiting") if place is not instead_of or place.has_process]
            if len(waiting) >= MAX_WAITING:
                raise BadInput("queue", f"{MAX_WAITING} computations are waiting already", "try again later")
            if sum(place.owner == owner for place in waiting) >= MAX_WAITING_PER_BROWSER:
                count = f"{MAX_WAITING_PER_BROWSER} computations of yours are waiting already"
                raise BadInput("queue", count, "let them begin first")

    def enter(self, place: Place) -> None:
        """Has a new process wait for its turn, which may come at once.

        Raises:
            BadInput: (code ``queue``) Too many wait already.
        """
        with self.lock:
            self.require_room(place.owner)
            self._places.append(place)
            self._wait(place)

    def wake(self, place: Place) -> None:
        """Has a process that rests wait for a core."""
        with self.lock:
            if place.state == "resting" and not place.ending:
                place.needs_core = True
                self._wait(place)

    def rest(self, place: Place) -> None:
        """Frees the core of a process, or ends its wait for one; the process itself stays."""
        with self.lock:
            if place.state in ("working", "waiting") and place.has_process:
                self._move(place, "resting")
                if len(self._in("resting")) > self._max_resting:
                    self._make_room()
                self.advance()

    def work(self, place: Place) -> None:
        """Notes that a process that should rest works all the same."""
        with self.lock:
            if place.state == "resting":
                self._move(place, "working")

    def leave(self, place: Place) -> None:
        """Ends a place, whatever it did; its process has ended or is about to."""
        with self.lock:
            if place.state == "gone":
                return
            self._move(place, "gone")
            self._places.remove(place)
            lender, place.lender = place.lender, None
            if lender is not None and lender.state == "waiting":
                self._begin(lender)
            self.advance()

    def position(self, place: Place | None) -> int:
        """1 for the next to begin; 0 for one that does not wait."""
        with self.lock:
            if place is None or place.state != "waiting":
                return 0
            self.advance()
            return self._in_order().index(place) + 1 if place.state == "waiting" else 0

    def wanted_by(self, place: Place | None) -> Literal["", "others", "owner"]:
        """Who waits for a core and takes turns with this training; "": nobody."""
        with self.lock:
            if place is None or place.state != "working" or place is self._shown_to_class():
                return ""
            claims = [other for other in self._in("waiting") if _may_take_from(other, place)]
            if not claims:
                return ""
            return "others" if any(other.owner != place.owner for other in claims) else "owner"

    def advance(self) -> None:
        """Lets begin whoever can; call it when time alone may have changed that."""
        with self.lock:
            while (place := self._next()) is not None:
                self._begin(place)
            self._end_turns()
            self._end_unwatched()
            self.lock.notify_all()

    def _in(self, *states: str) -> list[Place]:
        return [place for place in self._places if place.state in states]

    def _changed(self) -> None:
        self._order = None
        self.advance()

    def _wait(self, place: Place) -> None:
        self._move(place, "waiting")
        self.advance()

    def _move(self, place: Place, state: Literal["waiting", "working", "resting", "gone"]) -> None:
        self._turns += 1
        place.state, place.turn, self._order = state, self._turns, None
        place.since = self._clock()

    def _begin(self, place: Place) -> None:
        if place.needs_core:
            place.lender = self._lender(place)
            if place.lender is not None and place.lender.pause is not None:
                self._move(place.lender, "waiting")
                place.lender.pause("lent")
        self._move(place, "working" if place.needs_core else "resting")
        self._served.pop(place.owner, None)
        self._served[place.owner] = self._turns
        if len(self._served) > MAX_KNOWN:
            self._served.pop(next(iter(self._served)))  # whoever was served longest ago
        place.begin()
        place.has_process = True

    def _next(self, *, instead_of: Place | None = None) -> Place | None:
        """The first of those who wait that has all it needs, maybe once another has handed its core over."""
        is_full = False
        for place in self._in_order():
            if place.ending or (place.needs_core and not self._has_core_for(place, instead_of)):
                continue
            if place.has_process:
                return place
            if is_full or not self._has_memory_for(place):
                if not is_full:
                    self._make_room(of_waiting=True)
                is_full = True
            elif not place.needs_core and len(self._in("resting")) >= self._max_resting:
                self._make_room()
            else:
                return place
        return None

    def _has_core_for(self, place: Place, instead_of: Place | None = None) -> bool:
        if self._lender(place) is not None:
            return True
        working = self._in("working")
        after = [*(other for other in working if other is not instead_of), place]
        # Where a lecturer's task works in place of their training, those that take turns do so all the same.
        most = self._cores if instead_of is None else max(self._cores, self._num_cores_of(working))
        return self._num_cores_of(after) <= most

    def _num_cores_of(self, working: Sequence[Place]) -> int:
        """Of the budget: one training of a lecturer is beside it."""
        return len(working) - any(self._is_of_lecture(place) for place in working)

    def _is_of_lecture(self, place: Place) -> bool:
        return place.owner in self._lecturers and place.pause is not None and not place.is_sweep

    def _shown_to_class(self) -> Place | None:
        """The training of a lecturer that works beside the budget: the one that was looked at last."""
        theirs = [place for place in self._in("working") if self._is_of_lecture(place)]
        return min(theirs, key=lambda place: place.unseen_s(), default=None)

    def _lender(self, place: Place) -> Place | None:
        """The training whose core a task takes over, where no other core is free."""
        if not place.borrows or self._num_cores_of([*self._in("working"), place]) <= self._cores:
            return None
        own = (other for other in self._in("working") if other.owner == place.owner and not other.ending)
        return next((other for other in own if other.pause is not None), None)

    def _has_memory_for(self, place: Place) -> bool:
        used = sum(other.memory for other in self._places if other.has_process)
        return used == 0 or used + place.memory <= self._memory

    def _make_room(self, *, of_waiting: bool = False) -> None:
        """Ends the process that has rested longest, or else maybe that of the last who waits for a turn."""
        # One at a time: who has been told already frees its memory in a moment.
        if any(place.ending == "room" for place in self._places):
            return
        resting = self._in("resting")
        if resting:
            self._end(min(resting, key=lambda place: place.turn), "room")
        elif of_waiting:
            lent = [place.lender for place in self._places]
            # A sweep's runs would go on each by itself, in more memory than before.
            ends = [place for place in self._in_order() if place.has_process and not place.is_sweep]
            ends = [place for place in ends if place not in lent]
            if ends:
                self._end(ends[-1], "room")

    def _end_turns(self) -> None:
        """Has trainings whose turn is over hand their core over, where somebody waits who comes before."""
        now, shown = self._clock(), self._shown_to_class()
        working = [place for place in self._in("working") if place is not shown and not place.ending]
        for place in sorted(working, key=lambda place: place.since):
            if place.pause is None or now - place.since < TURN_S:
                continue
            following = self._next(instead_of=place)
            if following is not None and self._comes_before(following, place):
                self._move(place, "waiting")
                place.pause("turn")
                self._begin(following)

    def _comes_before(self, waiting: Place, working: Place) -> bool:
        """Whether one that waits would begin before one that works, if that waited, too."""
        if not _may_take_from(waiting, working):
            return False
        held = Counter(place.owner for place in self._in("working") if place is not working)
        ranks = [self._rank(place, held, self._served) for place in (waiting, working)]
        return ranks[0] <= ranks[1]

    def _end_unwatched(self) -> None:
        waiting = [place for place in self._in("waiting") if place.needs_core]
        working = [place for place in self._in("working") if not place.ending]
        for place in working:
            if place.unseen_s() > FORGOTTEN_S and place.is_endless():
                self._end(place, "forgotten")
        room = len(waiting) - sum(bool(place.ending) for place in self._in("working"))
        unwatched = [
            place
            for place in working
            if place.unseen_s() > UNWATCHED_S
            and not place.ending
            and place.owner not in self._lecturers
            and any(_may_take_from(other, place) for other in waiting)
        ]
        for place in sorted(unwatched, key=lambda place: -place.unseen_s())[: max(0, room)]:
            self._end(place, "unwatched")

    def _end(self, place: Place, why: Literal["room", "unwatched", "forgotten"]) -> None:
        place.ending = why
        place.end()

    def _in_order(self) -> list[Place]:
        """Those who wait, the next one first."""
        if self._order is None:
            working = Counter(place.owner for place in self._in("working"))
            served, turns = dict(self._served), self._turns
            left, self._order = self._in("waiting"), []
            while left:
                first = min(left, key=lambda place: (*self._rank(place, working, served), place.turn))
                left.remove(first)
                self._order.append(first)
                turns += 1
                working[first.owner] += 1
                served[first.owner] = turns
        return self._order

    def _rank(
        self, place: Place, working: Mapping[str, int], served: Mapping[str, int]
    ) -> tuple[bool, int, int, bool]:
        """The lower, the sooner it begins; by how many of a browser work, and when it was served last."""
        held = working.get(place.owner, 0)
        is_first = place.owner in self._lecturers and not place.is_sweep and held == 0
        return not is_first, held, served.get(place.owner, 0), place.is_sweep


def _may_take_from(waiting: Place, working: Place) -> bool:
    """Whether one that waits may get the core of a training: a sweep takes none of its own browser's."""
    return waiting.needs_core and not (waiting.is_sweep and waiting.owner == working.owner)


def num_cores() -> int:
    """Cores that this process may use: a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine_memory() -> int | None:
    """Bytes of the machine's memory, or of the container's where that has less; None: nobody says."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    with contextlib.suppress(OSError, ValueError):
        size = min(size, int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return size


def memory_budget() -> int:
    """Bytes for all processes: a share of the machine's memory."""
    size = machine_memory()
    return UNKNOWN_MEMORY if size is None else int(MEMORY_SHARE * size)


_scheduler: Scheduler | None = None
_scheduler_lock = threading.Lock()


def scheduler() -> Scheduler:
    """The scheduler of this server."""
    global _scheduler
    with _scheduler_lock:
        if _scheduler is None:
            _scheduler = Scheduler()
        return _scheduler
