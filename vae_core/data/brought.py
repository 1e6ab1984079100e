"""A file that somebody brings, as a data set: recognised, with what is wrong and what is done about it.

Content decides what a file is, not its name. Nothing is changed silently: whatever is dropped, filled, scaled
or resized is a :class:`Problem` in the list, and names the choice that decides it.
"""

import gzip
import io
import itertools
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.data.archive import Archive
from vae_core.data.idx import read_idx, read_idx_header
from vae_core.data.images import (
    SUFFIXES,
    Colours,
    Fit,
    Images,
    LabelsFrom,
    read_images_zip,
    resized,
    target_size,
)
from vae_core.data.limits import LARGEST, MAX_CLASSES, MAX_COLUMNS, MAX_SIDE, MAX_UNPACKED_BYTES, MAX_VALUES
from vae_core.data.npy import read_npy, read_npz
from vae_core.data.table import ASIDE, Decimal, Delimiter, Encoding, Table, read_table
from vae_core.data.workbook import is_workbook, read_workbook
from vae_core.errors import BadInput

YesNo = Literal["yes", "no"]
Layout = Literal["images", "numbers"]
Orientation = Literal["as_stored", "transposed"]
Missing = Literal["drop", "mean"]
Scale = Literal["standard", "unit", "none"]
Progress = Callable[[float], None]
NO_LABELS: Final = ""
SIDES: Final = (8, 16, 28, 32, 48, 64)
"""Pixels of the longer side that are offered."""
MAX_LABEL_CLASSES: Final = 100
"""Of a column that is offered as labels."""
MAX_BESIDE: Final = 20
"""Numbers that are kept of each example beside x."""
_HEAD_ROWS: Final = 8
_HEAD_COLUMNS: Final = 12
_LABEL_NAMES: Final = (
    "label",
    "labels",
    "class",
    "target",
    "species",
    "category",
    "kind",
    "variety",
    "y",
    "digit",
)
_X_NAMES: Final = ("x", "x_train", "images", "data", "train_images", "features", "arr_0")
_Y_NAMES: Final = ("y", "y_train", "labels", "label", "target", "train_labels", "classes")
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_MAX_TEXT: Final = 200
_WHOLE: Final = 2.0**53
"""Beyond it not every whole number is a float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How a file is to be read; None: as it looks.

    Arguments:
        sheet: Which sheet of a workbook is read.
        header: Whether the first row of a table holds names.
        delimiter: What stands between the values of a table.
        decimal: The decimal mark of a table.
        encoding: Of the text of a table.
        narrow: Whether full-width digits count as digits.
        array: Which array of an NPZ file holds the examples.
        labels: The column, the array, or the part of a zip (``folders``, ``file``) with the labels; "": none.
        columns: The columns of numbers that are used.
        beside: The columns or arrays of numbers that are kept of each example, and not trained on.
        layout: Whether rows of numbers are square images.
        orientation: Whether rows and columns of images are exchanged.
        side: Pixels of the longer side of an image.
        fit: How a picture of another shape becomes one of the commonest shape.
        colours: Whether colour images become grey or keep their colours.
        missing: Whether a row without a number is left out, or gets the mean of its column.
        scale: Of columns: to mean 0 and standard deviation 1, to [0, 1], or not at all.
    """

    sheet: str | None = None
    header: YesNo | None = None
    delimiter: Delimiter | None = None
    decimal: Decimal | None = None
    encoding: Encoding | None = None
    narrow: YesNo | None = None
    array: str | None = None
    labels: str | None = None
    columns: tuple[str, ...] | None = None
    beside: tuple[str, ...] | None = None
    layout: Layout | None = None
    orientation: Orientation | None = None
    side: int | None = None
    fit: Fit | None = None
    colours: Colours | None = None
    missing: Missing | None = None
    scale: Scale | None = None

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            if (value := getattr(self, name)) is not None and value not in get_args(kind):
                raise BadInput(name, f"{name} cannot be {str(value)[:40]!r}", "leave it as recognised")
        for value in (self.sheet, self.array, self.labels, *(self.columns or ()), *(self.beside or ())):
            if value is not None and not isinstance(value, str):
                raise BadInput(
                    "choices", "a sheet, a column or an array is named by a text", "choose it again"
                )
        if self.side is not None and (not isinstance(self.side, int) or not 1 <= self.side <= MAX_SIDE):
            raise BadInput("side", f"images have 1 to {MAX_SIDE} pixels a side", "choose another size")

    def to_json(self) -> str:
        """The choices that are made, as JSON."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def from_json(cls, text: str) -> "Choices":
        """Reads what :meth:`to_json` wrote; raises ``BadInput`` for anything else."""
        try:
            values = json.loads(text)
            known = {one.name for one in fields(cls)}
            values = {name: value for name, value in dict(values).items() if name in known}
            for name in ("columns", "beside"):
                if values.get(name) is not None:
                    values[name] = tuple(values[name])
            return cls(**values)
        except (ValueError, TypeError, RecursionError) as err:
            if isinstance(err, BadInput):
                raise
            raise BadInput("choices", "the choices cannot be read", "make them again") from err


_KINDS: Final[Mapping[str, Any]] = {
    "header": YesNo,
    "delimiter": Delimiter,
    "decimal": Decimal,
    "encoding": Encoding,
    "narrow": YesNo,
    "layout": Layout,
    "orientation": Orientation,
    "fit": Fit,
    "colours": Colours,
    "missing": Missing,
    "scale": Scale,
}


class Problem(NamedTuple):
    """Something that is not as a training needs it, and what is done about it.

    Arguments:
        text: One sentence: what was found, and what is done.
        choice: The field of :class:`Choices` that decides it; "" where nothing does.
    """

    text: str
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brought:
    """A file as it would be trained on.

    Arguments:
        form: What the file is.
        x: Shape (n, D): float32, or bytes for grey values that are divided by 255.
        labels: Class of each example, shape (n,); None where there are none.
        class_names: Name of class k at place k.
        image_shape: (height, width), or (height, width, 3) in colour; None for points.
        columns: Names of the values of a point.
        beside: Numbers that are known of each example and not trained on, by name, shape (n,) each.
        choices: All that hold for this file, also those that were recognised.
        options: What each of them could be instead.
        problems: In the order of reading.
        likelihood: That suits the values.
        reason: Why, in one sentence.
        head: The first rows of a table as text, the names first.
        refusal: Why it cannot be trained on; "" where it can.
    """

    form: str
    x: NDArray[Any]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...] | None
    columns: tuple[str, ...]
    beside: Mapping[str, NDArray[np.float64]]
    choices: Choices
    options: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]
    likelihood: Likelihood
    reason: str
    head: tuple[tuple[str, ...], ...] = ()
    refusal: str = ""


def preview_of(brought: Brought) -> dict[str, NDArray[Any]]:
    """What a page shows of a file before it is used, beside its examples: one text, as an array.

    Arguments:
        brought: What was read.
    """
    values = {
        "choices": brought.choices.to_json(),
        "options": dict(brought.options),
        "problems": [list(problem) for problem in brought.problems],
        "head": brought.head,
        "refusal": brought.refusal,
    }
    return {"preview": np.array(json.dumps(values))}


class _Known(NamedTuple):
    """What is known of each example beside x, in their order.

    Arguments:
        texts: Labels; None where there are none.
        numbers: By name, shape (n,) each.
    """

    texts: list[str] | None = None
    numbers: Mapping[str, NDArray[np.float64]] = MappingProxyType({})

    def kept(self, rows: NDArray[np.bool_]) -> "_Known":
        """That of some of the examples."""
        texts = self.texts
        if texts is not None:
            texts = [text for text, keep in zip(texts, rows, strict=True) if keep]
        return _Known(texts, {name: values[rows] for name, values in self.numbers.items()})


class _Draft:
    """What is known of a file while it is read: choices in force, options, and problems."""

    def __init__(self, form: str, choices: Choices) -> None:
        self.form, self.choices = form, choices
        self.options: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []

    def say(self, text: str, choice: str = "") -> None:
        self.problems.append(Problem(text, choice))

    def choose(self, name: str, recognised: str, options: Iterable[str]) -> str:
        """The choice that holds: what was chosen, if that is one of the options, else what was recognised."""
        allowed = tuple(options)
        wanted = getattr(self.choices, name)
        value = wanted if wanted in allowed else recognised
        self.choices = replace(self.choices, **{name: value})
        if len(allowed) > 1:
            self.options[name] = allowed
        return value


def bring(content: bytes, choices: Choices | None = None, *, on_progress: Progress | None = None) -> Brought:
    """Reads a file as a data set: a table, a workbook, a NumPy or IDX file, or a zip of pictures.

    Arguments:
        content: The file.
        choices: What holds instead of what is recognised; what does not fit the file is not used.
        on_progress: Told the share that is done.

    Raises:
        BadInput: It is no such file, or it is larger than may be; one sentence says what to do.

    Example:
        >>> found = bring(b"size;weight;kind\\n1,5;2;cat\\n2,5;;dog\\n3,5;4;dog\\n")
        >>> found.x.shape, found.class_names, found.problems[-2].text
        ((2, 2), ('cat', 'dog'), '1 row without a number in ‘weight’ is left out.')
    """
    say = on_progress or (lambda share: None)
    choices = choices or Choices()
    found = _read(content, choices, say)
    say(1.0)
    return found


def _read(content: bytes, choices: Choices, say: Progress) -> Brought:
    if not content:
        raise BadInput("empty", "the file is empty", "choose one with data")
    if content.startswith(b"\x93NUMPY"):
        return _from_array(read_npy(content), _Draft("NumPy array", choices))
    if is_workbook(content):
        return _from_workbook(content, choices)
    if content.startswith(b"PK"):
        return _from_zip(content, choices, say)
    if content.startswith((b"\0\0", b"\x1f\x8b")):
        return _from_idx_or_gzip(content, choices)
    _refuse_others(content)
    return _from_table(content, choices)


def _refuse_others(content: bytes) -> None:
    """Raises with one sentence for files that people bring and that cannot be read."""
    start = content[:16]
    pictures = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")
    if start.startswith(pictures) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        raise BadInput("one_image", "this is one picture", "choose several, or a zip of them")
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise BadInput("pickle", "this is a pickled file, which could run a program", "save it as NPZ or CSV")
    if start.startswith(b"%PDF"):
        raise BadInput("pdf", "this is a PDF", "save its numbers as CSV")
    if content[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        message = "this is a web page or a drawing, not data"
        raise BadInput("web_page", message, "download the file itself, not the page that shows it")


def _from_zip(content: bytes, choices: Choices, say: Progress) -> Brought:
    archive = Archive(content)
    names = archive.names
    lowered = [name.casefold() for name in names]
    if any(name.endswith(tuple(SUFFIXES)) for name in lowered):
        return _from_images(content, choices, say)
    if any(name.endswith(".npy") for name in lowered):
        return _from_npz(content, choices)
    if any("idx" in name for name in lowered):
        return _from_idx_zip(archive, choices)
    tables = [place for place, name in enumerate(lowered) if name.endswith(_TABLES)]
    if tables:
        content = archive.read(tables[0], most=MAX_UNPACKED_BYTES // 8)
        found = (_from_workbook if is_workbook(content) else _from_table)(content, choices)
        if len(tables) > 1:
            said = Problem(f"Other tables are not used: {_listed([names[place] for place in tables[1:]])}.")
            found = replace(found, problems=(said, *found.problems))
        return found
    hint = "pack pictures, NumPy or IDX files, or a table"
    raise BadInput("zip_empty", "the zip holds nothing that can be read", hint)


_TABLES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")
"""How the names of tables in a zip end."""


def _from_idx_or_gzip(content: bytes, choices: Choices) -> Brought:
    if content.startswith(b"\x1f\x8b"):
        try:
            start = gzip.GzipFile(fileobj=io.BytesIO(content)).read(2)
        except (OSError, EOFError, zlib.error) as err:
            raise BadInput("gzip", "the gzip file is damaged or cut short", "pack it again") from err
        if start != b"\0\0":
            return _from_table(_inflated(content), choices)
    array = _idx(content)
    if array.ndim == 1:
        hint = "bring the file of images together with it"
        raise BadInput("idx_labels", "this IDX file holds labels, and no images", hint)
    return _from_array(array, _Draft("IDX file", choices))


def _idx(content: bytes) -> NDArray[Any]:
    dims = read_idx_header(io.BytesIO(content)).dims
    if math.prod(dims) > MAX_VALUES:
        message = f"the IDX file announces {math.prod(dims):,} values, more than {MAX_VALUES:,}"
        raise BadInput("idx_size", message, "use fewer or smaller images")
    return read_idx(content)


def _inflated(content: bytes) -> bytes:
    most, found = MAX_UNPACKED_BYTES // 8, bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            while len(found) <= most and (chunk := stream.read(1 << 16)):
                found += chunk
    except (OSError, EOFError, zlib.error) as err:
        raise BadInput("gzip", "the gzip file is damaged or cut short", "pack it again") from err
    if len(found) > most:
        raise BadInput("gzip", f"the file unpacks to more than {most // 2**20} MB", "use a smaller one")
    return bytes(found)


def _from_idx_zip(archive: Archive, choices: Choices) -> Brought:
    """Images of an archive of IDX files, the training part where there are two, with their labels."""
    ordered = sorted(enumerate(archive.names), key=lambda one: ("train" not in one[1].casefold(), one[1]))
    draft, images, labels, others = _Draft("zip of IDX files", choices), None, None, []
    for place, name in ordered:
        if "idx" not in name.casefold():
            continue
        array = _idx(archive.read(place, most=MAX_VALUES + 1000))
        if array.ndim > 1 and images is None:
            images = array
        elif array.ndim == 1 and labels is None and (images is None or len(array) == len(images)):
            labels = array
        else:
            others.append(name)
    if images is None:
        raise BadInput("idx_labels", "the zip holds labels, and no images", "pack the images with them")
    if others:
        draft.say(f"Other files are not used: {_listed(others)}.")
    if labels is not None and len(labels) != len(images):
        draft.say(f"There are {len(labels):,} labels for {len(images):,} images: they are not used.")
        labels = None
    return _from_array(images, draft, {"labels": labels} if labels is not None else {})


def _from_npz(content: bytes, choices: Choices) -> Brought:
    arrays, draft = read_npz(content), _Draft("NumPy archive", choices)
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
        draft.say(f"Other arrays are not used: {_listed(unused)}.", "array")
    return _from_array(x, draft, labels, numbers)


def _can_label(array: NDArray[Any], count: int) -> bool:
    if array.shape not in ((count,), (count, 1)):
        return False
    values = array.ravel()
    whole = values.dtype.kind in "biu" or bool(
        np.isfinite(values).all() and (values == np.round(values)).all()
    )
    return whole and len(np.unique(values)) <= MAX_CLASSES


def _from_array(
    array: NDArray[Any],
    draft: _Draft,
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
    known = _beside(others, [name for name in others if name not in found], texts, draft)
    array, known = _with_numbers(array, known, draft)
    array = _without_huge(array, draft)
    if array.ndim == 4:
        array = _colours(array, draft)
    if array.ndim == 1:
        draft.say("The array has one dimension: each value is an example.")
        array = array[:, None]
    if array.ndim == 2:
        names = tuple(f"value {number}" for number in range(1, array.shape[1] + 1))
        return _from_rows(array, names, known, draft)
    return _from_pixels(array, known, draft)


def _without_huge(array: NDArray[Any], draft: _Draft) -> NDArray[Any]:
    """NaN in the place of numbers that are too large to compute with."""
    if array.dtype.kind != "f":
        return array
    huge = np.abs(array) > min(LARGEST, float(np.finfo(array.dtype).max))
    if not huge.any():
        return array
    count = int(huge.sum())
    draft.say(f"{_num(count, 'value')} beyond 1e100, or infinite, count{'s' * (count == 1)} as missing.")
    return np.where(huge, np.nan, array)


def _colours(array: NDArray[Any], draft: _Draft) -> NDArray[Any]:
    """Images of one to four channels, last or first, as (n, height, width), or with 3 at the end."""
    if array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    channels = array.shape[-1]
    if channels == 1:
        return array[..., 0]
    if channels not in (3, 4):
        message = f"the array has the shape {array.shape}"
        raise BadInput("npy_shape", message, "give images as (n, height, width) or (n, height, width, 3)")
    if draft.choose("colours", "grey", get_args(Colours)) == "kept":
        draft.say(f"{len(array):,} images keep their colours: three values a pixel.", "colours")
        return array[..., :3]
    draft.say(f"{len(array):,} colour images become grey.", "colours")
    grey = array[..., :3].astype(np.float32) @ _LUMA
    return np.rint(grey).astype(array.dtype) if array.dtype.kind in "iu" else grey


def _from_pixels(images: NDArray[Any], known: _Known, draft: _Draft) -> Brought:
    """Images of shape (n, height, width), or (n, height, width, 3), of any numbers."""
    images, known = _without_missing_images(images, known, draft)
    if draft.choose("orientation", "as_stored", get_args(Orientation)) == "transposed":
        images = images.swapaxes(1, 2)
    pixels = _unit(images, draft)
    size = (pixels.shape[1], pixels.shape[2])
    wanted = _size(size, draft)
    if wanted != size:
        if pixels.dtype != np.uint8:
            pixels = np.rint(pixels * 255).astype(np.uint8)
        draft.say(f"Images of {_times(size)} pixels are resized to {_times(wanted)}.", "side")
        pixels = resized(np.ascontiguousarray(pixels), wanted)
    x = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    return _finished(x, known, draft, image_shape=pixels.shape[1:])


def _size(size: tuple[int, int], draft: _Draft) -> tuple[int, int]:
    """The size that images of a size are trained on, by choice."""
    longer = max(size)
    sides = sorted({*(side for side in SIDES if side < longer), min(longer, MAX_SIDE)})
    side = draft.choices.side if draft.choices.side in sides else None
    draft.choices = replace(draft.choices, side=side or sides[-1])
    if len(sides) > 1:
        draft.options["side"] = tuple(map(str, sides))
    return target_size(size, side)


def _without_missing_images(
    images: NDArray[Any], known: _Known, draft: _Draft
) -> tuple[NDArray[Any], _Known]:
    if images.dtype.kind != "f":
        return images, known
    good = np.asarray(np.isfinite(images).all(axis=tuple(range(1, images.ndim))))
    if good.all():
        return images, known
    if not good.any():
        raise BadInput("missing", "every image has values that are no numbers", "fill them in")
    draft.say(_done(int((~good).sum()), "image", "with values that are no numbers", "left out"))
    return images[good], known.kept(good)


def _unit(images: NDArray[Any], draft: _Draft) -> NDArray[Any]:
    """Pixels in [0, 1], or bytes that are divided by 255."""
    low, high = float(images.min()), float(images.max())
    if low == high and not 0 <= low <= 1:
        raise BadInput("constant", f"every pixel has the value {low:g}", "choose other images")
    are_whole = images.dtype.kind in "iub" or bool((images == np.round(images)).all())
    if low >= 0 and 127 < high <= 255 and are_whole:
        return images.astype(np.uint8)
    if low >= 0 and high <= 1:
        return images.astype(np.float32)
    if low >= 0 and high <= 255 and are_whole:
        draft.say(f"Pixels of 0 to {high:g} are divided by {high:g}.")
        return (images / high).astype(np.float32)
    draft.say(f"Pixels of {low:g} to {high:g} are scaled to 0 to 1.")
    scaled = (images.astype(np.float64) - low) / (high - low)
    return np.clip(scaled, 0, 1).astype(np.float32)


def _from_images(content: bytes, choices: Choices, say: Progress) -> Brought:
    draft = _Draft("pictures", choices)
    wanted: LabelsFrom | None = None
    if choices.labels is not None:
        wanted = "none" if choices.labels == NO_LABELS else _label_source(choices.labels)
    found = read_images_zip(
        content,
        side=choices.side,
        fit=choices.fit or "crop",
        colours=choices.colours or "grey",
        labels_from=wanted,
        on_progress=say,
    )
    _say_of_images(found, draft)
    sources = tuple(NO_LABELS if one == "none" else one for one in found.label_sources)
    draft.choose("labels", NO_LABELS if found.labels_from == "none" else found.labels_from, sources)
    _size(next(iter(found.sizes)), draft)
    # Resized already, from the decoded pictures: once, not twice.
    return _turned(found, draft)


def _turned(found: Images, draft: _Draft) -> Brought:
    pixels = found.pixels
    if draft.choose("orientation", "as_stored", get_args(Orientation)) == "transposed":
        pixels = pixels.swapaxes(1, 2)
    x = np.ascontiguousarray(pixels).reshape(len(pixels), -1)
    texts = None if found.labels is None else list(found.labels)
    return _finished(x, _Known(texts), draft, image_shape=pixels.shape[1:])


def _label_source(name: str) -> LabelsFrom | None:
    return next((one for one in get_args(LabelsFrom) if one == name), None)


def _say_of_images(found: Images, draft: _Draft) -> None:
    size = (found.pixels.shape[1], found.pixels.shape[2])
    others = sum(count for one, count in found.sizes.items() if one != size)
    if others:
        listed = ", ".join(f"{_times(one)} ({count:,})" for one, count in list(found.sizes.items())[:3])
        more = ", …" if len(found.sizes) > 3 else ""
        done = f"resized to {_times(size)} pixels; found: {listed}{more}"
        draft.say(_done(others, "picture", "", done), "side")
    shapes = {round(width / height, 2) for height, width in found.sizes}
    if len(shapes) > 1:
        fit = draft.choose("fit", "crop", get_args(Fit))
        how = "cut to the commonest shape" if fit == "crop" else "stretched to the commonest shape"
        draft.say(f"Pictures of other shapes are {how}.", "fit")
    if found.num_colored:
        is_kept = draft.choose("colours", "grey", get_args(Colours)) == "kept"
        done = "kept in colour: three values a pixel" if is_kept else "turned to grey"
        draft.say(_done(found.num_colored, "colour picture", "", done), "colours")
    if found.num_transparent:
        draft.say(_done(found.num_transparent, "picture", "with transparent parts", "put on white"))
    if found.num_moving:
        draft.say(f"Of {_num(found.num_moving, 'moving picture')} the first frame is used.")
    if found.num_broken:
        listed = "; ".join(f"‘{name[-60:]}’: {why}" for name, why in found.broken)
        more = "; …" if found.num_broken > len(found.broken) else ""
        draft.say(_done(found.num_broken, "picture", "", f"left out ({listed}{more})"))
    if found.num_skipped:
        draft.say(_done(found.num_skipped, "file", "of another kind", "passed over"))
    if found.num_unlabeled:
        draft.say(_done(found.num_unlabeled, "picture", "without a label", "left out"), "labels")


def _from_table(content: bytes, choices: Choices) -> Brought:
    draft = _Draft("table", choices)
    table = read_table(
        content,
        header=None if choices.header is None else choices.header == "yes",
        delimiter=choices.delimiter,
        decimal=choices.decimal,
        encoding=choices.encoding,
        missing="keep",
        narrow=choices.narrow == "yes",
    )
    draft.choose("header", "yes" if table.has_header else "no", get_args(YesNo))
    draft.choose("delimiter", table.delimiter, get_args(Delimiter))
    draft.choose("decimal", table.decimal, get_args(Decimal))
    if table.encoding not in ("utf-8", "utf-16"):
        draft.choose("encoding", table.encoding, ("cp932", "cp1252"))
    return _from_columns(table, draft)


def _from_workbook(content: bytes, choices: Choices) -> Brought:
    draft = _Draft("spreadsheet", choices)
    found = read_workbook(
        content,
        sheet=choices.sheet,
        header=None if choices.header is None else choices.header == "yes",
        decimal=choices.decimal,
        missing="keep",
        narrow=choices.narrow == "yes",
    )
    draft.choose("sheet", found.sheet, found.sheets)
    draft.choose("header", "yes" if found.table.has_header else "no", get_args(YesNo))
    if found.has_numbers_as_text:
        draft.choose("decimal", found.table.decimal, get_args(Decimal))
    return _from_columns(found.table, draft)


def _from_columns(table: Table, draft: _Draft) -> Brought:
    """Examples in the columns of a table."""
    if table.has_full_width and draft.choose("narrow", "no", get_args(YesNo)) == "no":
        draft.say("Full-width digits are read as text.", "narrow")
    candidates = _label_candidates(table)
    chosen = draft.choose("labels", _default_label(table, candidates), (*candidates, NO_LABELS))
    for note in table.notes:
        if not note.startswith(ASIDE):
            draft.say(
                note, next((choice for start, choice in _CHOICES_OF_NOTES if note.startswith(start)), "")
            )
    if len(table.columns) == 1 and any(mark in table.columns[0] for mark in ";\t|"):
        draft.say(f"There is one column only, ‘{table.columns[0][:60]}’: another separator?", "delimiter")
    if chosen:
        draft.say(f"‘{chosen}’ gives the classes.", "labels")
    aside = [name for name in table.texts if name != chosen]
    if aside:
        draft.say(f"{ASIDE}: {_listed(aside)}.", "labels")
    usable = [name for name in table.columns if name != chosen]
    others = {name: table.values[:, table.columns.index(name)] for name in usable} if len(usable) > 2 else {}
    known = _beside(others, (), None if chosen == NO_LABELS else candidates[chosen], draft)
    columns = _columns(table, [name for name in usable if name not in known.numbers], draft)
    rows = table.values[:, [table.columns.index(name) for name in columns]]
    rows, known = _with_numbers(rows, known, draft)
    return _from_rows(rows, columns, known, draft, table)


def _beside(
    candidates: Mapping[str, NDArray[np.float64]],
    default: Sequence[str],
    texts: list[str] | None,
    draft: _Draft,
) -> _Known:
    """The labels, and by choice the numbers that are kept of each example."""
    wanted = default if draft.choices.beside is None else draft.choices.beside
    chosen = [name for name in candidates if name in wanted][:MAX_BESIDE]
    draft.choices = replace(draft.choices, beside=tuple(chosen))
    if candidates and len(candidates) <= MAX_LABEL_CLASSES:
        draft.options["beside"] = tuple(candidates)
    if chosen:
        draft.say(f"Known of each example, and not trained on: {_listed(chosen)}.", "beside")
    return _Known(texts, {name: np.asarray(candidates[name], np.float64) for name in chosen})


def _with_numbers(rows: NDArray[Any], known: _Known, draft: _Draft) -> tuple[NDArray[Any], _Known]:
    """The examples of which all numbers beside x are known, and those."""
    good = np.ones(len(rows), np.bool_)
    for values in known.numbers.values():
        good &= np.abs(np.nan_to_num(values, nan=np.inf)) <= LARGEST
    if good.all():
        return rows, known
    if not good.any():
        message = "no example has all the numbers that are kept beside it"
        raise BadInput("beside", message, "keep fewer of them")
    where = f"without a number in {_listed(list(known.numbers))}"
    draft.say(_done(int((~good).sum()), "example", where, "left out"), "beside")
    return rows[good], known.kept(good)


_CHOICES_OF_NOTES: Final = (
    ("The sheet ‘", "sheet"),
    ("Numbers that are stored as text", "decimal"),
    ("The first row", "header"),
    ("The table is not in UTF-8", "encoding"),
    ("Decimal commas", "decimal"),
    ("Commas between thousands", "decimal"),
    ("Full-width", "narrow"),
)
"""How what a table's reader says begins, and the choice that decides it."""


