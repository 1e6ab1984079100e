"""Three optimisers from the same initial weights on one plot, and where a stopping criterion ends each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.compare import cached
from dashboard.components.chart.element import draw_chart
from dashboard.figures.optimisers import RaceLine, race_figure
from dashboard.formats import margin, plain, shown_difference, signed, with_error
from dashboard.labels import LABELS, data_title, layers_words
from dashboard.runs.needs import needed_memory
from dashboard.runs.runner import runner
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell import browser, state
from dashboard.shell.choice import number_between, one_of, one_of_numbers
from dashboard.shell.links import RATES
from dashboard.shell.task_line import seeds_line, task_line
from dashboard.subject import data_of, dataset, made_of, pretrained
from dashboard.tables import draw_table
from vae_core.config import ModelConfig, Optimizer, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.labs.scores import MIN_SEEDS, Pooled, Score, difference, pooled

if TYPE_CHECKING:
    from vae_core.labs.optimisers import Outcome, Race

SMALL_DATA: Final = 256
SMALL: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(32,)))
DATA: Final = {"small": f"{SMALL_DATA} digits", "run": "The run in view"}
AT_ONCE: Final = 1500
"""Updates of a race that the page waits for: about a second."""
ALL: Final = 1_000_000
"""A batch size that no training set reaches."""
BATCH_SIZES: Final = {"one": 1, "8": 8, "32": 32, "128": 128, "all": ALL}
BATCHES: Final = {"one": "1", "8": "8", "32": "32", "128": "128", "all": "all"}
STOPS: Final = {"patience": "Patience", "change": "Small change"}
AXES: Final = {"updates": "updates", "seconds": "seconds"}
TOLERANCES: Final = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
Rule = Callable[[Any], int | None]
RACE_HELP: Final = (
    "Each optimiser gets the same initial weights, the same order of the examples and the same noise ε: at "
    "epoch 0 all are equal to the last bit. A tenth of the training examples, the validation part, is set "
    "aside: by its ELBO the stop and the best epoch are chosen, always measured with the same noise. "
    "Held-out numbers are of examples by which nothing was chosen."
)
STOP_HELP: Final = (
    "**Patience** P: stop when the validation ELBO has had no new best for P epochs. **Small change**: stop "
    "when an epoch changed it by less than a tolerance. Either keeps the weights of the best epoch until "
    "then. Training goes on, so that one sees what would be missed. Moving this starts no training."
)
BATCH_HELP: Final = (
    "$B$, examples whose mean gradient makes one update. 1: many noisy updates in an epoch; all: one exact "
    "update."
)
AGAINST_HELP: Final = "Seconds on this server in one process, the evaluation after each epoch included."
SEEDS_HELP: Final = (
    "The same data, split and learning rates with other initial weights, order of the examples and noise: "
    "four more trainings of each optimiser, in the background, as many at a time as this server has "
    "cores for."
)
DATA_HELP: Final = (
    f"**{SMALL_DATA} digits**: small enough to be trained while you wait. **The run in view**: data, model "
    "and objective of the run on the Train page, or of the example model; in the background."
)


class Racer(NamedTuple):
    """An optimiser.

    Arguments:
        name: Its name.
        optimizer, momentum: Settings of ``TrainConfig``.
        rule: Its update, as Markdown.
    """

    name: str
    optimizer: Optimizer
    momentum: float
    rule: str

    def config(self, learning_rate: float, shared: TrainConfig) -> TrainConfig:
        """The shared settings with this optimiser."""
        return replace(shared, optimizer=self.optimizer, momentum=self.momentum, learning_rate=learning_rate)


RACERS: Final = (
    Racer("SGD", "sgd", 0.0, r"$w \leftarrow w - \eta\, g$ with $g$ the gradient of −ELBO on a mini-batch."),
    Racer(
        "SGD + momentum",
        "sgd",
        0.9,
        r"$v \leftarrow 0.9\, v + g$, $w \leftarrow w - \eta\, v$: for constant $g$ ten times the step.",
    ),
    Racer(
        "Adam",
        "adam",
        0.9,
        r"$w \leftarrow w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$ with running means $\hat m$ of $g$ "
        r"and $\hat v$ of $g^2$: every weight moves by about $\eta$ (Kingma and Ba 2015).",
    ),
)


class Raced(NamedTuple):
    """Three finished trainings.

    Arguments:
        race: Their curves.
        runs: Their configurations.
        num_data: Size of the training set, the first examples; 0: all.
        data_digest: Of data that come from files; empty for others.
    """

    race: "Race"
    runs: Sequence[RunConfig]
    num_data: int
    data_digest: str = ""

    @property
    def names(self) -> list[str]:
        """The optimisers with their learning rates."""
        rates = [run.train.learning_rate for run in self.runs]
        return [f"{racer.name}, η {rate:g}" for racer, rate in zip(RACERS, rates, strict=True)]


@st.fragment
def draw_race() -> None:
    """The controls, the plot, and what the numbers say."""
    left, middle, right = st.columns([2, 3, 2], gap="medium")
    with left:
        is_small = one_of("Data and model", DATA, key="race_data", help_text=DATA_HELP) == "small"
    base, num_data = (SMALL, SMALL_DATA) if is_small else (_run_in_view(), 0)
    with middle:
        batch = one_of("Batch size B", BATCHES, key="race_batch", help_text=BATCH_HELP)
    with right:
        epochs = _epochs(is_small)
    st.caption(_about(base, num_data))
    runs = _runs(base, BATCH_SIZES[batch], epochs)
    rule, against = _stop_and_axis(epochs)
    state.draw_address("race")
    try:
        found = _found(runs, num_data)
    except BadInput as err:
        st.error(plain(str(err)))
        return
    if found is not None:
        _show(found, [rule(values) for values in found.race.validation], against)


def _runs(base: RunConfig, batch_size: int, num_epochs: int) -> tuple[RunConfig, ...]:
    """Draws the learning rates; the configurations differ in the optimiser alone."""
    shared = replace(base.train, batch_size=batch_size, num_epochs=num_epochs, patience=None)
    return tuple(
        replace(base, train=racer.config(rate, shared), hold=False)
        for racer, rate in zip(RACERS, rates("race_rate"), strict=True)
    )


def _run_in_view() -> RunConfig:
    run_id = state.current_run()
    view = None if run_id is None else runner().view(run_id)
    return pretrained().config if view is None else view.config


def _epochs(is_small: bool) -> int:
    return int(
        st.number_input(
            "Epochs",
            1,
            10_000,
            key=f"race_epochs_{'small' if is_small else 'run'}",
            help="An epoch is one pass over the training data: the budget of each optimiser.",
            persist_state="session",
        )
    )


def _stop_and_axis(num_epochs: int) -> tuple[Rule, Literal["updates", "seconds"]]:
    """The stopping criterion and the horizontal axis: neither starts a training."""
    left, middle, right = st.columns([2, 3, 2], gap="medium")
    with left:
        kind = one_of("Stopping criterion", STOPS, key="race_stop", help_text=STOP_HELP)
    with middle:
        rule = _patience(num_epochs) if kind == "patience" else _tolerance()
    with right:
        against = one_of("Horizontal axis", AXES, key="race_against", help_text=AGAINST_HELP)
    return rule, "updates" if against == "updates" else "seconds"


def _patience(num_epochs: int) -> Rule:
    from vae_core.labs.optimisers import patience_stop

    patience = number_between("Patience P, epochs", 1, 50, key="race_patience", help_text=STOP_HELP)
    if patience >= num_epochs:
        st.caption(f"At least the {num_epochs} epochs of training: it cannot stop any of them.")
    return lambda validation: patience_stop(validation, patience)


def _tolerance() -> Rule:
    from vae_core.labs.optimisers import change_stop

    tolerance = one_of_numbers(
        "Tolerance, nats", TOLERANCES, key="race_tolerance", help_text=STOP_HELP, format_func="{:g}".format
    )
    return lambda validation: change_stop(validation, tolerance)


def _found(runs: tuple[RunConfig, ...], num_data: int) -> Raced | None:
    """The result of these runs; where there is none, the button that starts them and the last result."""
    per_epoch = -(-num_data // min(runs[0].train.batch_size, max(1, num_data)))
    epochs = runs[0].train.num_epochs or 0  # never without: the page's slider names a number
    if num_data and 3 * epochs * per_epoch <= AT_ONCE:
        return Raced(cached.race(runs, num_data), runs, num_data)
    texts, digest = [run.to_json() for run in runs], data_of(runs[0]).digest
    key = task_key("race", num_data, digest, *texts)
    result = tasks().result(key)
    if result is not None:
        state.set_control("race_shown", key)
    else:
        inputs = {
            "runs": np.array(texts),
            "num_data": np.array(num_data),
            "data_digest": np.array(digest),
            "split": np.array(runs[0].seed),
        }
        task_line(
            key,
            key="race",
            label="Train all three",
            doing="Training three times …",
            help_text="Trains three times, one after the other, in the background.",
            start=lambda: tasks().start(
                key, "race", owner=browser.token(), inputs=inputs, memory=needed_memory(runs[0])
            ),
        )
        shown = state.control("race_shown")
        result = tasks().result(shown) if isinstance(shown, str) else None
        if result is not None:
            st.caption(f"The controls have changed since this result: {_settings(result)}.")
    return None if result is None else _read(result)


def _show(raced: Raced, stops: list[int | None], against: Literal["updates", "seconds"]) -> None:
    race = raced.race
    kept = [one.kept_epoch for one in _outcomes(raced, stops)]
    parts = (raced.names, race.validation, race.train, race.seconds, stops, kept, race.diverged.tolist())
    lines = [RaceLine(*line) for line in zip(*parts, strict=True)]
    st.markdown(verdict(raced, stops))
    ends = ", ".join(
        f"{line.name} diverged at step {line.diverged:,}"
        if line.diverged
        else f"{line.name} best {signed(float(np.nanmax(line.validation)))}"
        for line in lines
    )
    figure = race_figure(lines, race.steps, against=against, theme=state.theme_name())
    draw_chart(
        figure,
        key="race",
        alt=f"Validation ELBO of three trainings: {ends}.",
    )
    st.caption(
        "Thick: ELBO of the validation part at the end of each epoch. Thin: mean of the epoch's "
        "mini-batches, on training data. A mark: where the criterion stops."
    )
    _draw_seeds(raced)
    _draw_table(raced, stops)
    for sentence in _notes(raced):
        st.caption(sentence)


def rates(key: str) -> tuple[float, ...]:
    """Draws a slider for each learning rate and returns their values.

    Arguments:
        key: Of the widgets, before the number.
    """
    chosen = []
    for number, (racer, column) in enumerate(zip(RACERS, st.columns(len(RACERS), gap="medium"), strict=True)):
        with column:
            rate = one_of_numbers(
                f"η of {racer.name}",
                RATES,
                key=f"{key}{number}",
                help_text=racer.rule,
                format_func="{:g}".format,
            )
        chosen.append(rate)
    return tuple(chosen)


def _read(result: dict[str, NDArray[Any]]) -> Raced:
    """The result of the task."""
    from vae_core.labs.optimisers import Race

    runs = [RunConfig.from_json(str(text)) for text in result["runs"]]
    return Raced(
        Race(*(result[name] for name in Race._fields)),
        runs,
        int(result["num_data"]),
        str(result["data_digest"]),
    )


def _about(base: RunConfig, num_data: int) -> str:
    """The data and the model, in one line."""
    model = base.model
    which = f"The first {num_data} training digits" if num_data else plain(data_title(base.dataset))
    seed = f"seed\N{NO-BREAK SPACE}{base.seed}"
    facts = f"J = {model.latent_dim} · {layers_words(model)} · β {base.train.beta:g} · {seed}"
    return f"{which} · {facts}"


def _settings(result: dict[str, NDArray[Any]]) -> str:
    """The settings of a task's result, in one line."""
    raced = _read(result)
    train = raced.runs[0].train
    batch = "all examples in a batch" if train.batch_size >= ALL else f"batches of {train.batch_size}"
    return f"{_about(raced.runs[0], raced.num_data)} · {batch} · {train.num_epochs} epochs"


