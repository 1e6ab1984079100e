"""The closed forms of a decoder linear in its weights, against a numerical optimum and other oracles."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from vae_core.errors import BadInput
from vae_core.labs.weights.bayesian_regression import fit_weights, tanh_features
from vae_core.labs.weights.posterior import WeightPosterior, pre_activation
from vae_core.networks import MLP

NOISE, PRIOR_STD = 0.4, 0.8


def data(num_data: int = 12, latent_dim: int = 3) -> tuple[Tensor, Tensor]:
    """z of shape (n, J) and one x for each."""
    noise = torch.Generator().manual_seed(0)
    z = torch.randn(num_data, latent_dim, generator=noise, dtype=torch.float64)
    return z, z.sum(1).sin() + NOISE * torch.randn(num_data, generator=noise, dtype=torch.float64)


def with_ones(z: Tensor) -> Tensor:
    return torch.cat([z, torch.ones(len(z), 1, dtype=torch.float64)], dim=1)


@pytest.mark.parametrize("kl_factor", [1.0, 12.0])
def test_best_q_of_a_linear_decoder_is_the_closed_form(kl_factor: float) -> None:
    """The core's q, trained on its own moments and KL, against ridge regression and 1 / precision_ii."""
    z, x = data()
    decoder = MLP((3, 1), activation="tanh", generator=torch.Generator().manual_seed(1)).double()
    q = WeightPosterior(decoder, initial_std=0.1).double()
    optimizer = torch.optim.LBFGS(q.parameters(), max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-15)

    def loss() -> Tensor:
        optimizer.zero_grad()
        mean, std = (part[:, 0] for part in pre_activation(q.layers()[0], z))
        misfit = ((x - mean).square() + std.square()).sum() / (2 * NOISE**2)
        value = misfit + kl_factor * q.kl_per_weight(PRIOR_STD).sum()
        value.backward()
        return value.detach()

    optimizer.step(loss)  # type: ignore[arg-type]
    found = fit_weights(with_ones(z), x, noise=NOISE, prior_std=PRIOR_STD, kl_factor=kl_factor)
    layer = q.layers()[0]
    means = torch.cat([layer.weight[0], layer.bias]).detach()
    stds = torch.cat([layer.log_std_weight[0], layer.log_std_bias]).detach().exp()
    torch.testing.assert_close(means, found.mean, rtol=0, atol=1e-6)
    torch.testing.assert_close(stds, found.std, rtol=1e-6, atol=0)
    assert found.weight_kl == pytest.approx(float(q.kl_per_weight(PRIOR_STD).detach().sum()), rel=1e-6)


