"""All of them, for a server."""

from dashboard.streamlit_changes import batches, callbacks, session_values, theme_message


def make() -> None:
    """Makes every change; a second call changes nothing."""
    theme_message.keep()
    callbacks.keep_whole()
    session_values.look_up_one()
    batches.keep_together()
