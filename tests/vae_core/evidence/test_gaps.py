"""The measured gaps of the pretrained model and of one with more dimensions, as the task computes them."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dashboard.runs.pretrained import PRETRAINED_RUN
from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import terms_per_example
from vae_core.evidence.annealing import ais_evidence
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.gaps import (
    IW_SAMPLES,
    MAX_SAMPLED_EXAMPLES,
    evidence_and_bound,
    measure_gaps,
)
from vae_core.evidence.importance import iw_bound
from vae_core.model import VAE
from vae_core.runs.runfile import load_run


def test_gaps_are_not_negative_and_the_identity_closes(tmp_path: Path) -> None:
    """The task in its own process, on held-out digits: all in float32 as in the app."""
    run = load_run(PRETRAINED_RUN)
    source, target = tmp_path / "in.npz", tmp_path / "out.npz"
    np.savez(source, x=load_dataset("digits", seed=run.config.seed).x_test[:60].numpy())
    command = [
        sys.executable,
        "-m",
        "vae_core",
        "task",
        "gaps",
        str(source),
        str(target),
        str(PRETRAINED_RUN),
        "0",
    ]
    # The end of its standard input would end it, so it has one that stays open.
    pipe, one_thread = subprocess.PIPE, {**os.environ, "OMP_NUM_THREADS": "1"}  # as the dashboard starts it
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=one_thread) as process:
        lines = (process.stdout or pytest.fail("no output")).readlines()
    assert process.returncode == 0
    shares = [json.loads(line)["done"] for line in lines]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    assert (shares[0], shares[-1]) == (0.1, 1.0)
    found = dict(np.load(target))
    gap = found["log_evidence"] - found["elbo"]
    assert gap.shape == (60,)
    assert np.abs(gap - found["kl_to_posterior"]).max() < 1e-3
    assert (found["best_elbo"] - found["elbo"]).min() > -1e-3
    assert (found["log_evidence"] - found["best_elbo"]).min() > -1e-3
    assert found["error"].max() < 1e-3
    assert found["elbo"].mean() < found["iw_bound"].mean() < found["log_evidence"].mean()
    assert int(found["step"]) == run.step
    assert str(found["digest"]) == run.digest


def sample_faster(monkeypatch: pytest.MonkeyPatch, *, num_temperatures: int) -> None:
    faster = functools.partial(ais_evidence, num_temperatures=num_temperatures)
    monkeypatch.setattr("vae_core.evidence.gaps.ais_evidence", faster)


def test_bars_hold_for_an_encoder_far_too_narrow(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """log p(x) by sampling against the quadrature, J = 2, q's deviations a seventh of what they should be.

    Of 120 data at most 13 beyond 2 bars and 0.02 nats, none beyond 4: if 5 % were beyond 2, more than 13 in
    0.3 % of the seeds. From the encoder's q it would be 17 %; from the best q alone, some are beyond 10 bars.
    """
    monkeypatch.setattr("vae_core.evidence.gaps.MAX_EXACT_DIMS", 0)
    monkeypatch.setattr("vae_core.evidence.gaps.MAX_SAMPLED_EXAMPLES", 120)
    sample_faster(monkeypatch, num_temperatures=100)
    run = load_run(PRETRAINED_RUN)
    model = run.model()
    with torch.no_grad():
        model.encoder.biases[-1][model.config.latent_dim :] -= 4
    x = load_dataset("digits", seed=run.config.seed).x_test[:120]
    found = measure_gaps(model, x, generator=generator, on_progress=lambda _: None)
    bars = (found.log_evidence - exact_evidence(model, x).log_evidence).abs() / (found.error + 0.02)
    assert len(bars) == 120
    assert int((bars > 2).sum()) <= 13
    assert bars.max() < 4
    assert found.error.mean() < 0.12


def test_more_dimensions_are_sampled(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_faster(monkeypatch, num_temperatures=50)
    model = VAE(ModelConfig(data_dim=9, latent_dim=4, hidden_dims=(8,)), generator=generator)
    x = torch.rand(MAX_SAMPLED_EXAMPLES + 5, 9, generator=generator)
    shares: list[float] = []
    found = measure_gaps(model, x, generator=generator, on_progress=shares.append)
    assert found.log_evidence.shape == (MAX_SAMPLED_EXAMPLES,)
    assert len(found.kl_to_posterior) == 0
    assert (found.log_evidence - found.elbo).mean() > 0
    assert (found.best_elbo - found.elbo).min() >= 0
    assert shares == sorted(shares)


def test_evidence_without_the_best_q_is_the_same_evidence(generator: torch.Generator) -> None:
    run = load_run(PRETRAINED_RUN)
    x = load_dataset("digits", seed=run.config.seed).x_test[:20]
    found, exact = evidence_and_bound(run.model(), x, generator=generator), exact_evidence(run.model(), x)
    assert found.is_exact
    assert torch.equal(found.gap, exact.log_evidence - exact.elbo)
    assert torch.equal(found.error, exact.error)
    assert found.gap.min() > 0


def test_evidence_of_more_dimensions_is_weighted(generator: torch.Generator) -> None:
    model = VAE(ModelConfig(data_dim=9, latent_dim=3, hidden_dims=(8,)), generator=generator)
    x = torch.rand(MAX_SAMPLED_EXAMPLES + 1, 9, generator=generator)
    found = evidence_and_bound(model, x, generator=torch.Generator().manual_seed(1))
    again = torch.Generator().manual_seed(1)
    bound = iw_bound(model, x[:MAX_SAMPLED_EXAMPLES], num_samples=IW_SAMPLES, generator=again)
    assert not found.is_exact
    assert torch.equal(found.log_evidence, bound)
    assert found.gap.min() > 0
    assert found.error.min() > 0
    terms = terms_per_example(model, x[:MAX_SAMPLED_EXAMPLES], num_samples=4000, generator=again)
    assert torch.allclose(found.elbo, terms.elbo.double(), atol=0.1)
    # Of the mean over the examples: a standard deviation of some 0.2 nats over 100,000 samples.
    assert float(found.elbo.mean()) == pytest.approx(float(terms.elbo.double().mean()), abs=0.005)
