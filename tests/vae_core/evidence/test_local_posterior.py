"""The best diagonal Gaussian for each example, against the linear Gaussian model where it is known."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import ProbabilisticPCA, exact_vae, fit_ppca
from vae_core.config import EncoderHead, ModelConfig
from vae_core.errors import BadInput
from vae_core.evidence.ladder import climb
from vae_core.evidence.local_posterior import best_posterior, optimise_posterior
from vae_core.model import VAE


def ignore(share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:30] / 16)


def spoilt(ppca: ProbabilisticPCA, angle: float = 0.0) -> VAE:
    """The exact model with its latent space turned and its encoder put wrong."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    model = exact_vae(ppca)
    with torch.no_grad():
        model.decoder.weights[0].copy_(ppca.weights @ turn)
        for part in (model.encoder.weights[0], model.encoder.biases[0]):
            part[:2] = turn.T @ part[:2]
        model.encoder.biases[0][:2] += torch.tensor([0.4, -0.6]).double()
        model.encoder.biases[0][2:] += torch.tensor([1.0, -1.0]).double()
    return model


def test_wrong_encoder_is_led_back_to_the_posterior(digits: Tensor, generator: torch.Generator) -> None:
    ppca = fit_ppca(digits, 2)
    found = best_posterior(spoilt(ppca), digits, on_progress=ignore)
    exact = exact_vae(ppca).posterior(digits)
    assert ((found.q.mean - exact.mean) / exact.std).abs().max() < 1e-2
    assert (found.q.std / exact.std - 1).abs().max() < 1e-2
    assert (ppca.log_prob(digits) - found.elbo).abs().max() < 1e-6, "no approximation gap"
    assert (found.elbo - found.encoder_elbo).min() > 0.1, "an amortisation gap for each"


@pytest.mark.parametrize("angle", [0.4, math.pi / 4])
def test_turned_posterior_leaves_its_approximation_gap(
    digits: Tensor, angle: float, generator: torch.Generator
) -> None:
    """Best diagonal q for N(m, C): mean m, variances 1 / diag(C^-1), KL 1/2 log(prod diag(P) / det P)."""
    fitted = fit_ppca(digits, 2)
    ppca = fitted._replace(weights=fitted.weights * torch.tensor([1.0, 0.4]).double())
    model = spoilt(ppca, angle)
    weights = model.decoder.weights[0].detach()
    precision = torch.eye(2).double() + weights.T @ weights / ppca.variance
    found = best_posterior(model, digits, on_progress=ignore)
    expected = 0.5 * float(precision.diagonal().log().sum() - torch.logdet(precision))
    assert expected > 0.01
    gap = ppca.log_prob(digits) - found.elbo
    assert (gap - expected).abs().max() < 1e-6
    assert (found.q.std * precision.diagonal().sqrt() - 1).abs().max() < 1e-2


def test_more_dimensions_use_fixed_points(digits: Tensor, generator: torch.Generator) -> None:
    ppca = fit_ppca(digits, 5)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.encoder.biases[0].add_(0.3)
    found = best_posterior(model, digits, on_progress=ignore)
    # A quadratic's mean under the moment-matched points is exact up to the points' correlations.
    assert (ppca.log_prob(digits) - found.elbo).abs().max() < 0.02
    assert (found.elbo - found.encoder_elbo).min() > 0


def test_bound_climbs_from_the_encoders_and_never_falls(generator: torch.Generator) -> None:
    model = VAE(ModelConfig(data_dim=9, hidden_dims=(16,)), generator=generator)
    with torch.no_grad():
        model.decoder.weights[0].mul_(4)
    x = torch.rand(7, 9, generator=generator)
    steps = optimise_posterior(model, x)
    torch.testing.assert_close(steps[0].q.mean, model.posterior(x).mean)
    assert [step.step for step in steps] == list(range(len(steps)))
    climb = torch.stack([step.elbo for step in steps])
    assert (climb.diff(dim=0) >= 0).all()
    assert (climb[-1] - climb[0]).min() > 0
    assert 5 < len(steps) < 60, "it ends when nothing is gained any more"


@pytest.mark.parametrize("head", ["log_variance", "full_covariance"])
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_it_is_the_first_rung_of_the_ladder(
    head: EncoderHead, latent_dim: int, generator: torch.Generator
) -> None:
    """Two searches, of one value: within 1e-5 nats."""
    config = ModelConfig(data_dim=9, latent_dim=latent_dim, hidden_dims=(16,), encoder_head=head)
    model = VAE(config, generator=generator)
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(2)
    x = torch.rand(5, 9, generator=generator)
    rung = climb(model, x, num_components=1, generator=generator, on_progress=ignore).rungs[1]
    found = best_posterior(model, x, on_progress=ignore)
    assert rung.family == ("full" if head == "full_covariance" and latent_dim == 2 else "diagonal")
    assert (found.elbo - rung.elbo).abs().max() < 1e-5
    last = optimise_posterior(model, x)[-1]
    assert (last.elbo - rung.elbo).abs().max() < 1e-5


def test_far_too_narrow_encoder_is_led_back(digits: Tensor, generator: torch.Generator) -> None:
    """The mean is dozens of its standard deviations off, which one round of steps could not walk."""
    ppca = fit_ppca(digits, 2)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.encoder.biases[0][:2] += 0.5
        model.encoder.biases[0][2:] -= 5
    found = best_posterior(model, digits, on_progress=ignore)
    assert (ppca.log_prob(digits) - found.elbo).abs().max() < 2e-3


def test_pieces_are_independent(
    digits: Tensor, monkeypatch: pytest.MonkeyPatch, generator: torch.Generator
) -> None:
    model = spoilt(fit_ppca(digits, 2))
    shares: list[float] = []
    whole = best_posterior(model, digits, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 64 * 49 * 7)
    pieces = best_posterior(model, digits, on_progress=ignore)
    assert (whole.elbo - pieces.elbo).abs().max() < 1e-4


def test_refusals(generator: torch.Generator) -> None:
    code = VAE(ModelConfig(data_dim=4, encoder_head="deterministic"), generator=generator)
    with pytest.raises(BadInput, match="deterministic"):
        optimise_posterior(code, torch.zeros(1, 4))
