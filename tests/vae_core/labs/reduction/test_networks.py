"""Trained networks as dimension reductions, against closed forms, grids and quadrature."""

import math

import pytest
import torch
from torch import Tensor

from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.linear_gaussian import exact_vae
from tests.linear_gaussian import fit_ppca as oracle_ppca
from vae_core.config import ModelConfig
from vae_core.data import Dataset, load_dataset
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.reduction.baselines import fit_pca, fit_ppca
from vae_core.labs.reduction.networks import NETWORKS, Network, NetworkName, network_config, train_network
from vae_core.latent.metrics import principal_angle
from vae_core.model import VAE
from vae_core.runs.runfile import load_run


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", seed=0)


@pytest.fixture(scope="module")
def pretrained(digits: Dataset) -> Network:
    return Network(load_run(PRETRAINED_RUN).model(), digits.x_train[:])


def lower_half() -> Tensor:
    return torch.arange(64) >= 32


def nothing(share: float) -> None:
    del share


def test_the_exact_linear_vae_is_probabilistic_pca(digits: Dataset, generator: torch.Generator) -> None:
    """Its search for the most probable code ends at the Gaussian's conditional mean."""
    x = digits.x_test[:100].double()
    for latent_dim in (2, 8):
        ppca = fit_ppca(digits.x_train[:], latent_dim)
        network = Network(exact_vae(oracle_ppca(digits.x_train[:], latent_dim)), digits.x_train[:])
        found, expected = (method.inpaint(x, lower_half()) for method in (network, ppca))
        assert float((found - expected).abs().max()) < 1e-8
        # Through the decoder: the sign of an axis is free.
        back = [method.decode(method.encode(x)) for method in (network, ppca)]
        assert float((back[0] - back[1]).abs().max()) < 1e-8
        log_prob = network.log_prob(x, generator=generator)
        assert log_prob is not None
        assert float((log_prob - ppca.log_prob(x, generator=generator)).abs().max()) < 1e-8


def test_a_trained_linear_vae_reaches_the_plane_of_pca(digits: Dataset, generator: torch.Generator) -> None:
    """Lucas et al. (2019): no worse maxima; the evidence of the best is never passed on its training data."""
    model = train_network("linear VAE", digits, 2, seed=0, on_progress=nothing, num_updates=2000)
    network = Network(model, digits.x_train[:])
    ppca, pca = fit_ppca(digits.x_train[:], 2), fit_pca(digits.x_train[:], 2)
    assert principal_angle(model.decoder.weights[0].detach(), pca.directions) < 2
    found, best = (method.log_prob(digits.x_train[:], generator=generator) for method in (network, ppca))
    assert found is not None
    assert best is not None
    assert -1e-9 <= float((best - found).mean()) < 0.02
    x = digits.x_test[:].double()
    errors = [(x - m.decode(m.encode(x))).square().sum(1).mean() for m in (network, ppca, pca)]
    assert float(errors[0]) == pytest.approx(float(errors[1]), rel=0.01)
    assert float(errors[2]) < float(errors[1])


def test_completion_finds_the_most_probable_code(digits: Dataset, pretrained: Network) -> None:
    """A grid of 241 by 241 codes is the oracle: no point of it explains the seen half better."""
    x, seen = digits.x_test[:40].double(), ~lower_half()
    line = torch.linspace(-4, 4, 241, dtype=torch.float64)
    z = torch.cartesian_prod(line, line)
    decoded = pretrained.decode(z).clamp(1e-12, 1 - 1e-12)
    prior = -0.5 * z.square().sum(1)[:, None]

    def log_joint(y: Tensor, prior: Tensor | float) -> Tensor:
        return x[:, seen] @ y[:, seen].log().T + (1 - x[:, seen]) @ (1 - y[:, seen]).log().T + prior

    best = log_joint(decoded, prior.T).argmax(1)
    expected, found = decoded[best], pretrained.inpaint(x, lower_half())
    assert torch.equal(found[:, seen], x[:, seen])
    gap = (found - expected)[:, ~seen].abs().amax(1)
    # Two codes may explain the seen half equally well; then grid and search may differ.
    assert float((gap < 0.05).double().mean()) >= 0.9


def test_density_is_a_lower_bound_close_to_the_quadrature(generator: torch.Generator) -> None:
    data = load_dataset("two_moons", seed=0)
    model = train_network("VAE", data, 1, seed=0, on_progress=nothing, num_updates=300)
    x = data.x_test[:50]
    bound = Network(model, data.x_train[:]).log_prob(x, generator=generator)
    assert bound is not None
    gap = exact_evidence(model, x).log_evidence - bound
    assert float(gap.mean()) > -5 * float(gap.std()) / math.sqrt(len(gap))
    assert float(gap.mean()) < 0.05


def test_what_has_no_density_says_so(
    digits: Dataset, pretrained: Network, generator: torch.Generator
) -> None:
    model = VAE(network_config("autoencoder", 64, 2), generator=generator)
    assert Network(model, digits.x_train[:]).log_prob(digits.x_test[:], generator=generator) is None
    assert pretrained.log_prob(digits.x_test[:], generator=generator) is None


def test_an_autoencoder_draws_from_the_gaussian_of_its_codes(generator: torch.Generator) -> None:
    """Linear, so that the decoded draws are Gaussian: n = 20000, covariance within 0.06 of its size."""
    config = ModelConfig(
        data_dim=3, latent_dim=2, hidden_dims=(), encoder_head="deterministic", likelihood="gaussian"
    )
    x = torch.randn(500, 3, generator=generator) * torch.tensor([2.0, 1.0, 0.5]) + 3
    network = Network(VAE(config, generator=generator), x)
    back, drawn = network.decode(network.encode(x)), network.sample(20_000, generator=generator)
    scale = float(torch.cov(back.T, correction=0).abs().max())
    assert float((torch.cov(drawn.T) - torch.cov(back.T, correction=0)).abs().max()) < 0.06 * scale
    assert float((drawn.mean(0) - back.mean(0)).abs().max()) < 0.05 * math.sqrt(scale)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_gives_the_same_network(name: NetworkName) -> None:
    data = load_dataset("two_moons", seed=0)
    first, second, other = (
        train_network(name, data, 1, seed=seed, on_progress=nothing, num_updates=20) for seed in (3, 3, 4)
    )
    weights = [
        torch.cat([p.detach().flatten() for p in model.parameters()]) for model in (first, second, other)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_given_model_is_left_as_it_is(digits: Dataset) -> None:
    model = load_run(PRETRAINED_RUN).model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Network(model, digits.x_train[:]).inpaint(digits.x_test[:3], lower_half())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
