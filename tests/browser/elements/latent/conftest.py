"""The latent explorer on a page of its own."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from dashboard.theme import ThemeName
from tests.browser.elements.latent.explorer import MountedExplorer
from tests.browser.elements.mounting import open_element
from tests.browser.pages import NewPage


@pytest.fixture
def opened(new_page: NewPage) -> Callable[..., MountedExplorer]:
    """Opens the element for a kind of model, with the weights of seed 1."""

    def open_kind(kind: str = "images", *, scheme: ThemeName = "light", **options: object) -> MountedExplorer:
        page = new_page(**options)
        mounted = open_element(page, "latent", scheme=scheme)
        explorer = MountedExplorer(page=page, root=page.locator(".explorer"), mounted=mounted, kind=kind)
        explorer.weights(1)
        expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"))
        explorer.rest()
        return explorer

    return open_kind
