"""What colours the latent plane: known causes and columns of numbers, in the place of the classes."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.figures.classes import ramp
from dashboard.figures.latent import plane_figure
from dashboard.latent import cached
from dashboard.runs.data_sets import data_sets
from dashboard.runs.runner import LocalRunner
from dashboard.shell.colouring import STEPS, colouring
from tests.page_scripts import KINDS, TINY, checked, message_to, open_page, query, runner, saved, trained
from vae_core.data.brought import bring
from vae_core.data.own import arrays_of
from vae_core.runs.observer import held_out_rows

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
    assert meta["colour"] == {"title": "bend", "ends": ["-0.25", "0.25"]}
    assert [float(meta["class_names"][label]) for label in labels] == bend.tolist()
    assert meta["palettes"]["dark"]["classes"] == ramp("dark", STEPS)
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


def flowers_run(runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run on a table with two columns of numbers."""
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    rows = "length;width (cm)\n" + "".join(f"{i / 7:.4f};{i * i % 97}\n" for i in range(1, 120))
    kept = data_sets().keep(arrays_of(bring(rows.encode()), "flowers"), owner="a" * 32)
    return trained(runner, replace(KINDS["points"], dataset=kept.name))


def test_numbers_are_coloured_by_where_they_lie_between_the_least_and_the_largest(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = flowers_run(runner, tmp_path, monkeypatch)
    shown = saved(run_id)
    found = colouring(shown.data, "column1")
    assert found is not None
    values = shown.data.x_test[:][:, 1].double().numpy()
    share = (values - values.min()) / np.ptp(values)
    assert np.abs(found.labels / (STEPS - 1) - share).max() <= 0.5 / (STEPS - 1) + 1e-9
    assert found.ends is not None
    assert found.ends == (f"{values.min():.4g}", f"{values.max():.4g}")
    assert (found.title, len(found.names)) == ("width (standardised)", STEPS)
    for value, label in zip(values, found.labels, strict=True):
        least, _, most = found.names[label].partition(" to ")
        assert float(least) - 1e-3 <= value <= float(most or least) + 1e-3
    at = checked(open_page("latent_space", run=run_id, plane_colour="column1"))
    meta, labels = read(message_to(at, "latent_explorer"))
    assert np.array_equal(labels, found.labels)
    assert meta["colour"] == {"title": "width (standardised)", "ends": list(found.ends)}


def test_the_board_of_train_has_the_same_choice_and_retrains_nothing(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = flowers_run(runner, tmp_path, monkeypatch)
    at = checked(open_page("train", run=run_id))
    before = json.loads(message_to(at, "training_board"))
    assert before["colour"] is None
    at = checked(at.selectbox(key="board_colour").set_value("column0").run())
    assert query(at)["board_colour"] == "column0"
    message = json.loads(message_to(at, "training_board"))
    colour = message["colour"]
    found = colouring(saved(run_id).data, "column0")
    assert found is not None
    assert found.ends is not None
    assert np.array_equal(board_labels(colour), found.labels), "all held-out examples are observed, in order"
    assert colour["ends"] == list(found.ends)
    assert all(message[name] == before[name] for name in ("run", "step", "means")), "a view, nothing more"
    again = checked(open_page("train", run=run_id, board_colour="column0"))
    assert json.loads(message_to(again, "training_board"))["colour"] == colour
    nothing = checked(open_page("train", run=run_id, board_colour="column9"))
    assert json.loads(message_to(nothing, "training_board"))["colour"] is None


def board_labels(told: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(told["labels"]), "<i4")


def test_the_board_has_the_labels_of_the_examples_that_a_run_observes(runner: LocalRunner) -> None:
    """Of many held-out examples a run observes a thousand, drawn by its seed."""
    run_id = trained(runner, replace(STROKES, num_examples=6000))
    at = checked(open_page("train", run=run_id, board_colour="factor2"))
    message = json.loads(message_to(at, "training_board"))
    data = saved(run_id).data
    rows = held_out_rows(data, STROKES.seed).numpy()
    assert data.labels_test is not None
    assert np.array_equal(data.labels_test.numpy()[rows], board_labels(message)), "rows of the snapshot"
    colour = message["colour"]
    names = [float(colour["names"][label]) for label in board_labels(colour)]
    assert np.allclose(names, data.factors_test[2].values[rows], atol=1e-3)
    assert (colour["title"], colour["ends"]) == ("angle (rad)", ["0", "1.309"])
    assert colour["palettes"]["light"]["classes"] == ramp("light", STEPS)


def test_data_without_anything_else_have_no_choice() -> None:
    at = checked(open_page("latent_space", plane_colour="factor3"))
    assert not [one for one in at.selectbox if one.key == "plane_colour"]
    assert "colour" not in read(message_to(at, "latent_explorer"))[0]


def test_where_the_server_draws_the_plane_numbers_have_a_colour_bar() -> None:
    means, labels = np.array([[0, 1], [2, 3]], np.float32), np.array([0, 31], np.int32)
    names = ("low", *[""] * 30, "high")
    figure = plane_figure(
        means, labels, plane=(0, 1), class_names=names, theme="dark", scale=("a <b>", ("1", "9"))
    )
    (trace,) = figure.to_dict()["data"]
    marker = trace["marker"]
    assert np.frombuffer(base64.b64decode(marker["color"]["bdata"]), "<i4").tolist() == [0, 31]
    assert [colour for _, colour in marker["colorscale"]] == ramp("dark", 32)
    bar = marker["colorbar"]
    assert (bar["title"]["text"], bar["ticktext"]) == ("a &lt;b&gt;", ["1", "9"])
    assert trace["customdata"] == ["low", "high"]
