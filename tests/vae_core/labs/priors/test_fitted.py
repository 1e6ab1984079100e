"""Priors fitted to a trained model: they change the KL of the bound, and nothing else of it."""

import math

import pytest
import torch

from tests.prior_models import small
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput
from vae_core.labs.priors.fitted import evaluate_prior, fitted_priors
from vae_core.posteriors import DiagonalNormal


def test_another_prior_changes_the_kl_alone(generator: torch.Generator) -> None:
    model = small("standard_normal", generator)
    x = torch.rand(40, 5, generator=generator).double()
    with torch.no_grad():
        q = model.posterior(x)
    assert isinstance(q, DiagonalNormal)
    priors = fitted_priors(q, 40, generator=generator)
    numbers = {
        name: evaluate_prior(model, x, prior, num_samples=50, seed=1) for name, prior in priors.items()
    }
    normal, vamp = numbers["standard_normal"], numbers["vamp"]
    assert len({found.reconstruction for found in numbers.values()}) == 1
    plain = elbo_terms(model, x, num_samples=50, generator=torch.Generator().manual_seed(1)).elbo
    assert torch.allclose(normal.elbo, plain.detach(), rtol=0, atol=1e-12)
    assert abs(vamp.fit.marginal_kl.value) < 1e-12, "all examples as pseudo-inputs: the aggregate posterior"
    gain = vamp.gain(normal)
    assert gain.value == pytest.approx(normal.fit.marginal_kl.value, abs=5 * gain.standard_error + 1e-3)
    with pytest.raises(BadInput, match="41 components for 40 examples"):
        fitted_priors(q, 41, generator=generator)


def test_the_gain_is_the_kl_that_is_saved_in_single_precision_too(generator: torch.Generator) -> None:
    """The page said KL(q(z) || p(z)) 0.166 and 0.101, and a gain of 0.080: each had noise of its own."""
    model = small("standard_normal", generator).float()
    x = torch.rand(40, 5, generator=generator)
    with torch.no_grad():
        q = model.posterior(x).as_normal()
    numbers = {
        name: evaluate_prior(model, x, prior, num_samples=10, seed=2)
        for name, prior in fitted_priors(q, 3, generator=generator).items()
    }
    normal = numbers.pop("standard_normal")
    for name, found in numbers.items():
        saved = normal.fit.marginal_kl.value - found.fit.marginal_kl.value
        assert found.gain(normal).value == pytest.approx(saved, abs=1e-9), name
        assert found.fit.mutual_information == normal.fit.mutual_information, name


def test_the_gain_is_that_of_very_many_samples(generator: torch.Generator) -> None:
    model = small("standard_normal", generator)
    x = torch.rand(40, 5, generator=generator).double()
    with torch.no_grad():
        q = model.posterior(x)
    assert isinstance(q, DiagonalNormal)
    priors = fitted_priors(q, 3, generator=generator)
    normal = evaluate_prior(model, x, priors["standard_normal"], num_samples=10, seed=3)
    for name in ("mixture", "vamp"):
        gain = evaluate_prior(model, x, priors[name], num_samples=10, seed=3).gain(normal)
        z = q.mean + q.std * torch.randn(20_000, *q.mean.shape, generator=generator, dtype=torch.float64)
        log_normal = -0.5 * (z.square() + math.log(2 * math.pi)).sum(-1)
        change = priors[name].log_prob(z) - log_normal
        # Of the same examples: what is left is the noise of 10 samples, a part of that between examples.
        error = float(change.std(0).square().mean() / (10 * len(x))) ** 0.5
        assert abs(gain.value - float(change.mean())) < 5 * error, name
