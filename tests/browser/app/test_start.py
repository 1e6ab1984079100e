"""The Start page in a browser: its picture fits the window, its server hears nothing, cards lead to pages."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.browsing import sent_messages
from benchmarks.serving import Server
from dashboard.shell.pages import LABORATORIES, MODEL
from tests.browser.pages import NewPage, ended, fits, place, places
from tests.polling import until


def opened(page: Page, server: Server) -> Locator:
    """Opens the page and waits for its element."""
    page.goto(server.url)
    walk = page.locator(".walk")
    expect(walk.locator(".z")).to_have_text(re.compile(r"z = \("))
    return walk


def test_the_picture_moves_and_follows_a_key_without_the_server(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    walk = opened(page, app_server)
    expect(page.get_by_test_id("stPageLink")).to_have_count(len(MODEL) + len(LABORATORIES))
    ended(page)
    before, z = len(sent), walk.locator(".z")
    expect(z).not_to_have_text(z.inner_text())
    walk.locator(".dot").press("ArrowUp")
    expect(walk.locator(".dot")).to_have_attribute("aria-valuetext", z.inner_text())
    assert len(sent) == before > 0, sent[before:]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_fits_the_window(app_server: Server, new_page: NewPage, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    walk = opened(page, app_server)
    picture = walk.locator(".picture canvas")

    def is_whole_square() -> bool:
        box = place(picture)
        return abs(box["width"] - box["height"]) <= 1 and box["y"] + box["height"] <= height

    until(is_whole_square, "the picture is a square within the window")
    fits(page)
    links = page.get_by_test_id("stPageLink")
    expect(links).to_have_count(len(MODEL) + len(LABORATORIES))
    if width == 1280:
        bottoms = lambda: [box["y"] + box["height"] for box in places(links)[: len(MODEL)]]  # noqa: E731
        until(lambda: max(bottoms()) <= height, "the cards of the model's pages within the window")


def test_cards_lead_to_the_pages(app_server: Server, page: Page) -> None:
    opened(page, app_server)
    page.get_by_test_id("stPageLink").get_by_text("ELBO").click()
    expect(page).to_have_url(re.compile(r"/elbo(\?|$)"))
