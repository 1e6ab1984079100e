"""Grid, classes, selection and saving on the Latent space page: what is shown is what can be saved."""

import io
import os
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import cached as cache
from dashboard.figures.aggregate import NUM_BINS, dimensions_figure
from dashboard.figures.data_space import data_space_figure, neighbours_figure
from dashboard.latent import saving as latent_saving
from dashboard.latent.arithmetic import class_means
from dashboard.latent.saving import Kept
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import Tasks, task_key
from tests.page_scripts import (
    KINDS,
    chart_messages,
    checked,
    choose,
    home_tasks,
    open_page,
    runner,
    saved,
    trained,
)
from tests.polling import until
from vae_core.latent.decode import plane_points
from vae_core.runs.atomic import write_atomically

__all__ = ["home_tasks", "runner"]


@pytest.fixture(scope="module")
def runs(runner: LocalRunner) -> dict[str, str]:
    """Ids of finished runs by their kind."""
    return {kind: trained(runner, KINDS[kind]) for kind in ("J=3", "points")}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Kept]:
    """What the page offers to save in its last run, by the name of its files."""
    found: dict[str, Kept] = {}
    menu = latent_saving.save_menu

    def save_menu(*offered: Kept) -> None:
        found.update({one.file: one for one in offered})
        menu(*offered)

    for module in (
        "arithmetic",
        "grid",
        "neighbours",
        "selection",
        "projection",
        "aggregate",
        "plane",
    ):
        monkeypatch.setattr(f"dashboard.latent.{module}.save_menu", save_menu)
    return found


def turned(at: AppTest, view: str) -> AppTest:
    """The page with another view of its lower part."""
    return choose(at, "latent_view", view)


