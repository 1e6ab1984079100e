"""Training refuses data that no model can learn, and falls back on its last good state when it diverges."""

import math
from dataclasses import replace
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.elbo import elbo_terms
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.model import VAE
from vae_core.training import loop
from vae_core.training.by_hand import Means
from vae_core.training.loop import Training

DIGITS: Final = load_dataset("digits")
POINTS: Final = load_dataset("pinwheel")


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def diverging(**settings: Any) -> Training:
    config = ModelConfig(data_dim=2, hidden_dims=(16,), likelihood="gaussian", activation="relu")
    rates = {"learning_rate": 1e3, "optimizer": "sgd", "num_epochs": 5}
    return Training(
        VAE(config, generator=seeded()), POINTS, TrainConfig(**(rates | settings)), generator=seeded()
    )


def test_divergence_keeps_the_last_state_with_a_finite_objective() -> None:
    training = diverging()
    history: list[Tensor] = []
    parameters = list(training.model.parameters())
    with pytest.raises(TrainingDiverged) as caught:
        history.extend(torch.cat([p.detach().flatten() for p in parameters]) for _ in training.steps())
    kept = torch.cat([p.detach().flatten() for p in parameters])
    assert caught.value.step == training.step + 2
    assert caught.value.kept_step == training.step >= 1
    assert torch.equal(kept, history[caught.value.kept_step - 1])
    assert torch.isfinite(elbo_terms(training.model, POINTS.x_train[:64], generator=seeded()).elbo).all()
    assert str(caught.value) == (
        f"diverged at step {training.step + 2}: lower the learning rate and go on; "
        f"the last good state is kept (step {training.step})."
    )


@pytest.mark.parametrize("apart", [1, 4])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_training_that_diverged_anywhere_can_be_saved_and_goes_on(
    at: int, apart: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three updates an epoch: in the first of one, in the last, after a whole one; a large network keeps
    fewer states."""
    monkeypatch.setattr(loop, "SMALL_NETWORK", 10**9 if apart == 1 else 1)
    monkeypatch.setattr(loop, "KEPT_APART", apart)
    train = TrainConfig(num_epochs=4, batch_size=50)
    data = replace(DIGITS, x_train=DIGITS.x_train[:150])
    differentiate, count = Training._differentiate, 0

    def breaking(training: Training, x: Tensor, beta: float) -> Means:
        nonlocal count
        count += 1
        means = differentiate(training, x, beta)
        return means._replace(objective=math.nan) if count == at else means

    monkeypatch.setattr(Training, "_differentiate", breaking)
    training = Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, train, generator=seeded())
    with pytest.raises(TrainingDiverged) as caught:
        list(training.steps())
    kept = max(0, at - 2) // apart * apart
    assert (caught.value.step, caught.value.kept_step) == (at, kept)
    assert (training.step, training.epoch) == (kept, kept // 3)
    again = Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, train, generator=seeded())
    again.model.load_state_dict(training.model.state_dict())
    again.load_state(*training.state())
    steps = list(again.steps())
    assert (steps[-1].step, steps[-1].epoch, len(steps)) == (12, 4, 12 - kept)
    assert steps == list(training.steps())


@pytest.mark.parametrize("at", [6, 10])
def test_a_divergence_forgets_what_was_moved_after_the_kept_state(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, place and order of the examples are those of the kept step; beta of now holds from there."""
    monkeypatch.setattr(loop, "SMALL_NETWORK", 1)
    monkeypatch.setattr(loop, "KEPT_APART", 4)
    data = replace(DIGITS, x_train=DIGITS.x_train[:150])
    train = TrainConfig(num_epochs=4, batch_size=25)
    training = Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, train, generator=seeded())
    steps, weights, order = training.steps(), {}, torch.empty(0)
    for _ in range(at - 1):
        step = next(steps).step
        weights[step] = torch.cat([p.detach().flatten() for p in training.model.parameters()])
        if step == 2:
            training.set_beta(0.5)
        if step == 5:
            order = training.state()[0]["order"]
            training.set_beta(2.0)
            training.draw_anew(7)
    monkeypatch.setattr(Training, "_differentiate", lambda *_: Means(math.nan, math.nan, math.nan))
    with pytest.raises(TrainingDiverged) as caught:
        next(steps)
    kept = (at - 2) // 4 * 4
    assert (caught.value.step, training.step) == (at, kept)
    assert training.beta_moves == ((2, kept) if kept == 4 else (2, 5))
    now = torch.cat([p.detach().flatten() for p in training.model.parameters()])
    assert torch.equal(now, weights[kept])
    if kept == 4:
        assert torch.equal(training.state()[0]["order"], order)
    assert training.beta == 2.0


