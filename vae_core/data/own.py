"""Data sets that somebody brought: one file each, named by what it holds, read as any other data set.

``own-`` and 32 hex digits of the SHA-256 of content and title are the name: who has it may use the data, and
nobody can guess it. The title counts, so that what one calls the data is nothing that another one reads. The
files lie in ``data_sets`` below the folder of runs.
"""

import functools
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data.brought import Brought
    from vae_core.data.dataset import Dataset

NAME: Final = re.compile(r"own-[0-9a-f]{32}")
HOME_VARIABLE: Final = "VAE_DASHBOARD_HOME"
_GONE: Final = "this data set is not on this server, or not any more"
_BRING_AGAIN: Final = (
    "bring the same file again on the page Data, by its name and read in the same way, "
    "or the NPZ file that was downloaded there"
)
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
Arrays = Mapping[str, NDArray[Any]]


class OwnFacts(NamedTuple):
    """What a menu says of a data set, and what training needs to know before it is loaded.

    Arguments:
        name: Its name.
        title: What whoever brought it calls it.
        form: What the file was.
        num_examples: n.
        shape: (height, width) of images, (D,) of points.
        class_names: Of its labels.
        columns: Names of the values of a point.
        likelihood: That suits the values.
        reason: Why.
        is_unit_interval: Whether all values lie in [0, 1].
        problems: What was wrong, and what was done about it: a sentence each.
        digest: SHA-256 of content and title.
        beside: Names of the numbers that are known of each example and not trained on.
    """

    name: str
    title: str
    form: str
    num_examples: int
    shape: tuple[int, ...]
    class_names: tuple[str, ...]
    columns: tuple[str, ...]
    likelihood: Likelihood
    reason: str
    is_unit_interval: bool
    problems: tuple[str, ...]
    digest: str
    beside: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """(height, width), or (height, width, 3) in colour; None for points."""
        return self.shape if len(self.shape) > 1 else None


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
        raise BadInput("data", f"there is no data set {name[:50]!r}", _BRING_AGAIN)
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
    )
    arrays = {"x": x, "facts": np.array(json.dumps(facts._asdict()))}
    if labels is not None:
        arrays["labels"] = labels
    if brought.beside:
        arrays["beside"] = np.column_stack(list(brought.beside.values()))
    return retitled(arrays, title)


def content_digest(arrays: Arrays, facts: OwnFacts) -> str:
    """SHA-256 of content and title, in hex, and not of how the file was read."""
    x = arrays["x"]
    head = [facts.title, str(x.dtype), x.shape, facts.shape, facts.class_names, facts.columns]
    head += [facts.beside] if facts.beside else []
    digest = hashlib.sha256(json.dumps(head).encode())
    for name in ("x", "labels", "beside"):
        if name in arrays:
            digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def retitled(arrays: Arrays, title: str) -> dict[str, NDArray[Any]]:
    """The same data by another title, and so by another name.

    Raises:
        BadInput: The arrays are none of such a file (code ``data``).
    """
    facts = facts_in(arrays)._replace(title=title)
    digest = content_digest(arrays, facts)
    facts = facts._replace(digest=digest, name=f"own-{digest[:32]}")
    return {**arrays, "facts": np.array(json.dumps(facts._asdict()))}


def facts_in(arrays: Arrays) -> OwnFacts:
    """What the arrays of a file say of it.

    Raises:
        BadInput: They are none of such a file (code ``data``).
    """
    try:
        values = json.loads(str(arrays["facts"]))
        tuples = ("shape", "class_names", "columns", "problems", "beside")
        values = {"beside": (), **values}  # older files have none
        facts = OwnFacts(**{**values, **{name: tuple(values[name]) for name in tuples}})
    except (ValueError, KeyError, TypeError) as err:
        raise BadInput("data", "the file of this data set is damaged", _BRING_AGAIN) from err
    return facts


def own_facts(name: str) -> OwnFacts:
    """What is known of a data set without loading it.

    Raises:
        BadInput: It is not kept here (code ``data``).
    """
    path = own_file(name)
    if not path.exists():
        raise BadInput("data", _GONE, _BRING_AGAIN)
    return _read_facts(path)


@functools.lru_cache(maxsize=512)
def _read_facts(path: Path) -> OwnFacts:
    # What a path names never changes: it is named by its content.
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return facts_in({"facts": arrays["facts"]})
    except FileNotFoundError as err:
        raise BadInput("data", _GONE, _BRING_AGAIN) from err
    except _UNREADABLE as err:
        if isinstance(err, BadInput):
            raise
        raise BadInput("data", "the file of this data set cannot be read", _BRING_AGAIN) from err


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
        raise BadInput("data", _GONE, _BRING_AGAIN) from err
    except _UNREADABLE as err:
        raise BadInput("data", "the file of this data set cannot be read", _BRING_AGAIN) from err
    x = arrays["x"]
    digest = content_digest(arrays, facts)
    if digest != facts.digest or not name.endswith(digest[:32]):
        raise BadInput("data", "the file of this data set is damaged", _BRING_AGAIN)
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
    columns = facts.columns if facts.image_shape is None else ()
    return replace(data, digest=facts.digest, notes=said + data.notes, columns=columns)


def packed(arrays: Arrays) -> bytes:
    """The file of a data set."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()
