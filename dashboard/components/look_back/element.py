"""A slider over the kept steps of a run, with a replay and a way back to now."""

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from dashboard.components.files import joined
from dashboard.components.mounting import element

LATEST: Final = 2**53
"""Steps and sequence numbers are below this; what a browser says beyond is nothing."""
_mount = element(
    "look_back",
    "look_back",
    html=joined("look_back/look_back.html"),
    css=joined("look_back/look_back.css"),
)


class Looked(NamedTuple):
    """What a hand or the replay chose.

    Arguments:
        step: A step; None: now.
        sequence: Rises with every message of a browser; the element wants it back.
    """

    step: int | None
    sequence: int


def look_back(
    run_id: str,
    *,
    key: str,
    steps: tuple[int, ...],
    at: int | None,
    now: int,
    on_look: Callable[[], None],
    sequence: int = 0,
    large: bool = False,
) -> None:
    """Shows the slider; mount it in a fragment, for about five steps a second come while it is dragged.

    Arguments:
        run_id: Of the run; with another one it begins anew.
        key: Identity on the page; the same key keeps the same element.
        steps: Those that are kept, ascending.
        at: The one that is shown; None: now.
        now: The newest step.
        on_look: Called with each step; :func:`looked` reads it from the session's value of ``key``.
        sequence: Of the newest one that came from this element.
        large: Whether it is for a projector.
    """
    payload = {
        "run": run_id,
        "steps": steps,
        "at": at,
        "now": now,
        "sequence": sequence,
        "large": large,
    }
    _mount(key=key, data=json.dumps(payload).encode(), on_looked_change=on_look)


def looked(state: Any) -> Looked | None:
    """What the browser says; None where it says nothing that can be used: it may say anything.

    Arguments:
        state: The element's value in the session.
    """
    found = getattr(state, "get", lambda _: None)("looked")
    if not isinstance(found, dict) or "step" not in found:
        return None
    step, sequence = _whole(found["step"]), _whole(found.get("sequence"))
    if sequence is None or (step is None and found["step"] is not None):
        return None
    return Looked(step, sequence)


def _whole(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < LATEST else None
