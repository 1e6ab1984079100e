"""The folders of runs, named by 16 random hex digits: what a browser sends is only ever such an id."""

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from dashboard.runs.about import RUN_ID, About
from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.atomic import LEFTOVER_S, remove_leftovers, write_atomically
from vae_core.runs.kept import KeptSteps, WhyNone
from vae_core.runs.snapshot import Snapshot, last_row, read_snapshot, write_snapshot

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
LATEST: Final = 2**63
"""Beyond every step."""
_COPIED: Final = ("run.safetensors", "snapshot.safetensors")
_KEPT: Final = "kept"
STATUSES: Final = frozenset(
    (
        *("queued", "running", "paused", "finished", "stopped", "stopped_early"),
        *("diverged", "interrupted", "crashed", "failed"),
    )
)


def _is_number(value: object) -> bool:
    # Compared, not asked whether it is finite: an integer may be too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LATEST


def _or_none(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or fits(value)


_SAID: Final[Mapping[str, Callable[[object], bool]]] = {
    "status": lambda value: isinstance(value, str) and value in STATUSES,
    "message": lambda value: isinstance(value, str),
    "was_stopped": lambda value: isinstance(value, bool),
    **dict.fromkeys(("step", "epoch", "version", "saves", "steps_left", "rows"), _is_count),
    **dict.fromkeys(("num_steps", "num_epochs", "patience"), _or_none(_is_count)),
    **dict.fromkeys(("beta", "learning_rate", "steps_per_second"), _is_number),
    "speed": _or_none(_is_number),
}
"""What ``status.json`` says of a run, and whether a value can be that."""


def home() -> Path:
    """Where runs are kept: ``VAE_DASHBOARD_HOME``, or ``.vae-dashboard`` in the user's home."""
    return Path(os.environ.get("VAE_DASHBOARD_HOME") or Path.home() / ".vae-dashboard")


def kept_folder() -> Path:
    """:func:`home`, or a temporary folder of this server where nothing can be written there."""
    return _writable(home())


def is_temporary() -> bool:
    """Whether runs are gone when the server ends, because the home cannot be written."""
    return kept_folder() != home()


@functools.lru_cache(maxsize=8)
def _writable(wanted: Path) -> Path:
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        return Path(tempfile.mkdtemp(prefix="vae-dashboard-"))


def digest_of(token: str) -> str:
    """What is kept of a browser's token: its SHA-256 as hex, from which nobody finds the token."""
    return hashlib.sha256(token.encode()).hexdigest()


@contextlib.contextmanager
def _on_disk(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        hint = "free some disk space, or tell whoever runs the server"
        raise BadInput("disk", f"{what} cannot be kept ({err.strerror})", hint) from err


class RunStore:
    """Run folders below ``root/runs``; an id that is none has no folder, whatever its text.

    Arguments:
        root: The folder to keep them in; made when it is not there.
        name: Of the folder below it: those that were deleted have one of their own.
    """

    def __init__(self, root: Path, name: str = "runs") -> None:
        self._runs = root / name
        self._runs.mkdir(parents=True, exist_ok=True)

    def create(
        self,
        config: RunConfig,
        *,
        owner: str | None = None,
        copy_of: str | None = None,
        at_step: int | None = None,
        about: About | None = None,
    ) -> str:
        """Makes the folder of a new run and returns its id.

        Arguments:
            config: What the run is.
            owner: Digest of the token of the browser that starts it; None: of nobody yet.
            copy_of: A run whose state the new one begins with.
            at_step: Which of its kept states; None: the one that was saved last.
            about: What is said about it; ``created`` is now.

        Raises:
            BadInput: Nothing was saved yet of the run to copy, that step is not kept, or (code ``disk``) the
                disk takes no more.
        """
        source = None if copy_of is None else self._source(copy_of, at_step)
        run_id = secrets.token_hex(8)
        folder = self._runs / run_id
        try:
            with _on_disk("a new run"):
                # The home may have been removed since the server began.
                folder.mkdir(mode=0o700, parents=True)
                if owner is not None:
                    self.claim(run_id, owner)
                if source is not None:
                    self._copy(source, folder, at_step)
                self.write_about(run_id, replace(about or About(), created=time.time()))
                write_atomically(folder / "config.json", config.to_json().encode(), durable=True)
        except BadInput:
            self.remove(run_id)
            raise
        return run_id

    def _source(self, run_id: str, at_step: int | None) -> Path:
        """The folder of a run to copy, if it has that state."""
        folder = self.folder(run_id)
        if at_step is None:
            if folder is None or self.run_file(run_id) is None:
                raise BadInput("copy", "nothing of this run is saved yet", "try again when it has begun")
        elif folder is None or at_step not in self.kept_steps(run_id):
            raise BadInput("copy", f"step {at_step:,} of this run is not kept", "choose another step")
        return folder

    def _copy(self, source: Path, folder: Path, at_step: int | None) -> None:
        kept = KeptSteps(source / _KEPT)
        kept.copy_to(folder / _KEPT, up_to=LATEST if at_step is None else at_step)
        if at_step is None:
            for name in _COPIED:
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(source / name, folder / name)
            return
        copied = KeptSteps(folder / _KEPT)
        snapshot = copied.snapshot(at_step)
        if snapshot is None:
            raise BadInput("copy", f"step {at_step:,} of this run cannot be read", "choose another step")
        shutil.copyfile(copied.run_file(at_step), folder / "run.safetensors")
        write_snapshot(folder / "snapshot.safetensors", snapshot)

    def owner(self, run_id: str) -> str | None:
        """Digest of the token of the browser that owns the run; None when nobody does."""
        path = self._file(run_id, "owner")
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if path is not None and DIGEST.fullmatch(text := path.read_text("ascii")):
                return text
        return None

    def claim(self, run_id: str, owner: str) -> None:
        """Notes who owns the run, by the digest of the token; raises ``BadInput`` where the disk is full."""
        folder = self.folder(run_id)
        if folder is not None:
            with _on_disk("who owns this run"):
                write_atomically(folder / "owner", owner.encode(), durable=True)

    def about(self, run_id: str) -> About:
        """What people say about the run; of one that nobody described, when it began."""
        folder = self.folder(run_id)
        about = About()
        if folder is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                about = About.from_json((folder / "about.json").read_text("utf-8"))
            if not about.created:
                with contextlib.suppress(OSError):
                    about = replace(about, created=(folder / "config.json").stat().st_mtime)
        return about

    def write_about(self, run_id: str, about: About) -> None:
        """Keeps what people say about the run; raises ``BadInput`` where the disk is full."""
        folder = self.folder(run_id)
        if folder is not None:
            with _on_disk("what is said about this run"):
                write_atomically(folder / "about.json", about.to_json().encode(), durable=True)

    def folder(self, run_id: str) -> Path | None:
        """The run's folder; None when there is no such run."""
        if RUN_ID.fullmatch(run_id) is None:
            return None
        folder = self._runs / run_id
        return folder if folder.is_dir() else None

    def config(self, run_id: str) -> RunConfig | None:
        """What the run is; None when there is no such run, or none that can be read."""
        with contextlib.suppress(OSError, ValueError):
            return self._read_config(run_id)
        return None

    def why_closed(self, run_id: str) -> str:
        """One sentence on a run without a configuration: there is none, or what is wrong with it."""
        try:
            self._read_config(run_id)
        except BadInput as err:
            return f"The run that this link names cannot be opened: {err}"
        except (FileNotFoundError, NotADirectoryError, ValueError):
            pass
        except OSError as err:
            return f"The run that this link names cannot be read just now ({err.strerror}): try again later."
        return "The run that this link names no longer exists."

    def _read_config(self, run_id: str) -> RunConfig | None:
        folder = self.folder(run_id)
        return None if folder is None else RunConfig.from_json((folder / "config.json").read_text("utf-8"))

    def status(self, run_id: str) -> dict[str, Any]:
        """How the run stood when its worker last said so; empty when it never did.

        A value that is none of its kind is as if it had not been said.
        """
        folder = self.folder(run_id)
        said: object = None
        if folder is not None:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                said = json.loads((folder / "status.json").read_text("utf-8"))
        if not isinstance(said, dict):
            return {}
        return {name: said[name] for name, fits in _SAID.items() if name in said and fits(said[name])}

    def write_status(self, run_id: str, status: Mapping[str, Any]) -> None:
        """Notes how a run stands that has no worker to say so; a full disk changes nothing else."""
        folder = self.folder(run_id)
        if folder is not None:
            with contextlib.suppress(OSError):
                write_atomically(folder / "status.json", json.dumps(status).encode(), durable=False)

    def write_upload(self, run_id: str, content: bytes, snapshot: Snapshot) -> None:
        """Keeps the file of a run that was uploaded, byte for byte, and what is drawn of it."""
        folder = self.folder(run_id)
        if folder is not None:
            with _on_disk("the uploaded run"):
                write_atomically(folder / "run.safetensors", content, durable=True)
                write_snapshot(folder / "snapshot.safetensors", snapshot)

    def run_file(self, run_id: str) -> Path | None:
        """The file to go on from; None when nothing was saved yet."""
        return self._file(run_id, "run.safetensors")

    def snapshot_version(self, run_id: str) -> int | None:
        """A number that changes whenever the run's snapshot does; None when there is none yet."""
        path = self._file(run_id, "snapshot.safetensors")
        try:
            return None if path is None else path.stat().st_mtime_ns
        except OSError:
            return None

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The newest curves and pictures of the run; None when there are none, or none that can be read."""
        path = self._file(run_id, "snapshot.safetensors")
        try:
            return None if path is None else read_snapshot(path)
        except BadInput:
            return None

    def last_row(self, run_id: str) -> dict[str, float]:
        """The newest row of the curves by the names of its columns, without reading the rest; {} for none."""
        path = self._file(run_id, "snapshot.safetensors")
        return {} if path is None else last_row(path)

    def kept_steps(self, run_id: str) -> tuple[int, ...]:
        """The steps of the run that can be looked at and gone on from, ascending; () where none is kept."""
        folder = self.folder(run_id)
        return () if folder is None else KeptSteps(folder / _KEPT).steps()

    def why_nothing_kept(self, run_id: str) -> WhyNone:
        """Why no step of a run can be looked at, where none can."""
        folder = self.folder(run_id)
        if folder is None:
            return "never"
        files = (folder / "run.safetensors", folder / "snapshot.safetensors")
        size = 0
        for path in files:
            with contextlib.suppress(OSError):
                size += path.stat().st_size
        return KeptSteps(folder / _KEPT).why_none(size)

    def snapshot_at(self, run_id: str, step: int) -> Snapshot | None:
        """Curves and pictures of the run as they were at a step; None where that step is not kept."""
        folder = self.folder(run_id)
        return None if folder is None else KeptSteps(folder / _KEPT).snapshot(step)

    def kept_at(self, run_id: str, step: int) -> int | None:
        """A number that tells a kept state of the run from another one of that step; None where none is."""
        path = self.run_file_at(run_id, step)
        with contextlib.suppress(OSError):
            return None if path is None else path.stat().st_mtime_ns
        return None

    def run_file_at(self, run_id: str, step: int) -> Path | None:
        """The file to go on from at a step; None where that step is not kept."""
        folder = self.folder(run_id)
        path = None if folder is None else KeptSteps(folder / _KEPT).run_file(step)
        return path if path is not None and path.exists() else None

    def remove(self, run_id: str) -> None:
        """Removes a run and all that was kept of it."""
        folder = self.folder(run_id)
        if folder is not None:
            try:
                folder.rmdir()  # an empty one goes even where no folder can be opened any more
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)

    def move_to(self, other: "RunStore", run_id: str) -> bool:
        """Moves the run's folder, as a whole, to another store on the same disk; returns whether it did.

        The time of the folder is then that of the move.
        """
        folder = self.folder(run_id)
        target = other._runs / run_id
        if folder is None or target.exists():
            return False
        try:
            folder.rename(target)
        except OSError:
            return False
        with contextlib.suppress(OSError):
            os.utime(target)
        return True

    def times(self) -> dict[str, int]:
        """When the folder of each run changed, in nanoseconds since 1970, by its id.

        A folder changes whenever a file in it is replaced, as all of them are.
        """
        found: dict[str, int] = {}
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._runs):
                # One that another process removes meanwhile is none.
                with contextlib.suppress(OSError):
                    if RUN_ID.fullmatch(entry.name) and entry.is_dir():
                        found[entry.name] = entry.stat().st_mtime_ns
        return found

    def remove_leftovers(self) -> None:
        """Removes what killed processes left behind: temporary files, and folders without a file."""
        for run_id in self.ids():
            folder = self._runs / run_id
            remove_leftovers(folder)
            remove_leftovers(folder / _KEPT)
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > LEFTOVER_S:
                    folder.rmdir()  # which fails where anything is in it

    def ids(self) -> list[str]:
        """Ids of all runs, the oldest first."""
        times = self.times()
        return sorted(times, key=lambda run_id: (times[run_id], run_id))

    def _file(self, run_id: str, name: str) -> Path | None:
        folder = self.folder(run_id)
        path = None if folder is None else folder / name
        return path if path is not None and path.exists() else None
