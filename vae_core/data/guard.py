"""Limits of memory and time for reading what somebody brought, in a process that does nothing else."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from vae_core.data.limits import READ_BYTES, READ_SECONDS
from vae_core.errors import BadInput

if sys.platform != "win32":
    import resource


@contextlib.contextmanager
def limited(*, seconds: float = READ_SECONDS, num_bytes: int = READ_BYTES) -> Iterator[None]:
    """Ends what is done within when it needs too much, in one sentence; on Windows there are no such limits.

    Call it in the main thread, of a process of its own: the limits are those of the whole process.

    Arguments:
        seconds: By the clock on the wall.
        num_bytes: Memory beside that which the process has.

    Raises:
        BadInput: Code ``time`` or ``memory``.
    """
    if sys.platform == "win32":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, _late)
    with contextlib.suppress(OSError, ValueError):  # macOS refuses some
        wanted = _address_space() + num_bytes
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except MemoryError as err:
        message = f"reading this file needs more than {num_bytes // 2**20:,} MB of memory"
        raise BadInput("memory", message, "use a smaller file") from err
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _late(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise BadInput("time", "reading this file takes too long", "use a smaller file, or fewer files")


def _address_space() -> int:
    """Bytes of addresses that this process has; half a gigabyte where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return 2**29
    return pages * resource.getpagesize() if sys.platform != "win32" else 2**29
