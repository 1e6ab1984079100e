"""Predicted collapse against the closed form of probabilistic PCA."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca, linear_vae, sigma_points
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.latent.collapse import predicted_collapse
from vae_core.model import VAE


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0]) / 16)


def test_kl_of_each_dimension_is_that_of_the_exact_model(digits: Tensor) -> None:
    ppca = fit_ppca(digits, 6)
    found = predicted_collapse(digits, 6, beta=1.0, scale=ppca.variance**0.5)
    measured = exact_vae(ppca).posterior(digits).kl_to_standard_normal().mean(0)  # type: ignore[union-attr]
    assert torch.allclose(found.kl_per_dim, measured.detach(), atol=1e-9)
    assert torch.allclose(found.eigenvalues, ppca.eigenvalues[:6], atol=1e-10)
    assert found.is_active.all()


def test_beta_moves_the_threshold(digits: Tensor) -> None:
    eigenvalues = fit_ppca(digits, 10).eigenvalues
    beta = float((eigenvalues[3] + eigenvalues[4]) / 2) / 0.04
    found = predicted_collapse(digits, 10, beta=beta, scale=0.2)
    assert found.is_active.tolist() == [True] * 4 + [False] * 6
    assert found.kl_per_dim[4:].eq(0).all()
    assert found.kl_per_dim[:4].gt(0).all()
    assert found.threshold == pytest.approx(beta * 0.04)


def test_more_dimensions_than_the_data_have() -> None:
    found = predicted_collapse(torch.randn(5, 2, generator=torch.Generator()), 4, beta=1.0, scale=0.1)
    assert found.eigenvalues[2:].eq(0).all()
    assert not found.is_active[2:].any()


def optimum(x: Tensor, latent_dim: int, *, beta: float, scale: float) -> VAE:
    """The linear VAE at the optimum of the beta objective, float64 (Lucas et al. 2019)."""
    ppca = fit_ppca(x, latent_dim)
    directions = torch.linalg.eigh(torch.cov(x.T, correction=0)).eigenvectors.flip(1)[:, :latent_dim]
    threshold = beta * scale**2
    values = ppca.eigenvalues[:latent_dim]
    length = (values - threshold).clamp(min=0).sqrt()
    slope = (length / values)[:, None] * directions.T
    variance = torch.where(values > threshold, threshold / values, torch.ones_like(values))
    model = linear_vae(x.shape[1], latent_dim, likelihood_scale=scale).double()
    with torch.no_grad():
        model.encoder.weights[0].copy_(torch.cat([slope, torch.zeros_like(slope)]))
        model.encoder.biases[0].copy_(torch.cat([-slope @ ppca.mean, variance.log()]))
        model.decoder.weights[0].copy_(directions * length)
        model.decoder.biases[0].copy_(ppca.mean)
    return model


def water_filling(eigenvalues: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Rate in nats and mean squared error of a Gaussian source (Cover and Thomas 2006, theorem 10.3.3)."""
    rates = [0.5 * math.log(value / level) for value in eigenvalues if value > level]
    return sum(rates), float(np.minimum(eigenvalues, level).sum())


def test_a_sweep_of_beta_runs_along_the_rate_distortion_function_of_a_gaussian(digits: Tensor) -> None:
    """Models set to their optima, measured as pages measure runs: (R, D) of the source, at slope -beta."""
    x, scale = digits - digits.mean(0), 0.3
    eigenvalues = np.linalg.eigvalsh(np.cov(x.numpy().T, bias=True))
    found = []
    for beta in (1.0, 2.0, 4.0, 8.0):
        rate, squared_error = water_filling(eigenvalues, beta * scale**2)
        known = predicted_collapse(x, 20, beta=beta, scale=scale)
        model = optimum(x, 20, beta=beta, scale=scale)
        terms = elbo_terms_given_eps(model, x, model.posterior(x), sigma_points(20))
        distortion = 32 * math.log(2 * math.pi * scale**2) + squared_error / (2 * scale**2)
        assert not known.is_active.all(), beta
        assert known.rate == pytest.approx(rate, abs=1e-9), beta
        assert known.distortion == pytest.approx(distortion, abs=1e-9), beta
        assert float(terms.kl.detach().mean()) == pytest.approx(rate, abs=1e-9), beta
        assert -float(terms.reconstruction.detach().mean()) == pytest.approx(distortion, abs=1e-9), beta
        found.append((rate, distortion))
    assert found == sorted(found, reverse=True)
    assert [-distortion for _, distortion in found] == sorted((-d for _, d in found), reverse=True)
    near, far = (predicted_collapse(x, 20, beta=beta, scale=scale) for beta in (1.999, 2.001))
    assert (near.distortion - far.distortion) / (near.rate - far.rate) == pytest.approx(-2, rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "beta", "match"), [(1, 1.0, "at least 2"), (3, 0.0, "no dimension collapses")]
)
def test_refusals(rows: int, beta: float, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        predicted_collapse(torch.zeros(rows, 2), 1, beta=beta, scale=1.0)
