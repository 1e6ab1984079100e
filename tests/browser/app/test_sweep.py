"""A β sweep in a browser: one button, and rate against distortion appears, also across a reload."""

import re

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import ended, fits, places


def test_three_runs_from_a_sweep_to_a_rate_distortion_curve(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/compare?hidden=8&batch_size=256&sweep_epochs=3")
    betas = page.get_by_role("textbox", name="β of each run")
    betas.fill("0.5, 2, 8")
    betas.press("Enter")
    train = page.get_by_role("button", name="Train 3 runs")
    expect(train).to_be_visible()
    ended(page)
    train.click()
    chart = page.locator(".st-key-runs_rates")
    expect(chart.get_by_text("β 0.5").first).to_be_visible()
    expect(page).to_have_url(re.compile("compare_runs="))
    page.reload()
    expect(page.get_by_role("cell", name="β 8", exact=True).first).to_be_visible()
    expect(page.locator(".st-key-sweep_line")).to_have_count(0)
    for label in ("β 0.5", "β 2", "β 8"):
        expect(chart.get_by_text(label).first).to_be_visible()
    # Two bars a point: of its rate and of its distortion.
    expect(chart.locator(".errorbar path")).to_have_count(6)
    expect(chart.locator(".js-line").last).to_be_visible()
    dots = chart.locator(".points path.point")
    expect(dots).to_have_count(3)
    boxes = sorted(places(dots), key=lambda box: box["x"])
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes), "less rate, more distortion"
    expect(page.get_by_text("rotated", exact=False).first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(chart.get_by_text("β 8").first).to_be_visible()
    fits(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
