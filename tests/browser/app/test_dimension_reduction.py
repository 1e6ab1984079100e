"""The comparison in a browser: the networks are trained in the background and join the other methods."""

from typing import Final

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import choose, ended, fits
from tests.polling import until

CUT_TABLES: Final = """() => [...document.querySelectorAll("[data-testid=stTable] *")].filter((box) =>
  box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible").length
"""


def test_networks_join_when_they_are_trained_and_stay(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/compare?compare_view=reduction")
    start = page.locator(".st-key-dr_start button:visible")
    expect(start).to_be_visible()
    expect(page.get_by_role("cell", name="VAE, pretrained").first).to_be_visible()
    choose(page, "Data", "Two moons")
    expect(page.get_by_text("The line of all decoded z")).to_be_visible()
    # What is drawn until then may move the button: a click in that moment would miss it.
    ended(page)
    start.click()
    page.locator(".st-key-dr_cancel button:visible").click()
    start.click()
    joined = page.get_by_role("cell", name="autoencoder").first
    expect(joined).to_be_visible()
    expect(page.get_by_text("Largest principal angle")).to_be_visible()
    page.get_by_role("link", name="Start").click()
    expect(page.get_by_role("combobox", name="Data")).to_have_count(0)
    page.get_by_test_id("stTopNav").get_by_role("link", name="Compare").click()
    expect(joined).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("radio", name="Outliers")).to_be_visible()
    fits(page)
    until(lambda: page.evaluate(CUT_TABLES) == 0, "no table is cut")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    # Nobody waits for the other seeds, where there are any: they may end, and the button go, at any moment.
    page.locator(".st-key-dr_cancel button:visible").evaluate_all("all => all.forEach((one) => one.click())")
