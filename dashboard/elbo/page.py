"""What stands on top of the ELBO page: which data, how many samples, which view."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from dashboard.elbo import all_examples as elbo_all
from dashboard.elbo import one_example as elbo_datum
from dashboard.elbo import units as elbo_units
from dashboard.elbo import walk as elbo_walk
from dashboard.shell.choice import one_of
from dashboard.shell.header import stop_if_diverged
from dashboard.subject import Split, Subject

SAMPLES_HELP: Final = (
    r"$M$, samples of $z$ for each datum in $\mathbb{E}_q[\log p(x|z)] \approx \tfrac1M\sum_m\log p(x|z_m)$. "
    "The KL is exact."
)
VIEWS: Final[dict[str, Callable[[Subject, Split, int], None]]] = {
    "all_examples": elbo_all.draw,
    "one_example": elbo_datum.draw,
    "watch_q": elbo_walk.draw,
    "units": elbo_units.draw,
}
VIEW_LABELS: Final = {
    "all_examples": "All examples",
    "one_example": "One example",
    "watch_q": "Watch q move",
    "units": "Units and pitfalls",
}
SPLITS: Final[dict[Split, str]] = {"held_out": "held-out", "training": "training"}
WITHOUT_NOISE: Final = {"watch_q"}
"""It integrates by a rule of its own: a number of samples would change nothing."""
SPLIT_HELP: Final = "Held-out data were never trained on: only they tell how good the model is."
VIEW_HELP: Final = (
    "**All examples**: the bound on average, and its parts. **One example**: its log p(x), and how much of "
    "it the ELBO reaches. **Watch q move**: q walks to the true posterior. **Units and pitfalls**: sum or "
    "mean, grey pixels, densities, collapse."
)


def draw(shown: Subject) -> None:
    """The choices, then the chosen view; only that one is computed."""
    view = one_of("View", VIEW_LABELS, key="elbo_view", help_text=VIEW_HELP)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        split = one_of("Data", SPLITS, key="elbo_split", help_text=SPLIT_HELP)
        num_samples = 1 if view in WITHOUT_NOISE else _choose_samples()
    stop_if_diverged(shown)
    VIEWS[view](shown, split, num_samples)


def _choose_samples() -> int:
    chosen = st.select_slider(
        "Samples M",
        (1, 3, 10, 30, 100),
        1,
        key="elbo_samples",
        help=SAMPLES_HELP,
        width=220,
        persist_state="session",
    )
    return int(chosen)
