"""What the Train page draws of a run, made once for all who watch it."""

import json

import streamlit as st

from dashboard.cached import pretrained_snapshot
from dashboard.components.board.payload import board_payload, coarser_grid, ghost_payload
from dashboard.components.flow.element import flow_payload, packed
from dashboard.runs.runner import runner


@st.cache_resource(max_entries=64, show_spinner=False)
def board(run_id: str, version: int) -> bytes | None:
    """What the training board draws, as JSON; None before the first snapshot."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or view is None:
        return None
    payload = board_payload(
        snapshot,
        run_id=run_id,
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=view.config.model.encoder_head == "deterministic",
        is_scheduled=view.config.train.beta_schedule != "constant",
        free_bits=view.config.train.free_bits,
    )
    return json.dumps(payload).encode()


@st.cache_resource(max_entries=64, show_spinner=False)
def ghost(run_id: str, version: int) -> bytes | None:
    """The curves of a kept run, as JSON, 6 kB; None where they cannot be read."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot = runner().store.snapshot(run_id)
    return None if snapshot is None else json.dumps(ghost_payload(snapshot.history)).encode()


@st.cache_resource(max_entries=1, show_spinner=False)
def example_board() -> bytes:
    """The board of the example model, as JSON; read without torch."""
    snapshot = pretrained_snapshot()
    payload = board_payload(
        coarser_grid(snapshot),  # it is fine enough for a dot that moves
        run_id="",
        image_shape=snapshot.image_shape,
        class_names=snapshot.class_names,
        deterministic=False,
    )
    return json.dumps(payload).encode()


@st.cache_resource(max_entries=16, show_spinner=False)
def flow(run_id: str, version: int) -> bytes | None:
    """What the charts draw of the last update; None at full speed, where no update is followed."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or snapshot.flow is None or view is None:
        return None
    return packed(flow_payload(snapshot, snapshot.flow, view))
