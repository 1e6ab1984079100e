"""The importance-weighted bound against models whose evidence is known in closed form."""

import itertools
import math
from typing import Final, get_args

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.config import EncoderHead, Likelihood, ModelConfig
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import (
    importance_curve,
    iw_bound,
    iw_bound_given_eps,
    iw_evidence,
    stochastic_posterior,
)
from vae_core.model import VAE


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:40] / 16)


@pytest.fixture
def wrong(digits: Tensor) -> tuple[VAE, Tensor]:
    """A linear VAE with an encoder that misses, and the evidence of the digits under it."""
    ppca = fit_ppca(digits, 2)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.encoder.biases[0].add_(torch.tensor([0.5, -0.4, 0.8, 0.6]).double())
    return model, ppca.log_prob(digits)


@pytest.mark.parametrize("num_samples", [1, 7, 300])
def test_exact_posterior_as_proposal_has_no_variance(
    digits: Tensor, num_samples: int, generator: torch.Generator
) -> None:
    ppca = fit_ppca(digits, 5)
    found = iw_bound(exact_vae(ppca), digits, num_samples=num_samples, generator=generator)
    assert (found - ppca.log_prob(digits)).abs().max() < 1e-9
    curve = importance_curve(exact_vae(ppca), digits[0], sample_counts=(1, 10, 100), generator=generator)
    assert curve.effective_sample_size == pytest.approx(100, rel=1e-9)
    assert curve.enough == 1
    assert curve.standard_errors.abs().max() < 1e-8


def test_error_of_the_weighted_evidence_is_what_repetitions_vary_by(
    wrong: tuple[VAE, Tensor], digits: Tensor, generator: torch.Generator
) -> None:
    """400 repetitions: their standard deviation against the mean stated error, 15 % (3.5 % is one sigma)."""
    model, truth = wrong
    found = [iw_evidence(model, digits[:3], num_samples=200, generator=generator) for _ in range(400)]
    spread = torch.stack([one.bound for one in found]).std(0)
    stated = torch.stack([one.standard_error for one in found]).mean(0)
    assert ((spread / stated - 1).abs() < 0.15).all(), spread / stated
    assert all((one.elbo <= one.bound).all() for one in found)
    elbo = torch.stack([one.elbo for one in found])
    expected = exact_evidence(model, digits[:3]).elbo
    assert ((elbo.mean(0) - expected).abs() < 5 * elbo.std(0) / 20).all()
    assert (elbo.mean(0) < truth[:3]).all()
    exact = iw_evidence(exact_vae(fit_ppca(digits, 2)), digits, num_samples=50, generator=generator)
    assert exact.standard_error.max() < 1e-7


def test_bound_climbs_with_k_and_stays_below_the_evidence(
    wrong: tuple[VAE, Tensor], digits: Tensor, generator: torch.Generator
) -> None:
    """Paired over 40 data and 30 repetitions: z > -5 fails falsely once in 3.5 million, for each step."""
    model, truth = wrong
    counts = (1, 3, 10, 100)
    runs = [
        torch.stack([iw_bound(model, digits, num_samples=k, generator=generator) for _ in range(30)])
        for k in counts
    ]
    means = [run.mean(1) for run in runs]  # over the data: one number for each repetition
    for fewer, more in itertools.pairwise(means):
        step = more - fewer
        assert step.mean() > -5 * step.std() / math.sqrt(30)
    gap = truth.mean() - means[-1]
    assert gap.mean() > -5 * gap.std() / math.sqrt(30)
    assert means[0].mean() < truth.mean() - 0.5
    assert gap.mean() < 0.1


def test_k_1_is_the_elbo(wrong: tuple[VAE, Tensor], digits: Tensor, generator: torch.Generator) -> None:
    """In expectation truth - KL(q || posterior) with the KL in closed form; |z| < 5, one in 1.7 million."""
    model, truth = wrong
    ppca = fit_ppca(digits, 2)
    with torch.no_grad():
        q, exact = model.posterior(digits), exact_vae(ppca).posterior(digits)
    divergence = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean, q.std), torch.distributions.Normal(exact.mean, exact.std)
    ).sum(-1)
    runs = torch.stack(
        [iw_bound(model, digits, num_samples=1, generator=generator).mean() for _ in range(400)]
    )
    assert abs(runs.mean() - (truth - divergence).mean()) < 5 * runs.std() / 20


def test_pieces_change_the_order_of_noise_only(
    wrong: tuple[VAE, Tensor], digits: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, truth = wrong
    sizes = []

    def seen(generator: torch.Generator) -> Tensor:
        return iw_bound(model, digits, num_samples=5000, generator=generator)

    whole = seen(torch.Generator().manual_seed(0))
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 64 * 40)
    decode = VAE.likelihood

    def watched(self: VAE, z: Tensor) -> object:
        sizes.append(z.shape[0] * z.shape[1])
        return decode(self, z)

    monkeypatch.setattr(VAE, "likelihood", watched)
    pieces = iw_bound(model, digits[:3], num_samples=5000, generator=torch.Generator().manual_seed(0))
    assert max(sizes) <= 40
    assert sum(sizes) == 3 * 5000
    # Both are within a hundredth of the truth; 5 s.e. of log mean weight with ESS above 1000 is 0.16.
    assert (pieces - truth[:3]).abs().max() < 0.16
    assert (whole - truth).abs().max() < 0.16


