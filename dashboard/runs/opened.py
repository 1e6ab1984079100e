"""Which runs of others a browser has opened, so that its list has them tomorrow, too."""

import contextlib
import json
from pathlib import Path
from typing import Final

from dashboard.runs.about import RUN_ID
from dashboard.runs.store import DIGEST
from vae_core.runs.atomic import write_atomically

MAX_OPENED: Final = 200


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

    def _write(self, owner: str, ids: list[str]) -> None:
        if DIGEST.fullmatch(owner) is None:
            return
        # A full disk must not keep anybody from looking at a run.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._folder / f"{owner}.json", json.dumps(ids).encode(), durable=False)
