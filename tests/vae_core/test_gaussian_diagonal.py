"""A decoder with a variance of each value: the density, its floor, and what the core makes of it."""

import math
from typing import Final

import numpy as np
import pytest
import torch
from torch import Tensor, distributions

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import TrainingDiverged
from vae_core.evidence import exact_evidence
from vae_core.likelihoods import MIN_PIXEL_SCALE, Gaussian, GaussianDiagonal
from vae_core.model import VAE
from vae_core.training.loop import Training


def outputs_of(mean: Tensor, std: Tensor) -> Tensor:
    """What a decoder gives for these."""
    return torch.cat([mean, torch.log(std.square() - MIN_PIXEL_SCALE**2)], dim=-1)


@pytest.mark.parametrize("std", [0.0101, 0.05, 1.0, 30.0])
def test_density_of_one_value_integrates_to_one(std: float) -> None:
    p = GaussianDiagonal(outputs_of(torch.tensor([0.3]), torch.tensor([std])).double())
    x = torch.linspace(0.3 - 12 * std, 0.3 + 12 * std, 20_001, dtype=torch.float64)[:, None]
    mass = torch.trapezoid(p.log_prob(x).exp(), x[:, 0])
    assert float(mass) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("scale", [0.02, 0.3, 2.0])
def test_one_sigma_for_all_is_the_gaussian_with_that_s(generator: torch.Generator, scale: float) -> None:
    mean, x = torch.randn(2, 4, 6, generator=generator).double()
    ours = GaussianDiagonal(outputs_of(mean, torch.full_like(mean, scale)))
    theirs = Gaussian(mean, torch.tensor(scale, dtype=torch.float64))
    for found, expected in (
        (ours.log_prob(x), theirs.log_prob(x)),
        (ours.pairwise_log_prob(x), theirs.pairwise_log_prob(x)),
        (ours.entropy(), theirs.entropy()),
        (ours.variance, theirs.variance),
        (ours.mean, theirs.mean),
        (ours.score(x)[..., :6], theirs.score(x)),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-7 if scale < 0.1 else 1e-10, atol=1e-9)


def test_density_is_pytorchs(generator: torch.Generator) -> None:
    mean, x = torch.randn(2, 5, 3, generator=generator).double()
    std = 0.05 + torch.rand(5, 3, generator=generator).double()
    theirs = distributions.Normal(mean, std).log_prob(x).sum(-1)
    torch.testing.assert_close(
        GaussianDiagonal(outputs_of(mean, std)).log_prob(x), theirs, rtol=1e-9, atol=1e-9
    )


def test_all_pairs_are_the_density_of_each(generator: torch.Generator) -> None:
    """Also in float32 with narrow values, where sum x^2 - 2 x y + y^2 would leave nothing."""
    outputs = torch.randn(7, 8, generator=generator)
    outputs[:, 4:] = -20.0
    x = outputs[:3, :4] + 0.02 * torch.randn(3, 4, generator=generator)
    p = GaussianDiagonal(outputs)
    expected = torch.stack([GaussianDiagonal(outputs.double()).log_prob(one.double()) for one in x], 1)
    torch.testing.assert_close(p.pairwise_log_prob(x), expected, rtol=1e-5, atol=1e-5)


def test_floor_has_a_slope_everywhere_and_a_kept_value() -> None:
    u = torch.tensor([-700.0, -60.0, -20.0, -9.2, 0.0, 19.0, 60.0, 1e6]).double().requires_grad_()
    p = GaussianDiagonal(torch.stack([torch.zeros_like(u), u], -1))
    log_var = p.log_var[:, 0]
    assert (log_var >= 2 * math.log(MIN_PIXEL_SCALE) - 1e-12).all()
    assert (log_var <= 20 + 1e-12).all()
    (slope,) = torch.autograd.grad(log_var.sum(), u)
    assert (slope[:-2] > 0).all()
    assert (slope[-2:] > 0.999).all(), "beyond the upper limit it leads back"
    far = torch.tensor([[0.0, 0.0, -1e30, 1e30]]).repeat(3, 1).requires_grad_()
    GaussianDiagonal(far).log_prob(torch.zeros(3, 2)).sum().backward()
    assert far.grad is not None
    assert not far.grad.isnan().any()


