"""Has the browser's address say what the page shows; draws nothing.

Streamlit's own ``st.query_params`` adds an entry to the browser's history with each change, and one more
where pages change: Back would pass through every position of a slider, and its first press would do nothing.
"""

import json
from typing import Final

import streamlit as st
from streamlit.components.v2 import component

from dashboard.components.files import bundle, joined

NAME: Final = "address"

_mount = component(
    NAME,
    html=joined("address/address.html"),
    css=joined("address/address.css"),
    js=bundle("address"),
    # Its one rule hides the place on the page that holds the element.
    isolate_styles=False,
)


def show_address(page: str, query: str, *, is_new: bool, once: str) -> None:
    """Changes the query of the address, and nothing where it says that already.

    Arguments:
        page: Path of the page that the query belongs to.
        query: As in a URL, without ``?``.
        is_new: Whether Back leads to what the address said before; otherwise the entry is replaced.
        once: Another text for each change: what is drawn again is not done again.
    """
    with st.container(key=NAME):
        message = {"page": page, "query": query, "isNew": is_new, "once": once}
        _mount(key="address_element", data=json.dumps(message).encode())
