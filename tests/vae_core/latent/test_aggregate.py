"""The aggregate posterior and the decomposition of the KL, against quadrature and closed forms."""

import math

import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.errors import BadInput
from vae_core.latent.aggregate import active_units, aggregate_samples, kl_surgery, log_aggregate
from vae_core.model import VAE
from vae_core.posteriors import DiagonalMixture, DiagonalNormal, PlanarNormal
from vae_core.priors import vamp_prior

MEANS, STDS = torch.tensor([[-1.3], [0.2], [1.9]]).double(), torch.tensor([[0.5], [0.8], [0.3]]).double()
Q = DiagonalNormal.from_std(MEANS, STDS)


def normal(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return torch.distributions.Normal(mean, std).log_prob(z)


def _noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def test_parts_are_those_of_a_quadrature(generator: torch.Generator) -> None:
    """60 000 samples of 3 examples; |error| < 5 s.e. fails falsely once in 1.7 million."""
    z = torch.linspace(-14, 14, 40_001, dtype=torch.float64)
    step = float(z[1] - z[0])
    given_x = normal(z, MEANS, STDS)  # (3, grid)
    log_q = torch.logsumexp(given_x, 0) - math.log(3)
    log_p = normal(z, torch.zeros(1).double(), torch.ones(1).double())
    information = float((given_x.exp() * (given_x - log_q)).sum(1).mean()) * step
    marginal = float((log_q.exp() * (log_q - log_p)).sum()) * step

    found = kl_surgery(Q, num_samples=20_000, generator=generator)
    assert found.kl == pytest.approx(information + marginal, abs=1e-8), "the identity, by quadrature"
    assert 0 < information < math.log(3)
    # The means by example differ, so the error for given examples is that of the samples alone.
    assert found.mutual_information.value == pytest.approx(information, abs=5 * 1.0 / math.sqrt(60_000))
    assert found.marginal_kl.value == pytest.approx(marginal, abs=5 * 3.0 / math.sqrt(60_000))
    assert (found.num_examples, found.num_samples) == (3, 20_000)


def test_parts_add_up(generator: torch.Generator) -> None:
    means = 2 * torch.randn(300, 4, generator=generator).double()
    stds = torch.rand(300, 4, generator=generator).double() + 0.1
    found = kl_surgery(DiagonalNormal.from_std(means, stds), num_samples=3, generator=generator)
    inner = found.total_correlation.value + found.dimension_wise_kl.value
    assert inner == pytest.approx(found.marginal_kl.value, abs=1e-10)
    error = found.mutual_information.value + found.marginal_kl.value - found.kl
    # E[log q(z|x) - log p(z)] has a deviation below 3 nats for each of the 900 samples here.
    assert abs(error) < 5 * 3 / math.sqrt(900)
    assert found.mutual_information.value < math.log(300)


def test_of_mixtures_the_parts_are_those_of_a_quadrature(generator: torch.Generator) -> None:
    """40 000 samples of 3 mixtures in the plane beside sums over a grid, to five standard errors."""
    log_weights = torch.log_softmax(_noise((3, 2), generator).double(), -1)
    means, log_vars = (0.8 * _noise((3, 2, 2), generator).double() for _ in range(2))
    q = DiagonalMixture(log_weights, means, log_vars)
    axis = torch.linspace(-9, 9, 361, dtype=torch.float64)
    cell = float(axis[1] - axis[0]) ** 2
    z = torch.cartesian_prod(axis, axis)
    given_x = torch.stack([q.take(slice(row, row + 1)).log_prob(z[:, None])[:, 0] for row in range(3)], 1)
    log_q = torch.logsumexp(given_x, 1) - math.log(3)
    density = log_q.exp().view(361, 361)
    log_dims = [(density.sum(1 - dim) * cell**0.5).log() for dim in range(2)]
    log_product = (log_dims[0][:, None] + log_dims[1]).flatten()
    log_p = -0.5 * z.square().sum(1) - math.log(2 * math.pi)

    def mean(values: torch.Tensor) -> float:
        return float((log_q.exp() * values).sum()) * cell

    expected = {
        "mutual_information": float((given_x.exp() * (given_x - log_q[:, None])).sum(0).mean()) * cell,
        "marginal_kl": mean(log_q - log_p),
        "total_correlation": mean(log_q - log_product),
        "dimension_wise_kl": mean(log_product - log_p),
    }
    assert expected["total_correlation"] > 0.01
    found = kl_surgery(q, num_samples=40_000, generator=generator)
    for name, value in expected.items():
        # A sample of any of these logarithms has a deviation below 4 nats here.
        assert getattr(found, name).value == pytest.approx(value, abs=5 * 4 / math.sqrt(120_000)), name
    parts = (found.mutual_information, found.total_correlation, found.dimension_wise_kl)
    assert found.kl == pytest.approx(sum(part.value for part in parts), abs=1e-10), "of the same samples"
    assert found.kl_error > 0


def test_a_mixture_of_equal_components_is_a_gaussian(generator: torch.Generator) -> None:
    means, log_vars = (0.8 * _noise((40, 3), generator).double() for _ in range(2))
    normal_one = DiagonalNormal(means, log_vars)
    twice = DiagonalMixture(
        torch.full((40, 2), 0.5).double().log(),
        *(part[:, None].expand(-1, 2, -1) for part in (means, log_vars)),
    )
    found = kl_surgery(twice, num_samples=200, generator=generator)
    exact = kl_surgery(normal_one, num_samples=200, generator=generator)
    assert exact.kl_error == 0
    assert found.kl == pytest.approx(exact.kl, abs=5 * 3 / math.sqrt(8000))
    assert found.total_correlation.value == pytest.approx(
        exact.total_correlation.value, abs=5 * 3 / math.sqrt(8000)
    )


def test_a_flow_has_no_parts_by_dimension(generator: torch.Generator) -> None:
    q = VAE(ModelConfig(data_dim=4, encoder_head="flow"), generator=generator).posterior(torch.rand(5, 4))
    assert isinstance(q, PlanarNormal)
    with pytest.raises(BadInput, match="flow"):
        kl_surgery(q, generator=generator)


def test_independent_dimensions_have_no_total_correlation(generator: torch.Generator) -> None:
    corners = torch.cartesian_prod(torch.tensor([-2.0, 1.0, 2.5]), torch.tensor([-1.0, 3.0])).double()
    found = kl_surgery(
        DiagonalNormal.from_std(corners, torch.full_like(corners, 0.4)), num_samples=50, generator=generator
    )
    assert found.total_correlation.value == pytest.approx(0, abs=1e-12)
    assert found.total_correlation.standard_error < 1e-12


def test_dependent_dimensions_have_one(generator: torch.Generator) -> None:
    line = torch.linspace(-3, 3, 200).double()[:, None].repeat(1, 2)
    found = kl_surgery(
        DiagonalNormal.from_std(line, torch.full_like(line, 0.1)), num_samples=5, generator=generator
    )
    assert found.total_correlation.value > 1


def test_a_collapsed_posterior_has_no_information(generator: torch.Generator) -> None:
    found = kl_surgery(
        DiagonalNormal(torch.zeros(50, 3), torch.zeros(50, 3)), num_samples=2, generator=generator
    )
    assert found.kl == 0
    for part in (found.mutual_information, found.marginal_kl, found.total_correlation):
        assert part.value == pytest.approx(0, abs=1e-10)


def test_far_apart_posteriors_identify_their_example(generator: torch.Generator) -> None:
    means = 100 * torch.arange(64).double()[:, None]
    found = kl_surgery(DiagonalNormal.from_std(means, torch.ones(64, 1)), generator=generator)
    assert found.mutual_information.value == pytest.approx(math.log(64), abs=1e-9)


def test_pieces_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    means, stds = torch.randn(40, 2, generator=torch.Generator().manual_seed(1)), torch.ones(40, 2)
    whole = kl_surgery(DiagonalNormal.from_std(means, stds), generator=torch.Generator().manual_seed(2))
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 170)
    pieces = kl_surgery(DiagonalNormal.from_std(means, stds), generator=torch.Generator().manual_seed(2))
    assert pieces.marginal_kl.value == pytest.approx(whole.marginal_kl.value, abs=1e-12)


