"""The dial: acts while it is dragged, takes a number, one click and keys; no message moves it meanwhile."""

from itertools import pairwise
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.theme import ThemeName
from tests.browser.elements.messages import dial_message
from tests.browser.elements.mounting import Mounted, open_element
from tests.browser.pages import NewPage, place
from tests.polling import until

FRACTION: Final = {"0": 0.0, "0.01": 0.28, "1": 0.64, "100": 1.0}
"""Where values stand on the track."""


def opened(page: Page, *, scheme: ThemeName = "light", **changes: object) -> Mounted:
    mounted = open_element(page, "dial", scheme=scheme)
    mounted.give(dial_message(**changes))
    return mounted


def hold_clock(page: Page) -> None:
    """Has the page's clock stand from now on: a test moves it."""
    page.clock.install(time=0)
    page.clock.pause_at(1_000_000)  # not a second later, which a busy machine lets pass before it is told


def track(page: Page) -> Locator:
    return page.locator(".track")


def number(page: Page) -> Locator:
    return page.get_by_role("textbox")


def values(mounted: Mounted) -> list[float]:
    return [message["value"]["value"] for message in moves(mounted)]


def moves(mounted: Mounted) -> list[Any]:
    return [message for message in mounted.sent if message["name"] == "moved"]


def expect_value(page: Page, text: str) -> None:
    expect(track(page)).to_have_attribute("aria-valuetext", f"β = {text}")
    expect(number(page)).to_have_value(text)


def press_at(page: Page, fraction: float) -> None:
    box = place(track(page))
    page.mouse.move(box["x"] + fraction * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()


def move_to(page: Page, fraction: float) -> None:
    box = place(track(page))
    page.mouse.move(box["x"] + fraction * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize(("text", "fraction"), FRACTION.items())
def test_click_on_a_tick_is_its_value(page: Page, text: str, fraction: float) -> None:
    mounted = opened(page, value=30.0)
    press_at(page, fraction)
    page.mouse.up()
    expect_value(page, text)
    assert values(mounted)[-1] == float(text)
    assert moves(mounted)[-1]["kind"] == "trigger", "a state would come again with every run of the script"


def test_drag_sends_about_five_a_second_and_the_last_one(page: Page) -> None:
    hold_clock(page)
    mounted = opened(page)
    press_at(page, 0.64)
    for step in range(40):
        move_to(page, 0.64 - 0.015 * step)
        page.clock.run_for(50)
        sent = moves(mounted)
        if sent:  # as Python answers
            mounted.give(dial_message(value=values(mounted)[-1], sequence=sent[-1]["value"]["sequence"]))
    during = values(mounted)
    assert 8 <= len(during) <= 12, during
    assert during == sorted(during, reverse=True)
    move_to(page, 0.28)
    page.mouse.up()
    assert values(mounted)[-1] == 0.01
    assert len(values(mounted)) == len(during) + 1
    numbers = [move["value"]["sequence"] for move in moves(mounted)]
    assert numbers == sorted(set(numbers))


def test_hand_that_rests_has_sent_where_it_is(page: Page) -> None:
    hold_clock(page)
    mounted = opened(page)
    press_at(page, 0.64)
    for fraction in (0.6, 0.5, 0.46):
        move_to(page, fraction)
    page.clock.run_for(2500)
    assert values(mounted)[-1] == 0.1
    expect_value(page, "0.1")


def test_server_that_does_not_answer_gets_one_value_a_second(page: Page) -> None:
    hold_clock(page)
    mounted = opened(page)
    press_at(page, 0.64)
    for step in range(40):
        move_to(page, 0.64 - 0.015 * step)
        page.clock.run_for(50)
    assert 2 <= len(values(mounted)) <= 3


def test_message_during_a_drag_does_not_move_it(page: Page) -> None:
    mounted = opened(page)
    press_at(page, 0.64)
    move_to(page, 0.46)
    expect_value(page, "0.1")
    mounted.give(dial_message(value=50.0, sequence=10**15))
    expect_value(page, "0.1")
    page.mouse.up()
    expect_value(page, "0.1")
    assert values(mounted)[-1] == 0.1


def test_older_answer_does_not_move_it_back_and_a_newer_value_does(page: Page) -> None:
    mounted = opened(page, sequence=5)
    number(page).fill("4")
    number(page).press("Enter")
    sequence = moves(mounted)[-1]["value"]["sequence"]
    mounted.give(dial_message(value=1.0, sequence=sequence - 1))
    expect_value(page, "4")
    mounted.give(dial_message(value=0.5, sequence=sequence))
    expect_value(page, "0.5")


def test_new_server_that_knows_no_message_is_believed_in_the_end(page: Page) -> None:
    hold_clock(page)
    mounted = opened(page)
    number(page).fill("4")
    number(page).press("Enter")
    mounted.give(dial_message(value=1.0, sequence=0))
    expect_value(page, "4")
    page.clock.run_for(11_000)
    mounted.give(dial_message(value=1.0, sequence=0))
    expect_value(page, "1")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("0.00025", "0.00025"), ("500", "500"), ("0,5", "0.5"), ("1e-3", "0.001"), ("0", "0")],
)
def test_number_is_typed(page: Page, typed: str, shown: str) -> None:
    mounted = opened(page)
    number(page).fill(typed)
    assert values(mounted) == []
    number(page).press("Enter")
    expect_value(page, shown)
    assert values(mounted) == [float(shown)]


