"""Models that are trained together become what each of them becomes alone."""

from dataclasses import replace
from itertools import islice
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from vae_core.config import Activation, ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.errors import TrainingDiverged
from vae_core.model import VAE
from vae_core.training.loop import Training
from vae_core.training.stacked import LARGEST, Stack, StackedTraining, can_stack

DIGITS: Final = load_dataset("digits")
EXACT: Final = replace(
    DIGITS, x_train=DIGITS.x_train[:150].double(), x_test=DIGITS.x_test[:20].double(), labels_train=None
)
SMALL: Final = ModelConfig(data_dim=64, hidden_dims=(12, 7), latent_dim=3)
VARIED: Final[tuple[dict[str, Any], ...]] = (
    {"beta": 0.2},
    {"beta": 2.0, "learning_rate": 5e-3},
    {"beta": 1.0, "beta_schedule": "linear", "schedule_epochs": 2},
)


def begun(
    kind: type[Training], model: ModelConfig, train: TrainConfig, *, seed: int = 0, data: Dataset = EXACT
) -> Training:
    generator = torch.Generator().manual_seed(seed)
    network = VAE(model, generator=generator).to(data.x_train[:1].dtype)
    return kind(network, data, train, generator=generator)


def stacked(*arguments: Any, **settings: Any) -> StackedTraining:
    found = begun(StackedTraining, *arguments, **settings)
    assert isinstance(found, StackedTraining)
    return found


def weights(training: Training) -> Tensor:
    return torch.cat([p.detach().flatten() for p in training.model.parameters()])


def advance(trainings: list[StackedTraining], count: int) -> list[list[Any]]:
    """Updates of all, each with what its ``steps`` gave."""
    stack, steps = Stack(trainings), [one.steps() for one in trainings]
    found: list[list[Any]] = [[] for _ in trainings]
    for _ in range(count):
        stack.go_ahead()
        for given, step in zip(found, steps, strict=True):
            given.append(next(step))
    return found


@pytest.mark.parametrize("seeds", [(0, 0, 0), (0, 1, 2)], ids=["one seed", "three seeds"])
@pytest.mark.parametrize(
    ("model", "train"),
    [
        ({}, {}),
        ({"activation": "relu"}, {"optimizer": "sgd", "learning_rate": 1e-3}),
        ({"activation": "silu", "hidden_dims": ()}, {"num_samples": 3}),
        ({"activation": "softplus", "likelihood": "gaussian"}, {"free_bits": 0.3}),
        ({"likelihood": "gaussian", "likelihood_scale": None}, {"num_samples": 2}),
        ({"latent_dim": 1}, {"free_bits": 0.1, "num_samples": 2}),
        ({"latent_dim": 2, "hidden_dims": (2, 3)}, {}),
        ({"latent_dim": 2, "hidden_dims": (), "activation": "softplus"}, {}),
        ({"data_dim": 3, "likelihood": "gaussian"}, {}),
    ],
)
def test_each_becomes_what_it_becomes_alone(
    model: dict[str, Any], train: dict[str, Any], seeds: tuple[int, ...]
) -> None:
    """Within 1e-10 in float64 over two epochs, the last batch of which is a smaller one."""
    network = replace(SMALL, **model)
    data = EXACT
    if network.data_dim != SMALL.data_dim:
        narrow = DIGITS.x_train[:150][:, -network.data_dim :].double()
        data = replace(EXACT, x_train=narrow, x_test=narrow[:20], image_shape=None)
    configs = [TrainConfig(**{"num_epochs": 2, "batch_size": 64, **train, **varied}) for varied in VARIED]
    settings = [{"seed": seed, "data": data} for seed in seeds]
    together = [stacked(network, one, **more) for one, more in zip(configs, settings, strict=True)]
    alone = [begun(Training, network, one, **more) for one, more in zip(configs, settings, strict=True)]
    found = advance(together, 6)
    for one, other, steps in zip(together, alone, found, strict=True):
        expected = list(other.steps())
        assert torch.allclose(weights(one), weights(other), rtol=0, atol=1e-10)
        for step, wanted in zip(steps, expected, strict=True):
            assert step[2:6] == pytest.approx(wanted[2:6], abs=1e-10)  # means over the mini-batch
            assert step[:2] + step[6:] == wanted[:2] + wanted[6:]
        assert torch.equal(one.generator.get_state(), other.generator.get_state())


def test_sixteen_in_float32_stay_near_themselves_alone() -> None:
    """Within 2e-5 of each weight after an epoch of the run that Train starts with, one β each."""
    model, size = ModelConfig(data_dim=64), 23
    configs = [TrainConfig(beta=0.25 * number) for number in range(16)]
    together = [stacked(model, one, data=DIGITS) for one in configs]
    advance(together, size)
    for one, config in zip(together[::5], configs[::5], strict=True):
        other = begun(Training, model, config, data=DIGITS)
        for _ in islice(other.steps(), size):
            pass
        assert torch.allclose(weights(one), weights(other), rtol=0, atol=2e-5)


