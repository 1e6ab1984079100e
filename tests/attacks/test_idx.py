"""IDX files that nobody vouches for: read exactly, or refused with a message of their own and flat memory."""

import gzip
import os
import struct
import tracemalloc
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_core.data import (
    BadInput,
    data_shape,
    least_training_examples,
    load_dataset,
    load_idx_folder,
    read_idx,
)
from vae_core.data.files import FOLDERS_VARIABLE, allowed_folders, folder_of, idx_sets
from vae_core.data.folder import preview_idx_folder

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
LABELS = np.array([0, 1, 0, 1, 1], np.uint8)


def header(*dims: int, type_code: int = 8) -> bytes:
    return struct.pack(f">BBBB{len(dims)}I", 0, 0, type_code, len(dims), *dims)


def idx(array: np.ndarray) -> bytes:
    return header(*array.shape) + array.tobytes()


def write(folder: Path, **files: bytes) -> Path:
    """Writes files named like ``train_images``, each in its place."""
    for name, content in files.items():
        (folder / f"{name.replace('_', '-')}-idx{3 if 'images' in name else 1}-ubyte").write_bytes(content)
    return folder


@pytest.mark.parametrize("shape", [(7,), (4, 6), (5, 3, 4)])
def test_a_file_is_read_as_it_was_written_plain_and_compressed(shape: tuple[int, ...]) -> None:
    array = np.arange(prod(shape), dtype=np.uint8).reshape(shape)
    for content in (idx(array), gzip.compress(idx(array))):
        found = read_idx(content)
        assert found.dtype == np.uint8, shape
        assert found.shape == shape
        assert np.array_equal(found, array), shape


