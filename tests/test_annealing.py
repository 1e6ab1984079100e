"""Annealed importance sampling against closed forms and the quadrature."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.annealing import AisEvidence, ais_evidence
from vae_core.config import ModelConfig
from vae_core.errors import BadInput
from vae_core.evidence import exact_evidence
from vae_core.model import VAE


def ignore(share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:25] / 16)


def off_by(found: AisEvidence, truth: Tensor) -> Tensor:
    """Distances in error bars, with 0.02 nats for the bar's own error from few chains."""
    return (found.log_evidence - truth).abs() / (found.standard_error + 0.02)


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_wrong_encoder_is_corrected(digits: Tensor, latent_dim: int, generator: torch.Generator) -> None:
    """25 data within 5 bars each: beyond it one in 70 000 if the bars were normal; the bars are small."""
    ppca = fit_ppca(digits, latent_dim)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.encoder.biases[0][:latent_dim] += 0.2
        model.encoder.biases[0][latent_dim:] += 0.7
    found = ais_evidence(model, digits, generator=generator, on_progress=ignore)
    assert off_by(found, ppca.log_prob(digits)).max() < 5
    assert found.standard_error.max() < 0.3
    assert found.acceptance.min() > 0.4


def test_exact_encoder_has_no_error(digits: Tensor, generator: torch.Generator) -> None:
    ppca = fit_ppca(digits, 3)
    found = ais_evidence(
        exact_vae(ppca), digits, num_temperatures=10, generator=generator, on_progress=ignore
    )
    assert (found.log_evidence - ppca.log_prob(digits)).abs().max() < 1e-9
    assert found.standard_error.max() < 1e-4


def test_agrees_with_the_quadrature(generator: torch.Generator) -> None:
    """A bent decoder with J = 2; eight data within 5 bars of the exact value."""
    model = VAE(ModelConfig(data_dim=9, hidden_dims=(16,)), generator=generator).double()
    with torch.no_grad():
        model.decoder.weights[0].mul_(3)
    x = torch.rand(8, 9, generator=generator).double()
    shares: list[float] = []
    found = ais_evidence(model, x, generator=generator, on_progress=shares.append)
    assert off_by(found, exact_evidence(model, x).log_evidence).max() < 5
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_same_generator_same_numbers(digits: Tensor) -> None:
    model = exact_vae(fit_ppca(digits, 2))
    first, second = (
        ais_evidence(
            model, digits, num_temperatures=5, generator=torch.Generator().manual_seed(3), on_progress=ignore
        )
        for _ in range(2)
    )
    assert torch.equal(first.log_evidence, second.log_evidence)


def test_refusals(generator: torch.Generator) -> None:
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(3,)), generator=generator)
    x = torch.zeros(2, 4)
    with pytest.raises(BadInput, match="at least 2 chains"):
        ais_evidence(model, x, num_chains=1, generator=generator, on_progress=ignore)
    with torch.no_grad():
        model.decoder.weights[0].fill_(math.nan)
    with pytest.raises(BadInput, match="no finite numbers"):
        ais_evidence(model, x, num_temperatures=2, generator=generator, on_progress=ignore)
