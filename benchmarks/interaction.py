"""How fast the pages answer a hand: ``python -m benchmarks.interaction``.

Drives the real pages in headless Chromium. On Latent space the pointer circles over the plane: pictures per
second, milliseconds per decode, and messages sent to the server meanwhile (there should be none). On ELBO,
where the server still answers, milliseconds from a key on a slider to the new number; on every page with such
a slider, from the key to the new picture, by the browser's own clock: at values where the slider has not been
since the server began, and again at values where it has, whose computations the server keeps. On Train,
milliseconds from a snapshot in the run folder to the board that shows it, and on Latent space from a
training's saved weights to the plane that shows them. The last line printed is JSON with all figures.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch
from playwright.sync_api import BrowserContext, Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.browsing import FLAGS, find_browser, sent_messages
from benchmarks.report import machine, table
from benchmarks.serving import ENTRY, Server, start_server, stop_process
from benchmarks.wide_run import write_crowded_run, write_wide_run
from vae_core.runs.runfile import load_run

WAIT_MS: Final = 60_000
PATIENCE_S: Final = 20.0
MOVE_MS: Final = 4
"""Pause between two pointer moves: twice as many moves as a display of 120 Hz has frames."""


class Picture(NamedTuple):
    """A slider of a page, which of the two arrow keys moves it first, and where its picture is."""

    url: str
    slider: str
    key: str
    shown: str


PICTURES: Final = {
    "elbo": Picture(
        "elbo?elbo_view=one_example", "Example", "ArrowRight", ".st-key-posterior .cartesianlayer"
    ),
    "latent_space": Picture(
        "latent_space", "Example", "ArrowRight", "img[alt^='The nearest examples in data']"
    ),
    "latent_space, grid": Picture("latent_space", "Size", "ArrowRight", ".st-key-grid .cartesianlayer"),
    "free_energy": Picture(
        "free_energy?free_energy_view=em", "Components K", "ArrowRight", ".st-key-em .cartesianlayer"
    ),
    "gradients": Picture("gradients", "μ", "ArrowRight", ".st-key-estimators_0 .cartesianlayer"),
    "priors": Picture(
        "priors?priors_view=weights", "Flowers N", "ArrowRight", ".st-key-w_line .cartesianlayer"
    ),
    "compare": Picture(
        "compare?compare_view=optimisers&optimiser_view=surface",
        "Start z₁",
        "ArrowLeft",
        ".st-key-descent .cartesianlayer",
    ),
}
"""By page. What the browser draws by itself (Start, the plane, the dials) waits for nobody."""
_TURNED: Final = {"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight"}
PLACE: Final = "(slider) => [slider.min, slider.max, slider.value].map(Number)"
FOLLOW: Final = """(shown) => {
    const look = () => [...document.querySelectorAll(shown)].map((one) => one.outerHTML).join("");
    const isWithin = (node) => (node instanceof Element ? node : node.parentElement)?.closest(shown);
    const brings = (node) => node instanceof Element && (node.matches(shown) || node.querySelector(shown));
    // Reading a picture takes milliseconds: only where something in it has changed.
    const concerns = ({ target, addedNodes }) => isWithin(target) || [...addedNodes].some(brings);
    const before = look();
    let pressed = 0;
    window.followed = null;
    window.follower?.disconnect();
    addEventListener("keydown", () => { pressed = performance.now(); }, { capture: true, once: true });
    const observer = new MutationObserver((changes) => {
        if (!pressed || !changes.some(concerns)) return;
        const now = look();
        if (now === "" || now === before) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => { window.followed = performance.now() - pressed; }));
    });
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    observer.observe(document.body, all);
    window.follower = observer;
}"""
"""Notes the milliseconds from the next key to the end of the frame in which a part of the page changed."""


class Effort(NamedTuple):
    """Seconds of pointer moves, presses on sliders of pages, snapshots and planes to await, data to show."""

    move_s: float
    presses: int
    pages: tuple[str, ...]
    snapshots: int
    live_planes: int
    crowds: tuple[int, ...]


FULL: Final = Effort(
    move_s=5.0, presses=30, pages=tuple(PICTURES), snapshots=8, live_planes=4, crowds=(10_000, 60_000)
)
QUICK: Final = Effort(
    move_s=0.2, presses=1, pages=("elbo", "latent_space"), snapshots=1, live_planes=1, crowds=(2000,)
)


class Walk(NamedTuple):
    """The pointer over the plane: pictures a second, median decode, moves made, messages to the server."""

    frames_per_second: float
    decode_ms: float
    moves: int
    messages: int


class Times(NamedTuple):
    """Quantiles in milliseconds."""

    p50_ms: float
    p95_ms: float


class Visits(NamedTuple):
    """How many presses on a slider they are of, and quantiles in milliseconds."""

    presses: int
    p50_ms: float
    p95_ms: float


def walk(context: BrowserContext, url: str, seconds: float) -> Walk:
    """Circles the pointer over the latent plane at ``url``."""
    page = context.new_page()
    sent = sent_messages(page)
    page.goto(url)
    root = page.locator("[data-hash][data-frames]").first
    root.wait_for(timeout=WAIT_MS)
    _rest(page)
    box = page.locator("canvas.hand").first.bounding_box(timeout=WAIT_MS)
    if box is None:
        raise RuntimeError("the latent plane has no size")
    before, frames, began, moves = len(sent), _number(root, "data-frames"), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        _move(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, time.monotonic() - began)
        moves += 1
    took = time.monotonic() - began
    found = Walk(
        frames_per_second=(_number(root, "data-frames") - frames) / took,
        decode_ms=_number(root, "data-decode-ms"),
        moves=moves,
        messages=len(sent) - before,
    )
    page.close()
    return found


def slider(context: BrowserContext, url: str, presses: int) -> Times:
    """Moves the slider of data on ELBO by keys and waits for the example's new numbers each time."""
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.goto(url)
    handle = page.get_by_role("slider", name="Example")
    handle.wait_for(timeout=WAIT_MS)
    line = page.get_by_text("KL(q ‖ true posterior)").filter(has_text="log p(x)").first
    line.wait_for(timeout=WAIT_MS)
    _rest(page)
    handle.focus()
    times = []
    for _ in range(presses):
        shown, began = line.inner_text(), time.monotonic()
        handle.press("ArrowRight")
        while line.inner_text() == shown:
            if time.monotonic() - began > PATIENCE_S:
                raise RuntimeError("the slider of data changed nothing")
            time.sleep(0.002)
        times.append((time.monotonic() - began) * 1000)
    page.close()
    return _times(times)


