"""The pages in a browser: they fit the window, follow the theme, and open from a cold link."""

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import ENTRY, Server, start_server, stop_process
from tests.browser.pages import NewPage

SEEN = {
    "": "What happens while it learns?",
    "train": "No run yet",
    "latent_space": "Decoded grid",
    "elbo": "KL by latent dimension",
    "free_energy": "Which component generated x?",
    "gradients": "Four estimators of the gradient of an expectation",
    "priors": "A better prior for the example model",
    "compare": "VAE or PCA: six comparisons",
}
PATHS = tuple(SEEN)
BACKGROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 22, 27)"}


def visit(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_text(SEEN[path]).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("path", ["latent_space", "elbo"])
def test_cold_link_on_a_fresh_server(page: Page, path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    server = start_server(ENTRY, cwd=tmp_path_factory.mktemp("cold"), home=tmp_path_factory.mktemp("home"))
    try:
        visit(page, server, path)
        page.get_by_role("link", name="Train", exact=True).click()
        expect(page.get_by_text(SEEN["train"])).to_be_visible()
    finally:
        page.close()
        stop_process(server.process)


@pytest.mark.parametrize("path", PATHS)
def test_phone_needs_no_horizontal_scroll(app_server: Server, new_page: NewPage, path: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    visit(page, app_server, path)
    widths = page.evaluate(
        "[document.documentElement.scrollWidth,"
        " document.querySelector('[data-testid=stMain]').scrollWidth, window.innerWidth]"
    )
    assert max(widths) == 390, widths


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_background_follows_the_system(app_server: Server, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    visit(page, app_server, "train")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUND[scheme])


def test_whole_board_is_seen_without_scrolling(app_server: Server, page: Page) -> None:
    visit(page, app_server, "train")
    page.get_by_role("button", name="Step", exact=True).click()
    board = page.locator(".board")
    expect(board).to_have_attribute("data-step", "1")
    for canvas in board.locator("canvas").all():
        box = canvas.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800, (canvas.get_attribute("aria-label"), box)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("stProgress")).to_contain_text("Stopped")
