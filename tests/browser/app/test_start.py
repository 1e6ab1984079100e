"""The Start page in a real browser: its picture fits and sends nothing, its cards lead to the pages."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from dashboard.shell.pages import LABORATORIES, MODEL
from tests.browser.pages import WAIT_MS, NewPage, drawn, place, sent_messages


def opened(page: Page, server: Server) -> Locator:
    """Opens the page and waits for its moving picture."""
    page.goto(server.url)
    walk = page.locator(".walk")
    expect(walk.locator(".z")).to_have_text(re.compile(r"z = \("), timeout=WAIT_MS)
    return walk


def test_moving_z_sends_nothing_to_the_server(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    walk = opened(page, app_server)
    expect(page.get_by_test_id("stPageLink")).to_have_count(len(MODEL) + len(LABORATORIES))
    before = len(sent)
    walk.locator(".dot").hover(position={"x": 120, "y": 90})
    walk.locator(".dot").press("ArrowUp")
    walk.get_by_role("button").click()
    drawn(page)
    expect(walk.get_by_role("button")).to_have_text("Play")
    assert (before > 0, len(sent)) == (True, before), sent[before:]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_fits_the_window(app_server: Server, new_page: NewPage, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    walk = opened(page, app_server)
    box = place(walk.locator(".picture canvas"))
    assert box["width"] == pytest.approx(box["height"], abs=1), box
    assert box["y"] + box["height"] <= height, box
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    links = page.get_by_test_id("stPageLink")
    expect(links).to_have_count(len(MODEL) + len(LABORATORIES))
    if width == 1280:
        bottoms = [place(link)["y"] + place(link)["height"] for link in links.all()[: len(MODEL)]]
        assert max(bottoms) <= height, bottoms


def test_cards_lead_to_the_pages(app_server: Server, page: Page) -> None:
    opened(page, app_server)
    page.get_by_test_id("stPageLink").get_by_text("ELBO").click()
    expect(page).to_have_url(re.compile(r"/elbo(\?|$)"))
