"""The latent explorer, served on a page of its own."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.serving import Server
from tests.browser.elements.latent.explorer import Explorer
from tests.browser.pages import NewPage

SCRIPT = Path(__file__).with_name("explorer_page.py")


@pytest.fixture(scope="module")
def server(serve_script: Callable[[Path], Server]) -> Server:
    return serve_script(SCRIPT)


@pytest.fixture
def opened(server: Server, new_page: NewPage) -> Callable[..., Explorer]:
    """Opens the element for a kind of model, with the weights of seed 1."""

    def open_kind(kind: str = "images", **options: object) -> Explorer:
        page = new_page(**options)
        root = page.locator(".explorer")
        explorer = Explorer(page=page, root=root, state=server.home / "state")
        explorer.weights(1)
        page.goto(f"{server.url}/?kind={kind}")
        expect(root).to_have_attribute("data-frames", re.compile(r"\d"), timeout=20_000)
        page.wait_for_timeout(200)
        return explorer

    return open_kind
