"""Binarised images: 0 and 1 everywhere, drawn anew where the papers do so, and the same after a resume."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_data_of, load_dataset
from vae_core.data.binarised import binarised
from vae_core.data.byte_images import ByteImages, RedrawnImages
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.training import fit
from vae_core.training.loop import Training

MODEL = ModelConfig(data_dim=64, hidden_dims=(6,))
RUN = RunConfig(model=MODEL, binarised="stochastic", train=TrainConfig(num_epochs=4, batch_size=300))


def training(**config: object) -> Training:
    data = load_data_of(RUN)
    generator = torch.Generator().manual_seed(RUN.seed)
    model = VAE(MODEL, generator=generator)
    return Training(model, data, replace(RUN.train, **config), generator=generator)  # type: ignore[arg-type]


def seen(one: Training) -> Iterator[torch.Tensor]:
    """The mini-batches that a training takes."""
    batches: list[torch.Tensor] = []
    take = one._next_batch
    one._next_batch = lambda: batches.append(x := take()) or x  # type: ignore[method-assign]
    for _ in one.steps():
        yield batches.pop()


def test_a_threshold_cuts_at_one_half() -> None:
    grey, cut = load_dataset("digits"), load_dataset("digits", binarised="threshold")
    for before, after in ((grey.x_train, cut.x_train), (grey.x_test, cut.x_test)):
        assert torch.equal(after[:], (before[:] > 0.5).float())
    images = ByteImages(torch.arange(256, dtype=torch.uint8)[:, None])
    data = replace(grey, x_train=images, x_test=images)
    assert int(binarised(data, "threshold").x_test[:].sum()) == 128


def test_what_is_measured_is_drawn_once_with_the_grey_values_as_probabilities() -> None:
    grey, drawn = load_dataset("digits"), load_dataset("digits", binarised="stochastic")
    again = load_dataset("digits", binarised="stochastic")
    for x, y, p in (
        (drawn.x_train, again.x_train, grey.x_train),
        (drawn.x_test, again.x_test, grey.x_test),
    ):
        assert torch.equal(x[:], y[:])
        assert set(x[:].unique().tolist()) == {0.0, 1.0}
        # Sum of independent draws: within five standard deviations of the sum of their probabilities.
        p = p[:].double()
        deviation = (p * (1 - p)).sum().sqrt()
        assert abs(float((x[:].double() - p).sum())) < 5 * deviation
    assert "Burda et al. 2016" in drawn.notes[-1]


def test_the_held_out_images_of_a_set_with_two_files_are_the_same_for_each_seed() -> None:
    images = torch.randint(256, (50, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = replace(load_dataset("digits"), x_train=ByteImages(images), x_test=ByteImages(images))
    assert torch.equal(binarised(data, "stochastic").x_test[:], binarised(data, "stochastic").x_test[:])


def test_training_draws_each_image_anew_with_its_own_grey_value() -> None:
    grey = load_data_of(replace(RUN, binarised="no")).x_train[:]
    one = training(num_epochs=60)
    total = torch.zeros_like(grey)
    for x in seen(one):
        assert set(x.unique().tolist()) <= {0.0, 1.0}
        rows = one._batches.order[: one._batches.position or None]
        total[rows[-len(x) :]] += x
    p = grey.double()
    deviation = (60 * p * (1 - p)).sqrt()
    assert torch.equal(total[grey == 0].unique(), torch.tensor([0.0]))
    assert torch.equal(total[grey == 1].unique(), torch.tensor([60.0]))
    # 91 968 binomial counts: six standard deviations, and a half for the step of one.
    assert bool((abs(total - 60 * p) <= 6 * deviation + 0.5 + 3 * (deviation > 0)).all())


def test_a_resumed_training_draws_what_it_would_have_drawn() -> None:
    whole = training()
    for _ in whole.steps():
        pass
    begun = training()
    steps = begun.steps()
    for _ in range(7):  # within an epoch
        next(steps)
    tensors, scalars = begun.state()
    resumed = training()
    resumed.model.load_state_dict(begun.model.state_dict())
    resumed.load_state(tensors, scalars)
    for _ in resumed.steps():
        pass
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name


def test_a_part_of_them_is_redrawn_from_its_own_grey_values() -> None:
    data = load_dataset("digits", binarised="stochastic", validation=True)
    assert isinstance(data.x_train, RedrawnImages)
    assert data.x_validation is not None
    part = data.x_train.part(torch.tensor([3, 5]))
    assert torch.equal(part[:], data.x_train[torch.tensor([3, 5])])
    draws = torch.stack(
        [
            part.drawn(torch.tensor([1, 1]), generator=torch.Generator().manual_seed(seed))[0]
            for seed in range(200)
        ]
    )
    grey = load_dataset("digits", validation=True).x_train[5]
    assert float((draws.mean(0) - grey).abs().max()) < 0.18  # five standard deviations of 200 draws


def test_points_are_not_binarised() -> None:
    with pytest.raises(BadInput, match="points cannot be binarised"):
        load_dataset("two_moons", binarised="threshold")


def test_they_train_like_any_others() -> None:
    model = VAE(MODEL, generator=torch.Generator().manual_seed(0))
    steps = list(
        fit(model, load_data_of(RUN), TrainConfig(num_epochs=8), generator=torch.Generator().manual_seed(0))
    )
    assert steps[-1].elbo > steps[0].elbo + 5
