"""Mounts the elements on a page of Streamlit.

What of Streamlit is not public is here, as of Streamlit 1.67: the manifest of a component. Streamlit reads it
from installed packages alone, and the dashboard runs without being installed.
"""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from streamlit.components.v2 import component
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from dashboard.components.files import FOLDER, MODULE, bundle

_lock: Final = threading.Lock()


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
                manager.register_from_manifest(manifest, FOLDER)
                mounts[:] = [component(full, html=html, css=css, js=MODULE, isolate_styles=isolate_styles)]
        return mounts[0](**arguments)

    return mount


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
