"""The message to the live training board: a snapshot as short strings and plain values, ready for JSON."""

import base64
import json
import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dashboard.labels import MAX_NAMED
from dashboard.theme import PALETTES
from vae_core.config import Objective
from vae_core.runs.snapshot import HISTORY_COLUMNS, VALIDATION_COLUMNS, Snapshot, best_step, change_rows

Payload = dict[str, object]
MAX_ROWS: Final = 400
"""Rows of history sent at most, beside those at a change: more than a chart has pixels to show."""
MAX_GHOST_ROWS: Final = 300
MAX_GRID: Final = 20
"""Images along a side of the decoded grid at most."""
MAX_CHANGES: Final = 200
"""Changes of β and η marked at most, the newest: forty seconds of dragging."""
LEAST_AVERAGED: Final = 1000
"""Examples that a point of a training curve averages, where there are so many in an epoch: one mini-batch of
64 is off by half a nat, and there are rows of a single update (a change of β, a save, a busy machine)."""

_SHOWN: Final = tuple(name for name in HISTORY_COLUMNS if name not in ("learning_rate", "seconds"))
_OF_GHOST: Final = ("step", "elbo_held_out", "reconstruction_held_out", "kl_held_out")
_LIVE: Final = ("beta", "learning_rate")
_TRAINING: Final = [at for at, name in enumerate(HISTORY_COLUMNS) if name.endswith("_train")]


_NO_PARTS: Final = {
    (False, False): "",
    (True, False): "no parts: learned prior",
    (False, True): "no parts: KL sampled",
    (True, True): "no parts: KL sampled",
}
"""Of a learned prior, and of a q that is no Gaussian."""
_WHY_NO_PARTS: Final = {
    (False, False): "",
    (True, False): "p(z) is learned and no product over the dimensions: KL(q(z|x) ‖ p(z)) is estimated from "
    "samples of z, as a whole.",
    (
        False,
        True,
    ): "q(z|x) is no Gaussian and no product over the dimensions: its KL is estimated from samples "
    "of z, as a whole.",
    (
        True,
        True,
    ): "Neither q(z|x) nor p(z) is a product over the dimensions: the KL is estimated from samples "
    "of z, as a whole.",
}
"""What stands in the place of the bars."""


def kept_rows(count: int, most: int = MAX_ROWS) -> NDArray[np.intp]:
    """Which of ``count`` rows to send: every one, or every 2nd, 4th, 8th, ... and always the last.

    Powers of two keep the choice still while rows arrive; evenly spaced rows would change at each
    arrival and make a noisy curve shimmer.

    Returns:
        Ascending indices, shape (m,) with m <= ``most``, the first and the last row among them.
    """
    stride = 1
    while (count - 1) // stride + 2 > most:
        stride *= 2
    rows = np.arange(0, count, stride)
    return rows if rows.size == 0 or rows[-1] == count - 1 else np.append(rows, count - 1)


def board_payload(
    snapshot: Snapshot,
    *,
    run_id: str,
    image_shape: tuple[int, ...] | None,
    class_names: tuple[str, ...],
    deterministic: bool,
    given_y: bool = False,
    grid_y: str = "",
    learned_prior: bool = False,
    not_gaussian: bool = False,
    is_scheduled: bool = False,
    free_bits: float = 0.0,
    objective: Objective = "elbo",
    batch_size: int = 64,
    columns: tuple[str, ...] = (),
    looked: Snapshot | None = None,
) -> Payload:
    """Packs a snapshot for the board.

    Arguments:
        snapshot: Of the run: the newest.
        run_id: A new one resets the board's zoom and its transitions; "" for a model that is no run of this
            server.
        image_shape: (height, width) of an example with height * width = D; None where examples are no images.
        class_names: Names of the labels; a label beyond them is shown as its number.
        deterministic: Whether the encoder has no variance, so that there is neither a bound nor a KL.
        given_y: Whether the model is conditional, so that its formulas have y.
        grid_y: The class that its grid is decoded with.
        learned_prior: Whether the prior is not N(0, I), on whose quantiles the grid is decoded all the same.
        not_gaussian: Whether the KL of q(z|x) is sampled, and has no parts by dimension.
        is_scheduled: Whether β follows a schedule, and so changes by itself.
        free_bits: Nats of KL per latent dimension that cost nothing.
        objective: What is maximised; another one than the ELBO has a curve of its own.
        batch_size: Examples of an update: a point of a training curve averages ``LEAST_AVERAGED`` of them.
        columns: Names of the values of a point; empty where they have none.
        looked: An earlier one, whose pictures take the place of the newest beside the whole curves.

    Returns:
        A JSON-able dictionary. Arrays are base64 of little-endian bytes: float32, labels int32, images
        uint8 with 0 for 0 and 255 for 1. ``kind`` is ``"images"``, ``"points"`` (D = 2) or ``"lines"``.
        ``changes`` are the steps after which β or η is another one, with the new value. Where a step is
        chosen by a validation part, ``validation`` is its curve, ``best`` its best step, and ``later`` what
        came after the step at which the run stands, with the row of that step before it.
    """
    history = snapshot.history
    at = _changed_rows(snapshot, is_scheduled=is_scheduled)
    epoch = LEAST_AVERAGED if snapshot.parts is None else min(snapshot.parts.training, LEAST_AVERAGED)
    least = math.ceil(epoch / batch_size)
    rows = averaged(history, least)[_rows(history, at)]
    chosen = _chosen(snapshot, least)
    if looked is not None:
        rows, snapshot = _with_row_of(looked, rows, least), looked
    return {
        **chosen,
        "run": run_id,
        "step": snapshot.step,
        "rows": len(history),
        "history": _columns(rows, _SHOWN),
        "changes": _changes(history, at),
        "class_names": list(class_names),
        "deterministic": deterministic,
        "given_y": given_y,
        "grid_y": grid_y,
        "learned_prior": learned_prior,
        "no_kl_parts": _NO_PARTS[learned_prior, not_gaussian],
        "why_no_kl_parts": _WHY_NO_PARTS[learned_prior, not_gaussian],
        "free_bits": free_bits,
        "objective": objective,
        "kl_per_dim": [] if deterministic else [_number(kl) for kl in snapshot.kl_per_dim],
        "active": [] if deterministic else _active(snapshot),
        "at_limits": {**snapshot.at_limits._asdict(), "examples": len(snapshot.means)},
        "palettes": PALETTES,
        **_latent_plane(snapshot),
        **_decoded(snapshot, image_shape),
        "columns": columns[:MAX_NAMED],
    }


