"""Active units: latent dimensions that tell examples apart; without PyTorch, like the pictures of a run."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

ACTIVE_VARIANCE: Final = 0.01
"""An active unit's posterior mean varies by more than this over the data (Burda et al. 2016)."""


def active_units(means: ArrayLike) -> NDArray[np.bool_]:
    """Which dimensions are active: Var_x(E_q[z_j]) > 0.01 (Burda et al. 2016, arXiv 1509.00519).

    Arguments:
        means: Posterior means on the CPU, shape (n, J).

    Returns:
        Booleans of shape (J,); all False for a single example, over which nothing varies, and where a mean is
        not finite.

    Example:
        >>> active_units([[0.0, 1.0], [0.01, -1.0]]).tolist()
        [False, True]
    """
    values = np.asarray(means, dtype=np.float64)
    if len(values) < 2:
        return np.zeros(values.shape[1], dtype=np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):
        return values.var(0, ddof=1) > ACTIVE_VARIANCE