def _outcomes(raced: Raced, stops: Sequence[int | None]) -> "list[Outcome]":
    """Best and stopped ELBO of each training."""
    from vae_core.labs.optimisers import outcome

    race = raced.race
    return [outcome(*parts) for parts in zip(race.validation, race.held_out, stops, strict=True)]


def verdict(raced: Raced, stops: Sequence[int | None]) -> str:
    """Which of the trainings that did not diverge is best, and what the stopping criterion costs.

    Arguments:
        raced: Three trainings.
        stops: The epoch at which the criterion ends each; None: it does not.
    """
    found, names, race = _outcomes(raced, stops), [racer.name for racer in RACERS], raced.race
    parts = [
        f"**{name} diverged at step {step:,}**{_saved_by(stop)}: lower its learning rate."
        for name, step, stop in zip(names, race.diverged, stops, strict=True)
        if step
    ]
    whole = [number for number, step in enumerate(race.diverged) if not step]
    if not whole:
        return " ".join(parts)
    first, *others = sorted(whole, key=lambda number: -found[number].best)
    best = f"**{signed(found[first].best)}** nats at its best epoch, {found[first].best_epoch}"
    seed = raced.runs[0].seed
    # One that diverged made fewer epochs than the others: its best until then is nothing to be ahead of.
    if others:
        lead = shown_difference(found[first].best, found[others[0]].best)
        parts.append(
            f"With seed {seed} **{names[first]}** reaches the highest held-out ELBO: {best}, {lead:.2f} nats "
            f"above {names[others[0]]}."
        )
    else:
        parts.append(
            f"With seed {seed} **{names[first]}** reaches a held-out ELBO of {best}; the others diverged, so "
            "that nothing is left to compare it with."
        )
    stopped = [number for number in whole if stops[number] is not None]
    if not stopped:
        which = "none of them" if len(whole) == len(found) else "none that did not diverge"
        return " ".join([*parts, f"The stopping criterion ends {which} within these epochs."])
    costly = max(stopped, key=lambda number: found[number].missed)
    cost = (
        f"it costs {names[costly]} most: stopped at epoch {stops[costly]}, it keeps epoch "
        f"{found[costly].kept_epoch} and misses **{_missed(found[costly]):.2f}** nats."
        if _missed(found[costly]) > 0
        else "it costs none of them anything."
    )
    of = f"{len(found)}" if len(whole) == len(found) else f"the {len(whole)} that did not diverge"
    parts.append(f"The stopping criterion ends {len(stopped)} of {of}; {cost}")
    return " ".join(parts)


