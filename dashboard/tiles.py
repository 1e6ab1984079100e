"""Images edge to edge as one picture, in grey or in colour."""

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]


def tiled(levels: Levels, image_shape: tuple[int, ...]) -> Levels:
    """Images edge to edge.

    Arguments:
        levels: Shape (rows, columns, D), 0 is black.
        image_shape: (height, width), or (height, width, 3) in colour.

    Returns:
        Shape (rows height, columns width), or with 3 colours as a third dimension.

    Example:
        >>> tiled(np.arange(4, dtype=np.uint8).reshape(1, 2, 2), (2, 1)).tolist()
        [[0, 2], [1, 3]]
    """
    rows, columns = levels.shape[:2]
    height, width, *colours = image_shape
    picture = levels.reshape(rows, columns, height, width, *colours).swapaxes(1, 2)
    return picture.reshape(rows * height, columns * width, *colours)
