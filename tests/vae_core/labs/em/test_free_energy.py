"""log p(x) = F[q] + KL(q || posterior) for any q, and both forms of F."""

import math

import pytest
import torch

from vae_core.errors import BadInput
from vae_core.labs.em.free_energy import (
    FreeEnergy,
    NoisyMixture,
    gaussian_free_energy,
    responsibilities_free_energy,
)
from vae_core.labs.em.mixture import Mixture

LINE = Mixture([0.6, 0.4], [[-1.5], [1.5]], [[[0.25]], [[0.49]]])
PLANE = Mixture(
    [0.5, 0.3, 0.2],
    [[-1.5, 0.0], [1.5, 1.0], [1.0, -1.5]],
    [[[0.5, 0.2], [0.2, 0.4]], [[0.3, -0.1], [-0.1, 0.3]], [[0.2, 0.0], [0.0, 0.6]]],
)
MODELS = {"line": NoisyMixture(LINE, 0.7), "plane": NoisyMixture(PLANE, 0.5)}
DATA = {"line": torch.tensor([0.4]).double(), "plane": torch.tensor([0.3, 0.2]).double()}


def assert_adds_up(found: FreeEnergy, tolerance: float) -> None:
    assert found.bound + found.kl_to_posterior == pytest.approx(found.log_evidence, abs=tolerance)
    assert found.reconstruction - found.kl_to_prior == pytest.approx(found.bound, abs=tolerance)
    assert found.kl_to_posterior >= -tolerance
    assert found.kl_to_prior >= -tolerance


@pytest.mark.parametrize("q", [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
def test_any_responsibilities_add_up(q: list[float]) -> None:
    found = responsibilities_free_energy(
        PLANE, torch.tensor([0.3, 0.2]), torch.tensor(q, dtype=torch.float64)
    )
    assert_adds_up(found, 1e-12)
    assert found.kl_to_posterior > 0.01


def test_a_posterior_too_small_for_a_float_has_a_finite_gap() -> None:
    far = Mixture([0.5, 0.5], [[-30.0], [30.0]], [[[0.5]], [[0.5]]])
    x = torch.tensor([30.0], dtype=torch.float64)
    found = responsibilities_free_energy(far, x, torch.tensor([0.3, 0.7], dtype=torch.float64))
    assert float(far.responsibilities(x[None])[0, 0]) == 0
    assert_adds_up(found, 1e-9)
    assert 1000 < found.kl_to_posterior < 1100


def test_the_posterior_has_no_gap() -> None:
    x = torch.tensor([0.3, 0.2]).double()
    posterior = PLANE.responsibilities(x[None])[0]
    found = responsibilities_free_energy(PLANE, x, posterior)
    assert found.bound == pytest.approx(float(PLANE.log_prob(x[None])), abs=1e-12)
    assert found.kl_to_posterior == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_log_p_and_the_posterior_equal_a_sum_over_a_grid(name: str) -> None:
    model, x = MODELS[name], DATA[name]
    line = torch.linspace(-8, 8, 801 if len(x) == 2 else 8001, dtype=torch.float64)
    z = torch.cartesian_prod(*[line] * len(x)).reshape(-1, len(x))
    cell = float(line[1] - line[0]) ** len(x)
    joint = model.prior.log_prob(z) + model.log_likelihood(x, z)
    log_evidence = float(joint.logsumexp(0) + math.log(cell))
    assert model.log_evidence(x) == pytest.approx(log_evidence, abs=1e-10)
    difference = (model.posterior(x).log_prob(z) - (joint - log_evidence)).abs()
    assert float(difference.max()) < 1e-9


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("shift", "width"), [(0.0, 0.5), (1.5, 0.1), (-2.0, 2.0)])
def test_any_gaussian_adds_up(name: str, shift: float, width: float) -> None:
    x = DATA[name]
    found = gaussian_free_energy(MODELS[name], x, x + shift, torch.full_like(x, width))
    assert_adds_up(found, 1e-6)


def test_one_component_has_a_gaussian_posterior_without_gap() -> None:
    model = NoisyMixture(Mixture([1.0], [[0.5]], [[[2.0]]]), 0.8)
    x = torch.tensor([1.3]).double()
    precision = 1 / 2.0 + 1 / 0.64
    mean = torch.tensor([(0.5 / 2.0 + 1.3 / 0.64) / precision]).double()
    std = torch.tensor([precision**-0.5]).double()
    found = gaussian_free_energy(model, x, mean, std)
    assert found.kl_to_posterior == pytest.approx(0, abs=1e-12)


def test_what_is_no_q_is_refused() -> None:
    x = DATA["plane"]
    with pytest.raises(BadInput, match="sum 1"):
        responsibilities_free_energy(PLANE, x, torch.tensor([0.5, 0.5, 0.5]))
    with pytest.raises(BadInput, match="above 0"):
        gaussian_free_energy(MODELS["plane"], x, x, torch.zeros(2))
