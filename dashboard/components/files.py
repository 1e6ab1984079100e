"""Reads the browser-side files of an element: HTML, styles and scripts that lie beside its Python."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


def joined(*names: str) -> str:
    """The texts of some files of this folder, one after the other: for scripts, one module."""
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)