def picture(context: BrowserContext, url: str, case: Picture, presses: int) -> dict[str, Visits]:
    """Moves a slider by keys and waits for its picture each time: by "first" and "again", whatever there was.

    At an end it turns round. The first press is left out: it pays for what is loaded late.

    Raises:
        RuntimeError: A press changed nothing.
    """
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.goto(f"{url}/{case.url}")
    handle = page.get_by_role("slider", name=case.slider).first
    handle.wait_for(timeout=WAIT_MS)
    page.locator(case.shown).first.wait_for(timeout=WAIT_MS, state="attached")
    _rest(page)
    key, times = case.key, dict[str, list[float]]()
    low, high, place = handle.evaluate(PLACE)
    seen = {place}
    for press in range(presses + 1):
        if place == (high if key == "ArrowRight" else low):
            key = _TURNED[key]
        page.evaluate(FOLLOW, case.shown)
        handle.press(key)
        took = _followed(page, f"{case.url}: {key} on “{case.slider}” at {place:g} changed no picture")
        _rest(page)
        _, _, place = handle.evaluate(PLACE)
        if press:
            times.setdefault("again" if place in seen else "first", []).append(took)
        seen.add(place)
    page.close()
    return {visit: Visits(len(took), *_times(took)) for visit, took in times.items()}


def _followed(page: Page, otherwise: str) -> float:
    """What ``FOLLOW`` noted, milliseconds."""
    try:
        page.wait_for_function("window.followed !== null", timeout=PATIENCE_S * 1000)
    except PlaywrightTimeout:
        raise RuntimeError(f"{otherwise} within {PATIENCE_S:g} s") from None
    return float(page.evaluate("window.followed"))


