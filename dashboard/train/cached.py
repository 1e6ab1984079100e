"""The flow charts of a training in slow motion, made once for all who watch it."""

import streamlit as st

from dashboard.components.flow.element import flow_payload, packed
from dashboard.runs.runner import runner


@st.cache_resource(max_entries=16, show_spinner=False)
def flow(run_id: str, version: int) -> bytes | None:
    """What the charts draw of the last update; None at full speed, where no update is followed."""
    del version  # tells one snapshot from the next; part of the key only
    snapshot, view = runner().store.snapshot(run_id), runner().view(run_id)
    if snapshot is None or snapshot.flow is None or view is None:
        return None
    return packed(flow_payload(snapshot, snapshot.flow, view))
