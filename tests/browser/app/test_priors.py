"""The view of priors in a browser: cancelled, trained, and pseudo-inputs that move when they are played."""

import re

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import ended, fits, runs_ended
from tests.polling import until


def test_three_trainings_are_cancelled_then_made_and_played(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    count = runs_ended(page)
    page.goto(f"{app_server.url}/priors?priors_view=priors")
    expect(page.locator(".st-key-prior_vamp .js-plotly-plot")).to_be_visible()
    fits(page)
    ended(page)
    for key, smallest in (("priors_k", "2"), ("priors_epochs", "20")):
        control, before = page.locator(f".st-key-{key}"), count()
        control.get_by_role("slider").press("Home")
        expect(control.get_by_test_id("stSliderThumbValue")).to_have_text(smallest)
        # The button trains with the settings that it was drawn with.
        until(lambda before=before: count() > before, "the page is drawn with it")
    start = page.locator(".st-key-priors_start button:visible")
    start.click()
    page.locator(".st-key-priors_cancel button:visible").click()
    start.click()
    film = page.locator(".st-key-priors_film_vamp")
    expect(film.get_by_role("button", name="Play")).to_be_visible()
    pixels = film.locator(".heatmaplayer image").first
    before = pixels.get_attribute("href") or pixels.get_attribute("xlink:href")
    film.get_by_role("button", name="Play").click()
    expect(film.get_by_text(re.compile(r"^step [1-9]\d?\d?$"))).to_be_visible()
    assert before, "the images are drawn"
    expect(pixels).not_to_have_attribute("href", before)
    expect(page.get_by_test_id("stException")).to_have_count(0)