HOSTILE = {
    "empty": (b"", "idx_empty", "is empty"),
    "empty inside gzip": (gzip.compress(b""), "idx_empty", "is empty"),
    "no images": (header(0, 28, 28), "idx_empty", r"no values \(0 x 28 x 28\)"),
    "no images of vast size": (header(0, 2**32 - 1, 2**32 - 1), "idx_empty", "no values"),
    "two bytes": (b"\0\0", "idx_short", "only 2 bytes"),
    "ends in its dimensions": (header(5, 3, 4)[:10], "idx_short", "ends within its 3 dimensions"),
    "another format": (b"\x89PNG\r\n\x1a\n", "idx_magic", "begins with the bytes 89 50 4e 47"),
    "unknown type": (header(5, type_code=0x0A), "idx_magic", "00 00 0a 01"),
    "a web page": (b"<!DOCTYPE html><title>train-images", "idx_magic", "a web page, not an IDX file"),
    "a web page inside gzip": (gzip.compress(b"\n\n <html>"), "idx_magic", "a web page, not an IDX file"),
    "32-bit floats": (header(1, type_code=0x0D) + bytes(4), "idx_type", "holds 32-bit floats"),
    "no dimension": (header(), "idx_rank", "0 dimensions"),
    "four dimensions": (header(1, 1, 1, 1) + b"\0", "idx_rank", "4 dimensions"),
    "255 dimensions": (b"\0\0\x08\xff", "idx_rank", "255 dimensions"),
    "vast": (header(2**32 - 1, 2**32 - 1, 2**32 - 1), "idx_size", "more than 600000000"),
    "just above the limit": (header(600_000_001), "idx_size", "announces 600000001 values"),
    "wide numbers above the limit": (header(150_000_001, type_code=0x0C), "idx_size", "more than 600000000"),
    "cut short": (idx(IMAGES)[:-1], "idx_truncated", "59 of its 60 values"),
    "header only": (header(10_000, 28, 28), "idx_truncated", "0 of its 7840000 values"),
    "promises much": (gzip.compress(header(600_000_000) + bytes(9)), "idx_truncated", "9 of its 600000000"),
    "too long": (idx(IMAGES) + b"\0", "idx_long", "goes on after its 60 values"),
    "gzip cut short": (gzip.compress(idx(IMAGES))[:-9], "idx_gzip", "damaged or cut short"),
    "gzip header only": (b"\x1f\x8b", "idx_gzip", "damaged or cut short"),
    "gzip with a wrong checksum": (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "idx_gzip", "damaged"),
    "gzip followed by junk": (gzip.compress(idx(IMAGES)) + b"junk", "idx_gzip", "damaged"),
    "gzip bomb without header": (
        gzip.compress(bytes(20_000_000)),
        "idx_magic",
        "begins with the bytes 00 00",
    ),
    "gzip bomb": (gzip.compress(header(10) + bytes(20_000_000)), "idx_long", "goes on after its 10 values"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_has_its_own_message_and_takes_no_memory(case: str) -> None:
    content, code, message = HOSTILE[case]
    tracemalloc.start()
    with pytest.raises(BadInput, match=message) as caught:
        read_idx(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == code, case
    assert peak < 3_000_000, (case, peak)


@pytest.mark.parametrize(("code", "dtype"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4")])
def test_whole_numbers_of_each_size_are_read(code: int, dtype: str) -> None:
    array = np.array([[-3, 100], [7, 0]]).astype(dtype)
    assert np.array_equal(read_idx(header(2, 2, type_code=code) + array.tobytes()), [[-3, 100], [7, 0]])


@given(
    start=st.sampled_from([b"", b"\0\0\x08", header(2, 2), b"\x1f\x8b", b"\x1f\x8b\x08\0"]), rest=st.binary()
)
def test_random_bytes_raise_nothing_but_bad_input(start: bytes, rest: bytes) -> None:
    with suppress(BadInput):
        assert read_idx(start + rest).size > 0


@given(place=st.integers(0, 200), value=st.integers(0, 255), cut=st.integers(0, 200))
def test_damaged_files_raise_nothing_but_bad_input(place: int, value: int, cut: int) -> None:
    content = bytearray(gzip.compress(idx(IMAGES), mtime=0))
    content[place % len(content)] = value
    with suppress(BadInput):
        read_idx(bytes(content[: cut or None]))


@pytest.mark.parametrize("ending", ["-idx3-ubyte", ".idx3-ubyte", "-idx3-ubyte.gz", ".idx3-ubyte.gz"])
def test_images_are_found_under_each_usual_name(tmp_path: Path, ending: str) -> None:
    content = idx(IMAGES)
    (tmp_path / f"train-images{ending}").write_bytes(gzip.compress(content) if "gz" in ending else content)
    data = load_idx_folder(tmp_path)
    assert data.image_shape == (3, 4)
    assert data.labels_train is None
    assert len(data.x_train) + len(data.x_test) == 5
    assert data.notes == (
        "Only one pair of files is there, so a fifth of it is held out.",
        "The folder has no labels for these images: they have no classes, and no colours.",
    )


def test_two_pairs_keep_their_parts_and_their_order(tmp_path: Path) -> None:
    write(tmp_path, train_images=idx(IMAGES), train_labels=idx(LABELS))
    write(tmp_path, t10k_images=idx(IMAGES[:2]), t10k_labels=idx(LABELS[:2]))
    data = load_dataset("idx", folder=tmp_path, seed=9)
    assert data.labels_train is not None
    assert torch.equal(data.x_train[:], torch.tensor(IMAGES).reshape(5, 12) / 255)
    assert torch.equal(data.x_test[:], data.x_train[:2])
    assert data.labels_train.tolist() == LABELS.tolist()
    assert data.class_names == ("0", "1")
    assert data.notes == ()


def test_labels_of_one_part_only_are_not_used(tmp_path: Path) -> None:
    write(tmp_path, train_images=idx(IMAGES), train_labels=idx(LABELS), t10k_images=idx(IMAGES))
    data = load_idx_folder(tmp_path)
    assert data.labels_train is data.labels_test is None
    assert data.class_names == ()
    assert data.notes == ("Labels are there for one part only, so none are used.",)


PAIR = {"train_images": idx(IMAGES), "train_labels": idx(LABELS)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "the folder has no IDX images"),
        ({"train_labels": idx(LABELS)}, "the folder has no IDX images"),
        ({"train_images": idx(LABELS)}, "train-images-idx3-ubyte holds labels, not images"),
        ({**PAIR, "train_labels": idx(IMAGES)}, "train-labels-idx1-ubyte holds images, not labels"),
        ({"train_images": idx(IMAGES[0])}, "train-images-idx3-ubyte holds a table, not images"),
        ({**PAIR, "train_labels": idx(LABELS[:4])}, "the train files hold 5 images but 4 labels"),
        ({**PAIR, "t10k_images": idx(IMAGES[:, :2])}, r"shape \(3, 4\), test images \(2, 4\)"),
        ({"train_images": idx(IMAGES[:1]), "t10k_images": idx(IMAGES)}, "only one image to train on"),
        ({"train_images": idx(IMAGES[:1])}, r"x has 1 row\(s\)"),
        ({"train_images": b"junk"}, "train-images-idx3-ubyte: this is not an IDX file"),
        ({"train_images": b"<html>", "train_labels": idx(LABELS)}, "-ubyte: this is a web page, not an IDX"),
        ({"train_images": header(1, 2, 2, type_code=12) + bytes(16)}, "holds numbers of 4 bytes, not images"),
        ({"train_images": idx(np.zeros((2, 65, 64), np.uint8))}, "4160 features, more than 4096"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why_and_lists_nothing(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    (tmp_path / "private.txt").touch()
    with pytest.raises(BadInput, match=message) as caught:
        load_idx_folder(write(tmp_path, **files))
    assert "private" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    if "holds" in message or "web page" in message:  # of the file of images, so known before Start, too
        with pytest.raises(BadInput) as previewed:
            preview_idx_folder(tmp_path, count=1)
        assert str(previewed.value) == str(caught.value)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder, message in (
        (None, "need a folder"),
        (tmp_path / "none", "does not exist"),
        (file, "is a file"),
        ("n" * 5000, "cannot be read"),
        ("nul\0", "does not exist"),
    ):
        with pytest.raises(BadInput, match=message):
            load_dataset("idx", folder=folder)


def test_only_folders_that_the_server_allows_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "data" / "mnist", tmp_path / "private"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        write(folder, **PAIR)
    (tmp_path / "data" / "link").symlink_to(outside)
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data" / "loop")
    (tmp_path / "data-of-others").symlink_to(outside)
    monkeypatch.setenv(
        FOLDERS_VARIABLE, os.pathsep.join(["", str(tmp_path / "none"), str(tmp_path / "data")])
    )
    assert load_dataset("idx", folder=inside).image_shape == data_shape("idx", folder=inside) == (3, 4)
    refused = (
        outside,
        tmp_path / "nowhere",
        tmp_path / "data" / ".." / "private",
        tmp_path / "data" / "link",
        tmp_path / "data" / "loop",
        tmp_path / "data-of-others",
        "n" * 5000,
        "nul\0",
        "",
    )
    said = set()
    for folder in refused:
        for read in (data_shape, least_training_examples, load_dataset):
            with pytest.raises(BadInput) as caught:
                read("idx", folder=folder)
            said.add(str(caught.value))
    assert len(said) == 1, "nobody learns what is there"
    monkeypatch.setenv(FOLDERS_VARIABLE, "")
    with pytest.raises(BadInput, match=f"does not let its visitors read that folder; .* {FOLDERS_VARIABLE}"):
        load_dataset("idx", folder=inside)


EMNIST: Final = "emnist-letters"
RAW: Final = ("raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte")
LAYOUTS: Final = {
    "MNIST's own": ("", ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), ""),
    "a dot before idx": ("", ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"), ""),
    "EMNIST": ("", (f"{EMNIST}-train-images-idx3-ubyte.gz", f"{EMNIST}-train-labels-idx1-ubyte.gz"), EMNIST),
    "QMNIST": ("", ("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"), "qmnist"),
    "of folders of their own": (
        "",
        (
            "train-images.idx3-ubyte/train-images.idx3-ubyte",
            "train-labels.idx1-ubyte/train-labels.idx1-ubyte",
        ),
        "",
    ),
    "torchvision": ("", (f"MNIST/{RAW[0]}", f"MNIST/{RAW[1]}"), "MNIST/raw"),
    "torchvision, one below": ("MNIST", RAW, "raw"),
    "downloaded twice": ("", ("train-images-idx3-ubyte (1).gz", "train-labels-idx1-ubyte.gz"), ""),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_are_found_wherever_people_have_them(tmp_path: Path, layout: str) -> None:
    inside, (images, labels), name = LAYOUTS[layout]
    top = tmp_path / "data"
    contents = idx(IMAGES), qmnist(LABELS) if "int" in labels else idx(LABELS)
    for file, content in zip((images, labels), contents, strict=True):
        path = top / inside / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
    (top / "notes").mkdir()
    (top / "train-images.txt").write_text("no IDX file")
    (found,) = idx_sets(top / inside)
    assert found.name == name
    data, again = load_idx_folder(top / inside), load_idx_folder(found.path)
    assert data.digest == again.digest
    assert torch.equal(data.x_train[:], again.x_train[:])
    first_pixels = torch.cat([data.x_train[:], data.x_test[:]])[:, 0]
    assert sorted(first_pixels.mul(255).int().tolist()) == [0, 12, 24, 36, 48]
    assert data.class_names == ("0", "1")
    assert data_shape("idx", folder=top / inside) == (3, 4)
    assert load_idx_folder(found.files["train", "images"]).digest == data.digest, "a file names its data set"


def qmnist(labels: np.ndarray) -> bytes:
    """Labels as QMNIST has them: 32-bit numbers, the class and seven more facts a row."""
    facts = np.full((len(labels), 8), 300, ">i4")
    facts[:, 0] = labels
    return header(*facts.shape, type_code=0x0C) + facts.tobytes()


def test_several_data_sets_in_a_folder_are_listed_and_chosen(tmp_path: Path) -> None:
    for name, images in (("letters", IMAGES), ("digits", IMAGES[:4])):
        write(tmp_path, **{f"emnist-{name}-train-images": idx(images)})
    with pytest.raises(BadInput, match="2 data sets: emnist-digits, emnist-letters; name one") as caught:
        load_dataset("idx", folder=tmp_path)
    assert caught.value.code == "folder"
    digits, letters = idx_sets(tmp_path)
    assert letters.path == tmp_path / "emnist-letters"
    assert least_training_examples("idx", folder=letters.path) == 4
    assert least_training_examples("idx", folder=digits.path) == 3
    data = load_dataset("idx", folder=str(letters.path))
    assert len(data.x_train) + len(data.x_test) == 5
    # Beside them the files of MNIST's own names are what the folder itself stands for.
    write(tmp_path, train_images=idx(IMAGES[:3]))
    assert [one.name for one in idx_sets(tmp_path)] == ["", "emnist-digits", "emnist-letters"]
    assert least_training_examples("idx", folder=tmp_path) == 2


def test_only_labels_that_occur_are_classes_and_letters_have_their_names(tmp_path: Path) -> None:
    write(tmp_path, **{"emnist-letters-train-images": idx(IMAGES), "emnist-letters-test-images": idx(IMAGES)})
    labels = np.array([1, 26, 3, 3, 1], np.uint8)
    write(tmp_path, **{"emnist-letters-train-labels": idx(labels)})
    write(tmp_path, **{"emnist-letters-test-labels": idx(labels[::-1].copy())})
    data = load_idx_folder(tmp_path)
    assert data.class_names == ("1", "3", "26")
    assert data.labels_train is not None
    assert data.labels_test is not None
    assert data.labels_train.tolist() == [0, 2, 1, 1, 0]
    assert data.labels_test.tolist() == [0, 1, 1, 2, 0]
    mapping = tmp_path / "emnist-letters-mapping.txt"
    mapping.write_text("1 65 97\n3 67 99\n26 90 122\n")
    assert load_idx_folder(tmp_path).class_names == ("Aa", "Cc", "Zz")
    assert preview_idx_folder(tmp_path, count=2).class_names == ("Aa", "Cc", "Zz")
    for broken in ("1 65\n", "3 7 8\n", "1 -1\n", "junk", "1 99999999999\n"):
        mapping.write_text(broken)
        assert load_idx_folder(tmp_path).class_names == ("1", "3", "26"), broken


def test_images_on_their_side_are_said_and_set_upright(tmp_path: Path) -> None:
    write(tmp_path, **{"emnist-digits-train-images": idx(IMAGES)})
    on_side = "EMNIST stores its images on their side: transposed, they stand upright."
    plain, upright = load_idx_folder(tmp_path), load_idx_folder(tmp_path, transpose=True)
    assert on_side in plain.notes
    assert on_side not in upright.notes
    assert (plain.image_shape, upright.image_shape) == ((3, 4), (4, 3))
    assert data_shape("idx", folder=tmp_path, transpose=True) == (4, 3)
    turned = plain.x_train[:].reshape(-1, 3, 4).transpose(1, 2).reshape(-1, 12)
    assert torch.equal(upright.x_train[:], turned)
    assert plain.digest != upright.digest, "caches and runs know data by it"
    for transpose, shape in ((False, (2, 3, 4)), (True, (2, 4, 3))):
        shown = preview_idx_folder(tmp_path, count=2, transpose=transpose)
        assert shown.images.shape == shape
        assert np.array_equal(shown.images, IMAGES[:2].transpose(0, 2, 1) if transpose else IMAGES[:2])


def test_a_preview_says_what_the_data_set_would(tmp_path: Path) -> None:
    write(tmp_path, train_images=idx(IMAGES), train_labels=idx(LABELS), t10k_images=idx(IMAGES[:2]))
    found, data = preview_idx_folder(tmp_path, count=100), load_idx_folder(tmp_path)
    assert (found.num_images, found.notes, found.class_names) == ((5, 2), data.notes, data.class_names)
    assert np.array_equal(found.images, IMAGES)
    write(tmp_path, t10k_labels=idx(LABELS[:2]))
    found, data = preview_idx_folder(tmp_path, count=1), load_idx_folder(tmp_path)
    assert (found.notes, found.class_names) == (data.notes, data.class_names) == ((), ("0", "1"))


def test_the_digest_is_of_the_content_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    write(one, **PAIR)
    for name, content in (("images-idx3", idx(IMAGES)), ("labels.idx1", idx(LABELS))):
        (other / f"fashion-train-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    digest = load_idx_folder(one).digest
    assert len(digest) == 64
    assert load_idx_folder(other, seed=5).digest == digest
    exchanged = LABELS.copy()
    exchanged[0] = 1
    for changed in ({"train_labels": idx(exchanged)}, {"train_images": idx(IMAGES[::-1].copy())}):
        write(one, **PAIR)
        assert load_idx_folder(write(one, **changed)).digest != digest, changed
    assert load_dataset("digits").digest == load_dataset("two_moons").digest == ""


@pytest.mark.parametrize("form", ["{}", " {}\n", '"{}"', "'{}'", '" {} "', "{}/"])
def test_a_path_is_taken_as_people_paste_it(tmp_path: Path, form: str) -> None:
    folder = tmp_path / ("long " * 40) / "MNIST images"
    folder.mkdir(parents=True)
    write(folder, **PAIR)
    assert len(str(folder)) > 200
    assert load_dataset("idx", folder=form.format(folder)).image_shape == (3, 4)


def test_the_home_folder_and_a_relative_path_are_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert folder_of("~/mnist") == folder_of("mnist") == tmp_path / "mnist"
    assert folder_of("~somebody who is not here/mnist") == tmp_path / "~somebody who is not here/mnist"
    assert folder_of('""') is folder_of(" ") is None
    (tmp_path / "mnist").mkdir()
    write(tmp_path / "mnist", **PAIR)
    monkeypatch.setenv(FOLDERS_VARIABLE, "~/mnist")
    assert allowed_folders() == (tmp_path / "mnist",)
    assert load_dataset("idx", folder="~/mnist").digest == load_dataset("idx", folder="mnist").digest


def test_what_is_below_an_allowed_folder_is_listed_but_not_where_its_links_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, outside = tmp_path / "data", tmp_path / "private"
    for folder in (allowed / "mnist", outside):
        folder.mkdir(parents=True)
        write(folder, **PAIR)
    (allowed / "link").symlink_to(outside)
    (allowed / "loop").symlink_to(allowed / "loop")
    (allowed / "closed").mkdir(mode=0)
    monkeypatch.setenv(FOLDERS_VARIABLE, str(allowed))
    assert [one.name for one in idx_sets(allowed)] == ["mnist"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_what_never_ends_is_no_file_of_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train-images-idx3-ubyte")
    (tmp_path / "t10k-images-idx3-ubyte").symlink_to("/dev/zero")
    (tmp_path / "train-labels-idx1-ubyte").mkdir()
    os.mkfifo(tmp_path / "train-labels-idx1-ubyte" / "train-labels-idx1-ubyte")
    for folder in (tmp_path, Path("/dev"), Path("/dev/zero")):
        with pytest.raises(BadInput, match=r"the folder has no IDX images|is a file"):
            load_idx_folder(folder)


def test_mnist_is_read_whole() -> None:
    folder = os.environ.get("VAE_TEST_IDX_DIR")
    if not folder:
        pytest.skip("set VAE_TEST_IDX_DIR to a folder with the four MNIST files to run this")
    data = load_dataset("idx", folder=folder)
    assert data.labels_train is not None
    assert data.x_train.shape == (60000, 784)
    assert data.x_test.shape == (10000, 784)
    assert data.labels_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.labels_train.bincount()[:2].tolist() == [5923, 6742]
    assert abs(data.x_train[:].mean() - 0.1307) < 1e-4
    assert abs(data.x_train[:].std() - 0.3081) < 1e-4
