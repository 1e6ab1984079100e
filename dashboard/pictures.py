"""Images of data as pixels for the browser: enlarged without smoothing, black ground, white ink."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def picture(x: NDArray[np.float32], image_shape: tuple[int, int], *, size: int) -> Pixels:
    """One datum as an image about ``size`` pixels high.

    Arguments:
        x: Shape (D,), 0 is black and 1 white; values beyond are clipped, NaN is black.
        image_shape: (height, width) with height * width = D.
        size: Wanted height in pixels.
    """
    return strip(x[None], image_shape, size=size)


def strip(x: NDArray[np.float32], image_shape: tuple[int, int], *, size: int, gap: int = 4) -> Pixels:
    """Several data side by side, each about ``size`` pixels high; ``x`` of shape (n, D)."""
    height, width = image_shape
    scale = max(1, size // height)
    pixels = (np.clip(np.nan_to_num(x), 0, 1) * 255).astype(np.uint8).reshape(-1, height, width)
    large = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    padded = np.pad(large, ((0, 0), (0, 0), (0, gap)), constant_values=128)
    return np.concatenate(list(padded), axis=1)[:, :-gap]
