"""Which files a folder of IDX data has, and the shape of one example, without reading the data."""

import gzip
import os
from pathlib import Path
from typing import Final, Literal

from vae_core.data.idx import read_idx_dims
from vae_core.errors import BadInput

FILES_HINT: Final = (
    "put train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz there, and the t10k pair if you have it"
)
FOLDERS_VARIABLE: Final = "VAE_DASHBOARD_DATA"
"""The folders that may be read, in the environment, between ``os.pathsep``: these and what is below them.

Without it any folder may be: the user is at their own machine. Where it is empty none may.
"""
_ENDINGS: Final = {"images": "idx3-ubyte", "labels": "idx1-ubyte"}


def is_allowed(folder: Path | str) -> bool:
    """Whether whoever runs this program lets the folder be read; see ``FOLDERS_VARIABLE``.

    Arguments:
        folder: Its path, which need not exist; links and ``..`` in it are followed first.
    """
    allowed = os.environ.get(FOLDERS_VARIABLE)
    if allowed is None:
        return True
    try:
        path = Path(folder).resolve()
        return any(path.is_relative_to(Path(one).resolve()) for one in allowed.split(os.pathsep) if one)
    except (OSError, ValueError, RuntimeError):  # too long, with a NUL, a loop of links
        return False


def check_allowed(folder: Path | str) -> None:
    """Raises :class:`BadInput` (code ``folder``), the same for what is there and what is not."""
    if not is_allowed(folder):
        raise BadInput(
            "folder",
            "this server does not let its visitors read that folder",
            f"whoever starts it can name folders of images in {FOLDERS_VARIABLE}",
        )


def check_folder(path: Path) -> None:
    """Raises :class:`BadInput` (code ``folder``) where there is no folder."""
    if not path.exists():
        raise BadInput("folder", "the folder of the IDX files does not exist", "check its spelling")
    if not path.is_dir():
        raise BadInput(
            "folder", "the folder of the IDX files is a file", "name the folder that holds that file"
        )


def find_idx(folder: Path, stem: str, content: Literal["images", "labels"]) -> Path | None:
    """The file ``train-images-idx3-ubyte`` or one of its other spellings; None when it is not there."""
    names = (f"{stem}-{content}{dot}{_ENDINGS[content]}{gz}" for dot in "-." for gz in ("", ".gz"))
    return next((path for name in names if (path := folder / name).is_file()), None)


def image_dims(folder: Path) -> tuple[int, int, int]:
    """Number, height and width of the folder's images to train on, from the first bytes of a file.

    Raises:
        BadInput: The folder has no IDX images, or its file is not one.
    """
    try:
        check_folder(folder)
        path = find_idx(folder, "train", "images") or find_idx(folder, "t10k", "images")
        if path is None:
            raise BadInput("folder", "the folder has no IDX images", FILES_HINT)
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            dims = read_idx_dims(file)
    except (OSError, EOFError) as err:
        raise BadInput(
            "folder", "the IDX files cannot be read", "check the folder and its permissions"
        ) from err
    if len(dims) != 3:
        raise BadInput("idx_content", f"{path.name} holds no images", "check whether files were swapped")
    return dims[0], dims[1], dims[2]
