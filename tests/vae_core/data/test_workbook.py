"""Workbooks of spreadsheets: what each cell counts as, and hostile ones, which are refused."""

import datetime
import io
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest

from tests.attacks.test_readers import mutated
from tests.brought_files import Cell, Error, Formula, Percent, open_document, workbook, zipped
from vae_core.data import Choices, bring, read_workbook
from vae_core.data.brought import Brought, Problem
from vae_core.data.workbook import checked_parts
from vae_core.errors import BadInput

ROOT: Final = Path(__file__).resolve().parents[3]
OLD: Final = Path(__file__).with_name("old.xls").read_bytes()
"""Of Excel 97, by xlwt 1.3: a title, merged kinds, days, formulas without values, a hidden sheet."""
MAY: Final = datetime.date(2026, 5, 1)
FLOWERS: Final[list[list[Cell]]] = [
    ["Measured in the garden"],
    [],
    ["length", "kind", "share", "day", "twice", "in bloom", "width"],
    [1.5, "rose", Percent(0.05), MAY, Formula("A4*2", 3.0), True, "1,5"],
    [2.5, None, Percent(0.10), MAY, Formula("A5*2", 5.0), False, "2,5"],
    [Error("#DIV/0!"), None, Percent(0.12), MAY, Formula("A6*2", None), True, "3,5"],
    [],
    [4.0, "tulip", Percent(0.25), MAY, Formula("A7*2", 8.0), False, "4,25"],
    [5.0, "tulip", Percent(0.30), MAY, Formula("A8*2", 10.0), True, "6"],
]


def texts(found: Brought) -> list[str]:
    return [problem.text for problem in found.problems]


def test_every_kind_of_cell_has_a_treatment_that_is_said() -> None:
    found = bring(workbook({"Flowers": FLOWERS}, merged=["B4:B6"]), Choices(scale="none", missing="mean"))
    assert found.form == "spreadsheet"
    assert found.columns == ("length", "share", "twice", "width")
    expected = [
        [1.5, 0.05, 3, 1.5],
        [2.5, 0.10, 5, 2.5],
        [3.25, 0.12, 6.5, 3.5],  # the means stand for the error, and for the formula without a value
        [4, 0.25, 8, 4.25],
        [5, 0.30, 10, 6],
    ]
    np.testing.assert_allclose(found.x, expected, rtol=1e-6)
    assert found.labels is not None
    assert [found.class_names[label] for label in found.labels] == ["rose", "rose", "rose", "tulip", "tulip"]
    assert texts(found) == [
        "What stands above the table is left out: ‘Measured in the garden’.",
        "1 merged area has the value of the first cell in each cell.",
        "1 empty row is left out.",
        "Formulas count with the values that the workbook keeps; without one, as missing.",
        "Percentages are read as fractions: 5 % is 0.05.",
        "Cells with an error, such as #DIV/0!, count as missing.",
        "Dates and times are read as text.",
        "Numbers that are stored as text count as numbers.",
        "Decimal commas are read as decimal points.",
        "‘kind’ gives the classes.",
        "Columns of text are set aside: day, in bloom.",
        "2 missing numbers in ‘length’ (1), ‘twice’ (1) get the mean of their column.",
    ]
    assert {"header", "decimal", "labels", "columns", "missing", "scale"} <= set(found.options)
    assert not {"delimiter", "encoding", "sheet"} & set(found.options)


def test_a_plain_sheet_needs_no_sentence_but_that_of_its_scale() -> None:
    rows: list[list[Cell]] = [["a", "b"], [1.5, 2.0], [2.5, 3.0], [5.0, 1.0]]
    assert texts(bring(workbook({"Sheet1": rows}))) == [
        "Columns, of 1 to 5, are scaled to mean 0 and standard deviation 1 each."
    ]
    years = read_workbook(workbook({"Sheet1": [[2025.0, 2026.0], *rows[1:]]}), header=True).table
    assert years.columns == ("2025", "2026")
    assert len(read_workbook(workbook({"Sheet1": rows[1:]})).table.values) == 3


def test_the_first_sheet_with_numbers_is_read_and_another_can_be_chosen() -> None:
    """A page of notes comes first in many workbooks, and no switch is drawn beside a refusal."""
    notes: list[list[Cell]] = [["Read me"], ["Measured by", "Ada"], ["Year", 2026.0]]
    content = workbook(
        {"Notes": notes, "2025": FLOWERS, "2026": [["a", "b"], [1.0, 2.0], [3.0, 5.0]], "Old": [[1.0, 2.0]]},
        hidden=["Old"],
    )
    found = bring(content)
    assert Problem("The sheet ‘2025’ is read, one of 3.", "sheet") in found.problems
    assert "Hidden sheets are left out: Old." in texts(found)
    assert (found.choices.sheet, found.options["sheet"]) == ("2025", ("Notes", "2025", "2026"))
    assert bring(content, Choices(sheet="2026", scale="none")).x.tolist() == [[1, 2], [3, 5]]
    for there_is_none in ("Old", "nowhere"):
        assert bring(content, Choices(sheet=there_is_none)).choices.sheet == "2025"
    with pytest.raises(BadInput, match="no rows below its names"):
        bring(workbook({"Notes": notes[:2]}))
    with pytest.raises(BadInput, match="the sheet has no cell with a value"):
        bring(workbook({"Notes": [], "2026": FLOWERS}), Choices(sheet="Notes"))
    only_hidden = read_workbook(workbook({"Old": [[1.0, 2.0], [3.0, 4.0]]}, hidden=["Old"]))
    assert (only_hidden.sheet, only_hidden.table.values.tolist()) == ("Old", [[1, 2], [3, 4]])
    with pytest.raises(BadInput, match="the sheet has no cell with a value"):
        bring(workbook({"Notes": []}))


