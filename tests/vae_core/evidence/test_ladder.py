"""Richer and richer q: no bound below the one before, and each where it is known to be."""

import copy
import math
from typing import Final

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import ProbabilisticPCA, exact_vae, fit_ppca
from vae_core.config import ModelConfig
from vae_core.errors import BadInput
from vae_core.evidence.ladder import Ladder, climb
from vae_core.model import VAE

FAMILIES: Final = ("encoder", "diagonal", "full", "mixture", "flow")


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def climbed(model: VAE, x: Tensor, num_components: int = 2) -> Ladder:
    noise = torch.Generator().manual_seed(0)
    return climb(model, x, num_components=num_components, generator=noise, on_progress=ignore)


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:30] / 16)


def turned(ppca: ProbabilisticPCA, angle: float) -> VAE:
    """The exact model with its latent plane turned, so that the posterior is correlated; a wrong encoder."""
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.decoder.weights[0].copy_(ppca.weights @ turn)
        for part in (model.encoder.weights[0], model.encoder.biases[0]):
            part[:2] = turn.T @ part[:2]
        model.encoder.biases[0] += torch.tensor([0.4, -0.6, 1.0, -1.0]).double()
    return model


def folded(latent_dim: int) -> tuple[VAE, Tensor, float]:
    """x_1 = |z_1| + s eps, x_2 = z_2 + s eps: two modes of equal size, N(+-m, v), 15 deviations apart."""
    config = ModelConfig(
        data_dim=latent_dim,
        latent_dim=latent_dim,
        hidden_dims=(2 * latent_dim,),
        activation="relu",
        likelihood="gaussian",
        likelihood_scale=0.1,
    )
    model = VAE(config, generator=torch.Generator().manual_seed(0)).double()
    eye = torch.eye(latent_dim).double()
    back = torch.cat([eye, -eye], dim=1)
    back[0, latent_dim] = 1
    with torch.no_grad():
        for part in model.parameters():
            part.zero_()
        model.decoder.weights[0].copy_(torch.cat([eye, -eye]))
        model.decoder.weights[1].copy_(back)
        model.encoder.biases[-1][0] = 0.7
        model.encoder.biases[-1][latent_dim:] = math.log(0.01)
    x = torch.full((1, latent_dim), 0.8, dtype=torch.float64)
    variance = 1.01
    each = -0.5 * (0.64 / variance + math.log(2 * math.pi * variance))
    return model, x, latent_dim * each + math.log(2)


@pytest.mark.parametrize("angle", [0.4, math.pi / 4])
def test_full_covariance_reaches_log_p_of_a_linear_gaussian_model(digits: Tensor, angle: float) -> None:
    """Best diagonal q for N(m, C): KL 1/2 log(prod diag(P) / det P), P = C^-1; the full one is exact."""
    fitted = fit_ppca(digits, 2)
    ppca = fitted._replace(weights=fitted.weights * torch.tensor([1.0, 0.4]).double())
    model = turned(ppca, angle)
    weights = model.decoder.weights[0].detach()
    precision = torch.eye(2).double() + weights.T @ weights / ppca.variance
    expected = 0.5 * float(precision.diagonal().log().sum() - torch.logdet(precision))
    assert expected > 0.01
    found = climbed(model, digits[:5])
    encoder, diagonal, full, *richer = (ppca.log_prob(digits[:5]) - rung.elbo for rung in found.rungs)
    assert (encoder - diagonal).min() > 0.1
    assert (diagonal - expected).abs().max() < 1e-8
    for gap in (full, *richer):
        assert gap.abs().max() < 1e-9


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_mixture_of_two_recovers_a_posterior_of_two_modes(latent_dim: int) -> None:
    model, x, log_evidence = folded(latent_dim)
    found = climbed(model, x)
    families = [rung.family for rung in found.rungs]
    assert families == [family for family in FAMILIES if latent_dim > 1 or family != "full"]
    _, *gaussians, mixture, flow = (log_evidence - float(rung.elbo) for rung in found.rungs)
    assert gaussians == pytest.approx([math.log(2)] * latent_dim, abs=1e-8), "one mode of two"
    assert mixture == pytest.approx(0, abs=1e-8)
    assert flow == pytest.approx(0, abs=1e-8)
    q = found.rungs[-2].q
    assert q.log_weights.exp()[0].tolist() == pytest.approx([0.5, 0.5], abs=1e-4)
    assert sorted(q.means[0, :, 0].tolist()) == pytest.approx([-0.8 / 1.01, 0.8 / 1.01], abs=1e-4)
    assert q.factors[0, :, 0, 0].tolist() == pytest.approx([math.sqrt(0.01 / 1.01)] * 2, abs=1e-4)


def curved(generator: torch.Generator, latent_dim: int = 2) -> tuple[VAE, Tensor]:
    """A decoder bent enough that no Gaussian has the posterior's shape."""
    config = ModelConfig(data_dim=9, latent_dim=latent_dim, hidden_dims=(16,))
    model = VAE(config, generator=generator)
    with torch.no_grad():
        model.decoder.weights[0].mul_(3)
    return model, torch.rand(3, 9, generator=generator)


@pytest.fixture(scope="module")
def bent() -> tuple[VAE, Tensor, Ladder]:
    model, x = curved(torch.Generator().manual_seed(0))
    return model, x, climbed(model, x)


