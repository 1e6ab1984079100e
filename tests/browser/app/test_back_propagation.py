"""Back-propagation by hand in a browser: the keys step, a mistake turns the drawing red."""

import re
from typing import Final

from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from dashboard.figures.network.svg import WRONG
from tests.browser.pages import fits, place
from tests.polling import until

VIEW: Final = "gradients?gradients_view=back_propagation"


def expect_step(page: Page, step: str) -> None:
    label = f"Network with 6 layers, step {step}"
    expect(page.locator(".st-key-bp_network [role=group]")).to_have_attribute("aria-label", label)


def test_keys_step_a_click_chooses_a_unit_and_a_mistake_turns_red(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/{VIEW}")
    expect_step(page, "1 of 12: x")
    drawing = page.locator(".st-key-bp_network .wide svg")
    page.get_by_role("button", name="L", exact=True).click()
    expect_step(page, "7 of 12: L")
    keys = {"ArrowRight": "8 of 12: δ⁽⁶⁾", "ArrowRight ": "9 of 12: δ⁽⁵⁾", "ArrowLeft": "8 of 12: δ⁽⁶⁾"}
    for key, step in keys.items():
        page.keyboard.press(key.strip())
        expect_step(page, step)
    drawing.locator("[data-place='1'][data-unit='2']").click()
    expect_step(page, "12 of 12: δ⁽²⁾")
    expect(page.get_by_role("button", name="Unit 3 of 3")).to_be_visible()
    unit = drawing.get_by_role("button", name=re.compile("h")).and_(
        drawing.locator("[data-place='1'][data-unit='1']")
    )
    unit.press("Enter")
    expect(page.get_by_role("button", name="Unit 2 of 3")).to_be_visible()
    expect(unit).to_be_focused()
    assert WRONG not in drawing.inner_html()
    page.get_by_role("radio", name="f(u) for f′(u)").click()
    page.get_by_text("6 of 8 gradients are wrong").wait_for()
    expect(drawing.locator(f'text[fill="{WRONG}"]').first).to_be_visible()


def test_a_phone_has_the_layers_below_each_other(app_server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_server.url}/{VIEW}")
    drawing = page.locator(".st-key-bp_network .tall svg")
    expect(drawing).to_be_visible()
    expect(page.locator(".st-key-bp_network .wide svg")).to_be_hidden()
    until(
        lambda: (box := place(drawing))["x"] >= 0 and box["x"] + box["width"] <= 390, "the drawing is whole"
    )
    fits(page)
    number = drawing.locator("text[font-weight='600']").first
    until(lambda: place(number)["height"] > 14, "numbers are legible")
