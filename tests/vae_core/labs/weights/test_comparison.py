"""The comparison on few and on all examples: complete, repeatable, with bounds that are in order."""

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
import torch

from vae_core.config import ModelConfig
from vae_core.data import load_dataset
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.labs.weights.comparison import FORMS, GRID, SIZES, Setting, bounds, compare
from vae_core.labs.weights.full_bayes import BayesianVAE
from vae_core.model import VAE

FEW: Final = 8
SETTING: Final = Setting(num_data=30, over="decoder", prior_std=1.0, num_steps=40, seed=0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_core.labs.weights.comparison.NUM_GRADIENTS", 5)
    monkeypatch.setattr("vae_core.labs.weights.comparison.NUM_WEIGHTS", FEW)


def test_all_forms_are_measured_and_repeat_bit_for_bit() -> None:
    data = load_dataset("digits", seed=0)
    dataset = replace(data, x_train=data.x_train[:200].contiguous(), labels_train=None)
    shares: list[float] = []
    first = compare(SETTING, dataset, on_progress=shares.append)
    again = compare(SETTING, dataset, on_progress=lambda share: None)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert first["num_data"].tolist() == [30, 200]
    for name, values in first.items():
        assert np.isfinite(values).all(), name
        np.testing.assert_array_equal(values, again[name], err_msg=name)
    for size in SIZES:
        for form in FORMS:
            elbo, error, weighted = first[f"{size}_{form}_test"]
            each = first[f"{size}_{form}_test_data"]
            assert each.shape == (2, len(data.x_test))
            np.testing.assert_allclose(each.mean(1), (elbo, weighted), rtol=1e-12)
            assert error == pytest.approx(each[0].std(ddof=1) / len(data.x_test) ** 0.5, rel=1e-12)
            assert weighted > elbo, "the importance-weighted bound lies above (Jensen)"
        assert first[f"{size}_full_mean"].shape == (GRID, GRID, 64)
        assert f"{size}_plain_mean" not in first
        spread, own, mean = (first[f"{size}_full_{part}"] for part in ("spread", "own", "mean"))
        # Of 0 and 1, in all of the distribution; of the variance over S draws, (S - 1) / S.
        np.testing.assert_allclose((FEW - 1) / FEW * spread**2 + own, mean * (1 - mean), atol=1e-6)


def test_encoder_too_has_its_weights_counted() -> None:
    data = load_dataset("digits", seed=0)
    dataset = replace(data, x_train=data.x_train[:100].contiguous(), labels_train=None)
    both = compare(
        SETTING._replace(over="decoder and encoder", num_steps=3), dataset, on_progress=lambda share: None
    )
    alone = compare(SETTING._replace(num_steps=3), dataset, on_progress=lambda share: None)
    assert len(both["small_full_signal_to_noise"]) > len(alone["small_full_signal_to_noise"])
    assert both["small_full_weight_kl"] > alone["small_full_weight_kl"]


def test_held_out_bound_of_a_plain_model_is_its_elbo(generator: torch.Generator) -> None:
    """200 draws of z for 100 examples: within 6 standard errors of the same estimate with an exact KL."""
    model = VAE(ModelConfig(data_dim=64, hidden_dims=(8,)), generator=generator)
    x = load_dataset("digits", seed=0).x_test[:100]
    found = bounds(model, x, num_weights=200, generator=generator)
    exact = evaluate(model, x, num_samples=200, generator=generator).elbo
    assert float(found.elbo.mean()) == pytest.approx(exact, abs=6 * 2 / np.sqrt(200 * 100))
    bayesian = BayesianVAE(ModelConfig(data_dim=64, hidden_dims=(8,)), initial_std=0.5, generator=generator)
    spread = bounds(bayesian, x, num_weights=200, generator=generator)
    assert spread.elbo.mean() < evaluate(bayesian, x, generator=generator).elbo, "doubt about weights costs"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"num_data": 4}, "num_data"),
        ({"num_data": 5000}, "num_data"),
        ({"num_steps": 0}, "num_steps"),
        ({"prior_std": -1.0}, "prior_std"),
        ({"over": "encoder"}, "over"),
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict, code: str) -> None:
    data = load_dataset("digits", seed=0)
    small = replace(data, x_train=data.x_train[:40].contiguous(), labels_train=None)
    setting = SETTING._replace(num_steps=1)._replace(**change)
    with pytest.raises(BadInput) as caught:
        compare(setting, small, on_progress=lambda share: None)
    assert caught.value.code == code