def test_merged_areas_above_and_beside_the_table_change_nothing() -> None:
    rows: list[list[Cell]] = [
        [None, "Flowers of May", None],
        [None, "a", "b"],
        [None, 1.0, 2.0],
        [None, 3.0, 4.5],
    ]
    content = workbook({"S": rows}, merged=["B1:C1", "E1:XFD1048576", "A3:A4", "C4:ZZ9"])
    table = read_workbook(content).table
    assert (table.columns, table.values.tolist()) == (("a", "b"), [[1, 2], [3, 4.5]])
    assert table.notes[0] == "What stands above the table is left out: ‘Flowers of May’."


def test_a_remark_beside_the_table_is_a_column_of_text() -> None:
    rows: list[list[Cell]] = [["a", "b"], [1.0, 2.0, None, "measured twice"], [3.0, 4.5], [6.0, 7.0]]
    table = read_workbook(workbook({"S": rows})).table
    assert table.values.tolist() == [[1, 2], [3, 4.5], [6, 7]]
    assert table.texts == {"column 4": ("measured twice", "", "")}
    assert "Empty columns are left out: column 3." in table.notes


def test_text_in_cells_can_be_anything() -> None:
    kinds = ['"', 'a"b', "x\ty", "two\nlines", "=1+1", "<b>", "テスト", "\u202eabc", "'", ""]
    rows: list[list[Cell]] = [
        ["v", "w", "kind"],
        *([float(i), i % 3 + 0.5, kind] for i, kind in enumerate(kinds)),
    ]
    table = read_workbook(workbook({"<s> & ‘t’": rows})).table
    wanted = ('"', 'a"b', "x y", "two lines", "=1+1", "<b>", "テスト", "\u202eabc", "'", "")
    assert table.texts["kind"] == wanted
    assert len(table.values) == len(kinds)


def test_workbooks_of_excel_97_and_of_libreoffice_are_read() -> None:
    old = read_workbook(OLD)
    assert (old.sheet, old.table.columns, old.table.values[:, 0].tolist()) == (
        "Flowers",
        ("length",),
        [0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
    )
    assert old.table.texts["kind"] == ("rose",) * 3 + ("tulip",) * 3
    assert old.table.texts["day"][0] == "2026-05-01"
    assert "Hidden sheets are left out: Secret." in old.table.notes
    assert "Empty columns are left out: twice." in old.table.notes
    opened = open_document([["a", "b", "kind"], [1.0, 2.5, "x"], [3.0, 4.0, "y"], [5.0, 1.0, "y"]])
    found = bring(opened, Choices(scale="none"))
    assert (found.x.tolist(), found.class_names) == ([[1, 2.5], [3, 4], [5, 1]], ("x", "y"))


def test_a_workbook_in_a_zip_is_read_and_other_tables_are_named() -> None:
    inner = workbook({"S": [["a", "b"], [1.0, 2.0], [3.0, 4.5]]})
    found = bring(zipped({"mine.xlsx": inner, "more.csv": b"a,b\n1,2\n"}))
    assert found.x.shape == (2, 2)
    assert found.problems[0].text == "Other tables are not used: more.csv."


def test_macros_and_pictures_never_reach_the_library() -> None:
    extra = {"xl/vbaProject.bin": b"Shell", "xl/media/image1.png": b"x", "docProps/app.xml": b"<a/>"}
    names = zipfile.ZipFile(io.BytesIO(checked_parts(workbook({"S": FLOWERS}, more=extra))[0])).namelist()
    assert "xl/worksheets/sheet1.xml" in names
    assert all(name.endswith((".xml", ".rels")) for name in names)


def _edited(place: str, edit: Callable[[bytes], bytes]) -> bytes:
    """A workbook with one of its parts changed."""
    archive = zipfile.ZipFile(io.BytesIO(workbook({"S": FLOWERS}, merged=["B4:B6"])))
    parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {place: edit(parts[place])})


SHEET: Final = "xl/worksheets/sheet1.xml"
ENTITIES: Final = (
    b'<!DOCTYPE a [<!ENTITY b "'
    + b"ha" * 50
    + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (c, b"&%c;" % (c - 1) * 50) for c in range(ord("c"), ord("i")))
    + b"]>"
)