def _chosen(snapshot: Snapshot, least: int) -> Payload:
    """By what the step of a run was chosen, and how large the parts of the data are."""
    found, best = snapshot.validation, best_step(snapshot.validation)
    validation = None
    if best is not None:
        kept = np.union1d(kept_rows(len(found), MAX_GHOST_ROWS), np.flatnonzero(found[:, 0] == best))
        validation = {name: _floats(found[kept, at]) for at, name in enumerate(VALIDATION_COLUMNS)}
    after = snapshot.later
    if len(after):
        whole = averaged(np.vstack((snapshot.history, after)), least)
        after = whole[len(snapshot.history) - 1 :]
    return {
        "validation": validation,
        "best": best,
        "later": _columns(after[kept_rows(len(after), MAX_GHOST_ROWS)], _SHOWN) if len(after) else None,
        "parts": None if snapshot.parts is None else snapshot.parts._asdict(),
    }


def ghost_payload(history: NDArray[np.float64]) -> dict[str, str]:
    """The held-out curves of a kept run, thinned: columns as in the history of :func:`board_payload`."""
    return _columns(history[kept_rows(len(history), MAX_GHOST_ROWS)], _OF_GHOST)


def coarser_grid(snapshot: Snapshot, most: int = MAX_GRID) -> Snapshot:
    """The snapshot with a decoded grid of at most so many images a side, so that each is large enough to see.

    A fine grid keeps every second image from the outer edges inwards, again and again: row 0 stays at the
    largest value of the axis and column 0 at the smallest.
    """
    grid, axis = snapshot.grid, snapshot.grid_axis
    while len(axis) > most:
        half = np.arange(0, len(axis) // 2, 2)
        some = np.concatenate([half, len(axis) - 1 - half[::-1]])
        grid, axis = grid[some if len(grid) > 1 else [0]][:, some], axis[some]
    return replace(snapshot, grid=grid, grid_axis=axis)


def addressed(
    payload: bytes,
    *,
    beta: float | None,
    owner: str,
    present: bool,
    ghosts: tuple[tuple[str, str, bytes], ...],
    looked: int | None = None,
    fork: int | None = None,
    colour: bytes = b"null",
    kept_alone: bool = False,
) -> bytes:
    """A packed payload with what one who watches is told beside it.

    The payload is the same for all who watch and is packed once; it is not read again here.

    Arguments:
        payload: JSON of :func:`board_payload`.
        beta: β in force now, which may have been moved since the snapshot; None: that of the snapshot.
        owner: "you" or "other"; "" where the run is nobody's.
        present: Whether the board is for the back of a classroom.
        ghosts: Id, label and packed history of each kept run.
        looked: The earlier step that the pictures are of; None: the newest.
        fork: The step at which the run began from another one's state; None: it began by itself.
        colour: JSON of what colours the latent plane in the place of the classes: title, labels, names, ends.
        kept_alone: Whether the curves of the kept runs are all that is shown, nothing of the payload.
    """
    told = {"beta_in_force": beta, "owner": owner, "present": present, "looked": looked, "fork": fork}
    head = json.dumps({**told, "kept_alone": kept_alone})
    kept = b",".join(
        b"%s,%s}" % (json.dumps({"run": run, "label": label})[:-1].encode(), b'"history":' + history)
        for run, label, history in ghosts
    )
    return b'%s,"ghosts":[%s],"colour":%s,%s' % (head[:-1].encode(), kept, colour, payload[1:])


def _latent_plane(snapshot: Snapshot) -> Payload:
    plane = list(snapshot.plane)
    return {
        "plane": plane,
        "latent_dim": snapshot.means.shape[1],
        "means": _floats(snapshot.means[:, plane]),
        "stds": _floats(snapshot.stds[:, plane]),
        "labels": _text(snapshot.labels, "<i4"),
    }


def _decoded(snapshot: Snapshot, image_shape: tuple[int, ...] | None) -> Payload:
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


def _active(snapshot: Snapshot) -> list[bool]:
    with np.errstate(invalid="ignore", over="ignore"):
        return snapshot.is_active.tolist()


def _number(value: float) -> float | None:
    """JSON knows no NaN."""
    return float(value) if np.isfinite(value) else None


def _text(array: ArrayLike, dtype: str) -> str:
    return base64.b64encode(np.asarray(array, dtype=dtype).tobytes()).decode("ascii")


def _floats(array: ArrayLike) -> str:
    with np.errstate(over="ignore"):
        return _text(array, "<f4")


def _images(array: NDArray[np.float32]) -> str:
    levels = np.nan_to_num(array * 255 + 0.5, nan=0.0)
    return _text(np.clip(levels, 0, 255), "u1")


def _changed_rows(snapshot: Snapshot, *, is_scheduled: bool) -> NDArray[np.intp]:
    """The rows after which β or η is another one, ascending: the newest ``MAX_CHANGES``."""
    history = snapshot.history
    rows = change_rows(history, is_scheduled=is_scheduled, moved=snapshot.beta_moves)
    whole = np.isfinite(sum(_column(history, name) for name in ("step", *_LIVE)))
    return rows[whole[rows] & whole[rows + 1]][-MAX_CHANGES:]


def _changes(history: NDArray[np.float64], rows: NDArray[np.intp]) -> list[dict[str, float]]:
    columns = {name: _column(history, name) for name in ("step", *_LIVE)}
    found = []
    for row in rows.tolist():
        new = {name: float(columns[name][row + 1]) for name in _LIVE}
        moved = {name: value for name, value in new.items() if value != columns[name][row]}
        found.append({"step": float(columns["step"][row]), **moved})
    return found


def _rows(history: NDArray[np.float64], changed: NDArray[np.intp]) -> NDArray[np.intp]:
    # The rows on both sides of a change stay: without them its effect would begin before its mark.
    return np.unique(np.concatenate([kept_rows(len(history)), changed, changed + 1]))


def averaged(history: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """The rows with training columns that are means over at least so many updates.

    A row of fewer updates takes those of the rows before it in, each row weighted by its updates: its value
    is the mean over all updates since the last row that is ``least`` or more updates back, or the first.

    Arguments:
        history: Rows of ``HISTORY_COLUMNS``, ascending by step.
        least: Updates, at least 1.

    Returns:
        A copy, shape (rows, 13); only the training columns differ.

    Example:
        >>> history = np.zeros((4, len(HISTORY_COLUMNS)))
        >>> history[:, 0] = 0, 99, 100, 150
        >>> history[:, HISTORY_COLUMNS.index("elbo_train")] = np.nan, -20, -30, -19
        >>> averaged(history, 16)[:, HISTORY_COLUMNS.index("elbo_train")].tolist()
        [nan, -20.0, -20.1, -19.0]
    """
    rows = history.copy()
    if len(rows) < 2:
        return rows
    step, means = history[:, 0], history[:, _TRAINING]
    updates = np.diff(step)[:, None]
    weight = np.where(np.isnan(means[1:]), 0.0, updates)
    # Where the mean of each row begins: a row's own at the row before it.
    began = np.searchsorted(step, step[1:] - np.maximum(updates[:, 0], least), side="right") - 1
    spans = np.stack([np.maximum(began, 0), np.arange(1, len(step))], axis=1).ravel()

    def over_spans(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.add.reduceat(np.vstack((values, np.zeros_like(values[:1]))), spans)[::2]

    with np.errstate(invalid="ignore", over="ignore"):
        rows[1:, _TRAINING] = over_spans(weight * np.nan_to_num(means[1:], posinf=np.inf, neginf=-np.inf))
        rows[1:, _TRAINING] /= over_spans(weight)
    return rows


def _with_row_of(looked: Snapshot, rows: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """The rows with the one of an earlier snapshot's step among them, so that its mark lies on the curves."""
    own = averaged(looked.history, least)[-1:]
    before = int(np.searchsorted(rows[:, 0], looked.step))
    is_there = before < len(rows) and rows[before, 0] == looked.step
    return rows if is_there else np.insert(rows, before, own, axis=0)


def _columns(rows: NDArray[np.float64], names: tuple[str, ...]) -> dict[str, str]:
    return {name: _floats(_column(rows, name)) for name in names}


def _column(history: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return history[:, HISTORY_COLUMNS.index(name)]
