"""A conditional run in a browser: trained on the digits, and looked at class by class."""

import re
from typing import Final

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import WAIT_MS, fits
from tests.polling import until

DECODED: Final = "canvas => canvas.toDataURL()"


def test_a_conditional_run_shows_the_class_that_is_chosen(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?hidden=32&num_epochs=20&learning_rate=0.01")
    page.get_by_role("combobox", name="Condition on y").click()
    page.get_by_role("option", name="the class").click()
    expect(page).to_have_url(re.compile("condition=class"))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("Finished", timeout=WAIT_MS)
    expect(page.get_by_text("the decoded plane is that of the first class")).to_be_visible()
    expect(page.locator(".board section.grid h2, section.grid h2").first).to_contain_text("given y = 0")
    expect(page.locator("section.reconstruction h2")).to_contain_text("[log p(x|z, y)]")
    page.get_by_role("link", name="Latent space", exact=True).click()
    row = page.locator(".st-key-style_row")
    expect(row.get_by_text("the example, y = 0")).to_be_visible(timeout=WAIT_MS)
    expect(row.get_by_role("img")).to_have_count(11)
    expect(page.get_by_role("heading", name="Decoded E[x|z, y]")).to_be_visible()
    canvas = page.locator("canvas.picture").first
    before = until(lambda: canvas.evaluate(DECODED), "a decoded picture")
    page.get_by_role("combobox", name="Class y").click()
    page.get_by_role("option", name="4", exact=True).click()
    expect(row.get_by_text("the example, y = 4")).to_be_visible(timeout=WAIT_MS)
    until(lambda: canvas.evaluate(DECODED) != before, "the picture that is decoded given the other class")
    expect(page).to_have_url(re.compile("given_class=4"))
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page)
