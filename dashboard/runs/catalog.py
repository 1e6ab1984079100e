"""The index of the runs: what a list says of each, without opening its files again.

The truth is in the folders. A folder changes its time whenever a file in it is replaced, so one look at the
folders' times tells which entries are old; those are read anew. The index in ``catalog.sqlite`` spares the
next server the reading of ten thousand folders; where it is missing, damaged or of another version it is
made again.
"""

import contextlib
import io
import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dashboard.runs.about import RUN_ID, About
from dashboard.runs.store import RunStore
from dashboard.tiles import tiled

MAX_KEPT_RUNS: Final = 10_000
MAX_KEPT_BYTES: Final = 10 * 2**30
_VERSION: Final = 2
"""Of the index; another one is made again."""
_FRESH_S: Final = 1.0
"""How long a look at the folders holds for what other processes change."""
_SETTLED_S: Final = 2.0
"""A folder that changed just before it was read may change again within the same tick of its clock."""
_THUMBNAIL: Final = 112
"""Pixels of a thumbnail's longer side, about."""
_MAX_TILES: Final = 6
"""Decoded images along a side: more of them are grey dots in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a list says of a run.

    Arguments:
        run_id: 16 hex digits.
        about: Name, note, tags, when it began.
        dataset: Id of its data.
        latent_dim: J.
        beta: β at the last look at it.
        elbo: Held-out, at the last look, nats per example; None before it, without a bound (deterministic
            encoder), and where it is not finite.
        reconstruction, kl: The terms of the ELBO, None where it is.
        step: Updates made at the last look.
        status: As its worker said last: a run that is ``running`` here and has no process was interrupted.
        owner: Digest of the token of the browser that owns it; None: nobody.
        changed: When a file of it was written last, in seconds since 1970.
        num_bytes: Of all its files.
    """

    run_id: str
    about: About
    dataset: str
    latent_dim: int
    beta: float
    elbo: float | None
    step: int
    status: str
    owner: str | None
    changed: float
    num_bytes: int
    reconstruction: float | None = None
    kl: float | None = None

    @property
    def name(self) -> str:
        """What people call the run: its name, or ``Run a3f1``."""
        return self.about.name or f"Run {self.run_id[:4]}"


_COLUMNS: Final = tuple(field.name for field in fields(Entry) if field.name not in ("run_id", "about"))


class Catalog:
    """Entries of all runs of a store.

    Arguments:
        store: Where the runs are.
        index: The file of the index; None: it is in memory alone.
    """

    def __init__(self, store: RunStore, index: Path | None = None) -> None:
        self._store = store
        self._index = index
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._times: dict[str, int] = {}
        self._is_loaded = False
        self._looked = -math.inf

    def entries(self, ids: Iterable[str] | None = None) -> list[Entry]:
        """Entries of all runs, or of some, the newest first; what names no run has none."""
        with self._lock:
            if time.monotonic() - self._looked > _FRESH_S:
                self._look()
            if ids is None:
                found = list(self._entries.values())
            else:
                found = [self._entries[run_id] for run_id in dict.fromkeys(ids) if run_id in self._entries]
        return sorted(found, key=lambda entry: (-entry.about.created, entry.run_id))

    def of_browser(self, owner: str, opened: Iterable[str] = ()) -> list[Entry]:
        """Entries of the runs that a browser owns, and of those it has opened, the newest first.

        Arguments:
            owner: Digest of its token.
            opened: Ids of runs of others.
        """
        wanted = set(opened)
        return [entry for entry in self.entries() if entry.owner == owner or entry.run_id in wanted]

    def changed(self) -> None:
        """Has the next list look at the folders, however new the last look is."""
        with self._lock:
            self._looked = -math.inf

    def surplus(self, is_shown: Callable[[str], bool]) -> list[str]:
        """Ids of the runs to remove so that the limits hold: those without an owner first, then the oldest.

        Arguments:
            is_shown: Whether a run is at work or on somebody's page: it stays.
        """
        entries = self.entries()
        many = len(entries) - MAX_KEPT_RUNS
        much = sum(entry.num_bytes for entry in entries) - MAX_KEPT_BYTES
        gone = []
        for entry in sorted(entries, key=lambda entry: (entry.owner is not None, entry.changed)):
            if many <= 0 and much <= 0:
                break
            if not is_shown(entry.run_id):
                gone.append(entry.run_id)
                many, much = many - 1, much - entry.num_bytes
        return gone

    def thumbnail(self, run_id: str) -> bytes | None:
        """The decoded grid of the run as a small PNG; None where there is nothing to draw."""
        snapshot = self._store.snapshot(run_id)
        if snapshot is None:
            return None
        if snapshot.image_shape is not None:
            pixels = _images(snapshot.grid, snapshot.image_shape)
        elif snapshot.grid.shape[-1] == 2:
            pixels = _points(snapshot.grid.reshape(-1, 2))
        else:
            return None
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, format="PNG")
        return out.getvalue()

    def _look(self) -> None:
        if not self._is_loaded:
            self._is_loaded = True
            self._load()
        now = time.time()
        times = self._store.times()
        old = [run_id for run_id, when in times.items() if self._times.get(run_id) != when]
        gone = self._times.keys() - times.keys()
        for run_id in gone:
            self._times.pop(run_id)
            self._entries.pop(run_id, None)
        settled = []
        for run_id in old:
            entry = read_entry(self._store, run_id)
            is_settled = now - times[run_id] / 1e9 > _SETTLED_S
            # Time 0 has no folder: it is read again at the next look.
            self._times[run_id] = times[run_id] if is_settled else 0
            if entry is None:
                self._entries.pop(run_id, None)
                continue
            self._entries[run_id] = entry
            if is_settled:
                settled.append((run_id, times[run_id], _text_of(entry)))
        if settled or gone:
            self._keep(settled, gone)
        self._looked = time.monotonic()

    def _load(self) -> None:
        if self._index is None or not self._index.exists():
            return
        try:
            with closing(self._connect(self._index)) as index:
                rows = index.execute("SELECT run_id, time, entry FROM entries").fetchall()
            for run_id, when, text in rows:
                self._entries[run_id], self._times[run_id] = _entry_of(run_id, text), when
        except (sqlite3.Error, ValueError, TypeError, KeyError):
            self._entries.clear()
            self._times.clear()
            with contextlib.suppress(OSError):
                self._index.unlink()

    def _keep(self, settled: list[tuple[str, int, str]], gone: Iterable[str]) -> None:
        if self._index is None:
            return
        # A full disk, or another server at work on the index, costs the next start its time and no more.
        with contextlib.suppress(sqlite3.Error), closing(self._connect(self._index)) as index, index:
            index.executemany("DELETE FROM entries WHERE run_id = ?", [(run_id,) for run_id in gone])
            index.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", settled)

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        index = sqlite3.connect(path, timeout=0.5)
        try:
            index.execute("PRAGMA synchronous = OFF")
            if index.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                with index:
                    index.execute("DROP TABLE IF EXISTS entries")
                    index.execute("CREATE TABLE entries (run_id TEXT PRIMARY KEY, time INTEGER, entry TEXT)")
                    index.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error:
            index.close()
            raise
        return index


