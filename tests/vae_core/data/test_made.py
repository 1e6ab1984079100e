"""Made images are what their causes say, and the causes come along through every split."""

import itertools
from typing import Final

import numpy as np
import pytest
import torch
from scipy.ndimage import center_of_mass

from vae_core.data import load_dataset
from vae_core.data.made import MADE_SETS, draw_causes, draw_sprites, draw_strokes, images_of
from vae_core.errors import BadInput

SETS: Final = tuple(MADE_SETS)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_a_sprite_has_the_area_of_its_shape(shape: int) -> None:
    """Anti-aliased edges: the grey values add up to the area of the figure."""
    sizes, angles = np.linspace(4, 8, 6), np.linspace(0, 1.5, 7)
    causes = np.array([(shape, size, angle, 15.3, 16.1) for size, angle in itertools.product(sizes, angles)])
    size = causes[:, 1]
    # A square of side 1.5 s, an ellipse of half axes 1.1 s and 0.55 s, a triangle round a circle of 0.55 s.
    expected = [(1.5 * size) ** 2, np.pi * 1.1 * 0.55 * size**2, 3 * np.sqrt(3) * (0.55 * size) ** 2][shape]
    assert draw_sprites(causes).sum(axis=1) / 255 == pytest.approx(expected, rel=0.03)


def test_a_sprite_stands_where_its_causes_say_and_turns_by_a_quarter() -> None:
    made = MADE_SETS["sprites"]
    causes = draw_causes(made, 200, generator=seeded())
    images = images_of(made, causes).reshape(-1, 32, 32).astype(float)
    centres = np.array([center_of_mass(image) for image in images]) + 0.5
    assert centres[:, ::-1] == pytest.approx(causes[:, 3:], abs=0.2)
    square, turned = draw_sprites(np.array([(0, 6.4, 0.3, 16, 16), (0, 6.4, 0.3 + np.pi / 2, 16, 16)]))
    assert np.abs(square.astype(int) - turned).max() <= 1


def test_a_stroke_is_as_long_and_as_wide_as_it_says_and_bends_to_its_side() -> None:
    straight, left, right = draw_strokes(
        np.array([(2.0, bend, 0.0, 8.0, 8.0) for bend in (0.0, -0.25, 0.25)])
    ).reshape(3, 16, 16)
    # A line of 8 x 2 pixels with round ends.
    assert straight.sum() / 255 == pytest.approx(16 + np.pi, rel=0.03)
    assert np.array_equal(left, right[::-1])
    assert center_of_mass(left)[0] < 7 < 8 < center_of_mass(right)[0]


def test_bars_are_the_union_of_rows_and_columns() -> None:
    made = MADE_SETS["bars"]
    every = np.array(list(itertools.product((0.0, 1.0), repeat=8)))
    images = images_of(made, every).reshape(-1, 8, 8)
    for causes, image in zip(every, images, strict=True):
        expected = np.zeros((8, 8), bool)
        for place in range(4):
            expected[2 * place : 2 * place + 2] |= bool(causes[place])
            expected[:, 2 * place : 2 * place + 2] |= bool(causes[4 + place])
        assert np.array_equal(image, 255 * expected)
    drawn = draw_causes(made, 8000, generator=seeded())
    assert drawn.mean(axis=0) == pytest.approx([0.25] * 8, abs=0.03)


@pytest.mark.parametrize("name", SETS)
def test_causes_are_independent_and_take_all_their_values(name: str) -> None:
    made = MADE_SETS[name]
    causes = draw_causes(made, 8000, generator=seeded())
    for cause, values in zip(made.causes, causes.T, strict=True):
        assert sorted(set(values.tolist())) == list(cause.values), cause.name
    assert np.corrcoef(causes.T) - np.eye(len(made.causes)) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("name", SETS)
def test_the_image_of_an_example_is_that_of_its_causes(name: str) -> None:
    made = MADE_SETS[name]
    data = load_dataset(name, seed=5, num_examples=300, validation=True)
    parts = (
        (data.x_train, data.factors_train),
        (data.x_test, data.factors_test),
        (data.x_validation, data.factors_validation),
    )
    for x, factors in parts:
        assert x is not None
        assert [factor.name for factor in factors] == [cause.name for cause in made.causes]
        causes = np.column_stack(
            [
                np.asarray(cause.values)[factor.values.astype(int)] if factor.names else factor.values
                for cause, factor in zip(made.causes, factors, strict=True)
            ]
        ).astype(np.float64)
        assert np.array_equal(images_of(made, causes) / np.float32(255), x[:].numpy())


def test_any_number_of_them_and_no_other_data_set_takes_one() -> None:
    assert len(load_dataset("strokes", num_examples=25).x_train) == 20
    assert len(load_dataset("circles", num_examples=1000).x_train) == 800
    with pytest.raises(BadInput, match="Handwritten digits has as many examples as there are"):
        load_dataset("digits", num_examples=100)
    with pytest.raises(BadInput, match="Sprites has no noise to change"):
        load_dataset("sprites", noise=2.0)
