"""Shows a drawn network: its SVG is replaced in place, so a step does not flicker as a new chart would."""

import json
from typing import Final

from streamlit.components.v2 import component

from dashboard.components.files import joined

NAME: Final = "drawn_network"

_mount = component(
    NAME,
    html=joined("network/network.html"),
    css=joined("network/network.css"),
    js=joined("network/network.js"),
)


def drawn_network(wide: str, tall: str, *, label: str, key: str) -> None:
    """Shows a drawing.

    Arguments:
        wide: SVG for wide screens, made by :mod:`dashboard.figures.network` from numbers alone.
        tall: The same for narrow ones.
        label: What it shows, for screen readers.
        key: Identity on the page; the same key keeps the same element.
    """
    _mount(key=key, data=json.dumps({"wide": wide, "tall": tall, "label": label}).encode())