def test_what_is_at_the_floor_rises_when_it_should(generator: torch.Generator) -> None:
    """u = -20 is far below the floor of log sigma^2 = -9.2; residuals of 0.5 ask for -1.4."""
    u = torch.full((1,), -20.0, requires_grad=True)
    x = 0.5 * torch.sign(torch.randn(400, 1, generator=generator))
    optimizer = torch.optim.Adam([u], lr=0.1)
    for _ in range(1000):
        optimizer.zero_grad()
        outputs = torch.cat([torch.zeros(400, 1), u.expand(400, 1)], -1)
        (-GaussianDiagonal(outputs).log_prob(x).mean()).backward()
        optimizer.step()
    assert float(u.detach()) > -2.5


def test_best_variance_is_that_of_the_residuals() -> None:
    """Of d log p/du = 0: sigma^2 is the mean of the squared residuals, where that is above the floor."""
    x = torch.tensor([[0.1], [-0.3], [0.2]]).double()
    best = float(x.square().mean())
    outputs = outputs_of(torch.zeros(1).double(), torch.tensor([best], dtype=torch.float64).sqrt())
    assert float(GaussianDiagonal(outputs).score(x)[:, 1].sum()) == pytest.approx(0, abs=1e-12)


def test_evidence_of_a_decoder_with_variances(generator: torch.Generator) -> None:
    """Against a plain grid, to 1e-5 nats."""
    config = ModelConfig(data_dim=4, hidden_dims=(10,), likelihood="gaussian_diagonal")
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        model.decoder.biases[1][4:] = -2.0
    x = torch.rand(5, 4, generator=generator).double()
    axis = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        log_joint = model.likelihood(z).pairwise_log_prob(x) + model.prior.log_prob(z)[:, None]
    expected = torch.logsumexp(log_joint, 0) + 2 * math.log(0.016)
    found = exact_evidence(model, x)
    assert (found.log_evidence - expected).abs().max() < 1e-5
    assert ((found.log_evidence - found.elbo - found.kl_to_posterior).abs() < 1e-6).all()


def learned(name: str, generator: torch.Generator, **train: float) -> tuple[VAE, list[float]]:
    data = load_dataset(name, seed=0)
    config = ModelConfig(data_dim=data.x_train.shape[1], hidden_dims=(16,), likelihood="gaussian_diagonal")
    model = VAE(config, generator=generator)
    settings = TrainConfig(num_epochs=4, **train)  # type: ignore[arg-type]
    return model, [step.elbo for step in Training(model, data, settings, generator=generator).steps()]


def test_training_raises_the_bound_and_finds_the_constant_pixels(generator: torch.Generator) -> None:
    model, elbo = learned("digits", generator, learning_rate=0.01)
    assert np.mean(elbo[-10:]) > np.mean(elbo[:10]) + 30
    x = load_dataset("digits", seed=0).x_test[:]
    with torch.no_grad():
        std = model.likelihood(model.posterior(x).mean).variance.sqrt().mean(0)
    assert std[x.std(0) < 0.01].max() < std[x.std(0) > 0.2].min()


LARGE: Final = (1e3, 1e12, 1e30)


@pytest.mark.parametrize("size", LARGE)
def test_huge_weights_diverge_or_stay_finite(generator: torch.Generator, size: float) -> None:
    data = load_dataset("digits", seed=0)
    model = VAE(
        ModelConfig(data_dim=64, hidden_dims=(8,), likelihood="gaussian_diagonal"), generator=generator
    )
    with torch.no_grad():
        model.decoder.weights[1].mul_(size)
    training = Training(model, data, TrainConfig(num_epochs=1), generator=generator)
    try:
        objectives = [step.elbo for step in training.steps()]
    except TrainingDiverged:
        return
    assert np.isfinite(objectives).all()
