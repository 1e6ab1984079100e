"""Tables of numbers: the two that come with scikit-learn, for mixtures, and a user's own."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 64
TABLES: Final = ("iris", "wine")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]*),[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE
)
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_DELIMITERS: Final = "\t;|,"
"""A comma last: between other delimiters it is a decimal mark."""
_SNIFFED: Final = 50
"""Rows that decide on the delimiter."""
_LARGEST: Final = 1e100
Row = list[str]


class Table(NamedTuple):
    """Columns of numbers.

    Arguments:
        columns: Their names.
        values: Shape (n, columns), finite.
        texts: What the columns of text hold, by name, a text each row: they may serve as labels.
        has_header: Whether the first row was read as names.
        notes: Sentences on how it was read.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    texts: Mapping[str, tuple[str, ...]] = {}
    has_header: bool = True
    notes: tuple[str, ...] = ()


def load_table(name: str) -> Table:
    """Iris or wine, as scikit-learn has them.

    Arguments:
        name: One of ``TABLES``.
    """
    from sklearn.datasets import load_iris, load_wine

    bunch: Any = {"iris": load_iris, "wine": load_wine}[name]()
    names = tuple(str(column).removesuffix(" (cm)").replace("_", " ") for column in bunch.feature_names)
    return Table(names, np.asarray(bunch.data, dtype=np.float64))


def read_table(content: bytes, *, header: bool | None = None) -> Table:
    """A table as text: numbers, and columns of text, which are set aside.

    Values stand between tabs, semicolons, bars, commas or spaces, with a decimal point or a decimal comma.
    A first row without a number holds names, and so does one with a word above a column of numbers.

    Arguments:
        content: The file: UTF-8, UTF-16 with its mark, or Windows-1252.
        header: Whether the first row holds names; None: as it looks.

    Raises:
        BadInput: It is no such table: names the first row and column that are wrong (code ``table``).

    Example:
        >>> table = read_table(b"size;kind\\n1,5;cat\\n2,5;dog\\n")
        >>> table.columns, table.values.tolist(), table.texts
        (('size',), [[1.5], [2.5]], {'kind': ('cat', 'dog')})
    """
    text, notes = _decoded(content)
    rows, said = _without_commas(*_rows(text))
    notes += said
    width = _width(rows)
    if header is None:
        header = _looks_like_names(rows, width)
    first = 2 if header else 1
    names = _names(rows[0] if header and rows else [""] * width, width)
    rows = rows[1:] if header else rows
    if not 2 <= len(rows) <= MAX_ROWS or width > MAX_COLUMNS:
        message = f"the table has {len(rows)} rows and {width} columns"
        hint = f"give it 2 to {MAX_ROWS} rows of at most {MAX_COLUMNS} numbers, below a row of names"
        raise BadInput("table", message, hint)
    cells = [_cut(row, width, number) for number, row in enumerate(rows, first)]
    texts, numbers = {}, {}
    for name, column in zip(names, zip(*cells, strict=True), strict=True):
        filled = [cell for cell in column if cell]
        if 2 * sum(map(_is_number, filled)) < len(filled):
            texts[name] = column
        elif filled:
            numbers[name] = _numbers(column, name, first)
    if not numbers:
        raise BadInput("table", "the table has no column of numbers", "give it one")
    if texts:
        notes.append(f"Columns of text are set aside: {', '.join(texts)}.")
    if not header:
        notes.append("The first row is read as numbers, not as names.")
    return Table(tuple(numbers), np.stack(list(numbers.values()), axis=1), texts, header, tuple(notes))


