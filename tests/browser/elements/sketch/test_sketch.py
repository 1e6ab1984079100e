"""The sheet for a density: pointer and keys draw, undo and clear take back, and each stroke is told once."""

import json

from playwright.sync_api import Page, expect

from tests.browser.elements.mounting import Mounted, open_element
from tests.browser.pages import place

SIDE = 32


def told(mounted: Mounted) -> list[str]:
    return [str(message["value"]) for message in mounted.sent if message["name"] == "drawn"]


def test_it_draws_by_pointer_and_keys_and_takes_back(page: Page) -> None:
    mounted = open_element(page, "sketch")
    mounted.give(json.dumps({"label": "Sheet", "drawn": ""}).encode())
    canvas, undo = page.get_by_role("application", name="Sheet"), page.get_by_role("button", name="Undo")
    expect(page.get_by_text("Draw here")).to_be_visible()
    expect(undo).to_be_disabled()
    box = place(canvas)
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.up()
    (stroke,) = told(mounted)
    assert all(stroke[8 * SIDE + column] != "0" for column in range(9, 24))
    assert stroke[16 * SIDE + 16] == "0"
    # What Python had of an earlier stroke does not come back over it.
    mounted.give(json.dumps({"label": "Sheet", "drawn": "0" * SIDE**2}).encode())
    canvas.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    assert told(mounted)[-1][17 * SIDE + 16] == "9"
    assert told(mounted)[-1][8 * SIDE + 16] == stroke[8 * SIDE + 16]
    undo.click()
    assert told(mounted)[-1] == stroke
    page.get_by_role("button", name="Clear").click()
    assert told(mounted)[-1] == "0" * SIDE**2
    expect(page.get_by_text("Draw here")).to_be_visible()
    undo.click()
    assert told(mounted)[-1] == stroke


def test_what_was_drawn_before_is_there_again(page: Page) -> None:
    mounted = open_element(page, "sketch")
    mounted.give(json.dumps({"label": "Sheet", "drawn": "9" + "0" * (SIDE**2 - 1)}).encode())
    expect(page.get_by_text("Draw here")).to_be_hidden()
    page.get_by_role("application").focus()
    page.keyboard.press("Enter")
    assert told(mounted)[-1][0] == "9"
