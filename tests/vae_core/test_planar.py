"""Planar flows as maps: inverse, volume and moments, each against another way to compute it."""

import math

import pytest
import torch

from vae_core.planar import PlanarFlow, frame_of, moments_of, normal_points


def some_flow(
    generator: torch.Generator, *, batch: int = 6, dim: int = 3, layers: int = 4, size: float = 1.0
) -> PlanarFlow:
    values = size * torch.randn(batch, layers, 2 * dim + 1, generator=generator, dtype=torch.float64)
    return PlanarFlow.of(values + frame_of(dim, layers).double())


@pytest.mark.parametrize("dim", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [0.5, 3.0, 300.0])
def test_the_inverse_undoes_the_flow(generator: torch.Generator, dim: int, size: float) -> None:
    flow = some_flow(generator, dim=dim, size=size)
    t = 2 * torch.randn(500, 6, dim, generator=generator, dtype=torch.float64)
    moved, log_det = flow.push(t)
    back, same = flow.pull(moved)
    # Where a layer moves points by hundreds, a step of float64 there is as much longer.
    close = 1e-12 * float(1 + moved.abs().max()) ** 2
    assert float((back - t).abs().max()) < close
    assert float((same - log_det).abs().max()) < 10 * close
    again = flow.push(back)[0]
    assert float((again - moved).abs().max()) < close


def test_the_volume_is_that_of_the_jacobian(generator: torch.Generator) -> None:
    flow = some_flow(generator, batch=1, size=2.0)
    for t in 2 * torch.randn(20, 1, 3, generator=generator, dtype=torch.float64):
        jacobian = torch.autograd.functional.jacobian(lambda at: flow.push(at)[0][0], t)
        expected = torch.linalg.slogdet(torch.as_tensor(jacobian)[:, 0])
        assert float(expected.sign) == 1, "it keeps its orientation, so it is invertible"
        assert float(flow.push(t)[1]) == pytest.approx(float(expected.logabsdet), abs=1e-10)


def test_extreme_parameters_stay_invertible(generator: torch.Generator) -> None:
    """a^T v of a layer would be -10^4: it is moved above -0.9, and no |a| is above 1.5."""
    for scale in (1e2, 1e4, 1e-30):
        values = scale * torch.randn(200, 4, 5, generator=generator, dtype=torch.float64)
        values[..., 2:4] = -values[..., :2] * 10
        flow = PlanarFlow.of(values)
        assert float(flow.directions.norm(dim=-1).max()) <= 1.5 + 1e-12
        assert float((flow.directions * flow.shifts).sum(-1).min()) >= -0.9 - 1e-9
        moved, log_det = flow.push(torch.randn(50, 200, 2, generator=generator, dtype=torch.float64))
        assert bool(moved.isfinite().all() and log_det.isfinite().all())
        assert bool(flow.pull(moved)[0].isfinite().all())
    nothing = PlanarFlow.of(torch.zeros(1, 4, 5))
    point = torch.tensor([[0.3, -2.0]])
    assert torch.equal(nothing.push(point)[0], point)
    assert torch.equal(nothing.pull(point)[0], point)


def test_the_inverse_has_the_derivatives_of_the_flow(generator: torch.Generator) -> None:
    def density(values: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
        t, log_det = PlanarFlow.of(values).pull(moved)
        return t.sin().sum(-1) - log_det

    values = torch.randn(3, 4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    moved = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(density, (values, moved), eps=1e-6, atol=1e-7)


@pytest.mark.parametrize(("dim", "close"), [(1, 1e-5), (2, 1e-4), (3, 0.012), (8, 0.012), (40, 0.02)])
def test_the_moments_are_those_of_many_samples(generator: torch.Generator, dim: int, close: float) -> None:
    """In one and two dimensions beside a fine grid, beyond that beside a million samples."""
    flow = some_flow(generator, batch=1, dim=dim, size=0.5)
    found = moments_of(flow)
    if dim <= 2:
        axis = torch.linspace(-8, 8, 801, dtype=torch.float64)
        eps = torch.cartesian_prod(*(axis,) * dim).reshape(-1, 1, dim)
        weights = torch.softmax(-0.5 * eps.square().sum((1, 2)), 0)[:, None]
    else:
        eps = torch.randn(1_000_000 // max(1, dim // 8), 1, dim, generator=generator, dtype=torch.float64)
        weights = eps.new_full((len(eps), 1), 1 / len(eps))
    t = flow.push(eps)[0][:, 0]
    mean = (weights * t).sum(0)
    covariance = (weights * (t - mean)).T @ (t - mean)
    assert float((found.mean[0] - mean).abs().max()) < close
    scale = float(covariance.diagonal().max())
    assert float((found.covariance[0] - covariance).abs().max()) < 3 * close * scale
    diagonal = found.covariance.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(found.variance, diagonal, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_the_rule_has_mean_0_and_covariance_1(dim: int) -> None:
    points, weights = normal_points(dim)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-14)
    assert float((weights @ points).abs().max()) < 1e-14
    covariance = points.T @ (weights[:, None] * points)
    assert float((covariance - torch.eye(dim)).abs().max()) < 1e-12


def test_the_frame_has_directions_of_length_1_that_differ() -> None:
    for dim in (1, 2, 4, 8, 32):
        directions = frame_of(dim, 4)[:, :dim]
        assert float((directions.norm(dim=1) - 1).abs().max()) < 1e-6
        products = (directions @ directions.T)[~torch.eye(4, dtype=torch.bool)].abs()
        assert float(products.max()) < (1 + 1e-6 if dim == 1 else math.cos(math.pi / 4) + 1e-6)
    assert not frame_of(3, 4)[:, 3:6].any(), "without a shift"
