"""A whole class at once on each page: ``python -m benchmarks.load``.

Starts a server, and a training of its own in the background. Then as many sessions as there are users open a
page by the protocol that browsers speak, and each moves a widget of it about once a second. An answer counts
from the moment that the move is due to its last message, so that a session that has to wait for its turn
counts its waiting. Each is one message of the hand and one run of the script: of a fragment where the widget
is in one, else of the whole page; Start has no widget, and is drawn anew.

The processor time is that of the server's process alone (read from ``/proc``, so on Linux only). The sessions
are one more process on the same machine: its load before each measurement stands beside the figures. The
last line printed is JSON with all of them.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.report import machine, table
from benchmarks.serving import Server
from benchmarks.watchers import cpu_s, said_by, serve, settle, training
from benchmarks.websocket_client import Answer, AppFailed, Session, open_session

JITTER: Final = 0.3
"""A move is due up to this share of the interval earlier or later."""
PATIENCE_S: Final = 30.0
"""An answer that takes longer counts as an error."""
OPENING: Final = 6
"""Sessions that open at once: the class comes in, not the measurement."""
SETTLE_S: Final = 15.0
CLASS: Final = 30
LIMIT_MS: Final = {"start": 100.0, "train": 100.0, "latent_space": 100.0, "elbo": 250.0}
"""Goals of the 95 % quantile with a class of thirty."""
MANY_LIMIT_MS: Final = 1000.0
"""The same with more, on every page."""
DIAL: Final = "beta_dial"

Values = Sequence[float | str]


class Case(NamedTuple):
    """A page, and the widget on it that is moved.

    Arguments:
        page: Path in the URL.
        query: Of the URL; ``{run}`` stands for the training's id.
        key: Of the widget; "" draws the page anew.
        values: Where it is moved to.
    """

    page: str
    query: str
    key: str
    values: Values


CASES: Final = {
    "start": Case("", "", "", ()),
    "data": Case("data", "", "data_chosen", ("Handwritten digits", "Two moons", "Pinwheel", "Swiss roll")),
    "train": Case("train", "", DIAL, [round(0.1 * i, 1) for i in range(1, 100)]),
    "train, settings": Case("train", "", "latent_dim", range(1, 33)),
    "runs": Case("runs", "run={run}", "runs_search", ("", "a", "run", "e", "digits")),
    "latent_space": Case("latent_space", "", "neighbour_example", range(300)),
    "latent_space, grid": Case("latent_space", "", "grid_size", range(4, 25)),
    "elbo": Case("elbo", "elbo_view=one_example", "elbo_example_held_out", range(300)),
    "elbo, all": Case("elbo", "", "elbo_samples", ("1", "3", "10", "30", "100")),
    "free_energy": Case("free_energy", "", "fe_x", [round(0.1 * i, 1) for i in range(-40, 41)]),
    "gradients": Case("gradients", "", "estimators_mean", [round(0.1 * i, 1) for i in range(-30, 31)]),
    "priors": Case("priors", "", "prior_k", ("1", "2", "5", "10", "20", "50", "100", "200")),
    "compare": Case(
        "compare",
        "compare_view=optimisers&optimiser_view=surface",
        "surface_z1",
        [round(0.1 * i, 1) for i in range(-30, 31)],
    ),
}
"""By the name of the page, and what is moved where a page has several rows."""


class Effort(NamedTuple):
    """Numbers of users; seconds of a measurement, of quiet before all of them, and between two moves."""

    users: tuple[int, ...]
    seconds: float
    settle_s: float
    interval_s: float


FULL: Final = Effort(users=(1, 30, 60), seconds=12.0, settle_s=SETTLE_S, interval_s=1.0)
QUICK: Final = Effort(users=(2,), seconds=0.4, settle_s=0.0, interval_s=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One measurement.

    Arguments:
        case: What was moved.
        users: Sessions.
        moves: Answers that came.
        errors: Answers that did not come, or that were an exception.
        p50_ms, p95_ms, max_ms: Quantiles of the milliseconds from a move to its last message.
        bytes_per_move: Mean of what the server sent.
        cpu_ms_per_move: Processor milliseconds of the server.
        cores: Processor seconds of the server per second.
        steps_per_second: Of the training meanwhile.
        load: Of the machine in the last minute, before.
    """

    case: str
    users: int
    moves: int
    errors: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    bytes_per_move: float
    cpu_ms_per_move: float
    cores: float
    steps_per_second: float
    load: float


class Moved(NamedTuple):
    """One answered move: milliseconds from when it was due, and bytes received."""

    ms: float
    num_bytes: int


