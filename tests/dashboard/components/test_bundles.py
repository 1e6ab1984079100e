"""Each element's bundle is made of the modules that lie beside it, and is fetched by URL."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_routes import create_bidi_component_routes

from dashboard.components.files import BOARD_CSS, bundle, joined
from dashboard.components.mounting import element

ROOT: Final = Path(__file__).resolve().parents[3]
COMPONENTS: Final = ROOT / "dashboard" / "components"
ELEMENTS: Final = sorted(path.parent.name for path in COMPONENTS.glob("*/index.js"))
MOUNTED: Final = sorted(path.parent.name for path in COMPONENTS.glob("*/element.py"))
"""Those that Streamlit mounts: it calls what their modules export."""
IMPORT: Final = re.compile(
    r'^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)";|^import "(\.[^"]+)";', re.MULTILINE
)


def modules(path: Path) -> set[Path]:
    """A module and all that it imports by a relative path."""
    found, waiting = {path}, [path]
    while waiting:
        here = waiting.pop()
        for match in IMPORT.finditer(here.read_text("utf-8")):
            target = (here.parent / (match[1])).resolve()
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


@pytest.mark.parametrize("element", ELEMENTS)
def test_bundle_is_fresh(element: str) -> None:
    """``scripts/bundle_elements.js`` writes the same digest of the same sources into the first line."""
    digest = hashlib.sha256()
    sources = {path.relative_to(ROOT).as_posix(): path for path in modules(COMPONENTS / element / "index.js")}
    for name in sorted(sources):
        digest.update(f"{name}\0".encode() + sources[name].read_bytes())
    first = (COMPONENTS / element / "bundle.js").read_text("utf-8").partition("\n")[0]
    assert digest.hexdigest()[:16] in first, f"run `npm run build` for {element}"


@pytest.mark.parametrize("element", ELEMENTS)
def test_bundle_needs_no_other_file(element: str) -> None:
    text = (COMPONENTS / element / "bundle.js").read_text("utf-8")
    assert not re.search(r"^import\b", text, re.MULTILINE), element
    assert bool(re.search(r"\bas default\b", text)) == (element in MOUNTED), element


def test_what_goes_along_with_each_update_of_the_board_is_small() -> None:
    """Its HTML and styles, to each who watches; the pictures are 30 to 60 kB."""
    assert len(joined("board/board.html", *BOARD_CSS).encode()) < 8_500


@pytest.mark.parametrize("name", MOUNTED)
def test_the_browser_fetches_the_module_of_an_element_by_url(name: str) -> None:
    """Streamlit serves it under the name of the component, which changes with the module."""

    def script(name: str) -> None:
        import importlib

        importlib.import_module(f"dashboard.components.{name}.element")._mount(key="here", data=b"{}")

    at = AppTest.from_function(script, args=(name,)).run()
    assert not at.exception, at.exception
    proto: Any = at.get("bidi_component")[0].proto  # type: ignore[attr-defined]
    assert not proto.js_content
    assert proto.js_source_path == "bundle.js"
    assert proto.html_content
    assert proto.css_content
    digest = hashlib.sha256(bundle(name).encode()).hexdigest()
    assert proto.component_name.startswith(f"vae-{digest[:8]}."), proto.component_name


def test_streamlit_serves_modules_and_nothing_beyond_an_elements_folder() -> None:
    manager = BidiComponentManager()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.components.mounting.get_bidi_component_manager", lambda: manager)
        patch.setattr("dashboard.components.mounting.component", lambda name, **_: lambda **_: name)
        full = element("dial", "dial", html="<p></p>", css="p {}")(key="one", data=b"", on_said_change=print)
    app = Starlette(routes=create_bidi_component_routes(manager, None))
    status, headers, body = asyncio.run(answer(app, f"/_stcore/bidi-components/{full}/bundle.js"))
    assert (status, body.decode()) == (200, bundle("dial"))
    assert "javascript" in headers["content-type"]
    assert asyncio.run(answer(app, f"/_stcore/bidi-components/{full}/../board/bundle.js"))[0] == 400


async def answer(app: Starlette, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that an application answers a request with."""
    said: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in said[0]["headers"]}
    return said[0]["status"], headers, b"".join(one["body"] for one in said[1:])


@pytest.mark.parametrize("element", ELEMENTS)
def test_modules_load_and_send_nothing(element: str) -> None:
    """All that reaches the page comes in the message from Python; only the drawn network comes as markup."""
    for path in modules(COMPONENTS / element / "index.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/)|\b(fetch|XMLHttpRequest|WebSocket)\b", text), path
        assert "innerHTML" not in text or element == "network", path
