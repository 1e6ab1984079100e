"""Choices that stay from page to page, and that a link names: one of several, a number, a switch."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import streamlit as st

from dashboard.shell import state
from dashboard.shell.links import PARAMETERS

Id = TypeVar("Id", bound=str)
N = TypeVar("N", int, float)
DIGITS: Final = 9
"""A slider counts its steps in binary numbers: it says 0.30000000000000004 or 0.3, as it came there."""


def one_of(
    label: str, options: Mapping[Id, str], *, key: str, help_text: str, default: Id | None = None
) -> Id:
    """The id of the chosen option; it stays chosen from page to page.

    Arguments:
        label: What is chosen.
        options: Labels by id. The first is the default.
        key: Of the widget. A link names the choice where ``links.PARAMETERS`` has the key.
        help_text: Its tooltip.
        default: Id of another default than the first, for a key that no link has.
    """
    first = default or next(iter(options))
    if key in PARAMETERS:  # then its value is in the session already
        if state.control(key) not in options:
            of_links = PARAMETERS[key].default
            state.set_control(key, of_links if of_links in options else first)
        first = None
    chosen = st.segmented_control(
        label,
        tuple(options),
        default=first,
        required=True,
        key=key,
        help=help_text,
        format_func=lambda option: options.get(option, option),
        persist_state="session",
    )
    return chosen or next(iter(options))


def one_of_numbers(label: str, options: Sequence[N], *, key: str, help_text: str, **more: Any) -> N:
    """A slider over a few numbers; the link names the chosen one.

    Arguments:
        label: What is chosen.
        options: The numbers, ascending.
        key: Of the slider, one of ``links.PARAMETERS``.
        help_text: Its tooltip.
        more: As Streamlit's slider takes it.
    """
    if state.control(key) not in options:
        state.set_control(key, PARAMETERS[key].default)
    return st.select_slider(label, options, key=key, help=help_text, persist_state="session", **more)


def number_between(
    label: str, low: N, high: N, step: N | None = None, *, key: str, help_text: str, **more: Any
) -> N:
    """A slider from one number to another, which the link names.

    Arguments:
        label: What is chosen.
        low, high: The ends; another value that a link gave becomes the nearer one.
        step: From one value to the next.
        key: Of the slider, one of ``links.PARAMETERS``.
        help_text: Its tooltip.
        more: As Streamlit's slider takes it.
    """
    value = state.control(key)
    known = value if isinstance(value, type(low)) else PARAMETERS[key].default
    within = min(max(known, low), high)
    if value != within:
        state.set_control(key, within)
    chosen = st.slider(label, low, high, step=step, key=key, help=help_text, persist_state="session", **more)
    return round(chosen, DIGITS)


def beside(value: N, low: N, high: N, step: N) -> list[N]:
    """Where an arrow key moves such a slider.

    Example:
        >>> beside(0.2, -3.0, 3.0, 0.1)
        [0.3, 0.1]
        >>> beside(8, 1, 8, 1)
        [7]
    """
    found: list[N] = []
    for change in (step, -step):
        other = cast("N", round(value + change, DIGITS))
        if low <= other <= high:
            found.append(other)
    return found


def switch(label: str, *, key: str, help_text: str) -> bool:
    """On or off, which the link says; ``key`` is one of ``links.PARAMETERS``."""
    if not isinstance(state.control(key), bool):
        state.set_control(key, PARAMETERS[key].default)
    return st.toggle(label, key=key, help=help_text, persist_state="session")


def chosen_example(key: str, count: int) -> int:
    """The example that a control names; one that a link or another run left is brought within ``count``."""
    row = state.control(key)
    return min(row, count - 1) if isinstance(row, int) else 0


def choose_example(key: str, count: int, help_text: str) -> int:
    """Draws the slider that chooses one of ``count`` examples; the link follows it.

    Arguments:
        key: Of the slider, one of ``links.PARAMETERS``.
        count: How many examples there are.
        help_text: Its tooltip.
    """
    state.set_control(key, chosen_example(key, count))
    if count == 1:  # a slider needs two ends
        return 0
    chosen = st.slider("Example", 0, count - 1, key=key, help=help_text, persist_state="session")
    state.draw_address(key)
    return chosen


def numbered(label: str, first: int, last: int, *, key: str, help_text: str, stays: bool = False) -> int:
    """A slider from one number to another; where they are one, there is nothing to draw or to choose.

    Arguments:
        label: What is numbered.
        first: The first number, which is the default.
        last: The last one.
        key: Of the slider.
        help_text: Its tooltip.
        stays: Whether the choice stays from page to page.
    """
    if last <= first:
        return first
    found = state.control(key)  # maybe of a longer list
    state.set_control(key, min(max(found, first), last) if isinstance(found, int) else first)
    more: dict[str, Any] = {"persist_state": "session"} if stays else {}
    return st.slider(label, first, last, key=key, help=help_text, **more)
