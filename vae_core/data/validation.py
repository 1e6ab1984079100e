"""How large a validation part is: known from the number of examples alone, before any is loaded."""

import math
from typing import Final

from vae_core.errors import BadInput

MIN_VALIDATION: Final = 20
"""Examples of a validation part at least, and of what is left to train on."""


def validation_size(num_data: int) -> int:
    """How many of n training examples are set aside: ceil(n / 10), and ``MIN_VALIDATION`` at least.

    Raises:
        BadInput: So many would not be left to train on (code ``patience``, which asks for such a part).

    Example:
        >>> validation_size(1437), validation_size(50)
        (144, 20)
    """
    if num_data < 2 * MIN_VALIDATION:
        message = f"patience needs a validation part of {MIN_VALIDATION} examples, of {num_data} in all"
        raise BadInput("patience", message, "leave patience empty, or use more data")
    return max(MIN_VALIDATION, math.ceil(num_data / 10))
