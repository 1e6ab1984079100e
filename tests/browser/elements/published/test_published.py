"""The page of a run, opened from a disk by a browser that can reach nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, Route, expect

from dashboard.cached import pretrained_snapshot
from dashboard.publish.page import page_of
from dashboard.subject import pretrained
from tests.browser.elements.latent.explorer import Explorer
from tests.browser.pages import PIXELS, WAIT_MS, drawn, place

NAME: Final = "</script><script>window.hacked = 1</script>"
PLACES: Final = ((0.7, -0.4), (-1.6, 1.2), (0.0, 2.1))


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page, from a disk; in the end it has asked for nothing but itself, and no error occurred."""
    path = tmp_path / "page.html"
    path.write_bytes(page_of(pretrained(), pretrained_snapshot(), name=NAME).encode())
    asked: list[str] = []
    errors: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    context.set_default_timeout(WAIT_MS)
    context.route("**/*", answer)
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator(".explorer")).to_have_attribute("data-frames", re.compile("[0-9]+"))
    yield page
    context.close()
    assert set(asked) <= {path.as_uri()}
    assert errors == []


def test_page_decodes_and_encodes_from_a_disk_as_torch_does(opened: Page) -> None:
    page, model = opened, pretrained().model
    explorer = Explorer(page=page, root=page.locator(".explorer"))
    drawn(page)
    expect(page.locator(".sentence")).to_contain_text("ELBO (β = 1)")
    terms = page.locator(".board .term strong").all_inner_texts()
    assert all(term in page.locator(".sentence").inner_text() for term in terms), terms
    explorer.hand.scroll_into_view_if_needed()
    explorer.rest()  # what comes into sight is drawn, and takes its room

    for wanted in PLACES:
        explorer.point(wanted)
        z, decoded = (np.array(page.evaluate(f"vae.{name}()")) for name in ("z", "decoded"))
        np.testing.assert_allclose(z, wanted, atol=0.05)
        with torch.no_grad():
            by_torch = model.likelihood(torch.tensor(z).float()).mean.numpy()
        assert np.abs(decoded - by_torch).max() < 1e-5
        levels = np.array(explorer.root.locator(".picture").evaluate(PIXELS)).reshape(-1, 4)[:, 0]
        assert np.abs(levels - 255 * by_torch).max() < 0.51, "and that is what is drawn"

    pad = page.locator(".drawing .pad")
    pad.scroll_into_view_if_needed()
    explorer.rest()
    box = place(pad)
    for at, (x, y) in enumerate([(0.35, 0.15), (0.65, 0.15), (0.5, 0.5), (0.45, 0.9)]):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if at == 0:
            page.mouse.down()
    page.mouse.up()
    drawn(page)
    arrays = {name: np.array(values) for name, values in page.evaluate("vae.arrays('drawing')").items()}
    assert arrays["x"].max() > 0.5, "there is ink"
    with torch.no_grad():
        q = model.posterior(torch.tensor(arrays["x"]).float()[None])
        again = model.likelihood(q.mean).mean
    assert np.abs(arrays["mean"] - q.mean[0].numpy()).max() < 1e-5
    assert np.abs(arrays["std"] - q.std[0].numpy()).max() < 1e-5
    assert np.abs(arrays["decoded"] - again[0].numpy()).max() < 1e-5
    np.testing.assert_allclose(page.evaluate("vae.z()"), arrays["mean"], err_msg="z is its place")

    expect(page.locator("h1")).to_have_text(NAME)
    assert page.evaluate("window.hacked") is None
    page.locator("button.theme").click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(19, 22, 27)")


def test_print_draws_what_was_never_in_sight(opened: Page) -> None:
    opened.evaluate(
        "window.print = () => { document.body.dataset.printed = document.documentElement.className; }"
    )
    opened.locator("button.print").click()
    expect(opened.locator("body")).to_have_attribute("data-printed", "paper")
    expect(opened.locator("html")).not_to_have_class("paper")
    script = """strips => strips.map((strip) => {
        const { width, height } = strip;
        return strip.getContext("2d").getImageData(0, 0, width, height).data[3];
    })"""
    assert opened.locator(".traversal .along").evaluate_all(script) == [255, 255]
