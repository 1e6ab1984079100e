"""oneDNN is used for large products that it multiplies as exactly; a resumed training uses what it did."""

from dataclasses import replace
from typing import Any, Final

import pytest
import torch

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.training import loop, products
from vae_core.training.loop import Training
from vae_core.training.products import Products, chosen_products, is_exact

WIDE: Final = ModelConfig(data_dim=64, hidden_dims=(1200,))
SWITCH: Final[Any] = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def training_of(config: ModelConfig = WIDE) -> Training:
    data = load_dataset("digits")
    data = replace(data, x_train=data.x_train[:200], labels_train=None)
    return Training(VAE(config, generator=seeded()), data, TrainConfig(num_epochs=3), generator=seeded())


def test_the_switch_is_what_it_was_before_also_after_an_error() -> None:
    before = SWITCH.fp32_precision
    with pytest.raises(ZeroDivisionError, match="bf16"):
        fail_within(Products(one_dnn=True))
    assert SWITCH.fp32_precision == before
    with Products():
        assert SWITCH.fp32_precision == before


def fail_within(chosen: Products) -> None:
    with chosen:
        with chosen:
            pass
        raise ZeroDivisionError(SWITCH.fp32_precision)


def test_small_networks_and_inexact_or_slow_products_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for exact, faster in ((True, True), (True, False), (False, True)):
        monkeypatch.setattr(products, "is_exact", lambda *sizes, found=exact: found)
        monkeypatch.setattr(products, "_is_faster", lambda *sizes, found=faster: found)
        assert chosen_products(WIDE, 64).one_dnn == (exact and faster)
        assert not chosen_products(ModelConfig(data_dim=64), 64).one_dnn


def test_the_error_of_a_product_decides_whether_it_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding to float32 gives 2e-7: of numbers that have an error of 1e-9 at most it is too much."""
    monkeypatch.setattr(products, "_MAX_ERROR", 1e-9)
    assert not is_exact(64, 301, 53)


def test_a_resumed_training_multiplies_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be chosen on that day: the sums are those of a training that was not interrupted."""
    monkeypatch.setattr(loop, "is_exact", lambda *sizes: True)
    for first in (True, False):
        monkeypatch.setattr(loop, "chosen_products", lambda *_, used=first: Products(one_dnn=used))
        whole, begun = training_of(), training_of()
        list(whole.steps())
        for _ in zip(range(5), begun.steps(), strict=False):
            pass
        monkeypatch.setattr(loop, "chosen_products", lambda *_, used=not first: Products(one_dnn=used))
        resumed = training_of()
        resumed.model.load_state_dict(begun.model.state_dict())
        resumed.load_state(*begun.state())
        list(resumed.steps())
        weights = [torch.cat([p.flatten() for p in one.model.parameters()]) for one in (whole, resumed)]
        assert torch.equal(*weights)
