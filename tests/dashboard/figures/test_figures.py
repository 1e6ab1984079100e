"""Figures show the arrays that they were given, say their units, and use the colours of the concepts."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any, get_args

import numpy as np
import pytest

from dashboard.compare.dimension_reduction import inferred_columns
from dashboard.figures import objects as go
from dashboard.figures.data_space import data_space_figure
from dashboard.figures.dimension_reduction import space_figure, space_ranges
from dashboard.figures.elbo import histogram_figure, kl_per_dim_figure, terms_figure
from dashboard.figures.latent import grid_figure, plane_figure
from dashboard.figures.rates import RatePoint, collapse_figure, rate_points_figure, surgery_figure
from dashboard.figures.runs import RunLine, run_curves_figure, run_kl_figure
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

THEMES = get_args(ThemeName)
AXIS = np.array([-1, 0, 1], np.float32)
NAMES = tuple("abc")


def traces(figure: go.Figure) -> list[Any]:
    return list(figure.data)


def titles(figure: go.Figure) -> list[str]:
    layout = figure.to_dict()["layout"]
    return [layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")]


@pytest.mark.parametrize("theme", THEMES)
def test_terms_join_end_to_end(theme: ThemeName) -> None:
    figure = terms_figure(-20.0, 5.0, theme=theme)
    reconstruction, kl, elbo = ((bar["base"][0], bar["base"][0] + bar["x"][0]) for bar in traces(figure))
    assert (reconstruction, kl, elbo) == ((0, -20), (-20, -25), (0, -25))
    colours = [bar["marker"]["color"] for bar in traces(figure)]
    assert colours == [CONCEPTS[theme][concept] for concept in ("reconstruction", "kl", "elbo")]
    assert figure.to_dict()["layout"]["xaxis"]["title"]["text"] == "nats per example"


@pytest.mark.parametrize("theme", THEMES)
def test_kl_bars_come_most_used_first(theme: ThemeName) -> None:
    figure = kl_per_dim_figure(np.array([0.1, 3.0, 1.0], np.float32), theme=theme)
    bar = traces(figure)[0]
    assert list(bar["x"]) == ["z<sub>2</sub>", "z<sub>3</sub>", "z<sub>1</sub>"]
    assert all(high >= low for high, low in pairwise(bar["y"]))
    assert bar["marker"]["color"] == CONCEPTS[theme]["kl"]
    assert titles(figure)[1] == "KL, nats per example"


def test_a_collapse_does_not_fill_a_chart() -> None:
    """0.003 nats look like 0.003 nats: the axis of a KL shows a tenth of a nat at least, as on Train."""
    least = np.array([0.003, 0.001], np.float32)
    run = RunLine("a", 0, np.arange(5.0), np.array([2.0, 0.001, 0.0, 0.0005, 0.001]))
    bars = (
        (kl_per_dim_figure(least, theme="light"), "yaxis"),
        (run_kl_figure([("a", 0, least)], theme="light"), "yaxis"),
        (collapse_figure(least, least, theme="light"), "yaxis"),
        (surgery_figure({"a": 0.02, "b": 0.001}, {"a": 0.0, "b": 0.0}, theme="light"), "xaxis"),
    )
    for figure, axis in bars:
        found = figure.to_dict()["layout"][axis]
        assert (found["autorangeoptions"], found["rangemode"]) == ({"include": 0.1}, "tozero")
    flat, high = (
        run_curves_figure([line], "KL", theme="light", legend=False).to_dict()["layout"]["yaxis"]["range"]
        for line in (run, run._replace(values=np.array([9.0, 4.0, 2.0, 1.0, 1.0])))
    )
    assert 0.1 <= flat[1] - flat[0] < 0.11
    assert (flat[0] + flat[1]) / 2 == pytest.approx(0.0005)
    assert high == pytest.approx([1 - 0.06 * 3, 4 + 0.06 * 3])


@pytest.mark.parametrize("count", [1, 2, 6, 24])
def test_many_runs_leave_the_picture_its_height(count: int) -> None:
    """A legend takes a row of 22 pixels for each run whose name is long; it stood on 300 pixels in all."""
    label = "encoder mixture of Gaussians"
    lines = [RunLine(label, number, np.arange(3.0), np.arange(3.0)) for number in range(count)]
    named, bare = (run_curves_figure(lines, "KL", theme="light", legend=said) for said in (True, False))
    bars = run_kl_figure([(label, number, np.ones(2)) for number in range(count)], theme="light")
    least = 300 + 22 * (count - 1)
    assert [figure.to_dict()["layout"]["height"] for figure in (named, bare, bars)] == [least, 300, least]


def test_histogram_marks_the_mean_and_the_example() -> None:
    values = np.array([-3, -2, -1, 0], np.float32)
    figure = histogram_figure(values, 3, mean=-1.51, theme="light")
    layout = figure.to_dict()["layout"]
    assert [line["x0"] for line in layout["shapes"]] == [-1.51, 0.0]
    assert [note["text"] for note in layout["annotations"]] == ["mean −1.51", "this example"]
    assert titles(figure) == ["ELBO of an example, nats", "number of examples"]


@pytest.mark.parametrize("theme", THEMES)
def test_plane_has_one_colour_and_name_for_each_class(theme: ThemeName) -> None:
    means = np.arange(12, dtype=np.float32).reshape(4, 3)
    labels = np.array([1, 0, 1, 2], np.int32)
    figure = plane_figure(means, labels, plane=(0, 2), class_names=NAMES, theme=theme)
    shown = traces(figure)
    assert [trace["name"] for trace in shown] == ["a", "b", "c"]
    assert [trace["marker"]["color"] for trace in shown] == list(CLASSES[theme][:3])
    assert (list(shown[1]["x"]), list(shown[1]["y"])) == ([0, 6], [2, 8])
    assert titles(figure) == ["z<sub>1</sub>, posterior mean", "z<sub>3</sub>, posterior mean"]
    assert [circle["x1"] for circle in figure.to_dict()["layout"]["shapes"]] == [1, 2, 3]


def test_line_of_one_dimension_shows_the_standard_deviation() -> None:
    means, stds = np.array([[0], [1]], np.float32), np.array([[0.5], [0.2]], np.float32)
    labels = np.array([-1, -1], np.int32)
    figure = plane_figure(means, labels, plane=(0, 0), class_names=(), theme="light", stds=stds)
    assert np.allclose(traces(figure)[0]["y"], [0.5, 0.2])
    assert traces(figure)[0]["name"] == "no class"
    assert titles(figure)[1] == "posterior standard deviation"
    assert "shapes" not in figure.to_dict()["layout"]


def test_class_beyond_the_names_is_its_number() -> None:
    means, labels = np.zeros((2, 2), np.float32), np.array([3, 25], np.int32)
    shown = traces(plane_figure(means, labels, plane=(0, 1), class_names=NAMES, theme="light"))
    assert [trace["name"] for trace in shown] == ["3", "25"]


def test_grid_lies_as_the_plane_does() -> None:
    grid = np.linspace(0, 1, 36, dtype=np.float32).reshape(3, 3, 4)
    figure = grid_figure(grid, AXIS, plane=(0, 1), image_shape=(2, 2), theme="light")
    pixels = np.array(traces(figure)[0]["z"])
    assert pixels.shape == (6, 6)
    assert np.array_equal(pixels[2:4, 4:6], np.rint(255 * grid[1, 2].reshape(2, 2)))
    assert pixels.dtype == np.uint8, "more is lost on a screen"
    layout = figure.to_dict()["layout"]
    assert layout["yaxis"]["autorange"] == "reversed"
    assert (layout["xaxis"]["ticktext"][0], layout["yaxis"]["ticktext"][0]) == ("−1.0", "1.0")


def test_grid_of_one_row_has_no_second_axis() -> None:
    figure = grid_figure(
        np.zeros((1, 3, 4), np.float32), AXIS, plane=(0, 0), image_shape=(2, 2), theme="dark"
    )
    assert figure.to_dict()["layout"]["yaxis"]["showticklabels"] is False


@pytest.mark.parametrize(("rows", "lines"), [(3, 6), (1, 1)])
def test_mesh_is_drawn_along_both_directions(rows: int, lines: int) -> None:
    mesh = np.ones((rows, 3, 2), np.float32)
    figure = data_space_figure(np.zeros((5, 2), np.float32), mesh=mesh, point=None, theme="light")
    path = np.array(traces(figure)[1]["x"])
    assert np.isnan(path).sum() == lines
    assert [trace["name"] for trace in traces(figure)] == ["x", "decoded grid"]


def test_decoded_point_is_marked() -> None:
    x, mesh = np.zeros((5, 2), np.float32), np.ones((3, 3, 2), np.float32)
    point = np.array([2, 3], np.float32)
    marked = traces(data_space_figure(x, mesh=mesh, point=point, theme="light"))[2]
    assert (list(marked["x"]), list(marked["y"])) == ([2], [3])


def test_a_point_alone_in_the_plane_of_rate_and_distortion_has_its_bars_and_bounds_of_different_names() -> (
    None
):
    point = RatePoint("β 0.1", "#0072b2", 5.28, 23.66, 0.06, 0.17)
    figure = rate_points_figure([point], theme="light")
    layout = figure.to_dict()["layout"]
    for axis, value, error in (("xaxis", 5.28, 0.06), ("yaxis", 23.66, 0.17)):
        low, high = layout[axis]["range"]
        assert low < value - error < value + error < high, axis
        assert high - low >= 1, axis
    named = [trace["text"][0] for trace in traces(figure) if trace["text"] and "ELBO" in trace["text"][0]]
    assert named, "the lines of equal ELBO say which"
    assert len(set(named)) == len(named), named


def test_label_of_a_rate_point_stands_off_the_falling_line() -> None:
    points = [
        RatePoint(f"β {beta:g}", "#0072b2", r, d, 0.1, 0.1, beta) for beta, r, d in ((1, 2, 25), (0.1, 5, 23))
    ]
    places = [trace["textposition"] for trace in traces(rate_points_figure(points, theme="light"))[-2:]]
    assert places == ["top right", "bottom left"]


LONG = [f"β 1 · ELBO with β · Run {name}" for name in ("ad9a", "1bf8", "080a")]


def rate_points(labels: Sequence[str]) -> list[RatePoint]:
    """Those of runs of the digits; of more than three all are at one place."""
    at = ((1.9, 24.2), (1.7, 25.0), (2.8, 22.0)) if len(labels) <= 3 else [(1.9, 24.2)] * len(labels)
    return [
        RatePoint(label, "#0072b2", rate, distortion, 0.1, 0.2)
        for label, (rate, distortion) in zip(labels, at, strict=False)
    ]


@pytest.mark.parametrize("labels", [LONG, [f"β {beta}" for beta in range(7)]])
def test_no_label_of_a_rate_point_is_cut_or_lies_on_another_on_a_phone(labels: list[str]) -> None:
    """Either all are beside their points, or all are in the legend, which makes the figure higher."""
    points = rate_points(labels)
    figure = rate_points_figure(points, theme="light")
    layout = figure.to_dict()["layout"]
    drawn = traces(figure)[-len(points) :]
    assert [trace["mode"] for trace in drawn] == ["markers"] * len(points)
    assert layout["showlegend"]
    symbols = [trace["marker"]["symbol"] for trace in drawn]
    assert symbols[:3] == ["circle", "square", "diamond"], "these points have one colour"
    named = [trace["name"] for trace in traces(figure) if trace["showlegend"] is not False]
    assert named == labels
    assert layout["height"] > rate_points_figure(points[:1], theme="light").to_dict()["layout"]["height"]


def test_short_labels_of_rate_points_keep_off_the_edges_and_each_other() -> None:
    """Counted in pixels of a phone, with eight for a letter."""
    points = [
        RatePoint(f"β {beta}", "#0072b2", r, d, 0.05, 0.1, float(beta))
        for beta, r, d in (
            (0.1, 5.59, 22.74),
            (0.5, 3.18, 23.46),
            (1, 1.96, 24.18),
            (2, 0.6, 25.76),
            (4, 0.0, 27.08),
        )
    ]
    figure = rate_points_figure(points, theme="light")
    layout = figure.to_dict()["layout"]
    (left, right), (low, high) = (layout[axis]["range"] for axis in ("xaxis", "yaxis"))
    boxes = []
    for trace in traces(figure)[-len(points) :]:
        assert trace["mode"] == "markers+text"
        vertical, side = trace["textposition"].split()
        x = (trace["x"][0] - left) / (right - left) * 270
        y = (trace["y"][0] - low) / (high - low) * 290
        width = 8 * len(trace["name"])
        from_x = x + 8 if side == "right" else x - 8 - width
        from_y = y + 8 if vertical == "top" else y - 26
        assert from_x >= 0, trace["name"]
        assert from_x + width <= 270, trace["name"]
        boxes.append((from_x, from_y, from_x + width, from_y + 18))
    # β 2 lies where a line of equal ELBO would have its name.
    for start, name in (
        (trace["y"][0], trace["text"][0]) for trace in traces(figure) if trace["mode"] == "lines+text"
    ):
        y = (start - low) / (high - low) * 290
        if name:
            boxes.append((0, y, 7 * len(name), y + 18))
            for trace in traces(figure)[-len(points) :]:
                at = [
                    (trace["x"][0] - left) / (right - left) * 270,
                    (trace["y"][0] - low) / (high - low) * 290,
                ]
                assert at[0] - 7 > 7 * len(name) or not y - 7 < at[1] < y + 25, (name, trace["name"])
    for one, other in combinations(boxes, 2):
        is_apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert is_apart, (one, other)


def test_what_is_inferred_is_drawn_not_what_is_observed() -> None:
    """Of fifteen columns eight are observed: the picture showed two of these, the same for each method."""
    x, made = np.arange(30.0).reshape(2, 15), -np.arange(30.0).reshape(2, 15)
    columns = inferred_columns(np.arange(15) >= 8)
    assert columns == (8, 9)
    assert [inferred_columns(np.arange(count) >= (count + 1) // 2) for count in (2, 3, 4)] == [
        (0, 1),
        (1, 2),
        (2, 3),
    ]
    ranges = space_ranges(x, columns)
    figure = space_figure(
        x, made, np.full(2, -1), is_line=False, ranges=ranges, theme="light", columns=columns
    )
    examples, inferred = traces(figure)
    assert (list(examples.x), list(examples.y)) == ([8, 23], [9, 24])
    assert (list(inferred.x), list(inferred.y)) == ([-8, -23], [-9, -24])
    assert titles(figure) == ["x₉", "x₁₀"]
    assert ranges[0][0] < 8 < 23 < ranges[0][1]
