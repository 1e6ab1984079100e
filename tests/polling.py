"""Waiting in tests: for a condition, with a deadline, never for a time."""

import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

DEADLINE_S: Final = 180.0
"""The one deadline of all waits: reached only where something is broken, however busy the machine."""

T = TypeVar("T")


def until(found: Callable[[], T | None], what: str) -> T:
    """Asks again and again, and returns the first answer that is true.

    Raises:
        AssertionError: There was none in time; it names ``what`` was waited for.
    """
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {DEADLINE_S:g} s")


def is_gone(pid: int) -> bool:
    """Whether no process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
