"""The ELBO page in a browser: an example by keyboard, q that moves when it is played, gaps measured live."""

import re

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import ended, place
from tests.polling import until

VIEWS = {
    "all_examples": "All examples",
    "one_example": "One example",
    "watch_q": "Watch q move",
    "units": "Units and pitfalls",
}


def visit(page: Page, server: Server, view: str) -> None:
    page.goto(f"{server.url}/elbo?elbo_view={view}")
    expect(page.get_by_role("radio", name=VIEWS[view])).to_be_visible()
    ended(page)


def test_arrow_key_chooses_the_next_example(app_server: Server, page: Page) -> None:
    visit(page, app_server, "one_example")
    identity = page.get_by_text("KL(q ‖ true posterior)").filter(has_text="log p(x)").first
    expect(identity).to_be_visible()
    before = identity.text_content() or ""
    page.get_by_role("slider", name="Example").press("ArrowRight")
    expect(identity).not_to_have_text(before)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_q_walks_when_it_is_played(app_server: Server, page: Page) -> None:
    visit(page, app_server, "watch_q")
    chart = page.locator(".st-key-walk")
    expect(chart.get_by_text("step 0", exact=True)).to_be_visible()
    chart.get_by_role("button", name="Play").click()
    expect(chart.get_by_text(re.compile(r"^step [1-9]\d*$"))).to_be_visible()
    fills = chart.locator(".scatterlayer .js-fill")
    until(lambda: fills.count() > 1, "the posterior stays where q walks to")


def test_gaps_are_measured_with_progress_and_cancelled(app_server: Server, page: Page) -> None:
    visit(page, app_server, "all_examples")
    start = page.locator(".st-key-gaps_start button:visible")
    start.click()
    cancel = page.locator(".st-key-gaps_cancel button:visible")
    cancel.click()
    start.click()
    expect(page.get_by_role("cell", name="amortisation gap")).to_be_visible()


def test_view_control_is_whole_on_a_phone(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, app_server, "units")
    last = page.get_by_role("radio", name="Units and pitfalls")
    until(lambda: (box := place(last))["x"] + box["width"] <= 390, "the control is whole")
