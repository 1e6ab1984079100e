"""The browser-side files of an element: HTML, styles and scripts that lie beside its Python."""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Of the elements, each in a folder of its own."""
MODULE: Final = "bundle.js"
"""Name of an element's module in its folder."""
_FOLD_CSS: Final = "shared/fold.css"  # last, so that what is folded is hidden however else it is laid out
_EXPLORER: Final = ("explorer", "side", "interpolation", "traversal", "drawing", "saving")
BOARD_CSS: Final = ("board/board.css", _FOLD_CSS)
"""Style sheets of the board, on the dashboard and on the page of a run."""
EXPLORER_CSS: Final = (*(f"latent/{name}.css" for name in _EXPLORER), _FOLD_CSS)
"""Style sheets of the latent explorer, on both, too."""


def joined(*names: str) -> str:
    """The texts of some files of this folder, one after the other; lines begin without blanks.

    Streamlit sends HTML and styles again with each update of an element, to each who watches: styles go
    without their comments.
    """
    return "\n".join(re.sub(r"\n\s+", "\n", _text(name)) for name in names)


def _text(name: str) -> str:
    text = (FOLDER / name).read_text("utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if name.endswith(".css") else text


def bundle(folder: str) -> str:
    """The module of an element: its ``index.js`` with all that it imports, bundled by ``npm run build``.

    Arguments:
        folder: Name of the element's folder.
    """
    return joined(f"{folder}/{MODULE}")
