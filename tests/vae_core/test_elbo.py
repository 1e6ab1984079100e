"""The bound and its terms: exact gradients, unbiased estimates, and beta = 1 whatever is trained."""

import math
from typing import Final, get_args

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from vae_core import elbo
from vae_core.config import NOT_GAUSSIAN, EncoderHead, Likelihood, ModelConfig
from vae_core.elbo import (
    elbo_terms,
    elbo_terms_given_eps,
    evaluate,
    first_draws,
    monte_carlo_kl,
    terms_per_example,
)
from vae_core.errors import BadInput
from vae_core.latent.aggregate import prior_fit_at
from vae_core.model import VAE
from vae_core.posteriors import AnyNormal, DiagonalNormal, Draws, FullNormal
from vae_core.priors import StandardNormal

HEADS: Final = get_args(EncoderHead)
LIKELIHOODS: Final = get_args(Likelihood)


class WithoutClosedForm(StandardNormal):
    """N(0, I) whose KL is estimated."""

    def kl_per_dim_from(self, q: AnyNormal, /) -> None:  # type: ignore[override]
        del q


def tiny(head: EncoderHead, likelihood: Likelihood, *, generator: torch.Generator, hidden: int = 2) -> VAE:
    config = ModelConfig(
        data_dim=3,
        latent_dim=2,
        hidden_dims=(hidden,),
        encoder_head=head,
        likelihood=likelihood,
        likelihood_scale=None,
    )
    return VAE(config, generator=generator).double()


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("head", HEADS)
def test_gradients_of_the_bound(
    head: EncoderHead, likelihood: Likelihood, generator: torch.Generator
) -> None:
    model = tiny(head, likelihood, generator=generator)
    x = torch.rand(2, 3, generator=generator).double()
    eps = model.posterior(x).draw_eps(2, generator=generator)

    def elbo(*weights: Tensor) -> Tensor:
        del weights  # the model's own: gradcheck moves them in place
        return elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo

    weights = tuple(model.parameters())
    assert torch.autograd.gradcheck(elbo, weights)
    assert torch.autograd.gradgradcheck(elbo, weights, fast_mode=True)


