"""Checks of single values: each names the value and says what it may be, and what to do."""

import math
from collections.abc import Sequence
from typing import Final

from vae_core.errors import BadInput

_SHOWN_CHARACTERS: Final = 40


def check_integer(name: str, value: object, low: int, high: int, hint: str) -> None:
    """Raises :class:`BadInput` unless ``value`` is a whole number from ``low`` to ``high``; True is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        message = f"{name} must be a whole number from {low} to {high:,}, got {shown(value)}"
        raise BadInput(name, message, hint)


def check_number(name: str, value: object, low: float, high: float, hint: str) -> float:
    """Returns ``value`` as a float, or raises :class:`BadInput` unless it lies from ``low`` to ``high``.

    Example:
        >>> check_number("beta", 1, 0.0, 10.0, "use 1")
        1.0
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise BadInput(name, f"{name} must be a number from {low:g} to {high:g}, got {shown(value)}", hint)
    return float(value)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raises :class:`BadInput` unless ``value`` is one of ``choices``."""
    if value not in choices:
        message = f"{name} must be one of {', '.join(choices)}, got {shown(value)}"
        raise BadInput(name, message, f"use {choices[0]}")


def check_type(name: str, value: object, kind: type | tuple[type, ...]) -> None:
    """Raises :class:`BadInput` unless ``value`` is of a type in ``kind``."""
    if not isinstance(value, kind):
        raise BadInput(name, f"{name} has the wrong type, got {shown(value)}", "export the run again")


def shown(value: object) -> str:
    """``value`` as it stands in a message: its ``repr``, cut where it is long.

    Example:
        >>> shown(float("nan")), shown("x")
        ('NaN', "'x'")
    """
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN_CHARACTERS:
        return f"a number of {value.bit_length()} bits"  # Python refuses to write out the largest ones
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