def test_a_last_update_to_nan_is_divergence_too(monkeypatch: pytest.MonkeyPatch) -> None:
    training = diverging(num_epochs=1, batch_size=len(POINTS.x_train), learning_rate=1e-3)
    before = [p.detach().clone() for p in training.model.parameters()]
    differentiate = Training._differentiate

    def breaking(training: Training, x: Tensor, beta: float) -> Means:
        means = differentiate(training, x, beta)
        bias = training.model.decoder.biases[0]
        assert bias.grad is not None
        bias.grad.fill_(math.nan)
        return means

    monkeypatch.setattr(Training, "_differentiate", breaking)
    with pytest.raises(TrainingDiverged):
        list(training.steps())
    for parameter, kept in zip(training.model.parameters(), before, strict=True):
        assert torch.equal(parameter, kept)


def test_a_state_with_nan_weights_is_never_saved() -> None:
    training = diverging(learning_rate=1e-3)
    next(training.steps())
    training.model.encoder.biases[0].data[0] = float("nan")
    with pytest.raises(TrainingDiverged):
        training.state()
    assert all(bool(torch.isfinite(p).all()) for p in training.model.parameters())


def test_a_learning_rate_that_was_lowered_in_time_does_not_diverge() -> None:
    training = diverging()
    training.set_learning_rate(1e-3)
    assert [step.ended for step in training.steps()][-1] == "finished"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("part", ["x_train", "x_test"])
def test_data_that_are_not_finite_are_refused(value: float, part: str) -> None:
    x = getattr(DIGITS, part).clone()
    x[3, 5] = value
    data = replace(DIGITS, **{part: x})
    with pytest.raises(BadInput, match="digits holds NaN or infinite values") as caught:
        Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, TrainConfig(), generator=seeded())
    assert caught.value.code == "data"


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
@pytest.mark.parametrize(("factor", "span"), [(2.0, r"\[0, 2\]"), (-1.0, r"\[-1, 0\]")])
def test_a_bernoulli_likelihood_refuses_data_outside_0_to_1(
    likelihood: Any, factor: float, span: str
) -> None:
    data = replace(DIGITS, x_train=DIGITS.x_train[:] * factor + 0.0)
    config = ModelConfig(data_dim=64, likelihood=likelihood)
    with pytest.raises(BadInput, match=span) as caught:
        Training(VAE(config, generator=seeded()), data, TrainConfig(), generator=seeded())
    assert caught.value.code == "likelihood"


def test_a_model_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="digits has 64 values per example, the model takes 65") as caught:
        Training(VAE(ModelConfig(data_dim=65), generator=seeded()), DIGITS, TrainConfig(), generator=seeded())
    assert caught.value.code == "data_dim"


def test_a_step_that_would_not_fit_into_memory_is_refused() -> None:
    model = VAE(ModelConfig(data_dim=64), generator=seeded())
    with pytest.raises(BadInput, match=r"a batch size of 1,437 needs 3\.8 GiB") as caught:
        Training(model, DIGITS, TrainConfig(num_samples=1000, batch_size=1437), generator=seeded())
    assert caught.value.code == "num_samples"
    Training(model, DIGITS, TrainConfig(num_samples=500, batch_size=1437), generator=seeded())


def test_the_state_that_is_kept_after_a_resume_is_the_one_that_was_resumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first update after it diverges: nothing was made since, and step 2 is what is left."""
    train = TrainConfig(num_epochs=4, batch_size=50)
    data = replace(DIGITS, x_train=DIGITS.x_train[:150])
    first = Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, train, generator=seeded())
    for _ in zip(range(2), first.steps(), strict=False):
        pass
    again = Training(VAE(ModelConfig(data_dim=64), generator=seeded()), data, train, generator=seeded())
    again.model.load_state_dict(first.model.state_dict())
    again.load_state(*first.state())
    resumed = {name: value.clone() for name, value in again.model.state_dict().items()}

    monkeypatch.setattr(Training, "_differentiate", lambda *_: Means(math.nan, math.nan, math.nan))
    with pytest.raises(TrainingDiverged) as caught:
        list(again.steps())
    assert (caught.value.step, caught.value.kept_step, again.step) == (3, 2, 2)
    assert all(torch.equal(value, resumed[name]) for name, value in again.model.state_dict().items())
