"""log p(x) where memory, or the width of q, is at its limits."""

import pytest
import torch
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from tests.vae_core.evidence.test_quadrature import evidence_by_plain_grid
from vae_core.config import Activation, ModelConfig
from vae_core.evidence.exact import exact_evidence
from vae_core.model import VAE

WIDTH = 4096


def test_mode_between_the_first_points_is_found() -> None:
    """A decoder of steep weights: 2 nats of log p(x) lie on slopes that the first points hardly see."""
    generator = torch.Generator().manual_seed(1)
    config = ModelConfig(
        data_dim=9, hidden_dims=(16,), likelihood="gaussian", likelihood_scale=0.3, activation="tanh"
    )
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(6)
        z = torch.randn(40, 2, generator=generator).double()
        x = model.likelihood(z).sample(1, generator=generator)[0].double()[:14]
        axis = torch.linspace(-6.5, 6.5, 1601, dtype=torch.float64)
        places = torch.cartesian_prod(axis, axis)
        log_joint = model.likelihood(places).log_prob(x[5]) + model.prior.log_prob(places)
    expected = torch.logsumexp(log_joint, 0) + 2 * (axis[1] - axis[0]).log()
    found = exact_evidence(model, x)  # the first points follow from all data
    assert abs(float(found.log_evidence[5] - expected)) < 1e-4
    assert found.error[5] < 1e-3


def test_error_covers_what_kinks_hide() -> None:
    """A quarter of such data were further off than twice the last change, by up to 14 times."""
    generator = torch.Generator().manual_seed(10)
    config = ModelConfig(data_dim=9, hidden_dims=(16,), activation="relu")
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        z = torch.randn(40, 2, generator=generator).double()
        x = model.likelihood(z).sample(1, generator=generator)[0].double()[:15]
    found = exact_evidence(model, x)
    expected = evidence_by_plain_grid(model, x, count=1001, reach=6.5)
    assert ((found.log_evidence - expected).abs() <= found.error).all()
    assert found.error.max() < 1e-3


def test_mass_beyond_the_region_is_an_error(generator: torch.Generator) -> None:
    """A posterior ten deviations from the prior, and a q that is not there: it lies beyond all cells."""
    x = torch.rand(40, 9, generator=generator).double()
    ppca = fit_ppca(x, 2)
    model = exact_vae(ppca)
    shrinkage = ppca.posterior()[0] @ ppca.weights[:, 0]
    far = ppca.mean + 10 * ppca.weights[:, :1].T / shrinkage[0]
    before = exact_evidence(model, far)
    assert before.error < 1e-4, "q is there, and brings the cells with it"
    with torch.no_grad():
        model.encoder.weights[0].zero_()
    after = exact_evidence(model, far)
    assert after.error > 0.1
    assert before.log_evidence - after.log_evidence > 0.1


def test_wide_hidden_layers_are_decoded_few_at_a_time(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden values, not those of x, are what fills memory: at most 8 MB of them at a time."""
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(WIDTH,)), generator=generator)
    most = 0
    decode = VAE.likelihood

    def watched(self: VAE, z: Tensor) -> object:
        nonlocal most
        most = max(most, z.shape[:-1].numel())
        return decode(self, z)

    monkeypatch.setattr(VAE, "likelihood", watched)
    found = exact_evidence(model, torch.rand(3, 4, generator=generator))
    assert 0 < most * WIDTH <= 2_000_000
    assert found.error.max() < 1e-3


@pytest.mark.parametrize("log_var", [(-12.0, -12.0), (-16.0, -16.0), (-19.0, 2.0), (2.0, -15.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_needle_has_a_finite_divergence(
    log_var: tuple[float, float], dtype: torch.dtype, generator: torch.Generator
) -> None:
    """A q down to 1e-4 wide, also a thousand times wider the other way: KL(q || posterior) is a number."""
    model = VAE(ModelConfig(data_dim=9, hidden_dims=(16,)), generator=generator).to(dtype)
    x = torch.rand(4, 9, generator=generator).to(dtype)
    with torch.no_grad():
        model.encoder.biases[-1][2:] = torch.tensor(log_var)
        model.encoder.weights[-1][2:] = 0
    found = exact_evidence(model, x)
    assert found.kl_to_posterior.isfinite().all()
    assert max(error.max() for error in (found.error, found.elbo_error, found.kl_to_posterior_error)) < 1e-3
    assert (found.log_evidence - found.elbo - found.kl_to_posterior).abs().max() < 1e-3
    assert found.kl_to_posterior.min() > 3


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("log_var", [(5.0, 5.0), (7.0, -5.0)])
def test_each_integral_has_an_error_of_its_own(
    activation: Activation, log_var: tuple[float, float], generator: torch.Generator
) -> None:
    """A q that is 12 or 33 times as wide as the prior is hard to average over; log p(x) is not."""
    config = ModelConfig(
        data_dim=9,
        hidden_dims=(16,),
        activation=activation,
        initial_weights="he",
        likelihood="gaussian",
        likelihood_scale=0.3,
    )
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(3)
        x = torch.rand(2, 9, generator=generator).double()
        before = exact_evidence(model, x)
        model.encoder.weights[-1][2:] = 0
        model.encoder.biases[-1][2:] = torch.tensor(log_var)
    found = exact_evidence(model, x)
    is_smooth = activation == "tanh"
    assert ((found.log_evidence - before.log_evidence).abs() <= found.error + before.error).all()
    assert found.error.max() < (1e-5 if is_smooth else 1e-2)
    assert found.kl_to_posterior_error.max() > 20 * found.error.max(), "the mean over q is harder"
    expected = expected_under_q(model, x)
    assert ((found.reconstruction - expected).abs() <= found.elbo_error).all()


@torch.no_grad()
def expected_under_q(model: VAE, x: Tensor) -> Tensor:
    """E_q[log p(x|z)] by the sum over a grid of 601 points within 7 deviations in each dimension."""
    axis = torch.linspace(-7, 7, 601, dtype=torch.float64)
    eps = torch.cartesian_prod(axis, axis)
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    q = model.posterior(x)
    values = [
        model.likelihood(mean + std * eps).log_prob(one)
        for mean, std, one in zip(q.mean, q.std, x, strict=True)
    ]
    return torch.stack(values) @ weights
