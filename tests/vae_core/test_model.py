"""Networks compute their formula, and the model's parts fit together."""

import math
from typing import Final, get_args

import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from vae_core.config import Activation, EncoderHead, Likelihood, ModelConfig
from vae_core.errors import BadInput
from vae_core.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, GaussianDiagonal
from vae_core.model import MIN_LIKELIHOOD_SCALE, VAE
from vae_core.networks import MLP
from vae_core.posteriors import Deterministic, DiagonalMixture, DiagonalNormal, FullNormal, PlanarNormal
from vae_core.priors import StandardNormal

FORMULAS: Final = {
    "tanh": lambda u: (u.exp() - (-u).exp()) / (u.exp() + (-u).exp()),
    "relu": lambda u: u.clamp(min=0),
    "silu": lambda u: u / (1 + (-u).exp()),
    "softplus": lambda u: (1 + u.exp()).log(),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_network_is_its_formula(activation: Activation) -> None:
    network = MLP((3, 5, 4, 2), activation=activation, generator=seeded()).double()
    with torch.no_grad():
        for bias in network.biases:
            bias.copy_(torch.randn(bias.shape, generator=seeded(1)))
    x = torch.randn(6, 3, generator=seeded(2)).double()
    (w1, w2, w3), (b1, b2, b3) = network.weights, network.biases
    f = FORMULAS[activation]
    expected = f(f(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    assert torch.allclose(network(x), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("activation", "gain"), [("tanh", 1.0), ("softplus", 1.0), ("relu", 2.0), ("silu", 2.0)]
)
def test_initial_weights_have_the_variance_of_their_fan_in(activation: Activation, gain: float) -> None:
    """1e5 weights: 5 % is eleven standard errors of their variance."""
    network = MLP((400, 250, 2), activation=activation, generator=seeded())
    assert float(network.weights[0].detach().var()) == pytest.approx(gain / 400, rel=0.05)
    assert abs(float(network.weights[0].detach().mean())) < 5 * math.sqrt(gain / 400 / 1e5)
    assert network.biases[0].eq(0).all()


@pytest.mark.parametrize(
    ("activation", "small"), [("tanh", 1.0), ("softplus", 1.0), ("relu", 0.1), ("silu", 0.1)]
)
def test_outputs_of_rectified_networks_begin_ten_times_smaller(activation: Activation, small: float) -> None:
    """The same draws: so do runs of before, which have ``he``."""
    networks = [
        MLP((3, 5, 2), activation=activation, initial_weights=rule, generator=seeded())
        for rule in ("he", "small_outputs")
    ]
    (first, he), (same, last) = (network.weights for network in networks)
    assert torch.equal(first, same)
    assert torch.equal(he * small, last)
    assert MLP((3, 5, 2), activation=activation, generator=seeded()).weights[1].equal(last)


def test_functional_call_uses_the_parameters_that_it_is_given() -> None:
    first, second = (MLP((3, 5, 2), activation="tanh", generator=seeded(seed)) for seed in (0, 1))
    x = torch.randn(6, 3, generator=seeded(2))
    assert not torch.equal(first(x), second(x))
    assert torch.equal(functional_call(first, dict(second.named_parameters()), (x,)), second(x))
    network = MLP((3, 5, 2), activation="tanh", generator=seeded(0))
    assert torch.equal(first(x), network(x)), "its own parameters are back afterwards"


class Decoded(torch.nn.Module):
    """A module whose forward pass decodes the mean of q(z|x)."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model.likelihood(self.model.posterior(x).mean).mean


def test_a_whole_model_obeys_functional_call() -> None:
    first, second = (Decoded(VAE(ModelConfig(data_dim=4), generator=seeded(seed))) for seed in (0, 1))
    x = torch.rand(6, 4, generator=seeded(2))
    assert torch.equal(functional_call(first, dict(second.named_parameters()), (x,)), second(x))
    # One gradient for each example, by vmap over the model as a function of its parameters.
    parameters = {name: value.detach() for name, value in first.named_parameters()}

    def output(parameters: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(first, parameters, (x[None],)).sum()

    each = vmap(grad(output), in_dims=(None, 0))(parameters, x)
    first(x).sum().backward()
    for name, parameter in first.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(each[name].sum(0), parameter.grad)


def test_a_network_without_hidden_layers_is_linear() -> None:
    network = MLP((3, 2), activation="relu", generator=seeded())
    x = torch.randn(4, 3, generator=seeded())
    assert torch.equal(network(x), functional.linear(x, network.weights[0]))


def test_same_seed_same_weights() -> None:
    config = ModelConfig(data_dim=5)
    first, same, other = (VAE(config, generator=seeded(seed)).state_dict() for seed in (0, 0, 1))
    for name, value in first.items():
        assert torch.equal(value, same[name]), name
    assert not torch.equal(first["encoder.weights.0"], other["encoder.weights.0"])


def test_decoder_mirrors_the_encoder() -> None:
    model = VAE(ModelConfig(data_dim=7, latent_dim=3, hidden_dims=(6, 4)), generator=seeded())
    assert [tuple(w.shape) for w in model.encoder.weights] == [(6, 7), (4, 6), (6, 4)]
    assert [tuple(w.shape) for w in model.decoder.weights] == [(4, 3), (6, 4), (7, 6)]


@pytest.mark.parametrize("head", get_args(EncoderHead))
@pytest.mark.parametrize("likelihood", get_args(Likelihood))
def test_shapes_and_types(head: EncoderHead, likelihood: Likelihood) -> None:
    config = ModelConfig(data_dim=6, latent_dim=3, hidden_dims=(4,), encoder_head=head, likelihood=likelihood)
    model = VAE(config, generator=seeded())
    posterior = model.posterior(torch.rand(5, 6, generator=seeded()))
    others = {"deterministic": Deterministic, "full_covariance": FullNormal}
    others |= {"flow": PlanarNormal, "mixture": DiagonalMixture}
    assert isinstance(posterior, others.get(head, DiagonalNormal))
    assert posterior.mean.shape == posterior.std.shape == (5, 3)
    z = posterior.draw(posterior.draw_eps(2, generator=seeded())).z
    assert z.shape == (2 * config.draws_of_each, 5, 3)
    p = model.likelihood(z[:2])
    kinds = {"bernoulli": Bernoulli, "continuous_bernoulli": ContinuousBernoulli, "gaussian": Gaussian}
    assert isinstance(p, {**kinds, "gaussian_diagonal": GaussianDiagonal}[likelihood])
    assert p.mean.shape == (2, 5, 6)
    assert p.log_prob(torch.rand(5, 6)).shape == (2, 5)
    assert model.prior == StandardNormal(3)


def test_variance_head_is_the_log_variance_head_with_other_units() -> None:
    config = {"data_dim": 3, "latent_dim": 2, "hidden_dims": ()}
    by_log = VAE(ModelConfig(encoder_head="log_variance", **config), generator=seeded()).double()
    by_variance = VAE(ModelConfig(encoder_head="variance", **config), generator=seeded()).double()
    log_var = torch.tensor([-3.0, 1.5]).double()
    with torch.no_grad():
        for model, spread in ((by_log, log_var), (by_variance, log_var.exp().expm1().log())):
            model.encoder.weights[0][2:] = 0
            model.encoder.biases[0][2:] = spread
    x = torch.rand(4, 3, generator=seeded()).double()
    q, same = by_log.posterior(x), by_variance.posterior(x)
    assert isinstance(q, DiagonalNormal)
    assert isinstance(same, DiagonalNormal)
    assert torch.allclose(q.mean, same.mean, rtol=1e-14)
    assert torch.allclose(q.log_var, same.log_var, atol=1e-7)


@pytest.mark.parametrize("head", ["log_variance", "variance"])
@pytest.mark.parametrize("bias", [-1e4, 1e4, 0.0])
def test_variance_stays_finite(head: EncoderHead, bias: float) -> None:
    model = VAE(ModelConfig(data_dim=3, hidden_dims=(), encoder_head=head), generator=seeded())
    with torch.no_grad():
        model.encoder.biases[0].fill_(bias)
    posterior = model.posterior(torch.rand(2, 3, generator=seeded()))
    assert torch.isfinite(posterior.std).all()
    assert (posterior.std > 0).all()


def test_gaussian_scale_is_set_or_learned_and_bounded_below() -> None:
    fixed = VAE(ModelConfig(data_dim=3, likelihood="gaussian", likelihood_scale=0.25), generator=seeded())
    assert float(fixed.likelihood_scale()) == 0.25
    assert "log_scale" not in dict(fixed.named_parameters())
    learned = VAE(ModelConfig(data_dim=3, likelihood="gaussian", likelihood_scale=None), generator=seeded())
    assert float(learned.likelihood_scale().detach()) == 1
    learned.log_scale.data.fill_(-100.0)
    assert float(learned.likelihood_scale().detach()) == pytest.approx(MIN_LIKELIHOOD_SCALE)


def test_data_of_another_size_are_refused() -> None:
    model = VAE(ModelConfig(data_dim=64), generator=seeded())
    with pytest.raises(BadInput, match="takes 64 values per example, the data have 784") as caught:
        model.posterior(torch.zeros(2, 784))
    assert caught.value.code == "data_dim"
