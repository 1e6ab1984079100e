"""Three trainings from the same start on one plot, and where a stop criterion would have ended each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import streamlit as st

from dashboard.compare import cached_optimisers as cache_optimisers
from dashboard.compare import race_words
from dashboard.compare.race_words import Raced
from dashboard.compare.racers import RACERS, rates
from dashboard.figures.base import CHART_CONFIG
from dashboard.figures.race import RaceLine, race_figure
from dashboard.formats import signed
from dashboard.runs.runner import runner
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import state
from dashboard.shell.choice import one_of
from dashboard.shell.task_line import task_line
from dashboard.subject import pretrained
from vae_core.config import ModelConfig, RunConfig
from vae_core.errors import BadInput

SMALL_DATA: Final = 256
SMALL: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(32,)))
MODELS: Final = {"small": f"{SMALL_DATA} digits", "run": "The run in view"}
AT_ONCE: Final = 1500
"""Updates of a race that is run while the page waits: about a second."""
DEFAULT_RATES: Final = (0.02, 0.005, 0.005)
BATCHES: Final = {"one": 1, "8": 8, "32": 32, "128": 128, "all": 1_000_000}
BATCH_LABELS: Final = {"one": "one example", "8": "8", "32": "32", "128": "128", "all": "all examples"}
STOPS: Final = {"patience": "Patience", "change": "Small change"}
AXES: Final = {"updates": "updates", "seconds": "seconds"}
TOLERANCES: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
Rule = Callable[[Any], int | None]
RACE_HELP: Final = (
    "Each optimiser gets the same initial weights, the same order of the data and the same noise ε: at epoch "
    "0 all are equal to the last bit. The held-out ELBO is always measured with the same noise."
)
STOP_HELP: Final = (
    "**Patience** P: stop when the held-out ELBO has had no new best for P epochs. **Small change**: stop "
    "when an epoch changed it by less than a tolerance. The race goes on, so that one sees what was missed. "
    "Moving this trains nothing anew."
)
BATCH_HELP: Final = (
    "$B$, data whose mean gradient makes one update. One datum: many noisy updates in an epoch; all data: "
    "one exact one."
)
AGAINST_HELP: Final = "Seconds are of this server, one process, with the measuring at each epoch."
DATA_HELP: Final = (
    f"**{SMALL_DATA} digits**: small enough to be trained while you wait. **The run in view**: data, model "
    "and objective of the run on the Train page, or of the model that ships; beside the server."
)


def draw() -> None:
    """The controls, the plot, and what the numbers say."""
    st.subheader("Three optimisers, one start", help=RACE_HELP)
    _lab()


@st.fragment
def _lab() -> None:
    left, middle, right = st.columns([2, 3, 2], gap="medium")
    with left:
        which = one_of("Data and model", MODELS, key="race_data", help_text=DATA_HELP)
    is_small = which == "small"
    base, num_data = (SMALL, SMALL_DATA) if is_small else (_run_in_view(), 0)
    with middle:
        batch = one_of(
            "Examples in a mini-batch", BATCH_LABELS, key="race_batch", default="32", help_text=BATCH_HELP
        )
    with right:
        epochs = _epochs(is_small)
    st.caption(race_words.about(base, num_data))
    runs = _runs(base, BATCHES[batch], epochs)
    rule, against = _views(epochs)
    try:
        found = _found(runs, num_data)
    except BadInput as err:
        st.error(str(err))
        return
    if found is not None:
        _show(found, [rule(values) for values in found.race.held_out], against)


def _runs(base: RunConfig, batch_size: int, num_epochs: int) -> tuple[RunConfig, ...]:
    """Draws the step sizes; runs that are alike but for the optimiser."""
    shared = replace(base.train, batch_size=batch_size, num_epochs=num_epochs, patience=None)
    return tuple(
        replace(base, train=racer.config(rate, shared), hold=False)
        for racer, rate in zip(RACERS, rates("race_rate", DEFAULT_RATES), strict=True)
    )


def _run_in_view() -> RunConfig:
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    return pretrained().config if view is None else view.config


def _epochs(is_small: bool) -> int:
    return int(
        st.number_input(
            "Epochs to race",
            1,
            10_000,
            40 if is_small else 100,
            key=f"race_epochs_{'small' if is_small else 'run'}",
            help="An epoch is one pass over the training data: the budget of each optimiser.",
            persist_state="session",
        )
    )


def _views(num_epochs: int) -> tuple[Rule, Literal["updates", "seconds"]]:
    """The stop criterion and the horizontal axis: neither trains anything anew."""
    left, middle, right = st.columns([2, 3, 2], gap="medium")
    with left:
        kind = one_of("Stop criterion", STOPS, key="race_stop", help_text=STOP_HELP)
    with middle:
        rule = _patience(num_epochs) if kind == "patience" else _tolerance()
    with right:
        against = one_of("Against", AXES, key="race_against", help_text=AGAINST_HELP)
    return rule, "updates" if against == "updates" else "seconds"


def _patience(num_epochs: int) -> Rule:
    from vae_core.labs.optimisers.race import patience_stop

    patience = st.slider(
        "Patience P, epochs", 1, 50, 3, key="race_patience", help=STOP_HELP, persist_state="session"
    )
    if patience >= num_epochs:
        st.caption(f"No shorter than the {num_epochs} epochs of the race: it cannot stop anything.")
    return lambda held_out: patience_stop(held_out, patience)


def _tolerance() -> Rule:
    from vae_core.labs.optimisers.race import change_stop

    tolerance = st.select_slider(
        "Tolerance, nats",
        TOLERANCES,
        0.03,
        key="race_tolerance",
        format_func=lambda value: f"{value:g}",
        help=STOP_HELP,
        persist_state="session",
    )
    return lambda held_out: change_stop(held_out, tolerance)


def _found(runs: tuple[RunConfig, ...], num_data: int) -> Raced | None:
    """The race of these runs; where it is not there yet its button, and the one that was shown last."""
    per_epoch = -(-num_data // min(runs[0].train.batch_size, max(1, num_data)))
    if num_data and 3 * runs[0].train.num_epochs * per_epoch <= AT_ONCE:
        return Raced(cache_optimisers.race(runs, num_data), runs, num_data)
    texts = [run.to_json() for run in runs]
    name = task_key("race", num_data, *texts)
    result = tasks().result(name)
    if result is not None:
        state.set_control("race_shown", name)
    else:
        inputs = {"runs": np.array(texts), "num_data": np.array(num_data)}
        task_line(
            name,
            key="race",
            label="Start the race",
            doing="Training three times …",
            help_text="Trains three times, one after the other, in a process beside the server.",
            start=lambda: tasks().start(name, "race", inputs=inputs),
        )
        shown = state.control("race_shown")
        result = tasks().result(shown) if isinstance(shown, str) else None
        if result is not None:
            st.caption(f"The controls have changed since this race: {race_words.settings(result)}.")
    return None if result is None else race_words.read(result)


def _show(raced: Raced, stops: list[int | None], against: Literal["updates", "seconds"]) -> None:
    race = raced.race
    parts = (raced.names, race.held_out, race.train, race.seconds, stops, race.diverged.tolist())
    lines = [RaceLine(*line) for line in zip(*parts, strict=True)]
    st.markdown(race_words.verdict(raced, stops))
    ends = ", ".join(f"{line.name} best {signed(float(np.nanmax(line.held_out)))}" for line in lines)
    figure = race_figure(lines, race.steps, against=against, theme=state.theme_name())
    st.plotly_chart(figure, key="race", alt=f"Held-out ELBO of three trainings: {ends}.", config=CHART_CONFIG)
    st.caption(
        "Thick: held-out ELBO at the end of each epoch. Thin: mean of the epoch's mini-batches, on training "
        "data. A mark: where the criterion stops."
    )
    st.markdown(race_words.table(raced, stops))
    for sentence in race_words.notes(raced):
        st.caption(sentence)
