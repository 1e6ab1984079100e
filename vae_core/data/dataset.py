"""A data set that can be trained on, and the one function that makes one of arrays: checked, then split."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.data.byte_images import ByteImages, Examples, on_device, part_of
from vae_core.data.known import Known
from vae_core.data.limits import MAX_CLASSES, MAX_COLUMNS
from vae_core.data.split import split_rows, validation_rows
from vae_core.errors import BadInput

Array = NDArray[Any] | torch.Tensor


class Factor(NamedTuple):
    """What is known of each example beside x, and not trained on: a cause of made images, or a column.

    Arguments:
        name: What it is.
        values: Shape (n,).
        names: Of the values 0, 1, ...; empty where they are numbers.
        unit: Of the numbers; empty where they have none.
    """

    name: str
    values: NDArray[np.float64]
    names: tuple[str, ...] = ()
    unit: str = ""

    def part(self, rows: NDArray[Any]) -> "Factor":
        """That of some examples."""
        return self._replace(values=self.values[rows])


# Tensors have no truth value, so a generated __eq__ could only fail.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Data split into a training and a held-out part, and a validation part where something is chosen by it.

    Training never sees the validation part either; what is reported is of the held-out part, by which nothing
    is chosen.

    Arguments:
        name: Its name.
        x_train: Training examples, shape (n_train, D): a float32 tensor, or images that are kept as bytes.
        x_test: Held-out examples, shape (n_test, D), kept likewise.
        labels_train: Their classes, shape (n_train,), int64; None where the data have no labels.
        labels_test: Classes of the held-out examples, shape (n_test,); None where ``labels_train`` is.
        image_shape: (height, width), or (height, width, 3) in colour, their product is D; pixels in [0, 1],
            the colours of one side by side. None for points.
        class_names: Name of class k at place k; empty where the data have no labels.
        notes: Sentences that the user should read before training.
        digest: SHA-256 of what was read from files, in hex; empty for data that name and seed decide.
        x_validation: Examples to choose by, shape (n_validation, D); None: all are trained on or held out.
        labels_validation: Their classes; None where there are no such examples, or no labels.
        factors_train: What else is known of the training examples; empty where nothing is.
        factors_test: Of the held-out examples.
        factors_validation: Of those to choose by.
        known: What y is, where the examples are rows [x, y] of a conditional model; None: they are x.
        columns: Names of the D values of a point; empty where they have none.
    """

    name: str
    x_train: Examples
    x_test: Examples
    labels_train: torch.Tensor | None
    labels_test: torch.Tensor | None
    image_shape: tuple[int, ...] | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    digest: str = ""
    x_validation: Examples | None = None
    labels_validation: torch.Tensor | None = None
    factors_train: tuple[Factor, ...] = ()
    factors_test: tuple[Factor, ...] = ()
    factors_validation: tuple[Factor, ...] = ()
    known: Known | None = None
    columns: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Dataset":
        """The same with its examples on a device; labels stay where they are."""
        x_validation = None if self.x_validation is None else on_device(self.x_validation, device)
        x_train, x_test = on_device(self.x_train, device), on_device(self.x_test, device)
        return replace(self, x_train=x_train, x_test=x_test, x_validation=x_validation)

    def check_digest(self, digest: str) -> None:
        """Raises :class:`BadInput` (code ``data``) where these are not the data with a digest; "": of any."""
        if digest not in ("", self.digest):
            message = "the images in this run's folder are not those that it was trained on"
            raise BadInput("data", message, "put those back, or train a new run on Train")

    @property
    def data_dim(self) -> int:
        """Number of features D."""
        return self.x_train.shape[1]

    @property
    def kind(self) -> Literal["images", "points"]:
        """Whether an example is an image or a point."""
        return "points" if self.image_shape is None else "images"


