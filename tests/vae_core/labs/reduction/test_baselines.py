"""PCA and probabilistic PCA against scikit-learn, dense Gaussians and the optimum of a linear autoencoder."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import Tensor

from tests import linear_gaussian
from tests.vae_core.test_linear_gaussian import GOLDEN
from vae_core.errors import BadInput
from vae_core.labs.reduction.baselines import LinearGaussian, fit_pca, fit_ppca


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0]) / 16)


@pytest.fixture
def noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("latent_dim", GOLDEN)
def test_ppca_is_the_closed_form(digits: Tensor, latent_dim: int, noise: torch.Generator) -> None:
    """Eigenvalue form and dense matrix of an independent fit, recorded values, scikit-learn (n - 1)."""
    ours, theirs = fit_ppca(digits, latent_dim), linear_gaussian.fit_ppca(digits, latent_dim)
    log_prob = ours.log_prob(digits, generator=noise)
    assert float(log_prob.mean()) == pytest.approx(theirs.mean_log_likelihood(), abs=1e-9)
    assert float((log_prob - theirs.log_prob(digits)).abs().max()) < 1e-8
    value, variance = GOLDEN[latent_dim]
    assert float(log_prob.mean()) == pytest.approx(value, abs=1e-5)
    assert ours.variance == pytest.approx(variance, abs=1e-6)
    assert PCA(latent_dim, svd_solver="full").fit(digits).score(digits) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("latent_dim", [1, 2, 8])
def test_pca_reconstructs_like_the_best_linear_autoencoder(digits: Tensor, latent_dim: int) -> None:
    """Eckart and Young (1936): the smallest squared error of rank J are the squares of what is left out."""
    pca = fit_pca(digits, latent_dim)
    error = (digits - pca.decode(pca.encode(digits))).square().sum()
    singular = torch.linalg.svdvals(digits - digits.mean(0))
    assert float(error) == pytest.approx(float(singular[latent_dim:].square().sum()), rel=1e-8)
    theirs = PCA(latent_dim, svd_solver="full").fit(digits)
    back = torch.from_numpy(theirs.inverse_transform(theirs.transform(digits)))
    assert float((pca.decode(pca.encode(digits)) - back).abs().max()) < 1e-10


def test_a_linear_autoencoder_descends_to_pca_and_not_below(digits: Tensor) -> None:
    """Alternating least squares, the exact minimum over each factor in turn, ends at PCA's error to 1e-8."""
    centred = digits - digits.mean(0)
    pca = fit_pca(digits, 2)
    best = float((digits - pca.decode(pca.encode(digits))).square().sum())
    decoder = torch.randn(2, 64, generator=torch.Generator().manual_seed(1)).double()
    for _ in range(300):
        codes = torch.linalg.lstsq(decoder.T, centred.T).solution.T
        decoder = torch.linalg.lstsq(codes, centred).solution
    encoder = torch.linalg.pinv(decoder)
    error = float((centred - centred @ encoder @ decoder).square().sum())
    assert error == pytest.approx(best, rel=1e-8)
    assert error >= best * (1 - 1e-12)


@pytest.mark.parametrize("latent_dim", [1, 2, 10])
def test_ppca_completes_by_the_gaussian_conditional_mean(digits: Tensor, latent_dim: int) -> None:
    """E[x_h | x_s] = mean_h + C_hs C_ss^-1 (x_s - mean_s) with the dense covariance C = W W' + s^2 I."""
    ppca = fit_ppca(digits, latent_dim)
    hidden = torch.arange(64) % 3 == 0
    covariance = ppca.weights @ ppca.weights.T + ppca.variance * torch.eye(64).double()
    across, within = covariance[hidden][:, ~hidden], covariance[~hidden][:, ~hidden]
    centred = (digits - ppca.mean)[:, ~hidden]
    expected = ppca.mean[hidden] + torch.linalg.solve(within, centred.T).T @ across.T
    inpainted = ppca.inpaint(digits, hidden)
    assert float((inpainted[:, hidden] - expected).abs().max()) < 1e-9
    assert torch.equal(inpainted[:, ~hidden], digits[:, ~hidden])


