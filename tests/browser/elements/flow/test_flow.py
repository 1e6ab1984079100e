"""The flow charts: the stages of one update light up one after the other, in the time they are given."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.theme import PALETTES
from tests.browser.elements.mounting import open_element
from tests.browser.pages import NewPage

NUM_STAGES = 14
NUM_CARDS = 15
STAGE_MS = 100


def payload(*, step: int = 1, image_shape: tuple[int, int] | None = (2, 2)) -> dict[str, Any]:
    return {
        **{name: [0.0, 0.25, 0.5, 1.0] for name in ("x", "decoded", "generated")},
        **{name: [0.5, -0.5] for name in ("mean", "std", "eps", "z", "prior_z")},
        "numbers": {
            **{"num_data": 128, "reconstruction": -20.5, "kl": 5.25, "beta": 2.0, "objective": -33.0},
            **{"encoder_gradient": 0.25, "decoder_gradient": 1.5, "change": 0.01},
        },
        "run": "a",
        "step": step,
        "num_steps": 10,
        "patience": None,
        "learning_rate": 0.001,
        "image_shape": image_shape,
        "is_deterministic": False,
        "layers": {"encoder": [4, 8, 4], "decoder": [2, 8, 4]},
        "duration_ms": NUM_STAGES * STAGE_MS,
        "palettes": PALETTES,
    }


def packed(**changes: Any) -> bytes:
    return json.dumps(payload(**changes)).encode()


def test_stages_light_up_one_after_the_other(page: Page) -> None:
    page.clock.install(time=0)
    mounted = open_element(page, "flow")
    page.clock.pause_at(1_000_000)  # later than a busy machine has the element ready
    mounted.give(packed())
    flow = page.locator(".flow")
    for stages in (4, 8, 12):
        page.clock.run_for(4 * STAGE_MS)
        assert flow.locator("[data-is=now]").count() > 0, stages
    page.clock.run_for(NUM_STAGES * STAGE_MS)
    expect(flow).to_have_attribute("data-lit", str(NUM_STAGES))
    expect(flow.locator("[data-is=done]")).to_have_count(NUM_CARDS)
    mounted.give(packed())
    page.clock.run_for(STAGE_MS)
    assert flow.locator("[data-is=done]").count() == NUM_CARDS, "the same step again starts nothing"
    mounted.give(packed(step=2))
    page.clock.run_for(STAGE_MS)
    expect(flow).to_have_attribute("data-step", "2")
    assert flow.locator("[data-is=next]").count() > 10, "another step starts from the input"


def test_reduced_motion_shows_all_stages_at_once(new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    open_element(page, "flow").give(packed())
    expect(page.locator(".flow [data-is=done]")).to_have_count(NUM_CARDS)


@pytest.mark.parametrize("image_shape", [(2, 2), None])
def test_examples_are_pictures_or_their_first_values(page: Page, image_shape: tuple[int, int] | None) -> None:
    open_element(page, "flow").give(packed(image_shape=image_shape))
    card = page.locator("[data-stage=decoded]")
    if image_shape:
        levels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 2, 2).data]"
        assert card.locator("canvas").evaluate(levels)[::4] == [0, 64, 128, 255]
        expect(card.locator("canvas")).to_have_attribute("aria-label", "E[x|z], 2 by 2 pixels")
    else:
        expect(card.locator("canvas")).to_be_hidden()
        expect(card.locator("p")).to_have_text("0.00, 0.25, …")
