"""What is moved during a training is kept with it, through saves, forks and falls back."""

import torch

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.training import moves as moves_of_training
from vae_core.training.loop import Training


def begun(seed: int = 0) -> Training:
    generator = torch.Generator().manual_seed(seed)
    model = VAE(ModelConfig(data_dim=64, hidden_dims=(4,)), generator=generator)
    return Training(model, load_dataset("digits"), TrainConfig(batch_size=500), generator=generator)


def kept(training: Training) -> object:
    return training.state()[1]["moves"]


def test_the_last_of_several_between_two_updates_is_kept() -> None:
    training = begun()
    training.set_beta(2.0)
    training.set_beta(3.0)
    training.set_learning_rate(training.learning_rate)
    next(training.steps())
    training.set_learning_rate(0.5)
    training.set_beta(3.0)
    training.draw_anew(7)
    assert kept(training) == [[0, "beta", 3.0], [1, "learning_rate", 0.5], [1, "seed", 7]]


def test_moves_survive_a_save_and_a_fork_adds_its_own() -> None:
    training = begun()
    training.set_beta(2.0)
    next(training.steps())
    tensors, scalars = training.state()
    other = begun()
    other.load_state(tensors, {**scalars, "live_beta": 4.0, "learning_rate": 0.25})
    assert (other.beta, other.learning_rate) == (4.0, 0.25)
    assert kept(other) == [[0, "beta", 2.0], [1, "beta", 4.0], [1, "learning_rate", 0.25]]
    again = begun()
    again.load_state(*other.state())
    assert kept(again) == kept(other)


def test_moves_that_are_not_known_stay_unknown_and_a_seed_among_them_is_said() -> None:
    tensors, scalars = begun().state()
    del scalars["moves"]
    older = begun()
    older.load_state(tensors, scalars)
    older.set_beta(3.0)
    assert kept(older) is None
    assert not older.state()[1]["has_other_draws"]
    older.draw_anew(5)
    assert older.state()[1]["has_other_draws"]


def test_more_moves_than_are_kept_are_unknown() -> None:
    training = begun()
    for number in range(moves_of_training.MAX_MOVES // 2):
        training.step = number
        training.set_beta(float(number))
        training.set_learning_rate(1.0 + number)
    assert len(training.state()[1]["moves"]) == moves_of_training.MAX_MOVES
    training.draw_anew(1)
    assert kept(training) is None
    assert training.state()[1]["has_other_draws"]
