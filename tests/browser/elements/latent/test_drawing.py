"""The explorer's drawing sheet: its posterior, reconstruction and terms are what torch computes."""

import math
import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from tests.browser.elements.latent.sections_page import grey, held_out, opened, z_of
from tests.js.node import call
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Draws with the mouse; places are shares of the sheet."""
    pad = page.locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for index, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if index == 0:
            page.mouse.down()
    page.mouse.up()


def numbers(page: Page) -> dict[str, float]:
    """The terms below the sheet by their names, nats."""
    names = page.locator(".drawing dt").all_text_contents()
    texts = page.locator(".drawing dd").all_text_contents()
    return {
        name: float(re.sub(r" nats$", "", text).replace("−", "-"))
        for name, text in zip(names, texts, strict=True)
    }


def check_reading(page: Page, model: VAE) -> None:
    """z, posterior, reconstruction and terms are those that torch finds for the input that is shown."""
    x = torch.tensor(page.evaluate("Array.from(sections.drawing.input)"))
    with torch.no_grad():
        q = model.posterior(x[None])
        assert isinstance(q, DiagonalNormal)
        at_mean = model.likelihood(q.mean)
        fit, kl = float(at_mean.log_prob(x[None])), float(q.kl_to_standard_normal().sum())
    assert z_of(page) == pytest.approx(q.mean[0].tolist(), abs=1e-4)
    assert page.evaluate("host.posterior.std") == pytest.approx(q.std[0].tolist(), abs=1e-4)
    assert np.abs(grey(page.locator(".again")) - 255 * at_mean.mean.numpy().reshape(8, 8)).max() <= 1
    expected = {"log p(x|z) at the mean": fit, "KL(q ‖ prior)": kl, "their difference": fit - kl}
    assert numbers(page) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
def test_a_drawing_is_encoded_at_the_end_of_its_stroke(page: Page, likelihood: str) -> None:
    model = opened(page, likelihood=likelihood)
    expect(page.locator(".drawing dt")).to_have_count(0)
    stroke(page, (0.4, 0.2), (0.5, 0.8))
    assert grey(page.locator(".seen")).max() > 200
    check_reading(page, model)
    page.get_by_label("centre and scale").uncheck()
    check_reading(page, model)


def test_strokes_are_undone_erased_and_cleared(page: Page) -> None:
    opened(page)
    drawing = page.locator(".drawing")
    total = "sections.drawing.ink.values.reduce((sum, value) => sum + value, 0)"
    stroke(page, (0.3, 0.3))
    dot = page.evaluate(total)
    assert dot > 0, "a tap leaves a dot"
    stroke(page, (0.2, 0.7), (0.8, 0.7))
    line = page.evaluate(total)
    drawing.get_by_role("button", name="Eraser").click()
    stroke(page, (0.2, 0.7), (0.8, 0.7))
    assert page.evaluate(total) < 0.3 * line
    drawing.get_by_role("button", name="Clear").click()
    assert page.evaluate(total) == 0
    expect(drawing.locator("dt")).to_have_count(0)
    assert page.evaluate("host.posterior") is None
    for _ in range(3):
        drawing.get_by_role("button", name="Undo").click()
    assert page.evaluate(total) == pytest.approx(dot)


def test_a_test_image_needs_no_pointer_and_stays_as_it_is(page: Page) -> None:
    model = opened(page)
    for index in range(2):
        page.get_by_role("button", name="Take a held-out image").press("Enter")
        assert np.array(page.evaluate("Array.from(sections.drawing.input)")) == pytest.approx(
            held_out(model)[index].numpy()
        )
        check_reading(page, model)
        expect(page.locator(".drawing p")).to_contain_text(f"Held-out image {index + 1}, class {'ab'[index]}")


@pytest.mark.parametrize("head", ["deterministic", "unit_variance", "variance"])
def test_terms_fit_the_encoder(page: Page, head: str) -> None:
    model = opened(page, encoder_head=head)
    page.get_by_role("button", name="Take a held-out image").click()
    if head != "deterministic":
        return check_reading(page, model)
    assert list(numbers(page)) == ["log p(x|z) at the mean"]
    assert "KL" not in (page.locator("[data-dim='0'] label").text_content() or "")
    return None


def fitted(side: int) -> NDArray[np.float64]:
    """A slanted line off the middle of a sheet of side by side pixels, as the data set has it."""
    script = """side => {
        const ink = new m.Ink([side, side]);
        ink.line({ x: 0.1 * side, y: 0.5 * side }, { x: 0.4 * side, y: 0.9 * side }, side / 12, false);
        return Array.from(ink.input(true));
    }"""
    return np.array(call("latent/ink.js", script, side)).reshape(side, side)


def test_drawings_are_placed_as_the_data_are() -> None:
    mnist, digit = fitted(28), fitted(8)
    row, column = (float((mnist * axis).sum() / mnist.sum()) for axis in np.mgrid[:28, :28] + 0.5)
    assert (row, column) == pytest.approx((14, 14), abs=0.05)
    rows = np.flatnonzero(mnist.max(1) > 0.05)
    assert math.isclose(rows[-1] - rows[0] + 1, 20, abs_tol=2), rows
    assert digit[0].max() > 0.05 < digit[7].max()
    assert digit.max() <= 1 + 1e-6


def test_an_encoder_that_is_not_finite_is_said(page: Page) -> None:
    opened(page)
    page.evaluate("host.load(STUB_ARRAYS.decoder, STUB_ARRAYS.encoder.map(() => NaN))")
    page.get_by_role("button", name="Take a held-out image").click()
    expect(page.locator(".drawing p")).to_contain_text("outputs are not finite")
    expect(page.locator(".drawing dt")).to_have_count(0)
    assert z_of(page) == [0, 0, 0]
