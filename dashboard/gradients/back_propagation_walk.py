"""The buttons that walk through a pass, and the formulas of the step where it stands."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard.figures.network.layers import Column
from dashboard.gradients.back_propagation_back import backward_lines
from dashboard.gradients.back_propagation_pass import Pass
from dashboard.gradients.back_propagation_steps import Step, forward_lines, loss_lines, picked
from dashboard.shell import state
from dashboard.shell.choice import stressed

STEP: Final = "bp_step"
UNIT: Final = "bp_unit"
NETWORK: Final = "bp_network"
STEP_HELP: Final = (
    r"Forward: $u^{(l)} = W^{(l)}h^{(l-1)} + b^{(l)}$, $h^{(l)} = f(u^{(l)})$. Back: "
    r"$\delta^{(l)} = \partial L/\partial u^{(l)} = (W^{(l+1)\top}\delta^{(l+1)})\odot f'(u^{(l)})$, and "
    r"$\partial L/\partial W^{(l)} = \delta^{(l)}h^{(l-1)\top}$. L = −(log p(x|z) − β KL) "
    "of one datum with one sample z"
)
UNIT_HELP: Final = (
    "The unit whose sum is written out, with its weights drawn; a click on a unit does the same."
)
MAX_BUTTON: Final = 6
"""Up to so many units a button goes through; of more one is named."""


def draw_stepper(columns: Sequence[Column], steps: Sequence[Step], beta: float) -> tuple[int, int]:
    """Draws a button for each step; returns the step where the pass stands, and the unit in view.

    ``beta`` is the weight of the KL that the tooltip of the buttons names.
    Buttons and not a choice: while one of a choice has the focus, the arrow keys belong to it.
    """
    last = len(steps) - 1
    place = state.control(STEP)
    if not isinstance(place, int) or not 0 <= place <= last:
        place = last
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        about = f"{STEP_HELP}; here β = {beta:.4g}{', so that L = −ELBO' if beta == 1 else ''}."
        _button("Back", "bp_back", max(place - 1, 0), disabled=place == 0, shortcut="Left", about=about)
        for number, step in enumerate(steps):
            _button(step.label, f"bp_step{number}", number, is_here=number == place)
        following = min(place + 1, last)
        _button("Step", "bp_next", following, disabled=place == last, shortcut="Right", about=about)
        column = steps[place].column
        return place, 0 if column is None else _unit(len(columns[column].h))


def pick_unit(columns: Sequence[Column], steps: Sequence[Step], place: int) -> None:
    """Goes to the unit that was clicked on the drawing."""
    found = picked(getattr(state.control(NETWORK), "unit", None), columns, steps, place)
    if found is not None:
        state.set_control(STEP, found[0])
        state.set_control(UNIT, found[1] + 1)


def _button(
    label: str,
    key: str,
    target: int,
    *,
    disabled: bool = False,
    shortcut: str | None = None,
    about: str | None = None,
    is_here: bool = False,
) -> None:
    label, kind = stressed(label) if is_here else (label, "secondary")
    st.button(
        label,
        key=key,
        type=kind,
        disabled=disabled,
        shortcut=shortcut,
        on_click=state.set_control,
        args=(STEP, target),
        help=about,
    )


def _unit(count: int) -> int:
    """The unit in view, from 0; it stays from layer to layer where there is one with its number."""
    number = state.control(UNIT)
    if not isinstance(number, int) or not 1 <= number <= count:
        number = 1
    if count > MAX_BUTTON:
        value = st.number_input("Unit", 1, count, number, key=f"{UNIT}_of_{count}", help=UNIT_HELP, width=120)
        state.set_control(UNIT, int(value))
        return int(value) - 1
    st.button(
        f"Unit {number} of {count}",
        key="bp_next_unit",
        shortcut="U",
        on_click=state.set_control,
        args=(UNIT, number % count + 1),
        help=UNIT_HELP,
    )
    return number - 1


def formula_lines(found: Pass, step: Step, unit: int) -> list[str]:
    """LaTeX of a step: its formula, and the numbers of one unit."""
    if step.column is None:
        return loss_lines(found)
    return (backward_lines if step.goes_back else forward_lines)(found, step.column, unit)
