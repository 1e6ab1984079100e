"""MNIST and Fashion-MNIST from OpenML, by scikit-learn, kept as the IDX files that they are elsewhere.

Nothing here is fetched unless somebody asks for it. scikit-learn checks the MD5 digest that OpenML states;
what is kept has SHA-256 digests beside it, by which a damaged copy is found and fetched anew.
"""

import contextlib
import hashlib
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

Progress = Callable[[float], None]
NUM_TRAINING: Final = 60_000
"""The first of the 70,000 images; the other ones are the held-out part."""
WAIT_S: Final = 30.0
"""For an answer of the network."""
DIGESTS: Final = "digests.json"
_SIDE: Final = 28
_WATCH_S: Final = 0.5
_DOWNLOADED: Final = 0.7
"""The share of the work that the download is."""
INSTEAD: Final = (
    "try again later, or bring the four IDX files from elsewhere: name their folder on Train, or drop the "
    "images and labels on the page Data"
)


class OpenSet(NamedTuple):
    """A data set of OpenML.

    Arguments:
        title: What it is called.
        data_id: Its number there.
        num_bytes: Of its download, about.
    """

    title: str
    data_id: int
    num_bytes: int


OPEN_SETS: Final = {
    "mnist": OpenSet("MNIST", 554, 15_000_000),
    "fashion_mnist": OpenSet("Fashion-MNIST", 40996, 33_000_000),
}
"""By id."""


def is_kept(folder: Path) -> bool:
    """Whether a folder has been filled: its digests are written last."""
    return (folder / DIGESTS).exists()


def fetch(name: str, folder: Path, *, on_progress: Progress) -> None:
    """Fills a folder with the IDX files of a data set, unless it has them.

    Arguments:
        name: One of ``OPEN_SETS``.
        folder: Where they shall be; made where it is not there.
        on_progress: Told the share that is done.

    Raises:
        BadInput: OpenML cannot be reached or gives something else (code ``network``), or the folder cannot be
            written (code ``disk``).
    """
    if _is_whole(folder):
        return
    wanted, cache = OPEN_SETS[name], folder / "download"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _waiting(WAIT_S), _watched(cache, wanted.num_bytes, on_progress):
            images, labels = _downloaded(wanted, cache)
        on_progress(_DOWNLOADED)
        _keep(folder, images, labels)
    except (TimeoutError, HTTPException, ConnectionError) as err:
        raise _unreachable(wanted, str(err) or "no answer") from err
    except OSError as err:
        reason = getattr(err, "reason", None)  # of an error of urllib: what the network said
        if reason is None and err.errno is not None and err.filename is not None:
            hint = "free some disk space, or tell whoever runs the server"
            raise BadInput("disk", f"{wanted.title} cannot be kept ({err.strerror})", hint) from err
        raise _unreachable(wanted, str(reason or err)) from err
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def _unreachable(wanted: OpenSet, why: str) -> BadInput:
    return BadInput("network", f"{wanted.title} could not be fetched from OpenML ({why[:100]})", INSTEAD)


def _downloaded(wanted: OpenSet, cache: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    from sklearn.datasets import fetch_openml

    try:
        x, y = fetch_openml(
            data_id=wanted.data_id, data_home=cache, as_frame=False, return_X_y=True, n_retries=1
        )
        images, labels = np.asarray(x).astype(np.uint8), np.asarray(y).astype(np.uint8)
        is_exact = np.array_equal(images, x)
    except (ValueError, TypeError) as err:  # another digest than OpenML states, or no numbers
        raise _unreachable(wanted, str(err)) from err
    if images.shape[1:] != (_SIDE**2,) or len(images) <= NUM_TRAINING or len(labels) != len(images):
        raise _unreachable(wanted, f"it came with the shape {images.shape}")
    if not is_exact or labels.max() > 9:
        raise _unreachable(wanted, "its values are no bytes and classes")
    return images, labels


def _keep(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    digests = {}
    for part, rows in (("train", slice(NUM_TRAINING)), ("t10k", slice(NUM_TRAINING, None))):
        files = {
            f"{part}-images-idx3-ubyte": images[rows].reshape(-1, _SIDE, _SIDE),
            f"{part}-labels-idx1-ubyte": labels[rows],
        }
        for file, values in files.items():
            content = _idx(values)
            (folder / file).write_bytes(content)
            digests[file] = hashlib.sha256(content).hexdigest()
    # Last: files that were written in part are not what it says.
    (folder / DIGESTS).write_text(json.dumps(digests), "utf-8")


def _idx(values: NDArray[np.uint8]) -> bytes:
    """Two zeros, 8 for bytes, the rank; each size in four bytes; then the values."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def _is_whole(folder: Path) -> bool:
    """Whether every file is there as it was written."""
    try:
        digests = json.loads((folder / DIGESTS).read_text("utf-8"))
        return bool(digests) and all(
            hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
            for file, digest in digests.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


@contextlib.contextmanager
def _waiting(seconds: float) -> Iterator[None]:
    """Of a process of its own: scikit-learn opens its connections without a limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _watched(cache: Path, expected: int, on_progress: Progress) -> Iterator[None]:
    """Tells how much of a download has come, by the size of its files."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_WATCH_S):
            with contextlib.suppress(OSError):
                found = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
                on_progress(_DOWNLOADED * min(1.0, found / expected))

    watcher = threading.Thread(target=watch, name="download", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
