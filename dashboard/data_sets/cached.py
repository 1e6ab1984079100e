"""Cached computations of the page Data: what was read of a file, and the histogram of a data set."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.caching import cached
from dashboard.runs.tasks import tasks
from vae_core.data.brought import Choices, Problem
from vae_core.data.own_content import Arrays, OwnFacts, facts_in
from vae_core.errors import BadInput

if TYPE_CHECKING:
    from vae_core.data import Dataset

NUM_BINS: Final = 40
MAX_COUNTED: Final = 2_000
"""Examples whose values a histogram counts."""
MAX_SHOWN: Final = 24
MAX_POINTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it would be used.

    Arguments:
        arrays: What would be kept.
        facts: What it is.
        choices: All that hold, also those that were recognised.
        options: What each could be instead.
        problems: What is wrong, and what is done about it.
        head: The first rows of a table, names first.
        refusal: Why it cannot be used; "" where it can.
        title: What it was called, where it was downloaded from this page; "" of any other file.
    """

    arrays: Arrays
    facts: OwnFacts
    choices: Choices
    options: dict[str, tuple[str, ...]]
    problems: tuple[Problem, ...]
    head: tuple[tuple[str, ...], ...]
    refusal: str
    title: str


class Look(NamedTuple):
    """What is shown of a data set.

    Arguments:
        x: Some examples, those of classes in turn, shape (n, D), float32.
        labels: Their classes; -1 where they have none.
        counts: Of the values in each bin, shape (bins,).
        edges: Of the bins, shape (bins + 1,).
    """

    x: NDArray[np.float32]
    labels: NDArray[np.int64]
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]


@cached()
def reading(key: str) -> Reading:
    """The result of the task that read a file.

    Raises:
        BadInput: It is not there any more (code ``data``).
    """
    found = tasks().result(key)
    if found is None:
        raise BadInput("data", "what was read of this file is gone", "bring it again")
    preview: dict[str, Any] = json.loads(str(found.pop("preview")))
    return Reading(
        arrays=found,
        facts=facts_in(found),
        choices=Choices.from_json(preview["choices"]),
        options={name: tuple(options) for name, options in preview["options"].items()},
        problems=tuple(Problem(*problem) for problem in preview["problems"]),
        head=tuple(map(tuple, preview["head"])),
        refusal=preview["refusal"],
        title=preview.get("title", ""),
    )


@cached()
def look_at_file(key: str) -> Look:
    """What is shown of a file before it is used; raises as :func:`reading` does."""
    arrays = reading(key).arrays
    x = arrays["x"]
    labels = arrays.get("labels", np.full(len(x), -1))
    return _look(x, np.asarray(labels, np.int64), x.dtype == np.uint8)


def look_at(data: "Dataset") -> Look:
    """What is shown of the training part of a data set."""
    return _look_at(data.name, data.digest, data)


# Seed 0 splits what the page shows: name and content decide it.
@cached()
def _look_at(name: str, digest: str, _data: "Dataset") -> Look:
    del name, digest  # the key only
    labels = np.full(len(_data.x_train), -1) if _data.labels_train is None else _data.labels_train.numpy()
    # Some rows, evenly: of images that are bytes only these become numbers.
    rows = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), 4 * MAX_COUNTED)).astype(np.int64))
    import torch

    return _look(_data.x_train[torch.from_numpy(rows)].numpy(), labels[rows], is_bytes=False)


def _look(x: NDArray[Any], labels: NDArray[np.int64], is_bytes: bool) -> Look:
    sample = x[:: -(-len(x) // MAX_COUNTED)].astype(np.float64) / (255 if is_bytes else 1)
    counts, edges = np.histogram(sample, NUM_BINS)
    rows = _in_turn(labels)[: MAX_POINTS if x.shape[1] <= 64 else MAX_SHOWN]
    shown = x[rows].astype(np.float32) / np.float32(255 if is_bytes else 1)
    return Look(shown, labels[rows], counts, edges)


def _in_turn(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows so that each class has its turn: the first of each, the second of each, ..."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(sorted_labels)) + 1])
    turn = np.empty(len(labels), np.int64)
    turn[order] = np.arange(len(labels)) - np.repeat(starts, np.diff([*starts, len(labels)]))
    return np.lexsort((labels, turn))
