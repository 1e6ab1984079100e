"""All data sets: one of them in pictures and numbers, what was trained on it, and a way to Train."""

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st

from dashboard.data_sets import cached, look, open_sets
from dashboard.formats import names_of_values, plain
from dashboard.runs.catalog import Entry
from dashboard.runs.data_sets import OwnSet, data_sets, megabytes
from dashboard.runs.runner import runner
from dashboard.shell import browser, data_menu, pages, state
from dashboard.subject import dataset
from dashboard.tables import draw_table
from vae_core.data import dataset_info
from vae_core.data.own import NAME, own_facts, own_file
from vae_core.data.own_content import OwnFacts
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data import Dataset

MAX_CLASSES: Final = 20
MAX_RUNS: Final = 10
_HELP: Final = "The data sets of this server, then those that you brought."


def draw() -> None:
    """The menu, and the chosen data set."""
    titles = data_menu.titles(state.control(look.CHOSEN))
    if state.control(look.CHOSEN) not in titles:
        state.set_control(look.CHOSEN, next(iter(titles)))
    name = st.selectbox(
        "Data set",
        tuple(titles),
        key=look.CHOSEN,
        format_func=lambda one: titles.get(str(one), str(one)),
        help=_HELP,
        persist_state="session",
    )
    try:
        _draw(name)
    except BadInput as err:
        st.error(plain(str(err)))


def _draw(name: str) -> None:
    st.markdown(plain(dataset_info(name).sentence()))
    if name == "idx":
        st.markdown("Choose their folder on Train, which shows what it holds; or drop the files above.")
        pages.to_train("Choose the folder on Train", dataset=name)
        open_sets.draw()
        return
    data = dataset(name, 0, None)
    facts = own_facts(name) if NAME.fullmatch(name) else _facts_of(data, name)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        look.draw(cached.look_at(data), facts, key=name)
    with right:
        _draw_counts(data)
        if facts.problems:
            with st.expander("What was done when it was read", expanded=False):
                for problem in facts.problems:
                    st.markdown(f"- {plain(problem)}")
        st.markdown(f"**Likelihood**  \n{plain(facts.reason)}")
        _draw_runs([entry for entry in runner().runs_of(browser.token()) if entry.dataset == name])
    with st.container(horizontal=True):
        if st.button(
            "Train on it",
            key="data_train_kept",
            type="primary",
            icon=":material/play_circle:",
            help="Opens Train with these data.",
        ):
            look.set_controls(facts)
            pages.turn_to("train")
        own = next((one for one in data_sets().of_browser(browser.token()) if one.facts.name == name), None)
        if own is not None:
            _draw_own(own)


def _facts_of(data: "Dataset", name: str) -> OwnFacts:
    """The same facts of a data set of the catalogue."""
    info = dataset_info(name)
    columns = () if data.image_shape else names_of_values(data.columns, data.data_dim)
    reason = (
        "Bernoulli: most pixels are nearly black or nearly white."
        if data.image_shape
        else "Gaussian: the values are real numbers."
    )
    return OwnFacts(
        name=name,
        title=info.title,
        form="",
        num_examples=len(data.x_train) + len(data.x_test),
        shape=data.image_shape or (data.data_dim,),
        class_names=data.class_names,
        columns=columns,
        likelihood=info.default_likelihood,
        reason=reason,
        is_unit_interval=info.is_unit_interval,
        problems=(),
        digest="",
    )


def _draw_counts(data: "Dataset") -> None:
    rows = [("all", f"{len(data.x_train):,}", f"{len(data.x_test):,}")]
    if data.labels_train is not None and data.labels_test is not None:
        num = len(data.class_names)
        train, test = (
            np.bincount(labels.numpy(), minlength=num) for labels in (data.labels_train, data.labels_test)
        )
        for place, class_name in enumerate(data.class_names[:MAX_CLASSES]):
            rows.append((plain(class_name[:40]), f"{train[place]:,}", f"{test[place]:,}"))
        if num > MAX_CLASSES:
            rest = slice(MAX_CLASSES, None)
            rows.append((f"{num - MAX_CLASSES} more", f"{train[rest].sum():,}", f"{test[rest].sum():,}"))
    draw_table(("class", "training", "held out"), rows, title="Examples")


def _draw_runs(runs: list[Entry]) -> None:
    if runs:
        named = ", ".join(plain(entry.name) for entry in runs[:MAX_RUNS])
        more = ", …" if len(runs) > MAX_RUNS else ""
        st.markdown(f"**Your runs on it**  \n{named}{more}")


def _draw_own(own: OwnSet) -> None:
    name = own.facts.name
    st.download_button(
        f"Download ({megabytes(own.num_bytes)})",
        lambda: own_file(name).read_bytes(),
        f"{_file_name(own.facts.title)}.npz",
        key="data_download",
        icon=":material/download:",
        on_click="ignore",
        help="The examples as they are trained on, with their labels, as an NPZ file. Dropped on this page, "
        "here or on another server, it is this data set again, for the runs on it, too.",
    )
    with st.popover("Remove", icon=":material/delete:", help="Takes it out of your data sets."):
        st.markdown("Runs that were trained on it can then no longer be opened, unless you bring it again.")
        st.button(
            "Remove it",
            key="data_remove",
            on_click=partial(_remove, name),
            help="Takes it out of your data sets.",
        )


def _remove(name: str) -> None:
    data_sets().drop(name, owner=browser.token())
    state.set_control(look.CHOSEN, None)


def _file_name(title: str) -> str:
    """A name that every system takes."""
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in title)
    return kept.strip("-")[:40] or "data"
