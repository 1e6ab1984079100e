"""The latent plane of a run that goes on: new weights come, a file that cannot be read takes none away."""

from dataclasses import replace

import pytest

from dashboard.latent import cached as cache
from dashboard.latent import plane as latent_plane
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import TINY, runner, saved, trained

__all__ = ["runner"]


def test_a_live_run_whose_file_is_damaged_keeps_the_last_picture(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(runner, TINY)
    path = runner.store.run_file(run_id)
    assert path is not None
    view = runner.view(run_id)
    assert view is not None
    monkeypatch.setattr(runner, "view", lambda _: replace(view, status="running"))
    subject = saved(run_id)
    latest = [subject]
    latent_plane.follow(latest, run_id)
    first = cache.packed_model(latest[-1])
    assert first is not None
    path.write_bytes(b"\0" * 64)
    latent_plane.follow(latest, run_id)
    again = cache.packed_model(latest[-1])
    assert again is not None
    assert again.meta["hash"] == first.meta["hash"]
    assert latest[-1] == subject
    path.unlink()
    latent_plane.follow(latest, run_id)
    gone = cache.packed_model(latest[-1])
    assert gone is not None
    assert gone.meta["hash"] == first.meta["hash"]
