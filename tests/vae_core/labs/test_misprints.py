"""Misprinted formulas beside the right ones: both values are what independent computations give."""

import math
from typing import Any

import pytest
import torch

from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.page_scripts import checked, numbers, open_page, runner
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.misprints import NUM_SAMPLES, Misprints, measure_misprints
from vae_core.model import VAE
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture


@pytest.fixture(scope="module")
def pretrained() -> tuple[VAE, torch.Tensor]:
    """The pretrained model, and a held-out datum."""
    run = load_run(PRETRAINED_RUN)
    return run.model(), load_dataset("digits", seed=run.config.seed).x_test[5]


@pytest.fixture(scope="module")
def found(pretrained: tuple[VAE, torch.Tensor]) -> Misprints:
    """Its values."""
    return measure_misprints(*pretrained, generator=torch.Generator().manual_seed(0))


def test_the_bounds_are_those_of_sampling_and_quadrature(
    pretrained: tuple[VAE, torch.Tensor], found: Misprints
) -> None:
    model, x = pretrained
    exact = exact_evidence(model, x[None])
    with torch.no_grad():
        terms = elbo_terms(model, x[None], num_samples=20_000, generator=torch.Generator().manual_seed(1))
    # Two hundredths are four standard errors of the reconstruction here.
    assert found.elbo[0] == pytest.approx(float(terms.elbo), abs=0.02)
    assert found.elbo[0] == pytest.approx(float(exact.elbo), abs=1e-3)
    assert found.elbo[1] < found.elbo[0] - 0.5, "the wider q is worse"
    assert found.gap == pytest.approx(found.log_evidence - found.elbo[0], abs=1e-3)


def test_without_its_logarithm_the_bound_is_the_same_for_every_q(found: Misprints) -> None:
    assert found.log_ratio[0] == pytest.approx(found.log_ratio[1], abs=1e-3)
    assert found.log_ratio[1] == pytest.approx(found.log_evidence, abs=1e-3)


def test_the_sign_of_the_kl_is_decided_by_samples(found: Misprints) -> None:
    # Five standard errors: wrong once in two million seeds; this one is fixed.
    assert abs(found.kl_sampled - found.kl) < 5 * found.kl_error
    assert found.kl_printed == pytest.approx(-found.kl, rel=1e-6)
    assert found.kl_error < 0.01


def test_the_other_values(pretrained: tuple[VAE, torch.Tensor], found: Misprints) -> None:
    model, x = pretrained
    with torch.no_grad():
        q = model.posterior(x[None])
    assert found.mass_printed == pytest.approx(math.sqrt(math.pi), abs=1e-12)
    assert found.mass == pytest.approx(1, abs=1e-12)
    assert found.variance_softmax == pytest.approx(1, abs=1e-12)
    assert found.variance == pytest.approx(float(q.std.square().sum()), rel=1e-5)
    assert list(found.minus_gradient) == pytest.approx((-q.mean[0]).tolist(), rel=1e-6)
    # A standard deviation of n draws is off by 1/sqrt(2n) of itself: here five of those.
    spread = 5 / math.sqrt(2 * NUM_SAMPLES)
    assert found.spread == pytest.approx(found.std, rel=spread)
    assert found.spread_printed == pytest.approx(found.std**2, rel=spread)
    assert found.posterior_mass == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("change", [{"latent_dim": 3}, {"encoder_head": "deterministic"}])
def test_a_model_without_such_a_q_is_refused(change: Any) -> None:
    model = VAE(ModelConfig(data_dim=4, **change), generator=torch.Generator())
    with pytest.raises(BadInput, match=r"one or two dimensions|deterministic encoder"):
        measure_misprints(model, torch.zeros(4), generator=torch.Generator())


def test_the_page_shows_the_right_formula_when_it_is_asked_to() -> None:
    at = open_page("free_energy", free_energy_view="errors")
    assert len(at.toggle) == 9
    assert not at.metric
    checked(at.toggle(key="misprint_1").set_value(True).run())
    printed, right = (numbers(metric.value)[0] for metric in at.metric)
    assert printed == -right < 0
    checked(at.slider(key="misprint_example").set_value(7).run())
    assert numbers(at.metric[1].value)[0] != right
