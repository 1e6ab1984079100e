"""Back-propagation by hand against automatic differentiation, and against finite differences."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest
import torch
from torch import Tensor

from vae_core.config import NOT_GAUSSIAN, EncoderHead, ModelConfig
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.labs.gradients.backward import (
    SLOPES,
    automatic_gradients,
    back_propagate,
    hand_gradients,
    relative_difference,
    softplus_slope,
)
from vae_core.labs.gradients.maps import Convolution, decoder_maps, encoder_maps
from vae_core.model import VAE
from vae_core.networks import ACTIVATIONS

TOLERANCE: Final = 1e-10
HEADS: Final = get_args(EncoderHead)
OUTPUTS: Final[dict[str, dict[str, Any]]] = {
    "bernoulli": {"likelihood": "bernoulli"},
    "continuous_bernoulli": {"likelihood": "continuous_bernoulli"},
    "gaussian": {"likelihood": "gaussian", "likelihood_scale": 0.7},
    "learned_scale": {"likelihood": "gaussian", "likelihood_scale": None},
    "gaussian_diagonal": {"likelihood": "gaussian_diagonal"},
}
LEARNED: Final = [
    (head, prior)
    for head in HEADS
    for prior in ("vamp", "mixture")
    if head != "deterministic" and not (head in NOT_GAUSSIAN and prior == "vamp")
]
"""A VampPrior is one of Gaussians."""
SIZES: Final = {"none": ((), 1), "one": ((5,), 2), "three": ((6, 3, 4), 4)}
BATCH: Final = 7


def problem(generator: torch.Generator, scale: float = 1.0, **options: Any) -> tuple[VAE, Tensor, Tensor]:
    """A model in float64 whose biases are not 0, data in [0, 1] and noise."""
    model = VAE(ModelConfig(data_dim=6, **options), generator=generator).double()
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_(scale * (parameter + 0.3 * noise))
    x = torch.rand(BATCH, 6, generator=generator, dtype=torch.float64)
    eps = torch.randn(BATCH, model.config.latent_dim, generator=generator, dtype=torch.float64)
    return model, x, eps


def largest(found: dict[str, Tensor], reference: dict[str, Tensor]) -> float:
    assert found.keys() == reference.keys()
    assert all(found[name].shape == reference[name].shape for name in reference)
    return max(relative_difference(found[name], reference[name]) for name in reference)


def combinations() -> Iterator[Any]:
    for names in itertools.product(ACTIVATIONS, HEADS, OUTPUTS, SIZES):
        yield pytest.param(*names, id="-".join(names))


@pytest.mark.parametrize(("activation", "head", "output", "size"), list(combinations()))
def test_hand_equals_automatic(
    generator: torch.Generator, activation: Any, head: Any, output: str, size: str
) -> None:
    hidden_dims, latent_dim = SIZES[size]
    model, x, eps = problem(
        generator,
        activation=activation,
        encoder_head=head,
        hidden_dims=hidden_dims,
        latent_dim=latent_dim,
        **OUTPUTS[output],
    )
    found = hand_gradients(model, x, eps, beta=1.7)
    assert list(found) == [name for name, _ in model.named_parameters()]
    assert largest(found, automatic_gradients(model, x, eps, beta=1.7)) < TOLERANCE
    assert all(float(gradient.abs().max()) > 1e-6 for gradient in found.values()) or activation == "relu"


@pytest.mark.parametrize("output", ["bernoulli", "learned_scale"])
@pytest.mark.parametrize(("head", "prior"), LEARNED)
def test_hand_equals_automatic_under_a_learned_prior(
    generator: torch.Generator, head: Any, output: str, prior: Any
) -> None:
    """Also of weights, means and pseudo-inputs, some of them far out on their sigmoid."""
    model, x, eps = problem(
        generator,
        encoder_head=head,
        hidden_dims=(5,),
        latent_dim=3,
        prior=prior,
        num_components=4,
        **OUTPUTS[output],
    )
    if prior == "vamp":
        with torch.no_grad():
            model.pseudo_inputs.values[0, 0] = 9.0
    found = hand_gradients(model, x, eps, beta=1.7)
    assert list(found) == [name for name, _ in model.named_parameters()]
    assert largest(found, automatic_gradients(model, x, eps, beta=1.7)) < TOLERANCE
    trace = back_propagate(model, x, eps)
    loss = float(trace.shares @ trace.loss) / BATCH
    assert loss == pytest.approx(mean_loss(model, x, eps), rel=1e-13)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("head", HEADS)
def test_hand_equals_central_differences_of_the_loss(
    generator: torch.Generator, head: Any, output: str
) -> None:
    """Step 1e-5: truncation ~1e-10, rounding ~1e-11; bound 1e-7 of the largest entry."""
    model, x, eps = problem(generator, hidden_dims=(4,), encoder_head=head, **OUTPUTS[output])
    found = hand_gradients(model, x, eps)
    for name, parameter in model.named_parameters():
        estimate = torch.empty_like(parameter)
        for index in range(parameter.numel()):
            sides = []
            for step in (1e-5, -1e-5):
                parameter.data.view(-1)[index] += step
                sides.append(mean_loss(model, x, eps))
                parameter.data.view(-1)[index] -= step
            estimate.data.view(-1)[index] = (sides[0] - sides[1]) / 2e-5
        assert relative_difference(found[name], estimate.detach()) < 1e-7, name


@torch.no_grad()
def mean_loss(model: VAE, x: Tensor, eps: Tensor) -> float:
    return float(-elbo_terms_given_eps(model, x, model.posterior(x), eps[None]).elbo.mean())


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("head", ["log_variance", "variance", "full_covariance"])
def test_limits_change_no_gradient_as_in_automatic_differentiation(
    generator: torch.Generator, head: Any, output: str
) -> None:
    """Last layers so steep that log sigma^2, the logits and log s leave their ranges."""
    model, x, eps = problem(generator, hidden_dims=(5,), encoder_head=head, **OUTPUTS[output])
    with torch.no_grad():
        model.encoder.weights[1].mul_(40.0)
        model.encoder.biases[1][2] = -60.0
        model.decoder.weights[1].mul_(40.0)
        if output == "learned_scale":
            model.log_scale.fill_(-9.0)
    log_var = back_propagate(model, x, eps).log_var
    assert log_var is not None
    assert 0 < ((log_var.abs() - 20).abs() < 1e-12).sum() < log_var.numel()
    found = hand_gradients(model, x, eps)
    assert largest(found, automatic_gradients(model, x, eps)) < TOLERANCE
    assert output != "learned_scale" or float(found["log_scale"]) < 0, "s is too small for these residuals"


def test_continuous_bernoulli_near_a_zero_logit(generator: torch.Generator) -> None:
    """All logits within the series' range, where the plain form is 0 / 0; delta there is E[x|z] - x."""
    model, x, eps = problem(generator, 0.1, hidden_dims=(5,), **OUTPUTS["continuous_bernoulli"])
    trace = back_propagate(model, x, eps)
    assert float(trace.decoder[-1].u.abs().min()) < 0.03
    assert largest(trace.gradients, automatic_gradients(model, x, eps)) < TOLERANCE
    assert torch.allclose(trace.decoder[-1].delta, trace.decoded - x, atol=1e-10, rtol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slopes_equal_automatic_differentiation(activation: Any) -> None:
    u = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(ACTIVATIONS[activation](u).sum(), u)
    assert torch.allclose(SLOPES[activation](u.detach()), slope, rtol=1e-12, atol=1e-15)


def test_deltas_are_those_of_the_formulas(generator: torch.Generator) -> None:
    """Document 000, 4.3: six layers, tanh, log-variance head, Gaussian output, s = 1."""
    model, x, eps = problem(generator, hidden_dims=(5,), likelihood="gaussian", likelihood_scale=1.0)
    trace = back_propagate(model, x, eps)
    w3, w5, w6 = model.encoder.weights[1], model.decoder.weights[0], model.decoder.weights[1]
    delta6 = trace.decoded - x
    delta5 = (delta6 @ w6) * (1 - trace.decoder[0].h ** 2)
    delta4 = delta5 @ w5
    assert trace.log_var is not None
    delta_phi = 0.5 * eps * torch.exp(trace.log_var / 2) * delta4 - 0.5 * (1 - torch.exp(trace.log_var))
    delta3 = torch.cat([delta4 + trace.mean, delta_phi], -1)
    delta2 = (delta3 @ w3) * (1 - trace.encoder[0].h ** 2)
    found = [trace.decoder[1].delta, trace.decoder[0].delta, trace.delta_z]
    found += [trace.encoder[1].delta, trace.encoder[0].delta]
    for ours, formula in zip(found, [delta6, delta5, delta4, delta3, delta2], strict=True):
        assert torch.allclose(ours, formula, rtol=1e-13, atol=1e-14)
    assert float(trace.loss.mean()) == pytest.approx(mean_loss(model, x, eps), rel=1e-14)
    assert torch.allclose(trace.z, trace.mean + trace.std * eps)


WRONG: Final[dict[str, set[str]]] = {
    # f(u) for f'(u) spares the output layer; the KL reaches the encoder alone; the 1/2 everything.
    "f_for_slope": {"decoder.weights.1", "decoder.biases.1"},
    "kl_sign": {"decoder.weights.0", "decoder.biases.0", "decoder.weights.1", "decoder.biases.1"},
    "no_half": set(),
}


@pytest.mark.parametrize("slip", WRONG)
def test_documents_errors_are_wrong_and_only_where_they_apply(generator: torch.Generator, slip: Any) -> None:
    model, x, eps = problem(generator, hidden_dims=(5,), **OUTPUTS["gaussian"])
    wrong = back_propagate(model, x, eps, slip=slip).gradients
    reference = automatic_gradients(model, x, eps)
    differences = {name: relative_difference(wrong[name], reference[name]) for name in reference}
    assert {name for name, value in differences.items() if value < TOLERANCE} == WRONG[slip]
    assert all(value > 0.05 for name, value in differences.items() if name not in WRONG[slip]), differences
    assert torch.equal(back_propagate(model, x, eps, slip=slip).loss, back_propagate(model, x, eps).loss), (
        "the forward pass stays right"
    )


@pytest.mark.parametrize(
    ("slip", "options"),
    [
        ("f_for_slope", {"hidden_dims": ()}),
        ("kl_sign", {"encoder_head": "deterministic"}),
        ("no_half", {"likelihood": "bernoulli"}),
    ],
)
def test_documents_errors_do_nothing_where_there_is_no_such_term(
    generator: torch.Generator, slip: Any, options: dict[str, Any]
) -> None:
    model, x, eps = problem(generator, **options)
    wrong = back_propagate(model, x, eps, slip=slip).gradients
    assert largest(wrong, automatic_gradients(model, x, eps)) < TOLERANCE


def test_no_tape_is_used_and_nothing_is_left_on_the_model(generator: torch.Generator) -> None:
    model, x, eps = problem(generator, hidden_dims=(5,))
    with torch.inference_mode():
        found = hand_gradients(model, x, eps)
    assert not any(gradient.requires_grad for gradient in found.values())
    automatic_gradients(model, x, eps)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_batch_has_the_mean_of_its_data(generator: torch.Generator) -> None:
    model, x, eps = problem(generator, hidden_dims=(5,), **OUTPUTS["learned_scale"])
    whole = hand_gradients(model, x, eps)
    single = [hand_gradients(model, x[i : i + 1], eps[i : i + 1]) for i in range(BATCH)]
    mean = {name: torch.stack([one[name] for one in single]).mean(0) for name in whole}
    assert largest(whole, mean) < 1e-13


def test_beta_zero_leaves_an_autoencoders_gradient(generator: torch.Generator) -> None:
    model, x, eps = problem(generator, hidden_dims=(5,))
    found = hand_gradients(model, x, eps, beta=0.0)
    assert largest(found, automatic_gradients(model, x, eps, beta=0.0)) < TOLERANCE
    assert largest(found, hand_gradients(model, x, eps)) > 0.01


def test_wrong_shapes_are_refused(generator: torch.Generator) -> None:
    model, x, eps = problem(generator, hidden_dims=(5,))
    for bad_x, bad_eps, code in (
        (x[:, :5], eps, "data_dim"),
        (x[0], eps, "data_dim"),
        (x[:0], eps[:0], "data_dim"),
        (x, eps[:3], "eps"),
        (x, eps[:, :1], "eps"),
        (x, eps[None], "eps"),
    ):
        with pytest.raises(BadInput) as refusal:
            hand_gradients(model, bad_x, bad_eps)
        assert refusal.value.code == code
    with pytest.raises(BadInput, match="beta"):
        hand_gradients(model, x, eps, beta=-1.0)


def test_relative_difference() -> None:
    zero, one = torch.zeros(2), torch.tensor([1.0, -4.0])
    assert relative_difference(one, one) == 0
    assert relative_difference(zero, zero) == 0
    assert relative_difference(one + torch.tensor([0.0, 1.0]), one) == pytest.approx(0.25)
    assert relative_difference(one, zero) == math.inf
    assert float(softplus_slope(torch.tensor(25.0))) == 1


CONV: Final[dict[str, dict[str, Any]]] = {
    "grey": {"data_dim": 64, "image_shape": (8, 8), "hidden_dims": (3, 5)},
    "odd sides": {"data_dim": 35, "image_shape": (7, 5), "hidden_dims": (3,)},
    "colours": {"data_dim": 90, "image_shape": (6, 5, 3), "hidden_dims": (4, 2)},
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("shape", CONV)
def test_hand_equals_automatic_through_convolutions(
    generator: torch.Generator, shape: str, output: str, activation: Any
) -> None:
    model, x, eps = conv_problem(generator, shape, activation=activation, **OUTPUTS[output])
    found = hand_gradients(model, x, eps, beta=1.7)
    assert list(found) == [name for name, _ in model.named_parameters()]
    assert largest(found, automatic_gradients(model, x, eps, beta=1.7)) < TOLERANCE
    assert found["encoder.weights.0"].shape[2:] == (4, 4)


@pytest.mark.parametrize(("head", "prior"), [*((head, "standard_normal") for head in HEADS), *LEARNED])
def test_every_head_and_prior_through_convolutions(generator: torch.Generator, head: Any, prior: Any) -> None:
    model, x, eps = conv_problem(generator, "grey", encoder_head=head, prior=prior, num_components=3)
    found = hand_gradients(model, x, eps, beta=1.7)
    assert largest(found, automatic_gradients(model, x, eps, beta=1.7)) < TOLERANCE


def test_a_convolution_and_its_transposed_are_adjoint(generator: torch.Generator) -> None:
    """<K h, d> = <h, K^T d>; and K^T d by the sum as the formula has it, in plain Python."""
    model, _, _ = conv_problem(generator, "odd sides")
    (one, _), (_, other) = (
        encoder_maps(model.config, model.encoder),
        decoder_maps(model.config, model.decoder),
    )
    assert isinstance(one, Convolution)
    assert isinstance(other, Convolution)
    for layer, fan_in, fan_out in ((one, 35, 18), (other, 18, 35)):
        layer = layer._replace(bias=torch.zeros_like(layer.bias))
        h = torch.randn(2, fan_in, generator=generator, dtype=torch.float64)
        d = torch.randn(2, fan_out, generator=generator, dtype=torch.float64)
        torch.testing.assert_close((layer.forward(h) * d).sum(1), (h * layer.back(d)).sum(1))
    d = torch.randn(1, 18, generator=generator, dtype=torch.float64)
    expected = torch.zeros(7, 5, dtype=torch.float64)
    for r, s, o, a, b in itertools.product(range(3), range(2), range(3), range(4), range(4)):
        p, q = 2 * r + a - 1, 2 * s + b - 1
        if 0 <= p < 7 and 0 <= q < 5:
            expected[p, q] += one.weight[o, 0, a, b].detach() * d.view(3, 2, 3)[r, s, o]
    torch.testing.assert_close(one.back(d).detach().view(7, 5), expected)


def conv_problem(generator: torch.Generator, shape: str, **options: Any) -> tuple[VAE, Tensor, Tensor]:
    config = ModelConfig(**{"architecture": "conv", **CONV[shape], **options})
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    x = torch.rand(BATCH, config.data_dim, generator=generator, dtype=torch.float64)
    return model, x, torch.randn(BATCH, config.latent_dim, generator=generator, dtype=torch.float64)
