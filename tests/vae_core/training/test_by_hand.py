"""The gradient written out is that of automatic differentiation, in every model that it knows."""

import itertools
from typing import get_args

import pytest
import torch

from vae_core.config import (
    FLOW_LAYERS,
    MIXTURE_COMPONENTS,
    NOT_GAUSSIAN,
    Activation,
    EncoderHead,
    Likelihood,
    ModelConfig,
    Prior,
)
from vae_core.elbo import elbo_terms_given_eps, penalised_kl
from vae_core.memory import step_bytes
from vae_core.model import VAE
from vae_core.training.by_hand import HandGradient
from vae_core.training.optimizer import flatten

BATCH, DIM, LATENT = 7, 5, 3
HEADS: tuple[EncoderHead, ...] = get_args(EncoderHead)
LEARNED = [
    (head, prior)
    for head in HEADS
    for prior in ("mixture", "vamp")
    if head != "deterministic" and not (head in NOT_GAUSSIAN and prior == "vamp")
]
"""Those of which a VampPrior is one of Gaussians."""
KINDS = list(itertools.product(HEADS, get_args(Likelihood)))
SETTINGS = {
    "one sample": (1, 1.0, 0.0),
    "four samples": (4, 0.3, 0.0),
    "free bits": (2, 2.0, 0.4),
    "without KL": (1, 0.0, 0.0),
}


def made(**fields: object) -> VAE:
    config = ModelConfig(data_dim=DIM, latent_dim=LATENT, **fields)  # type: ignore[arg-type]
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    return model


def compare(model: VAE, *, num_samples: int, beta: float, free_bits: float) -> None:
    generator = torch.Generator().manual_seed(3)
    first = 3  # of a training that was resumed at the end of an epoch
    _, gradient = flatten(model)
    by_hand = HandGradient(model, num_samples=num_samples, batch_size=BATCH)
    for batch in (first, BATCH, 2, BATCH):  # the last mini-batch of an epoch is smaller
        x = torch.rand(batch, DIM, generator=generator, dtype=torch.float64)
        posterior = model.posterior(x)
        eps = posterior.draw_eps(num_samples, generator=generator)
        terms = elbo_terms_given_eps(model, x, posterior, eps)
        penalised = penalised_kl(terms, free_bits)
        objective = terms.reconstruction.mean() - beta * penalised
        gradient.zero_()
        (-objective).backward()
        expected = gradient.clone()
        gradient.fill_(float("nan"))
        with torch.no_grad():
            means = by_hand(x, eps, beta=beta, free_bits=free_bits)
            # Where it is small beside its summands, rounding of those is all that the two differ by.
            torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-11)
            values = [float(terms.reconstruction.mean()), float(terms.kl.mean()), float(objective)]
            assert list(means) == pytest.approx(values, rel=1e-12, abs=1e-13)
            torch.testing.assert_close(by_hand.terms().elbo, terms.elbo)
            torch.testing.assert_close(by_hand.posterior().std, posterior.std)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("head", "likelihood"), KINDS)
def test_every_head_and_likelihood(head: EncoderHead, likelihood: Likelihood, setting: str) -> None:
    num_samples, beta, free_bits = SETTINGS[setting]
    model = made(encoder_head=head, likelihood=likelihood, likelihood_scale=None)
    compare(model, num_samples=num_samples, beta=beta, free_bits=free_bits)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize(("head", "prior"), LEARNED)
def test_every_learned_prior(head: EncoderHead, likelihood: Likelihood, prior: Prior, setting: str) -> None:
    num_samples, beta, free_bits = SETTINGS[setting]
    model = made(
        encoder_head=head, likelihood=likelihood, prior=prior, num_components=4, likelihood_scale=None
    )
    compare(model, num_samples=num_samples, beta=beta, free_bits=free_bits)


@pytest.mark.parametrize(
    "fields",
    [{"prior": "mixture"}, {"prior": "vamp"}, {"encoder_head": "flow"}, {"encoder_head": "mixture"}],
    ids=str,
)
@pytest.mark.parametrize("free_bits", [0.01, 50.0])
def test_free_bits_of_a_sampled_kl_are_of_all_dimensions(fields: dict[str, str], free_bits: float) -> None:
    """Below them the KL has no gradient."""
    model = made(**fields, num_components=4, hidden_dims=(6, 4), activation="softplus")
    compare(model, num_samples=2, beta=1.5, free_bits=free_bits)


@pytest.mark.parametrize("hidden_dims", [(), (4,), (6, 4, 5)])
@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_activation_and_depth(activation: Activation, hidden_dims: tuple[int, ...]) -> None:
    model = made(activation=activation, hidden_dims=hidden_dims)
    compare(model, num_samples=2, beta=1.5, free_bits=0.0)


@pytest.mark.parametrize("head", ["log_variance", "variance", "full_covariance", "flow", "mixture"])
def test_beyond_the_limits_of_the_variance(head: EncoderHead) -> None:
    model = made(encoder_head=head, hidden_dims=(4,))
    first = MIXTURE_COMPONENTS * LATENT if head == "mixture" else LATENT
    with torch.no_grad():
        model.encoder.biases[-1][first : first + LATENT] = torch.tensor([30.0, -30.0, 0.0])
    compare(model, num_samples=1, beta=1e-6, free_bits=0.0)


