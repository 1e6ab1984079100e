"""The theme in the first message of each run of the script, written once for a server.

Streamlit reads all two hundred options of the theme anew for the first message of every run, of a fragment
too: 0.8 of the 3.5 ms of the smallest. They are those of ``config.toml`` from the server's start to its end.
What of Streamlit is not public here is the function that writes them, as of Streamlit 1.67.
"""

from collections.abc import Callable
from typing import Any, Final

from streamlit.runtime import app_session

_NAME: Final = "_populate_theme_msg"
_Populate = Callable[[Any, str], None]


def keep() -> None:
    """Has the server write the theme from what it wrote first; a second call changes nothing."""
    populate = getattr(app_session, _NAME, None)
    if populate is not None and not isinstance(populate, Kept):
        setattr(app_session, _NAME, Kept(populate))


class Kept:
    """Writes the options of a section of the theme into a message, from the bytes of the first time.

    Arguments:
        populate: Reads the options and writes them.
    """

    def __init__(self, populate: _Populate) -> None:
        self._populate = populate
        self._written: dict[str, bytes] = {}

    def __call__(self, message: Any, section: str = "theme") -> None:
        """As Streamlit's own function is called."""
        written = self._written.get(section)
        if written is None:
            first = type(message)()
            self._populate(first, section)
            written = self._written[section] = first.SerializeToString()
        message.MergeFromString(written)
