"""One ψ per example against one encoder: what is counted, what extrapolated, what the ascent reaches."""

import math
import subprocess
import sys
from itertools import pairwise

import pytest
import torch

from dashboard.runs.pretrained import PRETRAINED_RUN
from tests.linear_gaussian import exact_vae, fit_ppca
from tests.page_scripts import ENTRY, charts, numbers, open_page, runner, table, text_with
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.labs import amortisation
from vae_core.labs.amortisation import Amortisation, ascend, measure_amortisation
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture


def test_the_ascent_finds_the_posterior_of_a_linear_model() -> None:
    noise = torch.Generator().manual_seed(0)
    scales = torch.tensor([2.0, 1.0, 0.7, 0.5, 0.4])
    x = (torch.randn(200, 5, generator=noise) * scales).double()
    model = exact_vae(fit_ppca(x, 2)).float()
    found = ascend(model, x[:6].float(), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        exact = model.posterior(x[:6].float())
    # Noise of Adam at 150 steps; the posterior's deviations are about 0.3.
    assert float((found.mean - exact.mean).abs().max()) < 0.05
    assert float((found.std / exact.std - 1).abs().max()) < 0.15


def test_the_ascent_is_adam_with_a_step_that_falls_to_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's own optimiser and schedule with the same noise, float64, rounding alone apart."""
    monkeypatch.setattr(amortisation, "ASCENT_STEPS", 40)
    model = VAE(
        ModelConfig(data_dim=6, hidden_dims=(5,)), generator=torch.Generator().manual_seed(2)
    ).double()
    x = torch.rand(3, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = ascend(model, x, generator=torch.Generator().manual_seed(4))
    noise = torch.Generator().manual_seed(4)
    mean, log_var = (torch.zeros(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    adam = torch.optim.Adam([mean, log_var], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 40)
    for _ in range(40):
        eps = torch.randn(4, 3, 2, generator=noise, dtype=torch.float64)
        loss = -elbo_terms_given_eps(model, x, DiagonalNormal(mean, log_var), eps).elbo.sum()
        mean.grad, log_var.grad = torch.autograd.grad(loss, [mean, log_var])
        adam.step()
        schedule.step()
    torch.testing.assert_close(found.mean, mean.detach(), rtol=0, atol=1e-9)
    torch.testing.assert_close(found.log_var, log_var.detach(), rtol=0, atol=1e-9)
    assert float(found.mean.abs().max()) > 0.2


def test_nothing_here_imports_a_compiler() -> None:
    """torch.optim.Adam does at its first use: a second of the page that waits for these numbers."""
    code = """
import sys, torch
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.labs.amortisation import measure_amortisation
from vae_core.labs.gradients.importance_weighted import train_with
from vae_core.model import VAE
config = ModelConfig(data_dim=2, hidden_dims=(3,), likelihood="gaussian")
data = load_dataset("two_moons", seed=0)
train_with(data, config, num_samples=2, num_epochs=1, seed=0, on_progress=lambda share: None)
model = VAE(config, generator=torch.Generator().manual_seed(0))
measure_amortisation(model, data.x_test, num_updates=1, batch_size=4, sizes=(1,))
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ENTRY.parents[1], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_numbers_of_both_and_the_bound_of_each() -> None:
    run = load_run(PRETRAINED_RUN)
    x = load_dataset("digits", seed=run.config.seed).x_test[:20]
    found = measure_amortisation(run.model(), x, num_updates=100, batch_size=8, sizes=(1, 20))
    widths = (64, 128, 4)
    assert found.encoder_parameters == sum(a * b + b for a, b in pairwise(widths))
    assert found.cost(20).psi_parameters == 2 * 2 * 20
    assert found.cost(10**8).psi_parameters == 4 * 10**8
    assert found.cost(10**8).encoder_parameters == found.encoder_parameters
    assert found.psi_elbo > found.encoder_elbo - 0.1, "a q of its own is at least as good, but for its noise"
    assert found.psi_elbo < found.encoder_elbo + 5


def test_what_was_not_measured_is_proportional_and_said_so() -> None:
    found = Amortisation((1, 100), (0.2, 2.0), (1e-4, 1e-3), 2, 500, 1e-3, 4000, -20.0, -20.5)
    assert found.cost(100).is_measured
    assert found.cost(100).psi_seconds == 2.0
    far = found.cost(10_000)
    assert not far.is_measured
    assert far.psi_seconds == pytest.approx(200)
    assert far.encoder_seconds == pytest.approx(4 + 0.1)
    even = found.break_even
    assert even == pytest.approx(4 / (0.02 - 1e-5))
    assert found.cost(math.floor(even)).psi_seconds < found.cost(math.floor(even)).encoder_seconds
    assert found.cost(math.ceil(even) + 1).psi_seconds > found.cost(math.ceil(even) + 1).encoder_seconds
    assert found._replace(psi_seconds=(0.0, 0.0)).break_even == math.inf


def test_too_few_examples_and_no_q_are_refused() -> None:
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(3,)), generator=torch.Generator())
    with pytest.raises(BadInput, match="2 examples, 5 are to be measured"):
        measure_amortisation(model, torch.zeros(2, 4), num_updates=1, batch_size=2, sizes=(1, 5))
    plain = VAE(ModelConfig(data_dim=4, encoder_head="deterministic"), generator=torch.Generator())
    with pytest.raises(BadInput, match="deterministic"):
        measure_amortisation(plain, torch.zeros(2, 4), num_updates=1, batch_size=2, sizes=(1,))


def test_the_page_has_the_curve_and_says_what_is_extrapolated() -> None:
    at = open_page("free_energy", free_energy_view="em")
    assert "amortisation" in charts(at)
    rows = table(at, "examples")
    for place in (1, 2):
        assert ["≈" in cells[place] for cells in rows.values()] == [False] * 4 + [True] * 3
    assert [numbers(cells[0])[0] for cells in rows.values()][-1] == 4e8
    assert "updates" in text_with(at, "it takes less time")
