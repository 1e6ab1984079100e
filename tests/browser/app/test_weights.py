"""The view of weights in a browser: data by keyboard, the error by a click, whole on a phone."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import NewPage, fits
from tests.dashboard.test_settings import contrast
from tests.polling import until

SEGMENTS: Final = """() => {
  const [chosen, other] = ["true", "false"].map((is) =>
    getComputedStyle(document.querySelector(`[role=radio][aria-checked=${is}]`)));
  const ground = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
  return [ground, chosen.backgroundColor, chosen.color, other.color];
}"""
CHANNELS: Final = re.compile(r"[\d.]+")


def over(ground: str, colour: str) -> str:
    """A colour of a style sheet over an opaque one, as #RRGGBB."""
    under = [float(part) for part in CHANNELS.findall(ground)]
    *parts, share = [*(float(part) for part in CHANNELS.findall(colour)), 1.0][:4]
    mixed = (round(share * part + (1 - share) * below) for part, below in zip(parts, under, strict=True))
    return "#" + bytes(mixed).hex()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chosen_segment_stands_out(app_server: Server, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(f"{app_server.url}/priors?priors_view=weights")
    expect(page.get_by_role("radio", name="Weights", checked=True)).to_be_visible()
    expect(page.get_by_role("radio", name="Priors", checked=False)).to_be_visible()

    def stands_out() -> bool:
        ground, tint, chosen, other = page.evaluate(SEGMENTS)
        text = over(ground, chosen)
        return contrast(text, over(ground, tint)) >= 4.5 and contrast(text, over(ground, other)) >= 3

    # Once it stands still: a colour may pass into the next one.
    until(stands_out, "the chosen segment")


def test_more_data_narrow_the_weights_and_the_error_is_shown(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_server.url}/priors?priors_view=weights")
    cost = page.get_by_text("ELBO of 20 flowers")
    expect(cost).to_be_visible()
    page.locator(".st-key-w_line_data").get_by_role("slider").press("ArrowRight")
    expect(page.get_by_text("ELBO of 21 flowers")).to_be_visible()
    page.get_by_role("radio", name="once per example (wrong)").first.click()
    expect(page.get_by_text("This q maximised")).to_be_visible()
    expect(page.locator(".st-key-weights_start button:visible")).to_be_visible()
    fits(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
