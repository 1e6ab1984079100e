"""What the Train page draws of a run, made once for all who watch it."""

import json
from dataclasses import replace

from dashboard.cached import pretrained_snapshot
from dashboard.caching import cached
from dashboard.components.board.payload import board_payload, coarser_grid, ghost_payload
from dashboard.components.flow.element import flow_payload, packed
from dashboard.runs.runner import runner
from vae_core.data import least_training_examples
from vae_core.runs.snapshot import HISTORY_COLUMNS, Parts, Snapshot


@cached(most=64)
def board(run_id: str, version: int) -> bytes | None:
    """What the training board draws, as JSON; None before the first snapshot."""
    del version  # tells one snapshot from the next; part of the key only
    return _board(run_id)


@cached(most=64)
def board_at(run_id: str, version: int, step: int, written: int) -> bytes | None:
    """The same with the pictures of an earlier step; None where that is not kept."""
    del version, written  # tell one snapshot from the next; parts of the key only
    looked = runner().store.snapshot_at(run_id, step)
    return None if looked is None else _board(run_id, looked)


def _board(run_id: str, looked: Snapshot | None = None) -> bytes | None:
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or view is None:
        return None
    payload = board_payload(
        snapshot,
        run_id=run_id,
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=view.config.model.encoder_head == "deterministic",
        given_y=view.config.condition != "none",
        grid_y=snapshot.class_names[0] if view.config.condition != "none" else "",
        learned_prior=view.config.model.prior != "standard_normal",
        not_gaussian=bool(view.config.model.not_gaussian),
        is_scheduled=view.config.train.beta_schedule != "constant",
        free_bits=view.config.train.free_bits,
        objective=view.config.train.maximised,
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
