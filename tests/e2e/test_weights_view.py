"""The view of weights in a browser: data by keyboard, the error by a click, whole on a phone."""

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import Server

WAIT_MS: Final = 60_000
pytestmark = pytest.mark.usefixtures("deep_links")


def test_more_data_narrow_the_weights_and_the_error_is_shown(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_server.url}/priors?priors_view=Weights")
    cost = page.get_by_text("nats for all 20 data")
    expect(cost).to_be_visible(timeout=WAIT_MS)
    page.locator(".st-key-w_line_data").get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("nats for all 21 data")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("radio", name="once per datum (wrong)").first.click()
    expect(page.get_by_text("This q maximised")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".st-key-weights_start button:visible")).to_be_visible(timeout=WAIT_MS)
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 390
    expect(page.get_by_test_id("stException")).to_have_count(0)
