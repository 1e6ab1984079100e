"""Zip archives from untrusted bytes: only ever read in memory, with counters of our own.

What a header says of sizes is not believed, and a member's name is never a path: it is a text.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from vae_core.data.limits import MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_UNPACKED_BYTES
from vae_core.errors import BadInput

_CHUNK_BYTES: Final = 1 << 16
_ENCRYPTED: Final = 0x1
_UTF8: Final = 0x800
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile was seen to raise on damaged files.
_DAMAGED: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, OverflowError, KeyError, IndexError),
)
_HINT: Final = "pack it again"


class Member(NamedTuple):
    """A file in an archive.

    Arguments:
        name: Its name with its folders, as text; not unique.
        content: Its bytes.
    """

    name: str
    content: bytes


class Archive:
    """The files of a zip archive, in its order, without folders, links and what systems leave beside files.

    Arguments:
        content: The archive.
        with_hidden: Whether files whose names begin with a dot are among its files.

    Attributes:
        names: Of the files.
        num_skipped: Files that are passed over.

    Raises:
        BadInput: It is damaged (code ``zip``), encrypted (``zip_encrypted``), or has more or larger files
            than are read (``zip_size``).
    """

    def __init__(self, content: bytes, *, with_hidden: bool = False) -> None:
        with _refusals():
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            message = f"the zip holds {len(infos):,} files, more than {MAX_ENTRIES:,}"
            raise BadInput("zip_size", message, "pack fewer")
        packed = sum(info.compress_size for info in infos)
        if packed > len(content):  # a bomb: entries that share their bytes
            raise BadInput("zip_size", "the files in the zip overlap", _HINT)
        self._infos = [info for info in infos if not _is_skipped(info, with_hidden)]
        self.num_skipped = sum(not _is_folder(info) for info in infos) - len(self._infos)
        self.names = tuple(map(_name, self._infos))
        self._left = MAX_UNPACKED_BYTES

    def members(self, *, most: int = MAX_ENTRY_BYTES) -> Iterator[Member]:
        """The files one after another; raises as the class does.

        Arguments:
            most: Bytes of one, unpacked.
        """
        for place, name in enumerate(self.names):
            yield Member(name, self.read(place, most=most))

    def read(self, place: int, *, most: int = MAX_ENTRY_BYTES, first: int | None = None) -> bytes:
        """One file; raises as the class does.

        Arguments:
            place: Its number in ``names``.
            most: Bytes of it, unpacked.
            first: How many of its bytes are wanted; None: all.
        """
        info = self._infos[place]
        if info.flag_bits & _ENCRYPTED:
            raise BadInput("zip_encrypted", "the zip is encrypted", "pack it without a password")
        if info.compress_type not in _METHODS:
            raise BadInput("zip", "the zip is packed by a method that is not read here", "pack it as usual")
        wanted = min(most, self._left) if first is None else min(first, most, self._left)
        found = bytearray()
        with _refusals(), self._zip.open(info) as stream:
            while len(found) <= wanted and (chunk := stream.read(_CHUNK_BYTES)):
                found += chunk
        if first is not None:
            return bytes(found[:first])
        if len(found) > wanted:
            message = f"a file in the zip unpacks to more than {min(most, self._left) // 2**20} MB"
            raise BadInput("zip_size", message, "use smaller or fewer files")
        self._left -= len(found)
        return bytes(found)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BadInput:
        raise
    except _DAMAGED as err:
        raise BadInput("zip", "the zip is damaged or cut short", _HINT) from err


def _is_skipped(info: zipfile.ZipInfo, with_hidden: bool) -> bool:
    parts = info.filename.replace("\\", "/").split("/")
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    hidden = not with_hidden and any(part.startswith(".") and part not in (".", "..") for part in parts)
    return _is_folder(info) or is_link or hidden or parts[0] == "__MACOSX" or parts[-1] == "Thumbs.db"


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return not info.filename or info.filename.endswith("/")


def _name(info: zipfile.ZipInfo) -> str:
    """The name as text: zipfile takes one that is not marked as UTF-8 for cp437, Japanese ones are cp932."""
    name = info.filename.replace("\\", "/")
    if not info.flag_bits & _UTF8 and not name.isascii():
        for encoding in ("utf-8", "cp932"):
            try:
                return name.encode("cp437").decode(encoding)
            except UnicodeError:
                continue
    return name
