"""Links in a browser: labels of old links become ids, and Back brings back what was on the screen."""

import re

from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from tests.browser.pages import WAIT_MS


def view(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def test_old_link_opens_with_ids_and_all_digits(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?dataset=Two+moons&beta=0.00025&seed=nonsense")
    expect(page.locator(".st-key-beta")).to_contain_text("0.00025", timeout=WAIT_MS)
    expect(page.locator(".st-key-dataset input")).to_have_value("Two moons")
    expect(page).to_have_url(re.compile(r"/train\?dataset=two_moons&beta=0\.00025$"), timeout=WAIT_MS)
    expect(page).to_have_title("Train · VAE Dashboard")


def test_back_from_another_page_shows_the_view_that_was_left(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?seed=7")
    expect(page.locator(".st-key-beta")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("link", name="ELBO", exact=True).click()
    view(page, "Units and pitfalls").click(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"/elbo\?elbo_view=units$"), timeout=WAIT_MS)
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile(r"/train\?seed=7$"), timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    expect(page).to_have_url(re.compile(r"/elbo\?elbo_view=units$"), timeout=WAIT_MS)


def test_moves_of_a_control_leave_no_trail_behind(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/elbo")
    view(page, "Units and pitfalls").click(timeout=WAIT_MS)
    page.get_by_role("link", name="Train", exact=True).click()
    latent_dim = page.locator(".st-key-latent_dim input")
    for value in ("3", "4", "5"):
        latent_dim.fill(value, timeout=WAIT_MS)
        latent_dim.press("Enter")
        expect(page).to_have_url(re.compile(rf"/train\?latent_dim={value}$"), timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    page.go_back()
    expect(view(page, "All examples")).to_be_checked(timeout=WAIT_MS)
    page.go_forward()
    expect(view(page, "Units and pitfalls")).to_be_checked(timeout=WAIT_MS)
    page.go_forward()
    expect(latent_dim).to_have_value("5", timeout=WAIT_MS)
