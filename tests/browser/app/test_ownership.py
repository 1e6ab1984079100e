"""Ownership in browsers: it outlives a reload, and nobody else steers, nor by the raw protocol."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playwright.sync_api import Page, WebSocket, expect

from benchmarks.serving import Server
from benchmarks.websocket_client import open_session
from dashboard.shell.browser import COOKIE
from tests.browser.app.test_training_job import LONG, board_of, hold, line, press, start, stop
from tests.browser.pages import NewPage
from tests.polling import until

STEERING = ("train_pause", "train_step", "train_epoch", "train_stop", "train_reset")


def status_of(server: Server, run: str) -> dict[str, Any]:
    return json.loads((server.home / "runs" / run / "status.json").read_text("utf-8"))


def cookie_of(page: Page) -> str:
    return until(
        lambda: next((one["value"] for one in page.context.cookies() if one["name"] == COOKIE), None),  # type: ignore[typeddict-item]
        "the cookie",
    )


async def steer(server: Server, run: str, *buttons: str, token: str = "") -> None:
    """Presses buttons and drags β as a client that heeds no page, with a browser's cookie or none."""
    cookies = {COOKIE: token} if token else {}
    async with open_session(server.url, page="train", query=f"run={run}", cookies=cookies) as session:
        for button in buttons:
            await session.rerun(press=button)
        await session.trigger("beta_dial", "moved", {"value": 7.5, "sequence": 1})


def raw(server: Server, run: str, *buttons: str, token: str = "") -> None:
    # Playwright has an event loop in this thread.
    with ThreadPoolExecutor(1) as other_thread:
        other_thread.submit(asyncio.run, steer(server, run, *buttons, token=token)).result()


def heard(page: Page) -> list[bytes]:
    """Fills with what a page is told by the server; for a page that has not been opened yet."""
    frames: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on(
            "framereceived",
            lambda frame: frames.append(frame if isinstance(frame, bytes) else frame.encode()),
        )

    page.on("websocket", listen)
    return frames


def test_reload_keeps_the_run_and_nobody_else_steers_it(
    app_server: Server, page: Page, new_page: NewPage
) -> None:
    run = start(page, app_server, LONG)
    token = cookie_of(page)
    step = hold(page)
    page.reload()
    expect(board_of(page)).to_have_attribute("data-owner", "you")
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_enabled()

    other = new_page()
    frames = heard(other)
    other.goto(page.url)
    expect(board_of(other)).to_have_attribute("data-owner", "other")
    expect(line(other)).to_contain_text("started by someone else")
    for key in STEERING:
        expect(other.locator(f".st-key-{key} button").first).to_be_disabled()
    assert frames
    assert not any(token.encode() in frame for frame in frames), "the token reached another browser"

    before = status_of(app_server, run)
    raw(app_server, run, *STEERING[:4])
    raw(app_server, run, *STEERING[:4], token="f" * 32)
    after = status_of(app_server, run)
    assert [after[name] for name in ("status", "step", "beta")] == ["paused", step, before["beta"]]
    raw(app_server, run, "train_step", token=token)
    until(lambda: status_of(app_server, run)["step"] == step + 1, "the same client steers with the cookie")
    until(lambda: status_of(app_server, run)["beta"] == 7.5, "its β")

    press(other, "Take a copy")
    expect(board_of(other)).to_have_attribute("data-owner", "you")
    other.wait_for_url(lambda url: run not in url)
    press(other, "Step")
    expect(board_of(other)).to_have_attribute("data-step", str(step + 2))
    stop(other)
    assert status_of(app_server, run)["step"] == step + 1
    stop(page)


def test_another_tab_of_the_browser_sees_a_run_go_on_and_stop(app_server: Server, page: Page) -> None:
    start(page, app_server, LONG)
    stop(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(line(other)).to_contain_text("Stopped")
    press(page, "Resume")
    expect(line(other)).to_contain_text("Training")
    stop(other)
    expect(line(page)).to_contain_text("Stopped")
    other.close()


def test_a_page_of_another_browser_sees_a_run_go_on_and_stop(
    app_server: Server, page: Page, new_page: NewPage
) -> None:
    run = start(page, app_server, LONG)
    hold(page)
    other = new_page()
    other.goto(f"{app_server.url}/elbo?elbo_view=units&run={run}")
    expect(other.get_by_text("paused, started by someone else")).to_be_visible()
    press(page, "Resume")
    expect(other.get_by_text("training, started by someone else")).to_be_visible()
    expect(other.get_by_role("button", name="Newest weights")).to_be_visible()
    stop(page)
    expect(other.get_by_text("stopped, started by someone else")).to_be_visible()
    expect(other.get_by_role("button", name="Newest weights")).to_have_count(0)
    expect(other.get_by_test_id("stException")).to_have_count(0)
