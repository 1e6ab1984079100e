"""A race: one start for all, each line the run itself, and stops where a training with patience ends."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.elbo import evaluate
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.labs.optimisers.race import Race, change_stop, outcome, patience_stop, race_data, run_race
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.training.loop import Training

BASE: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=25, batch_size=32)
)
DATA: Final = race_data(BASE, 128)
THREE: Final[tuple[dict[str, Any], ...]] = (
    {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.02},
    {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.02},
    {"optimizer": "adam", "learning_rate": 0.05},
)


def run_with(**settings: Any) -> RunConfig:
    return replace(BASE, train=replace(BASE.train, **settings))


def raced(*settings: dict[str, Any], data: Dataset = DATA) -> Race:
    return run_race(data, [run_with(**each) for each in settings], on_progress=lambda _: None)


@pytest.fixture(scope="module")
def three() -> Race:
    return raced(*THREE)


def alone(run: RunConfig) -> tuple[VAE, Training]:
    """The run as the worker begins it."""
    generator = torch.Generator().manual_seed(run.seed)
    model = VAE(run.model, generator=generator)
    return model, Training(model, DATA, run.train, generator=generator)


def validation_part() -> Tensor:
    assert DATA.x_validation is not None
    return DATA.x_validation[:]


def test_all_start_at_the_very_same_held_out_elbo(three: Race) -> None:
    model, _ = alone(BASE)
    for curves, x in ((three.held_out, DATA.x_test), (three.validation, validation_part())):
        start = evaluate(model, x, generator=torch.Generator().manual_seed(0)).elbo
        assert curves[:, 0].tolist() == [start] * 3
    assert len({tuple(line) for line in three.held_out.tolist()}) == 3, "and then they part"
    assert three.steps.tolist() == [4 * epoch for epoch in range(26)]
    assert (np.diff(three.seconds, axis=1) > 0).all()


def test_first_batch_of_all_is_the_same(three: Race) -> None:
    """Same data, same noise: with whole-data batches the first epoch is one update from one start."""
    whole = raced(*({**each, "batch_size": 10**6, "num_epochs": 2} for each in THREE))
    assert len(set(whole.train[:, 0].tolist())) == 1
    plain, momentum, adam = whole.train[:, 1].tolist()
    assert plain == momentum != adam, "with equal steps the first update of momentum is the plain one"
    assert whole.steps.tolist() == [0, 1, 2], "a batch larger than the data is all of them"


@pytest.mark.parametrize("number", range(3))
def test_each_line_is_the_run_itself_bit_for_bit(three: Race, number: int) -> None:
    model, training = alone(run_with(**THREE[number]))
    found, chosen_by = [three.held_out[number, 0]], [three.validation[number, 0]]
    batches: list[list[float]] = [[] for _ in range(25)]
    for step in training.steps():
        batches[(step.step - 1) // 4].append(step.elbo)
        if step.step % 4 == 0:
            for values, x in ((found, DATA.x_test), (chosen_by, validation_part())):
                values.append(evaluate(model, x, generator=torch.Generator().manual_seed(0)).elbo)
    assert three.held_out[number].tolist() == found
    assert three.validation[number].tolist() == chosen_by
    assert three.train[number].tolist() == [float(np.mean(batch)) for batch in batches]


def test_momentum_zero_is_plain_gradient_descent() -> None:
    """Against w <- w - rate * gradient by autograd, tensor by tensor."""
    run = run_with(optimizer="sgd", momentum=0.0, learning_rate=0.02, num_epochs=3)
    line = raced({**THREE[0], "num_epochs": 3}).held_out[0]
    generator = torch.Generator().manual_seed(0)
    model = VAE(run.model, generator=generator)
    for epoch in range(1, 4):
        for rows in torch.randperm(128, generator=generator).split(32):
            x = DATA.x_train[rows]
            q = model.posterior(x)
            assert isinstance(q, DiagonalNormal)
            z = q.reparameterize(q.draw_eps(1, generator=generator))
            elbo = model.likelihood(z).log_prob(x).mean() - q.kl_to_standard_normal().sum(-1).mean()
            gradients = torch.autograd.grad(elbo, list(model.parameters()))
            with torch.no_grad():
                for weight, gradient in zip(model.parameters(), gradients, strict=True):
                    weight.add_(0.02 * gradient)
        noise = torch.Generator().manual_seed(0)
        assert evaluate(model, DATA.x_test, generator=noise).elbo == pytest.approx(line[epoch], abs=1e-4)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("patience", [1, 2, 3, 30])
def test_stop_is_where_a_training_with_patience_ends(three: Race, number: int, patience: int) -> None:
    _, training = alone(run_with(**THREE[number], patience=patience))
    (*_, last) = training.steps()
    curves = three.validation[number], three.held_out[number]
    stop = patience_stop(curves[0], patience)
    assert (last.ended, last.epoch) == (("finished", 25) if stop is None else ("stopped_early", stop))
    end, noise = outcome(*curves, stop), torch.Generator().manual_seed(0)
    assert training.epoch == end.kept_epoch, "it has the weights of the epoch that the race says it keeps"
    assert evaluate(training.model, DATA.x_test, generator=noise).elbo == end.kept


def test_some_of_these_stop_and_some_do_not(three: Race) -> None:
    """Or the test above could not fail."""
    stops = [patience_stop(line, patience) for line in three.validation for patience in (1, 2, 3, 30)]
    assert 2 <= sum(stop is not None for stop in stops) < len(stops)
    assert [patience_stop(line, 30) for line in three.validation] == [None] * 3


def test_stop_criteria_by_hand() -> None:
    line = np.array([-9.0, -5.0, -4.0, -4.5, -4.0, -3.99, -4.2, -4.3, -4.4])
    assert [patience_stop(line, patience) for patience in (1, 2, 3, 4)] == [3, 4, 8, None]
    assert [change_stop(line, tolerance) for tolerance in (0.001, 0.05, 2.0)] == [None, 5, 2]
    held_out = np.array([-9.5, -5.5, -4.6, -4.4, -4.1, -4.2, -4.0, -4.3, -4.4])
    found = outcome(line, held_out, 3)
    assert (found.best, found.best_epoch, found.kept, found.kept_epoch) == (-4.2, 5, -4.6, 2)
    assert found.missed == pytest.approx(0.4)
    assert outcome(line, held_out, None) == (-4.2, 5, None, -4.2, 5)
    assert outcome(np.array([-9.0, np.nan]), np.array([-9.5, np.nan]), None) == (-9.5, 0, None, -9.5, 0)


def test_patience_does_not_count_epochs_after_a_divergence() -> None:
    line = np.array([-9.0, -5.0, -6.0, -6.5, np.nan, np.nan, np.nan])
    assert [patience_stop(line, patience) for patience in (1, 2, 3, 4)] == [2, 3, None, None]


def test_start_is_no_epoch_that_patience_counts() -> None:
    """A training that patience watches measures after each epoch, not before the first."""
    assert patience_stop(np.array([-1.0, -5.0, -4.0, -3.0]), 1) is None


def test_divergence_is_no_stop_by_patience() -> None:
    assert patience_stop(np.array([-9.0, -5.0, -4.0, np.nan, np.nan]), 1) is None
    assert patience_stop(np.array([-9.0, -5.0, -4.0, -4.5, np.nan]), 1) == 3


def test_divergence_ends_its_line_and_no_other() -> None:
    wild = {**THREE[1], "learning_rate": 1.0}
    found = raced(THREE[0], wild, THREE[2])
    _, training = alone(run_with(**wild))
    epochs: list[int] = []
    with pytest.raises(TrainingDiverged) as caught:
        epochs.extend(step.epoch for step in training.steps())
    assert found.diverged.tolist() == [0, caught.value.step, 0]
    ended = epochs[-1] + 1
    assert np.isnan(found.held_out[1, ended:]).all()
    ended -= int(np.isnan(found.held_out[1, ended - 1]))  # its bound may be infinite one epoch before
    assert np.isfinite(found.held_out[[0, 2]]).all()
    assert np.isfinite(found.held_out[1, :ended]).all()
    assert patience_stop(found.validation[1], ended) is None, "so many epochs it did not last"
    assert outcome(found.validation[1], found.held_out[1], None).best_epoch < ended


def test_progress_rises_to_the_end() -> None:
    shares: list[float] = []
    run_race(
        DATA, [run_with(**each, batch_size=1, num_epochs=1) for each in THREE], on_progress=shares.append
    )
    assert shares == sorted(shares)
    assert len(shares) == 7
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("second", "match"),
    [({"num_epochs": 3}, "equal epochs"), ({"batch_size": 8}, "equal epochs")],
)
def test_runs_of_different_length_are_refused(second: dict[str, Any], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        raced(THREE[0], {**THREE[1], **second})


def test_too_many_updates_are_refused_at_once() -> None:
    with pytest.raises(BadInput, match="3,840,000 updates, the limit is 1,000,000"):
        raced(*({**each, "batch_size": 1, "num_epochs": 10_000} for each in THREE))


def test_a_part_of_the_data_is_the_first() -> None:
    whole = load_dataset("digits", validation=True)
    assert torch.equal(DATA.x_train[:], whole.x_train[:128])
    assert torch.equal(DATA.x_test[:], whole.x_test[:])
    assert whole.x_validation is not None
    assert torch.equal(validation_part(), whole.x_validation[:])
    assert len(whole.x_train) == 1293, "the rest of the training part, however little of it is taken"
    assert DATA.labels_train is not None
    assert len(DATA.labels_train) == 128
    assert len(race_data(BASE, 0).x_train) == len(whole.x_train)
