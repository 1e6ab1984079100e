"""Data in the latent plane: as many as there may be, and one chosen by a click."""

import re
import shutil
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from benchmarks.wide_run import write_crowded_run
from dashboard.runs.pretrained import SHIPPED_RUN
from tests.browser.latent_explorer_page import make_data, make_model
from tests.browser.test_latent_explorer import PIXELS, Explorer, decoded, opened, server
from vae_core.data import load_dataset
from vae_core.runs.runfile import load_run

__all__ = ["opened", "server"]


def test_a_click_on_a_point_chooses_its_datum_with_one_message(app_server: Server, page: Page) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    page.goto(app_server.url)
    page.get_by_role("link", name="Latent space").first.click()
    explorer = Explorer(page=page, root=page.locator(".explorer"), state=app_server.home / "state")
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"), timeout=30_000)
    datum = page.locator(".st-key-neighbour_datum").get_by_role("slider")
    expect(datum).to_have_value("0", timeout=30_000)
    page.wait_for_timeout(1500)
    sent.clear()
    for row in (7, 30):
        mean = shipped_means()[row]
        explorer.click((float(mean[0]), float(mean[1])))
        near = str(explorer.root.get_attribute("data-nearest"))
        expect(datum).to_have_value(near)
    assert len(sent) == 2, f"{len(sent)} messages"
    far = explorer.numbers("view")[[1, 3]] - 0.15
    explorer.click((float(far[0]), float(far[1])))
    assert len(sent) == 2, "a click beside all points is the browser's own business"


def test_sixty_thousand_data_are_all_there(opened: Callable[..., Explorer]) -> None:
    explorer = opened("many")
    canvas = explorer.root.locator(".map")
    expect(canvas).to_have_attribute("aria-label", re.compile("60000 held-out data"))
    with torch.no_grad():
        means = make_model("many", 1).posterior(make_data("many")).mean.double().numpy()
    explorer.point((0.3, -0.2))
    place = explorer.numbers("z")
    away = np.linalg.norm(means - place, axis=1)
    # The browser has the means in float32: it may take another datum only where two are equally near.
    assert away[int(explorer.numbers("nearest")[0])] - away.min() < 1e-5
    assert np.abs(explorer.picture() - decoded("many", 1, place)).max() <= 1.0
    covered = np.array(canvas.evaluate(PIXELS)).reshape(-1, 4)[:, 3] > 100
    # Axes, names and contours alone cover a few thousand pixels, the cloud many more.
    assert covered.sum() > 10_000, "no points are drawn"


@pytest.mark.usefixtures("deep_links")
def test_a_run_that_vanishes_mid_move_keeps_its_pictures(app_server: Server, page: Page) -> None:
    run_id = write_crowded_run(app_server.home, 50)
    page.goto(f"{app_server.url}/latent_space?run={run_id}")
    explorer = Explorer(page=page, root=page.locator(".explorer"), state=app_server.home / "state")
    expect(explorer.root).to_have_attribute("data-frames", re.compile(r"\d"), timeout=30_000)
    page.wait_for_timeout(1000)
    explorer.point((0.0, 0.0))
    weights = explorer.root.get_attribute("data-hash")
    shutil.rmtree(app_server.home / "runs" / run_id)
    seen = explorer.root.locator(".picture").evaluate(PIXELS)
    explorer.point((1.5, -1.5))
    assert explorer.root.locator(".picture").evaluate(PIXELS) != seen
    explorer.click((1.0, 1.0))
    assert explorer.root.get_attribute("data-hash") == weights
    page.reload()
    expect(page.get_by_text("no longer exists")).to_be_visible(timeout=30_000)


def shipped_means() -> NDArray[np.float32]:
    """Posterior means of the held-out digits under the model that ships, shape (n, 2)."""
    found = load_run(SHIPPED_RUN)
    data = load_dataset(found.config.dataset, seed=found.config.seed)
    with torch.no_grad():
        return found.model().posterior(data.x_test).mean.numpy()