def test_ppca_encodes_by_the_posterior_mean(digits: Tensor) -> None:
    ppca = fit_ppca(digits, 5)
    within = ppca.weights @ ppca.weights.T + ppca.variance * torch.eye(64).double()
    expected = torch.linalg.solve(within, (digits - ppca.mean).T).T @ ppca.weights
    assert float((ppca.encode(digits) - expected).abs().max()) < 1e-9


def test_pca_completes_a_point_of_its_plane_exactly(digits: Tensor) -> None:
    pca = fit_pca(digits, 3)
    x = pca.decode(pca.encode(digits[:50]))
    hidden = torch.arange(64) >= 32
    assert float((pca.inpaint(x, hidden) - x).abs().max()) < 1e-9


def test_samples_have_the_model_s_covariance(digits: Tensor) -> None:
    """n = 20000 draws of z: the sample variance along a direction has relative error sqrt(2 / n) = 0.01.

    Six of these and 2 directions: a false failure once in 10^8.
    """
    ppca, pca = fit_ppca(digits, 2), fit_pca(digits, 2)
    directions = ppca.weights / ppca.weights.norm(dim=0)
    for method, variances in ((ppca, ppca.weights.square().sum(0)), (pca, pca.variances)):
        samples = method.sample(20_000, generator=torch.Generator().manual_seed(0))
        found = (samples @ directions).var(0)
        assert float((found / variances - 1).abs().max()) < 0.06


def test_constant_columns_do_no_harm(digits: Tensor, noise: torch.Generator) -> None:
    x = torch.cat([digits, torch.ones(len(digits), 3)], 1)
    ppca = fit_ppca(x, 2)
    assert bool(ppca.log_prob(x, generator=noise).isfinite().all())
    assert float((ppca.decode(ppca.encode(x))[:, 64:] - 1).abs().max()) < 1e-9


def test_fewer_data_than_columns(noise: torch.Generator) -> None:
    """The eigenvalues of directions without variance are 0, and count in s^2."""
    x = torch.randn(6, 20, generator=noise).double()
    eigenvalues = torch.linalg.eigvalsh((x - x.mean(0)).T @ (x - x.mean(0)) / 6).flip(0)
    assert fit_ppca(x, 2).variance == pytest.approx(float(eigenvalues[2:].mean()), rel=1e-9)


@pytest.mark.parametrize(
    ("x", "latent_dim", "code"),
    [
        (torch.eye(4), 5, "latent_dim"),
        (torch.eye(4), 4, "latent_dim"),
        (torch.eye(4), 0, "latent_dim"),
        (torch.eye(9)[:2], 3, "latent_dim"),
        (torch.ones(10, 4), 1, "variance"),
        (torch.arange(10.0)[:, None].repeat(1, 3), 1, "variance"),
    ],
)
def test_what_cannot_be_reduced_is_refused(x: Tensor, latent_dim: int, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        fit_ppca(x, latent_dim)
    assert caught.value.code == code


@pytest.mark.parametrize("hidden", [torch.ones(4).bool(), torch.zeros(4).bool()])
def test_all_or_nothing_hidden_is_refused(hidden: Tensor) -> None:
    model = LinearGaussian(torch.zeros(4).double(), torch.eye(4)[:, :2].double(), 1.0)
    with pytest.raises(BadInput, match="hidden"):
        model.inpaint(torch.zeros(3, 4), hidden)


def test_log_prob_integrates_to_one(noise: torch.Generator) -> None:
    model = LinearGaussian(torch.tensor([0.3, -0.2]).double(), torch.tensor([[0.8], [-0.5]]).double(), 0.2)
    line = torch.linspace(-8, 8, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    mass = model.log_prob(grid, generator=noise).exp().sum() * (line[1] - line[0]) ** 2
    assert float(mass) == pytest.approx(1, abs=1e-9)
    assert math.isfinite(float(mass))
