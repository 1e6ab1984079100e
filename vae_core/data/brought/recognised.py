"""Which kind of file somebody brings, by its content."""

import gzip
import io
import zlib
from dataclasses import replace
from typing import Final

from vae_core.data.archive import Archive
from vae_core.data.brought.arrays import from_array, from_idx_zip, from_npz, idx_array
from vae_core.data.brought.choices import Brought, Choices, Problem, Progress
from vae_core.data.brought.columns import from_table, from_workbook
from vae_core.data.brought.downloaded import from_downloaded
from vae_core.data.brought.draft import Draft
from vae_core.data.brought.pictures import from_frames, from_images
from vae_core.data.brought.wording import names_listed
from vae_core.data.images import SUFFIXES
from vae_core.data.limits import MAX_UNPACKED_BYTES
from vae_core.data.npy import read_npy
from vae_core.data.workbook import is_workbook
from vae_core.errors import BadInput


def bring(content: bytes, choices: Choices | None = None, *, on_progress: Progress | None = None) -> Brought:
    """Reads a file as a data set: a table, a workbook, a NumPy or IDX file, or pictures.

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
        return from_array(read_npy(content), Draft("NumPy array", choices))
    if is_workbook(content):
        return from_workbook(content, choices)
    if content.startswith(b"PK"):
        return _from_zip(content, choices, say)
    if _is_picture(content):
        return from_frames(content, choices, say)
    _refuse_others(content)
    if content.startswith((b"\0\0", b"\x1f\x8b")):
        return _from_idx_or_gzip(content, choices)
    return from_table(content, choices)


def _is_picture(content: bytes) -> bool:
    pictures = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    # A table may begin with BMI; four bytes of a bitmap are reserved, and 0.
    is_bitmap = content[:2] == b"BM" and content[6:10] == b"\0\0\0\0"
    return content.startswith(pictures) or is_webp or is_bitmap


def _refuse_others(content: bytes) -> None:
    """Raises with one sentence for files that people bring and that cannot be read."""
    start = content[:16]
    if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise BadInput("pickle", "this is a pickled file, which could run a program", "save it as NPZ or CSV")
    if start.startswith(b"\0\0\0") and start[4:8] == b"ftyp":
        raise BadInput("video", "this is a film, or a picture of a phone (HEIC)", "save pictures as JPEG")
    for mark, code, message, hint in _REFUSED:
        if start.startswith(mark):
            raise BadInput(code, message, hint)
    if content[:200].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        message = "this is a web page or a drawing, not data"
        raise BadInput("web_page", message, "download the file itself, not the page that shows it")


_PACKED_ELSE: Final = ("archive", "this is an archive that is no zip", "unpack it, or pack it as a zip")
_REFUSED: Final = (
    (b"%PDF", "pdf", "this is a PDF", "save its numbers as CSV"),
    (b"\x89HDF", "hdf5", "this is an HDF5 file", "save its arrays with numpy.savez"),
    (b"MATLAB 5.0", "matlab", "this is a file of MATLAB", "save its arrays as CSV, or with numpy.savez"),
    (b"PAR1\x15", "parquet", "this is a Parquet file", "save it as CSV"),
    (b"7z\xbc\xaf", *_PACKED_ELSE),
    (b"Rar!", *_PACKED_ELSE),
    (b"BZh91AY", *_PACKED_ELSE),
    (b"\xfd7zXZ", *_PACKED_ELSE),
)
"""How files begin that people bring and that are not read: code, message and hint."""


def _from_zip(content: bytes, choices: Choices, say: Progress) -> Brought:
    archive = Archive(content)
    names = archive.names
    lowered = [name.casefold() for name in names]
    if any(name.endswith(tuple(SUFFIXES)) for name in lowered):
        return from_images(content, choices, say)
    if any(name.endswith(".npy") for name in lowered):
        return from_downloaded(archive, content) or from_npz(content, choices)
    if any("idx" in name for name in lowered):
        return from_idx_zip(archive, choices)
    tables = [place for place, name in enumerate(lowered) if name.endswith(_TABLES)]
    if tables:
        content = archive.read(tables[0], most=MAX_UNPACKED_BYTES // 8)
        found = (from_workbook if is_workbook(content) else from_table)(content, choices)
        if len(tables) > 1:
            said = Problem(
                f"Other tables are not used: {names_listed([names[place] for place in tables[1:]])}."
            )
            found = replace(found, problems=(said, *found.problems))
        return found
    if any(name.endswith(".zip") for name in lowered):
        message = "the zip holds nothing that can be read, but a zip"
        raise BadInput("zip_empty", message, "unpack it, and bring the inner one")
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
            return from_table(_inflated(content), choices)
    array = idx_array(content)
    if array.ndim == 1:
        hint = "bring the file of images together with it"
        raise BadInput("idx_labels", "this IDX file holds labels, and no images", hint)
    return from_array(array, Draft("IDX file", choices))


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
