"""The browser-side files of an element: HTML, styles and scripts that lie beside its Python.

What of Streamlit is not public is here, as of Streamlit 1.67: the manifest of a component. Streamlit reads it
from installed packages alone, and the dashboard runs without being installed.
"""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from streamlit.components.v2 import component
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_FOLDER: Final = Path(__file__).parent
_MODULE: Final = "bundle.js"
_lock: Final = threading.Lock()
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
    text = (_FOLDER / name).read_text("utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if name.endswith(".css") else text


def bundle(folder: str) -> str:
    """The module of an element: its ``index.js`` with all that it imports, bundled by ``npm run build``.

    Arguments:
        folder: Name of the element's folder.
    """
    return joined(f"{folder}/{_MODULE}")


def element(
    name: str, folder: str, *, html: str, css: str, isolate_styles: bool = True
) -> Callable[..., Any]:
    """What mounts an element; the browser fetches its module by URL, once for a page.

    Given to Streamlit as text, the module would go along with each message to the element, to each who
    watches: it is most of such a message. HTML and styles do so: what is drawn first needs them at once.

    Arguments:
        name: Of the element.
        folder: Its folder.
        html: Its HTML.
        css: Its styles.
        isolate_styles: Whether they are its own, and not of the page.
    """
    # In the URL: a page that outlives its server must not go on with the module of an earlier version.
    digest = hashlib.sha256(bundle(folder).encode()).hexdigest()[:8]
    full = f"{_package(digest)}.{name}"
    mounts: list[Callable[..., Any]] = []

    def mount(**arguments: Any) -> Any:
        # Not at import: what is registered belongs to one server, of which tests have several.
        with _lock:
            manager = get_bidi_component_manager()
            if manager.get_component_asset_root(full) is None:
                config = ComponentConfig(name=name, asset_dir=folder)
                manifest = ComponentManifest(name=_package(digest), version=digest, components=[config])
                manager.register_from_manifest(manifest, _FOLDER)
                mounts[:] = [component(full, html=html, css=css, js=_MODULE, isolate_styles=isolate_styles)]
        return mounts[0](**arguments)

    return mount


def name_of(component_name: str) -> str:
    """The name of an element by that of its component, which names the version of its module, too.

    Example:
        >>> name_of("vae-0123abcd.dial")
        'dial'
    """
    return component_name.rpartition(".")[2]


def _package(digest: str) -> str:
    return f"vae-{digest}"