async def move(session: Session, case: Case, number: float | str) -> Answer:
    """Moves the widget of a case."""
    if not case.key:
        return await session.rerun()
    if case.key == DIAL:
        moved = {"value": number, "sequence": time.time_ns() // 10**6, "last": True}
        return await session.trigger(DIAL, "moved", moved)
    return await session.move(case.key, number)


async def use(
    session: Session, case: Case, end: float, hand: random.Random, interval: float
) -> list[Moved | None]:
    """Moves the widget until ``end`` (``time.monotonic``) about once an interval; None for each error."""
    found: list[Moved | None] = []
    due = time.monotonic() + interval * hand.random()
    while due < end:
        await asyncio.sleep(due - time.monotonic())
        value = hand.choice(case.values) if case.values else ""
        try:
            answer = await asyncio.wait_for(move(session, case, value), PATIENCE_S)
            found.append(Moved(1000.0 * (time.monotonic() - due), answer.num_bytes))
        except (AppFailed, TimeoutError) as err:
            sys.stderr.write(f"{case.page}: {err!r}\n")
            found.append(None)
        due += interval * (1.0 + JITTER * hand.uniform(-1.0, 1.0))
    return found


async def measure(server: Server, run_id: str, name: str, users: int, effort: Effort) -> Figures:
    """Opens the sessions, lets each make one move, for imports and caches, and takes the figures.

    Arguments:
        server: The server.
        run_id: The training.
        name: Of the case.
        users: How many sessions.
        effort: How long and how often they move the widget.
    """
    case, load, opening = CASES[name], os.getloadavg()[0], asyncio.Semaphore(OPENING)
    async with AsyncExitStack() as stack:

        async def enter(number: int) -> Session:
            async with opening:
                query = case.query.format(run=run_id)
                session = await stack.enter_async_context(
                    open_session(server.url, page=case.page, query=query)
                )
                await move(session, case, case.values[number % len(case.values)] if case.values else "")
                return session

        sessions = await asyncio.gather(*map(enter, range(users)))
        began, used_s, step = time.monotonic(), cpu_s(server), said_by(server, run_id, "step")
        hands = [
            use(one, case, began + effort.seconds, random.Random(i), effort.interval_s)
            for i, one in enumerate(sessions)
        ]
        found = [one for tab in await asyncio.gather(*hands) for one in tab]
        took = time.monotonic() - began
        used_s, steps = cpu_s(server) - used_s, said_by(server, run_id, "step") - step
    moves = [one for one in found if one is not None]
    ms = sorted(one.ms for one in moves) or [math.nan]
    return Figures(
        case=name,
        users=users,
        moves=len(moves),
        errors=len(found) - len(moves),
        p50_ms=statistics.median(ms),
        p95_ms=ms[math.ceil(0.95 * len(ms)) - 1],
        max_ms=ms[-1],
        bytes_per_move=statistics.mean(one.num_bytes for one in moves) if moves else math.nan,
        cpu_ms_per_move=1000.0 * used_s / max(1, len(moves)),
        cores=used_s / took,
        steps_per_second=steps / took,
        load=load,
    )


async def measure_all(server: Server, names: Sequence[str], effort: Effort) -> list[Figures]:
    """Every case with every number of users, a training in the background."""
    async with training(server) as (run_id, _):
        await settle(server, run_id, effort.settle_s)
        return [
            await measure(server, run_id, name, users, effort) for name in names for users in effort.users
        ]


def figures_table(figures: Sequence[Figures]) -> str:
    """One row for each measurement; ``goal`` is that of the 95 % quantile."""
    rows = [["what is moved", "users", "moves", "errors", "p50 ms", "p95 ms", "max ms", "goal"]]
    rows[0] += ["KB/move", "CPU ms/move", "cores", "steps/s", "load"]
    for one in figures:
        goal = (
            LIMIT_MS.get(one.case, "") if one.users == CLASS else MANY_LIMIT_MS if one.users > CLASS else ""
        )
        times = [f"{value:.1f}" for value in (one.p50_ms, one.p95_ms, one.max_ms)]
        cost = [f"{one.bytes_per_move / 1000:.1f}", f"{one.cpu_ms_per_move:.1f}", f"{one.cores:.2f}"]
        counts = [one.case, str(one.users), str(one.moves), str(one.errors)]
        rows.append([*counts, *times, str(goal), *cost, f"{one.steps_per_second:.0f}", f"{one.load:.1f}"])
    return table(rows)


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="A class at once.")
    parser.add_argument("--pages", nargs="+", choices=CASES, default=list(CASES), help="what to measure")
    parser.add_argument("--users", nargs="+", type=int, default=list(FULL.users), help="sessions at once")
    parser.add_argument("--seconds", type=float, default=FULL.seconds, help="length of a measurement")
    parser.add_argument("--quick", action="store_true", help="tiny: tries the benchmark, says nothing")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else FULL._replace(users=tuple(options.users), seconds=options.seconds)
    # A worker that loses its server saves its run once more, perhaps while the folder goes.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, serve(Path(folder)) as server:
        figures = asyncio.run(measure_all(server, options.pages, effort))
    print(f"{figures_table(figures)}\n")
    print(json.dumps({"machine": machine(), "figures": [asdict(one) for one in figures]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