def standardized(table: Table, columns: list[str]) -> NDArray[np.float64]:
    """The chosen columns with mean 0 and standard deviation 1, shape (n, columns).

    Arguments:
        table: Where they stand.
        columns: Their names.

    Raises:
        BadInput: A column has one value only, so that it has no scale (code ``column``).
    """
    values = table.values[:, [table.columns.index(name) for name in columns]]
    spreads = values.std(0)
    for name, spread, largest in zip(columns, spreads, np.abs(values).max(0), strict=True):
        if spread <= 1e-12 * max(1.0, largest):
            raise BadInput("column", f"the column {name!r} is constant", "choose another one")
    return (values - values.mean(0)) / spreads


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The text, and what is to be said of how it was read."""
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if is_utf16 else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            said = "The table is not in UTF-8: it is read as Windows-1252."
            return text, [said] if encoding == "cp1252" else []
    raise BadInput("table", "the table is not text in UTF-8", "save it as CSV in UTF-8")


def _rows(text: str) -> tuple[list[Row], str]:
    """Rows of stripped cells, and the first delimiter between which most rows have more than one."""
    for delimiter in (*_DELIMITERS, " "):
        rows = _split(text, delimiter)
        widths = Counter(map(_filled, rows[:_SNIFFED]))
        if widths and widths.most_common(1)[0][0] > 1:
            return rows, delimiter
    return _split(text, ","), ","


def _split(text: str, delimiter: str) -> list[Row]:
    if delimiter == " ":
        return [line.split() for line in text.splitlines() if line.strip()]
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as err:
        raise BadInput("table", "the table is not a CSV", "save it again from your spreadsheet") from err


def _filled(row: Row) -> int:
    """How many cells there are up to the last one that is not empty: lines may end with a delimiter."""
    return next((number for number in range(len(row), 0, -1) if row[number - 1]), 0)


def _width(rows: Sequence[Row]) -> int:
    """The number of columns: what most rows have, or the first where that is more."""
    if not rows:
        return 0
    return max(_filled(rows[0]), Counter(map(_filled, rows)).most_common(1)[0][0])


def _cut(row: Row, width: int, number: int) -> Row:
    if _filled(row) > width or len(row) < width:
        message = f"row {number} of the table has {max(_filled(row), len(row))} values for {width} columns"
        raise BadInput("table", message, "give every row as many values")
    return row[:width]


def _looks_like_names(rows: Sequence[Row], width: int) -> bool:
    if not rows or not any(rows[0]):
        return False
    first, others = rows[0], rows[1:]
    if not any(map(_is_number, first)):
        return True
    columns = [[row[place] for row in others if place < len(row) and row[place]] for place in range(width)]
    return any(
        cell and not _is_number(cell) and column and all(map(_is_number, column))
        for cell, column in zip(first, columns, strict=False)
    )


def _names(row: Row, width: int) -> list[str]:
    """Names of the columns. A row that is one short, as R writes it, leaves the first column out."""
    row = ["", *row] if 1 < len(row) == width - 1 else row
    names = [name or f"column {number}" for number, name in enumerate(_cut(row, width, 1), 1)]
    if len(set(names)) < len(names):
        raise BadInput("table", "two columns of the table have the same name", "rename one of them")
    return names


def _without_commas(rows: list[Row], delimiter: str) -> tuple[list[Row], list[str]]:
    """Numbers with decimal points alone, and what is to be said of it.

    A comma is a decimal mark where one of the numbers allows nothing else. Where all could have it between
    their thousands, it is that if one allows nothing else, or if commas stand between the columns, too.
    """
    cells = {cell for row in rows for cell in row if "," in cell}
    decimal, thousands = (set(filter(one.fullmatch, cells)) for one in (_DECIMAL_COMMA, _THOUSANDS))
    if thousands and not decimal - thousands and (thousands - decimal or delimiter == ","):
        plain = {cell: cell.replace(",", "") for cell in thousands}
        said = "Commas between thousands are left out."
    elif decimal:
        plain = {cell: cell.replace(".", "").replace(",", ".") for cell in decimal}
        said = "Decimal commas are read as decimal points."
    else:
        return rows, []
    return [[plain.get(cell, cell) for cell in row] for row in rows], [said]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _numbers(column: Sequence[str], name: str, first: int) -> NDArray[np.float64]:
    for number, cell in enumerate(column, first):
        if not _is_number(cell) or not abs(float(cell)) < _LARGEST:
            message = f"row {number}, column {name!r} of the table has no usable number ({cell[:20]!r})"
            raise BadInput("table", message, "fill the value in or leave the row out")
    return np.array([float(cell) for cell in column])
