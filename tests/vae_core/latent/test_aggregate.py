"""The KL taken apart, against quadrature in one dimension and against what is known without sampling."""

import math

import pytest
import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.latent.aggregate import active_units, kl_surgery

MEANS, STDS = torch.tensor([[-1.3], [0.2], [1.9]]).double(), torch.tensor([[0.5], [0.8], [0.3]]).double()


def normal(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return torch.distributions.Normal(mean, std).log_prob(z)


def test_parts_are_those_of_a_quadrature(generator: torch.Generator) -> None:
    """60 000 samples in 3 data; |error| < 5 s.e. fails falsely once in 1.7 million."""
    z = torch.linspace(-14, 14, 40_001, dtype=torch.float64)
    step = float(z[1] - z[0])
    given_x = normal(z, MEANS, STDS)  # (3, grid)
    log_q = torch.logsumexp(given_x, 0) - math.log(3)
    log_p = normal(z, torch.zeros(1).double(), torch.ones(1).double())
    information = float((given_x.exp() * (given_x - log_q)).sum(1).mean()) * step
    marginal = float((log_q.exp() * (log_q - log_p)).sum()) * step

    found = kl_surgery(MEANS, STDS, num_samples=20_000, generator=generator)
    assert found.kl == pytest.approx(information + marginal, abs=1e-8), "the identity, by quadrature"
    assert 0 < information < math.log(3)
    # Means by datum differ from each other, so the error for given data is that of the samples alone.
    assert found.mutual_information.value == pytest.approx(information, abs=5 * 1.0 / math.sqrt(60_000))
    assert found.marginal_kl.value == pytest.approx(marginal, abs=5 * 3.0 / math.sqrt(60_000))
    assert (found.num_data, found.num_samples) == (3, 20_000)


def test_parts_add_up(generator: torch.Generator) -> None:
    means = 2 * torch.randn(300, 4, generator=generator).double()
    stds = torch.rand(300, 4, generator=generator).double() + 0.1
    found = kl_surgery(means, stds, num_samples=3, generator=generator)
    inner = found.total_correlation.value + found.dimension_wise_kl.value
    assert inner == pytest.approx(found.marginal_kl.value, abs=1e-10)
    error = found.mutual_information.value + found.marginal_kl.value - found.kl
    # E[log q(z|x) - log p(z)] has a deviation below 3 nats for each of the 900 samples here.
    assert abs(error) < 5 * 3 / math.sqrt(900)
    assert found.mutual_information.value < math.log(300)


def test_independent_dimensions_have_no_total_correlation(generator: torch.Generator) -> None:
    corners = torch.cartesian_prod(torch.tensor([-2.0, 1.0, 2.5]), torch.tensor([-1.0, 3.0])).double()
    found = kl_surgery(corners, torch.full_like(corners, 0.4), num_samples=50, generator=generator)
    assert found.total_correlation.value == pytest.approx(0, abs=1e-12)
    assert found.total_correlation.standard_error < 1e-12


def test_dependent_dimensions_have_one(generator: torch.Generator) -> None:
    line = torch.linspace(-3, 3, 200).double()[:, None].repeat(1, 2)
    found = kl_surgery(line, torch.full_like(line, 0.1), num_samples=5, generator=generator)
    assert found.total_correlation.value > 1


def test_collapsed_posterior_tells_nothing(generator: torch.Generator) -> None:
    found = kl_surgery(torch.zeros(50, 3), torch.ones(50, 3), num_samples=2, generator=generator)
    assert found.kl == 0
    for part in (found.mutual_information, found.marginal_kl, found.total_correlation):
        assert part.value == pytest.approx(0, abs=1e-10)


def test_far_apart_posteriors_name_their_datum(generator: torch.Generator) -> None:
    means = 100 * torch.arange(64).double()[:, None]
    found = kl_surgery(means, torch.ones(64, 1), generator=generator)
    assert found.mutual_information.value == pytest.approx(math.log(64), abs=1e-9)


def test_pieces_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    means, stds = torch.randn(40, 2, generator=torch.Generator().manual_seed(1)), torch.ones(40, 2)
    whole = kl_surgery(means, stds, generator=torch.Generator().manual_seed(2))
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 170)
    pieces = kl_surgery(means, stds, generator=torch.Generator().manual_seed(2))
    assert pieces.marginal_kl.value == pytest.approx(whole.marginal_kl.value, abs=1e-12)


def test_units_are_active_when_their_means_vary() -> None:
    means = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.11, 2.0], [0.0, 0.0, 3.0], [0.0, 0.11, 1.0]])
    assert active_units(means).tolist() == [False, False, True]


def test_refusals(generator: torch.Generator) -> None:
    with pytest.raises(BadInput, match="deterministic"):
        kl_surgery(MEANS, torch.zeros(3, 1), generator=generator)
    with pytest.raises(BadInput, match="at least 1 sample"):
        kl_surgery(MEANS, STDS, num_samples=0, generator=generator)
