"""One of several, as buttons beside each other: a choice, or the view of a page."""

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from dashboard.shell import state


def one_of(
    label: str, options: Sequence[str], *, key: str, help_text: str, in_url: bool = False, default: str = ""
) -> str:
    """The chosen one; it stays chosen from page to page.

    Arguments:
        label: What is chosen.
        options: The first is the default.
        key: Of the widget.
        help_text: Its tooltip.
        in_url: Whether a link names the choice.
        default: Another default than the first.
    """
    return st.segmented_control(
        label,
        options,
        default=default or options[0],
        required=True,
        key=key,
        help=help_text,
        bind="query-params" if in_url else None,
        persist_state="session",
    )


def stressed(label: str) -> tuple[str, Literal["primary", "secondary"]]:
    """Label and type of the button that stands out among others.

    Streamlit writes white on primary buttons, and the dark theme's blue is too light for that.
    """
    return (label, "primary") if state.theme_name() == "light" else (f":primary[**{label}**]", "secondary")


def draw_view(views: dict[str, Callable[[], None]], *, key: str, help_text: str) -> None:
    """Lets one view of a page be chosen, here or by a link, and draws that one alone.

    Arguments:
        views: What draws each, by its name.
        key: Of the widget and in the URL.
        help_text: What each view is for.
    """
    views[one_of("View", tuple(views), key=key, help_text=help_text, in_url=True)]()
