"""Kept runs as ghosts on the board: their curves, named by what differs from the run in view."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from dashboard.labels import LABELS, data_title
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.shell.controls import DIGITS
from dashboard.train import cached
from vae_core.config import RunConfig

MAX_SAID: Final = 2
"""Differences that a name spells out; the others are counted."""

Ghost = tuple[str, str, bytes]
"""Id, label and packed curves of a kept run."""


def _number(value: float) -> str:
    return DIGITS % value


def _sizes(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes)) or "no hidden layers"


# What a reader would name first comes first. How long a run trains, and on which device, is no property of
# its curves.
_MODEL: Final[Mapping[str, Callable[[Any], str]]] = {
    "latent_dim": lambda value: f"J = {value}",
    "likelihood": LABELS.__getitem__,
    "likelihood_scale": lambda value: "s learned" if value is None else f"s = {_number(value)}",
    "encoder_head": lambda value: f"encoder {LABELS[value]}",
    "hidden_dims": _sizes,
    "activation": LABELS.__getitem__,
    "prior": lambda value: f"prior {value.replace('_', ' ')}",
    "num_components": lambda value: f"K = {value}",
}
_TRAIN: Final[Mapping[str, Callable[[Any], str]]] = {
    "learning_rate": lambda value: f"η {_number(value)}",
    "optimizer": LABELS.__getitem__,
    "momentum": lambda value: f"momentum {_number(value)}",
    "batch_size": lambda value: f"B = {value}",
    "num_samples": lambda value: f"M = {value}",
    "beta_schedule": lambda value: f"β {LABELS[value]}",
    "schedule_epochs": lambda value: f"schedule {value} epochs",
    "free_bits": lambda value: f"free bits {_number(value)}",
}


def difference(config: RunConfig, other: RunConfig) -> str:
    """What ``other`` has that ``config`` has not, in a few words; "" where their curves should be the same.

    Example:
        >>> from dataclasses import replace
        >>> from vae_core.config import ModelConfig, RunConfig, TrainConfig
        >>> one = RunConfig(model=ModelConfig(data_dim=64))
        >>> difference(one, replace(one, train=TrainConfig(beta=0.1), seed=3))
        'β 0.1 · seed 3'
    """
    said = []
    if other.train.beta != config.train.beta:
        said.append(f"β {_number(other.train.beta)}")
    if other.dataset != config.dataset:
        said.append(data_title(other.dataset))
    elif (other.data_folder, other.data_transposed) != (config.data_folder, config.data_transposed):
        said.append("other data")
    said += _differences(_MODEL, config.model, other.model) + _differences(_TRAIN, config.train, other.train)
    if other.seed != config.seed:
        said.append(f"seed {other.seed}")
    more = len(said) - MAX_SAID
    return " · ".join(said[:MAX_SAID]) + (f" +{more}" if more > 0 else "")


def _differences(texts: Mapping[str, Callable[[Any], str]], one: object, other: object) -> list[str]:
    return [
        text(getattr(other, name))
        for name, text in texts.items()
        if getattr(one, name) != getattr(other, name)
    ]


def kept(in_view: JobView | None) -> tuple[Ghost, ...]:
    """The kept runs as the board takes them; one that is gone or cannot be read is kept no longer.

    Arguments:
        in_view: The run that the board shows, which is no ghost of itself; None for the example model.
    """
    found: dict[str, tuple[JobView, bytes]] = {}
    for run_id in state.kept_runs():
        view, version = runner().view(run_id), runner().store.snapshot_version(run_id)
        curves = None if view is None or version is None else cached.ghost(run_id, version)
        if view is None or (curves is None and not view.is_active):
            state.drop_run(run_id)
        elif curves is not None and (in_view is None or run_id != in_view.run_id):
            found[run_id] = (view, curves)
    labels = _labels([view for view, _ in found.values()], in_view)
    return tuple((run_id, labels[run_id], curves) for run_id, (_, curves) in found.items())


def _labels(views: list[JobView], in_view: JobView | None) -> dict[str, str]:
    """Names that differ: where two runs would have the same one, or one none, its own name is said."""
    config = None if in_view is None else in_view.in_force
    said = {view.run_id: "" if config is None else difference(config, view.in_force) for view in views}
    counts = Counter(said.values())
    parent = None if in_view is None else cached.parent_of(in_view.run_id)
    labels = {}
    for view in views:
        text = said[view.run_id]
        is_enough = text and counts[text] == 1
        label = text if is_enough else f"{text} · {view.name}".removeprefix(" · ")
        is_parent = parent is not None and parent[0] == view.run_id
        labels[view.run_id] = f"parent · {label}" if is_parent else label
    return labels
