"""A folder with the four files of MNIST, or of a relative of it, as a data set."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.byte_images import ByteImages
from vae_core.data.dataset import Dataset, check_features, compact_labels, from_arrays, seeded_generator
from vae_core.data.files import Content, IdxSet, Part, check_content, find_idx_set, named_errors
from vae_core.data.idx import MAX_BYTES, IdxHeader, read_idx_file, read_idx_header, read_idx_start
from vae_core.errors import BadInput

NO_LABELS: Final = "The folder has no labels for these images: they have no classes, and no colours."
LABELS_OF_ONE_PART: Final = "Labels are there for one part only, so none are used."
ONE_PAIR: Final = "Only one pair of files is there, so a fifth of it is held out."
ON_THEIR_SIDE: Final = "EMNIST stores its images on their side: transposed, they stand upright."
_MAX_MAPPING_BYTES: Final = 10_000
_AT_ONCE: Final = 1000
"""Images that are turned together."""


class _Images(NamedTuple):
    """Images, shape (n, height, width), and their labels, shape (n,), as stored."""

    images: NDArray[np.uint8]
    labels: NDArray[Any] | None


class Preview(NamedTuple):
    """What a folder holds, without its images.

    Arguments:
        images: The first ones, shape (n, height, width).
        num_images: How many there are of each part that is there, the training part first.
        class_names: Of the labels; empty where none are used.
        notes: Sentences that the user should read before training.
    """

    images: NDArray[np.uint8]
    num_images: tuple[int, ...]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def load_idx_folder(folder: Path | str, *, seed: int = 0, transpose: bool = False) -> Dataset:
    """Loads the images and labels of MNIST's files, or of a relative's files of such names.

    With both parts, ``t10k`` (or ``test``) is the held-out one and every row keeps its place; a single part
    is split. Classes are the labels that occur, in their order: 1 to 26 are 26 classes.

    Arguments:
        folder: Where the files are; see :func:`vae_core.data.files.find_idx_set`. Labels may be missing.
        seed: Seed of the split of a single part.
        transpose: Whether rows and columns of each image are exchanged: EMNIST's lie on their side.

    Raises:
        BadInput: The folder or one of the files cannot be used; the message lists nothing else that is there.

    Example:
        >>> load_idx_folder("no_such_folder")
        Traceback (most recent call last):
        vae_core.errors.BadInput: the folder of the IDX files does not exist; check its spelling.
    """
    generator = seeded_generator(seed)
    found = find_idx_set(folder)
    parts: dict[Part, _Images] = {part: _read_part(found, part) for part in _parts_of(found)}
    digest = _digest(parts, transpose=transpose)
    if transpose:
        parts = {name: part._replace(images=_transposed(part.images)) for name, part in parts.items()}
    names = _mapped_names(found)
    first, *others = parts.values()
    data = _both(first, others[0], names) if others else _single(first, names, generator)
    return replace(data, digest=digest, notes=data.notes + _notes(found, transpose=transpose))


def preview_idx_folder(folder: Path | str | None, *, count: int, transpose: bool = False) -> Preview:
    """What a folder holds: its first images and all of its labels are read, no more.

    Arguments:
        folder: As for :func:`load_idx_folder`.
        count: How many images.
        transpose: Whether their rows and columns are exchanged.

    Raises:
        BadInput: As :func:`load_idx_folder`, as far as it shows in what is read here.
    """
    found = find_idx_set(folder)
    sizes, labels, images = [], [], None
    for part in _parts_of(found):
        path = found.files[part, "images"]
        with named_errors(path), path.open("rb") as file:
            header = read_idx_header(file)
            file.seek(0)
            start = read_idx_start(file, count) if images is None else images
        check_content(path, header, "images")
        sizes.append(header.dims[0])
        images = start
        labels.append(_read_labels(found, part, header.dims[0]))
    assert images is not None  # or it would be no data set
    known = [part for part in labels if part is not None]
    names: tuple[str, ...] = ()
    if known and len(known) == len(labels):
        names = compact_labels(known, _mapped_names(found))[1]
    notes = _notes(found, transpose=transpose)
    return Preview(images.transpose(0, 2, 1) if transpose else images, tuple(sizes), names, notes)


def _notes(found: IdxSet, *, transpose: bool) -> tuple[str, ...]:
    """What is to be said of a data set, seen from its files."""
    parts = _parts_of(found)
    labelled = sum((part, "labels") in found.files for part in parts)
    said = [ONE_PAIR] if len(parts) == 1 else []
    if labelled < len(parts):
        said.append(LABELS_OF_ONE_PART if labelled else NO_LABELS)
    if found.prefix.lower().startswith("emnist") and not transpose:
        said.append(ON_THEIR_SIDE)
    return tuple(said)


def _parts_of(found: IdxSet) -> list[Part]:
    """The parts of which there are images, the training part first."""
    parts: tuple[Part, Part] = ("train", "test")
    return [part for part in parts if (part, "images") in found.files]


def _read_part(found: IdxSet, part: Part) -> _Images:
    images = _read(found.files[part, "images"], "images")
    return _Images(images, _read_labels(found, part, len(images)))


def _read_labels(found: IdxSet, part: Part, num_images: int) -> NDArray[Any] | None:
    """One label an image; None where the file is missing."""
    path = found.files.get((part, "labels"))
    if path is None:
        return None
    labels = _read(path, "labels")
    if len(labels) != num_images:
        message = f"the {part} files hold {num_images} images but {len(labels)} labels"
        raise BadInput("idx_count", message, "take both files from the same data set")
    return labels if labels.ndim == 1 else labels[:, 0]


def _read(path: Path, content: Content) -> NDArray[Any]:
    with named_errors(path):
        if path.stat().st_size > MAX_BYTES:
            raise BadInput("idx_size", f"the file is larger than {MAX_BYTES} bytes", "use fewer images")
        with path.open("rb") as file:
            array = read_idx_file(file)
    check_content(path, IdxHeader(array.shape, array.dtype), content)
    return array


def _digest(parts: dict[Part, _Images], *, transpose: bool) -> str:
    """SHA-256 of what the files hold and how it stands: the same however they are named or compressed."""
    digest = hashlib.sha256(b"transposed" if transpose else b"")
    for name, part in parts.items():
        for array in part:
            shape = None if array is None else array.shape
            digest.update(f"{name} {shape} ".encode())
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _mapped_names(found: IdxSet) -> dict[int, str]:
    """Class names by label, from the file beside EMNIST's that gives the letters of each: ``1 65 97``."""
    path = next(iter(found.files.values())).with_name(f"{found.prefix}-mapping.txt")
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_MAPPING_BYTES).decode("ascii")
        rows = [[int(word) for word in line.split()] for line in text.splitlines() if line.strip()]
        return {label: "".join(map(chr, letters)) for label, *letters in rows}
    except (OSError, ValueError, OverflowError):
        return {}