@pytest.mark.parametrize("typed", ["", "abc", "-1", "1001", "NaN", "1e9"])
def test_what_is_no_value_is_said_and_not_sent(page: Page, typed: str) -> None:
    mounted = opened(page)
    number(page).fill(typed)
    number(page).press("Enter")
    expect(page.get_by_role("alert")).to_have_text("β is a number from 0 to 1000.")
    assert number(page).get_attribute("aria-invalid") == "true"
    mounted.give(dial_message(value=2.0))
    assert number(page).input_value() == typed, "what is being typed is not taken away"
    number(page).press("Escape")
    expect_value(page, "2")
    expect(page.locator(".problem")).to_be_empty()
    assert values(mounted) == []


def test_presets_are_one_click(page: Page) -> None:
    mounted = opened(page)
    for text in ("0", "0.1", "4", "10", "1"):
        page.get_by_role("button", name=f"β = {text}", exact=True).click()
        expect_value(page, text)
        pressed = page.locator(".presets [aria-pressed='true']")
        expect(pressed).to_have_text(text)
    assert values(mounted) == [0, 0.1, 4, 10, 1]


def test_keys_move_it(page: Page) -> None:
    mounted = opened(page)
    slider = track(page)
    slider.focus()
    for key, text in (
        ("ArrowRight", "1.1"),
        ("ArrowUp", "1.3"),
        ("ArrowLeft", "1.1"),
        ("ArrowDown", "1"),
        ("PageUp", "1.8"),
        ("PageDown", "1"),
        ("Home", "0"),
        ("ArrowRight", "0.001"),
        ("ArrowLeft", "0"),
        ("End", "100"),
    ):
        page.keyboard.press(key)
        expect_value(page, text)
    until(lambda: values(mounted)[-1] == 100, "the last value sent")


def test_key_that_is_down_when_the_focus_goes_holds_nothing(page: Page) -> None:
    mounted = opened(page)
    number(page).focus()
    page.keyboard.down("ArrowUp")
    expect_value(page, "1.1")
    number(page).blur()
    until(lambda: values(mounted)[-1:] == [1.1], "the last value sent")
    mounted.give(dial_message(value=4.0, sequence=moves(mounted)[-1]["value"]["sequence"]))
    expect_value(page, "4")


