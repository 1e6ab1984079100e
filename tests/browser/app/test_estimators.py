"""The laboratory of estimators in a browser: M by keyboard, the error by its switch, a phone, a task."""

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import ended, fits


def test_more_samples_and_the_error_change_the_picture_on_a_phone(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_server.url}/gradients")
    chart = page.locator(".st-key-estimators_0")
    expect(chart.get_by_text("true 2.400")).to_be_visible()
    label = chart.locator(".annotation", has_text="score function").first
    before = label.text_content() or ""
    page.get_by_role("slider", name="Samples M").press("ArrowRight")
    expect(label).not_to_have_text(before)
    ended(page)
    page.locator(".st-key-estimators_error label").first.click()
    expect(page.locator(".st-key-estimators_sweep .main-svg").first).to_be_visible()
    expect(chart.get_by_text("error: z = μ + σ² ε")).to_be_visible()
    fits(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_long_measurement_shows_progress_and_can_be_cancelled(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/gradients?estimators_of=elbo")
    start = page.locator(".st-key-estimators_precise_start button:visible")
    start.click()
    cancel = page.locator(".st-key-estimators_precise_cancel button:visible")
    expect(page.get_by_text("Drawing …").first).to_be_visible()
    cancel.click()
    expect(start).to_be_visible()
    expect(page.get_by_text("32,768 samples of z")).to_be_visible()
