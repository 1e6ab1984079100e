"""Models with a learned prior: log p(x) in closed form, the identity, training that resumes, refusals."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from tests.prior_models import LEARNED, random_mixture, small
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import iw_bound
from vae_core.evidence.local_posterior import best_posterior
from vae_core.evidence.posterior_density import posterior_on_grid
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.priors import NormalMixture
from vae_core.runs.observer import Observer
from vae_core.training.loop import Training


def linear(prior: NormalMixture, generator: torch.Generator, *, data_dim: int = 4) -> VAE:
    """x = W z + b + s eps under a given mixture, float64: p(x) is a mixture of Gaussians."""
    count, latent_dim = prior.components.mean.shape
    config = ModelConfig(
        data_dim=data_dim,
        latent_dim=latent_dim,
        hidden_dims=(),
        likelihood="gaussian",
        likelihood_scale=0.5,
        prior="mixture",
        num_components=count,
    )
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        model.mixture.logits.copy_(prior.log_weights)
        model.mixture.means.copy_(prior.components.mean)
        model.mixture.log_vars.copy_(prior.components.conditional_log_var)
    return model


@torch.no_grad()
def closed_form(model: VAE, x: Tensor) -> Tensor:
    """log p(x) = log sum_k pi_k N(x; W m_k + b, W S_k W' + s^2 I)."""
    prior, weight = model.mixture(), model.decoder.weights[0]
    spread = weight @ torch.diag_embed(prior.components.log_var.exp()) @ weight.T
    covariance = spread + 0.25 * torch.eye(len(weight)).double()
    mean = model.likelihood(prior.components.mean).mean
    parts = MultivariateNormal(mean, covariance)
    return torch.logsumexp(prior.log_weights + parts.log_prob(x[:, None]), 1)


@pytest.mark.parametrize("latent_dim", [1, 2])
@pytest.mark.parametrize("narrow", [False, True])
def test_exact_evidence_of_a_mixture(latent_dim: int, narrow: bool, generator: torch.Generator) -> None:
    """Also where components are a twentieth of a tile, fall between the first points, or lie far away."""
    prior = random_mixture(3, latent_dim, generator)
    if narrow:
        prior.components.conditional_log_var[0] = 2 * math.log(0.01)
        prior.components.mean[0] = 0.13
        prior.components.mean[1] = 9.0
    model = linear(prior, generator)
    with torch.no_grad():
        model.encoder.weights[0].mul_(0.1)
        x = model.likelihood(prior.components.mean[:2]).mean
    x = torch.cat([x, torch.randn(4, 4, generator=generator).double()])
    found = exact_evidence(model, x)
    away = (found.log_evidence - closed_form(model, x)).abs()
    assert away.max() < (1e-4 if narrow else 1e-7)
    assert (away <= found.error).all()
    assert (found.log_evidence - found.elbo - found.kl_to_posterior).abs().max() < 1e-9
    grid = posterior_on_grid(model, x[-1])
    cell = math.prod(float(axis[1] - axis[0]) for axis in grid.axes)
    assert float(grid.log_density.exp().sum()) * cell == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind", LEARNED)
def test_log_p_is_the_sampled_bound_and_the_measured_gap(kind: str, generator: torch.Generator) -> None:
    """ELBO from 160 000 samples, KL(q || posterior) by quadrature: 5 standard errors (1 in 2e6)."""
    model = small(kind, generator)
    with torch.no_grad():
        model.encoder.biases[-1][2:] += 1.0  # wide enough for importance weights of finite variance
    x = torch.rand(4, 5, generator=generator).double()
    found = exact_evidence(model, x)
    with torch.no_grad():
        q = model.posterior(x)
        assert isinstance(q, DiagonalNormal)
        z = q.reparameterize(q.draw_eps(160_000, generator=generator))
        values = model.likelihood(z).log_prob(x) + model.prior.log_prob(z) - q.log_prob(z)
    error = values.std(0) / math.sqrt(160_000)
    assert error.max() < 0.02
    assert ((found.log_evidence - values.mean(0) - found.kl_to_posterior).abs() < 5 * error + 1e-4).all()
    assert found.kl_to_posterior.min() > 0
    weighted = iw_bound(model, x, num_samples=5000, generator=generator)
    log_ess = 2 * torch.logsumexp(values, 0) - torch.logsumexp(2 * values, 0)
    assert log_ess.min() > math.log(2000), "few samples with all the weight would prove nothing"
    share = torch.exp(log_ess) / len(values)
    assert ((weighted - found.log_evidence).abs() < 5 / (5000 * share).sqrt()).all()


@pytest.mark.parametrize("kind", LEARNED)
def test_best_posterior_lies_between_bound_and_log_p(kind: str, generator: torch.Generator) -> None:
    model = small(kind, generator)
    with torch.no_grad():
        model.encoder.biases[-1][2:] -= 3.0  # as narrow as trained ones: Gauss-Hermite is no exact rule here
    x = torch.rand(4, 5, generator=generator).double()
    found = exact_evidence(model, x)
    best = best_posterior(model, x, on_progress=lambda share: None)
    assert (best.encoder_elbo - found.elbo).abs().max() < 1e-3, "two rules, one number"
    assert (best.elbo >= best.encoder_elbo).all()
    assert (best.elbo <= found.log_evidence + 1e-3).all()


@pytest.mark.parametrize("kind", LEARNED)
def test_training_resumes_bit_for_bit(kind: str, tmp_path: Path) -> None:
    dataset = load_dataset("digits", seed=0)
    config = ModelConfig(data_dim=64, hidden_dims=(8,), latent_dim=3, prior=kind, num_components=5)  # type: ignore[arg-type]
    train = TrainConfig(num_epochs=2, batch_size=500)

    def fresh() -> Training:
        model = VAE(config, generator=torch.Generator().manual_seed(0))
        return Training(model, dataset, train, generator=torch.Generator().manual_seed(0))

    whole, half = fresh(), fresh()
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    list(whole.steps())
    steps = half.steps()
    for _ in range(2):
        next(steps)
    tensors, scalars = half.state()
    resumed = fresh()
    resumed.model.load_state_dict(half.model.state_dict())
    resumed.load_state(tensors, scalars)
    list(resumed.steps())
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
        assert not torch.equal(value, before[name]), f"{name} learned nothing"
    shown = Observer(whole, seed=0).look()
    assert len(shown.kl_per_dim) == 0
    assert len(set(shown.plane)) == 2


def test_equal_seeds_give_equal_networks() -> None:
    plain, *others = (
        VAE(ModelConfig(data_dim=6, prior=prior), generator=torch.Generator().manual_seed(4)).state_dict()
        for prior in ("standard_normal", *LEARNED)
    )
    for other in others:
        assert all(torch.equal(value, other[name]) for name, value in plain.items())


@pytest.mark.parametrize("kind", LEARNED)
def test_parameters_are_counted(kind: str, generator: torch.Generator) -> None:
    model = small(kind, generator, latent_dim=3)
    assert model.config.num_parameters == sum(value.numel() for value in model.parameters())


def test_what_cannot_be_a_prior(generator: torch.Generator) -> None:
    for settings in ({"encoder_head": "deterministic"}, {"num_components": 0}, {"prior": "laplace"}):
        with pytest.raises(BadInput):
            small("vamp", generator, **settings) if "prior" not in settings else small("laplace", generator)
    dataset = load_dataset("digits", seed=0)
    config = ModelConfig(data_dim=64, hidden_dims=(2,), prior="vamp", num_components=1000)
    few = replace(dataset, x_train=dataset.x_train[:999], labels_train=None)
    with pytest.raises(BadInput, match="components for 999 examples"):
        Training(VAE(config, generator=generator), few, TrainConfig(), generator=generator)
    assert ModelConfig.from_dict({"data_dim": 3, "prior": "standard_normal"}).num_components == 50
    alone = VAE(ModelConfig(data_dim=64, prior="vamp", num_components=1), generator=generator)
    assert alone.prior.log_prob(torch.zeros(3, 2)).shape == (3,), "one component is one Gaussian"


@pytest.mark.parametrize("ground", [-90.0, 0.0])
def test_exact_evidence_finds_a_component_that_no_tile_shows(
    ground: float, generator: torch.Generator
) -> None:
    """A hundredth of a tile wide, between the first points; on low ground no tile would be kept for it."""
    log_weights = torch.log_softmax(torch.tensor([0.0, 0.0, ground]).double(), 0)
    mean = torch.tensor([[0.24], [2.0], [0.0]]).double()
    log_var = 2 * torch.log(torch.tensor([[0.002], [0.1], [3.0]]).double())
    model = linear(NormalMixture(log_weights, DiagonalNormal(mean, log_var)), generator)
    with torch.no_grad():
        model.encoder.weights[0].zero_()
        model.decoder.weights[0].fill_(1.1)
        model.encoder.biases[0].copy_(torch.tensor([2.0, -4.0]))  # q looks elsewhere
        x = model.likelihood(mean[:1]).mean
    found = exact_evidence(model, x)
    assert (found.log_evidence - closed_form(model, x)).abs().max() < 1e-4
