"""Keys that press buttons of the page; draws nothing.

Streamlit's own ``shortcut=`` of a button looks at text fields alone: a space would hold the training while a
button, the latent plane or a dialog has the focus, and Ctrl+Enter would start one from within a field.
"""

import json
from collections.abc import Mapping

import streamlit as st

from dashboard.components.files import joined
from dashboard.components.mounting import element

_mount = element(
    "page_keys",
    "keys",
    html=joined("keys/keys.html"),
    css=joined("keys/keys.css"),
    # Its one rule hides the place on the page that holds the element.
    isolate_styles=False,
)


def keys(buttons: Mapping[str, str], *, key: str) -> None:
    """Has keys press buttons, while no field, button, drawing or dialog has the focus.

    Arguments:
        buttons: By the name of a key (``"Ctrl+Enter"``, ``" "``, ``"ArrowRight"``), the ``key`` of a button.
        key: Identity on the page.
    """
    with st.container(key="shortcuts"):
        _mount(key=key, data=json.dumps(dict(buttons)).encode())
