"""Kept runs as ghosts on the board: their curves, named by what differs from the run in view."""

from collections import Counter

from dashboard.differences import difference
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.train import cached

Ghost = tuple[str, str, bytes]
"""Id, label and packed curves of a kept run."""


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
