"""Tables of numbers and text, from untrusted bytes, and the two that come with scikit-learn."""

import csv
import io
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.data.below import repeats_above, without_footnotes, without_totals
from vae_core.data.cells import (
    PERCENT_NOTE,
    Decimal,
    Row,
    as_truths,
    is_missing,
    is_number,
    mixed_units,
    with_plain_minus,
    without_accounts,
    without_commas,
    without_groups,
    without_units,
)
from vae_core.data.limits import LARGEST, MAX_COLUMNS, MAX_ROWS
from vae_core.errors import BadInput

ASIDE: Final = "Columns of text are set aside"
ABOVE: Final = "What stands above the table is left out"
_DIFFER: Final = "is read as text, because its units differ"
TABLES: Final = ("iris", "wine")
Delimiter = Literal["tab", "semicolon", "bar", "comma", "blank"]
"""In the order in which they are tried. A comma late: between other delimiters it is a decimal mark."""
Encoding = Literal["utf-8", "utf-16", "cp932", "cp1252"]
Missing = Literal["refuse", "keep"]
_DELIMITERS: Final[Mapping[str, str]] = {
    "tab": "\t",
    "semicolon": ";",
    "bar": "|",
    "comma": ",",
    "blank": " ",
}
_ENCODINGS: Final = {"utf-16": "UTF-16", "cp932": "Shift-JIS", "cp1252": "Windows-1252"}
_PLAIN: Final = re.compile(r"[0-9.eE+-]*")
_INFINITE: Final = frozenset(("inf", "infinity", "∞"))
_BLANKS: Final = " \t\f\v\x1c\x1d\x1e\x1f\x85\xa0\u3000\u2002\u2003\u2009\u202f"
_COMMENT: Final = "#"
_SEPARATOR: Final = "sep="
_MOST_ABOVE: Final = 40
"""Rows above a table."""
_SNIFFED: Final = 50
"""Rows that decide on the delimiter."""
_SAMPLE: Final = 1 << 17
"""Characters in which those are looked for."""
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
"""With which UTF-16 begins, by the order of its bytes: low or high first."""
_FULL_WIDTH: Final = re.compile("[\uff10-\uff19\uff0e\uff0d\uff0b]")


class Unusable(NamedTuple):
    """Cells of a column of numbers in which there is none.

    Arguments:
        missing: How many are empty, or say so (``NA``, ``NULL``, ``?``).
        infinite: How many are infinite, or beyond 1e100.
        other: How many hold something else.
        row: The first row of any of them, as the file counts.
        text: What stands in the first one that is not empty; "" where all are.
    """

    missing: int
    infinite: int
    other: int
    row: int
    text: str