def test_says_what_it_is(page: Page) -> None:
    opened(page, note="Kept for later.")
    slider = page.get_by_role("slider", name="KL weight β")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    expect(slider).to_have_attribute("aria-valuemin", "0")
    expect(slider).to_have_attribute("aria-valuemax", "1000")
    expect(page.get_by_role("textbox", name="KL weight β, number")).to_be_visible()
    expect(page.locator(".note")).to_have_text("Kept for later.")
    assert page.locator(".ticks span").all_text_contents() == ["0", "0.01", "0.1", "1", "10", "100"]
    page.get_by_role("button", name="What is this?").click()
    page.mouse.move(5, 300)
    expect(page.locator(".help")).to_have_text("The weight of the KL.")


def test_frozen_dial_says_why_and_does_nothing(page: Page) -> None:
    reason = "Someone else's run: take a copy to change it."
    mounted = opened(page, frozen=reason)
    expect(page.locator(".note")).to_have_text(reason)
    expect(track(page)).to_have_attribute("aria-disabled", "true")
    press_at(page, 0.2)
    move_to(page, 0.9)
    page.mouse.up()
    track(page).focus()
    page.keyboard.press("End")
    expect(number(page)).to_be_disabled()
    for button in page.locator(".presets button").all():
        expect(button).to_be_disabled()
    assert mounted.sent == []
    mounted.give(dial_message(frozen=reason, value=4.0))
    expect_value(page, "4")


def test_freezing_ends_a_drag(page: Page) -> None:
    mounted = opened(page)
    press_at(page, 0.64)
    mounted.give(dial_message(frozen="Not yours."))
    move_to(page, 0.2)
    page.mouse.up()
    expect_value(page, "1")
    assert values(mounted) == []


def test_frozen_dial_sends_nothing_more_and_shows_what_holds(page: Page) -> None:
    hold_clock(page)
    mounted = opened(page)
    press_at(page, 0.64)
    for fraction in (0.5, 0.46):
        move_to(page, fraction)
    (first,) = values(mounted)
    expect_value(page, "0.1")
    mounted.give(dial_message(value=1.0, frozen="Not yours."))
    expect_value(page, "1")
    page.clock.run_for(2500)
    page.mouse.up()
    assert values(mounted) == [first], "what waited to be sent"


def test_thumb_is_taken_without_a_jump(page: Page) -> None:
    mounted = opened(page, value=1.3)
    box = place(page.locator(".thumb"))
    page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    expect_value(page, "1.3")
    assert mounted.sent == []


def test_finger_taps_and_drags_and_its_targets_are_large(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    mounted = opened(page)
    box = place(track(page))
    page.touchscreen.tap(box["x"] + 0.28 * box["width"], box["y"] + box["height"] / 2)
    expect_value(page, "0.01")
    assert values(mounted) == [0.01]
    for target in (track(page), number(page), *page.locator("button").all()):
        assert place(target)["height"] >= 44, target
    for button in page.locator(".presets button").all():
        assert place(button)["width"] >= 44, button
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("width", "large"),
    [(230, False), (290, False), (420, False), (640, False), (1000, False), (800, True), (1000, True)],
)
def test_marks_do_not_overlap(new_page: NewPage, width: int, large: bool) -> None:
    page = new_page(viewport={"width": width + (160 if width >= 480 else 32), "height": 400})
    opened(page, large=large)
    boxes = [place(tick) for tick in page.locator(".ticks span").all()]
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"], (left, right)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_escape_closes_the_help_and_means_nothing_else(page: Page) -> None:
    opened(page)
    page.evaluate("""() => {
        window.heard = 0;
        document.addEventListener("keydown", (event) => (window.heard += !event.defaultPrevented));
    }""")
    tip = page.locator(".help")
    tip.evaluate("help => help.addEventListener('toggle', () => help.setAttribute('data-toggled', ''))")
    page.get_by_role("button", name="What is this?").hover()
    expect(tip).to_be_visible()
    # The browser says a moment after it has opened that it has: only then does the dial listen.
    expect(tip).to_have_attribute("data-toggled", "")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    assert page.evaluate("window.heard") == 0
    page.keyboard.press("Escape")
    assert page.evaluate("window.heard") == 1