def _label_candidates(table: Table) -> dict[str, list[str]]:
    """What could label the rows, by the name of the column."""
    found: dict[str, list[str]] = {}
    count = len(table.values)
    for name, texts in table.texts.items():
        if len(set(texts)) <= min(MAX_LABEL_CLASSES, max(2, count // 2)):
            found[name] = [text[:_MAX_TEXT] or "(none)" for text in texts]
    for name, values in zip(table.columns, table.values.T, strict=True):
        whole = (
            np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 1e9
        )
        if whole and len(np.unique(values)) <= min(MAX_LABEL_CLASSES, max(2, count // 2)):
            found[name] = [str(int(value)) for value in values]
    return found


def _default_label(table: Table, candidates: Mapping[str, object]) -> str:
    named = [name for name in candidates if name.casefold() in _LABEL_NAMES]
    of_text = [name for name in candidates if name in table.texts]
    return next(iter((*named, *of_text)), NO_LABELS)


def _columns(table: Table, usable: Sequence[str], draft: _Draft) -> tuple[str, ...]:
    """The columns of numbers that are used, by choice: of those that are left, without numbers of rows."""
    numbers = [name for name in usable if _counts_rows(table.values[:, table.columns.index(name)])]
    constant = _constant([table.values[:, table.columns.index(name)] for name in usable], usable)
    default = [name for name in usable if name not in numbers and name not in constant]
    if len(default) < 2:  # of two columns the first may well be a time, or a place
        default = list(usable)
    wanted = draft.choices.columns
    kept = [name for name in usable if wanted is None or name in wanted]
    if wanted is None:
        kept = default
        for what, names in (("Numbers of rows", numbers), ("Constant columns", constant)):
            if names and len(default) < len(usable):
                draft.say(f"{what} are left out: {_listed(names)}.", "columns")
    if not kept:
        raise BadInput("columns", "no column of numbers is left", "choose one at least")
    draft.choices = replace(draft.choices, columns=tuple(kept))
    if 1 < len(usable) <= MAX_LABEL_CLASSES:
        draft.options["columns"] = tuple(usable)
    return tuple(kept)


def _constant(columns: Sequence[NDArray[np.float64]], names: Sequence[str]) -> list[str]:
    """Names of the columns with one value; none where these may be pixels of images, all of which count."""
    if len(names) >= 16 and math.isqrt(len(names)) ** 2 == len(names):
        return []
    # Both skip NaN, and of nothing but NaN they are NaN, which equals nothing.
    is_constant = [np.fmax.reduce(column) == np.fmin.reduce(column) for column in columns]
    return list(itertools.compress(names, is_constant))


def _counts_rows(values: NDArray[np.float64]) -> bool:
    return len(values) > 5 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _from_rows(
    rows: NDArray[Any],
    names: tuple[str, ...],
    known: _Known,
    draft: _Draft,
    table: Table | None = None,
) -> Brought:
    """Rows of numbers, shape (n, D): points, or square images."""
    if rows.shape[1] > MAX_COLUMNS:
        message = f"an example has {rows.shape[1]:,} values, more than {MAX_COLUMNS:,}"
        raise BadInput("columns", message, "use smaller images or fewer columns")
    side = math.isqrt(rows.shape[1])
    if side >= 4 and side * side == rows.shape[1]:
        looks = "images" if side >= 7 and _are_pixels(rows) else "numbers"
        if draft.choose("layout", looks, get_args(Layout)) == "images":
            draft.say(
                f"Rows of {rows.shape[1]:,} numbers are read as images of {_times((side, side))}.", "layout"
            )
            draft.options.pop("columns", None)
            return _from_pixels(rows.reshape(-1, side, side), known, draft)
    head = _head(rows, names, known)
    _say_of_rounded(rows, names, draft)
    rows, known = _filled(np.asarray(rows, np.float64), names, known, draft, table)
    x = _scaled(rows, names, draft)
    return _finished(x, known, draft, columns=names, head=head)


def _say_of_rounded(rows: NDArray[Any], names: tuple[str, ...], draft: _Draft) -> None:
    """Numbers of accounts, for example, may be too long for floating point."""
    # Both skip NaN, and neither makes another array as large as the table.
    largest = np.maximum(np.fmax.reduce(rows, axis=0), -np.fmin.reduce(rows, axis=0).astype(np.float64))
    large = np.flatnonzero(largest > _WHOLE)
    if len(large):
        listed = _listed([f"‘{names[place]}’" for place in large])
        draft.say(f"Numbers beyond 2^53 in {listed}: the first 15 digits of each are kept.")


def _are_pixels(rows: NDArray[Any]) -> bool:
    low, high = float(np.nanmin(rows)), float(np.nanmax(rows))
    if not (low >= 0 and 0 < high <= 255):
        return False
    return high <= 1 or bool((rows == np.round(rows)).all())


def _filled(
    rows: NDArray[np.float64],
    names: tuple[str, ...],
    known: _Known,
    draft: _Draft,
    table: Table | None,
) -> tuple[NDArray[np.float64], _Known]:
    """The rows without NaN: left out or filled, by choice."""
    bad = ~np.isfinite(rows)
    if not bad.any():
        return rows, known
    if bad.all(axis=0).any():
        name = names[int(np.argmax(bad.all(axis=0)))]
        raise BadInput("missing", f"no row has a number in {name!r}", "leave that column out")
    where = [names[place] for place in np.flatnonzero(bad.any(axis=0))]
    odd = [one for one in where if table is not None and one in table.unusable]
    for name in odd[:3]:
        assert table is not None  # or there would be none
        found = table.unusable[name]
        if found.other:
            draft.say(f"‘{name}’ has {_num(found.other, 'cell')} without a number, such as ‘{found.text}’.")
        if found.infinite:
            draft.say(f"‘{name}’ has {_num(found.infinite, 'value')} beyond 1e100, or infinite.")
    affected = np.asarray(bad.any(axis=1))
    counts = [f" ({count:,})" if len(where) > 1 else "" for count in bad.sum(0)[bad.any(axis=0)].tolist()]
    columns = [f"‘{name}’{count}" for name, count in zip(where, counts, strict=True)]
    listed = ", ".join(columns[:4]) + (", …" if len(where) > 4 else "")
    count = int(affected.sum())
    default = "drop" if count * 2 <= len(rows) else "mean"
    if draft.choose("missing", default, get_args(Missing)) == "mean" or affected.all():
        draft.choices = replace(draft.choices, missing="mean")
        means = np.array([column[~wrong].mean() for column, wrong in zip(rows.T, bad.T, strict=True)])
        draft.say(f"{int(bad.sum()):,} missing numbers in {listed} get the mean of their column.", "missing")
        return np.where(bad, means, rows), known
    draft.say(_done(count, "row", f"without a number in {listed}", "left out"), "missing")
    return rows[~affected], known.kept(~affected)


def _scaled(rows: NDArray[np.float64], names: tuple[str, ...], draft: _Draft) -> NDArray[np.float32]:
    """Rows of points, scaled by choice."""
    low, high = float(rows.min()), float(rows.max())
    is_binary = bool(np.isin(rows, (0, 1)).all())
    scale = draft.choose("scale", "none" if is_binary else "standard", get_args(Scale))
    lows, spans = rows.min(0), np.ptp(rows, axis=0)
    constant = spans <= 1e-12 * np.abs(rows).max(0)  # in any unit: a current may be some 1e-12 A
    if constant.any():
        listed = _listed([names[place] for place in np.flatnonzero(constant)])
        draft.say(f"Constant, and no use to a model: {listed}.", "columns")
    if scale == "none":
        largest = float(np.abs(rows).max())
        if largest > 1e6:
            raise BadInput("scale", f"values reach {largest:.3g}", "scale the columns, or training diverges")
        return rows.astype(np.float32)
    if scale == "unit":
        draft.say(f"Columns, of {low:.6g} to {high:.6g}, are scaled to 0 to 1 each.", "scale")
        return np.where(constant, 0.0, (rows - lows) / np.where(constant, 1, spans)).astype(np.float32)
    draft.say(
        f"Columns, of {low:.6g} to {high:.6g}, are scaled to mean 0 and standard deviation 1 each.", "scale"
    )
    # First by the span: the square of a number near 1e-200 would be 0.
    shares = (rows - lows) / np.where(constant, 1, spans)
    spread = np.where(constant, 1, shares.std(0))
    return np.where(constant, 0.0, (shares - shares.mean(0)) / spread).astype(np.float32)


def _head(rows: NDArray[Any], names: tuple[str, ...], known: _Known) -> tuple[tuple[str, ...], ...]:
    """The first rows as text, names first; what is kept beside x and labels last."""
    shown = names[:_HEAD_COLUMNS]
    cells = [
        ["–" if not np.isfinite(value) else f"{value:.6g}" for value in row[: len(shown)]]
        for row in rows[:_HEAD_ROWS]
    ]
    for name, values in known.numbers.items():
        shown = (*shown, f"{name} (beside x)")
        cells = [[*row, f"{values[place]:.6g}"] for place, row in enumerate(cells)]
    if known.texts is not None:
        shown = (*shown, "label")
        cells = [[*row, known.texts[place]] for place, row in enumerate(cells)]
    return (shown, *map(tuple, cells))


def _finished(
    x: NDArray[Any],
    known: _Known,
    draft: _Draft,
    *,
    image_shape: tuple[int, ...] | None = None,
    columns: tuple[str, ...] = (),
    head: tuple[tuple[str, ...], ...] = (),
) -> Brought:
    labels, class_names = None, ()
    if known.texts is not None:
        labels, class_names = _classes(known.texts)
    likelihood, reason = _suggested(x, image_shape)
    if x.size > MAX_VALUES:
        message = f"{len(x):,} examples of {x.shape[1]:,} values are more than {MAX_VALUES:,} values"
        raise BadInput("size", message, "use fewer or smaller examples")
    refusal = "" if len(x) > 1 else "There is one example only: training needs two at least."
    if len(x) > 1 and (x[1] == x[0]).all() and (x == x[0]).all():
        refusal = "All examples are equal: there is nothing that a model could learn."
    if x.shape[1] < 2:
        refusal = "Each example is one number only: the charts need two columns at least."
    return Brought(
        form=draft.form,
        x=x,
        labels=labels,
        class_names=class_names,
        image_shape=image_shape,
        columns=columns,
        beside=known.numbers,
        choices=draft.choices,
        options=draft.options,
        problems=tuple(draft.problems),
        likelihood=likelihood,
        reason=reason,
        head=head,
        refusal=refusal,
    )


def _classes(texts: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class indices from 0 and their names: numbers in their order, other words in theirs."""
    names = set(texts)
    if len(names) > MAX_CLASSES:
        message = f"there are {len(names):,} different labels, more than {MAX_CLASSES:,}"
        raise BadInput("labels", message, "use none, or another column")
    are_numbers = all(name.lstrip("-").isdecimal() for name in names)
    ordered = sorted(names, key=int) if are_numbers else sorted(names)
    places = {name: place for place, name in enumerate(ordered)}
    return np.array([places[text] for text in texts], np.int64), tuple(ordered)


def _suggested(x: NDArray[Any], image_shape: tuple[int, ...] | None) -> tuple[Likelihood, str]:
    """The likelihood that suits the values, and why."""
    top = 255 if x.dtype == np.uint8 else 1
    sample = x[:: max(1, len(x) // 500)]
    if all(((part == 0) | (part == top)).all() for part in (sample, x)):
        return "bernoulli", "Bernoulli: every value is 0 or 1."
    if image_shape is None:
        return "gaussian", "Gaussian: the values are real numbers."
    edge = 0.1 * top
    share = float(((sample <= edge) | (sample >= top - edge)).mean())
    if share >= 0.5:
        return "bernoulli", f"Bernoulli: {share:.0%} of the pixels are nearly black or nearly white."
    reason = f"Continuous Bernoulli: {1 - share:.0%} of the pixels are grey, and it is a density in [0, 1]."
    return "continuous_bernoulli", reason


def _place(name: str, names: Sequence[str]) -> int:
    folded = name.casefold()
    return names.index(folded) if folded in names else len(names)


def _num(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _done(count: int, noun: str, what: str, done: str) -> str:
    """``3 rows without a number are left out.``"""
    return f"{_num(count, noun)} {what}{' ' if what else ''}{'is' if count == 1 else 'are'} {done}."


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name[:60] for name in names[:6]) + (", …" if len(names) > 6 else "")
