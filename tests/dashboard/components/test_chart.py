"""What a chart is told, and what it is believed."""

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.chart.element import Point, _message, named, selected_points
from dashboard.figures.objects import Figure, Scatter
from tests.page_scripts import chart_messages

FIGURE = Figure(Scatter(x=[0.0], y=[float("nan")]))


def test_a_chart_is_told_its_figure_and_what_it_shows() -> None:
    def script() -> None:
        from dashboard.components.chart.element import draw_chart
        from dashboard.figures.objects import Figure, Scatter

        draw_chart(Figure(Scatter(x=[0.0], y=[float("nan")])), key="one_chart", alt="Nothing.")

    at = AppTest.from_function(script).run()
    assert not at.exception, at.exception
    (told,) = chart_messages(at).values()
    assert told["figure"]["data"] == [{"type": "scatter", "x": [0.0], "y": [None]}], "NaN is no JSON"
    assert (told["alt"], told["selects"]) == ("Nothing.", False)
    assert told["config"]["toImageButtonOptions"] == {"format": "svg", "filename": "one-chart"}


def test_a_file_that_a_page_names_keeps_its_name() -> None:
    config = {"scrollZoom": True, "toImageButtonOptions": {"format": "png", "filename": "latent-plane"}}
    assert named(config, "plane") == config


def test_a_selection_is_that_of_the_figure_that_is_shown() -> None:
    told, digest = _message(FIGURE, "", {}, selects=True)
    other = _message(Figure(Scatter(x=np.arange(3.0))), "", {}, selects=True)[1]
    assert json.loads(told)["digest"] == digest != other
    said = {"digest": digest, "points": [[0, 0]]}
    assert selected_points(said, digest) == [Point(0, 0)]
    assert selected_points(said, other) == []


@pytest.mark.parametrize(
    "points", [None, "ab", {"0": 0}, [[0]], [[0, -1]], [[0, 1.5]], [[True, 0]], [None], [[0, 1, 2]]], ids=str
)
def test_what_is_no_point_is_left_out(points: Any) -> None:
    assert selected_points({"digest": "a", "points": points}, "a") == []
    assert selected_points(points, "a") == []
