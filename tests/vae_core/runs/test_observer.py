"""Looking at a training changes nothing of it, and what is seen agrees with the model."""

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.elbo import evaluate
from vae_core.latent.aggregate import active_units
from vae_core.model import VAE
from vae_core.runs.observer import (
    MAX_HELD_OUT,
    MAX_ROWS,
    POINT_EXAMPLES,
    Observer,
    held_out_rows,
    thinned,
)
from vae_core.runs.snapshot import HISTORY_COLUMNS, AtLimits, change_rows
from vae_core.training.loop import Training

DIGITS: Final = load_dataset("digits")
DATA: Final = replace(DIGITS, x_train=DIGITS.x_train[:100].clone())


def started(dataset: Dataset = DATA, **settings: Any) -> Training:
    generator = torch.Generator().manual_seed(0)
    config = ModelConfig(data_dim=dataset.data_dim, hidden_dims=(8,), **settings)
    train = TrainConfig(num_epochs=2, batch_size=25)
    return Training(VAE(config, generator=generator), dataset, train, generator=generator)


def weights(training: Training) -> Tensor:
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def column(history: np.ndarray, name: str) -> list[float]:
    return history[:, HISTORY_COLUMNS.index(name)].tolist()


def test_observing_changes_nothing_bit_for_bit() -> None:
    alone, watched = started(), started()
    expected = list(alone.steps())
    observer = Observer(watched, seed=0)
    seen = []
    observer.look()
    for step in watched.steps():
        observer.add(step)
        observer.look()
        seen.append(step)
    assert seen == expected
    assert torch.equal(weights(watched), weights(alone))
    assert torch.equal(watched.generator.get_state(), alone.generator.get_state())


def test_history_has_means_since_the_row_before_and_the_held_out_bound() -> None:
    training = started()
    observer = Observer(training, seed=3)
    observer.look()
    steps = training.steps()
    taken = [next(steps) for _ in range(3)]
    for step in taken:
        observer.add(step)
    history = observer.look().history
    assert observer.num_rows == len(history) == 2
    assert column(history, "step") == [0, 3]
    assert all(math.isnan(column(history, name)[0]) for name in ("elbo_train", "kl_train"))
    assert column(history, "elbo_train")[1] == pytest.approx(np.mean([step.elbo for step in taken]))
    held_out = evaluate(training.model, DATA.x_test, generator=torch.Generator().manual_seed(3))
    for name in ("elbo", "reconstruction", "kl"):
        assert column(history, f"{name}_held_out")[1] == pytest.approx(getattr(held_out, name)), name
    assert column(history, "beta") == [1, 1]
    assert column(history, "seconds") == sorted(column(history, "seconds"))


def test_a_second_look_at_the_same_step_adds_no_row_and_says_the_same() -> None:
    observer = Observer(started(), seed=0)
    first, second = observer.look(), observer.look()
    assert observer.num_rows == 1
    for name in ("history", "means", "kl_per_dim", "grid", "examples"):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True), name


def test_a_snapshot_is_of_the_model() -> None:
    training = started(latent_dim=3)
    snapshot = Observer(training, seed=0).look()
    posterior = training.model.posterior(DATA.x_test[:])
    assert np.array_equal(snapshot.means, posterior.mean.detach().numpy())
    assert np.array_equal(snapshot.stds, posterior.std.detach().numpy())
    assert DATA.labels_test is not None
    assert snapshot.labels.tolist() == DATA.labels_test.tolist()
    held_out = evaluate(training.model, DATA.x_test, generator=torch.Generator())
    assert np.allclose(snapshot.kl_per_dim, held_out.kl_per_dim.numpy(), atol=1e-6)
    assert snapshot.grid.shape == (12, 12, 64)
    assert sorted(np.argsort(snapshot.kl_per_dim)[-2:].tolist()) == list(snapshot.plane)
    codes = training.model.posterior(torch.from_numpy(snapshot.examples)).mean
    assert np.allclose(snapshot.reconstructions, training.model.likelihood(codes).mean.detach().numpy())
    classes = [int(np.where((DATA.x_test[:].numpy() == row).all(1))[0][0]) for row in snapshot.examples]
    assert snapshot.labels[classes].tolist() == list(range(10))


def test_an_observer_that_goes_on_knows_the_kl_before_its_first_row() -> None:
    training = started(latent_dim=4)
    before = Observer(training, seed=0)
    first = before.look()
    again = Observer(training, seed=0, history=before.history).look()
    assert np.array_equal(again.kl_per_dim, first.kl_per_dim)
    assert again.kl_per_dim.max() > 0
    assert again.plane == first.plane
    assert np.array_equal(again.history, first.history, equal_nan=True)


