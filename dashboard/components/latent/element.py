"""The latent space as a place to walk in: the browser decodes, and the server hears nothing of it."""

from collections.abc import Callable

from streamlit.components.v2 import component

from dashboard.components.files import joined
from dashboard.components.latent.files import CSS, ROOMS

_mount = component(
    "latent_explorer", html=joined("latent/explorer.html"), css=joined(*CSS), js=joined(*ROOMS)
)


def latent_explorer(packet: bytes, *, key: str, on_datum: Callable[[], None] = lambda: None) -> None:
    """Shows a model's latent plane: the pointer moves z, and its decoded picture stands beside it.

    New weights of the same run take the place of the old ones under the pointer: z, zoom, pins and the
    classes in view stay.

    Arguments:
        packet: Of :func:`dashboard.components.latent.payload.latent_packet`: bytes, because Streamlit
            imports pandas before it sends a dictionary.
        key: Identity on the page; the same key keeps the same element.
        on_datum: Called when the reader pins z on a held-out datum; :func:`chosen_datum` tells which.
    """
    _mount(key=key, data=packet, on_datum_change=on_datum)


def chosen_datum(value: object, *, run: str, num_data: int) -> int | None:
    """The row of the datum that the element named; None where it names none of these data.

    What a browser sends may be anything, and a late click may mean another run's data.

    Arguments:
        value: The element's value in the session.
        run: Name of the run that is shown now.
        num_data: How many held-out data there are.
    """
    found = getattr(value, "get", lambda _: None)("datum")
    if not isinstance(found, dict) or found.get("run") != run:
        return None
    row = found.get("row")
    if isinstance(row, bool) or not isinstance(row, int):
        return None
    return row if 0 <= row < num_data else None
