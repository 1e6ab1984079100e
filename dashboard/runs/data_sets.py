"""The data sets that browsers brought: kept once each, listed for those who brought them, by a quota.

A data set is a folder named by its content, with its file and an empty file for each browser that brought
it, named by the digest of its token. What nobody used for longest leaves first: a data set is used when a
training or a page loads it.
"""

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from dashboard.runs.store import DIGEST, digest_of, is_temporary
from vae_core.data.limits import MAX_KEPT, MAX_KEPT_OF_BROWSER, MAX_UPLOAD_BYTES
from vae_core.data.own import NAME, own_facts, own_file, own_folder, packed
from vae_core.data.own_content import OwnFacts, facts_in
from vae_core.errors import BadInput
from vae_core.runs.atomic import write_atomically

MAX_UPLOADS_BYTES: Final = 16 * MAX_UPLOAD_BYTES
"""Of files that are looked at and not used yet."""
_OWNER: Final = "of-"


class OwnSet(NamedTuple):
    """A data set of a browser.

    Arguments:
        facts: What is known of it.
        num_bytes: Of its file.
        used: When it was used last, in nanoseconds since 1970.
    """

    facts: OwnFacts
    num_bytes: int
    used: int


class Kept(NamedTuple):
    """What became of a data set that was brought.

    Arguments:
        name: Its name.
        left: Titles of this browser's data sets that made room for it.
    """

    name: str
    left: tuple[str, ...]


class DataSets:
    """Keeps them below the folder of runs.

    Arguments:
        most_of_browser: Bytes that one browser may have.
        most: Bytes of all.
    """

    def __init__(self, *, most_of_browser: int = MAX_KEPT_OF_BROWSER, most: int = MAX_KEPT) -> None:
        self._most_of_browser, self._most = most_of_browser, most
        self._lock = threading.Lock()

    def keep(self, arrays: Mapping[str, NDArray[Any]], *, owner: str) -> Kept:
        """Keeps what was read for the browser with this token; the same content is there once for all.

        Raises:
            BadInput: It is larger than a browser may have, or it cannot be written (code ``disk``).
        """
        if is_temporary():
            hint = "tell whoever runs the server to set VAE_DASHBOARD_HOME to another folder"
            raise BadInput("disk", "this server cannot write its folder, so it keeps no data sets", hint)
        facts, content = facts_in(arrays), packed(arrays)
        if len(content) > self._most_of_browser:
            message = f"this data set needs {megabytes(len(content))}, more than one browser may have"
            raise BadInput("quota", message, "use fewer or smaller examples")
        path = own_file(facts.name)
        with self._lock, _on_disk():
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(path, content, durable=True)
            os.utime(path)
            (path.parent / f"{_OWNER}{digest_of(owner)}").touch(mode=0o600)
            return Kept(facts.name, self._make_room(facts.name, owner))

    def of_browser(self, owner: str) -> list[OwnSet]:
        """The data sets that the browser with this token brought, the one that was used last first."""
        mark = f"{_OWNER}{digest_of(owner)}"
        return self._sets(mark)

    def drop(self, name: str, *, owner: str) -> None:
        """The browser with this token has it no more; what no browser has goes."""
        if NAME.fullmatch(name) is not None:
            with self._lock:
                self._drop(name, f"{_OWNER}{digest_of(owner)}")

    def take_in(self, content: bytes) -> str:
        """Keeps an uploaded file until it is used or others need the room; returns its SHA-256.

        Raises:
            BadInput: It is too large, or it cannot be written.
        """
        if len(content) > MAX_UPLOAD_BYTES:
            message = f"the file has {megabytes(len(content))}, more than {megabytes(MAX_UPLOAD_BYTES)}"
            raise BadInput("upload", message, "use a smaller one")
        digest = hashlib.sha256(content).hexdigest()
        with self._lock, _on_disk():
            self._uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._uploads / digest, content, durable=False)
            files = sorted(self._uploads.iterdir(), key=lambda file: file.stat().st_mtime_ns, reverse=True)
            room = MAX_UPLOADS_BYTES
            for number, file in enumerate(files):
                room -= file.stat().st_size
                if number and room < 0:
                    file.unlink(missing_ok=True)
        return digest

    def uploaded(self, digest: str) -> bytes | None:
        """The uploaded file with a SHA-256; None where it made room for others."""
        if DIGEST.fullmatch(digest) is None:
            return None
        with contextlib.suppress(OSError):
            path = self._uploads / digest
            content = path.read_bytes()
            os.utime(path)
            return content
        return None

    @property
    def _uploads(self) -> Path:
        return own_folder().parent / "uploads"

    def _sets(self, mark: str | None) -> list[OwnSet]:
        """Those of one browser, or of all; what is damaged is left out."""
        found = []
        with contextlib.suppress(OSError):
            for folder in own_folder().iterdir():
                if NAME.fullmatch(folder.name) is None or (mark and not (folder / mark).exists()):
                    continue
                with contextlib.suppress(OSError, BadInput):
                    stat = (folder / "data.npz").stat()
                    found.append(OwnSet(own_facts(folder.name), stat.st_size, stat.st_mtime_ns))
        return sorted(found, key=lambda one: one.used, reverse=True)

    def _make_room(self, newest: str, owner: str) -> tuple[str, ...]:
        """Drops what was not used for longest until the quotas hold; titles of those of this browser."""
        mark = f"{_OWNER}{digest_of(owner)}"
        left = []
        for limit, of in ((self._most_of_browser, mark), (self._most, None)):
            sets = self._sets(of)
            room = limit - sum(one.num_bytes for one in sets)
            for one in reversed(sets):
                if room >= 0 or one.facts.name == newest:
                    continue
                room += one.num_bytes
                if of is not None or (own_file(one.facts.name).parent / mark).exists():
                    left.append(one.facts.title)
                self._drop(one.facts.name, of)
        return tuple(left)

    def _drop(self, name: str, mark: str | None) -> None:
        """Takes a browser's mark away, and the folder with the last one; None: the folder."""
        folder = own_file(name).parent
        with contextlib.suppress(OSError):
            if mark is not None:
                (folder / mark).unlink(missing_ok=True)
            if mark is None or not any(one.name.startswith(_OWNER) for one in folder.iterdir()):
                shutil.rmtree(folder, ignore_errors=True)


def megabytes(num_bytes: int) -> str:
    """A size in words.

    Example:
        >>> megabytes(32 * 2**20), megabytes(300_000)
        ('32 MB', '0.3 MB')
    """
    size = num_bytes / 2**20
    return f"{size:.0f} MB" if size >= 10 else f"{max(size, 0.1):.1f} MB"


@contextlib.contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        hint = "free some disk space, or tell whoever runs the server"
        raise BadInput("disk", f"this data set cannot be kept ({err.strerror})", hint) from err


_data_sets: Final = DataSets()


def data_sets() -> DataSets:
    """The data sets of this server."""
    return _data_sets
