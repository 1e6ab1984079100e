"""What is in the file of a data set that somebody brought: its arrays, what it says of them, its digest."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.config import Likelihood
from vae_core.errors import BadInput

BRING_AGAIN: Final = (
    "bring the same file again on the page Data, by its name and read in the same way, "
    "or the NPZ file that was downloaded there"
)
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
        scale: How the columns of points are scaled: ``standard``, ``unit`` or ``none``; "" of older files.
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
    scale: str = ""

    @property
    def image_shape(self) -> tuple[int, ...] | None:
        """(height, width), or (height, width, 3) in colour; None for points."""
        return self.shape if len(self.shape) > 1 else None

    @property
    def value_names(self) -> tuple[str, ...]:
        """Names of the values of a point, for axes and lists: what is scaled has no unit.

        A unit is what stands in brackets behind a name, without a blank and with a letter or a sign.
        """
        if self.scale not in _SCALED:
            return self.columns
        said = _SCALED[self.scale]
        names = tuple(_UNIT.sub(f" ({said})", name) for name in self.columns)
        if len(set(names)) < len(names):  # the same in two units
            return tuple(f"{name}, {said}" if _UNIT.search(name) else name for name in self.columns)
        return names


_SCALED: Final = {"standard": "standardised", "unit": "0 to 1"}
_UNIT: Final = re.compile(r"\s*[(\[](?=[^()\[\]\s]*[^\W\d_]|[%°‰])[^()\[\]\s]{1,12}[)\]]$")


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
        raise BadInput("data", "the file of this data set is damaged", BRING_AGAIN) from err
    return facts
