"""The flow charts on Train: a single step lights their stages, with the numbers of that update."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server


def said(flow: Locator, stage: str) -> list[float]:
    text = flow.locator(f"[data-stage={stage}] p").inner_text().replace("−", "-")
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def test_a_step_lights_the_stages_with_its_numbers(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?seed=5")
    page.get_by_role("button", name="Step", exact=True).click()
    flow = page.locator(".flow")
    expect(flow).to_have_attribute("data-step", "1")
    expect(flow).to_have_attribute("data-lit", "14")
    expect(flow.locator("[data-is=done]")).to_have_count(15)
    values = said(flow, "posterior") + said(flow, "z")
    for dim in range(2):
        mu, sigma, eps, z = (values[2 * part + dim] for part in range(4))
        assert z == pytest.approx(mu + sigma * eps, abs=0.03), "to the two decimals that are shown"
    (fit,), (divergence,) = said(flow, "fit"), said(flow, "kl")
    assert said(flow, "loss")[0] == pytest.approx(-fit + divergence, abs=0.02)
    assert min(said(flow, "back")) > 0
    page.get_by_role("button", name="Step", exact=True).click()
    expect(flow).to_have_attribute("data-step", "2")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("Stopped")
