"""Gradients of the importance-weighted bound: unbiased both ways, and ever less signal for the encoder."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import iw_bound_given_eps
from vae_core.labs.gradients.importance_weighted import (
    PARTS,
    compare_trainings,
    gradient_signal,
    gradients,
    train_with,
)
from vae_core.model import VAE


def ignore(share: float) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:200] / 16)


def nearly_exact(digits: Tensor, off: float = 0.1) -> VAE:
    """Probabilistic PCA with an encoder whose means and log variances are somewhat off."""
    model = exact_vae(fit_ppca(digits, 2))
    with torch.no_grad():
        model.encoder.biases[0].add_(off * torch.tensor([0.3, 0.3, 1.0, 1.0]))
        model.decoder.biases[0].add_(0.02)
    return model


def test_gradient_with_one_sample_is_that_of_the_elbo(digits: Tensor, generator: torch.Generator) -> None:
    """log w = log p(x|z) + log p(z) - log q(z|x), by central differences in float64."""
    model = nearly_exact(digits)
    seed = generator.initial_seed()
    found = gradients(model, digits[:4], num_samples=1, generator=torch.Generator().manual_seed(seed))
    eps = model.posterior(digits[:4]).draw_eps(1, generator=torch.Generator().manual_seed(seed))

    def bound() -> float:
        with torch.no_grad():
            q = model.posterior(digits[:4]).as_normal()
            z = q.reparameterize(eps)
            log_w = model.likelihood(z).log_prob(digits[:4]) + model.prior.log_prob(z) - q.log_prob(z)
            return log_w.mean().item()

    for part, parameters in (("encoder", model.encoder.biases[0]), ("decoder", model.decoder.biases[0])):
        step, slopes = 1e-5, []
        for index in range(4):
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    parameters[index] += sign * step
                    values.append(bound())
                    parameters[index] -= sign * step
            slopes.append((values[0] - values[1]) / (2 * step))
        flat = found[part][-len(parameters) :][:4]  # type: ignore[index]  # the biases come last
        assert flat.tolist() == pytest.approx(slopes, abs=1e-6), part


def test_both_estimates_of_the_encoders_gradient_have_one_mean(digits: Tensor) -> None:
    """Each coordinate within five standard errors of the difference of 400 pairs."""
    model, noise = nearly_exact(digits), torch.Generator().manual_seed(0)
    pairs = [gradients(model, digits[:3], num_samples=5, generator=noise) for _ in range(400)]
    away = torch.stack([pair["encoder"] - pair["doubly_reparameterised"] for pair in pairs])
    error = away.std(0) / math.sqrt(len(away))
    assert ((away.mean(0).abs() / error.clamp(min=1e-12))[error > 1e-12] < 5).all()


def uneven_mixtures(generator: torch.Generator) -> VAE:
    """Their components differ in weight, mean and width, from example to example."""
    config = ModelConfig(data_dim=5, latent_dim=2, hidden_dims=(6,), encoder_head="mixture")
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        model.encoder.weights[1].normal_(generator=generator).mul_(0.7)
        model.encoder.biases[1].normal_(generator=generator).mul_(0.5)
        for weight in model.decoder.weights:
            weight.mul_(2)
    return model


def test_estimates_of_a_mixtures_encoder_with_one_sample_have_one_mean(generator: torch.Generator) -> None:
    """That of the components' sum, and of z that move as their ranks stay: both the gradient of the ELBO."""
    model, x = uneven_mixtures(generator), torch.rand(3, 5, generator=generator).double()
    pairs = [gradients(model, x, num_samples=1, generator=generator) for _ in range(1500)]
    away = torch.stack([pair["encoder"] - pair["doubly_reparameterised"] for pair in pairs])
    error = away.std(0) / math.sqrt(len(away))
    is_far = error > 1e-12
    assert int(is_far.sum()) > 40, "most parameters of the encoder count"
    assert ((away.mean(0).abs() / error.clamp(min=1e-12))[is_far] < 5).all()


def test_doubly_reparameterised_gradient_of_a_mixture_is_that_of_independent_samples(
    generator: torch.Generator,
) -> None:
    """Against the score function with the other samples' bound as baseline (VIMCO), by 5 standard errors."""
    model, x, count = uneven_mixtures(generator), torch.rand(2, 5, generator=generator).double(), 4
    parameters, differences = list(model.encoder.parameters()), []
    for _ in range(1500):
        found = gradients(model, x, num_samples=count, generator=generator)["doubly_reparameterised"]
        q = model.posterior(x).as_density()
        with torch.no_grad():
            z = q.sample(count, generator=generator)
        log_q = q.log_prob(z)
        log_w = model.likelihood(z).log_prob(x) + model.prior.log_prob(z) - log_q
        bound = torch.logsumexp(log_w, 0)
        others = torch.stack([log_w[[k for k in range(count) if k != left]] for left in range(count)])
        rest = torch.logsumexp(torch.cat((others, others.mean(1, keepdim=True)), 1), 1)
        learning = (bound - rest).detach()
        value = ((learning * log_q).sum(0) + bound).mean()
        own = torch.autograd.grad(value, parameters)
        differences.append(found - torch.cat([g.flatten() for g in own]))
    away = torch.stack(differences)
    error = away.std(0) / math.sqrt(len(away))
    assert ((away.mean(0).abs() / error.clamp(min=1e-12))[error > 1e-12] < 5).all()


