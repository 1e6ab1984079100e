"""q(z) over the latent plane: the numbers are torch's mixture, the tint follows the view."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from playwright.sync_api import expect
from torch.distributions import Normal

from tests.browser.elements.latent.explorer import MountedExplorer
from tests.browser.pages import covered_pixels
from tests.js.node import call
from tests.polling import until

MODULE: Final = "latent/density.js"
RUN: Final = "(data, place, columns, rows) => Array.from(m.aggregateDensity(data, place, columns, rows))"
PLACE: Final = {"x0": -5.0, "x1": 5.0, "y0": -4.0, "y1": 6.0}


def by_torch(mean: torch.Tensor, std: torch.Tensor, columns: int, rows: int) -> np.ndarray:
    """The mixture's density at the cells' centres, rows from the top."""
    x = PLACE["x0"] + (torch.arange(columns) + 0.5).double() * 10 / columns
    y = PLACE["y1"] - (torch.arange(rows) + 0.5).double() * 10 / rows
    across = Normal(mean[:, 0, None], std[:, 0, None]).log_prob(x).exp()
    down = Normal(mean[:, 1, None], std[:, 1, None]).log_prob(y).exp()
    return (torch.einsum("nr,nc->rc", down, across) / len(mean)).numpy()


def test_density_is_the_mixture_of_posteriors(generator: torch.Generator) -> None:
    mean = torch.randn(50, 2, generator=generator).double()
    std = 0.2 + 0.5 * torch.rand(50, 2, generator=generator).double()
    data = {"means": mean.flatten().tolist(), "stds": std.flatten().tolist()}
    found = np.array(call(MODULE, RUN, data, PLACE, 60, 40)).reshape(40, 60)
    expected = by_torch(mean, std, 60, 40)
    # Tails beyond 4.5 standard deviations are left out, which is a share of 4e-5 of a peak.
    assert np.abs(found - expected).max() < 1e-4 * expected.max()
    assert abs(found.sum() * (10 / 60) * (10 / 40) - 1) < 1e-3


def test_a_posterior_narrower_than_a_cell_keeps_its_mass() -> None:
    data = {"means": [0.03, 0.51, float("nan"), 0.0], "stds": [1e-4, 1e-3, 1.0, 1.0]}
    found = np.array(call(MODULE, RUN, data, PLACE, 50, 50))
    assert abs(found.sum() * 0.2 * 0.2 - 1) < 0.1, "an example that is not finite does not count"


def test_many_examples_are_thinned_evenly(generator: torch.Generator) -> None:
    mean = torch.randn(9000, 2, generator=generator).double()
    data = {"means": mean.flatten().tolist(), "stds": [0.5] * 18_000}
    found = np.array(call(MODULE, RUN, data, PLACE, 50, 50)).reshape(50, 50)
    kept = mean[::3]
    assert np.abs(found - by_torch(kept, torch.full_like(kept, 0.5), 50, 50)).max() < 1e-4


def test_tint_is_switched_on_follows_the_view_and_is_not_offered_on_a_line(
    opened: Callable[..., MountedExplorer],
) -> None:
    explorer = opened()
    switch = explorer.root.get_by_role("button", name="q(z) density")
    plain = covered(explorer)
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    until(lambda: covered(explorer) > 1.5 * plain, "a tint")
    explorer.hand.hover()
    explorer.press("+", "+", "+")
    until(lambda: covered(explorer) > 1.5 * plain, "a tint of what is in view")
    explorer.weights(2)
    expect(explorer.root).to_have_attribute("data-step", "2")
    expect(switch).to_have_attribute("aria-pressed", "true")
    explorer.press("0")
    switch.click()
    until(lambda: covered(explorer) < 1.2 * plain, "a plane without a tint")
    line = opened("line")
    expect(line.root.get_by_role("button", name="q(z) density")).to_be_hidden()


def covered(explorer: MountedExplorer) -> int:
    """How many pixels of the map are drawn upon."""
    return covered_pixels(explorer.root.locator(".map"), above=20)
