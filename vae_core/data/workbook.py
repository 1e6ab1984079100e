"""Workbooks of spreadsheets, from untrusted bytes: Excel's .xlsx, .xlsm and .xls, and OpenDocument's .ods.

python-calamine reads them, in a process of its own; what it is given of a packed workbook is packed anew from
what counters of our own let through, without macros and pictures.
"""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from vae_core.data.archive import Archive
from vae_core.data.cells import PERCENT_NOTE, Decimal
from vae_core.data.limits import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_WORKBOOK_BYTES,
    READ_BYTES,
    READ_SECONDS,
)
from vae_core.data.table import ABOVE, Missing, Table, table_of_text
from vae_core.errors import BadInput

_PROGRAM: Final = Path(__file__).with_name("sheet_program.py")
_OLD: Final = b"\xd0\xcf\x11\xe0"
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
"""Stands in a file of the old form around a new workbook that has a password."""
_PARTS: Final = (".xml", ".rels", "mimetype")
"""Of a packed workbook: what is given to the library."""
_HINT: Final = "save it again, or save the sheet as CSV (UTF-8)"
_REFUSALS: Final = {
    "password": ("the workbook is locked by a password", "save it without a password"),
    "empty": ("the sheet has no cell with a value", "choose another one"),
    "size": (
        f"the sheet has more than {MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns, or too much text",
        "use a smaller one",
    ),
    "damaged": (
        "this is no workbook that can be read: it is damaged, locked by a password, or another document",
        _HINT,
    ),
    "crash": ("the workbook is damaged, or a cell lies far outside its table", _HINT),
}


class Workbook(NamedTuple):
    """A sheet of a workbook as a table.

    Arguments:
        table: What is in it; its notes say what was done to read it.
        sheet: Its name.
        sheets: The sheets that may be chosen.
        has_numbers_as_text: Whether there are texts that are written as numbers.
    """

    table: Table
    sheet: str
    sheets: tuple[str, ...]
    has_numbers_as_text: bool


def is_workbook(content: bytes) -> bool:
    """Whether a file begins as a workbook does, or is a zip that has the parts of one."""
    if content.startswith(_OLD):
        return True
    return content.startswith(b"PK") and _is_packed_workbook(Archive(content, with_hidden=True).names)


def read_workbook(
    content: bytes,
    *,
    sheet: str | None = None,
    header: bool | None = None,
    decimal: Decimal | None = None,
    missing: Missing = "refuse",
    narrow: bool = False,
) -> Workbook:
    """A sheet of a workbook: numbers, and columns of text, which are set aside, as by :func:`read_table`.

    Formulas count with the value that the workbook keeps of them, and no macro runs. Dates and times are
    text; a percentage is a fraction; a cell with an error, such as #DIV/0!, is empty. Rows above
    the table that have one cell only are left out, and so are empty rows. Each cell of a merged area has the
    value of its first. Sheets that are hidden are not offered, unless all are.

    Arguments:
        content: The file.
        sheet: Which sheet; None, or one that there is not: the first that has numbers in it.
        header: Whether the first row holds names; None: as it looks.
        decimal: The decimal mark of numbers that are stored as text; None: as it looks.
        missing: Whether a cell without a usable number in a column of numbers is refused, or kept as NaN.
        narrow: Whether full-width digits count as digits.

    Raises:
        BadInput: It is no such workbook, is encrypted, or larger than may be (code ``workbook``, or those of
            :class:`vae_core.data.archive.Archive`); or its sheet is no table of numbers (code ``table``).
    """
    is_old = content.startswith(_OLD)
    if is_old and _LOCKED in content:
        raise BadInput("workbook", *_REFUSALS["password"])
    packed, kinds = (content, {"formula", "percent"}) if is_old else checked_parts(content)
    about, text = _run(packed, sheet)
    if "error" in about:
        raise BadInput("workbook", *_REFUSALS[about["error"]])
    seen = {*about["seen"], *kinds}
    table = table_of_text(
        text,
        delimiter="tab",
        header=header,
        decimal=decimal,
        missing=missing,
        narrow=narrow,
        notes=_notes(about, seen),
        is_rectangular=True,
    )
    return Workbook(table, about["sheet"], tuple(about["sheets"]), "number as text" in seen)


def _is_packed_workbook(names: tuple[str, ...]) -> bool:
    return any(name.startswith("xl/workbook") for name in names) or {"content.xml", "mimetype"} <= set(names)