def _single(part: _Images, names: dict[int, str], generator: torch.Generator) -> Dataset:
    classes, class_names = (None, ()) if part.labels is None else compact_labels([part.labels], names)
    labels = None if classes is None else classes[0]
    x, shape = _rows(part.images), _shape(part)
    return from_arrays("idx", x, labels, image_shape=shape, generator=generator, class_names=class_names)


def _both(train: _Images, held_out: _Images, names: dict[int, str]) -> Dataset:
    if _shape(train) != _shape(held_out):
        message = f"train images have the shape {_shape(train)}, test images {_shape(held_out)}"
        raise BadInput("idx_shape", message, "take both files from the same data set")
    if len(train.images) < 2:
        raise BadInput("x", "there is only one image to train on", "take a data set with more images")
    labels, class_names = (None, None), ()
    if train.labels is not None and held_out.labels is not None:
        classes, class_names = compact_labels([train.labels, held_out.labels], names)
        labels = torch.from_numpy(classes[0]), torch.from_numpy(classes[1])
    return Dataset(
        name="idx",
        x_train=_rows(train.images),
        x_test=_rows(held_out.images),
        labels_train=labels[0],
        labels_test=labels[1],
        image_shape=_shape(train),
        class_names=class_names,
        notes=(),
    )


def _shape(part: _Images) -> tuple[int, int]:
    return part.images.shape[1], part.images.shape[2]


def _rows(images: NDArray[np.uint8]) -> ByteImages:
    check_features(images.shape[1] * images.shape[2])
    if images.dtype != np.uint8:
        low = int(images.min())
        if low < 0:
            message = f"pixels must lie in 0 to 255, found {low}"
            raise BadInput("x", message, "store them as unsigned bytes")
        images = images.view(np.uint8)
    return ByteImages(torch.from_numpy(images.reshape(len(images), -1)))


def _transposed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Exchanges rows and columns of each image, in the memory that they have."""
    count, height, width = images.shape
    turned = images.reshape(count, width, height)
    for start in range(0, count, _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        turned[some] = images[some].transpose(0, 2, 1).copy()
    return turned
