"""The y of a conditional run: which class, or which number, a page looks at it with."""

from typing import TYPE_CHECKING, Final

import streamlit as st

from dashboard.formats import plain
from dashboard.shell import state
from dashboard.subject import Subject

if TYPE_CHECKING:
    from vae_core.data import Known

HELP: Final = (
    "The encoder takes $[x, y]$ and the decoder $[z, y]$: given one $y$ they are an ordinary VAE, whose "
    "first biases $y$ shifts."
)
NUMBER_HELP: Final = (
    " A number is standardised: the networks take $(y - \\bar y)/s$, with mean and standard deviation of the "
    "training part."
)
_KEYS: Final = {"class": "given_class", "number": "given_number"}


def wanted(run: Subject) -> float:
    """The y that was chosen last for a conditional run, or one like it, as long as it can be looked at.

    Raises:
        BadInput: No class has examples enough.
    """
    return run.y_near(state.control(_KEYS[run.config.condition]))


def choose(run: Subject, *, number: int = 0, help_text: str = HELP) -> float:
    """Draws the choice of y of a conditional run, the same on all pages, and returns it.

    Arguments:
        run: A conditional run.
        number: Of how many choices of other y of this kind stand before it.
        help_text: What it decides.

    Raises:
        BadInput: No class has examples enough.
    """
    key = _KEYS[run.config.condition] + (f"_{number}" if number else "")
    known = run.known
    assert known is not None, "a conditional run has a y"
    return draw(known, run.to_look_at, key, run.y_near(state.control(key)), help_text=help_text)


def draw(
    known: "Known",
    options: tuple[float, ...],
    key: str,
    now: float,
    *,
    label: str = "",
    help_text: str = HELP,
) -> float:
    """Draws a choice of y by a key of its own.

    Arguments:
        known: What y is.
        options: What can be chosen.
        key: Of the control.
        now: What is chosen: one of the options.
        label: Of the control; empty: what y is.
        help_text: What it decides.
    """
    state.set_control(key, now)
    from vae_core.data.conditions import Classes

    if isinstance(known, Classes):
        return st.selectbox(
            label or "Class y",
            options,
            key=key,
            format_func=lambda one: plain(known.written(one)),
            help=help_text,
            width=200,
            persist_state="session",
        )
    return st.select_slider(
        label or f"Number y: {plain(known.name)}",
        options,
        key=key,
        format_func=known.written,
        help=help_text + NUMBER_HELP,
        width=320,
        persist_state="session",
    )
