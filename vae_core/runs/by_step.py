"""With which beta, learning rate and seed a run was trained, from which step on."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vae_core.config import check_beta, check_learning_rate
from vae_core.runs.runfile import Run
from vae_core.runs.snapshot import HISTORY_COLUMNS, change_rows
from vae_core.training.moves import checked_moves
from vae_core.training.optimizer import scheduled_beta


@dataclass(frozen=True, slots=True)
class ByStep:
    """The values of a setting while a run trained.

    Arguments:
        values: The value from a step on, by step.
        unsure: Pairs of steps between which the value changed, at steps that are not known.
    """

    values: dict[int, float]
    unsure: tuple[tuple[int, int], ...]


def settings_by_step(
    run: Run, num_data: int, *, num_steps: int | None = None
) -> tuple[ByStep, ByStep, ByStep]:
    """Beta, the learning rate and the seed of the draws; of a scheduled beta only what was set by hand.

    Older runs do not say it: their history does, as far as it has a row before and after each move.

    Arguments:
        run: The run as it was saved, with its history.
        num_data: How many examples it was trained on.
        num_steps: The updates that count: more than the run's own where it went back to its best step.

    Raises:
        BadInput: What the run says of its moves cannot be.
    """
    if num_steps is None:
        num_steps = run.step
    else:
        run = replace(run, history=run.curves)
    train = run.config.train
    is_scheduled = train.beta_schedule != "constant"
    moves = checked_moves(run.state_scalars.get("moves"))
    if moves is None:
        rates = _changes(run.history, "learning_rate", train.learning_rate)
        if is_scheduled:
            return _taken_over(run, num_data), rates, ByStep({}, ())
        return _changes(run.history, "beta", train.beta), rates, ByStep({}, ())
    # What was moved after the last update has changed nothing yet.
    made = [move for move in moves if move.step < num_steps]
    begun: dict[str, dict[int, float]] = {
        "beta": {} if is_scheduled else {0: train.beta},
        "learning_rate": {0: train.learning_rate},
        "seed": {},
    }
    for move in made:
        begun[move.name][move.step] = move.value
    beta, rate, seed = (ByStep(values, ()) for values in begun.values())
    return beta, rate, seed


def _changes(history: NDArray[np.float64], name: Literal["beta", "learning_rate"], start: float) -> ByStep:
    check = check_beta if name == "beta" else check_learning_rate
    steps, values = _steps(history), history[:, HISTORY_COLUMNS.index(name)].tolist()
    found, unsure = {0: check(values[0]) if values else start}, []
    for row in change_rows(history).tolist():
        if values[row + 1] != values[row]:
            found[steps[row]] = check(values[row + 1])
            if steps[row + 1] > steps[row] + 1:
                unsure.append((steps[row], steps[row + 1]))
    return ByStep(found, tuple(unsure))


def _steps(history: NDArray[np.float64]) -> list[int]:
    return np.nan_to_num(history[:, 0], posinf=0.0, neginf=0.0).astype(np.int64).tolist()


def _taken_over(run: Run, num_data: int) -> ByStep:
    """The values of beta after it was first moved by hand, which ends its schedule."""
    train, history = run.config.train, run.history
    if run.state_scalars.get("live_beta") is None:
        return ByStep({}, ())
    batch = train.batch_of(num_data)
    steps, values = _steps(history), history[:, HISTORY_COLUMNS.index("beta")].tolist()
    for row, (step, value) in enumerate(zip(steps, values, strict=True)):
        epoch, index = divmod(step, math.ceil(num_data / batch))
        if value != scheduled_beta(train, epoch + index * batch / num_data):
            began = max(0, row - 1)
            later = _changes(history[row:], "beta", value)
            values_by_step = {steps[began]: check_beta(value)}
            values_by_step |= {at: beta for at, beta in later.values.items() if at > 0}
            gap = ((steps[began], step),) if step > steps[began] + 1 else ()
            return ByStep(values_by_step, gap + later.unsure)
    # It was set to what the schedule gave anyway.
    return ByStep({}, ())
