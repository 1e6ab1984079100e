"""What a race says in words and in a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.compare.racers import RACERS
from dashboard.formats import signed
from vae_core.config import RunConfig
from vae_core.data import DATASET_INFO

if TYPE_CHECKING:
    from vae_core.labs.optimisers.race import Outcome, Race


class Raced(NamedTuple):
    """A race and what raced.

    Arguments:
        race: The numbers.
        runs: The trainings.
        num_data: Only the first of the training data; 0: all.
    """

    race: "Race"
    runs: Sequence[RunConfig]
    num_data: int

    @property
    def names(self) -> list[str]:
        """Of the optimisers, with their step sizes."""
        rates = [run.train.learning_rate for run in self.runs]
        return [f"{racer.name}, η {rate:g}" for racer, rate in zip(RACERS, rates, strict=True)]


def read(result: dict[str, NDArray[Any]]) -> Raced:
    """What the task has written."""
    from vae_core.labs.optimisers.race import Race

    runs = [RunConfig.from_json(str(text)) for text in result["runs"]]
    return Raced(Race(*(result[name] for name in Race._fields)), runs, int(result["num_data"]))


def about(base: RunConfig, num_data: int) -> str:
    """Which data and which model race."""
    model = base.model
    which = f"The first {num_data} training digits" if num_data else DATASET_INFO[base.dataset].title
    hidden = ", ".join(map(str, model.hidden_dims)) or "none"
    seed = f"seed\N{NO-BREAK SPACE}{base.seed}"
    facts = f"J = {model.latent_dim} · hidden layers {hidden} · β {base.train.beta:g} · {seed}"
    return f"{which} · {facts}"


def settings(result: dict[str, NDArray[Any]]) -> str:
    """What a race that the task has written was about."""
    raced = read(result)
    train = raced.runs[0].train
    batch = "all data in a batch" if train.batch_size >= 1_000_000 else f"batches of {train.batch_size}"
    return f"{about(raced.runs[0], raced.num_data)} · {batch} · {train.num_epochs} epochs"


def outcomes(raced: Raced, stops: Sequence[int | None]) -> "list[Outcome]":
    """What stopping means for each line."""
    from vae_core.labs.optimisers.race import outcome

    return [outcome(values, stop) for values, stop in zip(raced.race.held_out, stops, strict=True)]


def verdict(raced: Raced, stops: Sequence[int | None]) -> str:
    """Who was best, and what the stop criterion did to it."""
    found, names, race = outcomes(raced, stops), [racer.name for racer in RACERS], raced.race
    parts = [
        f"**{name} diverged at step {step:,}**: lower its learning rate."
        for name, step in zip(names, race.diverged, strict=True)
        if step
    ]
    if all(race.diverged):
        return " ".join(parts)
    order = sorted(range(len(found)), key=lambda number: -found[number].best)
    first, second = order[0], order[1]
    lead = found[first].best - found[second].best
    parts.append(
        f"**{names[first]}** gets highest: **{signed(found[first].best)}** nats held out at epoch "
        f"{found[first].best_epoch}, {lead:.2f} above {names[second]}."
    )
    stopped = [number for number in order if stops[number] is not None]
    if not stopped:
        return " ".join([*parts, "The stop criterion ends none of them within the race."])
    costly = max(stopped, key=lambda number: found[number].missed)
    parts.append(
        f"The stop criterion ends {len(stopped)} of {len(found)}; it costs {names[costly]} most: stopped at "
        f"epoch {stops[costly]}, it misses **{found[costly].missed:.2f}** nats."
    )
    return " ".join(parts)


def table(raced: Raced, stops: Sequence[int | None]) -> str:
    """One column for each optimiser."""
    found, race, last = outcomes(raced, stops), raced.race, len(raced.race.steps) - 1
    ends = [last if stop is None else stop for stop in stops]
    rows = [
        ("held-out ELBO at the start, nats", [signed(values[0]) for values in race.held_out]),
        ("best held-out ELBO", [signed(one.best) for one in found]),
        ("· at epoch", [str(one.best_epoch) for one in found]),
        (f"stops at epoch (of {last})", ["–" if stop is None else str(stop) for stop in stops]),
        ("· held-out ELBO there", [signed(one.at_stop) if abs(one.at_stop) < 1e5 else "–" for one in found]),
        ("· **missed**, nats", [f"{one.missed:.2f}" if one.missed < 1e5 else "–" for one in found]),
        ("· updates saved", [f"{1 - end / last:.0%}" for end in ends]),
        ("seconds, whole race", [_seconds(values[-1]) for values in race.seconds]),
        ("· to the stop", [_seconds(values[end]) for values, end in zip(race.seconds, ends, strict=True)]),
    ]
    lines = ["| | " + " | ".join(racer.name for racer in RACERS) + " |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {label} | {' | '.join(cells)} |" for label, cells in rows)])


def _seconds(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def notes(raced: Raced) -> list[str]:
    """What is good to know about this race."""
    said = [
        "Missed: the best of the whole race minus the ELBO at the stop, where a training keeps its last "
        "weights. A best that is chosen on held-out data is a little too good."
    ]
    train, per_epoch = raced.runs[0].train, int(raced.race.steps[1])
    said.append(f"{per_epoch:,} updates an epoch, {int(raced.race.steps[-1]):,} for each optimiser.")
    if per_epoch == 1:
        said[-1] += " One update an epoch: a batch holds all the training data."
    if train.beta != 1:
        said.append(f"Trained with β = {train.beta:g}; the ELBO shown has β = 1.")
    if raced.runs[0].model.encoder_head == "deterministic":
        said.append("An encoder without noise has no KL: what is shown is log p(x|z), no bound.")
    return said