def _saved_by(stop: int | None) -> str:
    """That a training would have been stopped before it diverged."""
    return "" if stop is None else f", after epoch {stop}, where the criterion would have stopped it"


def _draw_seeds(raced: Raced) -> None:
    """The same race with other seeds, in the background, and what all of them say together."""
    split = raced.runs[0].seed
    others: dict[str, list[str]] = {}
    for seed in range(split + 1, split + MIN_SEEDS):
        texts = [replace(run, seed=seed % 2**31).to_json() for run in raced.runs]
        others[task_key("race", raced.num_data, raced.data_digest, split, *texts)] = texts
    found = [result for key in others if (result := tasks().result(key)) is not None]
    if len(found) < len(others):

        def start(key: str) -> None:
            inputs = {
                "num_data": np.array(raced.num_data),
                "data_digest": np.array(raced.data_digest),
                "split": np.array(split),
                "runs": np.array(others[key]),
            }
            memory = needed_memory(raced.runs[0])
            tasks().start(key, "race", owner=browser.token(), inputs=inputs, memory=memory)

        seeds_line(
            tuple(others),
            key="race_seeds",
            label=f"Train again with {len(others)} other seeds",
            doing="Training three times for each seed …",
            help_text=SEEDS_HELP,
            start=start,
        )
    st.markdown(over_seeds([raced, *map(_read, found)]))


