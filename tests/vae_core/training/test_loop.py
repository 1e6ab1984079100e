"""Training is ordinary gradient ascent on the objective, repeats bit for bit, and ends for a named reason."""

import math
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from vae_core.config import EncoderHead, ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset, with_validation
from vae_core.elbo import elbo_terms, evaluate
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.model import VAE
from vae_core.objectives import of_many
from vae_core.training.by_hand import Means
from vae_core.training.loop import Training, TrainStep, fit
from vae_core.training.optimizer import scheduled_beta

DIGITS: Final = load_dataset("digits")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def few(num_data: int) -> Dataset:
    x, labels = DIGITS.x_train[:num_data].clone(), DIGITS.labels_train
    labels = None if labels is None else labels[:num_data]
    return replace(DIGITS, x_train=x, labels_train=labels, x_test=DIGITS.x_test[:50])


def model_of(dataset: Dataset, *, head: EncoderHead = "log_variance", **settings: Any) -> VAE:
    config = ModelConfig(data_dim=dataset.data_dim, hidden_dims=(16,), encoder_head=head, **settings)
    return VAE(config, generator=seeded())


def weights(model: VAE) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def train(dataset: Dataset, *, seed: int = 0, **settings: Any) -> tuple[VAE, list[TrainStep]]:
    model = model_of(dataset)
    return model, list(fit(model, dataset, TrainConfig(**settings), generator=seeded(seed)))


def plain_loop(model: VAE, x: Tensor, config: TrainConfig, optimizer: torch.optim.Optimizer) -> None:
    """The textbook's loop: autograd, one tensor per weight, an unfused optimiser."""
    noise = seeded()
    for _ in range(config.num_epochs or 0):
        for rows in torch.randperm(len(x), generator=noise).split(config.batch_size):
            terms = elbo_terms(model, x[rows], num_samples=config.num_samples, generator=noise)
            assert terms.kl_per_dim is not None
            kl = terms.kl_per_dim.mean(0).clamp(min=config.free_bits).sum()
            loss = config.beta * kl - terms.reconstruction.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@pytest.mark.parametrize("head", ["log_variance", "variance", "unit_variance", "deterministic"])
@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": "sgd", "learning_rate": 1e-3}, {"free_bits": 0.3, "num_samples": 3}]
)
def test_training_is_the_plain_loop(head: EncoderHead, settings: dict[str, Any]) -> None:
    data = few(150)
    config = TrainConfig(num_epochs=3, beta=1.5, **settings)
    ours, plain = model_of(data, head=head), model_of(data, head=head)
    for _ in fit(ours, data, config, generator=seeded()):
        pass
    parameters = list(plain.parameters())
    adam = torch.optim.Adam(parameters, lr=config.learning_rate, foreach=False)
    sgd = torch.optim.SGD(parameters, lr=config.learning_rate, momentum=config.momentum)
    plain_loop(plain, data.x_train[:], config, adam if config.optimizer == "adam" else sgd)
    assert torch.allclose(weights(ours), weights(plain), rtol=0, atol=1e-6)


