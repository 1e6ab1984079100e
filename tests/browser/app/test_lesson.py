"""The lesson that the dashboard is made for, played once from start to end by a lecturer and a student."""

import asyncio
import re
import threading
import time
from collections.abc import Coroutine
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from benchmarks.websocket_client import open_session
from dashboard.shell.browser import COOKIE
from tests.browser.pages import WAIT_MS, NewPage, place, places
from tests.polling import until

SETTINGS: Final = "seed=7&hidden=64&speed=30"
"""A run without an end that leaves the machine to the pages."""


def board(page: Page) -> Locator:
    # The board of the example model, without a step, may still stand there beside the run's.
    return page.locator(".board[data-step]")


def told(page: Page, name: str) -> str:
    return board(page).get_attribute(f"data-{name}") or ""


def step_of(page: Page) -> int:
    return int(told(page, "step") or 0)


def await_step(page: Page, above: int) -> int:
    return until(lambda: step_of(page) > above and step_of(page), f"a step above {above}")


def button(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}").get_by_role("button")


def press(page: Page, key: str) -> None:
    button(page, key).click()


def line(page: Page) -> Locator:
    return page.locator(".st-key-run_line")


def dial(page: Page) -> Locator:
    return page.locator(".st-key-beta").get_by_role("slider")


def beta_of(page: Page) -> float:
    return float(dial(page).get_attribute("aria-valuenow") or "nan")


def hold(page: Page) -> int:
    """Pauses; returns the step at which the board stands."""
    press(page, "train_pause")
    expect(line(page)).to_contain_text("Paused")
    return resting_step(page)


def resting_step(page: Page) -> int:
    """The step at which a run rests, as its line says it, once the board is drawn for it."""
    shown = re.search(r"step ([\d,]+)", line(page).inner_text())
    assert shown
    step = shown[1].replace(",", "")
    expect(board(page)).to_have_attribute("data-step", step)
    return int(step)


def drag_beta(page: Page) -> None:
    """Drags the dial to the right, and sees the run follow at two places while the button is down."""
    track = place(dial(page))
    middle = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + track["width"] * 0.5, middle)
    page.mouse.down()
    seen = set()
    for share in (0.6, 0.75):
        page.mouse.move(track["x"] + track["width"] * share, middle, steps=4)
        until(lambda: float(told(page, "beta")) == beta_of(page), "the run's β is that of the dial")
        seen.add(beta_of(page))
    assert len(seen) == 2
    page.mouse.up()


def shared_link(page: Page, run: str) -> str:
    """The link of the Share button."""
    press(page, "share")
    dialogue = page.get_by_role("dialog")
    shown = dialogue.get_by_test_id("stCode")
    expect(shown).to_contain_text(f"run={run}")
    link = shown.inner_text().strip()
    # Not Escape: that may close the tooltip of the button under the pointer alone.
    dialogue.get_by_role("button", name="Close").click()
    expect(dialogue).to_have_count(0)
    return link


def rows_of_buttons(page: Page) -> set[float]:
    """How far down the buttons of the page stand."""
    expect(button(page, "share")).to_be_visible()
    return {box["y"] for box in places(page.locator(".st-key-train_head button:visible"))}


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine in a thread of its own: Playwright has a loop in this one."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as err:
            failed.append(err)

    thread = threading.Thread(target=run, name="raw protocol")
    thread.start()
    thread.join(WAIT_MS / 1000)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def say(server: Server, page: Page, *keys: str, beta: float) -> None:
    """Says what a page in the browser of ``page`` could say, were its buttons and its dial not disabled."""
    query = urlsplit(page.url).query
    all_cookies = {one.get("name", ""): one.get("value", "") for one in page.context.cookies()}
    cookies = {COOKIE: all_cookies[COOKIE]}
    moved = {"value": beta, "sequence": int(1000 * time.time())}

    async def speak() -> None:
        async with open_session(server.url, page="train", query=query, cookies=cookies) as session:
            for key in keys:
                await session.rerun(press=key)
            await session.trigger("beta_dial", "moved", moved)

    run_apart(speak())


def test_lesson(app_server: Server, page: Page, new_page: NewPage) -> None:
    # The lecturer starts, and bends the curves by hand.
    page.goto(f"{app_server.url}/train?{SETTINGS}")
    press(page, "train_start")
    await_step(page, 0)
    first = told(page, "run")
    assert told(page, "owner") == "you"
    drag_beta(page)
    step = hold(page)
    press(page, "train_step")
    expect(board(page)).to_have_attribute("data-step", str(step + 1))

    # The curve stays beside that of the next run.
    press(page, "train_keep")
    expect(button(page, "train_keep")).to_contain_text("Kept")
    page.locator(".st-key-beta").get_by_role("button", name="β = 0.1", exact=True).click()
    expect(board(page)).to_have_attribute("data-beta", "0.1")
    press(page, "train_start")
    expect(board(page)).not_to_have_attribute("data-run", first)
    expect(board(page)).to_have_attribute("data-ghosts", "1")
    await_step(page, 0)
    second = told(page, "run")

    # The link, in another browser, shows the same.
    student = new_page()
    student.goto(shared_link(page, second))
    expect(board(student)).to_have_attribute("data-owner", "other")
    expect(board(student)).to_have_attribute("data-run", second)
    expect(board(student)).to_have_attribute("data-ghosts", "1")
    expect(student).to_have_title("Train · VAE Dashboard")
    said = parse_qs(urlsplit(student.url).query)
    assert (said["run"], said["keep"]) == ([second], [first])
    expect(dial(student)).to_have_attribute("aria-valuetext", "β = 0.1")
    expect(student.locator(".st-key-seed input")).to_have_value("7")
    expect(student.locator(".st-key-hidden input")).to_have_value("64")

    # Its buttons keep to one row.
    until(lambda: len(rows_of_buttons(student)) == 1, "one row")

    # It watches and cannot steer, neither by hand nor by the protocol.
    for key in ("train_pause", "train_stop", "train_step", "train_epoch"):
        expect(button(student, key)).to_be_disabled()
    expect(dial(student)).to_have_attribute("aria-disabled", "true")
    say(app_server, student, "train_pause", "train_stop", "train_step", "train_epoch", beta=9.0)
    await_step(page, step_of(page))
    expect(line(page)).to_contain_text("Training")
    assert told(page, "beta") == "0.1"

    # A copy is its own.
    press(student, "train_copy")
    expect(board(student)).to_have_attribute("data-owner", "you")
    expect(line(student)).to_contain_text("Paused")
    assert told(student, "run") not in (first, second)
    assert step_of(student) > 0

    # After a reload the lecturer still owns the run; one that was stopped goes on.
    page.reload()
    expect(board(page)).to_have_attribute("data-owner", "you")
    expect(board(page)).to_have_attribute("data-run", second)
    press(page, "train_stop")
    expect(line(page)).to_contain_text("Stopped at step")
    expect(button(page, "train_pause")).to_contain_text("Resume")
    stopped = resting_step(page)
    press(page, "train_pause")
    await_step(page, stopped)

    # What was refused to the student is what the lecturer's browser may say.
    say(app_server, page, "train_pause", beta=9.0)
    expect(line(page)).to_contain_text("Paused")
    expect(line(page)).to_contain_text("β 9 ")
    press(page, "train_stop")
    expect(line(page)).to_contain_text("Stopped at step")
