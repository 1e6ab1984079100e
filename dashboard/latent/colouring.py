"""What colours the latent plane: the classes, a known cause, or a column of numbers."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.cached import HELD_OUT, encoded
from dashboard.formats import plain
from dashboard.shell import state
from dashboard.subject import Subject
from vae_core.data.own import NAME, own_facts
from vae_core.errors import BadInput

HELP: Final = (
    "What the colours of the latent plane are: the classes, or something else that is known of each example. "
    "Numbers are cut into eight steps of equal width, from dark to light."
)
KEY: Final = "plane_colour"
CLASSES: Final = "classes"
STEPS: Final = 8
MAX_NAMED: Final = 30
"""Columns that are offered."""


class Colouring(NamedTuple):
    """Labels of the held-out examples that are no classes.

    Arguments:
        title: What they are.
        labels: Shape (n,).
        names: Of the labels 0, 1, ...
        is_scale: Whether they are steps of a number.
    """

    title: str
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    is_scale: bool


def choose(shown: Subject) -> Colouring | None:
    """Draws the choice where there is one; None: the classes."""
    titles = _titles(shown)
    if len(titles) < 2:
        return None
    if state.control(KEY) not in titles:
        state.set_control(KEY, next(iter(titles)))
    chosen = st.selectbox(
        "Colour by",
        tuple(titles),
        key=KEY,
        format_func=lambda one: titles.get(str(one), str(one)),
        help=HELP,
        width=300,
    )
    return None if chosen == CLASSES else colouring(shown, chosen)


def _titles(shown: Subject) -> dict[str, str]:
    """What can be chosen, by id."""
    found = {CLASSES: "classes" if shown.class_names else "nothing"}
    for place, factor in enumerate(shown.data.factors_test):
        found[f"factor{place}"] = plain(factor.name)
    for place, name in enumerate(_columns(shown)[:MAX_NAMED]):
        found[f"column{place}"] = plain(name)
    return found


def _columns(shown: Subject) -> tuple[str, ...]:
    """Names of the values of a point that somebody brought."""
    if shown.image_shape is not None or NAME.fullmatch(shown.config.dataset) is None:
        return ()
    try:
        return own_facts(shown.config.dataset).columns
    except BadInput:  # gone meanwhile
        return ()


def colouring(shown: Subject, chosen: str) -> Colouring:
    """The labels of one of :func:`choose`'s ids."""
    title = _titles(shown)[chosen]
    if chosen.startswith("factor"):
        factor = shown.data.factors_test[int(chosen.removeprefix("factor"))]
        if factor.names:
            return Colouring(title, factor.values.astype(np.int32), factor.names, is_scale=False)
        return _steps(title, factor.values)
    place = int(chosen.removeprefix("column"))
    pieces = encoded(shown, HELD_OUT).x.pieces()
    return _steps(title, np.concatenate([piece[:, place] for piece in pieces]).astype(np.float64))


def _steps(title: str, values: NDArray[np.float64]) -> Colouring:
    """Numbers as steps: each value by itself where they are few, else parts of their range of equal width."""
    few = np.unique(values)
    if len(few) <= STEPS:
        places = np.searchsorted(few, values)
        # Few of them lie as far apart on the ramp as they can.
        spread = np.rint(np.linspace(0, STEPS - 1, len(few))).astype(np.int32)
        names = [""] * STEPS
        for place, value in zip(spread, few, strict=True):
            names[place] = f"{value:.4g}"
        return Colouring(title, spread[places], tuple(names), is_scale=True)
    edges = np.linspace(values.min(), values.max(), STEPS + 1)
    labels = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, STEPS - 1).astype(np.int32)
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return Colouring(title, labels, tuple(names), is_scale=True)
