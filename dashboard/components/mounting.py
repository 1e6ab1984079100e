"""Mounts the elements on a page of Streamlit.

What of Streamlit is not public is here, as of Streamlit 1.67. One is the manifest of a component: Streamlit
reads it from installed packages alone, and the dashboard runs without being installed. The other is the
message that mounts an element: Streamlit's own way registers two widgets for each, a third of a millisecond,
also of an element that says nothing back.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.components.v2 import component
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.elements.lib.utils import compute_and_register_element_id
from streamlit.proto.BidiComponent_pb2 import BidiComponent

from dashboard.components.files import FOLDER, MODULE, bundle

_lock: Final = threading.Lock()
_LAYOUT: Final = LayoutConfig(width="stretch", height="content")
"""Streamlit's default."""
_KIND: Final = "bidi_component"


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

    Returns:
        A function of ``key``, its identity on the page; ``data``, what it is told; and ``on_NAME_change``,
        called when it says something: it then returns the element's state, else None.
    """
    # In the URL: a page that outlives its server must not go on with the module of an earlier version.
    digest = hashlib.sha256(bundle(folder).encode()).hexdigest()[:8]
    full = f"{_package(digest)}.{name}"
    mounts: list[Callable[..., Any]] = []

    def mount(*, key: str, data: bytes, **callbacks: Callable[[], object]) -> Any:
        # Not at import: what is registered belongs to one server, of which tests have several.
        with _lock:
            manager = get_bidi_component_manager()
            if manager.get_component_asset_root(full) is None:
                config = ComponentConfig(name=name, asset_dir=folder)
                manifest = ComponentManifest(name=_package(digest), version=digest, components=[config])
                manager.register_from_manifest(manifest, FOLDER)
                mounts[:] = [component(full, html=html, css=css, js=MODULE, isolate_styles=isolate_styles)]
        if callbacks:
            return mounts[0](key=key, data=data, **callbacks)
        said = manager.get(full)
        assert said is not None, "it is registered"
        _show(
            BidiComponent(
                id=compute_and_register_element_id(_KIND, user_key=key, dg=None, key_as_main_identity=True),
                component_name=full,
                isolate_styles=isolate_styles,
                js_source_path=said.js_url or "",
                html_content=html,
                css_content=css,
                bytes=data,
            )
        )
        return None

    return mount


def _show(message: BidiComponent) -> None:
    st._main._enqueue(_KIND, message, layout_config=_LAYOUT)  # type: ignore[attr-defined]


def served(file: Path, version: str) -> str:
    """Has a file of another package served, too; its URL from the module of any element.

    Arguments:
        file: The file.
        version: Of its package, for the URL.
    """
    name = file.name.split(".", 1)[0]
    package = f"vae-{version.replace('.', '-')}"
    full = f"{package}.{name}"
    with _lock:
        manager = get_bidi_component_manager()
        if manager.get_component_asset_root(full) is None:
            config = ComponentConfig(name=name, asset_dir=file.parent.name)
            manifest = ComponentManifest(name=package, version=version, components=[config])
            manager.register_from_manifest(manifest, file.parent.parent)
    return f"../{full}/{file.name}"


def name_of(component_name: str) -> str:
    """The name of an element by that of its component, which names the version of its module, too.

    Example:
        >>> name_of("vae-0123abcd.dial")
        'dial'
    """
    return component_name.rpartition(".")[2]


def _package(digest: str) -> str:
    return f"vae-{digest}"
