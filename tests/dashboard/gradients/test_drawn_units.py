"""Layers with more units than a drawing holds: how many are drawn is said, and is true."""

from dataclasses import replace

import numpy as np
import pytest

from dashboard.figures.network.drawing import network_svg, said_of_cuts
from dashboard.figures.network.layers import Column, Line, Moment
from dashboard.figures.network.svg import MAX_CELLS, cells, grid_shape, number_text
from dashboard.gradients import cached
from dashboard.runs.runner import LocalRunner
from tests.dashboard.gradients.test_back_propagation import drawing
from tests.page_scripts import TINY, choose, open_page, runner, saved, trained

__all__ = ["runner"]  # a fixture


@pytest.mark.parametrize(
    ("count", "image", "expected"),
    [
        (7, None, 7),
        (MAX_CELLS, None, MAX_CELLS),
        (MAX_CELLS + 1, None, MAX_CELLS),
        (64, (8, 8), 64),
        (4096, (64, 64), 1024),
        (1600, (40, 40), 1000),
        (3000, (1, 3000), 1024),
    ],
)
def test_as_many_units_are_drawn_as_are_said(
    count: int, image: tuple[int, int] | None, expected: int
) -> None:
    values = np.ones(count)
    units, shape = Column("hidden", 2, (), values, values, image_shape=image).picture
    assert len(units) == expected
    svg = cells(values[units], shape, 0, 0, 118, colours=("#fff", "#000"))
    assert svg.count("M") == expected


def test_of_a_large_image_the_upper_rows_are_drawn_in_their_width() -> None:
    assert grid_shape(1600, (40, 40)) == (25, 40)


@pytest.mark.parametrize("maps", [(4, 4, 4), (5, 2, 3), (32, 14, 14), (3, 30, 40)])
def test_each_map_is_a_small_picture_and_none_is_drawn_in_part(maps: tuple[int, int, int]) -> None:
    channels, height, width = maps
    values = np.arange(channels * height * width, dtype=float)
    column = Column("hidden", 2, (Line("h", values),), values, values, values, maps=maps)
    units, shape = column.picture
    cells_of = units.reshape(shape)
    drawn = np.sort(units[units >= 0])
    count = len(drawn) // (height * width)
    assert count == min(channels, max(1, MAX_CELLS // (height * width)))
    place = np.arange(channels * height * width).reshape(height, width, channels)
    assert np.array_equal(drawn, np.sort(place[..., :count].reshape(-1))), "each unit of them once"
    assert np.array_equal(cells_of[:height, :width], place[..., 0]), "the first map stands above left"
    drawn = network_svg([column], Moment(1, 0, False, None), {}, theme="light")
    assert drawn.count('stroke-opacity="0.4"') == count, "each has a frame"
    if count < channels:
        assert f"the first {count} of {channels} maps of layer 2" in said_of_cuts([column])
    else:
        assert said_of_cuts([column]) == ""


def layers(*sizes: int) -> list[Column]:
    found = []
    for place, size in enumerate(sizes):
        values = np.linspace(0.0, 1.0, size)
        kind = "hidden" if place else "input"
        delta = values if place else None
        found.append(Column(kind, place + 1, (Line("h", values),), values, values, delta))
    return found


def test_layers_of_one_size_share_the_sentence() -> None:
    assert said_of_cuts(layers(4, 64, 1024)) == ""
    assert said_of_cuts(layers(4, 2000, 1500, 2, 2000)) == (
        "Drawn are the first 1,024 of 2,000 units of layers 2 and 5, the first 1,024 of 1,500 units of "
        "layer 3; the numbers are of all units."
    )


def test_the_unit_in_view_is_framed_only_where_it_is_drawn() -> None:
    columns = layers(4, 2000)
    frames = [
        network_svg(columns, Moment(2, 0, False, 1, unit), {}, theme="light").count('fill="none" stroke="#')
        for unit in (1023, 1024)
    ]
    assert frames == [1, 0]


def test_the_page_says_it_of_a_wide_layer_alone(runner: LocalRunner) -> None:
    config = replace(TINY, model=replace(TINY.model, hidden_dims=(1200,)))
    view = {"gradients_view": "back_propagation"}
    at = choose(open_page("gradients", **view), "bp_subject", "current")
    assert not any("Drawn are" in text.value for text in at.caption)
    run_id = trained(runner, config)
    at = open_page("gradients", **view, run=run_id)
    assert not any("Drawn are" in text.value for text in at.caption)
    at = choose(at, "bp_subject", "current")
    (said,) = (text.value for text in at.caption if "Drawn are" in text.value)
    assert said.startswith(
        "Drawn are the first 1,024 of 1,200 units of layers 2 and 5; the numbers are of all units. L"
    )
    at = at.button(key="bp_step1").click().run()
    at = at.number_input(key="bp_unit_of_1200").set_value(1200).run()
    assert at.success
    # The range below a layer is that of all its units, drawn or not.
    h = cached.run_pass(saved(run_id), 0, 0, None, beta=1.0).columns[1].h
    assert f"h {number_text(float(h.min()))} … {number_text(float(h.max()))}" in drawing(at)
