"""The view "Dimension reduction" as a script: its numbers are those of the core."""

from typing import Any, Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.runs import tasks
from tests.page_scripts import (
    chart_messages,
    charts,
    checked,
    home_tasks,
    open_page,
    runner,
    tables_with_nameless_columns,
)
from vae_core.data import load_dataset
from vae_core.labs.reduction.baselines import fit_pca
from vae_core.labs.reduction.evaluation import compare, evaluate_method, evaluation_set
from vae_core.labs.scores import MIN_SEEDS

__all__ = ["home_tasks", "runner"]  # fixtures

ASPECTS: Final = ("plane", "reconstruction", "interpolation", "samples", "inpainting", "outliers")
METHODS: Final = ("PCA", "probabilistic PCA", "linear VAE", "autoencoder", "VAE")


def opened() -> AppTest:
    return open_page("compare", compare_view="reduction")


def choose(at: AppTest, key: str, option: Any) -> AppTest:
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def data(at: AppTest, name: str) -> AppTest:
    return checked(at.selectbox(key="dr_data").set_value(name).run())


def texts(at: AppTest) -> str:
    return "\n".join(text.value for text in (*at.markdown, *at.caption))


def tables(at: AppTest) -> list[Any]:
    return [table.value for table in at.table if table.value.columns[0] == "method"]


def methods(at: AppTest) -> list[str]:
    """Of all tables the same."""
    first, *others = (list(table["method"]) for table in tables(at))
    assert all(other == first for other in others)
    return first


def scores(at: AppTest, title: str) -> dict[str, str]:
    (frame,) = (table for table in tables(at) if any(name.startswith(title) for name in table.columns))
    column = next(name for name in frame.columns if name.startswith(title))
    return {name: text.strip("*") for name, text in zip(frame["method"], frame[column], strict=True)}


def briefly_trained(name: str, latent_dim: int) -> dict[str, np.ndarray]:
    """What the task computes, after few updates and with few samples of the bound."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vae_core.labs.reduction.networks.BOUND_SAMPLES", 2)
        data = load_dataset(name, seed=0)
        return compare(
            data, latent_dim, seed=0, training_seed=0, on_progress=lambda share: None, num_updates=10
        )


@pytest.fixture(scope="module")
def points_result() -> dict[str, np.ndarray]:
    return briefly_trained("two_moons", 1)


@pytest.fixture(scope="module")
def digits_result() -> dict[str, np.ndarray]:
    return briefly_trained("digits", 2)


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the tasks of the server have computed: the one result put in here, for any task of ``count``."""
    found: dict[str, Any] = {"count": MIN_SEEDS}
    asked: list[str] = []

    def result(_: tasks.Tasks, name: str) -> Any:
        asked.extend([] if name in asked[-MIN_SEEDS:] else [name])
        return found.get("arrays") if asked.index(name) % MIN_SEEDS < found["count"] else None

    monkeypatch.setattr(tasks.Tasks, "result", result)
    monkeypatch.setattr(tasks.Tasks, "is_done", lambda own, name: result(own, name) is not None)
    return found


def test_it_opens_with_three_methods_and_the_core_s_numbers() -> None:
    at = opened()
    assert methods(at) == [*METHODS[:2], "VAE, pretrained"]
    examples = evaluation_set(load_dataset("digits", seed=0), seed=0)
    error = evaluate_method(fit_pca(examples.x_train, 2), examples, seed=0).reconstruction_error
    expected = f"{error.mean():.3f} ±\N{NO-BREAK SPACE}{error.std(ddof=1) / len(error) ** 0.5:.3f}"
    assert scores(at, "reconstruction error")["PCA"] == expected
    assert scores(at, "log p(x)")["PCA"] == "–"
    assert "the numbers of VAE, pretrained are of one training" in texts(at)
    assert "no verdict" in texts(at)
    assert not any(text.startswith("**") for frame in tables(at) for text in frame.to_numpy().ravel())
    assert [header.value for header in at.header] == ["VAE or PCA: six comparisons"]
    (choice,) = (control for control in at.get("button_group") if control.key == "dr_question")
    assert len(choice.options) == 6  # type: ignore[attr-defined]
    assert at.button(key="dr_start").label.startswith("Train")


