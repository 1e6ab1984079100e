"""What colours a latent plane: the classes, a known cause, or a column of numbers."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.labels import columns_of
from dashboard.shell import state
from vae_core.data import dataset_info
from vae_core.data.own import NAME
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data import Dataset

HELP: Final = (
    "What the colours of the latent plane are: the classes, or something else that is known of each example. "
    "Numbers go from dark to light, as the bar above the plane says."
)
CLASSES: Final = "classes"
STEPS: Final = 32
"""Colours of a number: more than an eye tells apart beside each other."""
MAX_NAMED: Final = 30
"""Columns that are offered."""


def may_choose(dataset: str) -> bool:
    """Whether data of this name may have anything but classes; known without loading them."""
    try:
        return NAME.fullmatch(dataset) is not None or dataset_info(dataset).has_causes
    except BadInput:
        return False


class Colouring(NamedTuple):
    """Labels of the held-out examples that are no classes.

    Arguments:
        title: What they are.
        labels: Shape (n,).
        names: Of the labels 0, 1, ...
        ends: The least and the largest number, of which the labels are steps; None: they are no numbers.
    """

    title: str
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    ends: tuple[str, str] | None = None


def choose(data: "Dataset", key: str) -> str:
    """Draws the choice where there is one, and returns its id."""
    titles = _titles(data)
    if len(titles) < 2:
        return CLASSES
    if state.control(key) not in titles:
        state.set_control(key, CLASSES)
    return st.selectbox(
        "Colour by",
        tuple(titles),
        key=key,
        format_func=lambda one: titles.get(str(one), str(one)),
        help=HELP,
        width=300,
    )


def _titles(data: "Dataset") -> dict[str, str]:
    """What can be chosen, by id."""
    found = {CLASSES: "classes" if data.class_names else "nothing"}
    for place, factor in enumerate(data.factors_test):
        found[f"factor{place}"] = f"{factor.name} ({factor.unit})" if factor.unit else factor.name
    for place, name in enumerate(columns_of(data.name)[:MAX_NAMED]):
        found[f"column{place}"] = name
    return found


def colouring(data: "Dataset", chosen: object) -> Colouring | None:
    """The labels of one of :func:`choose`'s ids; None: the classes, also where there is no such choice."""
    titles = _titles(data)
    if not isinstance(chosen, str) or chosen == CLASSES or chosen not in titles:
        return None
    title = titles[chosen]
    if chosen.startswith("factor"):
        factor = data.factors_test[int(chosen.removeprefix("factor"))]
        if factor.names:
            return Colouring(title, factor.values.astype(np.int32), factor.names)
        return _steps(title, factor.values)
    place = int(chosen.removeprefix("column"))
    return _steps(title, data.x_test[:][:, place].double().numpy())


def _steps(title: str, values: NDArray[np.float64]) -> Colouring:
    """Numbers as steps of equal width of their range, each named by what it holds."""
    low, high = float(values.min()), float(values.max())
    labels = np.rint((values - low) / ((high - low) or 1.0) * (STEPS - 1)).astype(np.int32)
    names = [""] * STEPS
    for label in np.unique(labels).tolist():
        held = values[labels == label]
        least, most = f"{held.min():.4g}", f"{held.max():.4g}"
        names[label] = least if least == most else f"{least} to {most}"
    return Colouring(title, labels, tuple(names), (f"{low:.4g}", f"{high:.4g}"))
