"""Back-propagation with a weight of the KL: against a loss written out again, and as the page says it."""

from dataclasses import replace
from typing import Any, Final

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional

from dashboard.figures.network.svg import number_text
from dashboard.gradients import cached
from dashboard.gradients.back_propagation import said_of_beta
from dashboard.gradients.cached import SmallNetwork, four_pixels, small_model
from dashboard.gradients.formulas import formula_lines
from dashboard.gradients.network_pass import TOLERANCE, Pass, pass_of, steps_of
from dashboard.runs.runner import LocalRunner
from tests.dashboard.gradients.test_back_propagation import drawing, formulas, press
from tests.dashboard.gradients.test_back_propagation_steps import SLIPS, checked_line
from tests.page_scripts import KINDS, TINY, choose, open_page, runner, saved, text_with, trained
from tests.vae_core.labs.gradients.test_backward import problem
from vae_core.config import RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.labs.gradients.backward import hand_gradients, relative_difference
from vae_core.model import VAE
from vae_core.runs.runfile import load_run, save_run
from vae_core.runs.snapshot import HISTORY_COLUMNS
from vae_core.training.loop import Training
from vae_core.training.optimizer import last_beta

__all__ = ["runner"]  # a fixture

HEADS: Final = ("log_variance", "variance", "unit_variance")
PASS: Final = {"gradients_view": "back_propagation"}


def tanh_layers(model: VAE, part: str, h: Tensor) -> Tensor:
    weights = dict(model.named_parameters())
    count = sum(name.startswith(f"{part}.weights") for name in weights)
    for place in range(count):
        h = functional.linear(h, weights[f"{part}.weights.{place}"], weights[f"{part}.biases.{place}"])
        h = h if place == count - 1 else torch.tanh(h)
    return h


def written_out(model: VAE, x: Tensor, eps: Tensor, beta: float) -> Tensor:
    """The loss from PyTorch's own pieces, without the core's bound, heads or distributions.

    1e-9 is the floor of the core's variance head.
    """
    out = tanh_layers(model, "encoder", x)
    mean, spread = out[:, :2], out[:, 2:]
    std = {
        "log_variance": lambda: torch.exp(spread / 2),
        "variance": lambda: (functional.softplus(spread) + 1e-9).sqrt(),
        "unit_variance": lambda: torch.ones_like(mean),
    }[model.config.encoder_head]()
    output = tanh_layers(model, "decoder", mean + std * eps)
    if model.config.likelihood == "gaussian":
        log_likelihood = Normal(output, 0.7).log_prob(x)
    else:
        log_likelihood = Bernoulli(logits=output, validate_args=False).log_prob(x)
    kl = kl_divergence(Normal(mean, std), Normal(torch.zeros_like(mean), torch.ones_like(std)))
    return (beta * kl.sum(1) - log_likelihood.sum(1)).mean()


@pytest.mark.parametrize("beta", [0.0, 0.3, 4.0])
@pytest.mark.parametrize("output", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("head", HEADS)
def test_hand_equals_the_gradient_of_a_loss_written_out(
    generator: torch.Generator, head: Any, output: Any, beta: float
) -> None:
    """float64; 1e-10 of each parameter's largest entry."""
    scale = {"likelihood_scale": 0.7} if output == "gaussian" else {}
    model, x, eps = problem(generator, hidden_dims=(5,), encoder_head=head, likelihood=output, **scale)
    names, parameters = zip(*model.named_parameters(), strict=True)
    right = dict(zip(names, torch.autograd.grad(written_out(model, x, eps, beta), parameters), strict=True))
    found, plain = hand_gradients(model, x, eps, beta=beta), hand_gradients(model, x, eps)
    for name in names:
        assert relative_difference(found[name], right[name]) < 1e-10, name
        # Only the encoder hears of the KL.
        assert (relative_difference(plain[name], right[name]) > 0.001) == name.startswith("encoder"), name


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(beta=2.0, batch_size=40, num_epochs=3),
        TrainConfig(beta=2.0, batch_size=40, num_epochs=4, beta_schedule="linear", schedule_epochs=6),
        TrainConfig(beta=2.0, batch_size=40, num_epochs=4, beta_schedule="cyclical", schedule_epochs=2),
        TrainConfig(beta=2.0, batch_size=999, num_epochs=3, beta_schedule="cyclical", schedule_epochs=3),
    ],
    ids=["constant", "linear", "cyclical", "one batch"],
)
def test_last_beta_is_that_of_each_update(config: TrainConfig) -> None:
    data = load_dataset("digits", seed=0)
    data = replace(data, x_train=data.x_train[:100])
    model = VAE(TINY.model, generator=torch.Generator().manual_seed(0))
    steps = list(Training(model, data, config, generator=torch.Generator().manual_seed(1)).steps())
    assert [last_beta(config, step=step.step, num_data=100) for step in steps] == [s.beta for s in steps]
    assert last_beta(config, step=0, num_data=100) == steps[0].beta


