"""A hand on a run: β dragged, typed, seen in another tab; keys, earlier runs, a projector, someone else."""

import json
import re
from itertools import pairwise
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from dashboard.train.steering import DOUBLE_PRESS_S
from tests.browser.pages import NewPage, ended, place, places, values_of
from tests.polling import until

LONG: Final = "?hidden=64&speed=30"
"""A run without an end that leaves the machine to the pages."""
FONT_SIZE: Final = "parseFloat(getComputedStyle(document.documentElement).fontSize)"


def begin(page: Page, server: Server, query: str = LONG) -> str:
    """Starts a run from a cold link and returns its id."""
    page.goto(f"{server.url}/train{query}")
    button(page, "train_start").click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{16}"))
    run = run_in(page)
    until(lambda: status(server, run).get("step", 0) > 0, "the first step")
    return run


def run_in(page: Page) -> str:
    found = re.search(r"run=([0-9a-f]{16})", page.url)
    assert found, page.url
    return found[1]


def button(page: Page, key: str) -> Locator:
    # Streamlit draws a button with a tooltip twice, once for fingers.
    return page.locator(f".st-key-{key} button:visible")


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="KL weight β")


def status(server: Server, run: str) -> dict[str, Any]:
    """How the run says that it stands."""
    path = server.home / "runs" / run / "status.json"
    return json.loads(path.read_text()) if path.exists() else {}


def await_status(server: Server, run: str, **values: object) -> None:
    until(lambda: values.items() <= status(server, run).items(), f"{run} with {values}")


def stop(page: Page, server: Server) -> None:
    run = run_in(page)
    button(page, "train_stop").click()
    await_status(server, run, status="stopped")


def test_beta_of_the_run_follows_the_hand(app_server: Server, page: Page) -> None:
    run = begin(page, app_server)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(slider(tab)).to_have_attribute("aria-valuetext", "β = 1")
    box = place(slider(page))
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.64 * box["width"], y)
    page.mouse.down()
    for fraction, beta in ((0.46, 0.1), (0.28, 0.01), (0.82, 10.0)):
        page.mouse.move(box["x"] + fraction * box["width"], y, steps=5)
        await_status(app_server, run, beta=beta)
        expect(slider(page)).to_have_attribute("aria-valuetext", f"β = {beta:g}")
    page.mouse.up()
    page.wait_for_url(re.compile(r"beta=10\b"))
    expect(slider(tab)).to_have_attribute("aria-valuetext", "β = 10")
    number = page.locator(".st-key-beta_number input")
    number.fill("0.00025")
    number.press("Enter")
    await_status(app_server, run, beta=0.00025)
    stop(page, app_server)
    page.get_by_role("button", name="β = 4", exact=True).click()
    expect(page.get_by_text("Kept for when the run goes on").first).to_be_visible()
    button(page, "train_pause").click()
    await_status(app_server, run, status="running", beta=4.0)
    stop(page, app_server)


