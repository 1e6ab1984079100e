"""Fixed points for means over N(0, I), beside closed forms; and one bound wherever it is measured."""

import pytest
import torch

from vae_core.config import EncoderHead, ModelConfig
from vae_core.evidence import best_posterior, climb, optimise_posterior, posterior_elbo
from vae_core.evidence.normal_rule import (
    NormalRule,
    coarser_rule,
    measuring_rule,
    other_rule,
    search_rule,
    standard_error,
)
from vae_core.model import VAE

DIMS = (1, 2, 3, 8, 16)


def rules(latent_dim: int) -> dict[str, NormalRule]:
    found = {
        "few": search_rule(latent_dim, num_samples=256),
        "many": other_rule(latent_dim, num_samples=1024),
        "measuring": measuring_rule(latent_dim),
    }
    return found | ({"coarser": coarser_rule(latent_dim)} if latent_dim <= 2 else {})


@pytest.mark.parametrize("latent_dim", DIMS)
def test_the_mean_of_any_quadratic_is_exact(latent_dim: int) -> None:
    for name, (eps, weights) in rules(latent_dim).items():
        assert float(weights.sum()) == pytest.approx(1, abs=1e-12), name
        assert (weights @ eps).abs().max() < 1e-12, name
        second = eps.mT @ (weights[:, None] * eps)
        torch.testing.assert_close(second, torch.eye(latent_dim).double(), rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize("latent_dim", DIMS)
def test_a_lognormal_has_its_mean(latent_dim: int) -> None:
    """E[exp(a^T eps)] = exp(|a|^2 / 2): 1e-6 by a lattice, else within five of the stated errors."""
    direction = torch.linspace(0.2, 0.6, latent_dim).double()
    direction = 0.8 * direction / direction.norm()
    eps, weights = measuring_rule(latent_dim)
    values = (eps @ direction).exp()
    expected = float((direction.square().sum() / 2).exp())
    if latent_dim <= 2:
        assert float(weights @ values) == pytest.approx(expected, rel=1e-6)
        return
    error = float(standard_error(values))
    assert 0 < error < 0.02 * expected
    assert abs(float(weights @ values) - expected) < 5 * error


@pytest.mark.parametrize("latent_dim", DIMS)
def test_what_is_measured_by_is_not_what_was_searched_by(latent_dim: int) -> None:
    """Many points to search by lie between those that measure, not at them."""
    many, measuring = (rules(latent_dim)[name].eps for name in ("many", "measuring"))
    assert torch.cdist(many[:200], measuring).min() > 1e-3


def test_many_dimensions_have_points_too() -> None:
    for latent_dim in (64, 512):
        eps, weights = search_rule(latent_dim, num_samples=256)
        assert eps.shape == (256, latent_dim)
        assert bool(eps.isfinite().all())
        torch.testing.assert_close(weights @ eps.square(), torch.ones(latent_dim).double())


@pytest.mark.parametrize("head", ["log_variance", "full_covariance", "mixture", "flow"])
def test_one_bound_wherever_it_is_measured(head: EncoderHead, generator: torch.Generator) -> None:
    """The encoder's q of three dimensions: by itself, before its ascent, and below the ladder."""
    config = ModelConfig(data_dim=6, latent_dim=3, hidden_dims=(8,), encoder_head=head)
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in (*model.encoder.weights, *model.decoder.weights):
            weight.mul_(3)
    x = torch.rand(2, 6, generator=generator).double()
    alone = posterior_elbo(model, x)
    found = [
        posterior_elbo(model, x, model.posterior(x).as_density()).detach(),
        best_posterior(model, x, on_progress=lambda _: None).encoder_elbo,
        optimise_posterior(model, x)[0].elbo,
        climb(model, x, num_components=1, generator=generator, on_progress=lambda _: None).rungs[0].elbo,
    ]
    for one in found:
        torch.testing.assert_close(one, alone, rtol=0, atol=1e-9)
