"""Shows a drawn network: its SVG is replaced in place, so a step does not flicker as a new chart would."""

import json
from collections.abc import Callable
from typing import Final

from dashboard.components.files import joined
from dashboard.components.mounting import element

NAME: Final = "drawn_network"

_mount = element(
    NAME,
    "network",
    html=joined("network/network.html"),
    css=joined("network/network.css"),
)


def drawn_network(wide: str, tall: str, *, label: str, key: str, on_unit: Callable[[], None]) -> None:
    """Shows a drawing.

    Arguments:
        wide: SVG for wide screens, made by :mod:`dashboard.figures.network.drawing` from numbers alone.
        tall: The same for narrow ones.
        label: What it shows, for screen readers.
        key: Identity on the page; the same key keeps the same element.
        on_unit: Called when a unit's card is clicked; ``[layer, unit]``, from 0, is then the ``unit`` of the
            element's state. It comes from the browser: check it.
    """
    _mount(
        key=key,
        data=json.dumps({"wide": wide, "tall": tall, "label": label}).encode(),
        on_unit_change=on_unit,
    )
