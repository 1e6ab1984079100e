"""Snapshots: the curves and pictures of a training at one step, as arrays in one file.

Reading one needs no PyTorch. It is for drawing, not a checkpoint: :mod:`vae_core.runs.runfile` keeps what a
run needs to go on.
"""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from vae_core.config import ACTIVE_VARIANCE
from vae_core.errors import BadInput
from vae_core.runs.atomic import write_atomically

HISTORY_COLUMNS: Final = (
    "step",
    "epoch",
    "elbo_train",
    "reconstruction_train",
    "kl_train",
    "elbo_held_out",
    "reconstruction_held_out",
    "kl_held_out",
    "beta",
    "learning_rate",
    "seconds",
    "objective_train",
    "objective_held_out",
)
"""Columns of ``Snapshot.history``. Bounds and their terms in nats per example; training columns are means
over the steps since the row before (NaN in the row of step 0), held-out ones an estimate at that step; beta
and learning rate are those of the next update; seconds were spent in updates, without pauses. The objective
is what training maximised (:mod:`vae_core.objectives`), of the mini-batches and as
:func:`vae_core.objectives.of_many` measures it; NaN where an older version wrote the row.

Each live change of beta or learning rate stands between two rows: one at the step at which it was made, with
the old value, and one after the first update with the new value. :func:`change_rows` finds them."""


_COLUMNS: Final = range(len(HISTORY_COLUMNS) - 2, len(HISTORY_COLUMNS) + 1)
"""How many of them a version wrote."""


