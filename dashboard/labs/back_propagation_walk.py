"""The buttons that walk through a pass, and the formulas of the step where it stands."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard import state
from dashboard.figures.layers import Column
from dashboard.labs.back_propagation_back import backward_lines
from dashboard.labs.back_propagation_pass import Pass
from dashboard.labs.back_propagation_steps import Step, forward_lines, loss_lines

STEP: Final = "bp_step"
UNIT: Final = "bp_unit"
STEP_HELP: Final = (
    r"Forward: $u^{(l)} = W^{(l)}h^{(l-1)} + b^{(l)}$, $h^{(l)} = f(u^{(l)})$. Back: "
    r"$\delta^{(l)} = \partial L/\partial u^{(l)} = (W^{(l+1)\top}\delta^{(l+1)})\odot f'(u^{(l)})$, and "
    r"$\partial L/\partial W^{(l)} = \delta^{(l)}h^{(l-1)\top}$. L = −ELBO of one datum with one sample z. "
    "The keys → and ← step."
)
UNIT_HELP: Final = "The unit of this layer whose sum is written out, with its weights on the drawing."
MAX_BUTTONS: Final = 6


def draw_stepper(columns: Sequence[Column], steps: Sequence[Step]) -> tuple[int, int]:
    """Draws the steps and their buttons; returns the step where the pass stands, and the unit in view."""
    labels = [step.label for step in steps]
    if state.control(STEP) not in labels:
        state.set_control(STEP, labels[-1])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = labels.index(_choice("Step", labels, STEP, STEP_HELP))
        last = len(labels) - 1
        _button("First", "bp_first", labels[0], place > 0)
        _button("Back", "bp_back", labels[max(place - 1, 0)], place > 0, "Left")
        _button("Step", "bp_next", labels[min(place + 1, last)], place < last, "Right")
        _button("All", "bp_all", labels[last], place < last)
        column = steps[place].column
        return place, 0 if column is None else _unit(len(columns[column].h))


def _choice(label: str, options: Sequence[str], key: str, help_text: str) -> str:
    """One of several that the page itself can set, too."""
    chosen = st.segmented_control(
        label, options, required=True, key=key, help=help_text, persist_state="session"
    )
    assert chosen is not None
    return chosen


def _button(label: str, key: str, target: str, enabled: bool, shortcut: str | None = None) -> None:
    st.button(
        label,
        key=key,
        type="primary" if key == "bp_next" else "secondary",
        disabled=not enabled,
        shortcut=shortcut,
        on_click=state.set_control,
        args=(STEP, target),
    )


def _unit(count: int) -> int:
    """The unit in view, from 0; it stays from layer to layer where there is one with its number."""
    options = [str(number) for number in range(1, count + 1)]
    if state.control(UNIT) not in options:
        state.set_control(UNIT, "1")
    if count <= MAX_BUTTONS:
        return int(_choice("Unit", options, UNIT, UNIT_HELP)) - 1
    chosen = st.selectbox("Unit", options, key=UNIT, help=UNIT_HELP, width=110, persist_state="session")
    return int(chosen) - 1


def formula_lines(found: Pass, step: Step, unit: int) -> list[str]:
    """LaTeX of a step: its formula, and the numbers of one unit."""
    if step.column is None:
        return loss_lines(found)
    return (backward_lines if step.goes_back else forward_lines)(found, step.column, unit)
