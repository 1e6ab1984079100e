"""A folder with the four files of MNIST, or of a relative of it, as a data set."""

from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.dataset import Dataset, check_features, from_arrays, numbered_classes, seeded_generator
from vae_core.data.files import FILES_HINT, check_folder, find_idx
from vae_core.data.idx import MAX_VALUES, read_idx
from vae_core.errors import BadInput

_RANKS: Final = {"images": 3, "labels": 1}


class _Part(NamedTuple):
    """Images, shape (n, height, width), and their labels, shape (n,), as stored."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None


def load_idx_folder(folder: Path | str, *, seed: int = 0) -> Dataset:
    """Loads the images and labels of MNIST's files, or of a relative's files of the same names.

    With both parts, ``t10k`` is the held-out one and every row keeps its place; a single part is split.

    Arguments:
        folder: Where the files are: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same for
            ``t10k``, plain or ``.gz``. A dot before ``idx`` is as good as a dash; labels may be missing.
        seed: Seed of the split of a single part.

    Raises:
        BadInput: The folder or one of the files cannot be used; the message never lists what else is there.

    Example:
        >>> load_idx_folder("no_such_folder")
        Traceback (most recent call last):
        vae_core.errors.BadInput: the folder of the IDX files does not exist; check its spelling.
    """
    path = Path(folder)
    generator = seeded_generator(seed)
    try:
        check_folder(path)
        parts = [part for stem in ("train", "t10k") if (part := _read_part(path, stem)) is not None]
    except OSError as err:
        raise BadInput(
            "folder", "the folder of the IDX files cannot be read", "check its path and permissions"
        ) from err
    if not parts:
        raise BadInput("folder", "the folder has no IDX images", FILES_HINT)
    return _single(parts[0], generator) if len(parts) == 1 else _both(*parts)


def _read_part(folder: Path, stem: str) -> _Part | None:
    """Reads one pair of files; None without images."""
    images, labels = find_idx(folder, stem, "images"), find_idx(folder, stem, "labels")
    if images is None:
        return None
    part = _Part(_read(images, "images"), None if labels is None else _read(labels, "labels"))
    if part.labels is not None and len(part.images) != len(part.labels):
        message = f"the {stem} files hold {len(part.images)} images but {len(part.labels)} labels"
        raise BadInput("idx_count", message, "take both files from the same data set")
    return part


def _read(path: Path, content: str) -> NDArray[np.uint8]:
    if path.stat().st_size > MAX_VALUES:
        raise BadInput(
            "idx_size", f"{path.name} is larger than {MAX_VALUES} bytes", "use fewer or smaller images"
        )
    try:
        array = read_idx(path.read_bytes())
    except BadInput as err:
        raise BadInput(err.code, f"{path.name}: {err.message}", err.hint) from err
    if array.ndim != _RANKS[content]:
        found = {1: "labels", 2: "a table", 3: "images"}[array.ndim]
        raise BadInput(
            "idx_content", f"{path.name} holds {found}, not {content}", "check whether files were swapped"
        )
    return array


def _single(part: _Part, generator: torch.Generator) -> Dataset:
    x = _scaled(part.images)
    data = from_arrays("idx", x, part.labels, image_shape=_shape(part), generator=generator)
    return replace(
        data, notes=(*data.notes, "Only one pair of files is there, so a fifth of it is held out.")
    )


def _both(train: _Part, held_out: _Part) -> Dataset:
    if _shape(train) != _shape(held_out):
        message = f"train images have the shape {_shape(train)}, t10k images {_shape(held_out)}"
        raise BadInput("idx_shape", message, "take both files from the same data set")
    if len(train.images) < 2:
        raise BadInput("x", "there is only one image to train on", "take a data set with more images")
    labels: list[NDArray[np.int64]] = [
        part.labels.astype(np.int64) for part in (train, held_out) if part.labels is not None
    ]
    labelled = len(labels) == 2
    return Dataset(
        name="idx",
        x_train=torch.from_numpy(_scaled(train.images)),
        x_test=torch.from_numpy(_scaled(held_out.images)),
        labels_train=torch.from_numpy(labels[0]) if labelled else None,
        labels_test=torch.from_numpy(labels[1]) if labelled else None,
        image_shape=_shape(train),
        class_names=numbered_classes(np.concatenate(labels)) if labelled else (),
        notes=("Labels are there for one part only, so none are used.",) if len(labels) == 1 else (),
    )


def _shape(part: _Part) -> tuple[int, int]:
    return part.images.shape[1], part.images.shape[2]


def _scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns pixels / 255 as rows, shape (n, D); one copy, since MNIST takes 188 MB as float32."""
    check_features(images.shape[1] * images.shape[2])
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows /= 255
    return rows
