"""Runs whose q(z|x) is no Gaussian, in a browser: trained, and looked at on the plane and on ELBO."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from benchmarks.serving import Server
from tests.browser.pages import WAIT_MS, choose, fits
from tests.polling import until

HEADS: Final = {
    "flow": ("planar flow", "best planar flow"),
    "mixture": ("mixture of Gaussians", "best mixture of diagonals"),
}
"""What the choice on Train is called, and the rung of its family."""
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
STRONG: Final = "nodes => nodes.slice(0, 3).map((node) => Number(node.textContent.replace('−', '-')))"


def started(page: Page, url: str, head: str) -> str:
    """Id of a run that this browser trained with the encoder head of that name."""
    page.goto(f"{url}/train?hidden=16&num_epochs=6&learning_rate=0.01")
    choose(page, "Encoder head", HEADS[head][0])
    expect(page).to_have_url(re.compile(f"encoder_head={head}"))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("all 6 epochs are done", timeout=WAIT_MS)
    board = page.locator(".board")
    expect(board).to_have_attribute("data-run", re.compile("[0-9a-f]{16}"))
    return board.get_attribute("data-run") or ""


@pytest.mark.parametrize("head", HEADS)
def test_it_trains_and_is_looked_at(app_server: Server, page: Page, head: str) -> None:
    family = HEADS[head][1]
    run = started(page, app_server.url, head)
    expect(page.get_by_role("heading", name="KL by dimension no parts: KL sampled")).to_be_visible()
    page.set_viewport_size(PHONE)
    fits(page)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{app_server.url}/latent_space?run={run}")
    plane = page.locator("canvas.hand")
    expect(page.get_by_text("of a q that is no Gaussian, it is no sum of parts")).to_be_visible(
        timeout=WAIT_MS
    )
    box = plane.bounding_box()
    assert box is not None
    before = plane.evaluate("canvas => canvas.toDataURL()")
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4)
    until(
        lambda: plane.evaluate("canvas => canvas.toDataURL()") != before,
        "z, and the curves of the nearest example's q, where the pointer is",
    )
    page.set_viewport_size(PHONE)
    fits(page)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{app_server.url}/elbo?run={run}&elbo_view=one_example")
    said = page.get_by_text(re.compile(r"log p\(x\) .* = ELBO")).first
    expect(said).to_be_visible(timeout=WAIT_MS)
    evidence, elbo, gap = said.locator("strong").evaluate_all(STRONG)
    assert evidence == pytest.approx(elbo + gap, abs=1e-9)
    assert gap > 0
    page.set_viewport_size(PHONE)
    fits(page)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{app_server.url}/elbo?run={run}&elbo_view=ladder")
    stair = page.get_by_role("figure", name=re.compile("A stair of bounds"))
    expect(stair).to_be_visible(timeout=WAIT_MS)
    alt = (stair.get_attribute("aria-label") or "").replace("−", "-")
    values = [float(number) for number in re.findall(r"-\d+\.\d{3}", alt)]
    assert values[0] == pytest.approx(elbo, abs=1e-9), "the encoder's bound is that of One example"
    assert values[-1] == pytest.approx(evidence, abs=1e-9), "and so is log p(x)"
    assert values == sorted(values)
    assert family in alt
    expect(page.get_by_text(re.compile(f"^{family}: .* nats below log p"))).to_be_visible()
    page.set_viewport_size(PHONE)
    fits(page)
