"""Where a run differs from its settings: what was changed by hand while it trained."""

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.formats import plain
from dashboard.runs.runner import JobView, runner
from vae_core.config import TrainConfig
from vae_core.runs.snapshot import HISTORY_COLUMNS

_SYMBOLS: Final = {"beta": "β", "learning_rate": "η"}
_TIMES: Final = {1: "", 2: "twice, last "}


def draw(view: JobView | None) -> None:
    """Says it in one caption; nothing where the run is what its settings say."""
    snapshot = None if view is None else runner().store.snapshot(view.run_id)
    if view is None or snapshot is None:
        return
    found = changes(view.config.train, snapshot.history)
    if found:
        name, said = plain(view.name), "; ".join(found)
        st.caption(
            f":material/tune: {name} differs from its settings: {said}. **Start** uses the current values "
            "from its first step on; **Reset** repeats the run as it began."
        )


def changes(train: TrainConfig, history: NDArray[np.float64]) -> list[str]:
    """A sentence for each value that was changed by hand; a β that follows its schedule was not.

    Arguments:
        train: What the run began with.
        history: Rows of ``HISTORY_COLUMNS``, shape (rows, 13). A row holds the values of the next update.
    """
    began = {"learning_rate": train.learning_rate}
    if train.beta_schedule == "constant":
        began = {"beta": train.beta} | began
    return [text for name, value in began.items() if (text := _change(name, value, history))]


def _change(name: str, began: float, history: NDArray[np.float64]) -> str:
    steps, values = (history[:, HISTORY_COLUMNS.index(column)] for column in ("step", name))
    before = np.concatenate([[began], values[:-1]])
    (changed,) = np.nonzero(values != before)
    if not len(changed):
        return ""
    last = int(changed[-1])
    count = len(changed)
    times = _TIMES.get(count, f"{count} times, last ")
    # It was changed after the row before, which is measured right then.
    return f"{_SYMBOLS[name]} was changed {times}to {values[last]:.4g} at step {steps[max(last - 1, 0)]:,.0f}"
