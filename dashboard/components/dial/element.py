"""A dial: a slider that acts while it is dragged, with a number box and values that one click reaches."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from dashboard.components.files import joined
from dashboard.components.mounting import element

LATEST: Final = 2**53
"""Sequence numbers are milliseconds of the browser's clock; beyond this they are none."""

_mount = element("dial", "dial", html=joined("dial/dial.html"), css=joined("dial/dial.css"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """0 at the left end where there is one, then logarithmic.

    Arguments:
        low: The smallest positive value that can be dragged to.
        high: The largest.
        ticks: Values that are marked, and easy to hit.
        zero: Whether 0 stands at the left end.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    zero: bool = False


class Moved(NamedTuple):
    """What a hand did to a dial.

    Arguments:
        value: Where it is.
        sequence: Rises with every message of a browser; the dial wants it back.
    """

    value: float
    sequence: int


def dial(
    label: str,
    *,
    key: str,
    value: float,
    scale: Scale,
    limits: tuple[float, float],
    on_change: Callable[[], None],
    symbol: str,
    sequence: int = 0,
    presets: tuple[float, ...] = (),
    help_text: str = "",
    frozen: str = "",
    note: str = "",
    large: bool = False,
) -> None:
    """Shows a dial; mount it in a fragment, for about five values a second come while it is dragged.

    Arguments:
        label: What it sets.
        key: Identity on the page; the same key keeps the same element.
        value: What it shows; one beyond the scale stands at its end, with its number.
        scale: What can be dragged to.
        limits: The smallest and the largest value that can be typed.
        on_change: Called with each value; :func:`moved` reads it from the session's value of ``key``.
        symbol: Of the formulas.
        sequence: Of the newest value that came from this dial, so that no older one moves it back.
        presets: Values that one click reaches.
        help_text: What it means.
        frozen: Why it cannot be changed; empty where it can.
        note: One sentence below it.
        large: Whether it is for a projector.
    """
    payload = {
        "label": label,
        "symbol": symbol,
        "help": help_text,
        "value": value,
        "sequence": sequence,
        "scale": asdict(scale),
        "range": limits,
        "presets": presets,
        "frozen": frozen,
        "note": note,
        "large": large,
    }
    # As bytes: for a dictionary Streamlit imports pandas first.
    _mount(key=key, data=json.dumps(payload).encode(), on_moved_change=on_change)


def moved(state: Any, limits: tuple[float, float]) -> Moved | None:
    """What the browser says of a dial; None where it says nothing that can be used: it may say anything.

    Arguments:
        state: The element's value in the session.
        limits: The smallest and the largest value that are allowed.
    """
    found = getattr(state, "get", lambda _: None)("moved")
    if not isinstance(found, dict):
        return None
    value, sequence = _number(found.get("value")), _number(found.get("sequence"))
    low, high = limits
    if value is None or sequence is None or not (low <= value <= high and 0 <= sequence < LATEST):
        return None
    return Moved(float(value), int(sequence))


def _number(said: object) -> float | None:
    return said if isinstance(said, (int, float)) and not isinstance(said, bool) else None
