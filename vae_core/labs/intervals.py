"""How wide an interval of a mean is, for one alone and for several that are to hold together."""

import math
from typing import Final

LEVEL: Final = 0.05
"""How often at most an interval, or one of those that hold together, misses what it is of."""


def errors_wide(degrees: float, *, among: int = 1) -> float:
    """Half the width of an interval, in standard errors: a quantile of Student's t distribution.

    Arguments:
        degrees: Degrees of freedom of the standard error; infinite where it is known.
        among: How many intervals hold together in 1 - ``LEVEL`` of all cases: each misses in
            ``LEVEL / among`` of them, so that any does in at most ``LEVEL``, however they depend on each
            other (Bonferroni).

    Example:
        >>> round(errors_wide(math.inf), 3), round(errors_wide(15), 3), round(errors_wide(15, among=10), 3)
        (1.96, 2.131, 3.286)
    """
    from scipy.special import ndtri, stdtrit

    share = 1 - LEVEL / 2 / among
    return float(ndtri(share) if math.isinf(degrees) else stdtrit(degrees, share))


def combined_degrees(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of independent variances (Satterthwaite 1946); infinite where it is 0.

    Arguments:
        parts: A variance, and the degrees of freedom of its estimate.

    Example:
        >>> combined_degrees((2.0, 9), (0.0, 30)), combined_degrees((1.0, 9), (1.0, 9))
        (9.0, 18.0)
    """
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / degrees for variance, degrees in parts)
    return total**2 / spread if spread > 0 else math.inf
