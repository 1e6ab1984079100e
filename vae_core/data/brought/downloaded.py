"""A data set that was downloaded from the page Data, and is brought again, maybe to another server."""

import math
from collections.abc import Mapping
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.data.archive import Archive
from vae_core.data.brought.choices import Brought, Choices, Problem, Scale
from vae_core.data.brought.draft import MAX_BESIDE, refusal_of
from vae_core.data.limits import LARGEST, MAX_CLASSES, MAX_COLUMNS, MAX_VALUES
from vae_core.data.npy import read_npz, read_text
from vae_core.data.own_content import OwnFacts, content_digest, facts_in
from vae_core.errors import BadInput

_FACTS: Final = "facts.npy"
_MAX_FACTS_BYTES: Final = 4 * 2**20
_LONGEST_TITLE: Final = 80


def from_downloaded(archive: Archive, content: bytes) -> Brought | None:
    """The data set, by its old title and so by its old name, which runs know it by; None of any other file.

    The examples are those that were trained on, bit for bit, so that nothing can be chosen. What was changed
    meanwhile is an ordinary NPZ file.

    Arguments:
        archive: The file.
        content: Its bytes.

    Raises:
        BadInput: As :func:`vae_core.data.npy.read_npz`.
    """
    if _FACTS not in archive.names or "x.npy" not in archive.names:
        return None
    try:
        text = read_text(archive.read(archive.names.index(_FACTS), most=_MAX_FACTS_BYTES))
        facts = facts_in({"facts": np.array(text)})
    except BadInput:
        return None
    arrays = read_npz(content)
    if "x" not in arrays or not _fit(facts, arrays) or content_digest(arrays, facts) != facts.digest:
        return None
    beside = dict(zip(facts.beside, arrays["beside"].T, strict=True)) if facts.beside else {}
    return Brought(
        form=facts.form,
        x=arrays["x"],
        labels=arrays.get("labels"),
        class_names=facts.class_names,
        image_shape=facts.image_shape,
        columns=facts.columns,
        beside=beside,
        choices=Choices(scale=next((one for one in get_args(Scale) if one == facts.scale), None)),
        options={},
        problems=tuple(map(Problem, facts.problems)),
        likelihood=facts.likelihood,
        reason=facts.reason,
        refusal=refusal_of(arrays["x"]),
        title=facts.title,
    )


def _fit(facts: OwnFacts, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether facts and arrays are of one data set as it would be kept: anybody may write such a file."""
    x, labels, beside = arrays["x"], arrays.get("labels"), arrays.get("beside")
    names = (facts.title, facts.form, facts.reason, *facts.class_names, *facts.columns, *facts.problems)
    if not all(isinstance(name, str) for name in (*names, *facts.beside, facts.scale)) or not facts.title:
        return False
    if len(facts.title) > _LONGEST_TITLE or len(facts.class_names) > MAX_CLASSES:
        return False
    if facts.likelihood not in get_args(Likelihood) or set(arrays) - {"x", "labels", "beside"}:
        return False
    if x.ndim != 2 or x.size > MAX_VALUES or x.dtype not in (np.uint8, np.float32):
        return False
    if not all(type(side) is int and side > 0 for side in facts.shape) or not 1 <= len(facts.shape) <= 3:
        return False
    if math.prod(facts.shape) != x.shape[1] or x.shape[1] > 3 * MAX_COLUMNS or facts.num_examples != len(x):
        return False
    if not np.isfinite(x).all() or (len(facts.shape) == 3 and facts.shape[2] != 3):
        return False
    return _labels_fit(facts, labels, len(x)) and _numbers_fit(facts, beside, len(x))


def _labels_fit(facts: OwnFacts, labels: NDArray[Any] | None, count: int) -> bool:
    if len(facts.columns) not in (0, math.prod(facts.shape)):
        return False
    if labels is None:
        return not facts.class_names
    if labels.shape != (count,) or labels.dtype != np.int64:
        return False
    return bool(labels.min() >= 0 and labels.max() < len(facts.class_names))


def _numbers_fit(facts: OwnFacts, beside: NDArray[Any] | None, count: int) -> bool:
    if beside is None or not facts.beside:
        return beside is None and not facts.beside
    if len(set(facts.beside)) != len(facts.beside) or len(facts.beside) > MAX_BESIDE:
        return False
    return (
        beside.shape == (count, len(facts.beside))
        and beside.dtype == np.float64
        and bool((np.abs(beside) <= LARGEST).all())
    )
