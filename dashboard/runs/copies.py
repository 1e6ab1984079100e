"""Runs that begin with the state of another one: a copy with other settings, and a run file of an upload.

Folders alone: a run that is being made has no process yet, and nobody steers it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.runs.about import About
from dashboard.runs.job import RESUMABLE, Changes, no_progress
from dashboard.runs.store import RunStore
from vae_core.errors import BadInput
from vae_core.runs.snapshot import HISTORY_COLUMNS

_ENDS: Final = RESUMABLE - {"paused", "interrupted", "crashed"}

# The functions import what needs torch: the server starts without it.


def change(store: RunStore, run_id: str, changes: Changes) -> dict[str, Any]:
    """Gives a copied run what it has other than its parent; returns where it stands.

    Raises:
        BadInput: A change is out of range, nothing is saved of the run, or the disk takes no more. Then the
            copy is removed.
    """
    from vae_core.runs.fork import forked
    from vae_core.runs.runfile import load_run, save_run

    path = store.run_file(run_id)
    try:
        if path is None:
            raise BadInput("copy", "nothing of this run is saved yet", "try again when it has begun")
        run = forked(load_run(path), **changes._asdict())
        if any(value is not None for value in changes):
            save_run(path, run)
    except OSError as err:
        store.remove(run_id)
        raise BadInput("disk", f"the copy cannot be kept ({err.strerror})", "free some disk space") from err
    except BadInput:
        store.remove(run_id)
        raise
    standing = _standing(run.step, run.state_scalars.get("epoch", 0), run.history)
    changed = {name: value for name, value in changes._asdict().items() if value is not None}
    return standing | {name: value for name, value in changed.items() if name in standing}


def upload(store: RunStore, content: bytes, *, owner: str, about: About | None) -> str:
    """Makes a run of a run file and returns its id; see :meth:`dashboard.runs.runner.LocalRunner.upload`.

    Arguments:
        store: Where the run is kept.
        content: The bytes of the file.
        owner: Digest of the token of the browser that uploads it.
        about: What is said of the run.
    """
    from vae_core.runs.driver import snapshot_of
    from vae_core.runs.runfile import parse_run

    run = parse_run(content)
    snapshot = snapshot_of(run)
    run_id = store.create(run.config, owner=owner, about=about)
    try:
        store.write_upload(run_id, content, snapshot)
    except BadInput:
        store.remove(run_id)
        raise
    progress = {
        **no_progress(run.config),
        "status": run.status if run.status in _ENDS else "paused",
        "message": f"Uploaded; it stands at step {run.step:,}. {run.notice}".rstrip(),
        **_standing(run.step, snapshot.epoch, snapshot.history),
    }
    store.write_status(run_id, progress)
    return run_id


def _standing(step: int, epoch: int, history: NDArray[np.float64]) -> dict[str, Any]:
    """Where a run stands, by the names of :class:`dashboard.runs.job.JobView`."""
    last = dict(zip(HISTORY_COLUMNS, history[-1].tolist(), strict=True))
    return {"step": step, "epoch": epoch, "beta": last["beta"], "learning_rate": last["learning_rate"]}
