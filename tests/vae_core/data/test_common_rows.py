"""Examples that several splits of the same data hold out together."""

import torch

from vae_core.data import load_dataset
from vae_core.data.split import common_rows


def test_only_what_all_hold_out_is_compared_and_nothing_that_one_trained_on() -> None:
    splits = [load_dataset("digits", seed=seed) for seed in (0, 1)]
    rows = common_rows([split.x_test for split in splits])
    one, other = (split.x_test[index] for split, index in zip(splits, rows, strict=True))
    assert torch.equal(one, other)
    assert 40 < len(one) < 110  # a fifth of a fifth of 1797 is 72
    for split in splits:
        assert not (one[:, None] == split.x_train[:][None]).all(-1).any()


def test_the_same_part_is_compared_as_it_stands() -> None:
    part = load_dataset("digits", seed=0).x_test[:]
    rows = common_rows([part, part.clone(), part])
    assert all(torch.equal(index, torch.arange(len(part))) for index in rows)


def test_other_data_have_nothing_in_common() -> None:
    moons, digits = (load_dataset(name, seed=0).x_test for name in ("two_moons", "digits"))
    assert [len(index) for index in common_rows([digits, moons])] == [0, 0]
    again = load_dataset("two_moons", seed=1).x_test
    assert len(common_rows([moons, again])[0]) == 0


def test_of_equal_examples_each_is_compared_once() -> None:
    one, other = torch.tensor([[1.0], [2.0], [1.0]]), torch.tensor([[2.0], [1.0], [1.0], [2.0]])
    assert [rows.tolist() for rows in common_rows([one, other])] == [[0, 1], [1, 0]]
