"""Data sets that somebody brought: one file each, named by what it holds, read as any other data set.

``own-`` and 32 hex digits of the SHA-256 of content and title are the name: who has it may use the data, and
nobody can guess it. The title counts, so that what one calls the data is nothing that another one reads. The
files lie in ``data_sets`` below the folder of runs.
"""

import functools
import io
import json
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vae_core.data.own_content import (
    BRING_AGAIN,
    Arrays,
    OwnFacts,
    content_digest,
    facts_in,
    retitled,
)
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data.brought import Brought
    from vae_core.data.dataset import Dataset

NAME: Final = re.compile(r"own-[0-9a-f]{32}")
HOME_VARIABLE: Final = "VAE_DASHBOARD_HOME"
_GONE: Final = "this data set is not on this server, or not any more"
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def own_folder() -> Path:
    """Where the data sets of this server are kept."""
    home = os.environ.get(HOME_VARIABLE) or Path.home() / ".vae-dashboard"
    return Path(home) / "data_sets"


def own_file(name: str) -> Path:
    """Where a data set would lie.

    Raises:
        BadInput: That is no name of one (code ``data``).
    """
    if NAME.fullmatch(name) is None:
        raise BadInput("data", f"there is no data set {name[:50]!r}", BRING_AGAIN)
    return own_folder() / name / "data.npz"


def arrays_of(brought: "Brought", title: str) -> dict[str, NDArray[Any]]:
    """The arrays of the file of a data set.

    Arguments:
        brought: What was read.
        title: What it is called.
    """
    x, labels = brought.x, brought.labels
    shape = brought.image_shape or (x.shape[1],)
    facts = OwnFacts(
        name="",
        title="",
        form=brought.form,
        num_examples=len(x),
        shape=shape,
        class_names=brought.class_names,
        columns=brought.columns,
        likelihood=brought.likelihood,
        reason=brought.reason,
        is_unit_interval=x.dtype == np.uint8 or bool(x.min() >= 0 and x.max() <= 1),
        problems=tuple(problem.text for problem in brought.problems),
        digest="",
        beside=tuple(brought.beside),
        scale=brought.choices.scale or "",
    )
    arrays = {"x": x, "facts": np.array(json.dumps(facts._asdict()))}
    if labels is not None:
        arrays["labels"] = labels
    if brought.beside:
        arrays["beside"] = np.column_stack(list(brought.beside.values()))
    return retitled(arrays, title)


def own_facts(name: str) -> OwnFacts:
    """What is known of a data set without loading it.

    Raises:
        BadInput: It is not kept here (code ``data``).
    """
    path = own_file(name)
    if not path.exists():
        raise BadInput("data", _GONE, BRING_AGAIN)
    return _read_facts(path)


@functools.lru_cache(maxsize=512)
def _read_facts(path: Path) -> OwnFacts:
    # What a path names never changes: it is named by its content.
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return facts_in({"facts": arrays["facts"]})
    except FileNotFoundError as err:
        raise BadInput("data", _GONE, BRING_AGAIN) from err
    except _UNREADABLE as err:
        if isinstance(err, BadInput):
            raise
        raise BadInput("data", "the file of this data set cannot be read", BRING_AGAIN) from err


def load_own(name: str, *, seed: int = 0) -> "Dataset":
    """A data set that somebody brought, split by a seed.

    Arguments:
        name: Its name.
        seed: Of the split into training and held-out examples.

    Raises:
        BadInput: It is not kept here, or its file is damaged (code ``data``).
    """
    import torch

    from vae_core.data.byte_images import ByteImages
    from vae_core.data.dataset import Factor, from_arrays, seeded_generator

    facts, path = own_facts(name), own_file(name)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = dict(found)
        os.utime(path)  # what was not used for longest is the first to leave
    except FileNotFoundError as err:
        raise BadInput("data", _GONE, BRING_AGAIN) from err
    except _UNREADABLE as err:
        raise BadInput("data", "the file of this data set cannot be read", BRING_AGAIN) from err
    x = arrays["x"]
    digest = content_digest(arrays, facts)
    if digest != facts.digest or not name.endswith(digest[:32]):
        raise BadInput("data", "the file of this data set is damaged", BRING_AGAIN)
    data = from_arrays(
        name,
        ByteImages(torch.from_numpy(x)) if x.dtype == np.uint8 else x,
        arrays.get("labels"),
        image_shape=facts.image_shape,
        generator=seeded_generator(seed),
        class_names=facts.class_names,
        factors=[Factor(*one) for one in zip(facts.beside, arrays["beside"].T, strict=True)]
        if facts.beside
        else (),
    )
    said = (f"{facts.title}: {' '.join(facts.problems)}",) if facts.problems else ()
    if facts.image_shape is None and len(facts.columns) > 2:
        first, second = facts.columns[:2]
        said += (f"Charts of the data space show the first two columns: {first} and {second}.",)
    columns = facts.value_names if facts.image_shape is None else ()
    return replace(data, digest=facts.digest, notes=said + data.notes, columns=columns)


def packed(arrays: Arrays) -> bytes:
    """The file of a data set."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()