def from_arrays(
    name: str,
    x: Array | ByteImages,
    labels: Array | None = None,
    *,
    image_shape: tuple[int, ...] | None = None,
    generator: torch.Generator,
    held_out_fraction: float = 0.2,
    class_names: tuple[str, ...] = (),
    factors: Sequence[Factor] = (),
) -> Dataset:
    """Makes a data set from arrays: checks them, shuffles them, and holds a part out.

    With labels, each class gives its share of the held-out part, to within one example; a class of one member
    stays in the training part. The arrays given are not changed.

    Arguments:
        name: Name of the data set.
        x: Points, shape (n, D), or images, shape (n, height, width), or (n, height, width, 3), or (n, D) with
            ``image_shape``; images of bytes stay in the memory that they have.
        labels: Whole numbers, shape (n,): class indices from 0 where ``class_names`` are given, else any
            numbers; each that occurs is a class.
        image_shape: (height, width), or (height, width, 3); found from ``x`` where that has more than two
            dimensions.
        generator: Source of the shuffle.
        held_out_fraction: Share f of the examples that is held out, ceil(f n) of them, in (0, 1).
        class_names: Name of each class; by default the number that labels it.
        factors: What else is known of the n examples.

    Raises:
        BadInput: What is wrong with which argument, and what to do.

    Example:
        >>> data = from_arrays("noise", torch.randn(10, 3), generator=torch.Generator().manual_seed(0))
        >>> data.x_train.shape, data.x_test.shape, data.kind
        (torch.Size([8, 3]), torch.Size([2, 3]), 'points')
    """
    if isinstance(x, ByteImages):
        _check_count(x.shape)
        rows = x
    else:
        rows, image_shape = _rows(_numeric("x", x), image_shape)
    classes = None
    if labels is not None:
        classes, class_names = _classes(_numeric("labels", labels), len(rows), class_names)
    notes = () if isinstance(rows, ByteImages) or image_shape is not None else _constant_columns(rows)
    train, held_out, split_notes = split_rows(len(rows), classes, held_out_fraction, generator=generator)
    return Dataset(
        name=name,
        x_train=_part(rows, train),
        x_test=_part(rows, held_out),
        labels_train=None if classes is None else torch.from_numpy(classes[train]),
        labels_test=None if classes is None else torch.from_numpy(classes[held_out]),
        image_shape=image_shape,
        class_names=() if classes is None else class_names,
        notes=notes + split_notes,
        factors_train=tuple(factor.part(train) for factor in factors),
        factors_test=tuple(factor.part(held_out) for factor in factors),
    )


def with_validation(dataset: Dataset, *, seed: int) -> Dataset:
    """Sets a tenth of the training part aside as the validation part, of each class its share.

    The held-out part and the order of the other examples stay what they are.

    Arguments:
        dataset: Without a validation part.
        seed: Of the choice.

    Raises:
        BadInput: There are too few training examples (code ``patience``, which asks for such a part).

    Example:
        >>> from vae_core.data import load_dataset
        >>> data = with_validation(load_dataset("digits"), seed=0)
        >>> [len(part) for part in (data.x_train, data.x_validation, data.x_test)]
        [1293, 144, 360]
    """
    x, labels = dataset.x_train, dataset.labels_train
    classes = None if labels is None else labels.numpy()
    chosen = torch.from_numpy(validation_rows(len(x), classes, generator=seeded_generator(seed)))
    there = chosen.to(x.device)
    return replace(
        dataset,
        x_train=part_of(x, ~there),
        x_validation=part_of(x, there),
        labels_train=None if labels is None else labels[~chosen],
        labels_validation=None if labels is None else labels[chosen],
        factors_train=tuple(factor.part(~chosen.numpy()) for factor in dataset.factors_train),
        factors_validation=tuple(factor.part(chosen.numpy()) for factor in dataset.factors_train),
    )


def seeded_generator(seed: int) -> torch.Generator:
    """Returns a new generator on the CPU, seeded.

    Raises:
        BadInput: ``seed`` is negative or needs more than 63 bits.

    Example:
        >>> seeded_generator(7).initial_seed()
        7
    """
    if not 0 <= seed < 2**63:
        raise BadInput("seed", f"seed must lie in 0 to 2^63 - 1, got {seed}", "choose a small whole number")
    return torch.Generator().manual_seed(seed)


