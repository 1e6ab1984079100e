"""The latent space, decoded in the browser while the pointer moves z; the server hears nothing of it."""

from collections.abc import Callable
from typing import Final

from streamlit.components.v2 import component

from dashboard.components.files import bundle, joined

CSS: Final = (
    "latent/explorer.css",
    "latent/side.css",
    "latent/interpolation.css",
    "latent/traversal.css",
    "latent/drawing.css",
    "latent/saving.css",
)
"""Style sheets."""

_mount = component(
    "latent_explorer", html=joined("latent/explorer.html"), css=joined(*CSS), js=bundle("latent")
)


def latent_explorer(message: bytes, *, key: str, on_example: Callable[[], None] = lambda: None) -> None:
    """Shows a model's latent plane: the pointer moves z, and its decoded picture stands beside it.

    New weights of the same run take the place of the old ones under the pointer: z, zoom, pins and the
    classes in view stay.

    Arguments:
        message: Of :func:`dashboard.components.latent.payload.latent_message`: bytes, because Streamlit
            imports pandas before it sends a dictionary.
        key: Identity on the page; the same key keeps the same element.
        on_example: Called when the reader pins z on a held-out example; :func:`chosen_example` tells which.
    """
    _mount(key=key, data=message, on_example_change=on_example)


def chosen_example(value: object, *, run: str, num_examples: int) -> int | None:
    """The row of the example that the element named; None where it names none of these.

    What a browser sends may be anything, and a late click may mean another run's examples.

    Arguments:
        value: The element's value in the session.
        run: Name of the run that is shown now.
        num_examples: How many held-out examples there are.
    """
    found = getattr(value, "get", lambda _: None)("example")
    if not isinstance(found, dict) or found.get("run") != run:
        return None
    row = found.get("row")
    if isinstance(row, bool) or not isinstance(row, int):
        return None
    return row if 0 <= row < num_examples else None
