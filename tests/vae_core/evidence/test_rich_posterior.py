"""Mixtures warped by planar flows: densities that integrate to 1, and what they are without layers."""

import math

import pytest
import torch
from torch import Tensor

from vae_core.evidence.rich_posterior import RichPosterior
from vae_core.posteriors import DiagonalNormal, FullNormal


def warped(
    generator: torch.Generator, latent_dim: int, *, layers: int = 4, components: int = 3
) -> RichPosterior:
    """Two examples, with layers far from the identity."""

    def noise(*shape: int) -> Tensor:
        return torch.randn(2, *shape, generator=generator, dtype=torch.float64)

    lower = 0.5 * noise(components, latent_dim, latent_dim).tril(-1)
    factors = lower + torch.diag_embed(0.2 + (0.3 * noise(components, latent_dim)).exp())
    scale = torch.diag_embed((0.3 * noise(latent_dim)).exp()) + 0.3 * noise(latent_dim, latent_dim).tril(-1)
    return RichPosterior(
        torch.log_softmax(noise(components), 1),
        noise(components, latent_dim),
        factors,
        noise(layers, 2 * latent_dim + 1),
        noise(latent_dim),
        scale,
    )


@pytest.mark.parametrize(("latent_dim", "step"), [(1, 0.004), (2, 0.08)])
def test_density_integrates_to_one(latent_dim: int, step: float, generator: torch.Generator) -> None:
    q = warped(generator, latent_dim)
    axis = torch.arange(-14, 14, step, dtype=torch.float64)
    z = torch.cartesian_prod(*(axis,) * latent_dim).reshape(1, -1, latent_dim).expand(2, -1, -1)
    assert (q.log_prob(z).exp().sum(1) * step**latent_dim - 1).abs().max() < 2e-4


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_density_at_its_own_points_is_that_of_the_way_back(
    latent_dim: int, generator: torch.Generator
) -> None:
    q = warped(generator, latent_dim)
    eps = torch.randn(40, latent_dim, generator=generator, dtype=torch.float64)
    z, log_q = q.points(eps)
    assert (q.log_prob(z.flatten(1, 2)) - log_q.flatten(1)).abs().max() < 1e-9


def test_change_of_volume_is_the_determinant_of_the_jacobian(generator: torch.Generator) -> None:
    q = warped(generator, 3, components=1)
    eps = torch.randn(3, generator=generator, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda e: q.points(e[None])[0][:, 0, 0], eps)
    expected = -0.5 * eps.square().sum() - 1.5 * math.log(2 * math.pi)
    log_q = q.points(eps[None])[1][:, 0, 0]
    assert (log_q - (expected - torch.linalg.slogdet(jacobian).logabsdet)).abs().max() < 1e-12


def test_mixture_of_one_is_the_gaussian(generator: torch.Generator) -> None:
    q = warped(generator, 2, layers=0, components=1)
    z = torch.randn(2, 50, 2, generator=generator, dtype=torch.float64)
    normal = FullNormal(q.means[:, 0], q.factors[:, 0])
    assert (q.log_prob(z) - normal.log_prob(z.transpose(0, 1)).T).abs().max() < 1e-12


def test_flow_of_no_layers_is_the_diagonal_gaussian(generator: torch.Generator) -> None:
    mean, log_var = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    diagonal = DiagonalNormal(mean, log_var)
    q = RichPosterior.of(diagonal)
    assert q.layers.shape[1] == 0
    eps = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    z, log_q = q.points(eps)
    assert torch.equal(z[:, 0].transpose(0, 1), diagonal.reparameterize(eps[:, None]))
    assert (log_q[:, 0].T - diagonal.log_prob(z[:, 0].transpose(0, 1))).abs().max() < 1e-12


def test_layers_that_do_not_move_change_nothing(generator: torch.Generator) -> None:
    q = warped(generator, 2)
    q.layers[:, :, 2:4] = 0
    z = torch.randn(2, 50, 2, generator=generator, dtype=torch.float64)
    plain = RichPosterior(q.log_weights, q.means, q.factors, q.layers[:, :0], q.centre, q.scale)
    assert (q.log_prob(z) - plain.log_prob(z)).abs().max() < 1e-12


def test_moments_of_the_mixture(generator: torch.Generator) -> None:
    q = warped(generator, 2, layers=0)
    mean, covariance = q.base_moments()
    eps = torch.randn(200_000, 2, generator=generator, dtype=torch.float64)
    z, weights = q.points(eps)[0], q.log_weights.exp()
    sampled = (weights[..., None] * z.mean(2)).sum(1)
    away = z - mean[:, None, None]
    second = (weights[..., None, None] * (away.mT @ away) / len(eps)).sum(1)
    assert (sampled - mean).abs().max() < 0.02
    assert (second - covariance).abs().max() < 0.05 * covariance.abs().max()
