"""q over weights: its KL, the moments of both samplers, and their gradients."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_core.errors import BadInput
from vae_core.labs.weights.posterior import WeightPosterior, pre_activation
from vae_core.networks import MLP

NUM_DRAWS, NUM_NETWORKS = 20_000, 4000


def posterior(*dims: int, spread: float = 0.3) -> WeightPosterior:
    """A q in float64 whose standard deviations differ from weight to weight."""
    noise = torch.Generator().manual_seed(1)
    q = WeightPosterior(MLP(dims, activation="tanh", generator=noise).double(), initial_std=spread).double()
    with torch.no_grad():
        for part in q.parameters():
            part.add_(0.3 * torch.randn(part.shape, generator=noise, dtype=torch.float64))
    return q


def normals(q: WeightPosterior) -> list[Normal]:
    return [
        Normal(mean.detach(), log_std.detach().exp())
        for layer in q.layers()
        for mean, log_std in ((layer.weight, layer.log_std_weight), (layer.bias, layer.log_std_bias))
    ]


@pytest.mark.parametrize("prior_std", [0.1, 1.0, 3.0])
def test_kl_equals_that_of_torch_distributions(prior_std: float) -> None:
    q = posterior(3, 5, 2)
    prior = Normal(torch.zeros(1, dtype=torch.float64), prior_std)
    expected = torch.cat([kl_divergence(part, prior).flatten() for part in normals(q)])
    torch.testing.assert_close(q.kl_per_weight(prior_std).detach(), expected, rtol=1e-12, atol=0)


def test_kl_equals_monte_carlo() -> None:
    """20 000 draws; 5 standard errors: a false failure in 1.7 million runs."""
    q, noise = posterior(3, 5, 2), torch.Generator().manual_seed(2)
    total = torch.zeros(NUM_DRAWS, dtype=torch.float64)
    for part in normals(q):
        eps = torch.randn((NUM_DRAWS, *part.mean.shape), generator=noise, dtype=torch.float64)
        w = part.mean + part.stddev * eps
        total += (part.log_prob(w) - Normal(0.0, 0.7).log_prob(w)).flatten(1).sum(1)
    error = float(total.std()) / math.sqrt(NUM_DRAWS)
    assert abs(float(total.mean() - q.kl_per_weight(0.7).detach().sum())) < 5 * error
    assert error < 0.05, "the bound is not vacuous"


def test_kl_is_zero_at_the_prior_alone() -> None:
    q = WeightPosterior(
        MLP((2, 3), activation="tanh", generator=torch.Generator().manual_seed(0)), initial_std=0.4
    )
    with torch.no_grad():
        q.means.weights[0].zero_()
    assert float(q.kl_per_weight(0.4).detach().abs().max()) < 1e-6
    assert float(q.kl_per_weight(0.5).detach().min()) > 0.01


def test_pre_activations_have_the_moments_of_drawn_weights() -> None:
    """4000 networks, 4 examples, 5 units: means and variances within 5.5 standard errors of the closed form.

    About 80 comparisons, each beyond its bound with probability 4e-8: a false failure in 300 000 runs.
    """
    q, noise = posterior(3, 5), torch.Generator().manual_seed(3)
    h = torch.randn(4, 3, generator=noise, dtype=torch.float64)
    mean, std = (part.detach() for part in pre_activation(q.layers()[0], h))
    with torch.no_grad():
        u = torch.stack([q.sampled(generator=noise)(h) for _ in range(NUM_NETWORKS)])
    assert ((u.mean(0) - mean).abs() < 5.5 * std / math.sqrt(NUM_NETWORKS)).all()
    assert ((u.var(0) / std.square() - 1).abs() < 5.5 * math.sqrt(2 / NUM_NETWORKS)).all()
    # Under one theta the examples vary together; drawn for each example they do not.
    with torch.no_grad():
        local = torch.stack([q.local(generator=noise)(h) for _ in range(NUM_NETWORKS)])
    assert ((local.mean(0) - mean).abs() < 5.5 * std / math.sqrt(NUM_NETWORKS)).all()
    assert ((local.var(0) / std.square() - 1).abs() < 5.5 * math.sqrt(2 / NUM_NETWORKS)).all()
    assert abs(correlation(local[:, 0, 0], local[:, 1, 0])) < 5.5 / math.sqrt(NUM_NETWORKS)
    layer = q.layers()[0]
    shared = (h[0] * h[1] * (2 * layer.log_std_weight[0]).exp()).sum() + (2 * layer.log_std_bias[0]).exp()
    expected = float(shared.detach() / (std[0, 0] * std[1, 0]))
    assert abs(expected) > 0.1
    assert abs(correlation(u[:, 0, 0], u[:, 1, 0]) - expected) < 5.5 / math.sqrt(NUM_NETWORKS)


def correlation(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


@pytest.mark.parametrize("way", ["local", "sampled"])
def test_draws_are_differentiable_in_means_and_widths(way: str) -> None:
    q, x = posterior(2, 3, 2), torch.randn(4, 2, generator=torch.Generator().manual_seed(4)).double()
    leaves = tuple(q.parameters())

    def output(*_: Tensor) -> Tensor:
        return getattr(q, way)(generator=torch.Generator().manual_seed(5))(x).square().sum()

    assert len(leaves) == 8
    assert torch.autograd.gradcheck(output, leaves)


@pytest.mark.parametrize("way", ["local", "sampled"])
def test_without_width_both_ways_are_the_network_itself(way: str) -> None:
    q, x = posterior(2, 6, 3), torch.randn(4, 2, generator=torch.Generator().manual_seed(4)).double()
    with torch.no_grad():
        for log_stds in (q.log_std_weights, q.log_std_biases):
            for part in log_stds:
                part.fill_(math.log(1e-14))
    drawn = getattr(q, way)(generator=torch.Generator().manual_seed(5))(x)
    torch.testing.assert_close(drawn, q.means(x), rtol=0, atol=1e-12)


def test_signal_to_noise_is_that_of_each_weight() -> None:
    q = posterior(2, 2)
    expected = torch.cat([(part.mean.abs() / part.stddev).flatten() for part in normals(q)])
    torch.testing.assert_close(q.signal_to_noise().detach(), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("initial_std", [0.0, -1.0, math.nan])
def test_widths_that_are_none_are_refused(initial_std: float) -> None:
    network = MLP((2, 2), activation="tanh", generator=torch.Generator().manual_seed(0))
    with pytest.raises(BadInput, match="initial_std must be a number"):
        WeightPosterior(network, initial_std=initial_std)
