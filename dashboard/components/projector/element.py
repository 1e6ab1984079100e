"""Large type for a projector, as long as it is on the page; draws nothing."""

import streamlit as st
from streamlit.components.v2 import component

from dashboard.components.files import joined

_mount = component(
    "projector",
    html=joined("projector/projector.html"),
    css=joined("projector/projector.css"),
    # Its rules are for the page.
    isolate_styles=False,
)


def large_type(*, key: str) -> None:
    """Has the page's own text, which is sized in rem, one and a quarter of its size.

    Arguments:
        key: Identity on the page.
    """
    with st.container(key="projector"):
        _mount(key=key)
