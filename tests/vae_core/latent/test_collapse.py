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
from vae_core.latent.collapse import kl_by_principal_axis, predicted_collapse
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal, FullNormal


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


def best_linear(x: Tensor, latent_dim: int, *, beta: float, scale: float, full: bool) -> tuple[Tensor, ...]:
    """W, V and L that minimise the beta objective of a linear VAE with q = N(V x, L L^T), from random ones.

    Nothing of the closed form: its terms, exact for x of mean 0, and a quasi-Newton search. L = I where q has
    a fixed variance.
    """
    covariance = x.T @ x / len(x)
    noise = torch.Generator().manual_seed(3)
    shapes = ((x.shape[1], latent_dim), (latent_dim, x.shape[1]))
    decoder, encoder = (
        (0.1 * torch.randn(shape, generator=noise, dtype=torch.float64)).requires_grad_() for shape in shapes
    )
    factor = torch.eye(latent_dim, dtype=torch.float64).requires_grad_(full)
    parameters = [decoder, encoder, *([factor] if full else [])]
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=500, tolerance_grad=1e-8, tolerance_change=0, history_size=50,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        left = torch.eye(x.shape[1], dtype=torch.float64) - decoder @ encoder
        spread = factor.tril() @ factor.tril().T
        error = (left @ covariance @ left.T).trace() + (decoder @ spread @ decoder.T).trace()
        kl = (
            (encoder @ covariance @ encoder.T + spread).trace()
            - latent_dim
            - 2 * factor.diagonal().log().sum()
        )
        value = error / (2 * scale**2) + beta * kl / 2
        value.backward()
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    return decoder.detach(), encoder.detach(), factor.detach().tril()


@pytest.mark.parametrize("full", [False, True])
def test_a_q_that_may_be_rotated_is_compared_in_its_principal_axes(digits: Tensor, full: bool) -> None:
    """The page said of these encoders that measured and predicted parts agree: the measured ones of a q of
    full covariance are those of an arbitrary rotation, and of unit variance the prediction was another.
    """
    x, beta, scale = digits[:, 18:30] - digits[:, 18:30].mean(0), 2.5, 0.25
    decoder, encoder, factor = best_linear(x, 4, beta=beta, scale=scale, full=full)
    known = predicted_collapse(x, 4, beta=beta, scale=scale, unit_variance=not full)
    means = x @ encoder.T
    q = FullNormal(means, factor.expand(len(x), -1, -1)) if full else DiagonalNormal(means, 0.0 * means)
    assert 0 < int(known.is_active.sum()) < 4, "some are kept and some are not"
    assert kl_by_principal_axis(q).tolist() == pytest.approx(known.kl_per_dim.tolist(), abs=1e-5)
    parts = q.kl_to_standard_normal().mean(0)
    assert float(parts.sum()) == pytest.approx(known.rate, abs=1e-5)
    assert parts.sort(descending=True).values.tolist() != pytest.approx(known.kl_per_dim.tolist(), abs=0.02)
    left = x - means @ decoder.T
    squares = float(left.square().sum(1).mean() + (decoder @ factor).square().sum())
    distortion = x.shape[1] / 2 * math.log(2 * math.pi * scale**2) + squares / (2 * scale**2)
    assert known.distortion == pytest.approx(distortion, abs=1e-5)


def test_a_rotation_leaves_the_kl_and_a_diagonal_q_in_its_own_axes_as_it_is(
    generator: torch.Generator,
) -> None:
    mean = torch.randn(50, 3, generator=generator) * torch.tensor([0.5, 2.0, 1.0])
    factor = torch.randn(50, 3, 3, generator=generator).tril(-1) + torch.diag_embed(
        torch.rand(50, 3, generator=generator) + 0.1
    )
    q = FullNormal(mean, factor).double()
    assert float(kl_by_principal_axis(q).sum()) == pytest.approx(
        float(q.kl_to_standard_normal().sum(1).mean()), abs=1e-10
    )
    apart = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    own = DiagonalNormal.from_std(apart, torch.tensor([0.2, 0.7]))
    parts = own.double().kl_to_standard_normal().mean(0).tolist()
    assert kl_by_principal_axis(own).tolist() == pytest.approx(parts, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "beta", "match"), [(1, 1.0, "at least 2"), (3, 0.0, "no dimension collapses")]
)
def test_refusals(rows: int, beta: float, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        predicted_collapse(torch.zeros(rows, 2), 1, beta=beta, scale=1.0)
