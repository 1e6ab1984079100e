"""What colours the latent plane: known causes and columns of numbers, in the place of the classes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.latent import cached
from dashboard.latent.colouring import STEPS, colouring
from dashboard.runs.data_sets import data_sets
from dashboard.runs.runner import LocalRunner
from dashboard.theme import RAMP
from tests.page_scripts import KINDS, TINY, checked, message_to, open_page, query, runner, saved, trained
from vae_core.data.brought import bring
from vae_core.data.own import arrays_of

__all__ = ["runner"]  # a fixture

STROKES = replace(
    TINY, dataset="strokes", num_examples=200, model=replace(TINY.model, data_dim=256, hidden_dims=(4,))
)


def read(message: bytes) -> tuple[dict[str, Any], np.ndarray]:
    """What the element is told, and the labels."""
    length = int.from_bytes(message[:4], "little")
    meta = json.loads(message[4 : 4 + length])
    place = meta["arrays"]["labels"]
    start = 4 + length + place["offset"]
    return meta, np.frombuffer(message, "<i4", count=place["length"], offset=start)


def test_a_cause_colours_the_plane_and_the_link_says_it(runner: LocalRunner) -> None:
    run_id = trained(runner, STROKES)
    shown = saved(run_id)
    at = checked(open_page("latent_space", run=run_id, plane_colour="factor1"))
    meta, labels = read(message_to(at, "latent_explorer"))
    bend = shown.data.factors_test[1].values
    assert meta["colour"] == {"title": "bend", "isScale": True}
    assert [float(meta["class_names"][label]) for label in labels] == bend.tolist()
    assert meta["palettes"]["dark"]["classes"] == list(RAMP["dark"])
    before = meta["hash"]
    at = checked(at.selectbox(key="plane_colour").set_value("classes").run())
    meta, labels = read(message_to(at, "latent_explorer"))
    assert "colour" not in meta
    assert meta["class_names"] == ["thin", "medium", "thick"]
    assert meta["hash"] != before
    packed = cached.packed_model(shown)
    assert packed is not None
    assert meta["hash"] == packed.meta["hash"], "what is kept for all sessions is as it was"
    assert "plane_colour" not in query(at)


def test_many_numbers_are_steps_of_equal_width(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    rows = "length;width\n" + "".join(f"{i / 7:.4f};{i * i % 97}\n" for i in range(1, 120))
    kept = data_sets().keep(arrays_of(bring(rows.encode()), "flowers"), owner="a" * 32)
    run_id = trained(runner, replace(KINDS["points"], dataset=kept.name))
    shown = saved(run_id)
    found = colouring(shown, "column1")
    values = shown.data.x_test[:][:, 1].numpy()
    edges = np.linspace(values.min(), values.max(), STEPS + 1)
    for value, label in zip(values, found.labels, strict=True):
        assert edges[label] - 1e-6 <= value <= edges[label + 1] + 1e-6
    assert (found.title, found.is_scale, len(found.names)) == ("width", True, STEPS)
    at = checked(open_page("latent_space", run=run_id, plane_colour="column1"))
    assert at.selectbox(key="plane_colour").options == ["nothing", "length", "width"]
    _, labels = read(message_to(at, "latent_explorer"))
    assert np.array_equal(labels, found.labels)


def test_data_without_anything_else_have_no_choice() -> None:
    at = checked(open_page("latent_space", plane_colour="factor3"))
    assert not [one for one in at.selectbox if one.key == "plane_colour"]
    assert "colour" not in read(message_to(at, "latent_explorer"))[0]