def checked_parts(content: bytes) -> tuple[bytes, set[str]]:
    """The parts of a packed workbook, packed anew, and what kinds of cells are in them.

    Macros, pictures and whatever else is no table stay behind; sizes are counted, whatever the zip says.

    Raises:
        BadInput: As :class:`vae_core.data.archive.Archive`, or it is no workbook (code ``workbook``).
    """
    archive = Archive(content, with_hidden=True)
    if not _is_packed_workbook(archive.names):
        raise BadInput("workbook", *_REFUSALS["damaged"])
    if "xl/workbook.bin" in archive.names:
        raise BadInput("workbook", "this is a binary workbook (.xlsb)", "save it as .xlsx or CSV (UTF-8)")
    left, out, kinds = MAX_WORKBOOK_BYTES, io.BytesIO(), set[str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for place, name in enumerate(archive.names):
            if name.endswith(_PARTS):
                part = archive.read(place, most=left)
                left -= len(part)
                kinds |= _kinds_in(name, part)
                packed.writestr(name, part)
    return out.getvalue(), kinds


def _kinds_in(name: str, part: bytes) -> set[str]:
    """What a part of a packed workbook says of its cells that the values do not tell."""
    marks: dict[str, tuple[bytes, ...]] = {}
    if name.startswith("xl/worksheets/"):
        marks = {"formula": (b"<f>", b"<f "), "error": (b't="e"',)}
    elif name == "xl/styles.xml":
        # Of the formats those that cells use: 9 and 10 are percentages in every workbook.
        part = _between(part, b"<numFmts", b"</numFmts>") + _between(part, b"<cellXfs", b"</cellXfs>")
        marks = {"percent": (b'numFmtId="9"', b'numFmtId="10"', b"%")}
    elif name == "content.xml":
        marks = {"formula": (b"table:formula=",), "percent": (b'value-type="percentage"',)}
    return {kind for kind, signs in marks.items() if any(sign in part for sign in signs)}


def _between(part: bytes, start: bytes, end: bytes) -> bytes:
    return part.partition(start)[2].partition(end)[0]


def _run(content: bytes, sheet: str | None) -> tuple[dict[str, Any], str]:
    """What the program says of a workbook, and its table; whatever befalls it, this process goes on."""
    arguments = [json.dumps(sheet), str(READ_BYTES), str(MAX_ROWS + 1), str(MAX_COLUMNS)]
    # -P: no file beside the program stands in for a module of the standard library.
    command = [sys.executable, "-P", str(_PROGRAM), *arguments]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=READ_SECONDS, check=False)
    except subprocess.TimeoutExpired as err:
        raise BadInput("time", "reading this workbook takes too long", "use a smaller one") from err
    if done.returncode:
        raise BadInput("workbook", *_REFUSALS["crash"])
    said, _, text = done.stdout.partition(b"\n")
    return json.loads(said), text.decode()


def _notes(about: dict[str, Any], seen: set[str]) -> list[str]:
    """What was done to read the sheet, a sentence each."""
    notes = []
    if len(about["sheets"]) > 1:
        notes.append(f"The sheet ‘{about['sheet']}’ is read, one of {len(about['sheets'])}.")
    if about["hidden"]:
        more = ", …" if len(about["hidden"]) > 3 else ""
        notes.append(f"Hidden sheets are left out: {', '.join(about['hidden'][:3])}{more}.")
    if about["title"]:
        notes.append(f"{ABOVE}: ‘{about['title']}’.")
    if about["merged"]:
        areas = "1 merged area has" if about["merged"] == 1 else f"{about['merged']:,} merged areas have"
        notes.append(f"{areas} the value of the first cell in each cell.")
    if about["empty_rows"]:
        rows = "1 empty row is" if about["empty_rows"] == 1 else f"{about['empty_rows']:,} empty rows are"
        notes.append(f"{rows} left out.")
    return notes + [sentence for kind, sentence in _SENTENCES.items() if kind in seen]


_SENTENCES: Final = {
    "formula": "Formulas count with the values that the workbook keeps; without one, as missing.",
    "percent": PERCENT_NOTE,
    "error": "Cells with an error, such as #DIV/0!, count as missing.",
    "date": "Dates and times are read as text.",
    "number as text": "Numbers that are stored as text count as numbers.",
}
