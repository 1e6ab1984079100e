"""Each line of the derivations as a number: against closed forms, other quadratures, and each other."""

import math
from typing import NamedTuple

import pytest
import torch

from dashboard.free_energy.derivation_lines import JENSEN, LAGRANGE, Line
from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.derivation import Jensen, Terms, measure_derivation
from vae_core.model import VAE
from vae_core.runs.runfile import load_run

LINES = [*((line, k) for k, line in enumerate(LAGRANGE, 1)), *((line, k) for k, line in enumerate(JENSEN, 1))]


class Case(NamedTuple):
    """A model, an example, and what was measured."""

    model: VAE
    x: torch.Tensor
    terms: Terms
    jensen: Jensen


@pytest.fixture(scope="module")
def digit() -> Case:
    """A digit under the pretrained model."""
    run = load_run(PRETRAINED_RUN)
    model, x = run.model(), load_dataset("digits", seed=run.config.seed).x_test[5]
    return Case(model, x, *measure_derivation(model, x))


@pytest.fixture(scope="module")
def linear() -> Case:
    """A linear Gaussian model whose encoder is the posterior made wider: all is known in closed form."""
    noise = torch.Generator().manual_seed(0)
    scales = torch.tensor([2.0, 1.0, 0.7, 0.5, 0.4], dtype=torch.float64)
    x = torch.randn(200, 5, generator=noise, dtype=torch.float64) * scales
    model = exact_vae(fit_ppca(x, 2))
    with torch.no_grad():
        model.encoder.biases[-1][2:] += math.log(1.7)
    return Case(model, x[3], *measure_derivation(model, x[3]))


@pytest.mark.parametrize(("line", "number"), LINES)
def test_the_right_line_has_its_number_and_the_wrong_ones_fail(line: Line, number: int, digit: Case) -> None:
    wanted, error = line.target(digit.terms)
    for place, candidate in enumerate(line.candidates):
        value, own_error = candidate.value(digit.terms)
        if place == line.right:
            # The adaptive quadrature of log p(x) has an error of its own, in both.
            assert value == pytest.approx(wanted, abs=1e-7 + error + own_error), (number, candidate.latex)
        else:
            assert abs(value - wanted) > 1e-2, (number, candidate.latex)


def test_gamma_is_one_minus_log_p(digit: Case) -> None:
    exact = exact_evidence(digit.model.double(), digit.x[None].double())
    assert digit.terms.gamma.value == pytest.approx(1 - float(exact.log_evidence), abs=1e-8)
    assert digit.terms.slope.value == pytest.approx(
        digit.terms.log_joint_at.value - digit.terms.log_q_at.value - 1 + digit.terms.gamma.value, abs=1e-7
    )


def test_a_linear_gaussian_model_has_its_closed_forms(linear: Case) -> None:
    model, x, terms, _ = linear
    weights = model.decoder.weights[-1].detach()
    covariance = weights @ weights.T + float(model.likelihood_scale()) ** 2 * torch.eye(len(x)).double()
    evidence = torch.distributions.MultivariateNormal(model.decoder.biases[-1].detach(), covariance)
    log_evidence = float(evidence.log_prob(x))
    assert terms.log_mass.value == pytest.approx(log_evidence, abs=1e-10)
    assert terms.gamma.value == pytest.approx(1 - log_evidence, abs=1e-8)
    assert terms.best_free_energy.value == pytest.approx(log_evidence, abs=1e-10)
    # The posterior has the same mean and the variance divided by 1.7: both KLs in closed form.
    assert terms.kl.value == pytest.approx(2 * 0.5 * (1.7 - 1 - math.log(1.7)), abs=1e-9)
    assert terms.reverse_kl.value == pytest.approx(2 * 0.5 * (1 / 1.7 - 1 + math.log(1.7)), abs=1e-9)
    with torch.no_grad():
        q = model.posterior(x[None])
    assert terms.kl_to_prior.value == pytest.approx(
        float(q.as_normal().kl_to_standard_normal().sum()), abs=1e-10
    )
    assert -terms.mean_log_q.value == pytest.approx(float(q.as_normal().entropy().sum()), abs=1e-10)


def test_the_bound_is_that_of_samples(digit: Case) -> None:
    model, x, terms, _ = digit
    with torch.no_grad():
        found = elbo_terms(
            model.double(), x[None].double(), num_samples=20_000, generator=torch.Generator().manual_seed(1)
        )
    # Two hundredths are four standard errors of the reconstruction here.
    assert terms.free_energy.value == pytest.approx(float(found.elbo), abs=0.02)
    assert terms.kl_to_prior.value == pytest.approx(float(found.kl), abs=1e-9)


def test_jensens_area_is_the_gap(digit: Case, linear: Case) -> None:
    for _, _, terms, jensen in (digit, linear):
        assert terms.jensen_area.value == pytest.approx(terms.kl.value, abs=1e-10)
        assert terms.jensen_area.value == pytest.approx(
            terms.log_mass.value - terms.free_energy.value, abs=1e-10
        )
        above = jensen.tangent - jensen.log_ratio
        assert (above >= -1e-12).all(), "a logarithm lies below its tangent"
        drawn = float(torch.trapezoid(above, jensen.share))
        assert drawn == pytest.approx(terms.kl.value, abs=1e-3), "the area that is drawn"
        assert (jensen.share.diff() >= 0).all()
        assert float(jensen.share[-1]) == pytest.approx(1, abs=1e-3)


def test_one_latent_dimension_and_a_relu() -> None:
    config = ModelConfig(data_dim=6, latent_dim=1, hidden_dims=(8,), activation="relu", likelihood="gaussian")
    model = VAE(config, generator=torch.Generator().manual_seed(3))
    terms, _ = measure_derivation(model, torch.linspace(0, 1, 6))
    assert terms.gamma.value == pytest.approx(1 - terms.log_evidence.value, abs=1e-5)
    assert terms.free_energy.value + terms.kl.value == pytest.approx(terms.log_mass.value, abs=1e-9)


@pytest.mark.parametrize("change", [{"latent_dim": 3}, {"encoder_head": "deterministic"}])
def test_a_model_without_such_a_q_is_refused(change: dict[str, object]) -> None:
    model = VAE(ModelConfig(data_dim=4, **change), generator=torch.Generator())  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"latent dimensions|deterministic encoder"):
        measure_derivation(model, torch.zeros(4))


def test_weights_that_are_not_finite_are_refused() -> None:
    model = VAE(ModelConfig(data_dim=4), generator=torch.Generator())
    with torch.no_grad():
        model.decoder.weights[0].fill_(float("nan"))
    with pytest.raises(BadInput, match="not finite"):
        measure_derivation(model, torch.zeros(4))
