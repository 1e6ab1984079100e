"""Priors fitted to a trained model: they change the KL of the bound, and nothing else of it."""

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
    assert torch.equal(normal.elbo, plain.detach())
    for found in (numbers["mixture"], vamp):
        difference = found.reconstruction - float(found.elbo.mean()) - found.fit.kl.value
        assert abs(difference) < 1e-9, "the same samples"
    assert abs(vamp.fit.marginal_kl.value) < 1e-12, "all examples as pseudo-inputs: the aggregate posterior"
    gain = vamp.gain(normal)
    assert gain.value == pytest.approx(normal.fit.marginal_kl.value, abs=5 * gain.standard_error + 1e-3)
    with pytest.raises(BadInput, match="41 components for 40 examples"):
        fitted_priors(q, 41, generator=generator)
