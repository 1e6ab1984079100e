"""Takes the pictures of the README from the running dashboard: ``python -m scripts.screenshots``.

Needs requirements-dev.txt and a Chromium. The training in the picture is a real one, caught half way.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page, sync_playwright

from benchmarks.browsing import FLAGS, find_browser
from benchmarks.serving import ENTRY, ROOT, start_server, stop_process

FOLDER: Final = ROOT / "docs" / "images"
WAIT_MS: Final = 60_000


def start(page: Page) -> None:
    """The Start page with its moving dot."""
    page.get_by_role("heading", level=1).wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(3000)


def train(page: Page) -> None:
    """A training of the digits, some seconds after Start."""
    page.get_by_role("button", name="Start", exact=True).click(timeout=WAIT_MS)
    page.locator(".board[data-step]").wait_for(timeout=WAIT_MS)
    page.mouse.move(640, 790)
    page.wait_for_timeout(4000)


def walk(page: Page) -> None:
    """The latent plane with the pointer on it."""
    plane = page.locator("canvas.hand").first
    plane.wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(2000)
    box = plane.bounding_box()
    if box is not None:
        page.mouse.move(box["x"] + 0.62 * box["width"], box["y"] + 0.4 * box["height"])
    page.wait_for_timeout(1000)


def plots(page: Page) -> None:
    """A page of figures, when its charts have been drawn."""
    page.locator(".js-plotly-plot").nth(1).wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1000)


def drag(page: Page) -> None:
    """The best Gaussian q, found by its optimisation."""
    page.locator(".chosen .gap").wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Find the best q").click()
    page.locator(".chosen .result").get_by_text("approximation gap").wait_for(timeout=WAIT_MS)


def back(page: Page) -> None:
    """The drawn network when the backward pass has reached its last layer."""
    page.get_by_role("button", name="δ⁽²⁾").click(timeout=WAIT_MS)
    page.get_by_text("By hand = automatic differentiation").wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1500)


SHOTS: Final[tuple[tuple[str, str, Literal["light", "dark"], Callable[[Page], None]], ...]] = (
    ("start", "/", "light", start),
    ("train", "/train", "light", train),
    ("train-dark", "/train", "dark", train),
    ("latent-space", "/latent_space", "light", walk),
    ("elbo", "/elbo", "light", plots),
    ("free-energy", "/free_energy?free_energy_view=gaussian", "light", drag),
    ("back-propagation", "/gradients?gradients_view=back_propagation", "light", back),
)


def main() -> None:
    """Starts a server of its own, takes the pictures and ends it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = start_server(ENTRY, cwd=ROOT, home=Path(home))
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        try:
            for name, path, scheme, prepare in SHOTS:
                page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
                page.goto(server.url + path)
                prepare(page)
                page.screenshot(path=FOLDER / f"{name}.png")
                if prepare is train:
                    # It would train on, and the next one wait for its place.
                    page.get_by_role("button", name="Stop", exact=True).click()
                    page.get_by_text("Stopped at step").wait_for(timeout=WAIT_MS)
                page.close()
        finally:
            browser.close()
            stop_process(server.process)


if __name__ == "__main__":
    main()
