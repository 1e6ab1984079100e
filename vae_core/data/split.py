"""Which rows are trained on and which are held out."""

import numpy as np
import torch
from numpy.typing import NDArray

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
    candidates, notes = shuffled, ()
    if classes is not None:
        by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
        candidates = by_class[np.bincount(classes)[classes[by_class]] > 1]
        if len(candidates) == 0:
            candidates, notes = shuffled, ("Every class has one member, so the split ignores the labels.",)
    held_out = np.zeros(num_rows, dtype=bool)
    held_out[candidates[_every(len(candidates), fraction)]] = True
    if held_out.all():
        message = f"holding out {fraction:g} of {num_rows} rows leaves none to train on"
        raise BadInput("held_out_fraction", message, "hold out less or give more rows")
    return shuffled[~held_out[shuffled]], shuffled[held_out[shuffled]], notes


def _every(count: int, fraction: float) -> NDArray[np.bool_]:
    """Marks ceil(f n) of n places at even distances, so any m neighbours hold f m of them to within one."""
    if not 0 < fraction < 1:
        raise BadInput(
            "held_out_fraction", f"held_out_fraction must lie in (0, 1), got {fraction:g}", "0.2 is usual"
        )
    # Rounded first: 0.07 * 100 is 7.000000000000001, whose ceiling is 8.
    return np.diff(np.ceil((fraction * np.arange(count + 1)).round(9))) > 0