def pictures(server: Server, names: Sequence[str], presses: int) -> dict[str, Visits]:
    """From a slider to its picture, by page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        try:
            context = browser.new_context()
            return {
                f"slider_to_picture, {name}, {visit}": times
                for name in names
                for visit, times in picture(context, server.url, PICTURES[name], presses).items()
            }
        finally:
            browser.close()


def board(context: BrowserContext, server: Server, snapshots: int) -> Times:
    """Starts a training and takes the age of each snapshot when the board first shows it."""
    page, folder = _training(context, server)
    root, snapshot = page.locator("[data-rows][data-step]").first, folder / "snapshot.safetensors"
    times, step = [], _number(root, "data-step")
    deadline = time.monotonic() + PATIENCE_S
    while len(times) < snapshots and time.monotonic() < deadline:
        written = snapshot.stat().st_mtime
        shown = _number(root, "data-step")
        if shown != step:
            times.append(max(0.0, time.time() - written) * 1000)
            step = shown
        time.sleep(0.005)
    # A training that goes on would take the core that the next figure is measured on.
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator(".st-key-run_line").get_by_text("Stopped").wait_for(timeout=WAIT_MS)
    page.close()
    return _times(times)


def live_plane(context: BrowserContext, server: Server, snapshots: int) -> Times:
    """Starts a training, opens Latent space, and takes the age of weights when the plane first shows them."""
    page, folder = _training(context, server)
    page.get_by_role("link", name="Latent space").first.click()
    root, weights = page.locator("[data-hash][data-frames]").first, folder / "run.safetensors"
    root.wait_for(timeout=WAIT_MS)
    times: list[float] = []
    written: dict[float, float] = {}
    step, deadline = _number(root, "data-step"), time.monotonic() + WAIT_MS / 1000
    while len(times) < snapshots and time.monotonic() < deadline:
        saved = weights.stat().st_mtime
        if saved not in written.values():
            written[load_run(weights).step] = saved
        shown = _number(root, "data-step")
        if shown != step and shown in written:
            times.append((time.time() - written[shown]) * 1000)
        step = shown
        time.sleep(0.005)
    page.close()
    if not times:
        raise RuntimeError("the plane showed no new weights")
    return _times(times)


def _training(context: BrowserContext, server: Server) -> tuple[Page, Path]:
    """A page on which a training has begun, and its run's folder."""
    page = context.new_page()
    page.goto(f"{server.url}/train")
    page.get_by_role("button", name="Start", exact=True).click(timeout=WAIT_MS)
    page.locator("[data-rows][data-step]").first.wait_for(timeout=WAIT_MS)
    page.wait_for_url("**run=*", timeout=WAIT_MS)
    return page, server.home / "runs" / page.url.partition("run=")[2][:16]


def measure(server: Server, effort: Effort) -> dict[str, object]:
    """All figures, from pages of one server."""
    wide = write_wide_run(server.home)
    crowds = {count: write_crowded_run(server.home, count) for count in effort.crowds}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        # One context: what the browser has compiled for one page serves the next.
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        latent, elbo = f"{server.url}/latent_space", f"{server.url}/elbo?elbo_view=one_example"
        planes = {"digits": latent, "784-400-2": f"{latent}?run={wide}"}
        planes |= {f"{count} data": f"{latent}?run={run}" for count, run in crowds.items()}
        try:
            return {
                **{name: walk(context, url, effort.move_s)._asdict() for name, url in planes.items()},
                "slider_to_number": slider(context, elbo, effort.presses)._asdict(),
                "snapshot_to_board": board(context, server, effort.snapshots)._asdict(),
                "weights_to_plane": live_plane(context, server, effort.live_planes)._asdict(),
            }
        finally:
            browser.close()


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.interaction", description="Speed of the pages."
    )
    parser.add_argument("--quick", action="store_true", help="tiny: tries the benchmark, says nothing")
    parser.add_argument("--pictures", nargs="+", choices=PICTURES, help="only the sliders of these pages")
    parser.add_argument("--presses", type=int, help=f"on each slider; {FULL.presses} unless it is given")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else FULL
    if options.presses is not None:
        effort = effort._replace(presses=options.presses)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = start_server(ENTRY, cwd=Path(folder), home=Path(folder))
        try:
            found = pictures(server, options.pictures or effort.pages, effort.presses)
            figures: dict[str, object] = {name: times._asdict() for name, times in found.items()}
            if options.pictures is None:
                figures |= measure(server, effort)
        finally:
            stop_process(server.process)
    rows: list[list[str]] = [["what", "figure", "value"]]
    for name, found in figures.items():
        rows += [[name, key, f"{value:.2f}"] for key, value in dict(found).items()]  # type: ignore[call-overload]
    print(f"{table(rows)}\n")
    print(json.dumps({"machine": machine(), "figures": figures}))
    return 0


def _rest(page: Page) -> None:
    """Waits until the script that draws the page has ended."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=WAIT_MS)


def _move(page: Page, x: float, y: float, seconds: float) -> None:
    angle = 2 * math.pi * seconds / 1.5
    page.mouse.move(x + 90 * math.cos(angle), y + 90 * math.sin(1.3 * angle))
    time.sleep(MOVE_MS / 1000)


def _number(root: Locator, name: str) -> float:
    return float(root.get_attribute(name) or "nan")


def _times(milliseconds: list[float]) -> Times:
    ordered = sorted(milliseconds)
    return Times(
        statistics.median(ordered), ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