def test_same_seed_same_weights_bit_for_bit() -> None:
    (first, steps), (same, again), (other, _) = (
        train(few(200), num_epochs=3, seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(weights(first), weights(same))
    assert steps == again
    assert not torch.equal(weights(first), weights(other))


def test_every_example_is_used_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """150 data in batches of 64: the third has 22."""
    _, steps = train(few(150), num_epochs=2, batch_size=64)
    assert [step.epoch for step in steps] == [0, 0, 1, 1, 1, 2]
    assert [step.step for step in steps] == [1, 2, 3, 4, 5, 6]
    seen: list[Tensor] = []

    differentiate = Training._differentiate

    def spy(training: Training, x: Tensor, beta: float) -> Means:
        seen.append(x.clone())
        return differentiate(training, x, beta)

    monkeypatch.setattr(Training, "_differentiate", spy)
    train(few(150), num_epochs=2, batch_size=64)
    assert [len(x) for x in seen] == [64, 64, 22, 64, 64, 22]
    for epoch in (seen[:3], seen[3:]):
        rows = torch.cat(epoch)
        assert torch.equal(rows.unique(dim=0), few(150).x_train[:].unique(dim=0))
    assert not torch.equal(seen[0], seen[3])


def test_a_batch_larger_than_the_data_is_all_of_them() -> None:
    training = Training(
        model_of(DIGITS), few(10), TrainConfig(batch_size=1_000_000, num_epochs=3), generator=seeded()
    )
    assert (training.batch_size, training.steps_per_epoch, training.num_steps) == (10, 1, 3)
    assert [step.epoch for step in training.steps()] == [1, 2, 3]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cyclical"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_without_an_end_it_goes_on_as_a_longer_training(optimizer: Any, schedule: Any) -> None:
    settings = {
        "optimizer": optimizer,
        "learning_rate": 1e-3,
        "beta_schedule": schedule,
        "schedule_epochs": 3,
    }
    endless = Training(
        model_of(DIGITS), few(30), TrainConfig(num_epochs=None, batch_size=10, **settings), generator=seeded()
    )
    assert (endless.num_epochs, endless.num_steps) == (None, None)
    taken = list(islice(endless.steps(), 21))
    assert {step.ended for step in taken} == {None}
    model, steps = train(few(30), num_epochs=7, batch_size=10, **settings)
    assert [step._replace(ended=None) for step in steps] == taken
    assert torch.equal(weights(endless.model), weights(model))


def test_no_epochs_change_nothing() -> None:
    model, steps = train(few(10), num_epochs=0)
    assert steps == []
    assert torch.equal(weights(model), weights(model_of(DIGITS)))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_elbo_has_beta_1_whatever_is_trained(beta: float) -> None:
    """The first update's numbers are those of the bound on its mini-batch, computed apart from training."""
    _, steps = train(few(100), num_epochs=1, batch_size=64, beta=beta)
    noise = seeded()
    rows = torch.randperm(100, generator=noise)[:64]
    with torch.no_grad():
        terms = elbo_terms(model_of(DIGITS), few(100).x_train[rows], generator=noise)
    expected = (terms.elbo.mean(), terms.reconstruction.mean(), terms.kl.mean())
    assert steps[0][2:5] == pytest.approx([float(value) for value in expected], rel=1e-6)
    assert steps[0].kl > 0.1, "another beta would change the number"
    assert [step.beta for step in steps] == [beta, beta]


def test_two_trainings_of_one_model_take_turns() -> None:
    """Each goes on from the model's weights: by plain SGD two that alternate are one loop."""
    config = TrainConfig(num_epochs=2, batch_size=10, optimizer="sgd", momentum=0.0, learning_rate=1e-3)
    model, alone = model_of(DIGITS), model_of(DIGITS)
    first, second = (Training(model, few(20), config, generator=seeded(seed)) for seed in (1, 2))
    for one, other in zip(first.steps(), second.steps(), strict=True):
        assert one.step == other.step
    noises = [seeded(1), seeded(2)]
    for _ in range(2):
        orders = [torch.randperm(20, generator=noise).split(10) for noise in noises]
        for batches in zip(*orders, strict=True):
            for rows, noise in zip(batches, noises, strict=True):
                alone.zero_grad()
                (-elbo_terms(alone, few(20).x_train[rows], generator=noise).elbo.mean()).backward()
                with torch.no_grad():
                    for parameter in alone.parameters():
                        assert parameter.grad is not None
                        parameter -= config.learning_rate * parameter.grad
    assert torch.allclose(weights(model), weights(alone), rtol=0, atol=1e-6)
    assert not torch.allclose(weights(model), weights(model_of(DIGITS)), rtol=0, atol=1e-4)


def test_a_second_training_that_diverges_leaves_the_weights_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = model_of(DIGITS)
    first = Training(model, few(20), TrainConfig(num_epochs=9), generator=seeded(1))
    second = Training(model, few(20), TrainConfig(num_epochs=9), generator=seeded(2))
    next(first.steps())
    kept = weights(model)
    monkeypatch.setattr(Training, "_differentiate", lambda *_: Means(math.nan, math.nan, math.nan))
    with pytest.raises(TrainingDiverged):
        next(second.steps())
    assert torch.equal(weights(model), kept)
    assert not torch.equal(kept, weights(model_of(DIGITS)))


def first_change(beta: float, free_bits: float = 0.0) -> Tensor:
    """Change of the weights by one step of SGD, float32 weights up to 3."""
    model = model_of(DIGITS, latent_dim=2)
    with torch.no_grad():
        model.encoder.biases[-1].copy_(torch.tensor([3.0, 0.0, 0.0, 0.0]))
    before = weights(model)
    config = TrainConfig(optimizer="sgd", momentum=0.0, learning_rate=1e-3, beta=beta, free_bits=free_bits)
    next(fit(model, few(64), config, generator=seeded()))
    return (weights(model) - before).double()


def test_the_gradient_is_affine_in_beta() -> None:
    none, one, two = first_change(0.0), first_change(1.0), first_change(2.0)
    assert (one - none).norm() > 1e-3
    assert torch.allclose(two - one, one - none, atol=1e-6)


def test_free_bits_do_not_push_dimensions_below_their_nats() -> None:
    """Dimension 1 has 4.5 nats and more, dimension 2 less than 1: at 2 nats only the first is penalised."""
    none, full = first_change(0.0), first_change(1.0)
    assert torch.equal(first_change(1.0, free_bits=100.0), none)
    half = first_change(1.0, free_bits=2.0)
    bias = model_of(DIGITS).encoder.weights[0].numel() + model_of(DIGITS).encoder.weights[1].numel()
    bias += model_of(DIGITS).encoder.biases[0].numel()
    of_dim_1, of_dim_2 = [bias, bias + 2], [bias + 1, bias + 3]
    assert torch.allclose(half[of_dim_1], full[of_dim_1], atol=1e-8)
    assert torch.allclose(half[of_dim_2], none[of_dim_2], atol=1e-8)
    assert not torch.allclose(half[of_dim_2], full[of_dim_2], atol=1e-8)


def test_a_beta_set_live_acts_from_the_next_update_on() -> None:
    config = TrainConfig(num_epochs=1, batch_size=20)
    live = Training(model_of(DIGITS), few(100), config, generator=seeded())
    steps = live.steps()
    betas = [next(steps).beta]
    live.set_beta(3.0)
    live.set_learning_rate(0.01)
    assert live.beta == 3.0
    rest = list(steps)
    assert betas + [step.beta for step in rest] == [1.0, 3.0, 3.0, 3.0, 3.0]
    assert [step.learning_rate for step in rest] == [0.01] * 4
    whole = Training(model_of(DIGITS), few(100), replace(config, beta=3.0), generator=seeded())
    list(whole.steps())
    assert not torch.equal(weights(live.model), weights(whole.model))
    for refused in (-1.0, math.nan, True):
        with pytest.raises(BadInput, match="beta must be a number"):
            live.set_beta(refused)
    assert live.beta == 3.0


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("constant", {0: 4.0, 7.5: 4.0, 100: 4.0}),
        ("linear", {0: 0.0, 2.5: 1.0, 5: 2.0, 10: 4.0, 11: 4.0, 1000: 4.0}),
        ("cyclical", {0: 0.0, 2.5: 2.0, 5: 4.0, 9.9: 4.0, 10: 0.0, 12.5: 2.0, 17: 4.0, 20: 0.0}),
    ],
)
def test_beta_follows_its_schedule(schedule: str, values: dict[float, float]) -> None:
    config = TrainConfig(beta=4.0, beta_schedule=schedule, schedule_epochs=10)  # type: ignore[arg-type]
    for epochs, beta in values.items():
        assert scheduled_beta(config, epochs) == pytest.approx(beta), epochs
    _, steps = train(
        few(40), beta=4.0, beta_schedule=schedule, schedule_epochs=10, num_epochs=2, batch_size=20
    )
    assert [step.beta for step in steps] == pytest.approx(
        [scheduled_beta(config, epochs) for epochs in (0, 0.5, 1, 1.5)]
    )