def test_points_without_labels_and_one_latent_dimension() -> None:
    points = load_dataset("pinwheel")
    bare = replace(points, labels_train=None, labels_test=None, class_names=())
    snapshot = Observer(started(bare, latent_dim=1, likelihood="gaussian"), seed=0).look()
    assert set(snapshot.labels.tolist()) == {-1}
    assert snapshot.plane == (0, 0)
    assert snapshot.grid.shape == (1, 16, 2)
    assert snapshot.examples.shape == (POINT_EXAMPLES, 2)


def test_a_long_history_is_thinned_but_keeps_its_ends() -> None:
    training = started()
    rows = history_of(np.arange(MAX_ROWS) - MAX_ROWS, beta=1.0)
    history = Observer(training, seed=0, history=rows).look().history
    steps = column(history, "step")
    assert len(steps) == MAX_ROWS // 2 + 1
    assert (steps[0], steps[-1]) == (-MAX_ROWS, 0)
    assert steps == sorted(set(steps))


def history_of(steps: np.ndarray, *, beta: float | np.ndarray) -> np.ndarray:
    """Rows whose training columns are what each update would have given: its own number."""
    rows = np.zeros((len(steps), len(HISTORY_COLUMNS)))
    rows[:, 0] = steps
    # The mean of first + 1, ..., last is that of its ends.
    rows[1:, 2:5] = ((steps[:-1] + 1 + steps[1:]) / 2)[:, None] * (1, 2, 3)
    rows[0, 2:5] = math.nan
    rows[:, 8], rows[:, 9] = beta, TrainConfig().learning_rate
    return rows


def test_training_columns_are_means_since_the_row_before_also_after_thinning() -> None:
    steps = np.cumsum(np.random.default_rng(0).integers(1, 50, 2001))
    history = history_of(steps, beta=1.0)
    for _ in range(3):
        history = thinned(history, is_scheduled=False)
        kept = history[:, 0]
        assert (kept[0], kept[-1]) == (steps[0], steps[-1])
        expected = history_of(kept, beta=1.0)
        np.testing.assert_allclose(history[:, 2:5], expected[:, 2:5], rtol=1e-12)
    assert len(history) == 251


def test_rows_without_training_means_weigh_nothing() -> None:
    history = history_of(np.array([0, 10, 20, 30, 40]), beta=1.0)
    history[1, 2:5] = math.nan
    history[3:, 2:5] = math.nan
    found = thinned(history, is_scheduled=False)
    np.testing.assert_array_equal(found[:, 0], [0, 20, 40])
    np.testing.assert_allclose(found[1, 2:5], history[2, 2:5])
    assert np.isnan(found[[0, 2], 2:5]).all()


def test_live_changes_keep_their_rows_and_stay_few() -> None:
    steps = np.arange(MAX_ROWS + 1) * 10
    beta = np.ones(MAX_ROWS + 1)
    made = [101, 500, 1111]
    for at in made:
        beta[at + 1 :] += 1
        steps[at + 1 :] += 1 - 10
    history = history_of(steps, beta=beta)
    assert change_rows(history).tolist() == change_rows(history, is_scheduled=True).tolist() == made
    for _ in range(5):
        kept = thinned(history, is_scheduled=False)
        assert len(kept) < len(history)
        history = kept
    places = change_rows(history)
    assert history[places, 0].tolist() == steps[made].tolist()
    assert history[places + 1, 0].tolist() == (steps[made] + 1).tolist()
    dragged = history_of(steps, beta=np.arange(MAX_ROWS + 1.0))
    kept = thinned(dragged, is_scheduled=False)
    assert MAX_ROWS // 2 <= len(kept) <= MAX_ROWS * 3 // 4


def test_a_schedule_is_no_live_change() -> None:
    history = history_of(np.arange(50) * 7, beta=np.linspace(0, 1, 50))
    assert change_rows(history, is_scheduled=True).tolist() == []
    history[20:, 9] = 0.1
    assert change_rows(history, is_scheduled=True).tolist() == [19]


def test_seconds_are_those_of_updates() -> None:
    training = started()
    observer = Observer(training, seed=0)
    observer.look()
    for step, seconds in zip(training.steps(), (1.5, 2.0), strict=False):
        observer.add(step, seconds=seconds)
        observer.measure()
    assert column(observer.history, "seconds") == [0, 1.5, 3.5]
    again = Observer(training, seed=0, history=observer.history)
    again.add(next(training.steps()), seconds=1.0)
    assert column(again.look().history, "seconds") == [0, 1.5, 3.5, 4.5]