def read_entry(store: RunStore, run_id: str) -> Entry | None:
    """What the run's folder says; None where there is none, or no configuration that can be read."""
    config, folder = store.config(run_id), store.folder(run_id)
    if config is None or folder is None:
        return None
    status, row = store.status(run_id), store.last_row(run_id)
    elbo = row.get("elbo_held_out", math.nan)
    has_bound = config.model.encoder_head != "deterministic" and math.isfinite(elbo)
    num_bytes, changed = _size_and_time(folder)
    return Entry(
        run_id=run_id,
        about=store.about(run_id),
        dataset=config.dataset,
        latent_dim=config.model.latent_dim,
        beta=row.get("beta", config.train.beta),
        elbo=elbo if has_bound else None,
        step=int(row.get("step", 0)),
        status=str(status.get("status", "queued")),
        owner=store.owner(run_id),
        changed=changed,
        num_bytes=num_bytes,
        reconstruction=row.get("reconstruction_held_out") if has_bound else None,
        kl=row.get("kl_held_out") if has_bound else None,
    )


def _size_and_time(folder: Path) -> tuple[int, float]:
    """Bytes of all files below a folder, and when one of them was written last."""
    num_bytes, changed = 0, 0.0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):  # gone meanwhile: a file is replaced as a whole
                if entry.is_dir(follow_symlinks=False):
                    below, when = _size_and_time(Path(entry.path))
                else:
                    stat = entry.stat(follow_symlinks=False)
                    below, when = stat.st_size, stat.st_mtime
                num_bytes, changed = num_bytes + below, max(changed, when)
    return num_bytes, changed


def _text_of(entry: Entry) -> str:
    values = [getattr(entry, name) for name in _COLUMNS]
    return json.dumps([asdict(entry.about), *values])


def _entry_of(run_id: str, text: str) -> Entry:
    about, *values = json.loads(text)
    if RUN_ID.fullmatch(run_id) is None or len(values) != len(_COLUMNS):
        raise ValueError("this is no entry")
    known: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
    return Entry(run_id=run_id, about=About.from_said(about), **known)


def _images(grid: NDArray[np.float32], image_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Decoded means of shape (rows, columns, D) side by side; of large ones a choice from edge to edge."""
    sides = zip(grid.shape[:2], image_shape[:2], strict=True)  # without the colours
    rows, columns = (_chosen(count, side) for count, side in sides)
    levels = (np.clip(np.nan_to_num(grid[np.ix_(rows, columns)]), 0, 1) * 255).astype(np.uint8)
    whole = tiled(levels, image_shape)
    scale = max(1, _THUMBNAIL // max(whole.shape[:2]))
    return whole.repeat(scale, axis=0).repeat(scale, axis=1)


def _chosen(count: int, side: int) -> NDArray[np.intp]:
    most = max(1, min(count, _THUMBNAIL // side, _MAX_TILES))
    return np.linspace(0, count - 1, most).round().astype(np.intp)


def _points(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Points of shape (n, 2) as dots, the range of each axis from edge to edge."""
    size, margin = _THUMBNAIL, 4
    finite = x[np.isfinite(x).all(1)].astype(np.float64)
    ink = np.zeros((size, size), np.uint8)
    if len(finite):
        spread = np.maximum(np.ptp(finite, axis=0), 1e-12)
        at = margin + (finite - finite.min(0)) / spread * (size - 2 * margin - 1)
        column, row = at.round().astype(np.intp).T
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                ink[size - 1 - row + down, column + right] = 255
    return ink
