"""The folder of a run: ``config.json``, ``run.safetensors``, ``snapshot.safetensors``, ``status.json``.

Its earlier states are in the folder ``kept``, which :mod:`vae_core.runs.kept` explains.
"""

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.atomic import write_atomically
from vae_core.runs.kept import KeptSteps
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.snapshot import Snapshot, write_snapshot

_PARTS: Final = {
    "run": "Not saved {since}",
    "snapshot": "The curves cannot be kept",
    "kept": "Earlier steps cannot be kept",
}
"""What it means that a part cannot be written; the first is said where several cannot."""
GAVE_UP: Final = "The disk is full: the earlier steps of this run were removed so that it could be saved."
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class RunFolder:
    """Reads and writes the files of one run; a full disk becomes ``problem``, not the end of a training.

    Arguments:
        path: The folder, holding ``config.json``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kept = KeptSteps(path / "kept")
        """Earlier states of the run."""
        self.version = 0
        """Snapshots written."""
        self.saves = 0
        """How often the run's file was written, or found to be right as it is."""
        self._saved_step: int | None = None
        self._problems: dict[str, str] = {}
        self._unsaved = ""

    @property
    def problem(self) -> str:
        """Why a file of the run could not be written when it was tried last; empty once all of them could."""
        return next((self._problems[part] for part in _PARTS if part in self._problems), "")

    @property
    def unsaved(self) -> str:
        """What is lost if the training ends now, and why; empty where the run's last save succeeded."""
        return self._unsaved if "run" in self._problems else ""

    @property
    def is_gone(self) -> bool:
        """Whether a write failed because the folder was removed meanwhile."""
        return bool(self._problems) and not self._path.is_dir()

    def read_config(self) -> RunConfig:
        """The configuration that decides the run.

        Raises:
            BadInput: It is missing or cannot be used.
        """
        try:
            return RunConfig.from_json((self._path / "config.json").read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as err:
            raise BadInput("config", "the run's config.json cannot be read", "start the run again") from err

    def read_run(self) -> Run | None:
        """The run as it was saved last, or None.

        Raises:
            BadInput: It is damaged.
        """
        path = self._path / "run.safetensors"
        run = load_run(path) if path.exists() else None
        self._saved_step = None if run is None else run.step
        return run

    def write_run(self, run: Run) -> None:
        """Saves the run, durably; where the disk is full its earlier states make room."""
        with self._without_disk("run"):
            gave_up = False
            try:
                save_run(self._path / "run.safetensors", run)
            except OSError as err:
                gave_up = err.errno in _FULL and self.kept.give_up()
                if not gave_up:
                    raise
                save_run(self._path / "run.safetensors", run)
            self.saves, self._saved_step = self.saves + 1, run.step
            # The next earlier state is kept much later: that there is room for it now is told at once.
            self._problems.pop("kept", None)
            if gave_up:
                self._problems["kept"] = GAVE_UP

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Writes what is drawn of the run."""
        with self._without_disk("snapshot"):
            write_snapshot(self._path / "snapshot.safetensors", snapshot)
            self.version += 1

    def keep(self, run: Run, snapshot: Snapshot) -> None:
        """Keeps the run as it stands beside its newest state."""
        with self._without_disk("kept"):
            self.kept.keep(run, snapshot)

    def write_status(self, status: Mapping[str, object]) -> None:
        """Writes how the run stands, where that can be written: whoever runs the training is told anyway."""
        with suppress(OSError):
            write_atomically(self._path / "status.json", json.dumps(status).encode(), durable=False)

    @contextmanager
    def _without_disk(self, part: str) -> Iterator[None]:
        try:
            yield
            self._problems.pop(part, None)
        except OSError as err:
            since = "yet" if self._saved_step is None else f"since step {self._saved_step:,}"
            told = _PARTS[part].format(since=since)
            why = f"({err.strerror}): free some disk space; it is tried again by itself."
            self._problems[part] = f"{told} {why}"
            if part == "run":
                since, back = "", "begins anew"
                if self._saved_step is not None:
                    since, back = f" since step {self._saved_step:,}", "goes on from there"
                free = "free some disk space first"
                self._unsaved = f"Not saved{since} ({err.strerror}): Resume {back}; {free}."
