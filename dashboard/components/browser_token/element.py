"""Has the browser keep a token in a cookie; draws nothing."""

import json
from collections.abc import Callable
from typing import Final

from dashboard.components.files import joined
from dashboard.components.mounting import element

NAME: Final = "browser_token"
MAX_AGE_S: Final = 365 * 24 * 60 * 60

_mount = element(
    NAME,
    "browser_token",
    html=joined("browser_token/browser_token.html"),
    css=joined("browser_token/browser_token.css"),
    # Its one rule hides the place on the page that holds the element.
    isolate_styles=False,
)


def keep_token(cookie: str, token: str, *, key: str, on_found: Callable[[], None]) -> None:
    """Has the browser keep a token, unless it keeps one already.

    Arguments:
        cookie: Name of the cookie.
        token: 32 hex digits.
        key: Identity on the page.
        on_found: Called when the browser keeps another one already, which is then the ``found`` of the
            element's state. It comes from the browser: check it.
    """
    data = json.dumps({"name": cookie, "token": token, "maxAge": MAX_AGE_S}).encode()
    _mount(key=key, data=data, on_found_change=on_found)
