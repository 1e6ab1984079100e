"""MNIST and Fashion-MNIST, fetched on request and kept in the server's folder."""

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard.runs.store import is_temporary, kept_folder
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, pages, state
from dashboard.shell.task_line import task_line
from vae_core.data.openml import OPEN_SETS, is_kept

MEMORY: Final = 1_200_000_000
"""Bytes: scikit-learn has 70,000 images as numbers of eight bytes for a moment."""
_HELP: Final = (
    "70,000 images of 28 × 28 pixels from openml.org, by scikit-learn, about {size:.0f} MB; the digest that "
    "OpenML states is checked. They stay in the folder of this server, for all who use it. It takes a minute "
    "or two."
)


def draw() -> None:
    """A line for each: fetch it, how far that is, or train on it."""
    if is_temporary():
        return
    for name, one in OPEN_SETS.items():
        folder = kept_folder() / "openml" / name
        if is_kept(folder):
            st.markdown(f"**{one.title}** is here: 60,000 training and 10,000 held-out images.")
            if st.button(
                f"Train on {one.title}",
                key=f"data_train_{name}",
                icon=":material/play_circle:",
                help="Opens Train with these images.",
            ):
                _train_on(folder)
            continue
        task_line(
            task_key("openml", name, str(folder)),
            key=f"data_fetch_{name}",
            label=f"Fetch {one.title} from OpenML",
            doing=f"Fetching {one.title}",
            help_text=_HELP.format(size=one.num_bytes / 1e6),
            start=lambda name=name, folder=folder: _start(name, folder),
        )


def _start(name: str, folder: Path) -> None:
    key = task_key("openml", name, str(folder))
    tasks().start(key, "openml", name, str(folder), inputs={}, owner=browser.token(), memory=MEMORY)


def _train_on(folder: Path) -> None:
    settings = {"dataset": "idx", "data_folder": str(folder), "data_set": "", "data_orientation": "as_stored"}
    for name, value in settings.items():
        state.set_control(name, value)
    pages.turn_to("train")
