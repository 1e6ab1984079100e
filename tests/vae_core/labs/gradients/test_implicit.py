"""Draws of a mixture that move with its parameters: their ranks stay, and so does what they estimate."""

import math

import pytest
import torch
from torch import Tensor

from vae_core.labs.gradients.implicit import implicit_draws
from vae_core.posteriors import DiagonalMixture


def parameters_of(generator: torch.Generator, dim: int) -> tuple[Tensor, ...]:
    """Logits, means and log variances of two examples with three components each."""
    shapes = ((2, 3), (2, 3, dim), (2, 3, dim))
    found = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return found[0].requires_grad_(), (1.5 * found[1]).requires_grad_(), (0.7 * found[2]).requires_grad_()


def mixture(parameters: tuple[Tensor, ...]) -> DiagonalMixture:
    logits, means, log_vars = parameters
    return DiagonalMixture(torch.log_softmax(logits, -1), means, log_vars)


def rank(q: DiagonalMixture, z: Tensor, dim: int) -> Tensor:
    """P(z_dim' <= z_dim | the z before), written as what it is."""
    weight = q.log_weights.exp()
    for before in range(dim):
        std = (0.5 * q.log_vars[..., before]).exp()
        e = (z[..., before, None] - q.means[..., before]) / std
        weight = weight * torch.exp(-0.5 * e.square()) / std
    e = (z[..., dim, None] - q.means[..., dim]) / (0.5 * q.log_vars[..., dim]).exp()
    return (weight * torch.special.ndtr(e)).sum(-1) / weight.sum(-1)


def test_they_are_the_same_draws_and_no_parameter_moves_their_ranks(generator: torch.Generator) -> None:
    parameters = parameters_of(generator, 3)
    q = mixture(parameters)
    z = q.sample(7, generator=generator).detach()
    moved = implicit_draws(q, z)
    torch.testing.assert_close(moved, z, rtol=1e-12, atol=1e-12)
    for dim in range(3):
        for row in range(7):
            still = torch.autograd.grad(
                rank(q, moved, dim)[row].sum(), parameters, retain_graph=True, allow_unused=True
            )
            assert max(float(part.abs().max()) for part in still if part is not None) < 1e-10
            held = torch.autograd.grad(rank(q, z, dim)[row].sum(), parameters, retain_graph=True)
            assert max(float(part.abs().max()) for part in held) > 1e-4, "held z would change theirs"


def test_mean_derivative_is_that_of_the_expectation(generator: torch.Generator) -> None:
    """f(z) = z_1 z_2^2, whose expectation is a polynomial of the parameters; five standard errors."""
    parameters = parameters_of(generator, 2)
    q = mixture(parameters)
    count = 100_000
    z = implicit_draws(q, q.sample(count, generator=generator))
    weight, mean, variance = q.log_weights.exp(), q.means, q.log_vars.exp()
    exact = (weight * mean[..., 0] * (mean[..., 1].square() + variance[..., 1])).sum()
    expected = torch.autograd.grad(exact, parameters, retain_graph=True)
    values = (z[..., 0] * z[..., 1].square()).sum(1)
    groups = torch.stack(
        [
            torch.cat([g.flatten() for g in torch.autograd.grad(part.mean(), parameters, retain_graph=True)])
            for part in values.split(count // 40)
        ]
    )
    away = groups.mean(0) - torch.cat([g.flatten() for g in expected])
    error = groups.std(0) / math.sqrt(len(groups))
    assert float((away.abs() / error).max()) < 5
    assert float((error / (1 + groups.mean(0).abs())).max()) < 0.2


def test_of_one_component_it_is_the_reparameterised_draw() -> None:
    mean, log_var = (torch.tensor([[[0.3, -1.0]]]).double().requires_grad_() for _ in range(2))
    q = DiagonalMixture(torch.zeros(1, 1).double(), mean, log_var)
    eps = torch.tensor([[[0.7, -1.3]]]).double()
    z = implicit_draws(q, (mean + (0.5 * log_var).exp() * eps)[:, 0].detach()[None])
    by_mean, by_log_var = torch.autograd.grad(z.sum(), (mean, log_var))
    assert by_mean.flatten().tolist() == pytest.approx([1, 1], abs=1e-12)
    expected = 0.5 * (0.5 * log_var.detach()).exp() * eps
    assert by_log_var.flatten().tolist() == pytest.approx(expected.flatten().tolist(), abs=1e-12)
