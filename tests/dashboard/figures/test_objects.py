"""Our figures say what Plotly's own objects say of the same names and values."""

import base64
import json
from typing import Any

import numpy as np
import plotly.graph_objects
import plotly.subplots
import pytest

from dashboard.figures import objects

LINE = {"color": "#0072B2", "width": 3}


def plain(sent: dict[str, Any]) -> dict[str, Any]:
    """Without the look that Plotly adds to its own, and with numbers in the place of their bytes."""
    sent["layout"].pop("template", None)
    return numbers(sent)


def numbers(part: Any) -> Any:
    if isinstance(part, dict) and "bdata" in part:
        values = np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"])
        shape = [int(size) for size in str(part.get("shape", len(values))).split(",")]
        return values.reshape(shape).tolist()
    if isinstance(part, dict):
        return {name: numbers(value) for name, value in part.items()}
    return [numbers(one) for one in part] if isinstance(part, list) else part


def drawn(figure: Any, scatter: Any) -> dict[str, Any]:
    """The same drawing with either kind of objects."""
    figure.add_trace(scatter(x=np.array([0.5, 1.5]), y=np.array([[1, 2], [3, 4]]), line=LINE, name="one"))
    figure.add_trace(scatter(x=[1, 2], y=[0.5, float("nan")], marker_color="red", fill=None))
    figure.add_bar(x=[1.0], base=[2.0], y=["a"], orientation="h", error_x={"array": [1.0]})
    figure.add_heatmap(z=np.eye(2, dtype=np.float32), colorscale=[[0, "white"], [1, "black"]])
    figure.add_shape(type="line", x0=0, x1=1, y0=0, y1=1, xref="x", yref="y domain", line=LINE)
    figure.add_annotation({"text": "here", "showarrow": False}, x=1, y=2)
    figure.update_layout(legend={"orientation": "h"}, paper_bgcolor="white")
    figure.update_layout(legend={"x": 0}, margin={"t": 30})
    figure.update_xaxes(title="nats", range=[0, 1])
    figure.update_yaxes(title="count", tickfont={"size": 9})
    figure.update_xaxes(title={"font": {"size": 12}}, title_standoff=4)
    return plain(json.loads(json.dumps(figure.to_dict())))


def test_figures_say_what_plotly_says() -> None:
    ours = drawn(objects.Figure(), objects.Scatter)
    theirs = drawn(plotly.graph_objects.Figure(), plotly.graph_objects.Scatter)
    # NaN is equal to nothing, itself included.
    assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("heights", [[0.66, 0.34], [3, 1]])
def test_subplots_stand_where_plotly_puts_them(heights: list[float]) -> None:
    ours = objects.subplots(heights, vertical_spacing=0.12)
    theirs = plotly.subplots.make_subplots(rows=2, cols=1, row_heights=heights, vertical_spacing=0.12)
    for figure, place in ((ours, {}), (theirs, {"col": 1})):
        figure.add_scatter(x=[1], y=[2], row=1, **place)
        figure.add_scatter(x=[3], y=[4], row=2, **place)
        figure.update_yaxes(title="lower", row=2, **place)
    found, expected = plain(ours.to_dict()), plain(theirs.to_dict())
    assert found["data"] == expected["data"]
    for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2"):
        domain = expected["layout"][axis].pop("domain")
        assert found["layout"][axis].pop("domain") == pytest.approx(domain, abs=1e-12), axis
    assert found["layout"] == expected["layout"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([1.5, np.nan, -np.inf]), "f4"),
        (np.array([1e300, 1.0]), "f8"),
        (np.array([1, -2]), "i1"),
        (np.array([70_000, 1]), "i4"),
        (np.array([2**40, 1]), "f8"),
        (np.array([3, 200], np.uint8), "u1"),
        (np.array([], np.float64), "f4"),
    ],
)
def test_arrays_travel_as_bytes_that_hold_their_values(values: np.ndarray, dtype: str) -> None:
    sent = objects.Figure(objects.Scatter(x=values)).to_dict()["data"][0]["x"]
    assert sent["dtype"] == dtype
    assert np.array_equal(numbers(sent), values, equal_nan=True)


def test_frames_say_what_moves_and_what_any_of_them_changes() -> None:
    figure = objects.Figure([objects.Scatter(x=[0.0], mode="lines", name="a", line=LINE), objects.Scatter()])
    figure.frames = [
        objects.Part(
            name=str(x), traces=[0], data=[objects.Scatter(x=[x], mode="lines", line=LINE, name=name)]
        )
        for x, name in ((1.0, "a"), (2.0, "b"))
    ]
    data = [frame["data"][0] for frame in figure.to_dict()["frames"]]
    assert data == [
        {"type": "scatter", "x": [1.0], "name": "a"},
        {"type": "scatter", "x": [2.0], "name": "b"},
    ]
    assert figure.frames[0].data[0].mode == "lines", "the figure itself keeps all of it"


def test_names_that_plotly_does_not_know_are_refused() -> None:
    """By the fixture that checks the figures of all tests."""
    with pytest.raises(ValueError, match="colour"):
        objects.Figure(objects.Scatter(marker_colour="red")).to_dict()
