"""Many functions maximised side by side, against where their maxima are."""

import torch
from torch import Tensor

from vae_core.evidence.ascent import ascend


def test_each_quadratic_reaches_its_own_peak(generator: torch.Generator) -> None:
    peaks = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    roots = torch.randn(6, 4, 4, generator=generator, dtype=torch.float64)

    def objective(at: Tensor, rows: Tensor) -> Tensor:
        return 5.0 - (roots[rows] @ (at - peaks[rows])[..., None]).square().sum((1, 2))

    found, values = ascend(objective, torch.zeros_like(peaks), max_steps=300)
    assert (5.0 - values).abs().max() < 1e-8
    assert (objective(found, torch.arange(6)) - values).abs().max() == 0


def test_a_curved_valley_is_followed() -> None:
    """Rosenbrock's function (1960) has its maximum 0 at (1, 1), where all others end in the bend."""
    start = torch.tensor([[-1.2, 1.0], [2.0, -1.0]]).double()

    def objective(at: Tensor, rows: Tensor) -> Tensor:
        del rows
        return -(100 * (at[:, 1] - at[:, 0].square()).square() + (1 - at[:, 0]).square())

    found, values = ascend(objective, start, max_steps=300)
    assert (found - 1).abs().max() < 1e-4
    assert values.max() <= 0


def test_no_value_falls_where_a_step_leaves_the_domain() -> None:
    """log(2 - t) - t has no maximum on the left: it only ever rises, and is NaN beyond 2."""
    start = torch.tensor([[1.9], [-1.0]]).double()

    def objective(at: Tensor, rows: Tensor) -> Tensor:
        del rows
        return (torch.log(2 - at) - 3 * (at - 2.5).square()).sum(1)

    before = objective(start, torch.arange(2))
    _, values = ascend(objective, start, max_steps=100)
    assert values.isfinite().all()
    assert (values >= before).all()
    # Where -1 / (2 - t) = 6 (t - 2.5): t = (27 - 33^0.5) / 12.
    assert (
        values - objective(torch.tensor([[(27 - 33**0.5) / 12]]).double(), torch.arange(1))
    ).abs().max() < 1e-8