HOSTILE: Final[Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "a cell far outside": (
        lambda: _edited(SHEET, lambda part: part.replace(b'r="G9"', b'r="XFD1048576"')),
        "a cell lies far outside its table",
    ),
    "a bomb": (
        lambda: _edited(SHEET, lambda part: part.replace(b"<sheetData>", b"<sheetData>" + b" " * 3 * 10**8)),
        "unpacks to more than 256 MB",
    ),
    "too many columns": (
        lambda: _edited(SHEET, lambda part: part.replace(b'r="G9"', b'r="GGG9"')),
        "more than 200,000 rows, 4,096 columns",
    ),
    "a password": (lambda: OLD[:1024] + "EncryptedPackage".encode("utf-16-le"), "is locked by a password"),
    "cut short": (lambda: workbook({"S": FLOWERS})[:-30], "damaged or cut short"),
    "half of an old one": (lambda: OLD[:2000], "damaged"),
    "a document": (
        lambda: zipped({"mimetype": b"application/x", "content.xml": b"<a/>"}),
        "another document",
    ),
    "a binary one": (lambda: zipped({"xl/workbook.bin": b"x"}), "binary workbook"),
    "no sheets": (lambda: _edited("xl/workbook.xml", lambda part: b"<workbook/>"), "no cell|damaged"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_workbook_is_refused_in_one_sentence(case: str) -> None:
    make, words = HOSTILE[case]
    with pytest.raises(BadInput, match=words):
        bring(make())


@pytest.mark.parametrize(
    "declared",
    [ENTITIES, b'<!DOCTYPE a [<!ENTITY h SYSTEM "file:///etc/passwd">]>'],
    ids=["laughs", "a file"],
)
def test_entities_are_not_expanded_and_no_file_is_opened(declared: bytes) -> None:
    def edit(part: bytes) -> bytes:
        return declared + part.replace(b"tulip", b"&h;")

    with pytest.raises(BadInput, match="no workbook that can be read"):
        bring(_edited(SHEET, edit))
    assert bring(_edited(SHEET, lambda part: declared + part)).class_names == ("rose", "tulip")


MEASURED: Final = textwrap.dedent("""
    import resource, sys
    from vae_core.data import bring
    content = sys.stdin.buffer.read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        bring(content)
    except ValueError as err:
        print(err.code)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
""")


@pytest.mark.parametrize(
    ("case", "code", "own", "others"),
    # kB: a part may unpack to 256 MB before it is known to be larger; the program has 1 GB at most.
    [("a bomb", "zip_size", 400_000, 400_000), ("a cell far outside", "workbook", 50_000, 400_000)],
)
def test_a_bomb_is_refused_within_its_memory(case: str, code: str, own: int, others: int) -> None:
    command = [sys.executable, "-c", MEASURED]
    ran = subprocess.run(command, input=HOSTILE[case][0](), capture_output=True, check=True, cwd=ROOT)
    said, grown, child = ran.stdout.decode().split()
    assert said == code
    assert int(grown) < own
    assert int(child) < others


@pytest.mark.parametrize("form", ["xls", "xlsx", "ods"])
def test_nothing_but_bad_input_comes_of_a_mutated_workbook(form: str) -> None:
    """Of a packed one a part is changed, or else the zip would be damaged and nothing more be tried."""
    noise = np.random.RandomState(11)
    packed = workbook({"S": FLOWERS}, merged=["B4:B6"]) if form == "xlsx" else open_document([["a", 1.0]] * 9)
    archive = zipfile.ZipFile(io.BytesIO(packed))
    parts = {name: archive.read(name) for name in archive.namelist()}
    outcomes = set()
    for _ in range(40):
        name = sorted(parts)[noise.randint(len(parts))]
        content = (
            mutated(OLD, noise) if form == "xls" else zipped(parts | {name: mutated(parts[name], noise)})
        )
        try:
            outcomes.add(len(bring(content).x) > 0)
        except BadInput as err:
            outcomes.add(err.code)
    assert {True, "workbook"} <= outcomes, "some are read, some are refused"


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr("vae_core.data.workbook._PROGRAM", tmp_path / "hangs.py")
    monkeypatch.setattr("vae_core.data.workbook.READ_SECONDS", 0.2)
    with pytest.raises(BadInput, match="takes too long"):
        bring(OLD)


def test_a_sheet_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name the library reads it anew, two of nine seconds of 20 MB."""
    from vae_core.data import sheet_program

    asked: list[str] = []

    class Counted:
        def __init__(self, found: Any) -> None:
            self.found, self.sheets_metadata = found, found.sheets_metadata

        def get_sheet_by_name(self, name: str) -> Any:
            asked.append(name)
            return self.found.get_sheet_by_name(name)

    library = sheet_program.CalamineWorkbook
    opened = SimpleNamespace(from_filelike=lambda file: Counted(library.from_filelike(file)))
    monkeypatch.setattr(sheet_program, "CalamineWorkbook", opened)
    content = workbook({"notes": [["a page of words"]], "numbers": [["a", "b"], [1.0, 2.0], [3.0, 4.5]]})
    for wanted, expected in ((None, ["notes", "numbers"]), ("numbers", ["numbers"])):
        asked.clear()
        about, text = sheet_program.read(content, wanted, 100, 10)
        assert (about["sheet"], asked) == ("numbers", expected)
        assert text == "a\tb\n1\t2\n3\t4.5\n"