def test_logits_beyond_the_range_of_a_sigmoid() -> None:
    """log p(x|z) = x l - log(1 + e^l) of each model, also where the sigmoid of another one's l is 0."""
    logits = (-2000.0, -90.0, -88.0, -30.0, 0.0, 90.0)
    config = TrainConfig(num_epochs=1, batch_size=len(DIGITS.x_train))
    together = [stacked(ModelConfig(data_dim=64), config, data=DIGITS) for _ in logits]
    with torch.no_grad():
        for one, logit in zip(together, logits, strict=True):
            one.model.decoder.weights[-1].zero_()
            one.model.decoder.biases[-1].fill_(logit)
    x = DIGITS.x_train[:].double()
    for logit, (step,) in zip(logits, advance(together, 1), strict=True):
        value = torch.tensor(logit, dtype=torch.float64)
        exact = (x * value - torch.nn.functional.softplus(value)).sum(1).mean()
        assert step.reconstruction == pytest.approx(float(exact), rel=2e-6), logit


def test_what_one_saves_goes_on_alone() -> None:
    config = TrainConfig(num_epochs=3, batch_size=64)
    together = [stacked(SMALL, replace(config, beta=beta)) for beta in (0.5, 2.0)]
    advance(together, 4)
    one, other = together[1], begun(Training, SMALL, replace(config, beta=2.0))
    alone = begun(Training, SMALL, replace(config, beta=2.0))
    for _ in islice(alone.steps(), 9):
        pass
    tensors, scalars = one.state()
    other.model.load_state_dict({name: value.clone() for name, value in one.model.state_dict().items()})
    other.load_state({name: value.clone() for name, value in tensors.items()}, scalars)
    assert len(list(other.steps())) == 5
    assert torch.allclose(weights(other), weights(alone), rtol=0, atol=1e-10)


def test_one_that_diverges_leaves_the_others_alone() -> None:
    config = TrainConfig(num_epochs=2, batch_size=64)
    bad = replace(config, learning_rate=1.0, optimizer="sgd")
    good = replace(config, learning_rate=1e-3, optimizer="sgd")
    together = [stacked(SMALL, good), stacked(SMALL, bad), stacked(SMALL, good, seed=3)]
    with torch.no_grad():
        next(iter(together[1].model.parameters())).fill_(torch.nan)
    stack, steps = Stack(together), [one.steps() for one in together]
    stack.go_ahead()
    assert next(steps[0]).step == 1
    with pytest.raises(TrainingDiverged):
        next(steps[1])
    assert next(steps[2]).step == 1
    # Those that are left make a stack of their own, from where they stand.
    rest = [together[0], together[2]]
    advance(rest, 3)
    for one, seed in zip(rest, (0, 3), strict=True):
        other = begun(Training, SMALL, good, seed=seed)
        for _ in islice(other.steps(), 4):
            pass
        assert torch.allclose(weights(one), weights(other), rtol=0, atol=1e-10)


def test_what_gains_by_it() -> None:
    model, train = ModelConfig(data_dim=64), TrainConfig()

    def both(changed: ModelConfig = model, *, other: TrainConfig = train) -> bool:
        return can_stack([model if changed == model else changed, changed], [train, other])

    assert both()
    assert both(other=replace(train, beta=4.0, learning_rate=1e-2))
    assert not can_stack([model], [train])
    assert not can_stack([model, replace(model, latent_dim=3)], [train, train])
    for other in ({"batch_size": 32}, {"num_samples": 2}, {"free_bits": 0.1}, {"optimizer": "sgd"}):
        assert not both(other=replace(train, **other)), other
    changes: tuple[dict[str, Any], ...] = (
        {"prior": "mixture"},
        {"encoder_head": "deterministic"},
        {"likelihood": "continuous_bernoulli"},
        {"hidden_dims": (LARGEST // 64 + 1,)},
    )
    for changed in changes:
        assert not both(replace(model, **changed)), changed
    small: Activation = "relu"
    with pytest.raises(ValueError, match="equal shapes"):
        Stack([stacked(SMALL, train), stacked(replace(SMALL, activation=small), train)])


@pytest.mark.parametrize("rate", [1e-3, 2e-3])
def test_one_that_diverges_falls_back_on_its_last_finite_weights(rate: float) -> None:
    """Those that the update before the last one began with, as alone; with one rate for all or with two."""
    config = TrainConfig(num_epochs=2, batch_size=64, learning_rate=1e-3)
    together = [stacked(SMALL, config), stacked(SMALL, replace(config, learning_rate=rate))]
    advance(together, 1)
    one = together[1]
    after_one = weights(one)
    advance(together, 1)
    with torch.no_grad():
        next(iter(one.model.parameters())).fill_(torch.nan)
    stack, steps = Stack(together), one.steps()
    stack.go_ahead()
    with pytest.raises(TrainingDiverged):
        next(steps)
    assert torch.equal(weights(one), after_one)
    assert one.step == 1
