"""Which rows are trained on, which are held out, and which are set aside to choose by."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.byte_images import Examples, pieces_of
from vae_core.data.validation import validation_size
from vae_core.errors import BadInput


def split_rows(
    num_rows: int, classes: NDArray[np.int64] | None, fraction: float, *, generator: torch.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Draws the rows of the training and of the held-out part.

    With classes, each gives its share f n_c of the held-out part to within one row, but a class of one row
    gives none.

    Arguments:
        num_rows: How many rows, n.
        classes: Class of each row, from 0, shape (n,), or None.
        fraction: Share f of the rows that is held out, in (0, 1).
        generator: Source of the shuffle.

    Returns:
        The training rows and the held-out rows, in shuffled order, and notes for the user.

    Raises:
        BadInput: ``fraction`` is outside (0, 1) or leaves no row to train on.

    Example:
        >>> train, held_out, _ = split_rows(10, None, 0.2, generator=torch.Generator().manual_seed(0))
        >>> len(train), len(held_out)
        (8, 2)
    """
    shuffled = torch.randperm(num_rows, generator=generator).numpy()
    candidates, notes = _by_class(shuffled, classes), ()
    if len(candidates) == 0:
        candidates, notes = shuffled, ("Every class has one member, so the split ignores the labels.",)
    held_out = np.zeros(num_rows, dtype=bool)
    held_out[candidates[_every(len(candidates), fraction)]] = True
    if held_out.all():
        message = f"holding out {fraction:g} of {num_rows} rows leaves none to train on"
        raise BadInput("held_out_fraction", message, "hold out less or give more rows")
    return shuffled[~held_out[shuffled]], shuffled[held_out[shuffled]], notes


def validation_rows(
    num_rows: int, classes: NDArray[np.int64] | None, *, generator: torch.Generator
) -> NDArray[np.bool_]:
    """Draws the validation part of the training rows: marks ``validation_size`` of them, shape (n,).

    With classes, each gives its share to within one row, but a class of one row gives none, unless nearly
    all rows are alone in their class.

    Arguments:
        num_rows: How many training rows, n.
        classes: Class of each row, from 0, shape (n,), or None.
        generator: Source of the shuffle.

    Raises:
        BadInput: There are too few rows.

    Example:
        >>> int(validation_rows(1437, None, generator=torch.Generator().manual_seed(0)).sum())
        144
    """
    size = validation_size(num_rows)
    shuffled = torch.randperm(num_rows, generator=generator).numpy()
    candidates = _by_class(shuffled, classes)
    if len(candidates) < 2 * size:
        candidates = shuffled
    chosen = np.zeros(num_rows, dtype=bool)
    chosen[candidates[_every(len(candidates), size / len(candidates))]] = True
    return chosen


def _by_class(shuffled: NDArray[np.int64], classes: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The rows class by class, without those that are alone in theirs; all of them where there are none."""
    if classes is None:
        return shuffled
    rows = shuffled[np.argsort(classes[shuffled], kind="stable")]
    return rows[np.bincount(classes)[classes[rows]] > 1]


def _every(count: int, fraction: float) -> NDArray[np.bool_]:
    """Marks ceil(f n) of n places at even distances, so any m neighbours hold f m of them to within one."""
    if not 0 < fraction < 1:
        raise BadInput(
            "held_out_fraction", f"held_out_fraction must lie in (0, 1), got {fraction:g}", "0.2 is usual"
        )
    # Rounded first: 0.07 * 100 is 7.000000000000001, whose ceiling is 8.
    return np.diff(np.ceil((fraction * np.arange(count + 1)).round(9))) > 0


def common_rows(parts: Sequence[Examples]) -> list[torch.Tensor]:
    """Where the examples stand that all parts have, in the order of the first: indices of shape (k,) each.

    Models that were trained on different splits of the same data can be compared on what all of them hold
    out: elsewhere one of them would be judged by what it was trained on. Equal are examples whose values are
    equal to the last bit; of several equal ones in a part, the first counts.

    Arguments:
        parts: Examples, each of shape (n_i, D_i).

    Example:
        >>> one, other = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[3.0], [1.0]])
        >>> [rows.tolist() for rows in common_rows([one, other])]
        [[0, 2], [1, 0]]
    """
    if all(_are_equal(part, parts[0]) for part in parts[1:]):
        return [torch.arange(len(part)) for part in parts]
    found = [_first_places(part) for part in parts]
    shared = [key for key in found[0] if all(key in places for places in found[1:])]
    return [torch.tensor([places[key] for key in shared], dtype=torch.long) for places in found]


def _are_equal(one: Examples, other: Examples) -> bool:
    if one is other:
        return True
    return one.shape == other.shape and all(map(torch.equal, pieces_of(one), pieces_of(other)))


def _first_places(part: Examples) -> dict[bytes, int]:
    """The first place of each example, by a digest: the values themselves would be another copy."""
    places: dict[bytes, int] = {}
    rows = (row for piece in pieces_of(part) for row in piece.contiguous().numpy())
    for index, row in enumerate(rows):
        places.setdefault(hashlib.sha256(row.tobytes()).digest(), index)
    return places
