"""The optimisers in a browser: the paths play, and a race in the background ends with its table."""

import re

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import NewPage, ended, fits
from tests.polling import until


def test_paths_play_and_a_race_is_run(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/compare?compare_view=optimisers&optimiser_view=surface")
    chart = page.locator(".st-key-descent")
    chart.get_by_role("button", name="Play").click()
    expect(chart.get_by_text(re.compile(r"^step [1-9]\d*$"))).to_be_visible()
    until(lambda: chart.locator(".scatterlayer .js-fill").count() > 1, "the surface stays")
    page.get_by_role("radio", name="Training").click()
    expect(page.locator(".st-key-race .js-plotly-plot")).to_be_visible()
    page.get_by_role("radio", name="The run in view").click()
    epochs = page.locator(".st-key-race_epochs_run input")
    epochs.fill("2")
    epochs.press("Enter")
    # This sentence moves the button down: a click in that moment would miss it.
    expect(page.get_by_text("At least the 2 epochs of training")).to_be_visible()
    ended(page)
    page.locator(".st-key-race_start button:visible").click()
    expect(page.get_by_role("cell", name="stops at epoch (of 2)")).to_be_visible()
    expect(page.get_by_text("reaches the highest")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("cell", name="stops at epoch (of 2)")).to_be_visible()
    fits(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_another_browser_sees_a_race_begin_and_end(app_server: Server, page: Page, new_page: NewPage) -> None:
    """A teacher starts what the class has on its screens: they saw it only after a click."""
    link = f"{app_server.url}/compare?compare_view=optimisers&race_batch=one&race_epochs_small=400"
    other = new_page()
    for one in (page, other):
        one.goto(link)
        expect(one.locator(".st-key-race_start button:visible")).to_be_visible()
    page.locator(".st-key-race_start button:visible").click()
    expect(page.locator(".st-key-race_cancel button:visible")).to_be_visible()
    expect(other.get_by_text("Training three times")).to_be_visible()
    expect(other.locator(".st-key-race_cancel button:visible")).to_have_count(0)
    page.locator(".st-key-race_cancel button:visible").click()
    expect(other.locator(".st-key-race_start button:visible")).to_be_visible()
