"""Limits of log sigma^2, of a learned s and of learned priors: none of them holds a training for good."""

import math
from dataclasses import replace
from typing import Any, Final

import pytest
import torch
from torch.nn import functional

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.distributions import LOG_VAR_RANGE, bounded
from vae_core.elbo import elbo_terms, evaluate
from vae_core.model import MIN_LIKELIHOOD_SCALE, SPREAD_RANGE, VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.training.loop import Training

LOW, HIGH = LOG_VAR_RANGE
DIGITS: Final = load_dataset("digits")
FEW: Final = replace(DIGITS, x_train=DIGITS.x_train[:64].clone())
LOG_SMALLEST: Final = math.log(MIN_LIKELIHOOD_SCALE)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model_of(**settings: Any) -> VAE:
    return VAE(ModelConfig(data_dim=64, hidden_dims=(16,), **settings), generator=seeded())


def trained(model: VAE, *, updates: int) -> None:
    config = TrainConfig(learning_rate=0.1, num_epochs=updates, batch_size=len(FEW.x_train))
    for _ in Training(model, FEW, config, generator=seeded()).steps():
        pass


@torch.no_grad()
def at_limit(model: VAE) -> int:
    """Held-out examples of which some log sigma^2 is at a limit."""
    log_var = model.posterior(DIGITS.x_test[:]).as_normal().conditional_log_var
    assert ((log_var >= LOW) & (log_var <= HIGH)).all()
    return int(((log_var == LOW) | (log_var == HIGH)).any(-1).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bounded_is_a_clamp_bit_for_bit_and_has_the_gradient_of_its_value(dtype: torch.dtype) -> None:
    value = 100 * torch.randn(10_000, generator=seeded(), dtype=dtype)
    value = torch.cat([value, torch.tensor([-1e30, -20.0, 0.0, 20.0, 1e30], dtype=dtype)]).requires_grad_()
    assert torch.equal(bounded(value, LOW, HIGH), value.clamp(LOW, HIGH))
    assert math.isnan(float(bounded(torch.tensor(math.nan), LOW, HIGH)))
    bounded(value, LOW, HIGH).sum().backward()
    assert value.grad is not None
    assert (value.grad == 1).all()


def test_what_is_within_the_limits_has_the_gradient_of_a_clamp_bit_for_bit() -> None:
    """So a training that never met a limit gives the numbers that it gave with a clamp."""
    leaf = (10 * torch.randn(50, 2, generator=seeded())).clamp(-19, 19).requires_grad_()
    other = leaf.detach().clone().requires_grad_()
    noise = torch.randn(50, 2, generator=seeded(1))
    (bounded(leaf, LOW, HIGH) * noise).sin().sum().backward()
    (other.clamp(LOW, HIGH) * noise).sin().sum().backward()
    assert leaf.grad is not None
    assert other.grad is not None
    assert torch.equal(leaf.grad, other.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_heads_have_the_values_that_clamps_give(dtype: torch.dtype) -> None:
    """Runs of before are evaluated as they were, wherever they stand."""
    near_zero, near_low = torch.linspace(-200, 200, 4001), torch.linspace(-21, -20, 4001)
    u = torch.cat([near_zero, near_low, torch.logspace(1, 12, 999)]).to(dtype)[:, None]
    for head, expected in (
        ("log_variance", u.clamp(LOW, HIGH)),
        ("variance", torch.log(functional.softplus(u) + 1e-9).clamp(LOW, HIGH)),
    ):
        config = ModelConfig(data_dim=1, latent_dim=1, hidden_dims=(), encoder_head=head)  # type: ignore[arg-type]
        model = VAE(config, generator=seeded()).to(dtype)
        model.encoder.weights[0].data.fill_(1.0)
        assert torch.equal(model.posterior(u).as_normal().conditional_log_var, expected), head
    assert math.log(functional.softplus(torch.tensor(SPREAD_RANGE[0]).double()) + 1e-9) < LOW
    assert math.log(SPREAD_RANGE[1]) > HIGH


@pytest.mark.parametrize(
    ("head", "start", "prior"),
    [
        ("log_variance", 25.0, "standard_normal"),
        ("log_variance", -25.0, "standard_normal"),
        ("log_variance", -40.0, "standard_normal"),
        ("variance", -25.0, "standard_normal"),
        ("log_variance", 25.0, "mixture"),
        ("log_variance", -25.0, "mixture"),
        ("log_variance", -25.0, "vamp"),
    ],
)
def test_an_encoder_that_starts_beyond_a_limit_returns(head: Any, start: float, prior: Any) -> None:
    """Not so a VampPrior from too wide a q: the prior, made of q, is as wide, and nothing is lost."""
    model = model_of(encoder_head=head, prior=prior, num_components=5)
    with torch.no_grad():
        model.encoder.biases[-1][2:] = start
    assert at_limit(model) == len(DIGITS.x_test)
    trained(model, updates=400)
    assert at_limit(model) == 0


@pytest.mark.parametrize("start", [-200.0, -40.0, 4.852e8])
def test_a_variance_head_returns_from_where_softplus_has_no_slope_and_from_its_upper_limit(
    start: float,
) -> None:
    """The upper limit is sigma^2 = 4.85e8, in steps of 1000, the largest that may be chosen."""
    config = ModelConfig(data_dim=3, latent_dim=1, hidden_dims=(), encoder_head="variance")
    model = VAE(config, generator=seeded())
    bias = model.encoder.biases[0]
    with torch.no_grad():
        bias[1] = start
    optimizer = torch.optim.Adam([bias], lr=1.0 if start < 0 else 1000.0)
    x = torch.rand(4, 3, generator=seeded())
    for _ in range(300):
        optimizer.zero_grad()
        (-elbo_terms(model, x, generator=seeded()).elbo.mean()).backward()
        optimizer.step()
        log_var = model.posterior(x).as_normal().conditional_log_var
        if ((log_var > LOW) & (log_var < HIGH)).all():
            return
    pytest.fail(f"still at a limit from {float(bias[1])}")


@pytest.mark.parametrize("start", [-8.0, -12.0])
@pytest.mark.parametrize("head", ["log_variance", "deterministic"])
def test_a_learned_scale_below_its_limit_returns(start: float, head: Any) -> None:
    """Not fast: Adam remembers the first slopes, which are a million times those of a larger s."""
    model = model_of(likelihood="gaussian", likelihood_scale=None, encoder_head=head)
    model.log_scale.data.fill_(start)
    assert float(model.likelihood_scale().detach()) == pytest.approx(MIN_LIKELIHOOD_SCALE)
    trained(model, updates=400)
    assert 3 * MIN_LIKELIHOOD_SCALE < float(model.likelihood_scale().detach()) < 1


def test_a_scale_that_is_best_at_its_limit_stays_there_and_returns_at_once() -> None:
    """A decoder that has learned x by heart: were s to drift on, it would need as many updates to return."""
    model = model_of(likelihood="gaussian", likelihood_scale=None, encoder_head="deterministic")
    one = replace(FEW, x_train=FEW.x_train[:1].repeat(64, 1), labels_train=None)
    with torch.no_grad():
        model.decoder.weights[-1].zero_()
        model.decoder.biases[-1].copy_(one.x_train[0])
    model.decoder.requires_grad_(False)
    config = TrainConfig(learning_rate=0.1, batch_size=64, num_epochs=None)
    training = Training(model, one, config, generator=seeded())
    for _ in zip(range(300), training.steps(), strict=False):
        assert float(model.log_scale.detach()) >= LOG_SMALLEST - 1e-6
    assert float(model.log_scale.detach()) == pytest.approx(LOG_SMALLEST)
    training = Training(model, FEW, config, generator=seeded())
    for _ in zip(range(5), training.steps(), strict=False):
        pass
    assert float(model.log_scale.detach()) > LOG_SMALLEST + 0.4


@pytest.mark.parametrize("start", [25.0, -25.0])
def test_components_of_a_mixture_return(start: float) -> None:
    model = model_of(prior="mixture", num_components=4)
    model.mixture.log_vars.data.fill_(start)
    z = torch.randn(200, 2, generator=seeded())
    optimizer = torch.optim.Adam(model.mixture.parameters(), lr=0.2)
    for _ in range(300):
        optimizer.zero_grad()
        (-model.prior.log_prob(z).mean()).backward()
        optimizer.step()
    components = model.prior.components
    assert isinstance(components, DiagonalNormal)
    assert ((components.log_var > LOW) & (components.log_var < HIGH)).all()


@pytest.mark.parametrize("start", [15.0, 30.0, -30.0, 200.0])
def test_pseudo_inputs_return_from_where_a_sigmoid_is_flat(start: float) -> None:
    model = model_of(prior="vamp", num_components=3)
    values = model.pseudo_inputs.values
    values.data.fill_(start)
    assert torch.equal(model.pseudo_inputs(), torch.sigmoid(values))
    optimizer = torch.optim.Adam([values], lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        (model.pseudo_inputs() - 0.5).square().sum().backward()
        optimizer.step()
        model.hold_parameters()
    torch.testing.assert_close(model.pseudo_inputs(), torch.full_like(values, 0.5), atol=0.01, rtol=0)


def test_pseudo_inputs_within_reach_have_the_sigmoids_gradient_bit_for_bit() -> None:
    pseudo_inputs = model_of(prior="vamp", num_components=3).pseudo_inputs
    pseudo_inputs().square().sum().backward()
    leaf = pseudo_inputs.values.detach().clone().requires_grad_()
    torch.sigmoid(leaf).square().sum().backward()
    assert pseudo_inputs.values.grad is not None
    assert leaf.grad is not None
    assert torch.equal(pseudo_inputs.values.grad, leaf.grad)


@pytest.mark.parametrize("seed", [0, 1])
def test_large_steps_leave_no_image_at_a_limit(seed: int) -> None:
    """Digits, Adam with steps of 0.1: with a clamp every image ended at the limit, 10 to 60 nats lower."""
    model = VAE(ModelConfig(data_dim=64), generator=seeded(seed))
    config = TrainConfig(learning_rate=0.1, num_epochs=20)
    for _ in Training(model, DIGITS, config, generator=seeded(seed)).steps():
        pass
    assert at_limit(model) == 0
    assert evaluate(model, DIGITS.x_test, generator=seeded()).elbo > -32
