"""A q that is moved by hand: another model of the same size keeps it, another size starts again."""

import json

import pytest
import torch
from playwright.sync_api import Page, expect

from dashboard.components.chosen_q.element import Payload, components_payload, noisy_mixture_payload
from dashboard.theme import PALETTES
from tests.browser.elements.mounting import Mounted, open_element
from vae_core.labs.em.free_energy import NoisyMixture
from vae_core.labs.em.mixture import Mixture

TWO = Mixture([0.5, 0.5], [[-1.5], [1.5]], [[[0.5]], [[0.5]]])
THREE = Mixture([0.5, 0.3, 0.2], [[-1.5], [0.8], [2.2]], [[[0.6]], [[0.25]], [[1.0]]])


def x_of(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


def give(mounted: Mounted, payload: Payload) -> None:
    mounted.give(json.dumps(payload | {"palettes": PALETTES}).encode())


def values(page: Page) -> list[float]:
    return [float(slider.input_value()) for slider in page.get_by_role("slider").all()]


def test_another_x_keeps_q_and_another_size_starts_again(page: Page) -> None:
    mounted = open_element(page, "chosen_q")
    give(mounted, components_payload(THREE, x_of(0.3)))
    page.get_by_role("slider", name="q(component 2)").fill("0.8")
    before = page.locator(".evidence").inner_text()
    assert values(page) == pytest.approx([0.1, 0.8, 0.1])
    give(mounted, components_payload(THREE, x_of(-1.0)))
    assert page.locator(".evidence").inner_text() != before
    assert values(page) == pytest.approx([0.1, 0.8, 0.1])
    give(mounted, components_payload(TWO, x_of(-1.0)))
    assert values(page) == pytest.approx([0.5, 0.5])


def test_the_best_gaussian_names_its_gap(page: Page) -> None:
    # The way to the best q takes four seconds, in which a busy machine may not look once.
    page.clock.install(time=0)
    mounted = open_element(page, "chosen_q")
    page.clock.pause_at(1_000_000)
    give(mounted, noisy_mixture_payload(NoisyMixture(TWO, 1.2), x_of(0.2)))
    button = page.get_by_role("button", name="Find the best q")
    button.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.clock.run_for(10_000)
    expect(page.locator(".result")).to_contain_text("the approximation gap")
    expect(button).to_be_visible()
    page.get_by_role("button", name="Back to the start").click()
    expect(page.locator(".result")).to_be_empty()
    assert values(page) == [1, 1]


def test_controls_before_the_first_model_are_harmless(page: Page) -> None:
    """The page fails for an error in any of its scripts (``watch``)."""
    mounted = open_element(page, "chosen_q")
    mounted.give(None)
    for name in ("Find the best q", "Back to the start"):
        page.get_by_role("button", name=name).click()
    page.locator(".picture").drag_to(page.locator(".picture"), target_position={"x": 9, "y": 9})
    give(mounted, components_payload(TWO, x_of(0.0)))
    expect(page.locator(".gap")).not_to_be_empty()
    mounted.remove()
