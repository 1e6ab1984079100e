"""What other browsers and other tabs do: a page that shows it is drawn again within some seconds."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from dashboard.runs.runner import runner

REST_TICK_S: Final = 3.0
"""Between looks at what changes only where somebody presses a button on another page: each takes the server
four milliseconds, so that thirty pages take a twenty-fifth of a core."""


def watch(stand: Callable[[], object]) -> None:
    """Has the whole page drawn again, once, when something is no longer as it is now.

    Arguments:
        stand: How it is.
    """
    before = stand()

    def look() -> None:
        if stand() != before:
            st.rerun()

    st.fragment(look, run_every=REST_TICK_S)()


def watch_runs(run_ids: Sequence[str]) -> None:
    """Has the page drawn again when one of these runs goes on, stops or is deleted.

    What follows a run that trains looks at it only where the page was drawn while it did. The look is none
    at the run itself, which makes room for others all the same.
    """
    watch(lambda: [runner().status(run_id) for run_id in run_ids])
