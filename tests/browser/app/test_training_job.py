"""The main job in a browser: train, watch, steer, come back, share, stop, recover."""

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from tests.browser.pages import NewPage, place
from tests.polling import until
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot, read_snapshot

ELBO: Final = HISTORY_COLUMNS.index("elbo_held_out")


LONG: Final = "?hidden=64&speed=30"
"""A run without an end that leaves the machine to the pages."""


def board_of(page: Page) -> Locator:
    return page.locator(".board")


def step_of(page: Page) -> int:
    # The board of the example model, without a step, may still stand there beside the run's.
    return int(page.locator(".board[data-step]").first.get_attribute("data-step") or 0)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def line(page: Page) -> Locator:
    return page.locator(".st-key-run_line")


def await_step(page: Page, above: int) -> int:
    return until(lambda: step_of(page) > above and step_of(page), f"a step above {above}")


def open_train(page: Page, server: Server, query: str = "") -> None:
    page.goto(f"{server.url}/train{query}")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def start(page: Page, server: Server, query: str = "") -> str:
    """Starts a run from a cold link and returns its id."""
    open_train(page, server, query)
    press(page, "Start")
    await_step(page, 0)
    return run_id(page)


def run_id(page: Page) -> str:
    # The element of the address may be loaded later than the board.
    page.wait_for_url(re.compile(r"run=[0-9a-f]{16}"))
    found = re.search(r"run=([0-9a-f]{16})", page.url)
    assert found, page.url
    return found[1]


def hold(page: Page) -> int:
    """Pauses and returns the step at which the board stands."""
    press(page, "Pause")
    expect(line(page)).to_contain_text("Paused")
    return resting_step(page)


def resting_step(page: Page) -> int:
    """The step at which a run rests, as its line says it, once the board is drawn for it."""
    shown = re.search(r"step ([\d,]+)", line(page).inner_text())
    assert shown
    step = int(shown[1].replace(",", ""))
    expect(board_of(page)).to_have_attribute("data-step", str(step))
    return step


def stop(page: Page) -> None:
    press(page, "Stop")
    expect(line(page)).to_contain_text("Stopped at step")


def test_first_points_come_soon_and_the_run_is_kept(
    app_server: Server, page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    open_train(page, app_server, LONG)
    began = time.monotonic()
    press(page, "Start")
    step = await_step(page, 0)
    with capsys.disabled():
        sys.stdout.write(f"\nStart to first curve point in a browser: {time.monotonic() - began:.2f} s\n")
    await_step(page, await_step(page, step))
    expect(board_of(page)).to_have_attribute("data-mounts", "1")
    run = run_id(page)
    page.reload()
    step = await_step(page, 0)
    page.get_by_role("link", name="Latent space").click()
    expect(page.get_by_text(re.compile(r"Run [0-9a-f]{4}, "))).to_be_visible()
    assert run_id(page) == run
    page.get_by_role("link", name="Train", exact=True).click()
    await_step(page, step)
    assert run_id(page) == run
    stop(page)


def test_pause_holds_and_beta_acts_at_once(app_server: Server, page: Page) -> None:
    start(page, app_server, LONG)
    step = hold(page)
    handle = page.get_by_role("slider", name="KL weight β")
    handle.focus()
    handle.press("End")
    expect(line(page)).to_contain_text("β 100 ")
    handle.press("ArrowLeft")
    expect(line(page)).to_contain_text("β 89 ")
    assert step_of(page) == step
    press(page, "Step")
    expect(board_of(page)).to_have_attribute("data-step", str(step + 1))
    press(page, "Resume")
    await_step(page, step + 1)
    stop(page)
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_enabled()
    last = resting_step(page)
    press(page, "Resume")
    await_step(page, last)
    stop(page)


def test_second_visitor_with_the_link_sees_the_same(
    app_server: Server, page: Page, new_page: NewPage
) -> None:
    start(page, app_server, LONG)
    step = hold(page)
    other = new_page()
    other.goto(page.url)
    expect(board_of(other)).to_have_attribute("data-step", str(step))
    assert run_id(other) == run_id(page)
    stop(page)


def test_zoom_is_kept_while_points_arrive(app_server: Server, page: Page) -> None:
    start(page, app_server, LONG)
    step = await_step(page, 200)
    box = place(page.locator(".elbo canvas"))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    # As a touchpad's pinch says it: a wheel alone scrolls the page.
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    expect(board_of(page)).not_to_have_attribute("data-zoom", "")
    zoom = board_of(page).get_attribute("data-zoom")
    await_step(page, await_step(page, step))
    expect(board_of(page)).to_have_attribute("data-zoom", str(zoom))
    stop(page)


def test_killed_worker_is_said_and_the_run_goes_on(app_server: Server, page: Page) -> None:
    folder = app_server.home / "runs" / start(page, app_server, LONG)
    (trainer,) = [pid for pid in children(app_server.process.pid) if has_open(pid, folder)]
    os.kill(trainer, signal.SIGKILL)
    expect(line(page)).to_contain_text("ended unexpectedly (signal 9): Resume goes on from the last save.")
    press(page, "Resume")
    expect(line(page)).to_contain_text("Training")
    stop(page)


def children(pid: int) -> list[int]:
    """Ids of the processes that a process started."""
    paths = Path("/proc").glob("[0-9]*/stat")
    return [int(path.parent.name) for path in paths if int(stat_of(path)[1]) == pid]


def stat_of(path: Path) -> list[str]:
    """Fields of a process from its state on; no process: zeros."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def has_open(pid: int, folder: Path) -> bool:
    """Whether a process has a folder open: the worker that trains a run keeps others out of it."""
    try:
        return any(link.readlink() == folder for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def test_default_digits_learn_and_separate(app_server: Server, page: Page) -> None:
    run = start(page, app_server)
    path = app_server.home / "runs" / run / "snapshot.safetensors"

    def learnt() -> Snapshot | None:
        snapshot = read_snapshot(path)
        risen = snapshot.history[-1, ELBO] - snapshot.history[0, ELBO]
        return snapshot if risen > 5 and neighbour_accuracy(snapshot) > 0.7 else None

    until(learnt, "5 nats more and classes that lie apart")
    stop(page)


def neighbour_accuracy(snapshot: Snapshot) -> float:
    """Share of held-out data whose nearest neighbour in the latent plane has the same class."""
    means = snapshot.means.astype(np.float64)
    distance = np.square(means[:, None] - means[None]).sum(-1)
    np.fill_diagonal(distance, np.inf)
    return float((snapshot.labels[distance.argmin(1)] == snapshot.labels).mean())