EARLY: Final = TrainConfig(num_epochs=1000, patience=2, learning_rate=0.03, batch_size=16)


def begun(dataset: Dataset, config: TrainConfig) -> Training:
    return Training(model_of(DIGITS), dataset, config, generator=seeded())


def numbers(step: TrainStep) -> tuple[float | str | None, ...]:
    """All of a step but the parts of the KL, a tensor, which has no truth value."""
    watched = None if step.validation is None else step.validation.elbo
    return (*step[:7], watched, step.ended)


def elbo_of(model: VAE, x: Tensor | None) -> float:
    assert x is not None
    return evaluate(model, x, generator=seeded()).elbo


def test_early_stopping_ends_and_says_so() -> None:
    steps = list(begun(few(60), EARLY).steps())
    watched = [step.validation.elbo for step in steps if step.validation is not None]
    assert steps[-1].ended == "stopped_early"
    assert [step.ended for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert steps[-1].epoch == len(watched) < 1000
    best = max(watched)
    assert watched.index(best) == len(watched) - 3
    assert train(few(30), num_epochs=2)[1][-1].ended == "finished"


@pytest.mark.parametrize(
    ("config", "ended"),
    [(EARLY, "stopped_early"), (replace(EARLY, num_epochs=40, patience=1000), "finished")],
)
def test_a_training_with_patience_ends_with_its_best_weights(config: TrainConfig, ended: str) -> None:
    """All of its state is that of the best step, bit for bit, by the validation part alone."""
    training, there = begun(few(60), config), begun(few(60), config)
    assert training.dataset.x_validation is not None
    x = training.dataset.x_validation[:]
    seen, last = [], None
    for last in training.steps():
        if last.validation is not None:
            seen.append(elbo_of(training.model, x))
            assert last.validation.elbo == seen[-1], "measured with the same noise each time"
    assert last is not None
    assert last.ended == ended
    best = 1 + seen.index(max(seen))
    assert (training.epoch, training.ended_at) == (best, last.step)
    assert best < last.epoch
    steps = there.steps()
    while there.epoch < best:
        next(steps)
    assert training.step == there.step
    assert torch.equal(weights(training.model), weights(there.model))
    (tensors, _), (others, _) = training.state(), there.state()
    assert tensors.keys() == {
        "optimizer.exp_avg",
        "optimizer.exp_avg_sq",
        "optimizer.step",
        "generator",
        "order",
    }
    assert all(torch.equal(tensors[name], others[name]) for name in tensors.keys() - {"order"})


def test_held_out_examples_choose_nothing() -> None:
    """With others in their place the training is the same one to its last bit, and ends at the same step."""
    data = few(60)
    one = begun(data, EARLY)
    other = begun(replace(data, x_test=1 - data.x_test[:7]), EARLY)
    assert [numbers(step) for step in one.steps()] == [numbers(step) for step in other.steps()]
    assert torch.equal(weights(one.model), weights(other.model))
    assert one.ended_at == other.ended_at is not None


def test_the_validation_part_is_not_trained_on() -> None:
    data = with_validation(few(60), seed=0)
    assert data.x_validation is not None
    config = replace(EARLY, patience=1000, num_epochs=3)
    one = begun(data, config)
    other = begun(replace(data, x_validation=1 - data.x_validation[:]), config)
    updates = [
        [(step.elbo, step.reconstruction, step.kl) for step in training.steps()] for training in (one, other)
    ]
    assert updates[0] == updates[1]
    assert torch.equal(one.dataset.x_train[:], with_validation(few(60), seed=0).x_train[:])
    assert len(one.dataset.x_train) == 40


def test_a_training_without_patience_sets_nothing_aside() -> None:
    training = begun(few(60), TrainConfig(num_epochs=1))
    assert training.dataset.x_validation is None
    assert len(training.dataset.x_train) == 60
    assert all(step.validation is None for step in training.steps())
    assert "ended_at" not in training.state()[1]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_resumed_training_with_patience_ends_as_one_that_was_not_interrupted(optimizer: str) -> None:
    """At each epoch between its best one and its end the state holds the best weights, too."""
    config = replace(
        EARLY, optimizer=optimizer, learning_rate=0.03 if optimizer == "adam" else 1e-2, patience=3
    )
    whole = begun(few(60), config)
    last = list(whole.steps())[-1]
    assert last.ended == "stopped_early"
    for epoch in range(whole.epoch, last.epoch):
        half = begun(few(60), config)
        steps = half.steps()
        while half.epoch < epoch:
            next(steps)
        tensors, scalars = half.state()
        assert scalars["best_step"] == whole.step
        other = Training(model_of(DIGITS), few(60), config, generator=seeded())
        other.model.load_state_dict({name: value.clone() for name, value in half.model.state_dict().items()})
        other.load_state({name: value.clone() for name, value in tensors.items()}, scalars)
        rest = list(other.steps())
        assert (rest[-1].step, other.step, other.ended_at) == (last.step, whole.step, last.step), epoch
        assert torch.equal(weights(other.model), weights(whole.model)), epoch
        mine, its = other.state(), whole.state()
        assert mine[1] == its[1]
        assert all(torch.equal(value, its[0][name]) for name, value in mine[0].items())


def test_a_training_goes_on_from_its_best_step_with_the_beta_of_now() -> None:
    """What was moved after that step has no effect from there on, but for what holds at the end."""
    config = replace(EARLY, patience=3)
    training, there = begun(few(60), config), begun(few(60), replace(config, patience=10**6))
    best, values = 0, []
    for step in training.steps():
        if step.validation is not None:
            values.append(step.validation.elbo)
            best = step.step if values[-1] == max(values) else best
        if step.step == 5:
            training.set_learning_rate(0.02)
        if len(values) >= 3 and step.step == best + 1:
            training.set_beta(0.5)
            training.set_learning_rate(1.0)  # from here on the validation ELBO falls
    assert training.ended_at is not None
    assert training.step == best
    assert training.state()[1]["moves"][-2:] == [[best + 1, "beta", 0.5], [best + 1, "learning_rate", 1.0]]
    training.forget_end()
    steps = there.steps()
    while there.step < best:
        next(steps)
        if there.step == 5:
            there.set_learning_rate(0.02)
    there.set_beta(0.5)
    there.set_learning_rate(1.0)
    mine = training.steps()
    for _ in range(5):
        assert numbers(next(mine)) == numbers(next(steps))
    assert torch.equal(weights(training.model), weights(there.model))
    assert training.state()[1]["moves"] == there.state()[1]["moves"] != []
    assert not training.is_at_end


@pytest.mark.parametrize("name", ["best.weights", "best.generator", "best.optimizer.exp_avg"])
def test_a_damaged_best_step_is_refused(name: str) -> None:
    training = begun(few(60), EARLY)
    steps = training.steps()
    while training.epoch < 1:
        next(steps)
    tensors, scalars = training.state()
    for broken in ({**tensors, name: tensors[name][:-1]}, {**tensors, name: tensors[name].to(torch.float64)}):
        with pytest.raises(BadInput, match="training state is damaged"):
            begun(few(60), EARLY).load_state(broken, scalars)
    for said in ({"best_step": -1}, {"best_step": 1}, {"best_step": "1"}, {"ended_at": 1.5}):
        with pytest.raises(BadInput):
            begun(few(60), EARLY).load_state(tensors, {**scalars, **said})


def test_too_few_examples_for_a_validation_part_are_said() -> None:
    with pytest.raises(BadInput, match="validation part of 20 examples, of 39 in all") as caught:
        begun(few(39), EARLY)
    assert caught.value.code == "patience"
    assert len(begun(few(40), EARLY).dataset.x_train) == 20


def test_learning_raises_the_held_out_bound() -> None:
    model = VAE(ModelConfig(data_dim=64), generator=seeded())
    before = evaluate(model, DIGITS.x_test, num_samples=10, generator=seeded())
    for _ in fit(model, DIGITS, TrainConfig(num_epochs=20), generator=seeded()):
        pass
    after = evaluate(model, DIGITS.x_test, num_samples=10, generator=seeded())
    assert after.elbo > before.elbo + 5


def test_patience_watches_the_elbo_whatever_is_maximised() -> None:
    """MMD does not hold the KL: the ELBO of the validation part falls while the objective goes on rising."""
    config = replace(EARLY, objective="mmd", beta=1.0, patience=3, batch_size=32)
    training = begun(few(60), config)
    x = training.dataset.x_validation
    assert isinstance(x, Tensor)
    elbo, objective = [], []
    for step in training.steps():
        if step.validation is None:
            continue
        elbo.append(step.validation.elbo)
        noise = torch.Generator().manual_seed(0)
        objective.append(
            of_many(training.model, x, step.validation, config, beta=1.0, num_data=60, generator=noise)
        )
    best = elbo.index(max(elbo))
    assert len(elbo) == best + 1 + 3
    assert training.ended_at is not None
    assert objective.index(max(objective)) > best, "by the objective it would have gone on"
