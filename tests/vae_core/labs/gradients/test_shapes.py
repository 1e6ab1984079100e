"""Gradients by the mean and the deviation of a q that is no diagonal Gaussian: exact, estimated, trained."""

from typing import Final

import pytest
import torch
from torch import Tensor

from tests.vae_core.labs.gradients.test_estimators import z_statistics
from tests.vae_core.test_flow import some_flow
from vae_core.config import EncoderHead, ModelConfig
from vae_core.elbo import elbo_terms_given_eps
from vae_core.labs.gradients.estimators import (
    Expectation,
    draw_samples,
    elbo_expectation,
    estimates,
    gradient_of,
)
from vae_core.labs.gradients.exact import example_elbo, quadrature, sampled_gradient
from vae_core.labs.gradients.shapes import ShapeOf
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, DiagonalMixture, FullNormal, PlanarNormal

HEADS: Final[tuple[EncoderHead, ...]] = ("full_covariance", "flow", "mixture")


def posterior_of(head: EncoderHead, dim: int, generator: torch.Generator) -> AnyPosterior:
    """Of one example, far from a diagonal Gaussian."""
    mean = 0.5 * torch.randn(1, dim, generator=generator).double()
    if head == "full_covariance":
        below = torch.randn(1, dim * (dim - 1) // 2, generator=generator).double()
        return FullNormal.from_entries(mean, torch.full((1, dim), -1.0).double(), below)
    if head == "flow":
        wide = some_flow(generator, batch=1, dim=dim)
        return PlanarNormal(mean, torch.full((1, dim), -2.0).double(), wide.layers)
    means = torch.stack((mean + 0.8, mean - 0.9), 1)
    log_vars = torch.randn(1, 2, dim, generator=generator).double() - 2
    return DiagonalMixture(torch.tensor([[0.3, 0.7]]).double().log(), means, log_vars)


def moved(q: AnyPosterior, mean: Tensor, std: Tensor) -> AnyPosterior:
    """The same shape with another mean and deviation: what that is for the parameters of each kind."""
    old_mean, old_std = q.moments
    growth = std / old_std
    if isinstance(q, FullNormal):
        return FullNormal(mean.expand_as(q.mean), growth[..., None] * q.factor)
    if isinstance(q, PlanarNormal):
        return PlanarNormal(mean + growth * (q.centre - old_mean), q.log_var + 2 * growth.log(), q.layers)
    assert isinstance(q, DiagonalMixture)
    means = mean + growth[:, None] * (q.means - old_mean[:, None])
    return DiagonalMixture(q.log_weights, means, q.log_vars + 2 * growth.log()[:, None])


def decoder_of(dim: int, generator: torch.Generator) -> tuple[VAE, Tensor]:
    config = ModelConfig(data_dim=6, latent_dim=dim, hidden_dims=(10,))
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(2)
    return model, torch.rand(6, generator=generator).double().round()


def exact_and_place(
    head: EncoderHead, dim: int, generator: torch.Generator
) -> tuple[VAE, Tensor, AnyPosterior, Expectation, Tensor, Tensor]:
    model, x = decoder_of(dim, generator)
    q = posterior_of(head, dim, generator)
    mean, std = (part[0] for part in q.moments)
    return model, x, q, elbo_expectation(model, x, ShapeOf(q)), mean, std


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("head", HEADS)
def test_quadrature_is_that_of_the_q_which_is_moved_and_stretched(
    head: EncoderHead, dim: int, generator: torch.Generator
) -> None:
    """Its value by a plain grid of z, with that q's own density; its gradient by differences of these."""
    model, x, q, expectation, mean, std = exact_and_place(head, dim, generator)
    found = quadrature(expectation, mean, std)
    axis = torch.linspace(-9, 9, 6001 if dim == 1 else 701, dtype=torch.float64)
    unit = torch.cartesian_prod(*(axis,) * dim).reshape(-1, 1, dim)

    @torch.no_grad()
    def elbo(mean: Tensor, std: Tensor) -> float:
        one = moved(q, mean[None], std[None])
        z = mean + std * unit
        log_q = one.log_prob(z)
        inside = model.likelihood(z[:, 0]).log_prob(x) + model.prior.log_prob(z[:, 0]) - log_q[:, 0]
        return float((log_q[:, 0].exp() * inside).sum() * (std * (axis[1] - axis[0])).prod())

    assert float(found.value) == pytest.approx(elbo(mean, std), abs=1e-4)
    step = 1e-3
    for index in range(dim):
        shift = step * torch.eye(dim).double()[index]
        by_mean = (elbo(mean + shift, std) - elbo(mean - shift, std)) / (2 * step)
        by_std = (elbo(mean, std + shift) - elbo(mean, std - shift)) / (2 * step)
        assert float(found.gradient.mean[index]) == pytest.approx(by_mean, abs=1e-3)
        assert float(found.gradient.std[index]) == pytest.approx(by_std, abs=1e-3)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("head", HEADS)
def test_right_estimators_find_it(head: EncoderHead, dim: int, generator: torch.Generator) -> None:
    """|z| < 5 of each derivative; with the wrong deviation they find the gradient that this has."""
    _, _, _, expectation, mean, std = exact_and_place(head, dim, generator)
    truth = quadrature(expectation, mean, std)
    samples = draw_samples(expectation, mean, std, num_samples=2**15, generator=generator)
    for name in ("reparameterised", "score", "baseline"):
        found = z_statistics(estimates(samples, name, num_samples=4), truth)
        assert max(map(abs, found)) < 5, (name, found)
    wrong = quadrature(expectation, mean, std, squared=True)
    assert max(map(abs, z_statistics(estimates(samples, "squared", num_samples=4), wrong))) < 5
    assert max(map(abs, z_statistics(estimates(samples, "squared", num_samples=4), truth))) > 10
    variances = {name: estimates(samples, name).mean.var(0) for name in ("reparameterised", "score")}
    assert bool((variances["reparameterised"] < variances["score"]).all())


@pytest.mark.parametrize("head", ["flow", "mixture"])
def test_reparameterised_is_what_training_takes(head: EncoderHead, generator: torch.Generator) -> None:
    """Back-propagation through the trained bound with the same noise, the components of a mixture summed."""
    model, x, q, expectation, mean, std = exact_and_place(head, 2, generator)
    state = generator.get_state()
    samples = draw_samples(expectation, mean, std, num_samples=6, generator=generator)
    found = estimates(samples, "reparameterised", num_samples=6)
    eps = q.draw_eps(6, generator=generator.set_state(state))

    def elbo(mean: Tensor, std: Tensor) -> Tensor:
        return elbo_terms_given_eps(model, x[None], moved(q, mean[None], std[None]), eps).elbo.sum()

    _, expected = gradient_of(elbo, mean, std)
    for part, known in zip(found, expected, strict=True):
        torch.testing.assert_close(part[0], known, rtol=1e-10, atol=1e-10)


def test_summing_over_the_components_varies_less_than_drawing_one(generator: torch.Generator) -> None:
    """f' at the z that were drawn is unbiased, too, and has the variance of the draw of the component."""
    _, _, _, expectation, mean, std = exact_and_place("mixture", 2, generator)
    samples = draw_samples(expectation, mean, std, num_samples=2**13, generator=generator)
    z = (mean + std * samples.eps).requires_grad_()
    (drawn,) = torch.autograd.grad(expectation.f(z).sum(), z)
    summed = estimates(samples, "reparameterised").mean
    error = ((drawn.var(0) + summed.var(0)) / len(drawn)).sqrt()
    assert bool(((drawn.mean(0) - summed.mean(0) + samples.explicit.mean).abs() < 5 * error).all())
    assert bool((summed.var(0) < 0.8 * drawn.var(0)).all())


@pytest.mark.parametrize("head", HEADS)
def test_example_of_a_run_is_of_its_own_q(head: EncoderHead, generator: torch.Generator) -> None:
    """J = 3: the sampled truth is the mean of the score function, too."""
    config = ModelConfig(data_dim=6, latent_dim=3, hidden_dims=(10,), encoder_head=head)
    model = VAE(config, generator=generator)
    x = torch.rand(6, generator=generator).round()
    example = example_elbo(model, x)
    q = model.posterior(x[None]).as_density().double()
    torch.testing.assert_close(example.mean, q.moments[0][0])
    torch.testing.assert_close(example.std, q.moments[1][0])
    assert type(example.posterior) is type(q)
    place = example.mean.float(), example.std.float()
    truth = sampled_gradient(example.expectation, *place, num_samples=2**15, generator=generator)
    samples = draw_samples(example.expectation, *place, num_samples=2**15, generator=generator)
    scored = estimates(samples, "baseline", num_samples=8)
    for part, other, error in zip(truth.gradient, scored, truth.standard_error, strict=True):
        own = other.std(0) / len(other) ** 0.5
        assert bool(((part - other.mean(0)).abs() < 5 * (error.square() + own.square()).sqrt()).all())
