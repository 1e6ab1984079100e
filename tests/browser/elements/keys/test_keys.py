"""Keys press buttons of the page, unless what has the focus has a use for them."""

import json
from typing import Final

import pytest
from playwright.sync_api import Page

from tests.browser.elements.mounting import Mounted, open_element

BUTTONS: Final = {" ": "hold", "ArrowRight": "step", "Ctrl+Enter": "go", "Escape": "leave"}
PAGE: Final = """() => {
    window.pressed = [];
    for (const key of ["hold", "step", "go", "leave"]) {
        const place = document.body.appendChild(document.createElement("div"));
        place.className = `st-key-${key}`;
        const button = place.appendChild(document.createElement("button"));
        button.textContent = key;
        button.onclick = () => window.pressed.push(key);
    }
    document.body.insertAdjacentHTML("beforeend", `
        <input class="field"><textarea class="field"></textarea><select class="field"></select>
        <p class="field" contenteditable="true">text</p>
        <canvas class="field" tabindex="0" role="img" aria-label="a chart"></canvas>
        <button class="other">other</button><section class="scroller" tabindex="-1">page</section>
        <div class="shadow"></div>`);
    const shadow = document.querySelector(".shadow").attachShadow({ mode: "open" });
    shadow.innerHTML = `<canvas tabindex="0" role="slider"></canvas>
        <div class="dial"><div class="track" role="slider" tabindex="0">1</div></div>`;
}"""


def opened(page: Page) -> Mounted:
    mounted = open_element(page, "keys")
    page.evaluate(PAGE)
    mounted.give(json.dumps(BUTTONS).encode())
    return mounted


def pressed(page: Page) -> list[str]:
    """What was pressed since the last call."""
    return page.evaluate("window.pressed.splice(0)")


def press_all(page: Page) -> list[str]:
    for key in ("Space", "ArrowRight", "Control+Enter", "Escape"):
        page.keyboard.press(key)
    return pressed(page)


def test_each_key_presses_its_button(page: Page) -> None:
    opened(page)
    assert press_all(page) == ["hold", "step", "go", "leave"]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    assert pressed(page) == []


@pytest.mark.parametrize("selector", ["input", "textarea", "select", "p", "canvas"])
def test_field_and_chart_keep_their_keys(page: Page, selector: str) -> None:
    opened(page)
    page.locator(f"{selector}.field").focus()
    assert press_all(page) == []


def test_drawing_of_an_element_keeps_its_keys(page: Page) -> None:
    opened(page)
    page.locator(".shadow canvas").focus()
    assert press_all(page) == []


def test_after_a_drag_of_the_dial_space_holds_the_training(page: Page) -> None:
    opened(page)
    page.locator(".shadow .track").focus()
    assert press_all(page) == ["hold", "go", "leave"]


def test_page_that_was_clicked_has_no_focus(page: Page) -> None:
    opened(page)
    page.locator(".scroller").click()
    assert press_all(page) == ["hold", "step", "go", "leave"]


def test_button_that_was_clicked_does_not_keep_the_space_bar(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="go").click()
    page.keyboard.press("Space")
    assert pressed(page) == ["go", "hold"]
    page.get_by_role("button", name="go").focus()
    page.keyboard.press("Space")
    assert pressed(page) == ["go"], "a button that has the focus is pressed as ever"
    page.get_by_role("button", name="other").focus()
    assert press_all(page) == ["go", "leave"]


def test_open_dialog_keeps_all_keys(page: Page) -> None:
    opened(page)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div role=\"dialog\">Share</div>')")
    assert press_all(page) == []


def test_disabled_button_and_held_key_do_nothing(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="hold").evaluate("button => (button.disabled = true)")
    assert press_all(page) == ["step", "go", "leave"]
    page.keyboard.down("ArrowRight")
    page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    assert pressed(page) == ["step"], "as long as the key is down, one step"


def test_held_space_bar_does_not_scroll_the_page(page: Page) -> None:
    opened(page)
    page.evaluate("document.body.style.height = '5000px'")
    for _ in range(5):
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    assert page.evaluate("scrollY") == 0
    assert pressed(page) == ["hold"]


def test_removed_element_listens_no_more(page: Page) -> None:
    mounted = opened(page)
    mounted.remove()
    assert press_all(page) == []
