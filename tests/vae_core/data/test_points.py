"""Sets of points have the geometry of their formulas."""

from math import pi, sqrt

import numpy as np
import pytest
import torch
from sklearn.datasets import make_circles

from vae_core.data.points import (
    POINT_SETS,
    checkerboard,
    circles,
    gaussian_ring,
    pinwheel,
    swiss_roll,
    two_moons,
    two_spirals,
)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_ring_components_sit_on_a_circle_and_spread_by_their_deviation() -> None:
    x, component = gaussian_ring(8000, generator=seeded())
    for c in range(8):
        members = x[component == c]
        centre = sqrt(2) * torch.tensor([np.cos(pi * c / 4), np.sin(pi * c / 4)])
        assert torch.allclose(members.mean(dim=0), centre.float(), atol=0.03), c
        assert torch.allclose(members.std(dim=0), torch.tensor([0.15, 0.15]), atol=0.015), c


def test_moons_are_half_circles_that_interleave() -> None:
    x, moon = two_moons(4000, generator=seeded())
    curve = x / sqrt(2) + torch.tensor([0.5, 0.25])
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.5]])[moon]
    radius = (curve - centres).norm(dim=1)
    assert abs(radius.mean() - 1) < 0.02
    assert abs(radius.std() - 0.1 / sqrt(2)) < 0.01
    side = (curve - centres)[:, 1]
    assert side[moon == 0].min() > -0.35
    assert side[moon == 1].max() < 0.35


def test_pinwheel_turns_into_itself_by_a_fifth() -> None:
    x, arm = pinwheel(20000, generator=seeded())
    point = torch.complex(x[:, 0], x[:, 1]) / sqrt(2)
    back = point * torch.polar(torch.ones(len(x)), -(2 * pi * arm / 5 + 0.25 * point.abs().exp()))
    assert abs(point.abs().std() - 0.3) < 0.01
    for c in range(5):
        mean = back[arm == c].mean()
        assert abs(mean - 1) < 0.03, c


def test_swiss_roll_grows_with_its_angle() -> None:
    x, quarter = swiss_roll(4000, generator=seeded())
    angle = 7 * x.norm(dim=1)
    inner = 1.5 * pi + 0.75 * pi * quarter
    assert (angle > inner - 7 * 0.25).all()
    assert (angle < inner + 0.75 * pi + 7 * 0.25).all()
    along = torch.stack([angle.cos(), angle.sin()], dim=1)
    assert torch.nn.functional.cosine_similarity(x, along).mean() > 0.9


def test_circles_are_those_of_scikit_learn() -> None:
    x, circle = circles(4000, generator=seeded(), noise=0.0)
    theirs, their_circle = make_circles(4000, factor=0.5, random_state=0)
    for c in (0, 1):
        expected = sqrt(3.2) * np.linalg.norm(theirs[their_circle == c], axis=1)
        assert x[circle == c].norm(dim=1).numpy() == pytest.approx(expected, abs=1e-6), c


def test_each_spiral_is_the_other_one_turned() -> None:
    x, spiral = two_spirals(4000, generator=seeded(), noise=0.0)
    angle = 1.5 * pi * x.norm(dim=1)
    along = torch.stack([angle.cos(), angle.sin()], dim=1) * (1 - 2 * spiral[:, None])
    assert torch.allclose(x, along * x.norm(dim=1, keepdim=True), atol=1e-5)
    assert x.norm(dim=1).square().mean() == pytest.approx(2.0, abs=0.05), "evenly over the disc"


def test_checkerboard_fills_every_second_square() -> None:
    x, row = checkerboard(4000, generator=seeded(), noise=0.0)
    place = (2 / sqrt(3) * (x + sqrt(3))).floor().long()
    assert (place.sum(dim=1) % 2 == 0).all()
    assert torch.equal(place[:, 1], row)
    assert place[:, 0].bincount().tolist() == pytest.approx([1000] * 4, abs=120)


@pytest.mark.parametrize("name", POINT_SETS)
def test_noise_is_what_is_added(name: str) -> None:
    """The same seed draws the same curve; what is added grows with the noise."""
    sample = POINT_SETS[name][0]
    clean, usual, more = (sample(3000, generator=seeded(), noise=noise)[0] for noise in (0.0, 1.0, 2.0))
    assert torch.allclose(more - clean, 2 * (usual - clean), atol=1e-5), name
    assert float(usual.var(dim=0).mean()) == pytest.approx(1.0, abs=0.12), name
