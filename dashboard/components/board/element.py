"""The live training board: curves, latent plane, decoded grid and reconstructions, drawn in the browser.

The board keeps its place while data arrive: a new payload redraws its canvases and mounts nothing anew,
so zoom, crosshair and keyboard focus stay.
"""

from collections.abc import Callable

from dashboard.components.files import BOARD_CSS, joined
from dashboard.components.mounting import element

_mount = element("training_board", "board", html=joined("board/board.html"), css=joined(*BOARD_CSS))


def training_board(payload: bytes, *, key: str, on_drop: Callable[[], None]) -> None:
    """Shows the board of a training.

    Arguments:
        payload: Of :func:`dashboard.components.board.payload.addressed`: bytes, because Streamlit would make
            the JSON of a dictionary twice for every watcher.
        key: Identity on the page; the same key keeps the same element.
        on_drop: Called when a kept curve is dropped; its run's id is then the ``drop`` of the element's
            state. It comes from the browser: check it.
    """
    _mount(key=key, data=payload, on_drop_change=on_drop)
