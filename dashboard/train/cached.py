"""What the Train page draws of a run, made once for all who watch it."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from dashboard.cached import pretrained_snapshot
from dashboard.caching import cached
from dashboard.components.board.payload import board_payload, coarser_grid, ghost_payload
from dashboard.components.flow.element import flow_payload, packed
from dashboard.labels import columns_of
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.subject import data_of, some_numbers
from vae_core.config import RunConfig
from vae_core.data import least_training_examples
from vae_core.errors import BadInput
from vae_core.runs.snapshot import HISTORY_COLUMNS, Parts, Snapshot

if TYPE_CHECKING:
    from vae_core.data import Known

NO_OTHER_Y: Final = "no other is kept of this step"


@cached(most=64)
def board(run_id: str, version: int, y: float | None = None) -> bytes | None:
    """What the training board draws, as JSON; None before the first snapshot.

    Arguments:
        run_id: The run.
        version: Of its snapshot.
        y: Of a conditional run the y of the decoded grid; None: that of the snapshot.
    """
    del version  # tells one snapshot from the next; part of the key only
    return _board(run_id, y=y)


@cached(most=64)
def board_at(run_id: str, version: int, step: int, written: int, y: float | None = None) -> bytes | None:
    """The same with the pictures of an earlier step; None where that is not kept."""
    del version, written  # tell one snapshot from the next; parts of the key only
    looked = runner().store.snapshot_at(run_id, step)
    return None if looked is None else _board(run_id, looked, y=y)


class ChoiceOfY(NamedTuple):
    """With which y the grid of a conditional run can be decoded.

    Arguments:
        known: What y is.
        options: The classes, or some of the numbers.
    """

    known: "Known"
    options: tuple[float, ...]

    def near(self, wanted: object) -> float:
        """The option that is nearest to what is wanted; the one that stands for itself where nothing is."""
        there = wanted if isinstance(wanted, int | float) else self.known.default
        return min(self.options, key=lambda one: abs(one - there))


def choice_of_y(view: JobView) -> ChoiceOfY | None:
    """Of a conditional run whose data are there; None of others."""
    if view.config.condition == "none":
        return None
    try:
        return _choice_of_y(view.run_id, view.config)
    except BadInput:  # not kept: the data may come back
        return None


@cached(most=64)
def _choice_of_y(run_id: str, _config: RunConfig) -> ChoiceOfY:
    from vae_core.data.conditions import known_of, values_of

    del run_id  # whose configuration never changes, and so the key
    data = data_of(_config)
    known = known_of(data, _config.condition, _config.condition_on)
    assert known is not None, "a conditional run has a y"
    if _config.condition == "class":
        return ChoiceOfY(known, tuple(range(known.num_values)))
    return ChoiceOfY(known, some_numbers(values_of(data, known, "train")))


def _with_grid(view: JobView, snapshot: Snapshot, y: float | None) -> Snapshot:
    """The snapshot of a conditional run with its grid decoded with a y."""
    grid_y = snapshot.grid_y or snapshot.class_names[0]  # older ones had classes alone
    choice = None if y is None else choice_of_y(view)
    if choice is None or y is None:
        return replace(snapshot, grid_y=grid_y)
    import torch

    from vae_core.runs.grids import grid_given

    try:
        encoded = choice.known.encode(torch.tensor([y], dtype=torch.float64))[0]
        grid = grid_given(view.config.model, snapshot, encoded)
    except BadInput:
        return replace(snapshot, grid_y=f"{grid_y} ({NO_OTHER_Y})")
    return replace(snapshot, grid=grid, grid_y=choice.known.written(y))


def _board(run_id: str, looked: Snapshot | None = None, *, y: float | None = None) -> bytes | None:
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or view is None:
        return None
    grid_y = ""
    if view.config.condition != "none":
        pictures = _with_grid(view, snapshot if looked is None else looked, y)
        grid_y = pictures.grid_y
        snapshot, looked = (pictures, None) if looked is None else (snapshot, pictures)
    payload = board_payload(
        snapshot,
        run_id=run_id,
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=view.config.model.encoder_head == "deterministic",
        given_y=view.config.condition != "none",
        grid_y=grid_y,
        learned_prior=view.config.model.prior != "standard_normal",
        not_gaussian=bool(view.config.model.not_gaussian),
        is_scheduled=view.config.train.beta_schedule != "constant",
        free_bits=view.config.train.free_bits,
        objective=view.config.train.maximised,
        batch_size=view.config.train.batch_size,
        columns=columns_of(view.config.dataset),
        looked=looked,
    )
    return json.dumps(payload).encode()


@cached(most=256)
def settings_at(run_id: str, step: int, written: int) -> tuple[float, float] | None:
    """β and η in force at a kept step; None where it cannot be read."""
    del written  # tells one state from another; part of the key only
    snapshot = runner().store.snapshot_at(run_id, step)
    if snapshot is None or not len(snapshot.history):
        return None
    beta, rate = (
        float(snapshot.history[-1, HISTORY_COLUMNS.index(name)]) for name in ("beta", "learning_rate")
    )
    return beta, rate


@cached(most=256)
def parent_of(run_id: str) -> tuple[str, int] | None:
    """The run from whose state a run began, and the step; None where it began by itself."""
    about = runner().store.about(run_id)
    return None if about.parent is None or about.parent_step is None else (about.parent, about.parent_step)


@cached(most=64)
def ghost(run_id: str, version: int) -> bytes | None:
    """The curves of a kept run, as JSON, 6 kB; None where they cannot be read."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot = runner().store.snapshot(run_id)
    return None if snapshot is None else json.dumps(ghost_payload(snapshot.history)).encode()


@cached()
def example_board() -> bytes:
    """The board of the example model, as JSON; read without torch."""
    snapshot = pretrained_snapshot()
    parts = Parts(least_training_examples("digits"), 0, len(snapshot.means))
    payload = board_payload(
        replace(coarser_grid(snapshot), parts=parts),  # it is fine enough for a dot that moves
        run_id="",
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=False,
    )
    return json.dumps(payload).encode()


@cached(most=16)
def flow(run_id: str, version: int) -> bytes | None:
    """What the charts draw of the last update; None at full speed, where no update is followed."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or snapshot.flow is None or view is None:
        return None
    return packed(flow_payload(snapshot, snapshot.flow, view))