def compact_labels(
    parts: Sequence[NDArray[Any]], names: Mapping[int, str] | None = None
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Class indices from 0 of the whole numbers that label examples, in their order, and the classes' names.

    Labels of 1 to 26 are 26 classes, not 27 with one that never occurs.

    Arguments:
        parts: Labels of the parts of a data set, shape (n,) each.
        names: Names by label, used where every label has one that can be printed; else the numbers.

    Raises:
        BadInput: There are more than ``MAX_CLASSES`` (code ``labels``).

    Example:
        >>> compact_labels([np.array([2, 5, 2]), np.array([9])])
        ([array([0, 1, 0]), array([2])], ('2', '5', '9'))
    """
    found = np.unique(np.concatenate([np.unique(part) for part in parts]))
    if len(found) > MAX_CLASSES:
        message = f"there are {len(found):,} different labels, more than {MAX_CLASSES:,}"
        raise BadInput("labels", message, "leave the labels out, or group them")
    titles = [(names or {}).get(int(label), "") for label in found]
    if not all(title and title.isprintable() for title in titles):
        titles = [str(label) for label in found.tolist()]
    return [np.searchsorted(found, part).astype(np.int64) for part in parts], tuple(titles)


def _numeric(field: str, values: Array) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        # NumPy has no bfloat16.
        values = (values.float() if values.is_floating_point() else values).detach().cpu().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise BadInput(field, f"{field} holds {array.dtype} values", "give numbers")
    return array


def _rows(
    x: NDArray[Any], image_shape: tuple[int, ...] | None
) -> tuple[NDArray[np.float32], tuple[int, ...] | None]:
    """Checks data and returns them as rows, shape (n, D), with the image shape."""
    shape_hint = "give points of shape (n, D) or images of shape (n, height, width) or (n, height, width, 3)"
    if x.ndim not in (2, 3, 4) or 0 in x.shape[1:] or (x.ndim == 4 and x.shape[3] != 3):
        raise BadInput("x", f"x has the shape {x.shape}", shape_hint)
    _check_count(x.shape)
    if image_shape is not None and (min(image_shape) < 1 or image_shape != _shape_of(x, image_shape)):
        raise BadInput(
            "image_shape", f"images of shape {image_shape} do not fit x of shape {x.shape}", shape_hint
        )
    image_shape = _shape_of(x, image_shape)
    check_features(int(np.prod(x.shape[1:])))
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(x.reshape(len(x), -1), np.float32)
    _check_finite(rows)
    if image_shape is not None:
        _check_pixels(rows)
    return rows, image_shape


def _check_count(shape: Sequence[int]) -> None:
    if shape[0] < 2:
        raise BadInput(
            "x", f"x has {shape[0]} row(s)", "give at least 2: one to train on and one to hold out"
        )


def _part(rows: NDArray[np.float32] | ByteImages, chosen: NDArray[np.int64]) -> Examples:
    if isinstance(rows, ByteImages):
        return rows.part(torch.from_numpy(chosen))
    return torch.from_numpy(rows[chosen])


def _shape_of(x: NDArray[Any], image_shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Returns the image shape that the data have, or None."""
    if x.ndim > 2:
        return x.shape[1:]
    if image_shape is None or len(image_shape) not in (2, 3) or (*image_shape, 3)[2] != 3:
        return None
    return image_shape if math.prod(image_shape) == x.shape[1] else None


def check_features(data_dim: int) -> None:
    """Refuses data with more features than a network here should have inputs.

    Raises:
        BadInput: There are more than ``MAX_COLUMNS``.
    """
    if data_dim > MAX_COLUMNS:
        raise BadInput(
            "x",
            f"an example has {data_dim} features, more than {MAX_COLUMNS}",
            "use smaller images or fewer columns",
        )


def _check_finite(rows: NDArray[np.float32]) -> None:
    bad = ~np.isfinite(rows)
    if bad.any():
        where = f"in {bad.any(axis=1).sum()} rows"
        message = f"x holds {bad.sum()} values that are NaN, infinite or beyond float32, {where}"
        raise BadInput("x", message, "remove those rows or fill those values")


def _check_pixels(rows: NDArray[np.float32]) -> None:
    low, high = float(rows.min()), float(rows.max())
    if low < 0 or high > 1:
        looks_like_bytes = low >= 0 and 128 <= high <= 255
        hint = (
            "divide by 255" if looks_like_bytes else "rescale them, or give them as points, without a shape"
        )
        raise BadInput("x", f"pixels must lie in [0, 1], found {low:g} to {high:g}", hint)


def _classes(
    labels: NDArray[Any], num_rows: int, class_names: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if labels.dtype.kind not in "iu":
        raise BadInput(
            "labels", f"labels are {labels.dtype} values", "give whole numbers, one class index a row"
        )
    if labels.shape != (num_rows,):
        raise BadInput(
            "labels", f"labels have the shape {labels.shape} for {num_rows} rows", "give one label a row"
        )
    if not class_names:
        (classes,), class_names = compact_labels([labels])
        return classes, class_names
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(class_names):
        message = f"labels must lie in 0 to {len(class_names) - 1}, found {low} to {high}"
        raise BadInput("labels", message, "number the classes from 0")
    return labels.astype(np.int64), class_names


def _constant_columns(rows: NDArray[np.float32]) -> tuple[str, ...]:
    count = int((rows == rows[0]).all(axis=0).sum())
    return (f"{count} of {rows.shape[1]} columns are constant and carry no information.",) if count else ()