def over_seeds(races: Sequence[Raced]) -> str:
    """Which optimiser is best over several seeds; with too few of them, that it takes more."""
    if len(races) < MIN_SEEDS:
        count = "one seed" if len(races) == 1 else f"{len(races)} seeds"
        return (
            f"To tell which optimiser is better takes {MIN_SEEDS} seeds: this is {count}, and another one "
            "may differ."
        )
    best = [[one.best for one in _outcomes(raced, [None] * len(RACERS))] for raced in races]
    names = [racer.name for racer in RACERS]
    scores = {
        name: pooled([Score(value, 0.0, None) for value in values])
        for name, values in zip(names, zip(*best, strict=True), strict=True)
    }
    counts = dict(zip(names, _num_diverged(races), strict=True))
    whole = [name for name in names if not counts[name]]
    of_all = ", ".join(
        f"{name} {with_error(signed(scores[name].value), margin(scores[name].standard_error))}"
        for name in whole
    )
    said = [f"Held-out ELBO at the best epoch over **{len(races)} seeds**, nats: {of_all}."] if whole else []
    said += _verdict_over_seeds({name: scores[name] for name in whole}) if len(whole) > 1 else []
    diverged = [f"{name} with {count}" for name, count in counts.items() if count]
    if diverged:
        said.append(f"Diverged, and so not compared: {', '.join(diverged)} of {len(races)} seeds.")
    return " ".join(said)


