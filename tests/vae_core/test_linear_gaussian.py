"""Linear VAEs against probabilistic PCA, whose evidence is known in closed form."""

import math
from typing import Final

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca, linear_vae, sigma_points
from vae_core.config import TrainConfig
from vae_core.data import Dataset
from vae_core.elbo import elbo_terms, elbo_terms_given_eps
from vae_core.latent.collapse import predicted_collapse
from vae_core.model import VAE
from vae_core.training.loop import Training

GOLDEN: Final = {
    1: (-3.748464, 0.063403),
    2: (0.005707, 0.054117),
    5: (8.907637, 0.036197),
    10: (17.451947, 0.022751),
    32: (35.247022, 0.004935),
}
"""q: mean log-likelihood of the digits / 16 in nats per image, and s^2."""


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0]) / 16)


def as_dataset(x: Tensor) -> Dataset:
    return Dataset(
        name="all",
        x_train=x.float(),
        x_test=x.float(),
        labels_train=None,
        labels_test=None,
        image_shape=None,
        class_names=(),
        notes=(),
    )


def exact_elbo(model: VAE, x: Tensor) -> Tensor:
    """ELBO of each example with the exact expectation over q of a linear decoder, float64."""
    terms = elbo_terms_given_eps(model, x, model.posterior(x), sigma_points(model.config.latent_dim))
    return terms.elbo.detach()


@pytest.mark.parametrize("latent_dim", GOLDEN)
def test_ppca_likelihood_agrees_with_itself_and_scikit_learn(digits: Tensor, latent_dim: int) -> None:
    ppca = fit_ppca(digits, latent_dim)
    value, variance = GOLDEN[latent_dim]
    assert ppca.mean_log_likelihood() == pytest.approx(value, abs=1e-5)
    assert ppca.variance == pytest.approx(variance, abs=1e-6)
    assert float(ppca.log_prob(digits).mean()) == pytest.approx(ppca.mean_log_likelihood(), abs=1e-9)
    assert PCA(latent_dim, svd_solver="full").fit(digits).score(digits) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("latent_dim", [1, 2, 10, 32])
def test_elbo_equals_the_evidence_where_the_posterior_is_exact(digits: Tensor, latent_dim: int) -> None:
    ppca = fit_ppca(digits, latent_dim)
    model = exact_vae(ppca)
    assert (exact_elbo(model, digits) - ppca.log_prob(digits)).abs().max() < 1e-9


def test_any_other_posterior_lowers_the_bound_by_its_divergence(digits: Tensor) -> None:
    ppca = fit_ppca(digits, 2)
    model = exact_vae(ppca)
    exact = model.posterior(digits)
    with torch.no_grad():
        model.encoder.biases[0].add_(torch.tensor([0.3, -0.2, 0.5, -0.7]))
    other = torch.distributions.Normal(model.posterior(digits).mean, model.posterior(digits).std)
    divergence = torch.distributions.kl_divergence(other, torch.distributions.Normal(exact.mean, exact.std))
    gap = ppca.log_prob(digits) - exact_elbo(model, digits)
    assert (gap - divergence.sum(-1)).abs().max() < 1e-9
    assert gap.min() > 0.1


def test_sampled_elbo_of_the_exact_model_is_unbiased(digits: Tensor, generator: torch.Generator) -> None:
    """400 samples each of 1797 data: |z| < 5 fails falsely once in 1.7 million."""
    ppca = fit_ppca(digits, 2)
    model = exact_vae(ppca)
    with torch.no_grad():
        runs = torch.stack([elbo_terms(model, digits, generator=generator).elbo.mean() for _ in range(400)])
    error = runs.mean() - ppca.mean_log_likelihood()
    assert abs(error) < 5 * runs.std() / math.sqrt(len(runs))
    assert runs.std() / math.sqrt(len(runs)) < 0.01


def trained(model: VAE, x: Tensor, config: TrainConfig, rates: tuple[tuple[float, int], ...]) -> VAE:
    """Trains with the given step sizes, each for so many updates, and returns the model in float64."""
    training = Training(model, as_dataset(x), config, generator=torch.Generator().manual_seed(0))
    steps = training.steps()
    for learning_rate, num_updates in rates:
        training.set_learning_rate(learning_rate)
        for _ in range(num_updates):
            next(steps)
    return model.double()


def test_a_trained_linear_vae_reaches_the_best_evidence_and_never_more(digits: Tensor) -> None:
    ppca = fit_ppca(digits, 2)
    config = TrainConfig(batch_size=512, num_epochs=10_000)
    model = linear_vae(64, 2, likelihood_scale=None)
    model = trained(model, digits, config, ((0.2, 1000), (0.02, 400), (2e-3, 400), (2e-4, 200)))
    gap = ppca.mean_log_likelihood() - float(exact_elbo(model, digits.float().double()).mean())
    assert -1e-9 <= gap < 1e-2
    assert float(model.likelihood_scale().detach()) ** 2 == pytest.approx(ppca.variance, rel=0.01)
    angles = torch.linalg.svdvals(
        torch.linalg.qr(model.decoder.weights[0].detach()).Q.T @ torch.linalg.qr(ppca.weights).Q
    )
    assert angles.min() > math.cos(math.radians(1))


EIGENVALUES: Final = (4.0, 2.0, 0.6, 0.5, 0.2, 0.1)


@pytest.mark.parametrize(("beta", "num_active"), [(1.0, 4), (3.0, 2)])
def test_beta_prunes_the_dimensions_that_theory_says(
    beta: float, num_active: int, generator: torch.Generator
) -> None:
    """Dimensions with lambda > beta s^2 stay, with singular values (lambda - beta s^2)^(1/2)."""
    variance = 0.4
    x = torch.randn(32, 6, generator=generator).double()
    x = torch.linalg.qr(x - x.mean(0)).Q * math.sqrt(32) * torch.tensor(EIGENVALUES).sqrt()
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator).double()).Q
    x = (x @ rotation).float()
    config = TrainConfig(batch_size=32, num_epochs=100_000, beta=beta, num_samples=32)
    model = linear_vae(6, 4, likelihood_scale=math.sqrt(variance))
    model = trained(model, x, config, ((0.03, 1500), (3e-3, 400), (3e-4, 300)))
    expected = (torch.tensor(EIGENVALUES[:4]).double() - beta * variance).clamp(min=0).sqrt()
    found = torch.linalg.svdvals(model.decoder.weights[0].detach())
    assert int((expected > 0).sum()) == num_active
    assert torch.allclose(found, expected, atol=5e-3), (found, expected)
    terms = elbo_terms_given_eps(model, x.double(), model.posterior(x.double()), sigma_points(4))
    known = predicted_collapse(x.double(), 4, beta=beta, scale=math.sqrt(variance))
    rate, distortion = float(terms.kl.detach().mean()), -float(terms.reconstruction.detach().mean())
    assert rate == pytest.approx(known.rate, abs=5e-3)
    assert distortion == pytest.approx(known.distortion, abs=0.02)
    # Along the curve the one is paid with the other, dD = -beta dR: what training minimises is closer.
    assert distortion + beta * rate == pytest.approx(known.distortion + beta * known.rate, abs=2e-3)
