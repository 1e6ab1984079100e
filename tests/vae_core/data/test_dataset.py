"""Data sets are what they claim: values, splits, geometry, and refusals that say what is wrong."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from vae_core.data import (
    DATASET_INFO,
    DATASETS,
    BadInput,
    Dataset,
    from_arrays,
    least_training_examples,
    load_dataset,
    with_validation,
)

BUILT_IN = tuple(name for name in DATASETS if name != "idx")
POINTS = tuple(name for name in BUILT_IN if DATASET_INFO[name].kind == "points")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def both(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    assert data.labels_train is not None
    assert data.labels_test is not None
    return torch.cat([data.x_train[:], data.x_test[:]]), torch.cat([data.labels_train, data.labels_test])


def numbered_rows(count: int) -> NDArray[np.float32]:
    """Rows that tell their number, shape (count, 2)."""
    return np.stack([np.arange(count), -np.arange(count)], axis=1).astype(np.float32)


def test_a_validation_part_is_a_tenth_of_the_training_part_of_each_class_its_share() -> None:
    whole, data = load_dataset("digits", seed=3), load_dataset("digits", seed=3, validation=True)
    assert data.x_validation is not None
    assert data.labels_validation is not None
    assert data.labels_train is not None
    assert whole.labels_train is not None
    assert [len(part) for part in (data.x_train, data.x_validation, data.x_test)] == [1293, 144, 360]
    assert least_training_examples("digits", validation=True) == 1293
    assert torch.equal(data.x_test[:], whole.x_test[:])
    shares = torch.bincount(data.labels_validation) - torch.bincount(whole.labels_train) * 144 / 1437
    assert shares.abs().max() <= 1
    both_parts = torch.cat((data.x_train[:], data.x_validation[:]))
    assert sorted(map(tuple, both_parts.tolist())) == sorted(map(tuple, whole.x_train[:].tolist()))
    again = with_validation(whole, seed=3)
    assert again.x_validation is not None
    assert torch.equal(again.x_validation[:], data.x_validation[:])
    other = with_validation(whole, seed=4)
    assert other.x_validation is not None
    assert not torch.equal(other.x_validation[:], data.x_validation[:])


@pytest.mark.parametrize("labels", ["none", "two", "each its own", "many of one"])
@pytest.mark.parametrize("count", [50, 250])
def test_a_validation_part_of_any_classes_has_its_size_and_leaves_the_order(labels: str, count: int) -> None:
    numbers = np.arange(count)
    classes = {
        "none": None,
        "two": numbers % 2,
        "each its own": numbers,
        "many of one": np.where(numbers < count - 5, numbers, count - 5),
    }[labels]
    whole = from_arrays("rows", numbered_rows(count), classes, generator=seeded())
    data = with_validation(whole, seed=1)
    assert data.x_validation is not None
    assert len(data.x_validation) == max(20, -(-len(whole.x_train) // 10))
    left = [row for row in whole.x_train[:].tolist() if row not in data.x_validation[:].tolist()]
    assert data.x_train[:].tolist() == left
    assert torch.equal(data.x_test[:], whole.x_test[:])
    if labels != "none":
        assert data.labels_validation is not None
        assert classes is not None
        expected = [classes[int(row[0])] for row in data.x_validation[:].tolist()]
        assert data.labels_validation.tolist() == expected


def test_importing_the_package_imports_neither_torch_nor_scikit_learn() -> None:
    code = "import sys, vae_core.data as d; d.DATASET_INFO; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_data_set_is_what_its_information_says(name: str) -> None:
    data = load_dataset(name)
    assert len(data.x_train) == least_training_examples(name)
    x, labels = both(data)
    assert data.name == name == DATASET_INFO[name].name
    assert data.kind == DATASET_INFO[name].kind, name
    assert (DATASET_INFO[name].default_likelihood == "gaussian") == (data.kind == "points"), name
    assert x.dtype == torch.float32, name
    assert labels.dtype == torch.int64, name
    assert data.x_train[:].is_contiguous(), name
    assert data.x_test[:].is_contiguous(), name
    assert x.shape == (len(labels), data.data_dim), name
    assert f"{len(x):,} " in DATASET_INFO[name].sentence
    assert sorted(set(labels.tolist())) == list(range(len(data.class_names))), name
    assert data.notes == (), name


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_seed_decides_every_bit(name: str) -> None:
    first, again, other = load_dataset(name, seed=3), load_dataset(name, seed=3), load_dataset(name, seed=4)
    for one, same in zip(both(first), both(again), strict=True):
        assert torch.equal(one, same), name
    assert not torch.equal(first.x_train[:], other.x_train[:]), name


def test_digits_are_those_of_scikit_learn() -> None:
    data = load_dataset("digits")
    pixels, labels = load_digits(return_X_y=True)
    assert data.labels_train is not None
    assert data.labels_test is not None
    found = np.concatenate(
        [
            np.column_stack([data.x_train[:].numpy() * 16, data.labels_train.numpy()]),
            np.column_stack([data.x_test[:].numpy() * 16, data.labels_test.numpy()]),
        ]
    )
    expected = np.column_stack([pixels, labels])
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_digits_are_loaded_without_what_a_worker_does_not_need() -> None:
    code = "import sys; from vae_core.data import load_dataset; load_dataset('digits'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "scipy", "pandas"} & set(modules.stdout.split())


def test_digits_are_images_with_pixels_in_the_unit_interval() -> None:
    data = load_dataset("digits")
    x, _ = both(data)
    assert (len(data.x_train), len(data.x_test)) == (1437, 360)
    assert data.image_shape == (8, 8)
    assert (x.min(), x.max()) == (0, 1)
    assert data.class_names == tuple("0123456789")


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_class_gives_its_share_of_the_held_out_part(name: str) -> None:
    data = load_dataset(name, seed=5)
    assert data.labels_test is not None
    sizes = both(data)[1].bincount()
    assert ((data.labels_test.bincount() - 0.2 * sizes).abs() < 1).all(), name


@pytest.mark.parametrize("name", POINTS)
def test_points_have_about_unit_scale(name: str) -> None:
    x, _ = both(load_dataset(name))
    assert x.mean(dim=0).abs().max() < 0.3, name
    assert 0.9 < x.var(dim=0).mean() < 1.2, name


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    fraction=st.sampled_from([0.07, 0.2, 0.33, 0.5]),
    seed=st.integers(0, 2**63 - 1),
)
def test_a_split_loses_and_repeats_nothing_and_is_fair(labels: list[int], fraction: float, seed: int) -> None:
    x = numbered_rows(len(labels))
    data = from_arrays("t", x, np.array(labels), generator=seeded(seed), held_out_fraction=fraction)
    assert data.labels_train is not None
    assert data.labels_test is not None
    rows, classes = both(data)
    assert sorted(rows[:, 0].tolist()) == list(range(len(labels)))
    assert [int(data.class_names[c]) for c in classes] == [labels[int(row)] for row in rows[:, 0]]
    assert len(data.x_train) >= 1
    assert len(data.x_test) >= 1
    sizes, held_out = classes.bincount(), data.labels_test.bincount(minlength=5)
    for c, size in enumerate(sizes.tolist()):
        assert abs(held_out[c] - fraction * size) < 1, c
        assert size != 1 or held_out[c] == 0 or sizes.max() == 1, c


def test_held_out_rows_come_mixed_and_not_class_by_class() -> None:
    labels = np.repeat(np.arange(4), 100)
    data = from_arrays("t", numbered_rows(400), labels, generator=seeded())
    assert data.labels_train is not None
    assert data.labels_test is not None
    for part in (data.labels_train, data.labels_test):
        assert len(set(part[:12].tolist())) > 1


def test_the_held_out_share_is_rounded_up_but_not_for_an_error_of_rounding() -> None:
    for count, fraction, expected in ((100, 0.07, 7), (101, 0.07, 8), (2, 0.01, 1)):
        data = from_arrays("t", numbered_rows(count), generator=seeded(), held_out_fraction=fraction)
        assert len(data.x_test) == expected, (count, fraction)


def test_labels_that_are_all_different_are_no_ground_for_a_split() -> None:
    data = from_arrays("t", numbered_rows(10), np.arange(10), generator=seeded())
    assert len(data.x_test) == 2
    assert data.notes == ("Every class has one member, so the split ignores the labels.",)


def test_numpy_and_torch_in_any_number_type_give_the_same_data() -> None:
    x = np.arange(40).reshape(10, 4) % 7
    expected = from_arrays("t", x, generator=seeded())
    for given_x in (x.astype(">i2"), np.asfortranarray(x, np.float64), torch.tensor(x).bfloat16()):
        data = from_arrays("t", given_x, generator=seeded())
        assert torch.equal(data.x_train[:], expected.x_train[:]), given_x.dtype
    assert expected.labels_train is None
    assert expected.class_names == ()


def test_images_are_flattened_and_their_shape_remembered() -> None:
    images = np.linspace(0, 1, 60).reshape(5, 3, 4)
    stacked = from_arrays("t", images, generator=seeded())
    flat = from_arrays("t", images.reshape(5, 12), image_shape=(3, 4), generator=seeded())
    assert stacked.image_shape == flat.image_shape == (3, 4)
    assert torch.equal(stacked.x_train[:], flat.x_train[:])
    assert stacked.kind == "images"


def test_what_was_given_is_neither_changed_nor_shared() -> None:
    x, labels = torch.rand(10, 4, generator=seeded()), torch.arange(10) % 2
    before = x.clone()
    data = from_arrays("t", x, labels, generator=seeded())
    data.x_train[:].zero_()
    assert torch.equal(x, before)


def test_a_constant_column_is_said() -> None:
    x = numbered_rows(10)
    x[:, 1] = 3
    assert from_arrays("t", x, generator=seeded()).notes == (
        "1 of 2 columns are constant and carry no information.",
    )


BROKEN = numbered_rows(6)
BROKEN[1] = np.nan
BROKEN[4, 0] = np.inf
UNIT = np.full((4, 6), 0.5)


@pytest.mark.parametrize(
    ("x", "labels", "image_shape", "message"),
    [
        (BROKEN, None, None, "3 values that are NaN, infinite or beyond float32, in 2 rows"),
        (
            np.array([[1e300], [0.0]]),
            None,
            None,
            "1 values that are NaN, infinite or beyond float32, in 1 rows",
        ),
        (UNIT * 510, None, (2, 3), "found 255 to 255; divide by 255"),
        (UNIT - 1, None, (2, 3), "found -0.5 to -0.5; rescale"),
        (UNIT * 32, None, (2, 3), "found 16 to 16; rescale"),
        (UNIT, None, (2, 2), r"images of shape \(2, 2\) do not fit x of shape \(4, 6\)"),
        (UNIT, None, (-2, -3), "do not fit"),
        (UNIT.reshape(4, 2, 3), None, (3, 2), "do not fit"),
        (UNIT[0], None, None, r"x has the shape \(6,\)"),
        (UNIT[:, :0], None, None, r"x has the shape \(4, 0\)"),
        (UNIT[:1], None, None, r"x has 1 row\(s\)"),
        (np.zeros((2, 4097)), None, None, "4097 features, more than 4096"),
        (np.array([["a"], ["b"]]), None, None, "x holds <U1 values"),
        (UNIT * 1j, None, None, "x holds complex128 values"),
        (UNIT, np.arange(3), None, r"labels have the shape \(3,\) for 4 rows"),
        (UNIT, np.arange(4) / 2, None, "labels are float64 values"),
        (np.zeros((1001, 1)), np.arange(1001), None, "1,001 different labels, more than 1,000"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused_with_what_was_found(
    x: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    image_shape: tuple[int, int] | None,
    message: str,
) -> None:
    with pytest.raises(BadInput, match=message):
        from_arrays("t", x, labels, image_shape=image_shape, generator=seeded())


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan"), 0.9])
def test_a_share_that_leaves_nothing_on_one_side_is_refused(fraction: float) -> None:
    with pytest.raises(BadInput) as caught:
        from_arrays("t", UNIT[:2], generator=seeded(), held_out_fraction=fraction)
    assert caught.value.code == "held_out_fraction"


def test_each_label_that_occurs_is_a_class_and_no_other() -> None:
    for labels, names in (
        (np.array([26, 1, 1, 26]), ("1", "26")),
        (np.array([-1, 0, 1, -1]), ("-1", "0", "1")),
        (np.array([0, 0, 0, 2**64 - 1], np.uint64), ("0", "18446744073709551615")),
    ):
        data = from_arrays("t", numbered_rows(4), labels, generator=seeded(), held_out_fraction=0.5)
        assert data.class_names == names
        x, classes = both(data)
        assert [int(names[c]) for c in classes] == [int(labels[int(row)]) for row in x[:, 0]]


def test_more_labels_than_class_names_are_refused() -> None:
    with pytest.raises(BadInput, match="labels must lie in 0 to 1, found 0 to 3"):
        from_arrays("t", UNIT, np.arange(4), generator=seeded(), class_names=("a", "b"))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BadInput, match=", ".join(DATASETS)):
        load_dataset("mnist")


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(BadInput, match="seed must lie in"):
        load_dataset("two_moons", seed=seed)
