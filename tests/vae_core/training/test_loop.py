"""Training is ordinary gradient ascent on the objective, repeats bit for bit, and ends for a named reason."""

import math
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import pytest
import torch
from torch import Tensor

from vae_core.config import EncoderHead, ModelConfig, TrainConfig
from vae_core.data import Dataset, load_dataset
from vae_core.elbo import ElboTerms, elbo_terms, elbo_terms_given_eps, evaluate
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.model import VAE
from vae_core.training.loop import Training, TrainStep, fit
from vae_core.training.optimizer import scheduled_beta

DIGITS: Final = load_dataset("digits")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def few(num_data: int) -> Dataset:
    return replace(DIGITS, x_train=DIGITS.x_train[:num_data].clone(), x_test=DIGITS.x_test[:50])


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
    plain_loop(plain, data.x_train, config, adam if config.optimizer == "adam" else sgd)
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

    def spy(model: VAE, x: Tensor, *rest: Any) -> ElboTerms:
        seen.append(x)
        return elbo_terms_given_eps(model, x, *rest)

    monkeypatch.setattr("vae_core.training.loop.elbo_terms_given_eps", spy)
    train(few(150), num_epochs=2, batch_size=64)
    assert [len(x) for x in seen] == [64, 64, 22, 64, 64, 22]
    for epoch in (seen[:3], seen[3:]):
        rows = torch.cat(epoch)
        assert torch.equal(rows.unique(dim=0), few(150).x_train.unique(dim=0))
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
    monkeypatch.setattr("vae_core.training.loop.penalised_kl", lambda terms, _: math.nan * terms.kl.mean())
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


def test_early_stopping_ends_and_says_so() -> None:
    model = model_of(DIGITS)
    config = TrainConfig(num_epochs=1000, patience=2, learning_rate=0.03)
    steps = list(fit(model, few(30), config, generator=seeded()))
    held_out = [step.held_out.elbo for step in steps if step.held_out is not None]
    assert steps[-1].ended == "stopped_early"
    assert [step.ended for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert steps[-1].epoch == len(held_out) < 1000
    best = max(held_out)
    assert held_out.index(best) == len(held_out) - 3
    assert train(few(30), num_epochs=2)[1][-1].ended == "finished"


def test_learning_raises_the_held_out_bound() -> None:
    model = VAE(ModelConfig(data_dim=64), generator=seeded())
    before = evaluate(model, DIGITS.x_test, num_samples=10, generator=seeded())
    for _ in fit(model, DIGITS, TrainConfig(num_epochs=20), generator=seeded()):
        pass
    after = evaluate(model, DIGITS.x_test, num_samples=10, generator=seeded())
    assert after.elbo > before.elbo + 5