@pytest.mark.parametrize("along", [-30.0, 30.0])
def test_where_the_layers_of_a_flow_are_at_their_limits(along: float) -> None:
    """a is nearly as long as it may be; a^T v is far below what is invertible, or so far above that softplus
    is the identity."""
    model = made(encoder_head="flow", hidden_dims=(4,))
    with torch.no_grad():
        layers = model.encoder.biases[-1][2 * LATENT :].view(FLOW_LAYERS, -1)
        layers[:, :LATENT] = 20.0
        layers[:, LATENT : 2 * LATENT] = along
    compare(model, num_samples=2, beta=1.0, free_bits=0.0)


def test_a_component_of_no_weight_has_a_finite_gradient() -> None:
    model = made(encoder_head="mixture", hidden_dims=(4,))
    with torch.no_grad():
        model.encoder.biases[-1][-MIXTURE_COMPONENTS] = -1000.0
    compare(model, num_samples=2, beta=1.0, free_bits=0.0)


@pytest.mark.parametrize("prior", ["standard_normal", "mixture"])
@pytest.mark.parametrize("head", NOT_GAUSSIAN)
def test_it_is_the_slope_of_the_objective(head: EncoderHead, prior: Prior) -> None:
    """Along 20 directions in the space of all weights, by central differences: no automatic differentiation.

    With a step of 1e-4 their error is about 1e-8 from the third derivative, and 1e-11 from rounding.
    """
    model = made(encoder_head=head, prior=prior, num_components=4, hidden_dims=(4,))
    generator = torch.Generator().manual_seed(3)
    weights, gradient = flatten(model)
    x = torch.rand(BATCH, DIM, generator=generator, dtype=torch.float64)
    eps = torch.randn(2, BATCH, LATENT, generator=generator, dtype=torch.float64)
    by_hand = HandGradient(model, num_samples=2, batch_size=BATCH)
    with torch.no_grad():
        by_hand(x, eps, beta=0.7, free_bits=0.0)
        slopes, begun = gradient.clone(), weights.clone()
        for _ in range(20):
            direction = torch.randn(weights.shape, generator=generator, dtype=torch.float64)
            direction /= direction.norm()
            objectives = []
            for step in (1e-4, -1e-4):
                weights.copy_(begun + step * direction)
                terms = elbo_terms_given_eps(model, x, model.posterior(x), eps)
                objectives.append(float((terms.reconstruction - 0.7 * terms.kl).mean()))
            difference = (objectives[1] - objectives[0]) / 2e-4
            assert float(slopes @ direction) == pytest.approx(difference, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("logit", [-2000.0, -90.0, -88.0, -30.0, 0.0, 30.0, 90.0, 2000.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_beyond_the_range_of_a_sigmoid(logit: float, dtype: torch.dtype) -> None:
    """log p(x|z) = x l - log(1 + e^l), about (x - 1) l or x l there: no logarithm of 0."""
    model = made(hidden_dims=(4,)).to(dtype)
    flatten(model)
    with torch.no_grad():
        model.decoder.weights[-1].zero_()
        model.decoder.biases[-1].fill_(logit)
        x = torch.rand(BATCH, DIM, generator=torch.Generator().manual_seed(3), dtype=dtype)
        by_hand = HandGradient(model, num_samples=1, batch_size=BATCH)
        found = by_hand(x, torch.zeros(1, BATCH, LATENT, dtype=dtype), beta=1.0, free_bits=0.0)
    exact = x.double() * logit - torch.nn.functional.softplus(torch.tensor(logit, dtype=torch.float64))
    rel = 1e-6 if dtype == torch.float32 else 1e-13
    assert found.reconstruction == pytest.approx(float(exact.sum(1).mean()), rel=rel)


@pytest.mark.parametrize("head", ["log_variance", *NOT_GAUSSIAN])
@pytest.mark.parametrize("likelihood", get_args(Likelihood))
@pytest.mark.parametrize("activation", get_args(Activation))
def test_its_arrays_fit_into_the_bytes_of_a_step(
    activation: Activation, likelihood: Likelihood, head: EncoderHead
) -> None:
    """Also with the last mini-batch of an epoch, for which there is no room of its own."""
    config = ModelConfig(
        data_dim=50, hidden_dims=(300, 40), activation=activation, likelihood=likelihood, encoder_head=head
    )
    model = VAE(config, generator=torch.Generator().manual_seed(0))
    flatten(model)
    by_hand = HandGradient(model, num_samples=10, batch_size=20)
    sizes = []
    with torch.no_grad():
        for batch in (19, 20):
            by_hand(torch.rand(batch, 50), torch.randn(10, batch, 2), beta=1.0, free_bits=0.0)
            sizes.append(by_hand.nbytes)
    assert sizes[0] == sizes[1] <= step_bytes(config, num_samples=10, batch_size=20)
