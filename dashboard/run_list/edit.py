"""The dialogue in which a run gets its name, its note and its tags."""

from typing import Final

import streamlit as st

from dashboard.components.dialogue.element import dialogue
from dashboard.formats import plain
from dashboard.runs.about import MAX_NAME, MAX_NOTE, MAX_TAG, MAX_TAGS, tags_of
from dashboard.runs.runner import runner
from dashboard.shell import browser, state
from vae_core.errors import BadInput

_OPEN: Final = "runs_edit"


def open_for(run_id: str) -> None:
    """Has the page open the dialogue of a run."""
    state.set_control(_OPEN, run_id)


def is_open() -> bool:
    """Whether somebody is writing in it."""
    return state.control(_OPEN) is not None


def draw_dialogue() -> None:
    """Draws the dialogue where it is open."""
    run_id = state.control(_OPEN)
    if isinstance(run_id, str):
        _dialogue(run_id)


def _close() -> None:
    state.set_control(_OPEN, None)


@dialogue("Name, note and tags", icon=":material/edit:", on_dismiss=_close)
def _dialogue(run_id: str) -> None:
    about = runner().store.about(run_id)
    with st.form("run_edit", border=False):
        name = st.text_input(
            "Name", about.name, max_chars=MAX_NAME, help="Shown on all pages; empty: Run and its number."
        )
        note = st.text_area("Note", about.note, max_chars=MAX_NOTE, help="Anything; the search finds it.")
        tags = st.text_input(
            "Tags",
            ", ".join(about.tags),
            max_chars=(MAX_TAG + 2) * MAX_TAGS,
            placeholder="lesson 3, β sweep",
            help="Short words with commas between them; the search finds them.",
        )
        if st.form_submit_button("Save", type="primary", help="Everybody who looks at the run sees it."):
            _save(run_id, name, note, tags)


def _save(run_id: str, name: str, note: str, tags: str) -> None:
    try:
        runner().describe(run_id, owner=browser.token(), name=name, note=note, tags=tags_of(tags))
    except BadInput as err:
        state.say_next(plain(str(err)))
    _close()
    st.rerun()
