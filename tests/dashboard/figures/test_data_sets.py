"""The charts of the page Data: shares that add up, and classes with their names and marks."""

import numpy as np
import plotly.graph_objects as plotly

from dashboard.figures.classes import class_colour
from dashboard.figures.data_sets import histogram_figure, points_figure


def test_the_shares_of_a_histogram_add_up_to_all_values() -> None:
    counts, edges = np.histogram(np.random.RandomState(0).randn(1000), 20)
    figure = histogram_figure(counts, edges, title="value", theme="light")
    plotly.Figure(figure.to_dict())  # it refuses what Plotly does not know
    (bar,) = figure.data
    assert np.isclose(np.sum(bar["y"]), 100.0)
    assert np.allclose(bar["x"], (edges[1:] + edges[:-1]) / 2)


def test_classes_have_their_colours_and_names_where_they_are_few() -> None:
    x, labels = np.random.RandomState(0).randn(40, 2), np.arange(40) % 3
    names = ("<b>cat", "dog", "owl")
    figure = points_figure(x, labels, names=("a", "b<i>"), class_names=names, theme="dark")
    drawn = plotly.Figure(figure.to_dict())
    assert [trace.name for trace in drawn.data] == ["&lt;b&gt;cat", "dog", "owl"]
    assert drawn.layout.yaxis.title.text == "b&lt;i&gt;"
    for label, trace in enumerate(figure.data):
        assert set(trace["marker"]["color"]) == {class_colour(label, "dark")}
        assert np.allclose(trace["x"], x[labels == label, 0])
    many = points_figure(x, np.arange(40), names=("a", "b"), class_names=tuple("x" * 40), theme="dark")
    (together,) = many.data
    assert len(together["x"]) == 40