def decode(run_id: str, z: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        return saved(run_id).model.likelihood(torch.from_numpy(z)).mean.numpy()


def held_out(run_id: str) -> cache.Encoded:
    return cache.encoded(saved(run_id))


def chart(at: AppTest, key: str) -> Any:
    return chart_messages(at)[key]


def captions(at: AppTest) -> list[str]:
    return [str(caption.value) for caption in at.caption]


def test_every_picture_can_be_saved_as_it_is_shown(runs: dict[str, str], kept: dict[str, Kept]) -> None:
    at = open_page("latent_space", run=runs["J=3"])
    for view in ("selection", "arithmetic", "projection"):
        turned(at, view)
        if view == "selection":
            checked(at.pills(key="selected_classes").set_value([3]).run())
    samples = {"samples-from-the-prior", "samples-from-the-aggregate-posterior"}
    near = {"example", "nearest-in-latent-space", "nearest-in-data-space"}
    pictures = {"decoded-grid", "selected-mean", "class-means", "class-arithmetic"} | samples | near
    assert set(kept) == pictures | {"pca"}
    for name in pictures:
        one = kept[name]
        assert one.pixels is not None
        shown = np.asarray(Image.open(io.BytesIO(latent_saving._files(one)["png"]())))
        assert np.array_equal(shown, one.pixels)
    for name in samples:
        z, x = (np.asarray(kept[name].arrays[part], np.float32) for part in ("z", "x"))
        np.testing.assert_allclose(x, decode(runs["J=3"], z), atol=1e-6)


def test_files_are_offered_once_a_menu_is_open(runs: dict[str, str]) -> None:
    at = open_page("latent_space", run=runs["J=3"])

    def offered() -> set[str]:
        return {str(button.key) for button in at.get("download_button")}  # type: ignore[attr-defined]

    assert not {key for key in offered() if key.startswith("save_decoded-grid")}
    at.session_state["save_decoded-grid"] = True
    checked(at.run())
    assert {"save_decoded-grid_png", "save_decoded-grid_svg", "save_decoded-grid_npz"} <= offered()


def test_a_t_sne_that_was_computed_is_shown_whoever_saves_the_run_again(
    runs: dict[str, str], home_tasks: Tasks, runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.latent.projection.MAX_POINTS", 40)
    at = open_page("latent_space", run=runs["J=3"], latent_view="projection")
    checked(at.button(key="tsne_start").click().run())
    name = task_key("t-SNE", saved(runs["J=3"]).digest)
    until(lambda: home_tasks.result(name), "the t-SNE")
    path = runner.store.run_file(runs["J=3"])
    assert path is not None
    for _ in range(2):
        assert chart(checked(at.run()), "tsne")
        write_atomically(path, path.read_bytes(), durable=False)
        os.utime(path, (1000, 1000))


def test_cameras_of_the_charts_save_what_the_reader_chose(runs: dict[str, str]) -> None:
    at = open_page("latent_space", run=runs["points"])
    keys = ("grid", "aggregate_0", "samples_the prior", "neighbours")

    def formats() -> set[str]:
        return {chart(at, key)["config"]["toImageButtonOptions"]["format"] for key in keys}

    assert formats() == {"svg"}
    checked(at.segmented_control(key="latent_charts_as").set_value("PNG").run())
    assert formats() == {"png"}


def test_grid_takes_its_other_dimensions_from_where_the_page_says(
    runs: dict[str, str], kept: dict[str, Kept]
) -> None:
    at = open_page("latent_space", run=runs["J=3"])
    assert "The other dimension is at 0." in captions(at)
    zero = np.asarray(kept["decoded-grid"].arrays["x"])
    checked(at.slider(key="neighbour_example").set_value(7).run())
    checked(at.segmented_control(key="grid_base").set_value("example").run())
    assert "The other dimension is at the posterior mean of example 7." in captions(at)
    arrays = kept["decoded-grid"].arrays
    axis, plane = torch.tensor(np.asarray(arrays["axis"])), np.asarray(arrays["plane"]) - 1
    base = torch.from_numpy(held_out(runs["J=3"]).means[7])
    z = plane_points(axis, (int(plane[0]), int(plane[1])), 3, base=base).numpy()
    np.testing.assert_allclose(np.asarray(arrays["x"]), decode(runs["J=3"], z), atol=1e-6)
    assert not np.allclose(zero, np.asarray(arrays["x"]))


def test_a_chosen_example_stays_while_another_view_is_open_and_fits_another_run(runs: dict[str, str]) -> None:
    at = open_page("latent_space", run=runs["points"])
    checked(at.slider(key="neighbour_example").set_value(399).run())
    turned(turned(at, "projection"), "neighbours")
    assert at.slider(key="neighbour_example").value == 399
    at.session_state["run"] = runs["J=3"]
    checked(at.run())
    assert at.slider(key="neighbour_example").value == len(held_out(runs["J=3"]).x) - 1


def test_class_means_are_decoded(runs: dict[str, str], kept: dict[str, Kept]) -> None:
    turned(open_page("latent_space", run=runs["J=3"]), "arithmetic")
    data = held_out(runs["J=3"])
    labels, means = class_means(data)
    assert labels == list(range(10))
    np.testing.assert_allclose(means[4], data.means[data.labels == 4].mean(0), atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(kept["class-means"].arrays["x"]), decode(runs["J=3"], means), atol=1e-6
    )
    steps = kept["class-arithmetic"].arrays
    plus, minus = means[0], means[data.labels[0] if data.labels[0] else 0]
    np.testing.assert_allclose(np.asarray(steps["z"])[-1], data.means[0] + plus - minus, atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(steps["x"]), decode(runs["J=3"], np.asarray(steps["z"], np.float32)), atol=1e-6
    )


def test_whole_classes_are_selected_without_a_mouse(runs: dict[str, str], kept: dict[str, Kept]) -> None:
    at = turned(open_page("latent_space", run=runs["points"]), "selection")
    checked(at.pills(key="selected_classes").set_value([1]).run())
    data = held_out(runs["points"])
    rows = np.flatnonzero(data.labels == 1)
    assert np.array_equal(np.asarray(kept["selected-mean"].arrays["rows"]), rows)
    np.testing.assert_allclose(
        np.asarray(kept["selected-mean"].arrays["z"]), data.means[rows].mean(0), atol=1e-6
    )
    assert any(f"**{len(rows)} examples** · {len(rows)} × " in str(text.value) for text in at.markdown)


def test_all_dimensions_are_densities_below_the_priors() -> None:
    z = np.random.default_rng(0).normal((0, 9, -1), (1, 1, 0.2), (20_000, 3)).astype(np.float32)
    (heat,) = list(dimensions_figure(z, {2: "z3", 0: "z1", 1: "z2"}, theme="light").data)
    assert list(heat["y"]) == ["prior", "z3", "z1", "z2"]
    rows = np.asarray(heat["z"])
    np.testing.assert_allclose(rows.sum(1) * 8 / NUM_BINS, 1, atol=1e-3)
    # 20 000 draws: one standard error of a bin is at most 0.4 / sqrt(20 000 * 0.4 * 0.16) = 0.011.
    np.testing.assert_allclose(rows[2], rows[0], atol=0.06)
    assert rows[3].argmax() == NUM_BINS - 1, "what lies beyond the end counts as the end"


def test_density_of_points_has_a_dot_at_each_cell_with_data() -> None:
    mesh = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    counts = np.array([[0, 4, 0], [1, 0, 0]])
    draw = partial(data_space_figure, np.zeros((5, 2), np.float32), mesh=mesh, point=None, theme="dark")
    dots: Any = list(draw(counts=counts).data)[-1]
    assert np.asarray(dots["x"]).tolist() == [2, 6]
    assert np.asarray(dots["y"]).tolist() == [3, 7]
    sizes = np.asarray(dots["marker"]["size"])
    assert sizes[0] == pytest.approx(2 * sizes[1]), "areas go with counts"
    assert len(draw().data) == 2


def test_neighbours_are_rings_of_their_own_kind() -> None:
    x = np.arange(20, dtype=np.float32).reshape(10, 2)
    near = {"latent space": np.array([1, 2]), "data space": np.array([5])}
    figure = neighbours_figure(x, 3, np.zeros(2, np.float32), near, theme="light")
    traces: dict[str, Any] = {trace["name"]: trace for trace in list(figure.data)}
    assert np.asarray(traces["near in latent space"]["x"]).tolist() == [2, 4]
    assert np.asarray(traces["near in data space"]["x"]).tolist() == [10]
    assert np.asarray(traces["the example"]["y"]).tolist() == [7]
    rings = {traces[f"near in {space}"]["marker"]["color"] for space in near}
    assert len(rings | {traces["decoded"]["marker"]["color"]}) == 3