def test_each_step_rises_and_ends_below_log_p(bent: tuple[VAE, Tensor, Ladder]) -> None:
    *_, found = bent
    assert [rung.family for rung in found.rungs] == list(FAMILIES)
    stair = torch.stack([*(rung.elbo for rung in found.rungs), found.log_evidence])
    errors = torch.stack([*(rung.error for rung in found.rungs), found.error])
    assert (stair.diff(dim=0) >= -(errors[1:] + errors[:-1])).all()
    assert stair[4].sub(stair[0]).min() > 0.05
    assert (stair[5] - stair[4]).max() < 0.01
    assert errors.max() < 2e-3


def test_the_bound_of_every_rung_is_log_p_less_a_divergence_of_its_own(
    bent: tuple[VAE, Tensor, Ladder],
) -> None:
    """KL(q || p(z|x)) on a grid of its own, from log q(z), which inverts the flow."""
    model, x, found = bent
    axis = torch.arange(-5, 5, 0.04, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    double, first = copy.deepcopy(model).double(), x[:1].double()
    with torch.no_grad():
        log_joint = double.likelihood(z).log_prob(first) + double.prior.log_prob(z)
    log_evidence = float(torch.logsumexp(log_joint, 0)) + 2 * math.log(0.04)
    assert float(found.log_evidence[0]) == pytest.approx(log_evidence, abs=1e-5)
    for rung in found.rungs:
        log_q = rung.q.take(slice(0, 1)).log_prob(z[None])[0]
        divergence = float((log_q.exp() * (log_q - log_joint + log_evidence)).sum()) * 0.04**2
        assert float(rung.elbo[0]) == pytest.approx(log_evidence - divergence, abs=1e-3), rung.family


def test_mixture_of_one_stays_the_gaussian(generator: torch.Generator) -> None:
    model, x = curved(generator, latent_dim=1)
    gaussian, mixture = climbed(model, x[:1], num_components=1).rungs[1:3]
    assert (mixture.elbo - gaussian.elbo).abs().max() < 1e-6


def test_one_dimension_has_curves_of_the_same_kind(generator: torch.Generator) -> None:
    found = climbed(*curved(generator, latent_dim=1))
    stair = torch.stack([*(rung.elbo for rung in found.rungs), found.log_evidence])
    assert stair.diff(dim=0).min() > -1e-5
    assert (stair[-1] - stair[-2]).max() < 1e-3


def test_more_dimensions_are_sampled_and_say_how_well(digits: Tensor) -> None:
    """The exact encoder of probabilistic PCA: every weight is p(x), so that nothing is left to gain."""
    ppca = fit_ppca(digits, 3)
    model = exact_vae(ppca)
    with torch.no_grad():
        model.encoder.biases[0].add_(0.3)
    found = climbed(model, digits[:2])
    assert not found.is_exact
    exact, errors = ppca.log_prob(digits[:2]), found.rungs[0].error
    assert errors.min() > 1e-3
    stair = torch.stack([rung.elbo for rung in found.rungs])
    assert stair.diff(dim=0).min() >= -1e-9
    assert (exact - stair[2]).abs().max() < 0.05
    assert (found.log_evidence - exact).abs().max() < 0.02
    assert (exact - stair[0]).min() > 10 * errors.max()


@pytest.mark.parametrize(
    ("latent_dim", "families"),
    [(1, ["encoder", "diagonal", "mixture", "flow"]), (2, ["encoder", "full", "mixture", "flow"])],
)
def test_an_encoder_with_a_full_covariance_begins_beyond_the_diagonal(
    latent_dim: int, families: list[str], generator: torch.Generator
) -> None:
    config = ModelConfig(data_dim=9, latent_dim=latent_dim, hidden_dims=(8,), encoder_head="full_covariance")
    found = climbed(VAE(config, generator=generator), torch.rand(1, 9, generator=generator))
    assert [rung.family for rung in found.rungs] == families
    assert torch.stack([rung.elbo for rung in found.rungs]).diff(dim=0).min() >= -1e-6


def test_the_same_seed_climbs_the_same_ladder(generator: torch.Generator) -> None:
    model, x = curved(generator, latent_dim=1)
    first, second = (climbed(model, x[:1]) for _ in range(2))
    assert [rung.elbo.item() for rung in first.rungs] == [rung.elbo.item() for rung in second.rungs]


def test_pieces_of_bounded_memory_and_progress(
    monkeypatch: pytest.MonkeyPatch, digits: Tensor, generator: torch.Generator
) -> None:
    model = turned(fit_ppca(digits, 2), 0.4)
    whole = climbed(model, digits[:3], num_components=1)
    monkeypatch.setattr("vae_core.memory.CHUNK_VALUES", 64 * 400)
    shares: list[float] = []
    pieces = climb(model, digits[:3], num_components=1, generator=generator, on_progress=shares.append)
    assert (whole.rungs[2].elbo - pieces.rungs[2].elbo).abs().max() < 1e-8
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_refusals(generator: torch.Generator) -> None:
    code = VAE(ModelConfig(data_dim=4, encoder_head="deterministic"), generator=generator)
    wide = VAE(ModelConfig(data_dim=4, latent_dim=17), generator=generator)
    for model, said in ((code, "deterministic"), (wide, "16 latent")):
        with pytest.raises(BadInput, match=said):
            climbed(model, torch.zeros(1, 4), num_components=2)
    with pytest.raises(BadInput, match="1 to 5 components"):
        climbed(VAE(ModelConfig(data_dim=4), generator=generator), torch.zeros(1, 4), num_components=6)
