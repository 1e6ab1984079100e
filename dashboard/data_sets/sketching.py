"""Draw a density in the plane, and train on points from it."""

from typing import Final

import streamlit as st

from dashboard.components.sketch.element import drawn_on, levels_of, sketch
from dashboard.data_sets import look
from dashboard.formats import plain
from dashboard.runs.data_sets import data_sets
from dashboard.runs.store import is_temporary
from dashboard.shell import browser, pages, state
from vae_core.data.own import own_facts
from vae_core.errors import BadInput

HELP: Final = (
    r"Points $x$ of a density $p(x)$ that you draw: a cell of the sheet is chosen in proportion to its "
    r"colour, the point evenly within it. The sheet is the square from $-2$ to $2$."
)
_SHEET: Final = "data_sketch"
_DRAWN: Final = "data_sketched"
_COUNTS: Final = (200, 500, 1000, 2000, 5000, 10_000, 50_000)


@st.fragment
def draw() -> None:
    """The sheet, how many points, and what becomes of them."""
    if is_temporary():
        st.warning("This server cannot write its folder, so it keeps no data sets.")
        return
    found = state.control(_DRAWN)
    drawn = found if isinstance(found, str) else ""
    left, right = st.columns(2, gap="medium")
    with left:
        label = "Sheet for a density. Arrow keys move, the space bar draws."
        sketch(label, key=_SHEET, drawn=drawn, on_change=_take)
    with right:
        title = st.text_input(
            "Name", "My density", key="data_sketch_title", max_chars=60, help="Its name in the menus."
        )
        count = st.select_slider(
            "Points n", _COUNTS, 2000, key="data_sketch_count", help="How many are drawn from the density."
        )
        is_empty = not drawn.strip("0")
        if st.button(
            "Train on it",
            key="data_sketch_train",
            type="primary",
            icon=":material/play_circle:",
            disabled=is_empty,
            help="Draws the points, keeps them among your data sets, and opens Train with them.",
        ):
            _use(drawn, count, title.strip() or "My density")
        if is_empty:
            st.caption("Draw something first.")


def _take() -> None:
    found = drawn_on(state.control(_SHEET))
    if found is not None:
        state.set_control(_DRAWN, found)


def _use(drawn: str, count: int, title: str) -> None:
    from vae_core.data.dataset import seeded_generator
    from vae_core.data.sketched import points_from, sketched_arrays

    try:
        points = points_from(levels_of(drawn), count, generator=seeded_generator(0))
        kept = data_sets().keep(sketched_arrays(points, title), owner=browser.token())
    except BadInput as err:
        st.error(plain(str(err)))
        return
    look.set_controls(own_facts(kept.name))
    if kept.left:
        state.say_next(f"To make room for it {', '.join(map(plain, kept.left))} left.")
    pages.turn_to("train")
