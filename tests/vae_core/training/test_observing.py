"""Looking at a training of any kind changes nothing of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

import pytest
import torch
from torch import Tensor

from vae_core.config import EncoderHead, ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.labs.weights.full_bayes import OVERS, BayesianVAE, FullBayesTraining
from vae_core.model import VAE
from vae_core.runs.observer import Observer
from vae_core.training.loop import Training, TrainStep
from vae_core.training.trace import Tracer

DIGITS: Final = load_dataset("digits")
DATA: Final = replace(
    DIGITS, x_train=DIGITS.x_train[:60].clone(), labels_train=None, x_test=DIGITS.x_test[:80].clone()
)
MODEL: Final = ModelConfig(data_dim=64, hidden_dims=(6,))
TRAIN: Final = TrainConfig(num_epochs=2, batch_size=25, patience=1)
SCALED: Final = replace(MODEL, likelihood="gaussian", likelihood_scale=None)


def plain(model: ModelConfig = MODEL, train: TrainConfig = TRAIN) -> Callable[[], Training]:
    def started() -> Training:
        generator = torch.Generator().manual_seed(0)
        return Training(VAE(model, generator=generator), DATA, train, generator=generator)

    return started


def full_bayes(over: str) -> Callable[[], Training]:
    def started() -> Training:
        generator = torch.Generator().manual_seed(0)
        model = BayesianVAE(MODEL, over=over, generator=generator)  # type: ignore[arg-type]
        return FullBayesTraining(model, DATA, TRAIN, generator=generator)

    return started


KINDS: Final[dict[str, Callable[[], Training]]] = {
    **{head: plain(replace(MODEL, encoder_head=head)) for head in get_args(EncoderHead)},
    "learned scale": plain(SCALED),
    "continuous Bernoulli": plain(replace(MODEL, likelihood="continuous_bernoulli")),
    "mixture": plain(replace(MODEL, prior="mixture", num_components=3)),
    "VampPrior": plain(replace(MODEL, prior="vamp", num_components=3)),
    "SGD, M = 3, free bits": plain(
        train=replace(TRAIN, optimizer="sgd", learning_rate=1e-3, num_samples=3, free_bits=0.1)
    ),
    **{f"full Bayes: {over}": full_bayes(over) for over in OVERS},
}


def weights(training: Training) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in training.model.parameters()])


def told(step: TrainStep) -> tuple[object, ...]:
    """All numbers of a step, those of its validation bound without the parts by dimension."""
    return (*step._replace(validation=None), step.validation and step.validation[:3])


@pytest.mark.parametrize("kind", KINDS)
def test_observing_changes_nothing_bit_for_bit(kind: str) -> None:
    """Patience in both; tracer, measurements and pictures in one of them, before and after each update."""
    alone, watched = KINDS[kind](), KINDS[kind]()
    expected = [told(step) for step in alone.steps()]
    observer = Observer(watched, seed=0)
    watched.tracer = Tracer()
    observer.look()
    seen: list[tuple[object, ...]] = []
    for step in watched.steps():
        observer.add(step)
        snapshot = observer.look()
        assert snapshot.flow is not None
        seen.append(told(step))
    assert seen == expected
    assert torch.equal(weights(watched), weights(alone))
    assert torch.equal(watched.generator.get_state(), alone.generator.get_state())


@pytest.mark.parametrize("kind", KINDS)
def test_without_patience_the_updates_are_the_same(kind: str) -> None:
    """Until patience ends the one, which then goes back to its best step."""
    watching, careless = KINDS[kind](), KINDS[kind]()
    careless.forget_end()
    last = 0
    for one, other in zip(watching.steps(), careless.steps(), strict=False):
        assert one[:-2] == other[:-2]
        assert torch.equal(watching.generator.get_state(), careless.generator.get_state())
        last = one.step
    assert last in (2, 4)
    assert watching.ended_at == last
