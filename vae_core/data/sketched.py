"""Points from a density that somebody drew on a grid of cells, as a data set to be kept."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.brought import Brought, Choices
from vae_core.data.own import arrays_of
from vae_core.errors import BadInput

HALF: Final = 2.0
"""The sheet is the square from -2 to 2 in both directions."""


def points_from(
    levels: NDArray[np.floating], num_points: int, *, generator: torch.Generator
) -> NDArray[np.float32]:
    """Draws points: a cell with a probability in proportion to its level, and evenly within the cell.

    Arguments:
        levels: Of the cells, not negative, shape (rows, columns), the upper row first.
        num_points: n.
        generator: Source of cells and places.

    Returns:
        Points (x, y), y upwards, shape (n, 2), in [-HALF, HALF].

    Raises:
        BadInput: Nothing is drawn (code ``sketch``).

    Example:
        >>> levels = np.array([[0.0, 1.0], [0.0, 0.0]])
        >>> points = points_from(levels, 100, generator=torch.Generator().manual_seed(0))
        >>> bool((points > 0).all())
        True
    """
    rows, columns = levels.shape
    if not levels.any():
        raise BadInput("sketch", "nothing is drawn yet", "draw where the points shall lie")
    weights = torch.from_numpy(np.ascontiguousarray(levels, np.float64).ravel())
    cells = torch.multinomial(weights, num_points, replacement=True, generator=generator)
    within = torch.rand(num_points, 2, generator=generator, dtype=torch.float64)
    x = (cells % columns + within[:, 0]) / columns
    y = 1 - (cells // columns + within[:, 1]) / rows
    return (HALF * (2 * torch.stack([x, y], dim=1) - 1)).float().numpy()


def sketched_arrays(points: NDArray[np.float32], title: str) -> dict[str, NDArray[Any]]:
    """The file of such a data set: see :mod:`vae_core.data.own`."""
    brought = Brought(
        beside={},
        form="drawn density",
        x=points,
        labels=None,
        class_names=(),
        image_shape=None,
        columns=("x", "y"),
        choices=Choices(),
        options={},
        problems=(),
        likelihood="gaussian",
        reason="Gaussian: the values are real numbers.",
    )
    return arrays_of(brought, title)