def test_keys_steer_unless_something_else_has_them(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train{LONG}")
    expect(page.locator(".keys")).to_have_attribute("data-keys", re.compile(r"Ctrl\+Enter"))
    # The browser loads what draws a button later than the element of the keys.
    expect(button(page, "train_start")).to_be_enabled()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"run=[0-9a-f]{16}"))
    run = run_in(page)
    until(lambda: status(app_server, run).get("step", 0) > 0, "the first step")
    # A key presses no button that is disabled, and this one is until the page is drawn for the run.
    expect(button(page, "train_pause")).to_be_enabled()
    page.keyboard.press("Space")
    await_status(app_server, run, status="paused")
    expect(button(page, "train_pause")).to_have_text(re.compile("Resume"))
    step = status(app_server, run)["step"]
    page.keyboard.press("ArrowRight")
    await_status(app_server, run, step=step + 1)
    number = page.locator(".st-key-beta_number input")
    number.focus()
    for key in ("Space", "ArrowRight", "Control+Enter"):
        page.keyboard.press(key)
    number.press("Escape")
    number.blur()
    button(page, "share").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    for key in ("Space", "Control+Enter"):
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    ended(page)
    now = status(app_server, run)
    assert (now["status"], now["step"]) == ("paused", step + 1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+Enter")
    await_status(app_server, run, status="running")
    stop(page, app_server)


def test_start_stops_the_run_and_one_click_shows_it_again(app_server: Server, page: Page) -> None:
    first = begin(page, app_server)
    # No sooner than a hand would: a press right after the first is taken for the second of a double press.
    expect(page.locator(".board")).to_have_attribute("data-run", first)
    page.wait_for_timeout(1000.0 * DOUBLE_PRESS_S)
    button(page, "train_start").click()
    page.wait_for_url(lambda url: first not in url)
    second = run_in(page)
    await_status(app_server, first, status="stopped")
    button(page, "train_before").click()
    page.wait_for_url(re.compile(first))
    await_status(app_server, second, status="stopped")
    # Its neighbour becomes wider with another name: a click in that moment would miss it.
    ended(page)
    button(page, "train_keep").click()
    expect(button(page, "train_keep")).to_have_text(re.compile("Kept"))
    page.wait_for_url(re.compile(f"keep={first}"))


def test_projector_shows_little_and_escape_ends_it(app_server: Server, page: Page) -> None:
    run = begin(page, app_server)
    size = page.evaluate(FONT_SIZE)
    button(page, "present").click()
    page.wait_for_url(re.compile("present=1"))
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(button(page, "train_epoch")).to_have_count(0)
    expect(page.locator(".dial.large")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    until(lambda: page.evaluate(FONT_SIZE) > size, "large type")
    expect(page.locator(".keys")).to_have_attribute("data-keys", re.compile("Escape"))
    expect(button(page, "train_pause")).to_be_enabled()
    page.keyboard.press("Space")
    await_status(app_server, run, status="paused")
    # Who comes late to a lesson joins by the QR code on the projector; Escape closes first what is open.
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog").get_by_alt_text("QR code of the link.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button(page, "train_epoch")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(button(page, "train_epoch")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    page.wait_for_url(lambda url: "present" not in url)
    until(lambda: page.evaluate(FONT_SIZE) == size, "the type of before")
    stop(page, app_server)


def test_someone_elses_dial_says_why_it_rests(app_server: Server, page: Page, new_page: NewPage) -> None:
    run = begin(page, app_server)
    other = new_page()
    other.goto(page.url)
    expect(slider(other)).to_have_attribute("aria-disabled", "true")
    expect(other.get_by_text("Someone else's run: take a copy to change it.").first).to_be_visible()
    page.get_by_role("button", name="β = 10", exact=True).click()
    await_status(app_server, run, beta=10.0)
    expect(slider(other)).to_have_attribute("aria-valuetext", "β = 10")
    button(other, "train_copy").click()
    other.wait_for_url(lambda url: run not in url)
    expect(slider(other)).to_have_attribute("aria-disabled", "false")
    expect(slider(other)).to_have_attribute("aria-valuetext", "β = 10")
    assert status(app_server, run)["status"] == "running"
    stop(page, app_server)


def test_buttons_on_a_telephone_are_large_and_keep_to_two_rows(app_server: Server, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"{app_server.url}/train")
    expect(page.locator(".st-key-share button:visible")).to_be_visible()
    ended(page)
    buttons = page.locator(".st-key-train_head button:visible")

    def faults() -> list[str]:
        boxes = places(buttons)
        found = [f"small: {box}" for box in boxes if min(box["height"], box["width"]) < 44]
        found += [f"beyond the edge: {box}" for box in boxes if box["x"] + box["width"] > 390 - 16]
        found += [
            f"overlap: {one}, {other}"
            for one, other in pairwise(boxes)
            if other["y"] <= one["y"] and other["x"] < one["x"] + one["width"]
        ]
        rows = {box["y"] for box in boxes}
        return found + [f"rows: {rows}"] * (len(rows) != 2)

    until(lambda: not faults(), "large buttons in two rows")


def test_a_class_looks_back_and_forks_into_another_future(app_server: Server, page: Page) -> None:
    """While the run trains on: an earlier step by the keys, another β there, and both curves on the board."""
    run = begin(page, app_server, "")
    board = page.locator(".board")
    back = page.get_by_role("slider", name="Look back")
    until(lambda: status(app_server, run).get("step", 0) > 100, "some steps")
    expect(page.locator(".look_back .where")).to_have_text(re.compile("^now: step [0-9,]+$"))
    expect(back).to_be_enabled()
    back.press("ArrowLeft")
    page.wait_for_url(re.compile(r"at_step=\d+"))
    expect(board).to_have_attribute("data-looked", re.compile(r"\d+"))
    looked = int(board.get_attribute("data-looked") or 0)
    expect(back).to_have_attribute("aria-valuetext", re.compile(rf"^step {looked:,} of [0-9,]+$"))
    expect(board).to_have_attribute("data-step", str(looked))
    assert status(app_server, run)["status"] == "running", "looking back has stopped the run"
    page.get_by_role("button", name="β = 4", exact=True).click()
    expect(page.get_by_text(f"For a fork from step {looked:,}").first).to_be_visible()
    assert status(app_server, run)["beta"] == 1.0
    button(page, "train_fork").click()
    page.wait_for_url(lambda url: f"run={run}" not in url and f"keep={run}" in url)
    fork = run_in(page)
    await_status(app_server, fork, status="running", beta=4.0)
    expect(board).to_have_attribute("data-fork", str(looked))
    expect(board).to_have_attribute("data-ghosts", "1")
    expect(board).to_have_attribute("data-looked", "")
    expect(page.get_by_text("parent · β 1")).to_be_visible()
    shown = values_of(board, "data-looked")
    page.get_by_role("button", name="Replay how the run came here").click()
    until(lambda: shown()[:4] == ["", "0", "1", "2"], "the first steps of the replay, one after the other")
    page.get_by_role("button", name="Hold the replay").click()
    page.get_by_role("button", name="Now", exact=True).click()
    expect(board).to_have_attribute("data-looked", "")
    stop(page, app_server)


TWICE: Final = """key => {
    const shown = [...document.querySelectorAll(`.st-key-${key} button`)].find(one => one.offsetParent);
    shown.click();
    setTimeout(() => shown.click(), 40);
}"""


def test_a_press_that_comes_twice_makes_one_run(app_server: Server, page: Page) -> None:
    """A hand that presses again, since nothing has happened yet, does not fork its fork."""
    runs = app_server.home / "runs"
    page.goto(f"{app_server.url}/train{LONG}")
    expect(button(page, "train_start")).to_be_enabled()
    known = set(runs.iterdir()) if runs.exists() else set()
    page.evaluate(TWICE, "train_start")
    page.wait_for_url(re.compile(r"run=[0-9a-f]{16}"))
    run = run_in(page)
    until(lambda: status(app_server, run).get("step", 0) > 0, "the first step")
    expect(button(page, "train_fork")).to_be_enabled()
    page.evaluate(TWICE, "train_fork")
    page.wait_for_url(lambda url: f"run={run}" not in url and f"keep={run}" in url)
    fork = run_in(page)
    await_status(app_server, fork, status="running")
    expect(page.locator(".board")).to_have_attribute("data-ghosts", "1")
    assert {one.name for one in set(runs.iterdir()) - known} == {run, fork}
    stop(page, app_server)