def test_curve_has_each_k_and_says_which_is_enough(
    wrong: tuple[VAE, Tensor], digits: Tensor, generator: torch.Generator
) -> None:
    model, truth = wrong
    curve = importance_curve(model, digits[3], generator=generator)
    assert curve.sample_counts[0] == 1
    assert curve.bounds.shape == curve.standard_errors.shape == (len(curve.sample_counts),)
    assert abs(curve.bounds[-1] - truth[3]) < 5 * curve.standard_errors[-1] + 1e-3
    assert curve.enough is not None
    assert 1 < curve.enough < 2000
    assert 10 < curve.effective_sample_size < 2000
    near = importance_curve(
        model, digits[3], log_evidence=float(curve.bounds[2]) + 0.049, generator=generator
    )
    assert near.enough is not None
    assert near.enough <= 20, "held against what it is told, not against the largest K"
    far = importance_curve(model, digits[3], log_evidence=float(truth[3]) + 9, generator=generator)
    assert far.enough is None
    assert curve.log_likelihoods.shape == (2000,)
    error = float(curve.log_likelihoods.std()) / math.sqrt(2000)
    assert abs(curve.log_likelihoods.mean() - exact_evidence(model, digits[3:4]).reconstruction) < 5 * error


STOCHASTIC_HEADS: Final = tuple(head for head in get_args(EncoderHead) if head != "deterministic")


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("head", STOCHASTIC_HEADS)
def test_gradients_with_frozen_noise(
    head: EncoderHead, likelihood: Likelihood, generator: torch.Generator
) -> None:
    """First and second derivatives of the bound against differences, float64, K = 3."""
    config = ModelConfig(
        data_dim=3,
        hidden_dims=(2,),
        activation="tanh",
        encoder_head=head,
        likelihood=likelihood,
        likelihood_scale=None,
    )
    model = VAE(config, generator=generator).double()
    x = torch.rand(2, 3, generator=generator).double()
    eps = stochastic_posterior(model, x).draw_eps(3, generator=generator)

    def bound(*weights: Tensor) -> Tensor:
        del weights  # the model's own: gradcheck moves them in place
        return iw_bound_given_eps(model, x, stochastic_posterior(model, x), eps)

    weights = tuple(model.parameters())
    assert torch.autograd.gradcheck(bound, weights)
    assert torch.autograd.gradgradcheck(bound, weights, fast_mode=True)


def test_the_bound_is_that_of_its_noise(wrong: tuple[VAE, Tensor], digits: Tensor) -> None:
    """The sampled bound and the differentiable one are one formula; float64 to rounding."""
    model, _ = wrong
    posterior = stochastic_posterior(model, digits)
    eps = posterior.draw_eps(20, generator=torch.Generator().manual_seed(4))
    sampled = iw_bound(model, digits, num_samples=20, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(iw_bound_given_eps(model, digits, posterior, eps), sampled, rtol=0, atol=1e-10)


def test_order_of_the_ladder_does_not_matter(wrong: tuple[VAE, Tensor], digits: Tensor) -> None:
    curves = [
        importance_curve(
            wrong[0], digits[0], sample_counts=counts, generator=torch.Generator().manual_seed(1)
        )
        for counts in ((100, 1, 10, 10), (1, 10, 100))
    ]
    assert curves[0].sample_counts == curves[1].sample_counts == (1, 10, 100)
    assert torch.equal(curves[0].bounds, curves[1].bounds)


def test_hopeless_proposal_is_said(digits: Tensor, generator: torch.Generator) -> None:
    model = exact_vae(fit_ppca(digits, 10))
    with torch.no_grad():
        model.encoder.biases[0][10:] -= 8
        model.encoder.biases[0][:10] += 3
    curve = importance_curve(model, digits[0], sample_counts=(1, 10, 100), generator=generator)
    assert curve.effective_sample_size < 10
    assert curve.enough is None


def test_refusals(generator: torch.Generator) -> None:
    x = torch.zeros(2, 4)
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(3,)), generator=generator)
    with pytest.raises(BadInput, match="at least 1"):
        iw_bound(model, x, num_samples=0, generator=generator)
    for ladder in ((), (0, 5)):
        with pytest.raises(BadInput, match="at least 1"):
            importance_curve(model, x[0], sample_counts=ladder, generator=generator)
    with pytest.raises(BadInput, match="4 values per example"):
        iw_bound(model, torch.zeros(2, 5), num_samples=1, generator=generator)
    code = VAE(ModelConfig(data_dim=4, encoder_head="deterministic"), generator=generator)
    with pytest.raises(BadInput, match="deterministic"):
        iw_bound(code, x, num_samples=1, generator=generator)
    for weights in (model.encoder.weights, model.decoder.weights):
        with torch.no_grad():
            weights[0].fill_(math.nan)
        with pytest.raises(BadInput, match="not finite"):
            iw_bound(model, x, num_samples=1, generator=generator)
        with torch.no_grad():
            weights[0].fill_(0.1)
