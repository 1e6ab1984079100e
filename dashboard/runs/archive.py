"""Many runs as one zip: a run file each, and what people say about them in ``about.json``."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

from dashboard.runs.about import About, file_stem, name_in_file
from dashboard.runs.store import RunStore
from vae_core.errors import BadInput
from vae_core.runs.runfile import MAX_FILE_BYTES

MAX_RUNS: Final = 200
MAX_ZIP_BYTES: Final = 63 * 2**20
"""So that a zip that was downloaded can be uploaded."""
LIMIT: Final = f"{MAX_RUNS} runs and {MAX_ZIP_BYTES // 2**20} MB"
_MAX_MEMBERS: Final = 1000
_MAX_ABOUT: Final = 2 * 2**20
_ABOUT: Final = "about.json"
_SUFFIX: Final = ".safetensors"
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HINT: Final = "upload the .safetensors files one by one"


class Member(NamedTuple):
    """A run of an archive."""

    file_name: str
    about: About
    content: bytes


def zip_of(store: RunStore, ids: Sequence[str]) -> bytes:
    """The saved runs among some as a zip, which :func:`read_zip` takes back; nothing is compressed twice.

    Raises:
        BadInput: They are too many, or too large together.
    """
    found = _files(store, ids)
    if not is_small_enough(store, ids):
        raise BadInput("zip", f"a zip holds at most {LIMIT}", "mark fewer runs")
    out, said = io.BytesIO(), {}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for run_id, path in found:
            about = store.about(run_id)
            name = file_stem(about, run_id) + _SUFFIX
            if name in said:
                name = f"{name.removesuffix(_SUFFIX)}{run_id[4:]}{_SUFFIX}"
            said[name] = asdict(about)
            archive.writestr(name, path.read_bytes())
        archive.writestr(_ABOUT, json.dumps(said))
    return out.getvalue()


def is_small_enough(store: RunStore, ids: Sequence[str]) -> bool:
    """Whether some runs fit into one zip."""
    files = _files(store, ids)
    return len(files) <= MAX_RUNS and sum(path.stat().st_size for _, path in files) <= MAX_ZIP_BYTES


def _files(store: RunStore, ids: Sequence[str]) -> list[tuple[str, Path]]:
    return [(run_id, path) for run_id in ids if (path := store.run_file(run_id)) is not None]


def read_zip(content: bytes) -> Iterator[Member]:
    """The run files in a zip, one after the other; what else is in it is left alone.

    Nothing is written anywhere: names in the zip are text.

    Raises:
        BadInput: It is no zip, is damaged, or holds too much or no run.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            files = [info for info in infos if info.filename.endswith(_SUFFIX) and not info.is_dir()]
            _check(infos, files)
            said = _said(archive)
            for info in files:
                # A member may unpack to more than it says: one byte too many is enough to tell.
                with archive.open(info) as file:
                    member = file.read(MAX_FILE_BYTES + 1)
                about = About.from_said(said.get(info.filename))
                if not about.name:
                    about = about.renamed(name=name_in_file(info.filename))
                yield Member(info.filename, about, member)
    except BadInput:
        raise
    # What damage may raise: ValueError by a name that is no UTF-8 or by a place before the file's beginning,
    # RuntimeError by a password or by what zipfile does not know.
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, EOFError, OSError) as err:
        raise BadInput("zip", "this zip is damaged or encrypted", _HINT) from err


def _check(infos: list[zipfile.ZipInfo], files: list[zipfile.ZipInfo]) -> None:
    if not files:
        raise BadInput("zip", "this zip holds no .safetensors file", "choose one that was downloaded on Runs")
    if any(info.compress_type not in _METHODS for info in infos):
        raise BadInput("zip", "this zip is compressed in a way that is not read here", _HINT)
    too_much = sum(info.file_size for info in files) > MAX_ZIP_BYTES
    if len(infos) > _MAX_MEMBERS or len(files) > MAX_RUNS or too_much:
        raise BadInput("zip", f"this zip holds more than {LIMIT}", _HINT)


def _said(archive: zipfile.ZipFile) -> dict[str, object]:
    try:
        with archive.open(_ABOUT) as file:
            said = json.loads(file.read(_MAX_ABOUT))
    except (KeyError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
