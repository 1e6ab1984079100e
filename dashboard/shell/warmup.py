"""Imports what is slow in the background, once per server, so that no page waits for it."""

import gc
import importlib
import threading
import time
from pathlib import Path
from typing import Final

import streamlit as st

from dashboard.runs.runner import runner
from dashboard.runs.worker_process import ROOT, fork_server

FIRST_PAGE_S: Final = 1.0
"""Head start of the first page: importing beside it, on two cores, costs it one second more."""

_started = threading.Lock()


def start() -> None:
    """Starts the idle worker and the slow imports, at the first visit; later calls do nothing."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_warm, name="warm-up", daemon=True).start()


def watched_sources() -> Path | None:
    """The code that trainings are to have as it stands: where Streamlit takes up what is edited; else None.

    Its watcher sees what the server itself has imported. What only trainings import would stay in the process
    that they are copies of: pages and trainings would have different code.
    """
    return None if st.get_option("server.fileWatcherType") == "none" else ROOT / "vae_core"


def _warm() -> None:
    time.sleep(FIRST_PAGE_S)
    fork_server().sources = watched_sources()
    runner().workers.warm()
    # Streamlit wants it before it sends an element's data.
    importlib.import_module("pandas")
    torch = importlib.import_module("torch")
    # One thread for each call: thirty visitors share the cores, and trainings have theirs.
    torch.set_num_threads(1)
    first = ("vae_core.model", "vae_core.data.dataset", "plotly.graph_objects")
    for name in (*first, "sklearn.datasets", "sklearn.mixture"):
        importlib.import_module(name)
    # What was imported stays for good. The collector went through it again and again, 0.2 s at a time, while
    # everybody waited.
    gc.collect()
    gc.freeze()
