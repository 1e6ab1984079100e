"""Images stay bytes in memory, and nothing that is computed of them tells."""

import shutil
import struct
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import Dataset, from_arrays, load_idx_folder, with_validation
from vae_core.data.byte_images import ByteImages, Examples, part_of, pieces_of
from vae_core.data.split import common_rows
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs.driver import open_training
from vae_core.runs.observer import Observer
from vae_core.training.loop import Training

VALUES = torch.from_numpy(np.random.default_rng(0).permutation(np.arange(768) % 256).astype(np.uint8))


def images(num_columns: int = 3) -> tuple[ByteImages, Tensor]:
    """All 256 bytes three times, and what NumPy makes of them."""
    values = VALUES.reshape(-1, num_columns)
    numbers = values.numpy().astype(np.float32)
    numbers /= 255
    return ByteImages(values), torch.from_numpy(numbers)


def test_whatever_is_taken_of_them_is_what_a_tensor_would_give_bit_for_bit() -> None:
    bytes_, numbers = images()
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(1))
    mask = numbers[order][:, 0] > 0.4
    turned = (bytes_.part(order), numbers[order])
    again = (turned[0].part(mask), turned[1][mask])
    every = (again[0].part(slice(3, None, 2)), again[1][3::2])
    for found, expected in ((bytes_, numbers), turned, again, every):
        few = torch.tensor([4, 0, 4, len(expected) - 1])
        assert found.shape == expected.shape
        assert len(found) == len(expected)
        assert torch.equal(found[:], expected)
        assert torch.equal(found[2:9], expected[2:9])
        assert torch.equal(found[-1], expected[-1])
        assert torch.equal(found[few], expected[few])
        assert torch.equal(found[expected[:, 1] < 0.5], expected[expected[:, 1] < 0.5])
        assert torch.equal(found.index_select(0, few), expected[few])
        assert torch.equal(torch.cat(list(found.split(7))), expected)
        assert torch.equal(torch.cat(list(pieces_of(found))), expected)
        assert [len(part) for part in found.split(7)] == [len(part) for part in expected.split(7)]
    with pytest.raises(TypeError, match="a number, a slice or a tensor"):
        bytes_[np.array([1])]  # type: ignore[index]


def test_parts_share_the_bytes() -> None:
    values = VALUES.clone().reshape(-1, 3)
    whole = ByteImages(values)
    data = with_validation(
        from_arrays("t", whole, image_shape=(1, 3), generator=torch.Generator().manual_seed(0)), seed=0
    )
    values.fill_(255)
    for part in (data.x_train, data.x_test, data.x_validation):
        assert part is not None
        assert bool((part[:] == 1).all())


def both_kinds() -> tuple[Dataset, Dataset]:
    """The same images, split alike, kept as bytes and as numbers."""
    bytes_, numbers = images(8)
    labels = np.arange(len(numbers)) % 3
    found = [
        from_arrays("t", x, labels, image_shape=(2, 4), generator=torch.Generator().manual_seed(0))
        for x in (bytes_, numbers)
    ]
    return found[0], found[1]


def test_a_training_on_bytes_is_that_on_numbers_bit_for_bit() -> None:
    weights, bounds, histories = [], [], []
    for data in both_kinds():
        generator = torch.Generator().manual_seed(0)
        model = VAE(ModelConfig(data_dim=8, hidden_dims=(16,)), generator=generator)
        config = TrainConfig(num_epochs=3, batch_size=7, patience=5)
        training = Training(model, data, config, generator=generator)
        observer = Observer(training, seed=0)
        for step in training.steps():
            observer.add(step)
        weights.append(torch.cat([one.detach().flatten() for one in model.parameters()]))
        bounds.append(evaluate(model, data.x_train, generator=generator).elbo)
        histories.append(observer.look().history)
    assert torch.equal(*weights)
    assert bounds[0] == bounds[1]
    np.testing.assert_array_equal(*histories)


def test_examples_of_both_kinds_are_compared_by_their_values() -> None:
    bytes_, numbers = images(8)
    order = torch.arange(len(numbers)).flip(0)
    kinds: list[Examples] = [bytes_, numbers]
    assert [rows.tolist() for rows in common_rows(kinds)] == [list(range(len(numbers)))] * 2
    rows = common_rows([bytes_.part(order), part_of(numbers, slice(4))])
    assert torch.equal(bytes_.part(order)[rows[0]], numbers[rows[1]])
    assert sorted(rows[1].tolist()) == [0, 1, 2, 3]


def write_images(folder: Path, count: int, side: int, *, type_code: int = 8) -> Path:
    """A training part alone, which is split, so that each row moves."""
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 128, (min(count, _AT_ONCE), side * side), np.uint8)
    with (folder / "train-images-idx3-ubyte").open("wb") as file:
        file.write(struct.pack(">2x2B3I", type_code, 3, count, side, side))
        for start in range(0, count, _AT_ONCE):
            file.write(pixels[: count - start].data)  # the same ones again: to make others takes longer
    return folder


def test_signed_bytes_are_pixels_where_none_is_negative(tmp_path: Path) -> None:
    plain = load_idx_folder(write_images(tmp_path / "plain", 9, 4))
    signed = write_images(tmp_path / "signed", 9, 4, type_code=9)
    assert torch.equal(load_idx_folder(signed).x_train[:], plain.x_train[:])
    path = signed / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(BadInput, match="pixels must lie in 0 to 255, found -1"):
        load_idx_folder(signed)


_AT_ONCE = 20_000
_PROCESS = """
import sys
from pathlib import Path
from tests.vae_core.data.test_byte_images import peak, train_a_little

train_a_little(Path(sys.argv[1]))
before = peak()
train_a_little(Path(sys.argv[2]))
print(before, peak())
"""


def peak() -> int:
    """Most bytes that this process ever had in memory."""
    # getrusage would count what the process that started this one had, too.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


def train_a_little(folder: Path) -> None:
    """Loads the data turned, sets a validation part aside, looks, trains, looks again."""
    config = RunConfig(
        dataset="idx",
        data_folder=str(folder),
        data_transposed=True,
        model=ModelConfig(data_dim=784, hidden_dims=(16,)),
        train=TrainConfig(num_epochs=1, patience=3),
    )
    training = open_training(config, None)
    observer = Observer(training, seed=0)
    for step in islice(training.steps(), 5):
        observer.add(step)
    observer.look()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its own peak")
def test_a_training_process_takes_a_byte_a_value_at_its_peak(tmp_path: Path) -> None:
    """600,000 images: at most 1.1 bytes a value while they are read, turned, split, observed and trained on.

    With PyTorch and all else the process stays within 2 GB.
    """
    few, many = 6_000, 600_000
    folders = [write_images(tmp_path / f"{count}", count, 28) for count in (few, many)]
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, *map(str, folders)], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert after - before < 1.1 * (many - few) * 784, done.stdout
    assert after - before > 0.9 * (many - few) * 784, "the images were in memory"
    assert after < 2 * 10**9, done.stdout
    shutil.rmtree(folders[1])  # half a gigabyte
