"""A dialogue that has the focus as long as it is open, so that Escape closes it, whatever opened it."""

import functools
from collections.abc import Callable
from typing import Final, Literal, ParamSpec

import streamlit as st

from dashboard.components.files import joined
from dashboard.components.mounting import element

NAME: Final = "dialogue"
P = ParamSpec("P")

_mount = element(
    NAME,
    "dialogue",
    html=joined("dialogue/dialogue.html"),
    css=joined("dialogue/dialogue.css"),
    # Its one rule hides the place in the dialogue that holds the element, which has to find that dialogue.
    isolate_styles=False,
)


def dialogue(
    title: str,
    *,
    icon: str,
    on_dismiss: Callable[[], None],
    width: Literal["small", "medium", "large"] = "small",
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """As ``st.dialog``, for the function that draws what is in it.

    Arguments:
        title: Above it.
        icon: Before the title.
        on_dismiss: Called when it was closed by hand.
        width: Of the dialogue.
    """

    def opened_by(draw: Callable[P, None]) -> Callable[P, None]:
        @st.dialog(title, width=width, icon=icon, on_dismiss=on_dismiss)
        @functools.wraps(draw)
        def opened(*arguments: P.args, **options: P.kwargs) -> None:
            _mount(key="dialogue_focus", data=b"")
            draw(*arguments, **options)

        return opened

    return opened_by
