"""Arrays that somebody brings: NumPy and IDX files."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae_core.data.archive import Archive
from vae_core.data.brought.choices import NO_LABELS, Brought, Choices
from vae_core.data.brought.draft import Draft, labels_and_numbers, with_numbers
from vae_core.data.brought.pictures import from_pixels, grey_or_coloured
from vae_core.data.brought.rows import from_rows
from vae_core.data.brought.wording import count_of, names_listed
from vae_core.data.idx import read_idx, read_idx_header
from vae_core.data.limits import LARGEST, MAX_CLASSES, MAX_VALUES
from vae_core.data.npy import read_npz
from vae_core.errors import BadInput

_X_NAMES: Final = ("x", "x_train", "images", "data", "train_images", "features", "arr_0")
_Y_NAMES: Final = ("y", "y_train", "labels", "label", "target", "train_labels", "classes")


def idx_array(content: bytes) -> NDArray[Any]:
    """The array of an IDX file; raises ``BadInput`` where it is none, or larger than may be."""
    dims = read_idx_header(io.BytesIO(content)).dims
    if math.prod(dims) > MAX_VALUES:
        message = f"the IDX file announces {math.prod(dims):,} values, more than {MAX_VALUES:,}"
        raise BadInput("idx_size", message, "use fewer or smaller images")
    return read_idx(content)


def from_idx_zip(archive: Archive, choices: Choices) -> Brought:
    """Images of an archive of IDX files, the training part where there are two, with their labels."""
    ordered = sorted(enumerate(archive.names), key=lambda one: ("train" not in one[1].casefold(), one[1]))
    draft, images, labels, others = Draft("zip of IDX files", choices), None, None, []
    for place, name in ordered:
        if "idx" not in name.casefold():
            continue
        array = idx_array(archive.read(place, most=MAX_VALUES + 1000))
        if array.ndim > 1 and images is None:
            images = array
        elif array.ndim == 1 and labels is None and (images is None or len(array) == len(images)):
            labels = array
        else:
            others.append(name)
    if images is None:
        raise BadInput("idx_labels", "the zip holds labels, and no images", "pack the images with them")
    if others:
        draft.say(f"Other files are not used: {names_listed(others)}.")
    if labels is not None and len(labels) != len(images):
        draft.say(f"There are {len(labels):,} labels for {len(images):,} images: they are not used.")
        labels = None
    return from_array(images, draft, {"labels": labels} if labels is not None else {})


def from_npz(content: bytes, choices: Choices) -> Brought:
    """Examples in an array of a NumPy archive, labels and numbers in others."""
    arrays, draft = read_npz(content), Draft("NumPy archive", choices)
    stored = (name.removesuffix(".npy") for name in Archive(content).names if name.endswith(".npy"))
    if others := [name for name in stored if name not in arrays]:
        draft.say(
            f"Arrays without real numbers are not used: {names_listed(others)}. Give labels as numbers."
        )
    candidates = [name for name, array in arrays.items() if array.ndim > 1] or list(arrays)
    by_name = sorted(candidates, key=lambda name: (_place(name, _X_NAMES), -arrays[name].size))
    name = draft.choose("array", by_name[0], candidates)
    x = arrays[name]
    labels = {other: array for other, array in arrays.items() if _can_label(array, len(x)) and other != name}
    numbers = {
        other: array.ravel().astype(np.float64)
        for other, array in arrays.items()
        if array.shape in ((len(x),), (len(x), 1)) and array.dtype.kind in "iuf" and other != name
    }
    unused = [other for other in arrays if other not in (name, *labels, *numbers)]
    if unused:
        draft.say(f"Other arrays are not used: {names_listed(unused)}.", "array")
    return from_array(x, draft, labels, numbers)


def _can_label(array: NDArray[Any], count: int) -> bool:
    if array.shape not in ((count,), (count, 1)):
        return False
    values = array.ravel()
    whole = values.dtype.kind in "biu" or bool(
        np.isfinite(values).all() and (values == np.round(values)).all()
    )
    return whole and len(np.unique(values)) <= MAX_CLASSES


def from_array(
    array: NDArray[Any],
    draft: Draft,
    labels: Mapping[str, NDArray[Any]] | None = None,
    numbers: Mapping[str, NDArray[np.float64]] | None = None,
) -> Brought:
    """Examples in an array, with arrays of which one may label them, and some may be kept beside x."""
    found = labels or {}
    default = min(found, key=lambda name: _place(name, _Y_NAMES), default=NO_LABELS)
    chosen = draft.choose("labels", default, (*found, NO_LABELS)) if found else NO_LABELS
    texts: list[str] | None = None
    if chosen:
        texts = [str(int(label)) for label in found[chosen].ravel()]
    others = {name: values for name, values in (numbers or {}).items() if name != chosen}
    known = labels_and_numbers(others, [name for name in others if name not in found], texts, draft)
    array, known = with_numbers(array, known, draft)
    array = _without_huge(array, draft)
    if array.ndim == 4:
        array = grey_or_coloured(array, draft)
    if array.ndim == 1:
        draft.say("The array has one dimension: each value is an example.")
        array = array[:, None]
    if array.ndim == 2:
        names = tuple(f"value {number}" for number in range(1, array.shape[1] + 1))
        return from_rows(array, names, known, draft)
    return from_pixels(array, known, draft)


def _without_huge(array: NDArray[Any], draft: Draft) -> NDArray[Any]:
    """NaN in the place of numbers that are too large to compute with."""
    if array.dtype.kind != "f":
        return array
    huge = np.abs(array) > min(LARGEST, float(np.finfo(array.dtype).max))
    if not huge.any():
        return array
    count = int(huge.sum())
    draft.say(f"{count_of(count, 'value')} beyond 1e100, or infinite, count{'s' * (count == 1)} as missing.")
    return np.where(huge, np.nan, array)


def _place(name: str, names: Sequence[str]) -> int:
    folded = name.casefold()
    return names.index(folded) if folded in names else len(names)
