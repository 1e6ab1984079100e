"""What is said of a file that somebody brings: how it is read, what is wrong with it, and what it becomes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.data.cells import Decimal
from vae_core.data.images import (
    Colours,
    Fit,
    Frames,
)
from vae_core.data.limits import MAX_SIDE
from vae_core.data.table import Delimiter, Encoding
from vae_core.errors import BadInput

YesNo = Literal["yes", "no"]
Layout = Literal["images", "numbers"]
Orientation = Literal["as_stored", "transposed"]
Missing = Literal["drop", "mean"]
Scale = Literal["standard", "unit", "none"]
Progress = Callable[[float], None]
NO_LABELS: Final = ""


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
        frames: Whether all frames or pages of a file are pictures, or the first.
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
    frames: Frames | None = None
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
    "frames": Frames,
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
        title: What a data set that was downloaded here was called; "" of any other file.
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
    title: str = ""


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
        "title": brought.title,
    }
    return {"preview": np.array(json.dumps(values))}
