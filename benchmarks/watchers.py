"""What it costs the server when many watch one training: ``python -m benchmarks.watchers``.

Starts a server and a training of its own, then opens sessions that ask for updates as open pages do, by a
timer. In the last measurement the lecturer drags β meanwhile, five values a second, each by the message that
the dial of the page sends; its delay ends when the run itself says that it trains with that β. The processor
time is that of the server's process alone (read from ``/proc``, so on Linux only): the training has a process
of its own. An update counts from the moment it is due to the end of its answer. The last line printed is JSON
with all figures.
"""

import argparse
import asyncio
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from benchmarks.report import machine, table
from benchmarks.serving import ENTRY, Server, start_server, stop_process
from benchmarks.websocket_client import Session, open_session
from dashboard.shell.browser import COOKIE

START_S, SETTLE_S = 60.0, 15.0
QUIET_CORES: Final = 0.1
"""Below it the server has done its imports of the first visit."""
LIMIT_CORES: Final = 0.2
DRAG_S: Final = 0.2
"""Between two values of a dial that is dragged."""
LOOK_S: Final = 0.01
"""Between two looks at what the run says of itself."""
LECTURER: Final = {COOKIE: "1ec" + 29 * "0"}


class Effort(NamedTuple):
    """Open pages, seconds of each measurement, and seconds for the server to become quiet before."""

    watchers: int
    seconds: float
    settle_s: float


QUICK: Final = Effort(watchers=3, seconds=1.5, settle_s=0.0)


