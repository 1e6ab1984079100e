"""Files as people bring them, made by the tests that read them."""

import datetime
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy_header(text: str, body: bytes = b"", *, version: tuple[int, int] = (1, 0)) -> bytes:
    """A NumPy file with any header."""
    header = text.encode("latin-1")
    form = "<H" if version == (1, 0) else "<I"
    return b"\x93NUMPY" + bytes(version) + struct.pack(form, len(header)) + header + body


def zipped(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return out.getvalue()


def image(pixels: NDArray[Any] | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    one = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    one.save(out, format=form, **options)
    return out.getvalue()


def idx(array: NDArray[np.uint8]) -> bytes:
    dims = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + dims + array.tobytes()


def two_classes(count: int = 12, side: int = 12, *, in_colour: bool = False) -> bytes:
    """A zip of pictures in two folders: bright ones and dark ones, in colour yellow ones and blue ones."""
    noise = np.random.RandomState(0)
    files = {}
    for number in range(count):
        bright = number % 2
        pixels = (noise.rand(side, side) * 80 + 160 * bright).astype(np.uint8)
        if in_colour:
            pixels = np.stack([pixels, pixels // 2, 255 - pixels], axis=2)
        files[f"photos/{'day' if bright else 'night'}/{number}.png"] = image(pixels)
    return zipped(files)


class Formula(NamedTuple):
    """A cell with a formula, and the value that the workbook keeps of it."""

    text: str
    value: float | None


class Percent(NamedTuple):
    """A cell that shows 0.05 as 5 %."""

    value: float


class Error(NamedTuple):
    """A cell with an error."""

    text: str


Cell = str | float | bool | datetime.date | Formula | Percent | Error | None
_MAIN: Final = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'


def workbook(
    sheets: Mapping[str, Sequence[Sequence[Cell]]],
    *,
    merged: Sequence[str] = (),
    hidden: Sequence[str] = (),
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """A workbook of Excel with these rows of cells, the areas merged in its first sheet, and more parts."""
    named, relations, files = "", "", {}
    for number, (name, rows) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name in hidden else ""
        named += f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="r{number}"/>'
        relations += (
            f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        )
        lines = "".join(
            f'<row r="{row}">{"".join(_cell(row, column, cell) for column, cell in enumerate(cells))}</row>'
            for row, cells in enumerate(rows, 1)
        )
        areas = "".join(f'<mergeCell ref="{area}"/>' for area in merged if number == 1)
        areas = f"<mergeCells>{areas}</mergeCells>" if areas else ""
        files[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {_MAIN}><sheetData>{lines}</sheetData>{areas}</worksheet>"
        )
    relations += f'<Relationship Id="rs" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    has_percent = any(isinstance(cell, Percent) for rows in sheets.values() for row in rows for cell in row)
    formats = "".join(f'<xf numFmtId="{one}"/>' for one in (0, 9 if has_percent else 0, 14))
    files |= {
        "_rels/.rels": f'<Relationships {_PACKAGE}><Relationship Id="r" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships {_PACKAGE}>{relations}</Relationships>",
        "xl/styles.xml": f"<styleSheet {_MAIN}><cellXfs>{formats}</cellXfs></styleSheet>",
    }
    parts = {name: text.encode() for name, text in files.items()}
    return zipped(parts | dict(more or {}))


def _cell(row: int, column: int, cell: Cell) -> str:
    place = f'r="{chr(ord("A") + column)}{row}"'
    match cell:
        case None:
            return ""
        case bool():
            return f'<c {place} t="b"><v>{int(cell)}</v></c>'
        case str():
            return f'<c {place} t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        case Formula(text, value):
            return f"<c {place}><f>{escape(text)}</f>{'' if value is None else f'<v>{value!r}</v>'}</c>"
        case Percent(value):
            return f'<c {place} s="1"><v>{value!r}</v></c>'
        case Error(text):
            return f'<c {place} t="e"><v>{text}</v></c>'
        case datetime.date():
            return f'<c {place} s="2"><v>{(cell - datetime.date(1899, 12, 30)).days}</v></c>'
        case _:
            return f"<c {place}><v>{cell!r}</v></c>"


def open_document(rows: Sequence[Sequence[str | float]]) -> bytes:
    """A spreadsheet as LibreOffice has them, with one sheet."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    lines = "".join(f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>" for row in rows)
    table = f'<table:table table:name="Sheet1">{lines}</table:table>'
    content = (
        f"<office:document-content{spaces}><office:body><office:spreadsheet>{table}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    parts = {"mimetype": kind.encode(), "content.xml": content.encode()}
    return zipped(parts | {"META-INF/manifest.xml": manifest})


def _open_cell(cell: str | float) -> str:
    if isinstance(cell, str):
        text = f"<text:p>{escape(cell)}</text:p>" if cell else ""
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{cell!r}"/>'
