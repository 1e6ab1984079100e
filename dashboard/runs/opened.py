"""Which runs of others a browser has opened, so that its list has them tomorrow, too."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dashboard.runs.about import RUN_ID
from dashboard.runs.store import DIGEST
from vae_core.runs.atomic import remove_leftovers, write_atomically

MAX_OPENED: Final = 200
MAX_BROWSERS: Final = 10_000
"""Of which files are kept: those that opened a run last."""


class Opened:
    """A small file for each browser, named by the digest of its token.

    Arguments:
        folder: Where they are; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self, owner: str) -> list[str]:
        """Ids of the runs that a browser has opened, the latest last."""
        if DIGEST.fullmatch(owner) is None:
            return []
        with contextlib.suppress(OSError, ValueError, RecursionError):
            said = json.loads((self._folder / f"{owner}.json").read_text("utf-8"))
            if isinstance(said, list):
                return [one for one in said if isinstance(one, str) and RUN_ID.fullmatch(one)][-MAX_OPENED:]
        return []

    def add(self, owner: str, run_id: str) -> None:
        """Notes that a browser has opened a run."""
        known = self.ids(owner)
        if run_id not in known:
            self._write(owner, [*known, run_id][-MAX_OPENED:])

    def drop(self, owner: str, run_id: str) -> None:
        """Ends what :meth:`add` began."""
        self._write(owner, [known for known in self.ids(owner) if known != run_id])

    def clean(self, is_kept: Callable[[str], bool], *, most: int = MAX_BROWSERS) -> None:
        """Removes the files of browsers none of whose runs is kept, and of more than ``most`` the oldest.

        Arguments:
            is_kept: Whether a run is there, or can be taken back, by its id.
            most: Files that stay.
        """
        found: list[tuple[int, Path]] = []
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.json"):
                with contextlib.suppress(OSError):  # another process cleans, too
                    if any(map(is_kept, self.ids(path.stem))):
                        found.append((path.stat().st_mtime_ns, path))
                    else:
                        path.unlink()
        found.sort(reverse=True)
        for _, path in found[most:]:
            with contextlib.suppress(OSError):
                path.unlink()
        remove_leftovers(self._folder)

    def _write(self, owner: str, ids: list[str]) -> None:
        if DIGEST.fullmatch(owner) is None:
            return
        # A full disk must not keep anybody from looking at a run.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._folder / f"{owner}.json", json.dumps(ids).encode(), durable=False)
