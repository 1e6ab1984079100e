"""The message to the live training board: a snapshot as short strings and plain values, ready for JSON."""

import base64
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dashboard.theme import PALETTES
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot

Payload = dict[str, object]
MAX_ROWS: Final = 400
"""Rows of history sent at most: more than a chart has pixels to show."""

_SHOWN: Final = tuple(name for name in HISTORY_COLUMNS if name not in ("learning_rate", "seconds"))


def kept_rows(count: int) -> NDArray[np.intp]:
    """Which of ``count`` rows to send: every one, or every 2nd, 4th, 8th, ... and always the last.

    Powers of two keep the choice still while rows arrive; evenly spaced rows would change at each
    arrival and make a noisy curve shimmer.

    Returns:
        Ascending indices, shape (m,) with m <= ``MAX_ROWS``, the first and the last row among them.
    """
    stride = 1
    while (count - 1) // stride + 2 > MAX_ROWS:
        stride *= 2
    rows = np.arange(0, count, stride)
    return rows if rows.size == 0 or rows[-1] == count - 1 else np.append(rows, count - 1)


def board_payload(
    snapshot: Snapshot,
    *,
    run_id: str,
    image_shape: tuple[int, int] | None,
    class_names: tuple[str, ...],
    deterministic: bool,
) -> Payload:
    """Packs a snapshot for the board.

    Arguments:
        snapshot: Of the run.
        run_id: A new one resets the board's zoom and its transitions.
        image_shape: (height, width) of an example with height * width = D; None where examples are no images.
        class_names: Names of the labels; a label beyond them is shown as its number.
        deterministic: Whether the encoder has no variance, so that there is neither a bound nor a KL.

    Returns:
        A JSON-able dictionary. Arrays are base64 of little-endian bytes: float32, labels int32, images
        uint8 with 0 for 0 and 255 for 1. ``kind`` is ``"images"``, ``"points"`` (D = 2) or ``"lines"``.
    """
    return {
        "run": run_id,
        "step": snapshot.step,
        "rows": len(snapshot.history),
        "history": _history(snapshot.history),
        "class_names": list(class_names),
        "deterministic": deterministic,
        "palettes": PALETTES,
        **_latent_plane(snapshot),
        **_decoded(snapshot, image_shape),
    }


def _latent_plane(snapshot: Snapshot) -> Payload:
    plane = list(snapshot.plane)
    return {
        "plane": plane,
        "latent_dim": snapshot.means.shape[1],
        "means": _floats(snapshot.means[:, plane]),
        "stds": _floats(snapshot.stds[:, plane]),
        "labels": _text(snapshot.labels, "<i4"),
    }


def _decoded(snapshot: Snapshot, image_shape: tuple[int, int] | None) -> Payload:
    data_dim = snapshot.examples.shape[1]
    pack = _images if image_shape else _floats
    return {
        "kind": "images" if image_shape else "points" if data_dim == 2 else "lines",
        "data_dim": data_dim,
        "image_shape": list(image_shape) if image_shape else None,
        "examples": pack(snapshot.examples),
        "reconstructions": pack(snapshot.reconstructions),
        "grid": pack(snapshot.grid),
        "grid_shape": list(snapshot.grid.shape[:2]),
        "grid_axis": _floats(snapshot.grid_axis),
    }


def _text(array: ArrayLike, dtype: str) -> str:
    return base64.b64encode(np.asarray(array, dtype=dtype).tobytes()).decode("ascii")


def _floats(array: ArrayLike) -> str:
    with np.errstate(over="ignore"):
        return _text(array, "<f4")


def _images(array: NDArray[np.float32]) -> str:
    levels = np.nan_to_num(array * 255 + 0.5, nan=0.0)
    return _text(np.clip(levels, 0, 255), "u1")


def _history(history: NDArray[np.float64]) -> dict[str, str]:
    rows = history[kept_rows(len(history))]
    return {name: _floats(rows[:, HISTORY_COLUMNS.index(name)]) for name in _SHOWN}