@pytest.mark.parametrize("head", [head for head in HEADS if head not in NOT_GAUSSIAN])
def test_terms_by_example_and_dimension(head: EncoderHead, generator: torch.Generator) -> None:
    """Against PyTorch's own densities and divergences at the same samples, drawn once more."""
    model = tiny(head, "bernoulli", generator=generator)
    x = torch.bernoulli(torch.full((50, 3), 0.4).double(), generator=generator)
    state = generator.get_state()
    terms = elbo_terms(model, x, num_samples=4, generator=generator)
    assert terms.reconstruction.shape == terms.kl.shape == terms.elbo.shape == (50,)
    assert terms.kl_per_dim is not None
    assert terms.kl_per_dim.shape == (50, 2)
    assert torch.allclose(terms.kl_per_dim.sum(-1), terms.kl, rtol=1e-14)
    assert terms.kl_per_dim.min() >= 0
    q = model.posterior(x)
    eps = torch.zeros(4, 50, 2).double()
    divergence, z = torch.zeros(50, 2).double(), q.mean.expand(4, 50, 2)
    if head != "deterministic":
        eps = torch.randn(4, 50, 2, generator=generator.set_state(state), dtype=torch.float64)
        divergence = kl_divergence(Normal(q.mean, q.std), Normal(torch.zeros(2).double(), 1.0))
        z = q.mean + q.std * eps
    if isinstance(q, FullNormal):  # z_2 given z_1 is a Gaussian with the deviation L_22
        given = Normal(q.mean[:, 1] + q.factor[:, 1, 0] * eps[..., 0], q.factor[:, 1, 1])
        z = torch.stack([z[..., 0], given.loc + given.scale * eps[..., 1]], -1)
        moved = q.mean[:, 1].square() + q.factor[:, 1, 0].square()
        centred = kl_divergence(Normal(0.0, q.factor[:, 1, 1]), Normal(0.0, 1.0))
        divergence = torch.stack([divergence[:, 0], centred + 0.5 * moved], 1)
    expected = torch.distributions.Bernoulli(logits=model.decoder(z)).log_prob(x).sum(-1).mean(0)
    torch.testing.assert_close(terms.kl_per_dim, divergence, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(terms.elbo, expected - divergence.sum(-1), rtol=1e-10, atol=1e-12)


def test_unit_variance_and_deterministic_kl(generator: torch.Generator) -> None:
    x = torch.rand(20, 3, generator=generator).double()
    unit = tiny("unit_variance", "bernoulli", generator=generator)
    kl = elbo_terms(unit, x, generator=generator).kl
    assert torch.allclose(kl, 0.5 * unit.posterior(x).mean.square().sum(-1), rtol=1e-14)
    code = tiny("deterministic", "bernoulli", generator=generator)
    assert elbo_terms(code, x, generator=generator).kl.eq(0).all()


def test_monte_carlo_kl_is_unbiased(generator: torch.Generator) -> None:
    """n = 200 000 samples of each of 4 posteriors: |z| < 5.5 fails falsely once in 6 million."""
    mean = torch.tensor([[0.0, 0.0], [1.0, -2.0], [0.1, 0.0], [3.0, 0.5]]).double()
    log_var = torch.tensor([[0.0, 0.1], [-1.0, 0.5], [-4.0, 1.0], [0.3, -2.0]]).double()
    q = DiagonalNormal(mean, log_var)
    z = q.reparameterize(q.draw_eps(200_000, generator=generator))
    each = q.log_prob(z) - StandardNormal(2).log_prob(z)
    estimate = monte_carlo_kl(Draws(q, z), StandardNormal(2))
    assert torch.allclose(estimate, each.mean(0))
    error = estimate - q.kl_to_standard_normal().sum(-1)
    standard_error = each.std(0) / math.sqrt(len(z))
    assert (error.abs() < 5.5 * standard_error).all(), error / standard_error
    assert (standard_error < 0.01).all()


def test_another_prior_is_estimated_from_the_same_samples(generator: torch.Generator) -> None:
    model = tiny("log_variance", "gaussian", generator=generator)
    x = torch.rand(5, 3, generator=generator).double()
    q = model.posterior(x)
    eps = q.draw_eps(50_000, generator=generator)
    terms = elbo_terms_given_eps(model, x, q, eps, prior=WithoutClosedForm(2))
    exact = elbo_terms_given_eps(model, x, q, eps)
    assert terms.kl_per_dim is None
    assert torch.equal(terms.reconstruction, exact.reconstruction)
    assert isinstance(q, DiagonalNormal)
    assert torch.equal(terms.kl, monte_carlo_kl(q.draw(eps), StandardNormal(2)))
    assert torch.allclose(terms.kl, exact.kl, atol=0.05)


def test_more_samples_have_the_same_mean_and_less_noise(generator: torch.Generator) -> None:
    """2 000 estimates each: |z| < 5 fails falsely once in 1.7 million; the variance falls 16-fold +- 30 %."""
    model = tiny("log_variance", "bernoulli", generator=generator)
    x = torch.rand(1, 3, generator=generator).double().expand(2000, 3)
    with torch.no_grad():
        one = elbo_terms(model, x, generator=generator).elbo
        many = elbo_terms(model, x, num_samples=16, generator=generator).elbo
    error = (one.mean() - many.mean()) / ((one.var() + many.var()) / 2000).sqrt()
    assert abs(error) < 5
    assert float(one.var() / many.var()) == pytest.approx(16, rel=0.3)


@pytest.mark.parametrize("num_samples", [0, -1])
def test_no_samples_are_refused(num_samples: int, generator: torch.Generator) -> None:
    model = tiny("log_variance", "bernoulli", generator=generator)
    with pytest.raises(BadInput, match=f"got {num_samples}") as caught:
        elbo_terms(model, torch.zeros(1, 3).double(), num_samples=num_samples, generator=generator)
    assert caught.value.code == "num_samples"


def test_bernoulli_bound_of_binary_data_is_below_0(generator: torch.Generator) -> None:
    model = tiny("log_variance", "bernoulli", generator=generator)
    x = torch.bernoulli(torch.full((100, 3), 0.5).double(), generator=generator)
    assert elbo_terms(model, x, generator=generator).elbo.max() < 0


def test_evaluation_is_the_mean_of_the_terms(generator: torch.Generator) -> None:
    """5 000 examples, in pieces or at once; a decoder that ignores z makes the noise irrelevant."""
    model = tiny("log_variance", "gaussian", generator=generator)
    with torch.no_grad():
        model.decoder.weights[0].zero_()
    x = torch.rand(5000, 3, generator=generator).double()
    found = evaluate(model, x, num_samples=2, generator=generator)
    with torch.no_grad():
        terms = elbo_terms(model, x, num_samples=1, generator=generator)
    assert terms.kl_per_dim is not None
    assert found.reconstruction == pytest.approx(float(terms.reconstruction.mean()), rel=1e-12)
    assert found.kl == pytest.approx(float(terms.kl.mean()), rel=1e-12)
    assert found.elbo == pytest.approx(float(terms.elbo.mean()), rel=1e-12)
    assert torch.allclose(found.kl_per_dim, terms.kl_per_dim.mean(0), rtol=1e-12)
    assert (found.num_examples, found.num_samples) == (5000, 2)


@pytest.mark.parametrize("head", ["log_variance", *NOT_GAUSSIAN])
def test_the_decomposed_kl_is_that_of_the_bound_at_the_same_points(
    head: EncoderHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a learned prior, with three samples, in pieces of seven examples, the last of which is cut."""
    monkeypatch.setattr(elbo, "chunk_rows", lambda _: 7)
    noise = torch.Generator().manual_seed(0)
    config = ModelConfig(
        data_dim=3, latent_dim=2, hidden_dims=(8,), encoder_head=head, prior="mixture", num_components=2
    )
    model = VAE(config, generator=noise)
    x = torch.rand(30, 3, generator=noise)
    terms = terms_per_example(model, x, num_samples=3, generator=torch.Generator().manual_seed(1))
    draws = first_draws(model, x, num_examples=12, num_samples=3, generator=torch.Generator().manual_seed(1))
    assert draws.z.shape == (3 * config.draws_of_each, 12, 2)
    torch.testing.assert_close(
        draws.mean(draws.log_prob - model.prior.log_prob(draws.z)).float(), terms.kl[:12], rtol=0, atol=2e-5
    )
    found = prior_fit_at(draws, model.prior)
    assert found.kl.value == pytest.approx(float(terms.kl[:12].mean()), abs=2e-5)
    parts = found.mutual_information.value + found.marginal_kl.value
    assert parts == pytest.approx(found.kl.value, abs=1e-12)
    one = draws.first(1)
    assert len(one.z) == config.draws_of_each
    torch.testing.assert_close(one.z, draws.z[::3], rtol=0, atol=0)
    torch.testing.assert_close(one.log_prob, draws.log_prob[::3])