def _verdict_over_seeds(scores: dict[str, Pooled]) -> list[str]:
    """Which is best, by how much, and whether that is clear; of at least two optimisers."""
    first, *others = sorted(scores, key=lambda name: -scores[name].value)
    pairs = len(scores) * (len(scores) - 1) // 2
    parts = []
    for other in others:
        gap = difference(scores[first], scores[other])
        word = "clearly above" if gap.is_clear(among=pairs) else "not clearly above"
        shown = shown_difference(scores[first].value, scores[other].value)
        parts.append(f"{with_error(f'{shown:.2f}', margin(gap.standard_error))} {word} {other}")
    together = "the three differences together" if pairs > 1 else "the difference"
    return [
        f"**{first}** is {' and '.join(parts)}.",
        "± is the standard error between seeds, on the same held-out examples; clear is a t test at 5 % for "
        f"{together}.",
    ]


def _num_diverged(races: Sequence[Raced]) -> list[int]:
    return np.sum([raced.race.diverged > 0 for raced in races], axis=0).tolist()


def _draw_table(raced: Raced, stops: Sequence[int | None]) -> None:
    """A column for each optimiser."""
    found, race, last = _outcomes(raced, stops), raced.race, len(raced.race.steps) - 1
    ends = [last if stop is None else stop for stop in stops]
    rows = [
        ("held-out ELBO at the start", [signed(values[0]) for values in race.held_out]),
        ("best epoch, by validation", [str(one.best_epoch) for one in found]),
        ("held-out ELBO at the best epoch", [_nats(one.best) for one in found]),
        (f"stops at epoch (of {last})", ["–" if stop is None else str(stop) for stop in stops]),
        ("· keeps epoch", [str(one.kept_epoch) for one in found]),
        ("· its held-out ELBO", [_nats(one.kept) for one in found]),
        ("· **missed**", [_nats(_missed(one)) for one in found]),
        ("· updates saved", [f"{1 - end / last:.0%}" for end in ends]),
        ("seconds, all epochs", [_seconds(values[-1]) for values in race.seconds]),
        ("· to the stop", [_seconds(values[end]) for values, end in zip(race.seconds, ends, strict=True)]),
    ]
    head = ("measured", *(racer.name for racer in RACERS))
    if any(race.diverged):
        rows.insert(1, ("diverged at step", [f"{step:,}" if step else "–" for step in race.diverged]))
    draw_table(head, ((label, *cells) for label, cells in rows), title="All numbers")


def _nats(value: float) -> str:
    return signed(value) if abs(value) < 1e5 else "–"


def _missed(one: "Outcome") -> float:
    """What stopping costs, as the difference of the two numbers that stand above it."""
    return shown_difference(one.best, one.kept)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _parts(raced: Raced) -> str:
    """How many examples each part has."""
    run = raced.runs[0]
    data = dataset(
        run.dataset,
        run.seed,
        run.data_folder,
        transposed=run.data_transposed,
        validation=True,
        made=made_of(run),
    )
    validation = 0 if data.x_validation is None else len(data.x_validation)
    training = raced.num_data or len(data.x_train)
    return f"Training {training:,} · validation {validation:,} · held-out {len(data.x_test):,} examples"


def _notes(raced: Raced) -> list[str]:
    """How the numbers are meant."""
    said = [
        f"{_parts(raced)}. ELBO in nats per example. Missed: the held-out ELBO at the best epoch of all "
        "less that at the epoch that the stop keeps; both epochs are chosen by the validation part, so that "
        "none of these numbers was picked for being high."
    ]
    if any(raced.race.diverged):
        said.append("Of a training that diverged the numbers are of the epochs before.")
    train, per_epoch = raced.runs[0].train, int(raced.race.steps[1])
    said.append(f"{per_epoch:,} updates an epoch, {int(raced.race.steps[-1]):,} for each optimiser.")
    if per_epoch == 1:
        said[-1] += " One update an epoch: a batch holds all training examples."
    if not train.is_elbo:
        said.append(f"Trained on another objective: {LABELS[train.objective]}.")
    if train.beta != 1:
        said.append(f"Trained with β = {train.beta:g}; the ELBO shown has β = 1.")
    if raced.runs[0].model.encoder_head == "deterministic":
        said.append("A deterministic encoder has no KL: what is shown is log p(x|z), no bound.")
    return said
