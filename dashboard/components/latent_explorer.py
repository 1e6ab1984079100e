"""The latent space as a place to walk in: the browser decodes, and the server hears nothing of it."""

from streamlit.components.v2 import component

from dashboard.components.files import joined
from dashboard.components.latent_rooms import CSS, ROOMS

_mount = component(
    "latent_explorer", html=joined("latent/explorer.html"), css=joined(*CSS), js=joined(*ROOMS)
)


def latent_explorer(packet: bytes, *, key: str) -> None:
    """Shows a model's latent plane: the pointer moves z, and its decoded picture stands beside it.

    New weights of the same run take the place of the old ones under the pointer: z, zoom, pins and the
    classes in view stay.

    Arguments:
        packet: Of :func:`dashboard.components.latent_payload.latent_packet`: bytes, because Streamlit
            imports pandas before it sends a dictionary.
        key: Identity on the page; the same key keeps the same element.
    """
    _mount(key=key, data=packet)
