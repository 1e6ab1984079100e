"""Which folders of IDX files may be read, and which data sets they hold, without reading the data.

The files are told by their names: ``train-images-idx3-ubyte``, ``t10k-labels.idx1-ubyte.gz``,
``emnist-letters-test-images-idx3-ubyte``, ``qmnist-train-labels-idx2-int``. What is in them
their content says.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from vae_core.data.idx import IdxHeader, read_idx_header
from vae_core.errors import BadInput

FILES_HINT: Final = (
    "put train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz there, and the t10k pair if you have it"
)
FOLDERS_VARIABLE: Final = "VAE_DASHBOARD_DATA"
"""The folders that may be read, in the environment, between ``os.pathsep``: these and what is below them.

Without it any folder may be: the user is at their own machine. Where it is empty none may.
"""
MAX_ENTRIES: Final = 20_000
"""Of a folder that are looked at."""
MAX_FOLDERS: Final = 200
"""Folders in a folder that are looked into."""
_NAME: Final = re.compile(
    r"((?P<set>.+?)[-_.])?(?P<part>train|t10k|test)[-_.](?P<content>images|labels)[-_.]idx[0-9].*",
    re.IGNORECASE,
)
Part = Literal["train", "test"]
Content = Literal["images", "labels"]


class IdxSet(NamedTuple):
    """The files of one data set.

    Arguments:
        name: What tells it from the others in the folder that was looked at: where the files are from there,
            and what their names begin with; empty for ``train-images-idx3-ubyte`` in the folder itself.
        path: Names this data set alone: a folder, or one and what the names of the files in it begin with.
        prefix: What the names of its files begin with; empty for those of MNIST.
        files: By part and content; there are images of one part at least.
    """

    name: str
    path: Path
    prefix: str
    files: dict[tuple[Part, Content], Path]


def allowed_folders() -> tuple[Path, ...] | None:
    """The folders that may be read, with what is below them; None: all of this machine."""
    allowed = os.environ.get(FOLDERS_VARIABLE)
    if allowed is None:
        return None
    return tuple(Path(os.path.expanduser(one)) for one in allowed.split(os.pathsep) if one)


def is_allowed(folder: Path | str) -> bool:
    """Whether whoever runs this program lets the folder be read; see ``FOLDERS_VARIABLE``.

    Arguments:
        folder: Its path, which need not exist; links and ``..`` in it are followed first.
    """
    allowed = allowed_folders()
    if allowed is None:
        return True
    if not os.fspath(folder):
        return False
    try:
        path = Path(folder).resolve()
        return any(path.is_relative_to(one.resolve()) for one in allowed)
    except (OSError, ValueError, RuntimeError):  # too long, with a NUL, a loop of links
        return False


def folder_of(text: str) -> Path | None:
    """The folder that somebody typed or pasted, as an absolute path; None for nothing.

    Quotes around it, as a file manager copies them, are left out, and ``~`` is the home folder. Whoever reads
    the path later, in another process, may stand in another folder.

    Example:
        >>> folder_of(' "/data/my images" '), folder_of("  ")
        (PosixPath('/data/my images'), None)
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if not text:
        return None
    return Path(os.path.expanduser(text)).absolute()


def idx_sets(folder: Path) -> tuple[IdxSet, ...]:
    """The data sets in a folder, by their names; where it has none, those one folder below.

    A folder that has the name of an IDX file, as some archives unpack to, counts as that file; of the layout
    of torchvision, ``MNIST/raw``, both names may be given, and the folder above them.

    Arguments:
        folder: Their folder, or a path that names one of several: the folder, and what the files' names begin
            with.

    Raises:
        BadInput: There is no such folder, or it may not be read (code ``folder``).
    """
    check_allowed(folder)
    try:
        if not folder.is_dir():
            return _named_by(folder)
        found = _sets_in(folder, folder)
        return found or tuple(one for below in _folders_in(folder) for one in _sets_below(below, folder))
    except BadInput:
        raise
    except (OSError, ValueError) as err:  # too long, with a NUL, not to be read
        raise BadInput("folder", "the folder of the IDX files cannot be read", _CHECK) from err


_CHECK: Final = "check its path and permissions"


def find_idx_set(folder: Path | str | None) -> IdxSet:
    """The data set that a path names; raises as :func:`idx_sets`, and where there is none or several."""
    path = None if folder is None else folder_of(os.fspath(folder))
    if path is None:
        check_allowed("")
        raise BadInput(
            "folder", "MNIST and relatives need a folder", "enter the server folder that holds the IDX files"
        )
    found = idx_sets(path)
    if not found:
        raise BadInput("folder", "the folder has no IDX images", FILES_HINT)
    one = next((one for one in found if one.path == path), found[0])
    if len(found) > 1 and one.path != path:
        names = ", ".join(each.name for each in found)
        raise BadInput("folder", f"the folder holds {len(found)} data sets: {names}", "name one of them")
    return one


