"""Charts and lists in data space call the values by the names of the table's columns, on every page."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboard.figures.data_space import data_space_figure, decoded_samples_figure, neighbours_figure
from dashboard.formats import names_of_values
from dashboard.runs.data_sets import data_sets
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import KINDS, chart_messages, checked, message_to, open_page, runner, trained
from vae_core.data.brought import bring
from vae_core.data.own import arrays_of

__all__ = ["runner"]  # a fixture

NAMES = ["length", "width <cm>"]
SHOWN = ["length", "width &lt;cm&gt;"]
"""As Plotly, which knows some tags, is told."""


@pytest.fixture
def run_id(runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    rows = ";".join(NAMES) + "\n" + "".join(f"{i / 7:.4f};{i * i % 97}\n" for i in range(1, 120))
    kept = data_sets().keep(arrays_of(bring(rows.encode()), "flowers"), owner="a" * 32)
    return trained(runner, replace(KINDS["points"], dataset=kept.name))


def titles(figure: dict[str, Any]) -> list[str]:
    """Of both axes."""
    found = [figure["layout"][axis]["title"] for axis in ("xaxis", "yaxis")]
    return [title["text"] if isinstance(title, dict) else title for title in found]


def test_the_board_and_the_explorer_are_told_the_names(run_id: str) -> None:
    board = json.loads(message_to(checked(open_page("train", run=run_id)), "training_board"))
    assert (board["kind"], board["columns"]) == ("points", NAMES)
    message = message_to(checked(open_page("latent_space", run=run_id)), "latent_explorer")
    assert json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])["columns"] == NAMES


def test_charts_of_latent_space_have_the_names_at_their_axes(run_id: str) -> None:
    at = checked(open_page("latent_space", run=run_id))
    charts = chart_messages(at)
    keys = ("grid", "samples_the prior", "neighbours")
    assert {key: titles(charts[key]["figure"]) for key in keys} == dict.fromkeys(keys, SHOWN)
    assert any("length" in str(text.value) and r"width \<cm\>" in str(text.value) for text in at.markdown), (
        "the values of the chosen example"
    )


@pytest.mark.parametrize("view", ["reconstruction", "grid"])
def test_charts_of_compare_have_the_names_at_their_axes(run_id: str, view: str) -> None:
    charts = chart_messages(checked(open_page("compare", compare_runs=run_id)))
    assert titles(charts[f"runs_{view}_{run_id}"]["figure"]) == SHOWN


def test_values_without_names_are_numbered() -> None:
    import numpy as np

    x = np.zeros((3, 2), np.float32)
    near = {"latent space": np.array([1])}
    for figure in (
        data_space_figure(x, mesh=np.zeros((1, 3, 2), np.float32), point=None, theme="light"),
        decoded_samples_figure(x, x, span=1.0, theme="light"),
        neighbours_figure(x, 0, x[0], near, theme="light"),
    ):
        assert titles(figure.to_dict()) == list(names_of_values((), 2)) == ["x₁", "x₂"]
