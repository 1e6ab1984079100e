"""The Latent space page in a browser: its element moves without the server, a click chooses an example."""

import re
import shutil

import numpy as np
import torch
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from benchmarks.browsing import sent_messages
from benchmarks.serving import Server
from benchmarks.wide_run import write_crowded_run
from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.browser.elements.latent.explorer import Explorer
from tests.browser.pages import PIXELS, NewPage, drawn, ended, place
from vae_core.data import load_dataset
from vae_core.runs.runfile import load_run


def test_a_click_on_a_point_chooses_its_example_with_one_message(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    page.goto(app_server.url)
    page.get_by_role("link", name="Latent space").first.click()
    explorer = Explorer(page=page, root=page.locator(".explorer"))
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"))
    example = page.locator(".st-key-neighbour_example").get_by_role("slider")
    expect(example).to_have_value("0")
    ended(page)
    explorer.rest()
    sent.clear()
    for row in (7, 30):
        mean = pretrained_means()[row]
        explorer.click((float(mean[0]), float(mean[1])))
        near = str(explorer.root.get_attribute("data-nearest"))
        expect(example).to_have_value(near)
        ended(page)
    assert len(sent) == 2, f"{len(sent)} messages"
    far = explorer.numbers("view")[[1, 3]] - 0.15
    explorer.click((float(far[0]), float(far[1])))
    # What the server makes of it has begun, and ends.
    expect(page).to_have_url(re.compile("pins="))
    ended(page)
    assert len(sent) == 3, "a click beside all points is a pin, of which the link hears"
    expect(example).to_have_value(near)


def test_a_run_that_vanishes_mid_move_keeps_its_pictures(app_server: Server, page: Page) -> None:
    run_id = write_crowded_run(app_server.home, 50)
    page.goto(f"{app_server.url}/latent_space?run={run_id}")
    explorer = Explorer(page=page, root=page.locator(".explorer"))
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"))
    ended(page)
    explorer.rest()
    explorer.point((0.0, 0.0))
    weights = explorer.root.get_attribute("data-hash")
    shutil.rmtree(app_server.home / "runs" / run_id)
    seen = explorer.root.locator(".picture").evaluate(PIXELS)
    explorer.point((1.5, -1.5))
    assert explorer.root.locator(".picture").evaluate(PIXELS) != seen
    explorer.click((1.0, 1.0))
    assert explorer.root.get_attribute("data-hash") == weights
    page.reload()
    expect(page.get_by_text("no longer exists")).to_be_visible()


def pretrained_means() -> NDArray[np.float32]:
    """Posterior means of the held-out digits under the pretrained model, shape (n, 2)."""
    found = load_run(PRETRAINED_RUN)
    data = load_dataset(found.config.dataset, seed=found.config.seed)
    with torch.no_grad():
        return found.model().posterior(data.x_test[:]).mean.numpy()


def test_server_hears_nothing_of_the_pointer(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    page.goto(app_server.url)
    page.get_by_role("link", name="Latent space").first.click()
    explorer = Explorer(page=page, root=page.locator(".explorer"))
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"))
    ended(page)
    explorer.rest()
    box, seen = place(explorer.hand), set()
    sent.clear()
    for step in range(50):
        page.mouse.move(box["x"] + 100 + 6 * step, box["y"] + 60 + 4 * step)
        drawn(page)
        seen.add(explorer.root.get_attribute("data-z"))
    assert sent == [], f"{len(sent)} messages"
    assert len(seen) == 50, "a place of the pointer was not drawn"


def test_on_the_page_slider_and_drawing_move_the_explorer_without_the_server(
    app_server: Server, new_page: NewPage
) -> None:
    page = new_page(viewport={"width": 1280, "height": 1400})
    sent = sent_messages(page)
    page.goto(app_server.url)
    page.get_by_role("link", name="Latent space").first.click()
    page.get_by_role("button", name="New samples").wait_for()
    explorer = page.locator(".explorer")
    expect(explorer).to_have_attribute("data-z", "0,0")
    ended(page)
    before = len(sent)
    page.locator("#traversal-1").press("End")
    expect(explorer).to_have_attribute("data-z", "0,3")
    page.get_by_role("button", name="Take a held-out image").press("Enter")
    expect(page.locator(".drawing dt")).to_have_count(3)
    expect(explorer).not_to_have_attribute("data-z", "0,3")
    assert len(sent) == before + 1 > 1, "the link hears of the slider when it is let go, and of nothing else"