def image_dims(folder: Path | str | None) -> tuple[int, int, int]:
    """Number, height and width of the images to train on, from the first bytes of a file.

    Raises:
        BadInput: The folder has no IDX images, or its file is not one.
    """
    files = find_idx_set(folder).files
    path = files.get(("train", "images")) or files["test", "images"]
    with named_errors(path), path.open("rb") as file:
        header = read_idx_header(file)
    check_content(path, header, "images")
    num, height, width = header.dims
    return num, height, width


def check_allowed(folder: Path | str) -> None:
    """Raises :class:`BadInput` (code ``folder``), the same for what is there and what is not."""
    if not is_allowed(folder):
        raise BadInput(
            "folder",
            "this server does not let its visitors read that folder",
            f"whoever starts it can name folders of images in {FOLDERS_VARIABLE}",
        )


def check_content(path: Path, header: IdxHeader, content: Content) -> None:
    """Raises :class:`BadInput` (code ``idx_content``) where a file holds something else than its name says.

    Labels are whole numbers of any size, and may be a table of four-byte numbers: in QMNIST the class is the
    first of several facts about a digit (Yadav and Bottou 2019, arXiv 1905.10498).
    """
    rank, width = len(header.dims), header.dtype.itemsize
    found = {1: "labels", 2: "a table", 3: "images"}[rank]
    if content == "images" and rank == 3 and width > 1:
        found = f"numbers of {width} bytes"
    elif rank == 3 if content == "images" else rank == 1 or (rank == 2 and width == 4):
        return
    message = f"{path.name} holds {found}, not {content}"
    raise BadInput("idx_content", message, "check whether files were swapped")


@contextlib.contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Says of which file a refusal is."""
    try:
        yield
    except BadInput as err:
        raise BadInput(err.code, f"{path.name}: {err.message}", err.hint) from err
    except OSError as err:
        raise BadInput("folder", f"{path.name} cannot be read ({err.strerror})", _CHECK) from err


def _named_by(path: Path) -> tuple[IdxSet, ...]:
    """The data set of a path that is no folder: a file of it, or what its files' names begin with."""
    folder, named = path.parent, _NAME.fullmatch(path.name)
    if named and _NAME.fullmatch(folder.name):
        folder = folder.parent
    if folder.is_dir():
        prefix = (named["set"] or "") if named and path.is_file() else path.name
        found = tuple(one for one in _sets_in(folder, folder) if one.prefix == prefix)
        if found:
            return found
    if path.exists():
        message, hint = "the folder of the IDX files is a file", "name the folder that holds that file"
        raise BadInput("folder", message, hint)
    raise BadInput("folder", "the folder of the IDX files does not exist", "check its spelling")


def _sets_below(below: Path, top: Path) -> tuple[IdxSet, ...]:
    """The data sets of a folder in a folder; a folder that may not be read has none."""
    with contextlib.suppress(OSError):
        return _sets_in(below, top) or (_sets_in(below / "raw", top) if (below / "raw").is_dir() else ())
    return ()


def _sets_in(folder: Path, top: Path) -> tuple[IdxSet, ...]:
    """The data sets whose files lie in a folder itself, named as from ``top``."""
    if not is_allowed(folder):
        return ()
    grouped: dict[str, dict[tuple[Part, Content], Path]] = {}
    for path, found in sorted(_idx_files(folder), key=lambda one: _preference(one[0])):
        part: Part = "train" if found["part"].lower() == "train" else "test"
        content: Content = "images" if found["content"].lower() == "images" else "labels"
        grouped.setdefault(found["set"] or "", {}).setdefault((part, content), path)
    where = "" if folder == top else f"{folder.relative_to(top).as_posix()}/"
    return tuple(
        IdxSet(f"{where}{prefix}".removesuffix("/"), folder / prefix, prefix, files)
        for prefix, files in sorted(grouped.items())
        if any(content == "images" for _, content in files)
    )


def _idx_files(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """Files with the names of IDX files; a folder of such a name holds the file."""
    with os.scandir(folder) as entries:
        named = [
            (Path(entry.path), found)
            for entry in itertools.islice(entries, MAX_ENTRIES)
            if (found := _NAME.fullmatch(entry.name))
        ]
    for path, found in named:
        if path.is_file():
            yield path, found
        elif path.is_dir() and is_allowed(path):
            inner = sorted(path.iterdir())[:10]
            yield from ((file, found) for file in inner if _NAME.fullmatch(file.name) and file.is_file())


def _preference(path: Path) -> tuple[bool, bool, int, str]:
    """Of several files for one place: MNIST's own name, not compressed, the shortest name."""
    name = path.name.lower()
    return "t10k" not in name, name.endswith(".gz"), len(name), name


def _folders_in(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        found = [
            Path(entry.path)
            for entry in itertools.islice(entries, MAX_ENTRIES)
            if not entry.name.startswith(".") and _is_dir(entry)
        ]
    return sorted(found)[:MAX_FOLDERS]


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False
