"""Who computes next: one budget of cores and memory for trainings and tasks, fair between browsers.

A process has a place. It **works** (it holds a core), it **rests** (a paused training: memory, and a core
only for the moment of a single step), or it **waits** for a core. The rules:

- As many work as there are cores in the budget: all but one, which is left to the server and to single steps.
- Of those who wait a lecturer comes first, then the browser of which the fewest work, then the one that was
  served longest ago, then who came first. So nobody gets a second place before another's first.
- A run of a sweep, which is one of many that nobody waits for, comes after all else that its own browser
  wants, has no lecturer's precedence, and ends no other training of its browser.
- Whoever is next and finds no memory waits for it, and nobody who needs memory overtakes.
- At most ``max_resting`` rest. To make room, the process that has rested longest is saved and ended.
- Where somebody waits for a core, trainings that nobody has looked at for ``UNWATCHED_S`` are saved and
  ended. Those of a lecturer stay.
- A task whose own browser trains takes over the core of that training, which goes on when the task has ended:
  otherwise whoever trains without an end on two cores would wait for their own picture for ever.

Everything changes under the one ``lock``, of trainings and tasks, too; nothing under it blocks.
"""

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from vae_core.errors import BadInput

MAX_WAITING: Final = 100
MAX_WAITING_PER_BROWSER: Final = 20
MAX_KNOWN: Final = 10_000
"""Browsers whose last turn is remembered."""
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
        pause: Has it stop working for a while; None: it lends no core.
        unseen_s: Seconds since somebody looked at it.
    """

    owner: str
    memory: int
    begin: Callable[[], None]
    needs_core: bool = True
    borrows: bool = False
    is_sweep: bool = False
    end: Callable[[], None] = _nothing
    pause: Callable[[], None] | None = None
    unseen_s: Callable[[], float] = _now
    state: Literal["waiting", "working", "resting", "gone"] = field(default="gone", init=False)
    has_process: bool = field(default=False, init=False)
    is_ending: bool = field(default=False, init=False)
    """Whether it was told to end."""
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
    """

    def __init__(
        self, *, cores: int | None = None, memory: int | None = None, max_resting: int | None = None
    ) -> None:
        self.lock = threading.Condition(threading.RLock())
        """Guards everything that runs in the background, and rings when any of it changes."""
        self._cores = max(1, num_cores() - 1) if cores is None else cores
        self._memory = memory_budget() if memory is None else memory
        self._max_resting = 2 * num_cores() if max_resting is None else max_resting
        self._places: list[Place] = []
        self._order: list[Place] | None = None
        self._turns = 0
        self._served: dict[str, int] = {}
        self._lecturers: set[str] = set()

    @property
    def cores(self) -> int:
        """How many work at a time."""
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
            if place.state == "resting" and not place.is_ending:
                place.needs_core = True
                self._wait(place)

    def rest(self, place: Place) -> None:
        """Frees the core of a process, or ends its wait for one; the process itself stays."""
        with self.lock:
            if place.state in ("working", "waiting") and place.has_process:
                self._move(place, "resting")
                if len(self._in("resting")) > self._max_resting:
                    self._end_longest_resting()
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
        """Who waits for a core and would get this one if nobody looked at its training; "": nobody."""
        with self.lock:
            if place is None or place.state != "working" or place.owner in self._lecturers:
                return ""
            claims = [other for other in self._in("waiting") if _would_end(other, place)]
            if not claims:
                return ""
            return "others" if any(other.owner != place.owner for other in claims) else "owner"

    def advance(self) -> None:
        """Lets begin whoever can; call it when time alone may have changed that."""
        with self.lock:
            while (place := self._next()) is not None:
                self._begin(place)
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

    def _begin(self, place: Place) -> None:
        if place.needs_core:
            place.lender = self._lender(place)
            if place.lender is not None and place.lender.pause is not None:
                self._move(place.lender, "waiting")
                place.lender.pause()
        self._move(place, "working" if place.needs_core else "resting")
        self._served.pop(place.owner, None)
        self._served[place.owner] = self._turns
        if len(self._served) > MAX_KNOWN:
            self._served.pop(next(iter(self._served)))  # whoever was served longest ago
        place.begin()
        place.has_process = True

    def _next(self) -> Place | None:
        """The first of those who wait that has all it needs."""
        is_full = False
        for place in self._in_order():
            if place.needs_core and not self._has_core_for(place):
                continue
            if place.has_process:
                return place
            if is_full or not self._has_memory_for(place):
                if not is_full:
                    self._end_longest_resting()
                is_full = True
            elif not place.needs_core and len(self._in("resting")) >= self._max_resting:
                self._end_longest_resting()
            else:
                return place
        return None

    def _has_core_for(self, place: Place) -> bool:
        return len(self._in("working")) < self._cores or self._lender(place) is not None

    def _lender(self, place: Place) -> Place | None:
        """The training whose core a task takes over, where no other core is free."""
        if not place.borrows or len(self._in("working")) < self._cores:
            return None
        own = (other for other in self._in("working") if other.owner == place.owner and not other.is_ending)
        return next((other for other in own if other.pause is not None), None)

    def _has_memory_for(self, place: Place) -> bool:
        used = sum(other.memory for other in self._places if other.has_process)
        return used == 0 or used + place.memory <= self._memory

    def _end_longest_resting(self) -> None:
        resting = self._in("resting")
        # One at a time: who has been told already frees its memory in a moment.
        if resting and not any(place.is_ending for place in resting):
            self._end(min(resting, key=lambda place: place.turn))

    def _end_unwatched(self) -> None:
        waiting = [place for place in self._in("waiting") if place.needs_core]
        working = self._in("working")
        room = len(waiting) - sum(place.is_ending for place in working)
        unwatched = [
            place
            for place in working
            if place.unseen_s() > UNWATCHED_S
            and not place.is_ending
            and place.owner not in self._lecturers
            and any(_would_end(other, place) for other in waiting)
        ]
        for place in sorted(unwatched, key=lambda place: -place.unseen_s())[: max(0, room)]:
            self._end(place)

    def _end(self, place: Place) -> None:
        place.is_ending = True
        place.end()

    def _in_order(self) -> list[Place]:
        """Those who wait, the next one first."""
        if self._order is None:
            working = Counter(place.owner for place in self._in("working"))
            served, turns = dict(self._served), self._turns
            left, self._order = self._in("waiting"), []
            while left:
                first = min(
                    left,
                    key=lambda place: (
                        place.is_sweep or place.owner not in self._lecturers,
                        working[place.owner],
                        served.get(place.owner, 0),
                        place.is_sweep,
                        place.turn,
                    ),
                )
                left.remove(first)
                self._order.append(first)
                turns += 1
                working[first.owner] += 1
                served[first.owner] = turns
        return self._order


def _would_end(waiting: Place, unwatched: Place) -> bool:
    """Whether one that waits may have an unwatched training end: a sweep does not end itself."""
    return waiting.needs_core and not (waiting.is_sweep and waiting.owner == unwatched.owner)


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
