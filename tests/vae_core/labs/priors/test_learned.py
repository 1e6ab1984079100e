"""The same model under three priors: what is equal, what adds up, and what the prior is worth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch import Tensor
from torch.distributions import Normal

from vae_core.data import Dataset, load_dataset
from vae_core.elbo import terms_per_example
from vae_core.errors import BadInput
from vae_core.labs.em.mixture import Mixture
from vae_core.labs.priors.fitted import paired
from vae_core.labs.priors.learned import (
    GRID,
    PRIORS,
    comparison_config,
    train_observed,
    train_under_each_prior,
)

KL, INFORMATION, MARGINAL = range(3)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", seed=0)


@pytest.fixture(scope="module")
def found(digits: Dataset) -> dict[str, np.ndarray]:
    shares: list[float] = []
    few = replace(digits, x_test=digits.x_test[:60])
    arrays = train_under_each_prior(few, num_components=5, num_epochs=2, seed=0, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    return arrays


def test_all_three_begin_alike(found: dict[str, np.ndarray]) -> None:
    """Same encoder, decoder and noise: before the first update only the KL tells them apart."""
    starts = [found[f"{prior}/reconstruction"][0] for prior in PRIORS]
    assert starts[0] == starts[1] == starts[2]
    assert len({found[f"{prior}/kl"][0] for prior in PRIORS}) == 3
    assert len({tuple(found[f"{prior}/step"]) for prior in PRIORS}) == 1, "equal budgets, equal looks"


def test_numbers_of_the_end_add_up(found: dict[str, np.ndarray]) -> None:
    for prior in PRIORS:
        elbo, reconstruction, kl = (found[f"{prior}/{name}"] for name in ("elbo", "reconstruction", "kl"))
        assert np.abs(elbo - reconstruction + kl).max() < 1e-5
        assert elbo[-1] > elbo[0] + 5, "it learned"
        assert elbo[-1] == pytest.approx(found[f"{prior}/elbo_of_data"].mean(), abs=1e-4)
        fit = found[f"{prior}/fit"]
        assert fit[KL, 0] == pytest.approx(fit[INFORMATION, 0] + fit[MARGINAL, 0], abs=1e-9)
        assert abs(fit[KL, 0] - kl[-1]) < 5 * fit[KL, 1], "two sets of samples, one KL"
        assert (found[f"{prior}/log_evidence"] > found[f"{prior}/exact_elbo"] - 1e-3).all()
        assert found[f"{prior}/evidence_error"].max() < 1e-2
        looks = len(found[f"{prior}/step"])
        assert found[f"{prior}/density"].shape == (looks, GRID, GRID)
        assert found[f"{prior}/centres"].shape == (looks, 5, 2)
    moved = np.abs(np.diff(found["vamp/shown"], axis=0)).max((1, 2))
    assert (moved > 0).all(), "pseudo-inputs move"
    assert 0 <= found["vamp/shown"].min() <= found["vamp/shown"].max() <= 1


def test_density_over_the_plane_is_the_prior(found: dict[str, np.ndarray]) -> None:
    """N(0, I) at each place of its grid, the second dimension first."""
    x, y = found["standard_normal/axes"].astype(np.float64)
    expected = -0.5 * (x[None] ** 2 + y[:, None] ** 2) - np.log(2 * np.pi)
    assert np.abs(found["standard_normal/density"][-1] - expected).max() < 1e-4
    inside = found["vamp/means"].reshape(-1, 2)
    low, high = found["vamp/axes"][:, 0], found["vamp/axes"][:, -1]
    assert ((inside > low) & (inside < high)).all(), "a learned prior may lie anywhere, and stays in view"


def test_learned_priors_are_worth_nats_on_two_moons() -> None:
    """The claim: from the same start with the same updates, a held-out ELBO over 4 standard errors higher."""
    moons = load_dataset("two_moons", seed=0)
    elbos: dict[str, Tensor] = {}
    for prior in PRIORS:
        config = replace(comparison_config(moons, 20), prior=prior)
        model, _, _ = train_observed(config, moons, num_epochs=60, seed=0, on_progress=lambda share: None)
        noise = torch.Generator().manual_seed(0)
        elbos[prior] = terms_per_example(model, moons.x_test, num_samples=16, generator=noise).elbo
    for prior in ("mixture", "vamp"):
        gain = paired(elbos[prior], elbos["standard_normal"])
        assert gain.value > 4 * gain.standard_error > 0, (prior, gain)


def test_mixture_draws_its_density(generator: torch.Generator) -> None:
    """n = 20 000 draws along a diagonal, where each component is Gaussian: p > 1e-6."""
    mixture = Mixture([0.3, 0.7], [[-1, 0], [2, 1]], [[[1, 0.6], [0.6, 1]], [[0.5, -0.2], [-0.2, 0.3]]])
    along = mixture.sample(20_000, generator=generator).sum(1)
    means = mixture.means.sum(1)
    parts = Normal(means, mixture.covariances.sum((1, 2)).sqrt())
    below = lambda values: (mixture.weights * parts.cdf(torch.as_tensor(values)[:, None])).sum(1).numpy()  # noqa: E731
    assert kstest(along.numpy(), below).pvalue > 1e-6
    places = torch.randn(3, 4, 2, generator=generator).double()
    assert torch.equal(mixture.log_prob(places)[1], mixture.log_prob(places[1])), "any number of axes"


def test_what_cannot_be_trained(digits: Dataset) -> None:
    few = replace(digits, x_train=digits.x_train[:40], labels_train=None)
    with pytest.raises(BadInput, match="components for"):
        train_under_each_prior(few, num_components=41, num_epochs=1, seed=0, on_progress=lambda share: None)
    moons = load_dataset("two_moons", seed=0)
    far = replace(moons, x_train=moons.x_train[:] * 1e25)
    with pytest.raises(BadInput) as caught:
        train_under_each_prior(far, num_components=2, num_epochs=1, seed=0, on_progress=lambda share: None)
    assert caught.value.code == "diverged"