def cpu_s(server: Server) -> float:
    """Processor seconds that the server's process, all threads, has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def said_by(server: Server, run_id: str, name: str) -> float:
    """What a run reported last of its ``step`` or its ``beta``; -1 before its first report."""
    status = server.home / "runs" / run_id / "status.json"
    return float(json.loads(status.read_text("utf-8"))[name]) if status.exists() else -1.0


class Update(NamedTuple):
    """One update of one watcher: milliseconds from when it was due to its end, and bytes received."""

    ms: float
    num_bytes: int


class Drag(NamedTuple):
    """A dragged dial: values sent, and quantiles of the milliseconds until the run trained with a value.

    Where a later value came first, a value's delay is that of the later one.
    """

    values: int
    p50_ms: float
    p95_ms: float
    max_ms: float


class Times(NamedTuple):
    """Quantiles of the updates' milliseconds, and the mean of their bytes."""

    p50_ms: float
    p95_ms: float
    max_ms: float
    bytes_per_update: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One measurement.

    Arguments:
        watchers: Open pages.
        interval_s: Seconds between two updates of each; None without watchers.
        cores: Processor seconds of the server per second.
        updates: Updates answered.
        times: How long they took; None without updates.
        drag: What the dragged β did; None where nobody dragged.
        steps_per_second: Speed of the training meanwhile.
    """

    watchers: int
    interval_s: float | None
    cores: float
    updates: int
    times: Times | None
    drag: Drag | None
    steps_per_second: float


@contextmanager
def serve(home: Path) -> Iterator[Server]:
    """Runs the dashboard on a free port of this machine, with ``home`` as its run store."""
    server = start_server(ENTRY, cwd=home, home=home)
    try:
        yield server
    finally:
        stop_process(server.process)


@asynccontextmanager
async def training(server: Server) -> AsyncIterator[tuple[str, Session]]:
    """Presses Start, and in the end Stop; gives the run's id and the lecturer's page."""
    async with open_session(server.url, page="train", cookies=LECTURER) as session:
        await session.rerun(press="train_start")
        yield parse_qs(session.query)["run"][0], session
        await session.rerun(press="train_stop")


async def settle(server: Server, run_id: str, seconds: float) -> None:
    """Waits until the run makes steps; then, at most ``seconds``, until the server's imports are done."""
    deadline = time.monotonic() + START_S
    while said_by(server, run_id, "step") <= 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the training made no step in {START_S:g} s")
        await asyncio.sleep(0.1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = cpu_s(server)
        await asyncio.sleep(1.0)
        if cpu_s(server) - before < QUIET_CORES:
            return


@asynccontextmanager
async def watching(server: Server, run_id: str, number: int) -> AsyncIterator[list[Session]]:
    """Opens ``number`` pages that show the run."""
    async with AsyncExitStack() as stack:
        pages = [open_session(server.url, page="train", query=f"run={run_id}") for _ in range(number)]
        yield [await stack.enter_async_context(page) for page in pages]


async def watch(session: Session, interval: float, begin: float, end: float) -> list[Update]:
    """Updates one page from ``begin`` to ``end`` (``time.monotonic``), one after another."""
    updates, due = [], begin
    while due < end:
        await asyncio.sleep(due - time.monotonic())
        answer = await session.rerun(fragment=next(iter(session.timers)))
        updates.append(Update(ms=1000.0 * (time.monotonic() - due), num_bytes=answer.num_bytes))
        due += interval
    return updates


async def drag(session: Session, begin: float, end: float) -> list[tuple[float, float]]:
    """Drags β to and fro between 0.1 and 10; gives each value and when it was sent."""
    sent, due = [], begin
    while due < end:
        await asyncio.sleep(due - time.monotonic())
        # No value twice: the run's answer names the one it means.
        value = round(10.0 ** math.sin(len(sent) / 5.0), 4) + 1e-7 * len(sent)
        now = time.monotonic()
        sent.append((value, now))
        moved = {"value": value, "sequence": int(1000 * time.time()), "last": False}
        await session.trigger("beta_dial", "moved", moved)
        due = max(due + DRAG_S, time.monotonic())
    return sent


async def look(server: Server, run_id: str, end: float) -> dict[float, float]:
    """When the run first said each β that it trained with."""
    seen: dict[float, float] = {}
    while time.monotonic() < end:
        seen.setdefault(said_by(server, run_id, "beta"), time.monotonic())
        await asyncio.sleep(LOOK_S)
    return seen


def drag_summary(sent: list[tuple[float, float]], seen: Mapping[float, float]) -> Drag:
    """Quantiles of the delays; a value that the run never said came with the next one that it did."""
    delays, known = [], math.inf
    for value, when in reversed(sent):
        known = seen.get(value, known)
        if known < math.inf:
            delays.append(1000.0 * (known - when))
    delays.sort()
    if not delays:
        raise RuntimeError("the run never said a β that was dragged to")
    return Drag(len(sent), statistics.median(delays), delays[int(0.95 * (len(delays) - 1))], delays[-1])


async def measure(
    server: Server,
    run_id: str,
    sessions: list[Session],
    *,
    interval: float,
    seconds: float,
    lecturer: Session | None = None,
) -> Figures:
    """Lets the sessions watch, their timers spread evenly over the interval, and takes the figures.

    Arguments:
        server: The server.
        run_id: The run that they watch.
        sessions: Their pages.
        interval: Seconds between two updates of a page.
        seconds: How long.
        lecturer: The page on which β is dragged meanwhile; None: on none.
    """
    begin, used_s, step = time.monotonic(), cpu_s(server), said_by(server, run_id, "step")
    gap = interval / max(1, len(sessions))
    tabs = [watch(tab, interval, begin + i * gap, begin + seconds) for i, tab in enumerate(sessions)]
    # The run is looked at a little longer: the last values are on their way.
    looks = None if lecturer is None else asyncio.create_task(look(server, run_id, begin + seconds + 2.0))
    hand = None if lecturer is None else asyncio.create_task(drag(lecturer, begin, begin + seconds))
    found = await asyncio.gather(asyncio.sleep(seconds, []), *tabs)
    updates = [update for tab in found for update in tab]
    took = time.monotonic() - begin
    cores = (cpu_s(server) - used_s) / took
    rate = (said_by(server, run_id, "step") - step) / took
    return Figures(
        watchers=len(sessions),
        interval_s=interval if sessions else None,
        cores=cores,
        updates=len(updates),
        times=summary(updates) if updates else None,
        drag=None if hand is None or looks is None else drag_summary(await hand, await looks),
        steps_per_second=rate,
    )


def summary(updates: list[Update]) -> Times:
    """Quantiles and mean of at least one update."""
    ms = sorted(update.ms for update in updates)
    num_bytes = statistics.mean(update.num_bytes for update in updates)
    return Times(statistics.median(ms), ms[int(0.95 * (len(ms) - 1))], ms[-1], num_bytes)


async def measure_all(server: Server, effort: Effort, interval: float) -> list[Figures]:
    """Without watchers first (for half the time), then with them, then with a lecturer who drags β."""
    async with training(server) as (run_id, lecturer):
        await settle(server, run_id, effort.settle_s)
        figures = [await measure(server, run_id, [], interval=interval, seconds=effort.seconds / 2)]
        async with watching(server, run_id, effort.watchers) as sessions:
            for hand in (None, lecturer):
                figures.append(
                    await measure(
                        server, run_id, sessions, interval=interval, seconds=effort.seconds, lecturer=hand
                    )
                )
        return figures


def figures_table(figures: list[Figures]) -> str:
    """One row for each measurement."""
    rows = [["watchers", "every", "cores", "updates", "p50 ms", "p95 ms", "max ms", "KB/update", "steps/s"]]
    rows[0] += ["β values", "β p50 ms", "β p95 ms"]
    for found in figures:
        every = "-" if found.interval_s is None else f"{found.interval_s:g} s"
        times = found.times or ()
        shown = [f"{value:.1f}" for value in (*times[:3], *(size / 1000 for size in times[3:]))]
        counts = [str(found.watchers), every, f"{found.cores:.3f}", str(found.updates)]
        hand = ["-"] * 3 if found.drag is None else [f"{value:.0f}" for value in found.drag[:3]]
        rows.append([*counts, *(shown or ["-"] * 4), f"{found.steps_per_second:.0f}", *hand])
    return table(rows)


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watchers", description="Cost of watchers.")
    parser.add_argument("--watchers", type=int, default=30, help="open pages")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a measurement")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two updates")
    parser.add_argument("--quick", action="store_true", help="tiny: tries the benchmark, says nothing")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else Effort(options.watchers, options.seconds, SETTLE_S)
    # A worker that loses its server saves its run once more, perhaps while the folder goes.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, serve(Path(folder)) as server:
        figures = asyncio.run(measure_all(server, effort, options.interval))
    print(f"{figures_table(figures)}\n")
    print(f"The server may use {LIMIT_CORES:g} cores for 30 watchers at one update a second.\n")
    rows = [
        asdict(one) | {"times": one.times and one.times._asdict(), "drag": one.drag and one.drag._asdict()}
        for one in figures
    ]
    print(json.dumps({"machine": machine(), "limit_cores": LIMIT_CORES, "figures": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