@pytest.mark.parametrize("beta", [0.0, 1.0, 100.0])
def test_a_good_state_has_an_objective_no_worse_than_the_untrained_one(beta: float) -> None:
    training = started()
    observer = Observer(training, seed=0)
    training.set_beta(beta)
    observer.look()
    assert observer.is_good
    for step in training.steps():
        observer.add(step)
    observer.look()
    assert observer.is_good
    for broken in (1e3, math.nan):
        with torch.no_grad():
            training.model.decoder.biases[-1].fill_(broken)
        training.step += 1
        observer.look()
        assert not observer.is_good


def test_active_units_are_those_of_the_elbo_page() -> None:
    training = started(latent_dim=4)
    with torch.no_grad():
        training.model.encoder.weights[-1][:2] *= 1e-3
    snapshot = Observer(training, seed=0).look()
    assert snapshot.is_active.tolist() == [False, False, True, True]
    assert active_units(torch.from_numpy(snapshot.means)).tolist() == snapshot.is_active.tolist()
    assert replace(snapshot, means=snapshot.means[:1]).is_active.tolist() == [False] * 4


@pytest.mark.parametrize(
    "train",
    [
        TrainConfig(num_epochs=2, batch_size=25, beta=2.0),
        TrainConfig(num_epochs=2, batch_size=25, beta=2.0, free_bits=1.5),
        TrainConfig(num_epochs=2, batch_size=25, objective="importance_weighted", num_samples=5),
        TrainConfig(num_epochs=2, batch_size=25, objective="mmd", beta=2.0),
        TrainConfig(num_epochs=2, batch_size=25, objective="total_correlation", beta=2.0),
    ],
    ids=["elbo", "free bits", "importance_weighted", "mmd", "total_correlation"],
)
def test_the_objective_is_measured_beside_the_bound(train: TrainConfig) -> None:
    def begun() -> Training:
        generator = torch.Generator().manual_seed(0)
        model = VAE(ModelConfig(data_dim=64, hidden_dims=(8,)), generator=generator)
        return Training(model, DATA, train, generator=generator)

    alone, watched = begun(), begun()
    observer = Observer(watched, seed=0)
    first = observer.look().history[-1]
    assert np.array_equal(observer.look(adds_row=False).history[-1], first, equal_nan=True), "the same noise"
    expected = list(alone.steps())
    for step in watched.steps():
        observer.add(step)
        observer.look()
    assert torch.equal(weights(watched), weights(alone)), "looking changes nothing"
    rows = observer.history
    objective, elbo, kl = (np.array(column(rows, f"{name}_held_out")) for name in ("objective", "elbo", "kl"))
    assert np.isfinite(objective).all()
    assert objective[-1] > objective[0], "it is maximised"
    if train.objective == "importance_weighted":
        assert (objective > elbo).all(), "a tighter bound, row by row"
    elif not train.free_bits and train.is_elbo:
        np.testing.assert_allclose(objective, elbo - kl, rtol=1e-12)  # beta = 2
    elif train.free_bits:
        assert (objective <= elbo - kl + 1e-9).all()
        assert (objective < elbo - kl - 1e-3).any(), "some dimension has less than the free nats"
    assert expected[-1].step == rows[-1, 0]


def test_what_stands_at_a_limit_is_counted() -> None:
    training = started(
        latent_dim=3, likelihood="gaussian", likelihood_scale=None, prior="mixture", num_components=5
    )
    observer = Observer(training, seed=0)
    assert observer.look().at_limits == AtLimits()
    model = training.model
    with torch.no_grad():
        model.log_scale.fill_(-9.0)
        model.mixture.log_vars[0, 1], model.mixture.log_vars[4] = 30.0, -20.0
        model.encoder.weights[-1][-1] = 0
        model.encoder.biases[-1][-1] = -50.0
    count = len(DATA.x_test)
    assert observer.look().at_limits == AtLimits(low=count, components=2, scale=1)
    model.encoder.biases[-1].data[-2] = 99.0
    assert observer.look().at_limits == AtLimits(low=count, high=count, components=2, scale=1)
    deterministic = Observer(started(encoder_head="deterministic"), seed=0).look()
    assert deterministic.at_limits == AtLimits()


def test_large_held_out_parts_are_observed_by_a_seeded_choice() -> None:
    many = replace(DATA, x_test=torch.zeros(5000, 64))
    rows = held_out_rows(many, seed=1)
    assert len(rows) == len(rows.unique()) == MAX_HELD_OUT
    assert torch.equal(rows, held_out_rows(many, seed=1))
    assert not torch.equal(rows, held_out_rows(many, seed=2))
    assert torch.equal(held_out_rows(DATA, seed=1), torch.arange(len(DATA.x_test)))