@pytest.mark.parametrize(
    ("off", "counts", "parts", "slope"),
    [(0.8, (1, 4), slice(0, 1), -0.5), (0.4, (4, 64), slice(1, 3), 0.5)],
)
def test_signal_of_the_encoder_falls_and_the_others_rise_with_the_root_of_k(
    digits: Tensor, off: float, counts: tuple[int, int], parts: slice, slope: float
) -> None:
    """K^(-1/2), and K^(1/2) for the decoder and twice reparameterised (Rainforth et al. 2018, theorem 1)."""
    noise = torch.Generator().manual_seed(0)
    shares: list[float] = []
    found = gradient_signal(
        nearly_exact(digits, off),
        digits[:4],
        sample_counts=counts,
        generator=noise,
        on_progress=shares.append,
    )
    assert found.ratio.shape == found.error.shape == (2, len(PARTS))
    slopes = (found.ratio[1] / found.ratio[0]).log() / math.log(counts[1] / counts[0])
    assert slopes[parts].tolist() == pytest.approx([slope] * len(slopes[parts]), abs=0.15)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_ratio_of_known_moments() -> None:
    """g ~ N(m, s^2 I): |m| / (s P^(1/2)), within four of its own standard errors."""
    from vae_core.labs.gradients import importance_weighted as lab

    rng = torch.Generator().manual_seed(0)
    mean, scale = torch.full((50,), 0.3).double(), 2.0
    groups = []
    for _ in range(lab._GROUPS):
        draws = mean + scale * torch.randn(lab._REPEATS, 50, generator=rng).double()
        groups.append([lab._moments(draws.sum(0), draws.square().sum(0))])
    ratio, error = lab._ratio(torch.tensor(groups, dtype=torch.float64))
    assert float(ratio) == pytest.approx(0.15, abs=4 * float(error))
    assert 0 < float(error) < 0.05


def test_training_on_more_samples_raises_log_p_and_leaves_the_elbo_behind() -> None:
    """From the same start; the gap log p(x) - ELBO grows with K (Cremer et al. 2018, section 5)."""
    dataset = load_dataset("two_moons", seed=0)
    config = ModelConfig(
        data_dim=2, latent_dim=1, hidden_dims=(16,), likelihood="gaussian", likelihood_scale=0.3
    )
    found = compare_trainings(
        dataset, config, sample_counts=(1, 20), num_epochs=6, seed=0, on_progress=ignore
    )
    log_evidence, elbo = found["log_evidence"].mean(1), found["elbo"].mean(1)
    assert (log_evidence - elbo).min() > 0
    assert log_evidence[1] > log_evidence[0]
    assert log_evidence[1] - elbo[1] > log_evidence[0] - elbo[0]


def test_training_starts_from_equal_weights_and_is_reproducible() -> None:
    dataset = load_dataset("two_moons", seed=0)
    config = ModelConfig(data_dim=2, hidden_dims=(4,), likelihood="gaussian")
    starts = [
        train_with(dataset, config, num_samples=count, num_epochs=0, seed=3, on_progress=ignore)
        for count in (1, 5)
    ]
    for first, second in zip(*(model.parameters() for model in starts), strict=True):
        assert torch.equal(first, second)
    one, other = (
        train_with(dataset, config, num_samples=2, num_epochs=1, seed=3, on_progress=ignore) for _ in range(2)
    )
    assert torch.equal(one.decoder.weights[0], other.decoder.weights[0])
    before, after = (exact_evidence(model, dataset.x_test[:50]).elbo.mean() for model in (starts[0], one))
    assert after > before


def test_training_is_adam_on_the_negative_bound() -> None:
    """PyTorch's own optimiser on the same mini-batches and noise: float32, rounding alone apart."""
    dataset = load_dataset("two_moons", seed=0)
    config = ModelConfig(data_dim=2, hidden_dims=(4,), likelihood="gaussian", prior="vamp")
    found = train_with(dataset, config, num_samples=3, num_epochs=1, seed=3, on_progress=ignore)
    model = VAE(config, generator=torch.Generator().manual_seed(3))
    order, noise = (torch.Generator().manual_seed(seed) for seed in (4, 5))
    adam = torch.optim.Adam(model.parameters(), lr=2e-3)
    for rows in torch.randperm(len(dataset.x_train), generator=order).split(64):
        x = dataset.x_train.index_select(0, rows)
        posterior = model.posterior(x).as_density()
        eps = posterior.draw_eps(3, generator=noise)
        adam.zero_grad()
        (-iw_bound_given_eps(model, x, posterior, eps).mean()).backward()
        adam.step()
        model.hold_parameters()
    start = VAE(config, generator=torch.Generator().manual_seed(3))
    for name, value in found.named_parameters():
        torch.testing.assert_close(value, model.get_parameter(name), rtol=1e-5, atol=1e-5)
        assert not torch.equal(value, start.get_parameter(name)), name


def test_refusals(digits: Tensor, generator: torch.Generator) -> None:
    with pytest.raises(BadInput, match="num_samples"):
        gradient_signal(
            nearly_exact(digits), digits[:2], sample_counts=(0,), generator=generator, on_progress=ignore
        )
    wide = ModelConfig(data_dim=2, latent_dim=3, likelihood="gaussian")
    with pytest.raises(BadInput, match="quadrature"):
        compare_trainings(load_dataset("two_moons", seed=0), wide, num_epochs=1, seed=0, on_progress=ignore)
    code = VAE(ModelConfig(data_dim=64, encoder_head="deterministic"), generator=generator).double()
    with pytest.raises(BadInput, match="deterministic"):
        gradients(code, digits[:2], num_samples=2, generator=generator)
