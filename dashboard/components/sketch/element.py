"""A sheet on which a density in the plane is drawn, by mouse, pen, finger or keys."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.components.files import joined
from dashboard.components.mounting import element

SIDE: Final = 32
"""Cells of a side of the sheet."""
_LEVELS: Final = re.compile(rf"[0-9]{{{SIDE**2}}}")

_mount = element("sketch", "sketch", html=joined("sketch/sketch.html"), css=joined("sketch/sketch.css"))


def sketch(label: str, *, key: str, drawn: str, on_change: Callable[[], None]) -> None:
    """Shows the sheet.

    Arguments:
        label: What it is for those who do not see it.
        key: Identity on the page; the same key keeps the same element.
        drawn: What was drawn before; "": nothing.
        on_change: Called at the end of each stroke; :func:`drawn_on` reads it from the session's value of
            ``key``.
    """
    _mount(key=key, data=json.dumps({"label": label, "drawn": drawn}).encode(), on_drawn_change=on_change)


def drawn_on(state: Any) -> str | None:
    """What the browser says of a sheet; None where it says nothing that can be used: it may say anything.

    Arguments:
        state: The element's value in the session.
    """
    found = getattr(state, "get", lambda _: None)("drawn")
    return found if isinstance(found, str) and _LEVELS.fullmatch(found) else None


def levels_of(drawn: str) -> NDArray[np.float64]:
    """The density of what was drawn, 0 to 9 for each cell, shape (SIDE, SIDE), the upper row first."""
    return np.array([int(digit) for digit in drawn], np.float64).reshape(SIDE, SIDE)