def test_mean_is_the_ridge_solution_by_least_squares() -> None:
    z, x = data()
    features = with_ones(z).numpy()
    rows = np.concatenate([features / NOISE, np.eye(4) / PRIOR_STD])
    target = np.concatenate([x.numpy() / NOISE, np.zeros(4)])
    expected = np.linalg.lstsq(rows, target, rcond=None)[0]
    found = fit_weights(with_ones(z), x, noise=NOISE, prior_std=PRIOR_STD)
    np.testing.assert_allclose(found.mean, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_data", [0, 1, 12])
def test_evidence_is_the_bound_and_the_divergence(num_data: int) -> None:
    z, x = data()
    features, x = with_ones(z)[:num_data], x[:num_data]
    found = fit_weights(features, x, noise=NOISE, prior_std=PRIOR_STD)
    assert found.log_evidence == pytest.approx(found.bound + found.kl_to_posterior, abs=1e-10)
    if num_data:
        covariance = PRIOR_STD**2 * features @ features.T + NOISE**2 * torch.eye(num_data).double()
        evidence = MultivariateNormal(torch.zeros(num_data).double(), covariance).log_prob(x)
        assert found.log_evidence == pytest.approx(float(evidence), abs=1e-10)
    q = MultivariateNormal(found.mean, torch.diag(found.std.square()))
    exact = MultivariateNormal(found.mean, found.covariance)
    prior = MultivariateNormal(torch.zeros(4).double(), PRIOR_STD**2 * torch.eye(4).double())
    assert found.kl_to_posterior == pytest.approx(float(kl_divergence(q, exact)), abs=1e-10)
    assert found.weight_kl == pytest.approx(float(kl_divergence(q, prior)), abs=1e-10)
    assert found.kl_to_posterior >= -1e-12


def test_identity_closes_where_features_are_nearly_the_same_and_the_prior_is_wide() -> None:
    """Of 150 flowers and a prior of width 3 it missed by 2e-5 nats: a precision had been inverted."""
    noise = torch.Generator().manual_seed(0)
    z = torch.randn(150, generator=noise, dtype=torch.float64)
    features = tanh_features(z, 20, generator=noise)
    for factor in (1.0, 150.0):
        found = fit_weights(features, z.tanh(), noise=0.25, prior_std=3.0, kl_factor=factor)
        assert abs(found.log_evidence - found.bound - found.kl_to_posterior) < 1e-9, factor


def test_wrong_factor_gives_a_worse_bound_that_still_closes() -> None:
    z, x = data()
    right = fit_weights(with_ones(z), x, noise=NOISE, prior_std=PRIOR_STD)
    wrong = fit_weights(with_ones(z), x, noise=NOISE, prior_std=PRIOR_STD, kl_factor=len(x))
    assert wrong.bound < right.bound - 1
    assert wrong.log_evidence == right.log_evidence
    assert wrong.log_evidence == pytest.approx(wrong.bound + wrong.kl_to_posterior, abs=1e-10)
    assert float(wrong.mean.norm()) < float(right.mean.norm()), "the weights shrink to the prior"


def test_log_likelihood_equals_monte_carlo() -> None:
    """20 000 draws of w; 5 standard errors: a false failure in 1.7 million runs."""
    z, x = data()
    found = fit_weights(with_ones(z), x, noise=NOISE, prior_std=PRIOR_STD)
    eps = torch.randn(20_000, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    outputs = (found.mean + found.std * eps) @ with_ones(z).T
    values = torch.distributions.Normal(outputs, NOISE).log_prob(x).sum(1)
    error = float(values.std()) / math.sqrt(len(values))
    assert abs(float(values.mean()) - found.log_likelihood) < 5 * error
    assert error < 0.05


def test_spread_falls_with_data_and_is_largest_where_there_are_none() -> None:
    noise = torch.Generator().manual_seed(0)
    z = torch.cat([torch.linspace(-2, -1, 40), torch.linspace(1, 2, 40)]).double()
    places = torch.tensor([-1.5, 0.0, 1.5, 4.0])
    features, there = (
        tanh_features(part, 20, generator=torch.Generator().manual_seed(1)) for part in (z, places)
    )
    x = z.sin() + 0.1 * torch.randn(len(z), generator=noise, dtype=torch.float64)
    spreads = []
    for rows in (slice(0, 80, 20), slice(None)):
        _, exact = fit_weights(features[rows], x[rows], noise=0.1, prior_std=1.0).spread(there)
        assert exact[1] > exact[0]
        assert exact[1] > exact[2]
        assert exact[3] > exact[2]
        spreads.append(exact)
    assert (spreads[1] < spreads[0]).all()


def test_hidden_layer_is_the_same_for_the_same_seed() -> None:
    z = torch.linspace(-1, 1, 5)
    first, again = (tanh_features(z, 4, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (5, 5)
    alone = tanh_features(z[2:3], 4, generator=torch.Generator().manual_seed(3))
    assert torch.equal(alone[0], first[2])


@pytest.mark.parametrize(
    ("features", "x", "settings", "code"),
    [
        (torch.ones(3, 2), torch.ones(2), {}, "x"),
        (torch.ones(2, 2), torch.tensor([1.0, math.nan]), {}, "x"),
        (torch.ones(2, 2), torch.ones(2), {"noise": 0.0}, "noise"),
        (torch.ones(2, 2), torch.ones(2), {"prior_std": math.inf}, "prior_std"),
        (torch.ones(2, 2), torch.ones(2), {"kl_factor": -1.0}, "kl_factor"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    features: Tensor, x: Tensor, settings: dict[str, float], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        fit_weights(features, x, **({"noise": 1.0, "prior_std": 1.0} | settings))
    assert caught.value.code == code
