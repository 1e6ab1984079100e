"""Runs as files and processes: run files, snapshots, the worker that trains, and background tasks.

Snapshots, atomic writes and tasks need no PyTorch.
"""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.runs.driver import Driver
    from vae_core.runs.folder import RunFolder
    from vae_core.runs.fork import forked
    from vae_core.runs.kept import KeptSteps
    from vae_core.runs.observer import Observer
    from vae_core.runs.runfile import Run, load_run, parse_run, save_run
    from vae_core.runs.snapshot import (
        FLOW_NUMBERS,
        HISTORY_COLUMNS,
        Flow,
        Snapshot,
        read_snapshot,
        write_snapshot,
    )
    from vae_core.runs.task import run_task
    from vae_core.runs.worker import run_worker

__all__ = [
    "FLOW_NUMBERS",
    "HISTORY_COLUMNS",
    "Driver",
    "Flow",
    "KeptSteps",
    "Observer",
    "Run",
    "RunFolder",
    "Snapshot",
    "forked",
    "load_run",
    "parse_run",
    "read_snapshot",
    "run_task",
    "run_worker",
    "save_run",
    "write_snapshot",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.runs.driver": ("Driver",),
        "vae_core.runs.folder": ("RunFolder",),
        "vae_core.runs.fork": ("forked",),
        "vae_core.runs.kept": ("KeptSteps",),
        "vae_core.runs.observer": ("Observer",),
        "vae_core.runs.runfile": ("Run", "load_run", "parse_run", "save_run"),
        "vae_core.runs.snapshot": (
            "FLOW_NUMBERS",
            "HISTORY_COLUMNS",
            "Flow",
            "Snapshot",
            "read_snapshot",
            "write_snapshot",
        ),
        "vae_core.runs.task": ("run_task",),
        "vae_core.runs.worker": ("run_worker",),
    },
)
