"""Timing candidates side by side and printing what came out; every benchmark here uses it."""

import os
import platform
import resource
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

import torch

Step = Callable[[], object]
WARM_UP_STEPS = 20
"""Calls of each candidate before the clock runs: the first ones pay for imports and memory."""


class Spread(NamedTuple):
    """Smallest, middle and largest of a few values."""

    min: float
    median: float
    max: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of ``values``.

    Example:
        >>> spread([3.0, 1.0, 2.0])
        Spread(min=1.0, median=2.0, max=3.0)
    """
    return Spread(min(values), statistics.median(values), max(values))


def interleaved(rounds: int, candidates: Mapping[str, Step], *, seconds: float) -> dict[str, list[float]]:
    """Calls per second of each candidate in each round.

    The candidates take turns, so that whatever else the machine does meets all of them: compare the
    values of the same round.

    Arguments:
        rounds: How often each candidate has its turn.
        candidates: What to call, by name.
        seconds: Length of one turn; the call that passes it still counts.
    """
    for step in candidates.values():
        for _ in range(WARM_UP_STEPS):
            step()
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, step in candidates.items():
            rates[name].append(_rate(step, seconds))
    return rates


def pairwise(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """first / second, round by round."""
    return [a / b for a, b in zip(first, second, strict=True)]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first one to the left and the others to the right; the first row is the head.

    Example:
        >>> print(table([["loop", "ms"], ["ours", "0.4"]]))
        loop   ms
        ours  0.4
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )


def machine() -> dict[str, object]:
    """What the figures depend on besides the code."""
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }


def processor_seconds(step: Step, count: int) -> float:
    """The processor's time of one call: other programs on the machine change it less than the clock's.

    Arguments:
        step: Called once before the time is taken.
        count: Calls.
    """
    step()
    began = process_time()
    for _ in range(count):
        step()
    return (process_time() - began) / count


def peak_mb() -> float:
    """The most memory that this process has had so far, MB of 2^20 bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts a parent's peak in ru_maxrss of the child that it starts
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _rate(step: Step, seconds: float) -> float:
    began = now = perf_counter()
    count = 0
    while now - began < seconds:
        step()
        count += 1
        now = perf_counter()
    return count / (now - began)