def test_units_are_active_when_their_means_vary() -> None:
    means = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.11, 2.0], [0.0, 0.0, 3.0], [0.0, 0.11, 1.0]])
    assert active_units(means).tolist() == [False, False, True]


def test_refusals(generator: torch.Generator) -> None:
    with pytest.raises(BadInput, match="deterministic"):
        kl_surgery(DiagonalNormal.from_std(MEANS, torch.zeros(3, 1)), generator=generator)
    with pytest.raises(BadInput, match="at least 1 sample"):
        kl_surgery(Q, num_samples=0, generator=generator)


def test_aggregate_samples_have_the_moments_of_the_mixture(generator: torch.Generator) -> None:
    means, stds = _noise((50, 2), generator) * 2, _noise((50, 2), generator).abs()
    z = aggregate_samples(DiagonalNormal.from_std(means, stds), 200_000, generator=generator)
    variance = stds.square().mean(0) + means.var(0, correction=0)
    assert torch.allclose(z.mean(0), means.mean(0), atol=0.02)
    assert torch.allclose(z.var(0), variance, rtol=0.02)


def test_aggregate_samples_repeat_with_their_seed_and_need_no_spread() -> None:
    q = DiagonalNormal.from_std(torch.arange(10.0)[:, None], torch.zeros(10, 1))
    first, again = (aggregate_samples(q, 30, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert set(first.flatten().tolist()) <= set(range(10))
    with pytest.raises(BadInput, match="at least 1 sample is needed, got 0"):
        aggregate_samples(q, 0, generator=torch.Generator())


def test_density_of_the_aggregate_posterior_integrates_to_one(generator: torch.Generator) -> None:
    means, stds = _noise((20, 2), generator), _noise((20, 2), generator).abs() + 0.1
    axis = torch.linspace(-9, 9, 361)
    z = torch.cartesian_prod(axis, axis)
    mass = log_aggregate(z, DiagonalNormal.from_std(means, stds)).double().exp().sum() * 0.05**2
    assert float(mass) == pytest.approx(1, abs=2e-3)


def test_density_is_the_mean_of_the_posteriors_and_that_of_their_vamp_prior(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    means, stds = (
        torch.tensor([[1.0, -2.0], [0.0, 3.0]]).double(),
        torch.tensor([[0.5, 3.0], [1, 2]]).double(),
    )
    z = torch.tensor([[0.0, 0.0], [1.0, -2.0], [-4.0, 9.0]]).double()
    expected = normal(z[:, None], means, stds).sum(-1).exp().mean(1).log()
    q = DiagonalNormal.from_std(means, stds)
    assert torch.allclose(log_aggregate(z, q), expected, rtol=1e-12)
    assert torch.allclose(vamp_prior(q).log_prob(z), expected, rtol=1e-12)
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 8)
    assert torch.allclose(log_aggregate(z, q), expected, rtol=1e-12), "in pieces"
