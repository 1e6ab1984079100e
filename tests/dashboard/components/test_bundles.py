"""Each element's bundle is made of the modules that lie beside it, and can be imported from a Blob."""

import hashlib
import re
from pathlib import Path
from typing import Final

import pytest

from dashboard.components.files import joined

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


def test_code_of_the_board_is_small() -> None:
    """Streamlit sends it again with each update, to each who watches; the pictures are 30 to 60 kB."""
    assert len(joined("board/bundle.js", "board/board.css", "board/board.html").encode()) < 53_000


@pytest.mark.parametrize("element", ELEMENTS)
def test_modules_load_and_send_nothing(element: str) -> None:
    """All that reaches the page comes in the message from Python; only the drawn network comes as markup."""
    for path in modules(COMPONENTS / element / "index.js"):
        text = path.read_text("utf-8")
        assert not re.search(r"https?://(?!www\.w3\.org/)|\b(fetch|XMLHttpRequest|WebSocket)\b", text), path
        assert "innerHTML" not in text or element == "network", path
