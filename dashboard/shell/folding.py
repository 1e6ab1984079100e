"""Sections that fold: what is folded is not drawn, so that a long page is short on a telephone."""

import streamlit as st

from dashboard.shell import state
from dashboard.theme import Section


def section(title: str, *, key: Section, help_text: str | None = None) -> bool:
    """Draws the heading of a section with the button that folds it; whether it is open.

    Arguments:
        title: The heading.
        key: Names the section; that of the button has ``fold_`` before it.
        help_text: Beside the heading.
    """
    folded = f"is_folded_{key}"
    is_open = state.control(folded) is None
    with st.container(horizontal=True, vertical_alignment="center", key=f"section_{key}"):
        st.header(title, help=help_text)
        st.button(
            f"Fold {title}" if is_open else f"Unfold {title}",
            key=f"fold_{key}",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            type="tertiary",
            help="What is folded is not drawn, and keeps its settings.",
            on_click=lambda: state.set_control(folded, True if is_open else None),
        )
    return is_open
