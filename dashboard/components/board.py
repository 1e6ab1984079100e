"""The live training board: curves, latent plane, decoded grid and reconstructions, drawn in the browser.

The board keeps its place while data arrive: a new payload redraws its canvases and mounts nothing anew,
so zoom, crosshair and keyboard focus stay.
"""

from pathlib import Path
from typing import Final

from streamlit.components.v2 import component

ROOMS: Final = ("base.js", "curves.js", "zoom.js", "plane.js", "pictures.js", "points.js", "board.js")
"""The scripts in the order of their needs; joined to one module, so only the last one exports."""

_FOLDER: Final = Path(__file__).parent / "board"


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


_mount = component(
    "training_board",
    html=_read("board.html"),
    css=_read("board.css"),
    js="\n".join(_read(name) for name in ROOMS),
)


def training_board(payload: bytes, *, key: str) -> None:
    """Shows the board of a training.

    Arguments:
        payload: JSON of :func:`dashboard.components.board_payload.board_payload`: bytes, because Streamlit
            would make the JSON of a dictionary twice for every watcher.
        key: Identity on the page; the same key keeps the same element.
    """
    _mount(key=key, data=payload)
