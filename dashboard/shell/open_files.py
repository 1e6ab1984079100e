"""How many files and connections the server may have open: as many as the system allows.

Streamlit has three for each session, for the last 128 that were closed as well, and a system may begin with
256 (macOS) or 1,024 (Linux): a class of which each opens a few pages found the server closed.
"""

import contextlib
from typing import Final

MOST: Final = 8192
"""Enough for a thousand sessions; macOS takes no more than 10,240."""


def allow_many() -> None:
    """Raises the limit of this process and of what it starts, where it is lower."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(OSError, ValueError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