@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_aspect_is_drawn_for_images_and_points(
    aspect: str,
    results: dict[str, Any],
    digits_result: dict[str, np.ndarray],
    points_result: dict[str, np.ndarray],
) -> None:
    at = choose(opened(), "dr_question", aspect)
    results["arrays"] = digits_result
    checked(at.run())
    assert methods(at) == [*METHODS]
    assert "dr_start" not in [button.key for button in at.button]
    assert not at.error
    results["arrays"] = points_result
    data(at, "two_moons")
    assert methods(at) == [*METHODS]
    expected = 3 if aspect == "outliers" else 5
    assert len(charts(at)) == expected
    assert tables_with_nameless_columns(at) == []


def test_planes_of_all_methods_stand_beside_each_other(
    results: dict[str, Any], digits_result: dict[str, np.ndarray]
) -> None:
    results["arrays"] = digits_result
    at = opened()
    assert list(chart_messages(at)) == [f"dr_plane_{name}" for name in METHODS]
    assert f"{float(digits_result['angle']):.2f}°" in texts(at)
    assert "4000 updates" in texts(at)
    assert f"mean over {MIN_SEEDS} trainings and 360 held-out examples" in texts(at)
    assert "VAE against PCA in the 8 measures that both have" in texts(at)


def test_with_some_of_the_seeds_there_are_pictures_and_no_verdict(
    results: dict[str, Any], digits_result: dict[str, np.ndarray]
) -> None:
    results |= {"arrays": digits_result, "count": 2}
    at = opened()
    assert list(chart_messages(at)) == [f"dr_plane_{name}" for name in METHODS]
    assert at.button(key="dr_start").label == "Train the other 3 of 5 seeds"
    assert "of 2 trainings: no verdict" in texts(at)
    assert "Nothing is bold" in texts(at)


def test_all_seeds_are_started_and_cancelled_together(home_tasks: tasks.Tasks) -> None:
    at = data(opened(), "two_moons")
    at.button(key="dr_start").click().run()
    keys = list(home_tasks._tasks)
    assert len(keys) == MIN_SEEDS
    seeds = [task.command[-1] for task in home_tasks._tasks.values()]
    assert seeds == [str(seed) for seed in range(MIN_SEEDS)]
    checked(at.run()).button(key="dr_cancel").click().run()
    assert [home_tasks.progress(key) for key in keys] == [None] * MIN_SEEDS
    assert checked(at.run()).button(key="dr_start")


@pytest.mark.parametrize("aspect", ["plane", "inpainting"])
def test_more_dimensions_and_other_seeds(aspect: str) -> None:
    at = choose(choose(opened(), "dr_latent_dim_2", 8), "dr_question", aspect)
    assert methods(at) == [*METHODS[:2]]
    assert "trainings" not in texts(at).split("All numbers")[1], "nothing was trained"
    checked(choose(at, "dr_latent_dim_2", 2).number_input(key="dr_seed").set_value(1).run())
    assert methods(at) == [*METHODS[:2]], "the pretrained VAE was trained on these held-out examples"


def images(at: AppTest) -> dict[str, str]:
    """Their sources by their descriptions."""
    nodes = [picture for node in at.get("image") for picture in node.proto.imgs]  # type: ignore[attr-defined]
    return {str(picture.alt): str(picture.url) for picture in nodes}


def test_the_pair_moves_all_interpolations() -> None:
    at = choose(opened(), "dr_question", "interpolation")
    before = images(at)
    assert len(before) == 4
    after = images(checked(at.slider(key="dr_pair_10").set_value(4).run()))
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


def test_a_folder_that_is_not_there_is_one_sentence_and_the_lab_goes_on() -> None:
    at = data(opened(), "idx")
    assert len(at.error) == 1
    checked(at.text_input(key="dr_folder").set_value("/nowhere/at/all").run())
    assert len(at.error) == 1
    assert len(tables(data(at, "digits"))) == len(ASPECTS)


def test_the_chosen_aspect_stays_from_page_to_page() -> None:
    at = choose(opened(), "dr_question", "samples")
    checked(at.switch_page("../pages/start.py").run())
    checked(at.switch_page("../pages/compare.py").run())
    assert "Decoded draws of z" in texts(at)