class Table(NamedTuple):
    """Columns of numbers.

    Arguments:
        columns: Their names.
        values: Shape (n, columns); NaN where a cell holds no usable number.
        texts: What the columns of text hold, by name, a text each row: they may serve as labels.
        has_header: Whether the first row was read as names.
        notes: Sentences on how it was read.
        delimiter: What stands between the values.
        decimal: The decimal mark.
        encoding: Of the text.
        unusable: What is wrong in which column of numbers.
        has_full_width: Whether there are numbers in full-width digits, which are read as text.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    texts: Mapping[str, tuple[str, ...]] = {}
    has_header: bool = True
    notes: tuple[str, ...] = ()
    delimiter: Delimiter = "comma"
    decimal: Decimal = "point"
    encoding: Encoding = "utf-8"
    unusable: Mapping[str, Unusable] = {}
    has_full_width: bool = False


def load_table(name: str) -> Table:
    """Iris or wine, as scikit-learn has them.

    Arguments:
        name: One of ``TABLES``.
    """
    from sklearn.datasets import load_iris, load_wine

    bunch: Any = {"iris": load_iris, "wine": load_wine}[name]()
    names = tuple(str(column).removesuffix(" (cm)").replace("_", " ") for column in bunch.feature_names)
    return Table(names, np.asarray(bunch.data, dtype=np.float64))


def read_table(
    content: bytes,
    *,
    header: bool | None = None,
    delimiter: Delimiter | None = None,
    decimal: Decimal | None = None,
    encoding: Encoding | None = None,
    missing: Missing = "refuse",
    narrow: bool = False,
) -> Table:
    """A table as text: numbers, and columns of text, which are set aside.

    Values stand between tabs, semicolons, bars, commas or spaces, with a decimal point or a decimal comma.
    A first row without a number holds names, and so does one with a word above a column of numbers. Each of
    these is recognised where it is not given. A unit that all the cells of a column have is left out, and a
    percentage is a fraction; blanks or apostrophes may stand between thousands.

    Arguments:
        content: The file: UTF-8, UTF-16 with its mark, Shift-JIS or Windows-1252.
        header: Whether the first row holds names.
        delimiter: What stands between the values.
        decimal: The decimal mark; with a point, commas between thousands are left out.
        encoding: Of the text.
        missing: Whether a cell without a usable number in a column of numbers is refused, or kept as NaN.
        narrow: Whether full-width digits count as digits.

    Raises:
        BadInput: It is no such table: names the first row and column that are wrong (code ``table``).

    Example:
        >>> table = read_table(b"size;kind\\n1,5;cat\\n2,5;dog\\n")
        >>> table.columns, table.values.tolist(), table.texts
        (('size',), [[1.5], [2.5]], {'kind': ('cat', 'dog')})
    """
    text, encoding, notes = _decoded(content, encoding)
    return table_of_text(
        text,
        header=header,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        missing=missing,
        narrow=narrow,
        notes=notes,
    )


def table_of_text(
    text: str,
    *,
    header: bool | None = None,
    delimiter: Delimiter | None = None,
    decimal: Decimal | None = None,
    encoding: Encoding = "utf-8",
    missing: Missing = "refuse",
    narrow: bool = False,
    notes: Sequence[str] = (),
    is_rectangular: bool = False,
) -> Table:
    """A table that is text already, as :func:`read_table` reads and refuses it.

    Arguments:
        text: The table.
        header: Whether the first row holds names.
        delimiter: What stands between the values.
        decimal: The decimal mark.
        encoding: That the text had.
        missing: Whether a cell without a usable number in a column of numbers is refused, or kept as NaN.
        narrow: Whether full-width digits count as digits.
        notes: What is to be said of it before all else.
        is_rectangular: Whether all rows have as many cells, so that none is too long.
    """
    notes = list(notes)
    has_full_width = not text.isascii() and _FULL_WIDTH.search(text) is not None
    if narrow and has_full_width:
        text = unicodedata.normalize("NFKC", text)
        notes.append("Full-width characters are read as the usual ones.")
    text = with_plain_minus(text)
    delimiter = delimiter or _sniffed(text)
    rows = _split(text, delimiter)
    if not is_rectangular:
        rows, said = _without_title(rows)
        notes += said
    width = max(map(_filled, rows), default=0) if is_rectangular else _width(rows)
    rows, said = without_footnotes(rows, width)
    notes += said
    rows, decimal, units, said = _plain_numbers(text, rows, width, delimiter, decimal)
    notes += said
    if header is None:
        header = _looks_like_names(rows, width)
    first = 2 if header else 1
    names, said = _names(rows[0] if header and rows else [""] * width, width)
    notes += said
    notes += _said_of_units({names[place]: unit for place, unit in units.items()}, notes)
    rows = rows[1:] if header else rows
    if not rows:
        hint = "bring one with at least two rows of numbers"
        raise BadInput("table", f"the table has no rows{' below its names' if header else ''}", hint)
    if width > MAX_COLUMNS or len(rows) > MAX_ROWS:
        message = f"the table has {len(rows):,} rows and {width:,} columns"
        hint = f"give it 1 to {MAX_ROWS:,} rows of at most {MAX_COLUMNS:,} values, below a row of names"
        raise BadInput("table", message, hint)
    rows, said = without_totals(rows)
    notes += said
    columns = list(zip(*(_cut(row, width, number) for number, row in enumerate(rows, first)), strict=True))
    rows.clear()  # the columns hold their cells
    found = _sorted_out(names, columns, first)
    last = {name: column[-1] for name, column in zip(names, columns, strict=True)}
    if repeated := repeats_above(found.numbers, last):
        notes.append(f"The last row has the {repeated} of those above: it is left out.")
        found = _sorted_out(names, [column[:-1] for column in columns], first)
    notes += found.notes
    if missing == "refuse":
        _refuse(found.unusable)
    if not found.numbers:
        raise _without_numbers(notes)
    if found.texts:
        notes.append(f"{ASIDE}: {', '.join(found.texts)}.")
    if not header:
        notes.append("The first row is read as numbers, not as names.")
    return Table(
        columns=tuple(found.numbers),
        values=np.stack(list(found.numbers.values()), axis=1),
        texts=found.texts,
        has_header=header,
        notes=tuple(notes),
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        unusable=found.unusable,
        has_full_width=has_full_width,
    )


def _plain_numbers(
    text: str, rows: list[Row], width: int, delimiter: Delimiter, decimal: Decimal | None
) -> tuple[list[Row], Decimal, dict[int, str], list[str]]:
    """Numbers as a program writes them, the decimal mark, units by column, and what is to be said."""
    rows, notes = without_accounts(text, rows, width)
    rows, units = without_units(rows, width)
    if delimiter != "blank":
        rows, said = without_groups(text, rows)
        notes += said
    if delimiter == "comma" and '"' not in text:  # no cell has a comma
        return rows, decimal or "point", units, notes
    rows, decimal, said = without_commas(rows, decimal, is_between_columns=delimiter == "comma")
    return rows, decimal, units, [*notes, *said]


def _without_numbers(notes: Sequence[str]) -> BadInput:
    message = "the table has no column of numbers"
    if odd := next((note for note in notes if _DIFFER in note), ""):
        said, _, hint = odd.rstrip(".").partition(": ")
        return BadInput("table", f"{message}; {said}", hint)
    return BadInput("table", message, "give it one, or choose another separator or decimal mark")


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
        if spread <= 1e-12 * largest:
            raise BadInput("column", f"the column {name!r} is constant", "choose another one")
    return (values - values.mean(0)) / spreads


def _decoded(content: bytes, encoding: Encoding | None) -> tuple[str, Encoding, list[str]]:
    """The text, its encoding, and what is to be said of it."""
    content = _with_mark(content)
    is_utf16 = content.startswith(_MARKS)
    tried: tuple[Encoding, ...] = ("utf-16",) if is_utf16 else ("utf-8", "cp932", "cp1252")
    for one in (encoding,) if encoding else tried:
        try:
            text = content.decode("utf-8-sig" if one == "utf-8" else one)
        except UnicodeError:
            continue
        if "\0" not in text and (encoding or one != "cp932" or _is_japanese(text)):
            said = f"The table is not in UTF-8: it is read as {_ENCODINGS.get(one)}."
            return text, one, [said] if one in _ENCODINGS else []
    if encoding:
        raise BadInput("table", f"the table is not text in {encoding.upper()}", "choose another encoding")
    raise BadInput("table", "the table is not text in UTF-8", "save it as CSV in UTF-8")


def _with_mark(content: bytes) -> bytes:
    """UTF-16 that begins without its mark gets it: the high bytes of its digits and delimiters are 0."""
    if content.startswith(_MARKS):
        return content
    for mark, high in zip(_MARKS, (content[1:_SAMPLE:2], content[:_SAMPLE:2]), strict=True):
        if 2 * high.count(0) > len(high):
            return mark + content
    return content


def _is_japanese(text: str) -> bool:
    """Whether what is no ASCII looks like Japanese, not like accents that were taken for it.

    A letter with an accent swallows the letter behind it, so such a character stands within a Latin word.
    """
    wide = re.findall("[\u3040-\u30ff\u4e00-\u9fff]", text)
    other = sum(not char.isascii() and unicodedata.east_asian_width(char) not in "WF" for char in text)
    within = len(
        re.findall("[A-Za-z][\u3040-\u30ff\u4e00-\u9fff]|[\u3040-\u30ff\u4e00-\u9fff][A-Za-z]", text)
    )
    return bool(wide) and other <= len(wide) and within * 2 < len(wide)


def _sniffed(text: str) -> Delimiter:
    """The first delimiter between which most rows have more than one cell."""
    sample = text[:_SAMPLE]
    for delimiter in get_args(Delimiter):
        rows = list(itertools.islice(_cells(sample, delimiter), _SNIFFED + 1))
        # What the sample ends in may be half a row.
        rows = rows[:-1] if len(rows) > _SNIFFED or (len(text) > _SAMPLE and len(rows) > 1) else rows
        widths = Counter(map(_filled, rows))
        if widths and widths.most_common(1)[0][0] > 1:
            return delimiter
    return "comma"


def _split(text: str, delimiter: Delimiter) -> list[Row]:
    """Rows of stripped cells, those without any left out; raises where there are more than may be."""
    rows = list(itertools.islice(_cells(text, delimiter), MAX_ROWS + 2))
    if rows and _filled(rows[0]) > MAX_COLUMNS:
        message = f"the table has {_filled(rows[0]):,} columns, more than {MAX_COLUMNS:,}"
        raise BadInput("table", message, "use fewer columns")
    if len(rows) > MAX_ROWS + 1:
        raise BadInput("table", f"the table has more than {MAX_ROWS:,} rows", "use fewer rows")
    if delimiter != "blank" and text.count('"') % 2 and rows:
        opened = next((number for number, row in enumerate(rows, 1) if any("\n" in cell for cell in row)), 0)
        if opened == len(rows):
            message = f"a quotation mark that opens in row {opened} of the table never closes"
            raise BadInput("table", message, "close it, or take it out")
    return rows


def _cells(text: str, delimiter: Delimiter) -> Iterator[Row]:
    if delimiter == "blank":
        yield from (line.split() for line in text.splitlines() if line.strip())
        return
    mark = _DELIMITERS[delimiter]
    # In most large files there is nothing to strip, and a look at the text is cheaper than one at each cell.
    has_blanks = any(blank in text for blank in _BLANKS if blank != mark)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True):
            cells = [cell.strip() for cell in row] if has_blanks else row
            if any(cells):
                yield cells
    except csv.Error as err:
        raise BadInput("table", "the table is not a CSV", "save it again from your spreadsheet") from err


def _filled(row: Row) -> int:
    """How many cells there are up to the last one that is not empty: lines may end with a delimiter."""
    if row and row[-1]:
        return len(row)
    return next((number for number in range(len(row), 0, -1) if row[number - 1]), 0)


def _width(rows: Sequence[Row]) -> int:
    """The number of columns: what most rows have, or the first where that is more."""
    if not rows:
        return 0
    return max(_filled(rows[0]), Counter(map(_filled, rows)).most_common(1)[0][0])


def _without_title(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """The rows without what stands above them, and what is to be said of that.

    A program may write a title, lines of comment or ``sep=;`` first, a spreadsheet a title with empty cells
    beside it. NumPy writes the names of the columns as a comment.
    """
    width = _width([row for row in rows[:_SNIFFED] if not row[0].startswith(_COMMENT)])
    first = next((place for place, row in enumerate(rows) if not _is_above(row, width)), len(rows))
    if not first or width < 2 or first > _MOST_ABOVE or first == len(rows):
        return rows, []
    above, rows = rows[:first], rows[first:]
    words = [row for row in above if not row[0].startswith((_COMMENT, _SEPARATOR))]
    if any(map(is_number, rows[0])) and (width == 2 or any(_filled(row) > 1 for row in words)):
        # The words may be names after all, above numbers whose decimal commas are taken for separators.
        return [*above, *rows], []
    if above[-1][0].startswith(_COMMENT):
        names = [above[-1][0].lstrip(_COMMENT).strip(), *above[-1][1:]]
        names = names if names[0] else names[1:]
        if len(names) == width and not any(map(is_number, names)) and any(map(is_number, rows[0])):
            above, rows = above[:-1], [names, *rows]
    texts = [" ".join(filter(None, row)) for row in above if not row[0].startswith(_SEPARATOR)]
    return rows, [f"{ABOVE}: ‘{' / '.join(texts)[:200]}’."] if texts else []


def _is_above(row: Row, width: int) -> bool:
    """Whether a row that begins a table is none of its rows: a comment, or words in too few of the columns.

    One name may be missing: R gives none to the column of names of rows. Of two columns one may have none.
    """
    if row[0].startswith((_COMMENT, _SEPARATOR)):
        return True
    filled = _filled(row)
    is_short = filled < width - 1 or (filled == 1 and len(row) == 1)
    return is_short and row[0] != "" and not is_number(row[0])


def _cut(row: Row, width: int, number: int) -> Row:
    if len(row) == width:
        return row
    if _filled(row) > width or len(row) < width:
        count = max(_filled(row), len(row))
        values = "1 value" if count == 1 else f"{count} values"
        message = f"row {number} of the table has {values} for {width} columns"
        raise BadInput("table", message, "give every row as many values")
    return row[:width]


def _looks_like_names(rows: Sequence[Row], width: int) -> bool:
    if not rows or not any(rows[0]):
        return False
    first, others = rows[0], rows[1:]
    if not any(map(is_number, first)):
        return True
    for place, cell in enumerate(first):
        if cell and not is_number(cell):
            column = [row[place] for row in others if place < len(row) and row[place]]
            if column and all(map(is_number, column)):
                return True
    return False


def _names(row: Row, width: int) -> tuple[list[str], list[str]]:
    """Names of the columns, all different. A row that is one short, as R writes it, leaves the first out."""
    row = ["", *row] if 1 < len(row) == width - 1 else row
    names = [name or f"column {number}" for number, name in enumerate(_cut(row, width, 1), 1)]
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    taken, found = set(names), []
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        number, unique = seen[name], name
        while number > 1 and unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        found.append(unique)
    said = [f"Names that occur twice are numbered: {', '.join(repeated)}."] if repeated else []
    return found, said


def _said_of_units(units: Mapping[str, str], notes: Sequence[str]) -> list[str]:
    """What is to be said of units by the names of their columns."""
    said = [PERCENT_NOTE] if "%" in units.values() and PERCENT_NOTE not in notes else []
    others = [f"{unit} of ‘{name}’" for name, unit in units.items() if unit != "%"]
    return said + ([f"Units are left out: {', '.join(others)}."] if others else [])


class _Sorted(NamedTuple):
    """Columns of text, columns of numbers, and what is unusable in those, by their names."""

    texts: dict[str, tuple[str, ...]]
    numbers: dict[str, NDArray[np.float64]]
    unusable: dict[str, Unusable]
    notes: list[str]


def _sorted_out(names: Sequence[str], columns: Sequence[tuple[str, ...]], first: int) -> _Sorted:
    """The columns by what they hold.

    TRUE and FALSE are 1 and 0, unless one column has them beside columns of numbers: that is a class.
    """
    found = _by_kind(names, columns, first)
    truths = {name: truth for name, column in found.texts.items() if (truth := as_truths(column))}
    if not truths or (len(truths) == 1 and found.numbers):
        return found
    columns = [truths.get(name, column) for name, column in zip(names, columns, strict=True)]
    found = _by_kind(names, columns, first)
    found.notes.append(f"TRUE and FALSE are read as 1 and 0: {', '.join(truths)}.")
    return found


def _by_kind(names: Sequence[str], columns: Sequence[tuple[str, ...]], first: int) -> _Sorted:
    notes: list[str] = []
    texts: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, NDArray[np.float64]] = {}
    unusable: dict[str, Unusable] = {}
    empty = []
    for name, column in zip(names, columns, strict=True):
        values, num_numbers = _as_numbers(column)
        wrong = np.flatnonzero(np.isnan(values))
        num_filled = len(column) - sum(is_missing(column[row]) for row in wrong.tolist())
        if num_filled == 0:
            empty.append(name)
        elif 2 * num_numbers < num_filled:
            texts[name] = tuple(column)
            if (odd := mixed_units(column)) is not None:
                notes.append(
                    f"‘{name}’ {_DIFFER}, such as ‘{odd[0][:20]}’ and ‘{odd[1][:20]}’: give all its "
                    "cells the same, or none."
                )
        else:
            numbers[name] = values
            if len(wrong):
                unusable[name] = _unusable(column, wrong, first)
    if empty:
        notes.append(f"Empty columns are left out: {', '.join(empty)}.")
    return _Sorted(texts, numbers, unusable, notes)


def _as_numbers(column: Sequence[str]) -> tuple[NDArray[np.float64], int]:
    """The values, NaN where there is no usable number, and how many cells are written as numbers."""
    if _PLAIN.fullmatch("".join(column)):
        # Nothing that only Python takes for a number can be made of these characters.
        try:
            values = np.fromiter(map(float, column), np.float64, len(column))
        except ValueError:
            pass
        else:
            return np.where(np.abs(values) < LARGEST, values, np.nan), len(column)
    values, count = np.full(len(column), np.nan), 0
    for row, cell in enumerate(column):
        if is_number(cell):
            count += 1
            value = float(cell)
            values[row] = value if abs(value) < LARGEST else np.nan
    return values, count


def _unusable(column: tuple[str, ...], wrong: NDArray[np.intp], first: int) -> Unusable:
    cells = [column[row] for row in wrong.tolist()]
    missing = sum(map(is_missing, cells))
    infinite = sum(cell.casefold().lstrip("+-") in _INFINITE or is_number(cell) for cell in cells)
    text = next((cell for cell in cells if cell), "")
    return Unusable(missing, infinite, len(cells) - missing - infinite, int(wrong[0]) + first, text[:20])


def _refuse(unusable: Mapping[str, Unusable]) -> None:
    for name, one in unusable.items():
        message = f"row {one.row}, column {name!r} of the table has no usable number ({one.text!r})"
        raise BadInput("table", message, "fill the value in or leave the row out")
