"""A convolution unit by unit, as the formulas of its steps have it, beside the core's networks."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
import torch

from dashboard.figures.network.layers import Column
from dashboard.gradients import back_propagation
from dashboard.gradients.formulas import formula_lines, gradient_lines
from dashboard.gradients.network_pass import Pass, pass_of, steps_of
from dashboard.runs.runner import LocalRunner
from tests.dashboard.gradients.test_back_propagation_steps import checked_line
from tests.page_scripts import TINY, checked, choose, open_page, runner, trained
from vae_core.config import ModelConfig
from vae_core.model import VAE

__all__ = ["runner"]  # a fixture
NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "grey": {"data_dim": 64, "image_shape": (8, 8), "hidden_dims": (3, 5)},
    "odd sides": {"data_dim": 35, "image_shape": (7, 5), "hidden_dims": (3,)},
    "colours": {"data_dim": 90, "image_shape": (6, 5, 3), "hidden_dims": (4, 2)},
    "variances": {
        "data_dim": 90,
        "image_shape": (6, 5, 3),
        "hidden_dims": (4,),
        "likelihood": "gaussian_diagonal",
    },
    "a mixture": {"data_dim": 64, "image_shape": (8, 8), "hidden_dims": (3,), "encoder_head": "mixture"},
}


def passed(kind: str, **options: Any) -> Pass:
    config = ModelConfig(architecture="conv", **NETWORKS[kind])
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
            parameter.add_(0.2 * noise.double())
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(config.data_dim, generator=generator, dtype=torch.float64)
    return pass_of(model, x, 5, None, None, **options)


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_unit_is_the_sum_that_stands_there(kind: str) -> None:
    """u of each unit from the units before it, and the delta of each from those after it, to 1e-12."""
    found = passed(kind)
    assert found.difference < 1e-10
    count = 0
    for before, column in zip(found.columns[:-1], found.columns[1:], strict=True):
        if column.kernel is None:
            continue
        count += 1
        for unit in range(len(column.u)):
            weights, places = column.into(unit)
            assert len(set(places.tolist())) == len(places)
            u = weights @ before.h[places] + column.bias_of(unit)
            assert u == pytest.approx(column.u[unit], abs=1e-12)
        if before.kind == "hidden":
            assert before.delta is not None
            sums = np.array([back_sum(column, unit) for unit in range(len(before.h))])
            np.testing.assert_allclose(sums * (1 - before.h**2), before.delta, rtol=0, atol=1e-12)
    assert count == 2 * len(found.config.hidden_dims)


def back_sum(column: Column, before: int) -> float:
    weights, places = column.out_of(before)
    assert column.delta is not None
    return float(weights @ column.delta[places])


@pytest.mark.parametrize("kind", NETWORKS)
def test_an_entry_of_a_kernel_has_the_slope_that_stands_there(kind: str) -> None:
    found = passed(kind)
    if found.weights is not None:
        return  # of each z by itself; the mean is that of the table
    for before, column in zip(found.columns[:-1], found.columns[1:], strict=True):
        if column.kernel is None:
            continue
        assert column.delta is not None
        entry, deltas, h = column.kernel.slope(len(column.u) - 1, before.h, column.delta)
        by_hand = next(one for one in found.parameters if (one.symbol, one.number) == ("K", column.number))
        model = kernel_gradient(kind, found, column.number)
        assert float(deltas @ h) == pytest.approx(model[entry], abs=1e-12)
        assert by_hand.difference < 1e-10


def kernel_gradient(kind: str, found: Pass, number: int) -> np.ndarray:
    """By automatic differentiation."""
    from vae_core.labs.gradients import automatic_gradients

    config = ModelConfig(architecture="conv", **NETWORKS[kind])
    model = VAE(config, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
            parameter.add_(0.2 * noise.double())
    x, eps = torch.from_numpy(found.x)[None], torch.from_numpy(found.eps)[None]
    gradients = automatic_gradients(model, x, eps)
    first = len(config.hidden_dims) + 4
    name = f"decoder.weights.{number - first}" if number >= first else f"encoder.weights.{number - 2}"
    return gradients[name].numpy()


@pytest.mark.parametrize("kind", NETWORKS)
def test_numbers_of_every_formula_agree(kind: str) -> None:
    found = passed(kind, num_samples=2, sample=1)
    count = 0
    for step in steps_of(found.columns):
        units = 1 if step.column is None else len(found.columns[step.column].h)
        for unit in range(0, units, 7):
            count += sum(checked_line(line) for line in formula_lines(found, step, unit))
        gradient_lines(found, step)
    assert count > 20


def test_a_run_with_convolutions_is_traced(runner: LocalRunner) -> None:
    model = replace(TINY.model, data_dim=64, architecture="conv", image_shape=(8, 8), hidden_dims=(2, 3))
    config = replace(TINY, dataset="digits", model=replace(model, likelihood="bernoulli"))
    at = open_page("gradients", run=trained(runner, config), gradients_view="back_propagation")
    at = choose(at, "bp_subject", "current")
    assert "automatic differentiation" in at.success[0].value
    assert not at.info
    assert any(back_propagation.OF_CONVOLUTIONS in one.value for one in at.caption)
    for number in range(len([one for one in at.button if str(one.key).startswith("bp_step")])):
        checked(at.button(key=f"bp_step{number}").click().run())