def known_columns(history: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of a history as they are now: older versions did not note the objective, the last two columns.

    Arguments:
        history: Shape (rows, 13), or of older versions (rows, 12) and (rows, 11); others stay what they are.

    Example:
        >>> known_columns(np.zeros((3, 11))).shape
        (3, 13)
    """
    if history.ndim != 2 or history.shape[1] not in _COLUMNS:
        return history
    missing = len(HISTORY_COLUMNS) - history.shape[1]
    return np.pad(history, ((0, 0), (0, missing)), constant_values=np.nan)


VALIDATION_COLUMNS: Final = ("step", "elbo", "reconstruction", "kl")
"""Columns of ``Snapshot.validation``: the bound of the validation part at the end of each epoch, and its
terms, in nats per example, by the same noise each time."""


def best_step(validation: NDArray[np.float64]) -> int | None:
    """The first step with the highest validation ELBO; None where none was measured.

    Arguments:
        validation: Rows of ``VALIDATION_COLUMNS``.

    Example:
        >>> best_step(np.array([[23, -30, -28, 2], [46, -25, -22, 3], [69, -26, -22, 4]]))
        46
    """
    elbo = validation[:, VALIDATION_COLUMNS.index("elbo")]
    return int(validation[np.nanargmax(elbo), 0]) if np.isfinite(elbo).any() else None


def change_rows(
    history: NDArray[np.float64], *, is_scheduled: bool = False, moved: Collection[int] | None = None
) -> NDArray[np.intp]:
    """Indices of the rows right before a live change of beta or learning rate, ascending.

    The change was made at the step of that row; the row that follows is the first that shows its effect. Of
    many changes within a fifth of a second (a slider that is dragged) there may be rows before the first and
    after the last alone.

    Arguments:
        history: Rows of ``HISTORY_COLUMNS``.
        is_scheduled: Whether beta follows a schedule, and so changes by itself as well.
        moved: The steps at which a scheduled beta was set by hand; None where they are not known: then rows
            of successive steps count, between which a schedule moves little.

    Example:
        >>> history = np.ones((4, len(HISTORY_COLUMNS)))
        >>> history[:, HISTORY_COLUMNS.index("step")] = 0, 100, 101, 200
        >>> history[2:, HISTORY_COLUMNS.index("beta")] = 4.0
        >>> change_rows(history).tolist()
        [1]
    """
    step, beta, rate = (history[:, HISTORY_COLUMNS.index(name)] for name in ("step", "beta", "learning_rate"))
    beta_changes = beta[1:] != beta[:-1]
    if is_scheduled:
        beta_changes &= step[1:] == step[:-1] + 1 if moved is None else np.isin(step[:-1], list(moved))
    return np.flatnonzero(beta_changes | (rate[1:] != rate[:-1]))


FloatArray = NDArray[np.float32]
_MAX_HEADER_BYTES: Final = 2**20
_ARRAYS: Final = (
    "history",
    "means",
    "stds",
    "labels",
    "kl_per_dim",
    "examples",
    "reconstructions",
    "grid",
    "grid_axis",
)
_OF_CHOICE: Final = ("later", "validation")
"""Arrays that are there where a step was chosen by a validation part."""
FLOW_NUMBERS: Final = (
    "step",
    "num_data",
    "reconstruction",
    "kl",
    "objective",
    "beta",
    "encoder_gradient",
    "decoder_gradient",
    "change",
)
"""What ``Flow.numbers`` holds, as :class:`vae_core.training.trace.StepTrace` explains."""


class Parts(NamedTuple):
    """How many examples each part of the data has; of the held-out part those that are measured."""

    training: int
    validation: int
    held_out: int


class Flow(NamedTuple):
    """One update in slow motion: the forward-pass values of one example, and one generated image.

    Arguments:
        x, decoded: The example and E[x|z], shape (D,).
        mean, std, eps, z: Of its q(z|x), shape (J,).
        prior_z: A draw from p(z), shape (J,).
        generated: E[x|z] there, after the update, shape (D,).
        numbers: ``FLOW_NUMBERS``, float64.
    """

    x: FloatArray
    decoded: FloatArray
    mean: FloatArray
    std: FloatArray
    eps: FloatArray
    z: FloatArray
    prior_z: FloatArray
    generated: FloatArray
    numbers: NDArray[np.float64]


class AtLimits(NamedTuple):
    """How much of a model stands at a limit of its range.

    Arguments:
        low, high: Held-out examples of which some log sigma^2 is at its lower, at its upper limit.
        components: Components of a learned prior of which some log sigma^2 is at a limit.
        scale: 1 where a learned s of the likelihood is at its lower limit, else 0.
    """

    low: int = 0
    high: int = 0
    components: int = 0
    scale: int = 0


NOT_AT_LIMITS: Final = AtLimits()
_FLOW: Final = "flow."
_DECODER: Final = "decoder."
MAX_DECODER: Final = 1_000_000
"""Weights of a decoder that a snapshot holds at most: 4 MB, five times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Curves and pictures of one training at one step.

    Arguments:
        step: Updates made.
        epoch: Whole passes over the training data made.
        history: Rows of ``HISTORY_COLUMNS``, shape (rows, 13), float64.
        means: Posterior means of held-out examples, shape (n, J).
        stds: Posterior standard deviations of the same, shape (n, J); zeros for a deterministic encoder.
        labels: Their classes, shape (n,), -1 where an example has none.
        kl_per_dim: KL(q(z_j|x) || p(z_j)) averaged over the held-out examples, nats, shape (J,); empty for a
            learned prior, whose KL is no sum over dimensions.
        plane: The two latent dimensions that the plane shows (the same twice when J = 1).
        examples: A few held-out examples, shape (k, D).
        reconstructions: E[x|z] at the posterior means of the examples, shape (k, D).
        grid: Decoded means over the plane, shape (rows, columns, D): row 0 at the largest value of the
            second plane dimension, other latent dimensions 0. One row when J = 1.
        grid_axis: The values of z along each axis of the grid, ascending, shape (columns,).
        image_shape: (height, width) of an example; None where the data are not images.
        class_names: Names of the labels 0, 1, ...
        flow: The last update stage by stage, where it was traced.
        beta_moves: The steps at which beta was set by hand; None where they are not known.
        at_limits: What stands at a limit of its range; nothing where an older version wrote the file.
        later: Rows of the history after this step, where the training ended at a later one and went back to
            its best; shape (rows, 12).
        validation: Rows of ``VALIDATION_COLUMNS``, those after this step among them, shape (rows, 4); none
            without a validation part.
        parts: How the data are split; None where an older version did not say.
        grid_y: Of a conditional model the y that its grid is decoded with, in words; empty where there is
            none, or where an older version wrote the file.
        decoder: Of a conditional model the decoder's weights by name, so that whoever looks can have the grid
            of another y; empty where they are more than ``MAX_DECODER`` values, or there is no y.
    """

    step: int
    epoch: int
    history: NDArray[np.float64]
    means: FloatArray
    stds: FloatArray
    labels: NDArray[np.int32]
    kl_per_dim: FloatArray
    plane: tuple[int, int]
    examples: FloatArray
    reconstructions: FloatArray
    grid: FloatArray
    grid_axis: FloatArray
    image_shape: tuple[int, ...] | None = None
    class_names: tuple[str, ...] = ()
    flow: Flow | None = None
    beta_moves: tuple[int, ...] | None = None
    at_limits: AtLimits = NOT_AT_LIMITS
    later: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(HISTORY_COLUMNS))))
    validation: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(VALIDATION_COLUMNS))))
    parts: Parts | None = None
    grid_y: str = ""
    decoder: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def curves(self) -> NDArray[np.float64]:
        """All rows of the history: those up to this step and the later ones."""
        return np.vstack((self.history, self.later)) if len(self.later) else self.history

    @property
    def is_active(self) -> NDArray[np.bool_]:
        """Which dimensions are active units: Var_x(E_q[z_j]) > 0.01 (Burda et al. 2016), shape (J,)."""
        spread = self.means.astype(np.float64) - self.means.mean(0)
        return np.square(spread).sum(0) > ACTIVE_VARIANCE * (len(self.means) - 1)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot atomically (``.safetensors``; the scalars as JSON in its header)."""
    names = ("step", "epoch", "plane", "image_shape", "class_names", "at_limits", "beta_moves")
    names += ("parts", "grid_y")
    scalars = {name: getattr(snapshot, name) for name in names}
    arrays = {name: getattr(snapshot, name) for name in _ARRAYS}
    arrays |= {name: rows for name in _OF_CHOICE if len(rows := getattr(snapshot, name))}
    if snapshot.flow is not None:
        arrays |= {_FLOW + name: value for name, value in snapshot.flow._asdict().items()}
    arrays |= {_DECODER + name: value for name, value in snapshot.decoder.items()}
    arrays = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    write_atomically(path, save(arrays, metadata={"snapshot": json.dumps(scalars)}), durable=False)


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        BadInput: The file is missing or is not a snapshot.
    """
    try:
        content = path.read_bytes()
        arrays = load(content)
        arrays |= {name: known_columns(arrays[name]) for name in ("history", "later") if name in arrays}
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        scalars = json.loads(header["__metadata__"]["snapshot"])
        shape, moves = scalars["image_shape"], scalars.get("beta_moves")  # older ones do not have moves
        parts = scalars.get("parts")
        snapshot = Snapshot(
            step=int(scalars["step"]),
            epoch=int(scalars["epoch"]),
            plane=(int(scalars["plane"][0]), int(scalars["plane"][1])),
            image_shape=None if shape is None else tuple(int(side) for side in shape),
            class_names=tuple(map(str, scalars["class_names"])),
            beta_moves=None if moves is None else tuple(map(int, moves)),
            at_limits=AtLimits(*map(int, scalars.get("at_limits", ()))),
            flow=Flow(*(arrays[_FLOW + name] for name in Flow._fields)) if _FLOW + "x" in arrays else None,
            parts=None if parts is None else Parts(*(int(count) for count in parts)),
            grid_y=str(scalars.get("grid_y", "")),
            decoder={
                name.removeprefix(_DECODER): value
                for name, value in arrays.items()
                if name.startswith(_DECODER)
            },
            **{name: arrays[name] for name in _ARRAYS},
            **{name: arrays[name] for name in _OF_CHOICE if name in arrays},
        )
        _check_shapes(snapshot)
        return snapshot
    except (
        OSError,
        SafetensorError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as err:
        raise BadInput("snapshot", f"the snapshot {path.name} cannot be read", "start the run again") from err


def last_row(path: Path) -> dict[str, float]:
    """The last row of a snapshot's history by the names of its columns, read without the rest of the file.

    Empty where the file is missing, is no snapshot, or has no row.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _MAX_HEADER_BYTES:
                return {}
            history = json.loads(file.read(length))["history"]
            columns, (begin, end) = history["shape"][1], history["data_offsets"]
            width = 8 * len(HISTORY_COLUMNS[:columns])
            if history["dtype"] != "F64" or columns not in _COLUMNS or end - begin < width:
                return {}
            file.seek(8 + length + end - width)
            row = np.frombuffer(file.read(width), "<f8")
            if not 0 <= row[HISTORY_COLUMNS.index("step")] < 2**53:
                return {}
            return dict(zip(HISTORY_COLUMNS, known_columns(row[None])[0].tolist(), strict=True))
    except (OSError, KeyError, IndexError, TypeError, ValueError, OverflowError, RecursionError):
        return {}


def _check_shapes(found: Snapshot) -> None:
    """Raises ValueError where the arrays do not fit each other: nothing is drawn of half a snapshot."""
    (num_points, latent_dim), (num_examples, data_dim) = found.means.shape, found.examples.shape
    num_columns = len(found.grid_axis)
    expected = {
        "history": (len(found.history), len(HISTORY_COLUMNS)),
        "later": (len(found.later), len(HISTORY_COLUMNS)),
        "validation": (len(found.validation), len(VALIDATION_COLUMNS)),
        "stds": (num_points, latent_dim),
        "labels": (num_points,),
        "kl_per_dim": (latent_dim if found.kl_per_dim.size else 0,),
        "reconstructions": (num_examples, data_dim),
        "grid": (len(found.grid), num_columns, data_dim),
        "grid_axis": (num_columns,),
    }
    fits = {getattr(found, name).shape == shape for name, shape in expected.items()}
    fits.add(math.prod(found.image_shape or (data_dim,)) == data_dim)
    fits.add(all(0 <= axis < latent_dim for axis in found.plane))
    if False in fits:
        raise ValueError("arrays of a snapshot do not fit each other")
