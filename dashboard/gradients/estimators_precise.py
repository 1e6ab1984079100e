"""A datum's estimators from a million samples: a task beside the server, and its numbers in the tables."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.gradients.estimators_measured import SAMPLE_COUNTS, Measured
from dashboard.runs.tasks import task_key, tasks
from dashboard.shell.task_line import task_line
from dashboard.subject import Split, Subject

HELP: Final = (
    "2²⁰ samples of z for each M: the intervals of the bias shrink by the square root of how many more they "
    "are. Seconds for a small decoder, minutes for a large one, beside the server."
)


def name_of(shown: Subject, split: Split, index: int) -> str:
    """Of the task that measures this datum with these weights."""
    return task_key("estimators", shown.digest, split, index)


def draw(shown: Subject, split: Split, index: int) -> None:
    """The button, or the progress; nothing once the result is there."""
    name = name_of(shown, split, index)
    if tasks().result(name) is not None:
        return
    task_line(
        name,
        key="estimators_precise",
        label="Measure with a million samples",
        doing="Drawing …",
        help_text=HELP,
        start=lambda: _start(shown, split, index, name),
    )


def _start(shown: Subject, split: Split, index: int, name: str) -> None:
    x = shown.examples(split)[0][index].numpy()
    inputs = {"x": x, "sample_counts": np.array(SAMPLE_COUNTS)}
    tasks().start(name, "gradients", str(shown.path), str(shown.config.seed + 2), inputs=inputs)


def refined(measured: Measured, shown: Subject, split: Split, index: int, dim: int) -> Measured:
    """The same with the numbers of the long measurement, where there is one of these very weights."""
    result = tasks().result(name_of(shown, split, index))
    if result is None or str(result["digest"]) != shown.digest:
        return measured
    if "truth" in result:
        measured = replace(
            measured,
            truth=_pair(result["truth"], dim),
            standard_error=_pair(result["truth_error"], dim),
        )
    return replace(
        measured, accuracy=_accuracy(measured, result, dim), num_samples=int(result["count"][0, 0, 0, 0])
    )


def _pair(values: NDArray[Any], dim: int) -> tuple[float, float]:
    return float(values[0, dim]), float(values[1, dim])


def _accuracy(measured: Measured, result: dict[str, NDArray[Any]], dim: int) -> dict[Any, Any]:
    from vae_core.labs.gradients.estimators import ESTIMATORS, Accuracy, accuracy_of_mean

    def one(row: int, column: int, part: int) -> Accuracy:
        return accuracy_of_mean(
            float(result["mean"][row, column, part, dim]),
            float(result["variance"][row, column, part, dim]),
            float(result["count"][row, column, 0, 0]),
            truth=measured.truth[part],
            error=measured.error[part],
            standard_error=measured.standard_error[part],
        )

    return {
        (count, name): (one(row, column, 0), one(row, column, 1))
        for row, count in enumerate(SAMPLE_COUNTS)
        for column, name in enumerate(ESTIMATORS)
    }
