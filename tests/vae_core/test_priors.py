"""Learned priors: densities, samplers and gradients against oracles; the KL, the evidence, and training."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.stats import kstest
from torch import Tensor
from torch.autograd import gradcheck
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from tests.prior_models import LEARNED, random_mixture, small
from vae_core.config import ModelConfig
from vae_core.elbo import elbo_terms, elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.latent.aggregate import kl_surgery, prior_fit
from vae_core.posteriors import DiagonalNormal
from vae_core.priors import NormalMixture, PseudoInputs, StandardNormal, vamp_prior


def independent(prior: NormalMixture) -> MixtureSameFamily:
    """The same density by PyTorch."""
    parts = Independent(Normal(prior.components.mean, prior.components.std), 1)
    return MixtureSameFamily(Categorical(logits=prior.log_weights), parts, validate_args=False)


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_density_is_that_of_the_library(latent_dim: int, generator: torch.Generator) -> None:
    prior = random_mixture(6, latent_dim, generator)
    z = 2 * torch.randn(3, 40, latent_dim, generator=generator).double()
    assert (prior.log_prob(z) - independent(prior).log_prob(z)).abs().max() < 1e-12


def test_one_standard_component_is_the_standard_normal(generator: torch.Generator) -> None:
    """Its density to 1e-12; its KL by Monte Carlo within 5 standard errors of the closed form (1 in 2e6)."""
    zero = torch.zeros(1, 2).double()
    prior = NormalMixture(zero[:, 0], DiagonalNormal(zero, zero))
    z = 3 * torch.randn(1000, 2, generator=generator).double()
    assert (prior.log_prob(z) - StandardNormal(2).log_prob(z)).abs().max() < 1e-12
    model = small("standard_normal", generator)
    x = torch.rand(6, 5, generator=generator).double()
    closed = elbo_terms(model, x, generator=generator)
    estimate = elbo_terms(model, x, num_samples=20_000, generator=generator, prior=prior)
    assert estimate.kl_per_dim is None
    q = model.posterior(x)
    assert isinstance(q, DiagonalNormal)
    z = q.reparameterize(q.draw_eps(20_000, generator=generator))
    error = (q.log_prob(z) - prior.log_prob(z)).std(0) / math.sqrt(20_000)
    assert ((estimate.kl - closed.kl).abs() < 5 * error).all()
    assert error.max() < 0.02


@pytest.mark.parametrize("kind", LEARNED)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_priors_of_models_integrate_to_one(kind: str, likelihood: str, generator: torch.Generator) -> None:
    model = small(kind, generator, likelihood=likelihood)
    axis = torch.linspace(-14, 14, 561, dtype=torch.float64)
    with torch.no_grad():
        log_prob = model.prior.log_prob(torch.cartesian_prod(axis, axis))
    assert float(log_prob.exp().sum()) * 0.05**2 == pytest.approx(1, abs=1e-7)


def test_sampler_draws_the_density(generator: torch.Generator) -> None:
    """n = 20 000: Kolmogorov and Smirnov in each dimension, p > 1e-6 (two false alarms in a million)."""
    prior = random_mixture(4, 2, generator)
    z = prior.sample(20_000, generator=generator)
    assert z.shape == (20_000, 2)
    weights = prior.log_weights.exp()
    for dim in range(2):
        parts = Normal(prior.components.mean[:, dim], prior.components.std[:, dim])

        def below(values: object, parts: Normal = parts) -> object:
            return (weights * parts.cdf(torch.as_tensor(values)[:, None])).sum(1).numpy()

        assert kstest(z[:, dim].numpy(), below).pvalue > 1e-6
    # Dimensions of one draw belong to one component: the product of the marginals is another density.
    mean = weights @ prior.components.mean
    expected = float(weights @ prior.components.mean.prod(1) - mean.prod())
    product = (z - mean).prod(1)
    assert abs(float(product.mean()) - expected) < 5 * float(product.std()) / math.sqrt(20_000)


def test_pseudo_inputs_at_all_data_are_the_aggregate_posterior(generator: torch.Generator) -> None:
    """Then KL(q(z) || p(z)) = 0 and the mean KL is the mutual information, to rounding, sample by sample."""
    model = small("vamp", generator, likelihood="gaussian", num_components=50)
    x = torch.randn(50, 5, generator=generator).double()
    with torch.no_grad():
        model.pseudo_inputs.values.copy_(x)
        q, prior = model.posterior(x), model.prior
    assert isinstance(q, DiagonalNormal)
    fit = prior_fit(q, prior, num_samples=20, generator=torch.Generator().manual_seed(3))
    known = kl_surgery(q, num_samples=20, generator=torch.Generator().manual_seed(3))
    assert abs(fit.marginal_kl.value) < 1e-12
    assert fit.kl.value == pytest.approx(known.mutual_information.value, abs=1e-10)
    normal = prior_fit(q, StandardNormal(2), num_samples=20, generator=torch.Generator().manual_seed(3))
    assert normal.marginal_kl.value == pytest.approx(known.marginal_kl.value, abs=1e-10)
    assert normal.mutual_information.value == pytest.approx(known.mutual_information.value, abs=1e-10)
    assert normal.kl.value > fit.kl.value, "no prior is better for these data"
    with pytest.raises(BadInput):
        prior_fit(q, prior, num_samples=0, generator=generator)


def test_pseudo_inputs_are_pictures(generator: torch.Generator) -> None:
    config = ModelConfig(data_dim=5, prior="vamp", num_components=9)
    with torch.no_grad():
        inputs = PseudoInputs(config, generator=generator)
        inputs.values.mul_(50)
        assert 0 <= float(inputs().min()) < 0.1 < 0.9 < float(inputs().max()) <= 1
        inputs = PseudoInputs(replace(config, likelihood="gaussian"), generator=generator)
        assert torch.equal(inputs(), inputs.values), "points have no border"


def test_gradients_flow_through_pseudo_inputs_and_encoder(generator: torch.Generator) -> None:
    model = small("vamp", generator)
    z = torch.randn(6, 2, generator=generator).double()

    def density(values: Tensor) -> Tensor:
        q = model.posterior(torch.sigmoid(values))
        assert isinstance(q, DiagonalNormal)
        return vamp_prior(q).log_prob(z)

    assert gradcheck(density, (model.pseudo_inputs.values.detach().clone().requires_grad_(),))
    model.prior.log_prob(z).sum().backward()
    for parameter in (model.pseudo_inputs.values, *model.encoder.parameters()):
        assert parameter.grad is not None
        assert float(parameter.grad.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in model.decoder.parameters())


@pytest.mark.parametrize("kind", LEARNED)
def test_gradients_of_the_bound(kind: str, generator: torch.Generator) -> None:
    """Every parameter, those of the prior too, against differences."""
    model = small(kind, generator, data_dim=3, hidden_dims=(2,), num_components=3)
    x = torch.rand(2, 3, generator=generator).double()
    eps = torch.randn(2, 2, 2, generator=generator).double()
    names = [name for name, _ in model.named_parameters()]

    def bound(*values: Tensor) -> Tensor:
        class Bound(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self) -> Tensor:
                return elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo

        weights = {f"model.{name}": value for name, value in zip(names, values, strict=True)}
        return torch.func.functional_call(Bound(), weights, ())

    values = [value.detach().clone().requires_grad_() for value in model.parameters()]
    assert {name.split(".")[0] for name in names} > {"encoder", "decoder"}
    assert gradcheck(bound, values)