def weighted(network: SmallNetwork, slip: Any, beta: float) -> Pass:
    model = small_model(network)
    return pass_of(model, torch.from_numpy(four_pixels(5)), 7, slip, (2, 2), beta=beta)


@pytest.mark.parametrize("beta", [0.0, 2.5, 2e-5])
@pytest.mark.parametrize("head", HEADS)
def test_numbers_of_every_formula_agree(head: Any, beta: float) -> None:
    count = 0
    for slip in SLIPS:
        found = weighted(SmallNetwork(head=head, seed=3), slip, beta)
        assert found.slip or found.difference < TOLERANCE
        for step in steps_of(found.columns):
            units = 1 if step.column is None else len(found.columns[step.column].h)
            for unit in range(units):
                lines = formula_lines(found, step, unit)
                count += sum(map(checked_line, lines))
                if step.goes_back and step.column is not None and found.columns[step.column].kind == "heads":
                    assert [r"\beta\," in line for line in lines] == [True, False, False]
    assert count > 100


def test_weight_1_is_not_written() -> None:
    found = weighted(SmallNetwork(), None, 1.0)
    text = [line for step in steps_of(found.columns) for line in formula_lines(found, step, 0)]
    assert not any(r"\beta" in line for line in text)
    assert any(r"-\mathrm{ELBO}" in line for line in text)


def with_beta(**train: Any) -> RunConfig:
    return replace(TINY, train=replace(TINY.train, **train))


def current_model(run_id: str) -> AppTest:
    return choose(open_page("gradients", **PASS, run=run_id), "bp_subject", "current")


def test_the_page_takes_the_weight_of_the_last_update(runner: LocalRunner) -> None:
    """At the end of a cycle the history's last row has 0, the weight of an update that never came."""
    config = with_beta(beta=4.0, beta_schedule="cyclical", schedule_epochs=1)
    run_id = trained(runner, config)
    shown = saved(run_id)
    assert shown.run.history[-1][HISTORY_COLUMNS.index("beta")] == 0
    assert shown.beta_in_force == 4.0
    at = current_model(run_id)
    assert "L has β = 4, that of this run's last update. It rises from 0 to 4" in text_with(at, "L has β")
    assert at.success
    found = cached.run_pass(shown, 0, 0, None, 4.0)
    loss = 4 * found.kl - found.reconstruction
    assert found.loss == loss
    assert abs(loss - (found.kl - found.reconstruction)) > 0.01
    (place,) = (k for k, step in enumerate(steps_of(found.columns)) if step.label == "L")
    at = press(at, f"bp_step{place}")
    assert any(words.endswith(f"L = {number_text(loss)}") for words in drawing(at))
    assert any(words == f"KL = {number_text(found.kl)},  β = 4" for words in drawing(at))
    assert r"L = -(\log p(x|z) - \beta\,\mathrm{KL})" in formulas(at)
    assert "here β = 4." in next(button for button in at.button if button.key == "bp_next").help


def test_a_weight_that_was_moved_is_said(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, state_scalars={**run.state_scalars, "live_beta": 0.25}))
    at = current_model(run_id)
    said = text_with(at, "L has β")
    assert "β = 0.25" in said
    assert "The run began with 1; β was moved" in said


def test_what_is_said_of_other_runs(runner: LocalRunner) -> None:
    linear = TrainConfig(beta=3.0, beta_schedule="linear", schedule_epochs=7, free_bits=0.5)
    assert "from 0 to 3 during the first 7 epochs" in said_of_beta(linear, 1.5)
    assert "free bits are left out" in said_of_beta(linear, 1.5)
    at = current_model(trained(runner, KINDS["deterministic"]))
    assert not any("L has β" in text.value for text in at.caption)
    at = current_model(trained(runner, with_beta(beta=0.0)))
    assert "L has no KL" in choose(at, "bp_slip", "kl_sign").info[0].value
    assert at.success
