"""Misprinted formulas beside the right ones: both values are what independent computations give."""

import copy
import math
from typing import Any

import pytest
import torch
from scipy import stats

from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.page_scripts import charts, checked, numbers, open_page, runner
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms, evaluate
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.gradient_sign import train_with_both_signs
from vae_core.labs.misprints import NUM_SAMPLES, Misprints, measure_misprints
from vae_core.model import VAE
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture


@pytest.fixture(scope="module")
def pretrained() -> tuple[VAE, torch.Tensor]:
    """The pretrained model, and a held-out example."""
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


def test_values_at_the_mean(pretrained: tuple[VAE, torch.Tensor], found: Misprints) -> None:
    """By scipy's densities, and by a sum in numpy."""
    model, x = pretrained
    with torch.no_grad():
        q = model.posterior(x[None]).as_normal().marginals
        y = model.likelihood(q.mean[0]).mean.numpy()
    mean, std = q.mean[0].double().numpy(), q.std[0].double().numpy()
    for value, z in zip(found.integrand, (mean, mean + std), strict=True):
        log_q, log_p = stats.norm.logpdf(z, mean, std).sum(), stats.norm.logpdf(z).sum()
        assert value == pytest.approx(math.exp(log_q) * (log_p - log_q), rel=1e-6)
    away = (x.numpy().astype(float) - y) ** 2
    assert found.squares_printed == pytest.approx(away[:2].sum() / 2, rel=1e-5)
    assert found.squares == pytest.approx(away.sum() / 2, rel=1e-5)
    assert found.squares_printed < found.squares


def test_products_and_noise_of_the_derivations(
    pretrained: tuple[VAE, torch.Tensor], found: Misprints
) -> None:
    model, x = pretrained
    with torch.no_grad():
        q = model.posterior(x[None])
    mean, variance = q.mean[0].double(), q.std[0].double().square()
    inverse = torch.diag(1 / variance)
    assert found.quadratic == pytest.approx(0.5 * model.config.latent_dim, abs=1e-9)
    assert found.quadratic_printed == pytest.approx(0.5 * float((inverse * variance.sum()).trace()), rel=1e-5)
    assert found.mean_inner == pytest.approx(sum(row[k] for k, row in enumerate(found.mean_outer)), rel=1e-12)
    assert found.mean_outer[0][1] == pytest.approx(0.5 * float(mean[0] * mean[1]), rel=1e-6)
    assert found.correlation_printed == pytest.approx(1, abs=1e-9)
    # Independent draws: five standard deviations of a correlation of n pairs.
    assert abs(found.correlation) < 5 / math.sqrt(NUM_SAMPLES)


def test_only_one_term_has_a_closed_form_and_only_one_gradient_is_in_trouble(
    pretrained: tuple[VAE, torch.Tensor], found: Misprints
) -> None:
    assert found.reconstruction == pytest.approx(found.elbo[0] + found.kl, abs=1e-6)
    assert abs(found.reconstruction_sampled - found.reconstruction) < 5 * found.reconstruction_error
    assert found.at_mean > found.reconstruction + 0.1
    assert found.by_theta[0] == pytest.approx(found.by_theta[1], abs=1e-7)
    assert abs(found.by_phi[0]) > 1
    model, x = pretrained
    exact, noise = copy.deepcopy(model).double(), torch.randn(20_000, 2, generator=torch.Generator()).double()
    with torch.no_grad():
        q = exact.posterior(x[None].double())
    mean = q.mean[0].clone().requires_grad_()
    fits = exact.likelihood(mean + q.std[0] * noise).log_prob(x.double())
    (gradient,) = torch.autograd.grad(fits.mean(), mean)
    # The reparameterised gradient of 20 000 samples: its standard error is below 0.1 here.
    assert found.by_phi[0] == pytest.approx(float(gradient[0]), abs=0.5)


def test_the_sign_of_the_step_decides_whether_the_bound_climbs() -> None:
    data = load_dataset("digits", seed=0)
    model = VAE(ModelConfig(data_dim=64, hidden_dims=(8,)), generator=torch.Generator().manual_seed(1))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    found = train_with_both_signs(
        model, data.x_train[:], data.x_test[:], step_size=0.002, num_steps=12, every=3, seed=4
    )
    assert found.steps.tolist() == [0, 3, 6, 9, 12]
    assert found.climbing[0] == found.falling[0]
    assert (found.climbing.diff() > 0).all()
    assert (found.falling.diff() < 0).all()
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True)), "only read"
    # One step up is a step of torch's own SGD on the negative bound.
    generator = torch.Generator().manual_seed(4)
    rows = torch.randint(len(data.x_train), (64,), generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.002)
    (-elbo_terms(model, data.x_train[rows], generator=generator).elbo.mean()).backward()
    optimizer.step()
    one = train_with_both_signs(
        restored(model, before),
        data.x_train[:],
        data.x_test[:],
        step_size=0.002,
        num_steps=1,
        every=1,
        seed=4,
    )
    after = evaluate(model, data.x_test, num_samples=4, generator=torch.Generator().manual_seed(4)).elbo
    assert float(one.climbing[1]) == pytest.approx(after, abs=1e-4)
    with pytest.raises(BadInput, match="above 0"):
        train_with_both_signs(model, data.x_train[:], data.x_test[:], step_size=0.0)


def restored(model: VAE, weights: list[torch.Tensor]) -> VAE:
    """A copy with other weights."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return model


@pytest.mark.parametrize("change", [{"latent_dim": 3}, {"encoder_head": "deterministic"}])
def test_a_model_without_such_a_q_is_refused(change: Any) -> None:
    model = VAE(ModelConfig(data_dim=4, **change), generator=torch.Generator())
    with pytest.raises(BadInput, match=r"one or two dimensions|deterministic encoder"):
        measure_misprints(model, torch.zeros(4), generator=torch.Generator())


def test_the_page_shows_the_right_formula_when_it_is_asked_to() -> None:
    at = open_page("free_energy", free_energy_view="errors")
    assert len(at.toggle) == 19
    assert not at.metric
    checked(at.toggle(key="misprint_1").set_value(True).run())
    printed, right = (numbers(metric.value)[0] for metric in at.metric)
    assert printed == -right < 0
    checked(at.slider(key="misprint_example").set_value(7).run())
    assert numbers(at.metric[1].value)[0] != right


def test_every_card_is_named_by_its_mistake_and_the_sign_has_its_curves() -> None:
    at = open_page("free_energy", free_energy_view="errors")
    for number in range(1, 16):
        at.toggle(key=f"misprint_{number}").set_value(True)
    checked(at.run())
    assert len(at.metric) == 30
    said = [text.value for text in at.markdown]
    for mistake in (
        "Gradient step with the wrong sign",
        "Inner product inside the trace",
        "One noise for all",
    ):
        assert any(mistake in text for text in said), mistake
    assert charts(at) == {"misprint_figure_10"}
    fell, climbed = (numbers(metric.value)[0] for metric in at.metric[18:20])
    assert fell < -47 < climbed
