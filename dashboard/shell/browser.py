"""Who is who: a random token that names a browser, so that the runs it started are its own tomorrow, too.

A cookie holds the token: it is there again after a reload, in every tab, and after a restart of the server.
An element without a picture sets it with ``document.cookie`` at the first visit, and ``st.context.cookies``
reads it at every later connection. Setting it in a response would need ``st.App`` with a middleware in front
of the entry script: then neither ``streamlit run dashboard/app.py`` as a plain script nor
``AppTest.from_file`` runs what a visitor gets. The URL is no place for it: links are handed out.

Where a browser takes no cookies (some embedding pages), the session keeps the token until the page is loaded
again. The token goes to this browser alone; the server stores a SHA-256 of it.
"""

import re
import secrets
from typing import Final

import streamlit as st

from dashboard.components.browser_token.element import keep_token
from dashboard.runs.runner import runner
from dashboard.shell import state

COOKIE: Final = "vae_dashboard_browser"
_TOKEN: Final = "browser"
_ELEMENT: Final = "browser_cookie"
_OPENED: Final = "run_noted"


def token() -> str:
    """The token of this browser: 32 hex digits, 128 random bits. A secret: it goes to no page and no log."""
    kept = state.control(_TOKEN)
    if not isinstance(kept, str):
        kept = _in_cookie() or secrets.token_hex(16)
        state.set_control(_TOKEN, kept)
    return kept


def remember() -> None:
    """Has the browser keep its token where it came without one; every page calls it before it draws."""
    if _in_cookie() is None:
        keep_token(COOKIE, token(), key=_ELEMENT, on_found=_adopt)


def note_run() -> None:
    """Notes the run in view among those that this browser has opened; once for each."""
    run_id = state.current_run()
    if run_id is not None and state.control(_OPENED) != run_id:
        state.set_control(_OPENED, run_id)
        runner().note_opened(run_id, owner=token())


def _in_cookie() -> str | None:
    """The token that the browser sent when it connected; None without one, or with one of another form."""
    return _checked(st.context.cookies.get(COOKIE))


def _checked(said: object) -> str | None:
    return said if isinstance(said, str) and re.fullmatch(r"[0-9a-f]{32}", said) else None


def _adopt() -> None:
    """Takes over the token that another tab of this browser set meanwhile."""
    found = _checked(getattr(state.control(_ELEMENT), "found", None))
    if found is not None:
        state.set_control(_TOKEN, found)
