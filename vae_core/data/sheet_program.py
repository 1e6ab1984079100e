"""A program of its own: it reads one sheet of a workbook from standard input, and writes a table as text.

    python -P sheet_program.py SHEET NUM_BYTES MAX_ROWS MAX_COLUMNS

A library in Rust reads: given a hostile file it may end the process that it runs in, which is why nothing
else happens in this one. SHEET is the name of the sheet as JSON, or null for the first that has numbers in
it; NUM_BYTES is how much memory there is. The first line that is written is JSON, with what was found; the
rows follow, with tabs between their cells. Nothing of this project is imported here, so it starts at once.
"""

import csv
import datetime
import gc
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

if sys.platform != "win32":
    import resource

MAX_SHEETS: Final = 100
MAX_CELL: Final = 1000
"""Characters of a cell that are kept."""
MAX_TEXT: Final = 128 * 2**20
"""Characters of a table."""
_LOOKED_AT: Final = 50
_UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,]*(e[+-]?[0-9]+)?", re.IGNORECASE)
Row = list[Any]


def main(sheet: str, num_bytes: str, max_rows: str, max_columns: str) -> int:
    """Reads and writes; returns the exit code."""
    gc.disable()  # millions of cells, and no cycles
    if sys.platform != "win32":
        most = int(num_bytes)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    try:
        about, text = read(sys.stdin.buffer.read(), json.loads(sheet), int(max_rows), int(max_columns))
    except MemoryError:
        about, text = {"error": "size"}, ""
    # What Rust panics with is no Exception: a workbook that it stumbles over is a damaged one.
    except BaseException as err:
        if isinstance(err, KeyboardInterrupt | SystemExit):
            raise
        about, text = {"error": "damaged"}, ""
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n" + text.encode())
    return 0


def read(content: bytes, wanted: str | None, max_rows: int, max_columns: int) -> tuple[dict[str, Any], str]:
    """What was found in a workbook, and the rows of one of its sheets."""
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    shown = [one.name for one in sheets if one.visible == SheetVisibleEnum.Visible]
    hidden = [one.name for one in sheets if one.visible != SheetVisibleEnum.Visible]
    names = (shown or hidden)[:MAX_SHEETS]
    about: dict[str, Any] = {"sheets": names, "hidden": hidden[:MAX_SHEETS] if shown else []}
    name = next((name for name in names if name == wanted), None)
    sheet = _first_with_numbers(workbook, names) if name is None else workbook.get_sheet_by_name(name)
    if sheet is None:
        return about | {"error": "empty"}, ""
    return _table_of(sheet, about | {"sheet": sheet.name}, max_rows, max_columns)


def _first_with_numbers(workbook: CalamineWorkbook, names: Sequence[str]) -> CalamineSheet | None:
    """The first sheet with numbers in two of its first rows, no page of notes; else the first not empty.

    The sheet itself: to ask for it by its name is to read it once more.
    """
    filled = None
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        rows = sheet.to_python(nrows=_LOOKED_AT)
        if sum(any(isinstance(cell, float) for cell in row) for row in rows) > 1:
            return sheet
        if filled is None and any(map(_count, rows)):
            filled = sheet
    return filled


def _table_of(
    sheet: CalamineSheet, about: dict[str, Any], max_rows: int, max_columns: int
) -> tuple[dict[str, Any], str]:
    found = sheet.to_python(nrows=max_rows + _LOOKED_AT + 1)
    rows, title = _without_title(found)
    top, left = sheet.start or (0, 0)
    merged = _fill_merged(sheet, rows, top + len(found) - len(rows), left)
    about |= {"title": title, "merged": merged}
    filled = [row for row in rows if any(cell != "" for cell in row)]
    if not filled:
        return about | {"error": "empty"}, ""
    width = max((_filled(row) for row in filled), default=0)
    if len(filled) > max_rows or width > max_columns:
        return about | {"error": "size"}, ""
    about["empty_rows"] = len(rows) - len(filled)
    seen: set[str] = set()
    out = _Bounded()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    for number, row in enumerate(filled):
        # A name such as 2026 may well be text.
        of_row = seen if number else set[str]()
        writer.writerow([_TEXT_OF[type(cell)](cell, of_row) for cell in row[:width]])
    return about | {"seen": sorted(seen)}, out.getvalue()


class _Bounded(io.StringIO):
    """A text that is no longer than may be."""

    def write(self, text: str) -> int:
        if self.tell() > MAX_TEXT:
            raise MemoryError
        return super().write(text)


def _without_title(rows: list[Row]) -> tuple[list[Row], str]:
    """The rows from the first with several cells on, and what stands above it; all where few have several."""
    first = next((place for place, row in enumerate(rows) if _count(row) > 1), 0)
    below = [_count(row) for row in rows[first : first + _LOOKED_AT]]
    if 2 * sum(count > 1 for count in below) <= sum(count > 0 for count in below):
        return rows, ""
    texts = [str(cell) for row in rows[:first] for cell in row if cell != ""]
    return rows[first:], " / ".join(texts)[:200]


def _fill_merged(sheet: CalamineSheet, rows: list[Row], top: int, left: int) -> int:
    """Gives each cell of a merged area the value of its first; returns how many areas have one.

    The first of the rows is row ``top`` of the sheet, and begins with its column ``left``.
    """
    count = 0
    for (first_row, first_column), (last_row, last_column) in sheet.merged_cell_ranges or []:
        row, column = first_row - top, first_column - left
        if not (0 <= row < len(rows) and 0 <= column < len(rows[row])) or rows[row][column] == "":
            continue
        value, width = rows[row][column], last_column - left + 1
        count += 1
        for one in rows[row : last_row - top + 1]:
            places = range(column, min(width, len(one)))
            one[column : len(places) + column] = [value] * len(places)
    return count


def _count(row: Sequence[Any]) -> int:
    return sum(cell != "" for cell in row)


def _filled(row: Sequence[Any]) -> int:
    return next((place for place in range(len(row), 0, -1) if row[place - 1] != ""), 0)


def _of_text(cell: str, seen: set[str]) -> str:
    text = _UNPRINTED.sub(" ", cell[:MAX_CELL]) if not cell.isprintable() or len(cell) > MAX_CELL else cell
    if "number as text" not in seen and _NUMBER.fullmatch(text):
        seen.add("number as text")
    return text


def _of_float(cell: float, seen: set[str]) -> str:
    del seen
    return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)


def _of_date(cell: datetime.date | datetime.time | datetime.timedelta, seen: set[str]) -> str:
    seen.add("date")
    return str(cell)


_TEXT_OF: Final[dict[type, Callable[[Any, set[str]], str]]] = {
    str: _of_text,
    float: _of_float,
    int: lambda cell, seen: str(cell),
    bool: lambda cell, seen: "TRUE" if cell else "FALSE",
    datetime.date: _of_date,
    datetime.datetime: _of_date,
    datetime.time: _of_date,
    datetime.timedelta: _of_date,
}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
