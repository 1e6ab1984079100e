"""The decoded grid's options: its axes, the data in its cells, and the mesh on its way to data space."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.latent import cached as cache_latent
from dashboard.latent.grid import cell_counts
from tests.dashboard.latent.test_plane import PAGE, ROOT
from tests.page_scripts import chart_messages, charts
from tests.polling import DEADLINE_S

AXIS = np.array([-1.0, 0.0, 1.0], np.float32)


def test_every_example_is_in_one_cell_and_the_cells_lie_as_the_grid() -> None:
    means = np.array([[-9.0, 9.0], [0.1, 0.2], [0.4, -0.4], [0.6, -7.0]], np.float32)
    assert cell_counts(means, AXIS, (0, 1)).tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert cell_counts(means, AXIS, (1, 0)).tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 1]]


def test_one_dimension_has_one_row_of_cells() -> None:
    means = np.array([[-2.0], [0.2], [0.3], [5.0]], np.float32)
    assert cell_counts(means, AXIS, (0, 0)).tolist() == [[1, 2, 1]]


def test_counts_on_quantiles_are_even_for_the_prior_itself() -> None:
    axis = cache_latent.quantiles(4)
    z = np.random.default_rng(0).normal(size=(40_000, 2)).astype(np.float32)
    inner = cell_counts(z, axis, (0, 1))
    assert inner.sum() == 40_000
    np.testing.assert_allclose(inner, inner[::-1, ::-1], atol=5 * np.sqrt(inner.max()))


@pytest.fixture
def app() -> AppTest:
    made = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=DEADLINE_S)
    return made.run().switch_page(PAGE).run()


def drawn(app: AppTest) -> list[dict[str, Any]]:
    """The traces of the grid's figure."""
    return chart_messages(app)["grid"]["figure"]["data"]


def test_a_folded_section_is_not_drawn_and_loses_nothing(app: AppTest) -> None:
    app.slider(key="grid_size").set_value(6).run()
    before = drawn(app)
    app.button(key="fold_grid").click().run()
    assert not app.exception, app.exception
    assert "grid" not in charts(app)
    assert "Decoded grid" in [header.value for header in app.header]
    app.run()  # as any other control of the page has it drawn again
    assert app.button(key="fold_grid").label == "Unfold Decoded grid"
    app.button(key="fold_grid").click().run()
    assert (app.slider(key="grid_size").value, drawn(app)) == (6, before)


def test_options_change_the_grid_and_every_control_has_its_tooltip(app: AppTest) -> None:
    before = drawn(app)
    app.slider(key="grid_size").set_value(6).run()
    smaller = drawn(app)
    app.segmented_control(key="grid_spacing").set_value("linear").run()
    app.slider(key="grid_range").set_value(2.0).run()
    linear = drawn(app)
    app.toggle(key="grid_density").set_value(True).run()
    assert not app.exception, app.exception
    assert before != smaller != linear
    assert [trace["type"] for trace in drawn(app)] == ["heatmap", "heatmap"], "the density over the pictures"
    for widget in (*app.slider, *app.toggle, *app.segmented_control):
        assert widget.proto.help, widget.key
