"""The losses of common implementations, as they are written, against the effective beta that we state."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from vae_core.config import ModelConfig
from vae_core.labs.loss_conventions import Program, bits_per_dim, entropy_floor, highest_density
from vae_core.likelihoods import Bernoulli, Gaussian
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal

SIZES: dict[str, Any] = {"data_dim": 12, "latent_dim": 3, "batch_size": 5}
REDUCTIONS = list(itertools.product(("sum", "mean"), repeat=4))


def reduced(values: Tensor, within: str, batch: str) -> Tensor:
    per_example = values.sum(1) if within == "sum" else values.mean(1)
    return per_example.sum() if batch == "sum" else per_example.mean()


@pytest.fixture
def parts(generator: torch.Generator) -> tuple[VAE, Tensor, DiagonalNormal, Tensor]:
    model = VAE(ModelConfig(data_dim=12, latent_dim=3, hidden_dims=(8,)), generator=generator).double()
    x = torch.rand(5, 12, generator=generator).double()
    q = model.posterior(x)
    assert isinstance(q, DiagonalNormal)
    return model, x, q, model.decoder(q.reparameterize(q.draw_eps(1, generator=generator))[0])


def flat_gradient(value: Tensor, model: VAE) -> Tensor:
    return torch.cat(
        [g.flatten() for g in torch.autograd.grad(value, list(model.parameters()), retain_graph=True)]
    )


@pytest.mark.parametrize(("pixels", "latent", "batch", "kl_batch"), REDUCTIONS)
@pytest.mark.parametrize("scale", [None, 0.3])
def test_program_reports_and_trains_as_we_say(
    parts: tuple[VAE, Tensor, DiagonalNormal, Tensor],
    scale: float | None,
    pixels: str,
    latent: str,
    batch: str,
    kl_batch: str,
) -> None:
    model, x, q, outputs = parts
    if scale is None:
        likelihood, terms = (
            Bernoulli(outputs),
            functional.binary_cross_entropy_with_logits(outputs, x, reduction="none"),
        )
    else:
        likelihood = Gaussian(outputs, torch.tensor(scale, dtype=torch.float64))
        terms = functional.mse_loss(outputs, x, reduction="none")
    kl_terms = q.kl_to_standard_normal()
    theirs = reduced(terms, pixels, batch) + 0.7 * reduced(kl_terms, latent, kl_batch)

    reconstruction, kl = likelihood.log_prob(x).mean(), kl_terms.sum(1).mean()
    how: dict[str, Any] = {"pixels": pixels, "latent": latent, "batch": batch, "kl_batch": kl_batch}
    program = Program(**SIZES, **how, scale=scale)
    reported = program.loss(reconstruction.item(), kl.item(), 0.7)
    assert reported == pytest.approx(theirs.item(), rel=1e-12)
    ours = flat_gradient(reconstruction - program.effective_beta(0.7) * kl, model)
    assert functional.cosine_similarity(ours, -flat_gradient(theirs, model), dim=0) == pytest.approx(
        1, abs=1e-12
    )
    wrong = flat_gradient(reconstruction - 1.5 * program.effective_beta(0.7) * kl, model)
    assert functional.cosine_similarity(wrong, -flat_gradient(theirs, model), dim=0) < 1 - 1e-7


def test_mean_over_pixels_multiplies_beta_by_their_number() -> None:
    assert Program(**SIZES, pixels="mean").effective_beta() == pytest.approx(12)
    assert Program(**SIZES).effective_beta(0.5) == 0.5


def test_a_factor_of_a_quarter_of_a_thousandth_is_a_beta_of_one_and_a_half() -> None:
    """What the page says of a published program: 64 x 64 pixels in colour, mean squared error, s = 1."""
    program = Program(data_dim=12_288, latent_dim=128, batch_size=64, pixels="mean", scale=1.0)
    assert program.effective_beta(0.00025) == pytest.approx(1.536)


def test_entropy_floor_is_the_best_reconstruction(generator: torch.Generator) -> None:
    x = torch.rand(4, 12, generator=generator).double()
    x[0] = (x[0] > 0.5).double()
    best = Bernoulli(torch.logit(x, eps=1e-12)).log_prob(x)
    assert torch.allclose(-entropy_floor(x), best, atol=1e-9)
    assert entropy_floor(x)[0] == 0
    elsewhere = Bernoulli(torch.logit(x, eps=1e-12) + 0.1).log_prob(x)
    assert (elsewhere < best).all()
    assert float(entropy_floor(torch.full((1, 3), 0.5))) == pytest.approx(3 * math.log(2))


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_highest_density_is_that_of_a_perfect_copy(scale: float) -> None:
    x = torch.zeros(1, 7).double()
    expected = float(Gaussian(x, torch.tensor(scale, dtype=torch.float64)).log_prob(x))
    assert highest_density(7, scale) == pytest.approx(expected, rel=1e-12)
    assert (highest_density(7, scale) > 0) == (scale < 0.3989)


def test_a_fair_coin_is_one_bit() -> None:
    assert bits_per_dim(-10 * math.log(2), 10) == pytest.approx(1)
