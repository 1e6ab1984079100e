"""The folder of a run: ``config.json``, ``run.safetensors``, ``snapshot.safetensors``, ``status.json``.

Its earlier states are in the folder ``kept``, which :mod:`vae_core.runs.kept` explains.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.atomic import write_atomically
from vae_core.runs.kept import KeptSteps
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.runs.snapshot import Snapshot, write_snapshot


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
        self.problem = ""
        """Why the last save did not succeed; empty once one has."""

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
        return load_run(path) if path.exists() else None

    def write_run(self, run: Run) -> None:
        """Saves the run, durably."""
        with self._without_disk():
            save_run(self._path / "run.safetensors", run)
            self.saves, self.problem = self.saves + 1, ""

    def write_snapshot(self, snapshot: Snapshot) -> None:
        """Writes what is drawn of the run."""
        with self._without_disk():
            write_snapshot(self._path / "snapshot.safetensors", snapshot)
            self.version += 1

    def keep(self, run: Run, snapshot: Snapshot) -> None:
        """Keeps the run as it stands beside its newest state."""
        with self._without_disk():
            self.kept.keep(run, snapshot)

    def write_status(self, status: Mapping[str, object]) -> None:
        """Writes how the run stands."""
        with self._without_disk():
            write_atomically(self._path / "status.json", json.dumps(status).encode(), durable=False)

    @contextmanager
    def _without_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            self.problem = f"The run cannot be saved ({err.strerror}): free some disk space."
