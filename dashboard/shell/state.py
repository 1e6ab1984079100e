"""The only user of Streamlit's session state and of the URL beside widgets that are bound to it.

The run in view is named by ``?run=`` and 16 hex digits: a reload, a second tab or a neighbour with the link
sees the same run. Within a session it stays in view from page to page.
"""

import streamlit as st

from dashboard.runs.store import RUN_ID
from dashboard.theme import ThemeName

_RUN = "run"
_OWN_RUNS = "own_runs"
_NOTICE = "notice"


def current_run() -> str | None:
    """Id of the run in view: the URL's, else the session's; garbage in the URL counts as none."""
    from_url = st.query_params.get(_RUN, "")
    if RUN_ID.fullmatch(from_url):
        st.session_state[_RUN] = from_url
    run_id = st.session_state.get(_RUN)
    if run_id is not None and from_url != run_id:
        st.query_params[_RUN] = run_id
    return run_id


def show_run(run_id: str) -> None:
    """Puts a run of this session in view, here and in the URL."""
    st.session_state[_RUN] = run_id
    st.session_state.setdefault(_OWN_RUNS, set()).add(run_id)
    st.query_params[_RUN] = run_id


def forget_run() -> None:
    """Puts no run in view."""
    st.session_state.pop(_RUN, None)
    st.query_params.pop(_RUN, None)


def started_here(run_id: str) -> bool:
    """Whether this session started the run: only then may it stop it to start another."""
    return run_id in st.session_state.get(_OWN_RUNS, set())


def control(key: str) -> object:
    """The value of the control with this key; None when it is not on the page."""
    return st.session_state.get(key)


def set_control(key: str, value: object) -> None:
    """Sets a control before it is drawn, or in a callback."""
    st.session_state[key] = value


def say_next(message: str) -> None:
    """Leaves one sentence for the next drawing of the page (callbacks draw above everything)."""
    st.session_state[_NOTICE] = message


def pop_notice() -> str | None:
    """The sentence that a callback left, once."""
    return st.session_state.pop(_NOTICE, None)


def theme_name() -> ThemeName:
    """The theme that the browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"
