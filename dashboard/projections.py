"""t-SNE jobs of this server, one at a time, each a process of its own; results are kept as files."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.run_store import home
from dashboard.worker_process import ROOT

_NAME: Final = re.compile(r"[0-9a-f]{16,64}")
Array = NDArray[np.float32]


@dataclass(slots=True)
class _Task:
    process: subprocess.Popen[str]
    done: float = 0.0


class Projections:
    """Computes projections in the background and keeps them below ``root/projections``.

    Arguments:
        root: Where to keep them; made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "projections"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._tasks: dict[str, _Task] = {}

    def start(self, name: str, points: Array, *, seed: int) -> bool:
        """Begins a t-SNE under a name of hex digits; False while another one is at work."""
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"a projection's name is made of hex digits, got {name[:40]!r}")
        with self._lock:
            if any(task.process.poll() is None for task in self._tasks.values()):
                return False
            source = self._folder / f"{name}.points.npy"
            np.save(source, points, allow_pickle=False)
            task = self._tasks[name] = _Task(_spawn(source, self._file(name), seed))
        threading.Thread(target=self._read, args=(task, source), name=f"t-SNE {name}", daemon=True).start()
        return True

    def progress(self, name: str) -> float | None:
        """Share of the work that is done; None when this projection is not being computed."""
        task = self._tasks.get(name)
        return None if task is None or task.process.poll() is not None else task.done

    def result(self, name: str) -> Array | None:
        """The coordinates, shape (n, 2); None when they are not there."""
        path = self._file(name)
        if _NAME.fullmatch(name) is None or not path.exists():
            return None
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError):
            return None

    def cancel(self, name: str) -> None:
        """Ends the work on a projection."""
        task = self._tasks.get(name)
        if task is not None:
            task.process.kill()
            task.process.wait()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.npy"

    def _read(self, task: _Task, source: Path) -> None:
        with task.process as process:
            for line in process.stdout or ():
                with contextlib.suppress(ValueError, KeyError):
                    task.done = float(json.loads(line)["done"])
        source.unlink(missing_ok=True)


def _spawn(source: Path, target: Path, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vae_core.projection", str(source), str(target), str(seed)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


_projections: Projections | None = None
_lock = threading.Lock()


def projections() -> Projections:
    """The projections of this server."""
    global _projections
    with _lock:
        if _projections is None:
            _projections = Projections(home())
        return _projections
