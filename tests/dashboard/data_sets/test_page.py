"""The page Data: from a dropped file to a data set that every page can use."""

import errno
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.runs import tasks
from dashboard.runs.data_sets import data_sets
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import task_key
from dashboard.shell import browser
from tests.brought_files import idx, npy, npz, two_classes, workbook
from tests.page_scripts import (
    charts,
    checked,
    choose,
    draw_density,
    home_tasks,
    open_page,
    runner,
    saved,
    table,
    text_with,
    trained,
    turn_to,
)
from tests.polling import until
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.data.own import own_file

__all__ = ["home_tasks", "runner"]  # fixtures

FLOWERS: Final = "Länge;Breite;Art\n" + "".join(
    f"{i},5;{'' if i == 3 else f'{i * i % 7},25'};{'Rose' if i % 3 else 'Tulpe'}\n" for i in range(30)
)
ADA: Final = "a" * 32


@pytest.fixture(autouse=True)
def a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home_tasks: tasks.Tasks) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    monkeypatch.setattr(browser, "token", lambda: ADA)


def texts(at: AppTest) -> str:
    return "\n".join(one.value for one in (*at.markdown, *at.caption, *at.info, *at.error)).replace("\\", "")


def dropped(at: AppTest, content: bytes, name: str) -> AppTest:
    uploader = next(one for one in at.file_uploader if str(one.key).startswith("data_upload"))
    checked(uploader.upload(name, content, "application/octet-stream").run())
    return read(at)


def read(at: AppTest) -> AppTest:
    """The page when the file is read."""
    key = at.session_state["data_draft"].key
    until(lambda: tasks.tasks().progress(key) is None, "the file is read")
    return checked(at.run())


def opened() -> AppTest:
    return open_page("data")


def test_the_data_sets_of_the_server_are_shown_in_pictures_and_numbers() -> None:
    at = opened()
    assert "1,797 images of 8 × 8 pixels" in texts(at)
    counts = table(at, "class")
    assert counts["all"] == ["1,437", "360"]
    assert sum(int(counts[str(digit)][0]) for digit in range(10)) == 1437
    checked(at.selectbox(key="data_chosen").set_value("two_moons").run())
    assert charts(at) == {
        "data_points_two_moons",
        "data_histogram_two_moons",
    }
    checked(at.selectbox(key="data_chosen").set_value("idx").run())
    assert "Choose their folder on Train" in texts(at)


def test_a_table_is_previewed_with_its_problems_before_it_is_used() -> None:
    at = dropped(opened(), FLOWERS.encode(), "flowers.csv")
    said = texts(at)
    assert "**flowers.csv** · table · 29 rows of 2 numbers, 2 classes: Rose, Tulpe" in said
    assert "1 row without a number in ‘Breite’ is left out." in said
    assert "Decimal commas are read as decimal points." in said
    assert "Gaussian: the values are real numbers." in said
    head = at.table[0].value
    assert list(head.columns) == ["Länge", "Breite", "label"]
    choose(at, next(str(one.key) for one in at.get("button_group") if "missing" in str(one.key)), "mean")
    at = read(at)
    assert "1 missing numbers in ‘Breite’ get the mean of their column." in texts(at)
    assert "30 rows of 2 numbers" in texts(at)
    checked(at.button(key="data_reset").click().run())
    assert "29 rows" in texts(read(at))


def test_of_a_workbook_a_sheet_is_chosen() -> None:
    first, second = ([["a", "b"], *([i + 0.5, float(i * i % k)] for i in range(k))] for k in (5, 9))
    content = workbook({"May": first, "June": second, "Empty": []}, hidden=["Empty"])
    at = dropped(opened(), content, "garden.xlsx")
    assert "**garden.xlsx** · spreadsheet · 5 rows of 2 numbers" in texts(at)
    assert "The sheet ‘May’ is read, one of 2." in texts(at)
    assert "Hidden sheets are left out: Empty." in texts(at)
    choose(at, next(str(one.key) for one in at.get("button_group") if "sheet" in str(one.key)), "June")
    at = read(at)
    assert "9 rows of 2 numbers" in texts(at)
    checked(at.button(key="data_keep").click().run())
    assert data_sets().of_browser(ADA)[0].facts.title == "garden"


def test_a_choice_that_cannot_be_read_says_why_and_can_be_taken_back() -> None:
    at = dropped(opened(), FLOWERS.encode(), "flowers.csv")
    checked(next(one for one in at.selectbox if "delimiter" in str(one.key)).set_value("tab").run())
    at = read(at)
    assert "flowers.csv: the table has no column of numbers" in texts(at)
    assert at.button(key="data_train").disabled
    checked(at.button(key="data_reset").click().run())
    assert not at.error
    assert not at.button(key="data_train").disabled


def test_while_a_file_is_read_every_page_answers_and_the_reading_can_be_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spawn, never_ends = tasks.spawn, [sys.executable, "-c", "import sys; sys.stdin.read()"]
    monkeypatch.setattr(tasks, "spawn", lambda command: spawn(never_ends))
    at = opened()
    uploader = next(one for one in at.file_uploader if str(one.key).startswith("data_upload"))
    checked(uploader.upload("flowers.csv", FLOWERS.encode(), "text/csv").run())
    key = at.session_state["data_draft"].key
    assert [one.proto.text for one in at.get("progress")] == ["Reading the file …"]
    # The script of this page, and that of another session's, end although the reading does not.
    checked(at.selectbox(key="data_chosen").set_value("two_moons").run())
    assert "2,000 points" in texts(at)
    assert "1,797 images" in texts(open_page("data"))
    assert tasks.tasks().progress(key) is not None
    checked(at.button(key="data_discard").click().run())
    until(lambda: tasks.tasks().progress(key) is None, "the reading has been given up")
    assert at.file_uploader


def test_what_is_kept_is_in_the_menus_of_this_browser_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    at = dropped(opened(), FLOWERS.encode(), "flowers.csv")
    checked(at.button(key="data_keep").click().run())
    (own,) = data_sets().of_browser(ADA)
    assert own.facts.title == "flowers"
    assert at.selectbox(key="data_chosen").value == own.facts.name
    assert "flowers is kept." in texts(at)
    train = turn_to(at, "train")
    assert "flowers" in train.selectbox(key="dataset").options
    monkeypatch.setattr(browser, "token", lambda: "b" * 32)
    other = open_page("train")
    assert "flowers" not in other.selectbox(key="dataset").options
    assert "flowers" not in open_page("data").selectbox(key="data_chosen").options


def test_train_on_it_opens_train_with_the_data_and_their_likelihood() -> None:
    at = dropped(opened(), two_classes(), "photos.zip")
    assert "12 images of 12 × 12 pixels, 2 classes: day, night" in texts(at)
    checked(at.button(key="data_train").click().run())
    (own,) = data_sets().of_browser(ADA)
    assert at.selectbox(key="dataset").value == own.facts.name
    assert at.selectbox(key="likelihood").value == "continuous_bernoulli"


def test_a_run_on_it_is_named_and_says_when_its_data_are_gone(runner: LocalRunner) -> None:
    at = dropped(opened(), FLOWERS.encode(), "flowers.csv")
    checked(at.button(key="data_keep").click().run())
    name = data_sets().of_browser(ADA)[0].facts.name
    model = ModelConfig(data_dim=2, hidden_dims=(8,), likelihood="gaussian")
    config = RunConfig(model=model, dataset=name, train=TrainConfig(num_epochs=1, batch_size=8))
    run_id = trained(runner, config)
    assert saved(run_id).data.digest == load_dataset(name).digest
    shown = open_page("elbo", run=run_id)
    assert "flowers · J = 2" in texts(shown)
    assert "1 row without a number" in texts(shown)
    latent = open_page("latent_space", run=run_id)
    assert "flowers · J = 2" in texts(latent)
    checked(at.run())
    checked(at.button(key="data_remove").click().run())
    assert name not in at.selectbox(key="data_chosen").options
    gone = open_page("elbo", run=run_id)
    assert "this data set is not on this server, or not any more; bring the same file again" in texts(gone)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (npz(x=np.random.RandomState(0).rand(40, 6, 6), y=np.arange(40) % 4), "a.npz", "40 images of 6 × 6"),
        (npy(np.random.RandomState(0).randn(40, 5)), "a.npy", "40 rows of 5 numbers"),
        (idx(np.random.RandomState(0).randint(0, 9, (9, 5, 5)).astype(np.uint8)), "a", "9 images of 5 × 5"),
    ],
)
def test_arrays_are_taken(content: bytes, name: str, words: str) -> None:
    assert words in texts(dropped(opened(), content, name))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "the table has no rows below its names; bring one with at least two rows of numbers"),
        (b"%PDF-1.7", "this is a PDF"),
        (b"a\n1\n2\n3\n", "Each example is one number only"),
        (b"a,b\n1,2\n", "There is one example only"),
    ],
)
def test_what_cannot_be_used_says_why(content: bytes, words: str) -> None:
    at = dropped(opened(), content, "<b>file</b>.csv")
    assert words in texts(at)
    assert "data_retry" not in {button.key for button in at.button}, "it would be refused again"
    assert "data_train" not in {button.key for button in at.button}
    checked(at.button(key="data_discard").click().run())
    assert at.file_uploader


def test_a_download_stands_in_for_the_file_that_a_run_from_elsewhere_asks_for(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run file and the NPZ file go to another server, and the table stays at home."""
    at = dropped(
        opened(), b"length;width\n" + b"".join(b"%d;%d\n" % (i, i * i % 17) for i in range(40)), "my.csv"
    )
    checked(at.button(key="data_keep").click().run())
    (own,) = data_sets().of_browser(ADA)
    name, content = own.facts.name, own_file(own.facts.name).read_bytes()
    model = ModelConfig(data_dim=2, hidden_dims=(8,), likelihood="gaussian")
    train = TrainConfig(num_epochs=1, batch_size=8)
    run_id = trained(runner, RunConfig(model=model, dataset=name, train=train))
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path / "elsewhere"))
    assert "bring the same file again" in texts(open_page("elbo", run=run_id))
    at = dropped(opened(), content, "downloaded.npz")
    assert "It was downloaded from this page" in texts(at)
    assert not [one for one in at.selectbox if one.key and "data_choice" in one.key], "nothing can be chosen"
    checked(at.button(key="data_keep").click().run())
    assert [one.facts.name for one in data_sets().of_browser(ADA)] == [name]
    shown = open_page("elbo", run=run_id)
    assert not shown.error
    assert "my · J = 2" in texts(shown)


def test_what_may_go_well_another_time_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that could not start has nothing to do with the file."""

    def fails(command: list[str]) -> None:
        raise OSError(errno.EAGAIN, "no process is free")

    with monkeypatch.context() as patch:
        patch.setattr("dashboard.runs.tasks.spawn", fails)
        at = dropped(opened(), b"a,b\n1,2\n3,4\n5,7\n", "a.csv")
        assert "could not start" in texts(at)
    checked(at.button(key="data_retry").click().run())
    assert "3 rows of 2 numbers" in texts(read(at))


def test_a_pasted_table_is_read_and_an_empty_field_says_what_to_do() -> None:
    at = opened()
    checked(at.button(key="data_read").click().run())
    assert "Nothing is pasted yet" in texts(at)
    at.text_area[0].set_value("a\tb\n1,5\t2\n2,5\t3\n4,5\t1\n")
    checked(at.button(key="data_read").click().run())
    assert "3 rows of 2 numbers" in texts(read(at))


def test_points_of_three_columns_can_be_looked_at_on_every_page(runner: LocalRunner) -> None:
    noise = np.random.RandomState(0)
    at = dropped(opened(), npz(x=noise.randn(60, 3), y=np.arange(60) % 2), "three.npz")
    checked(at.button(key="data_keep").click().run())
    name = data_sets().of_browser(ADA)[0].facts.name
    model = ModelConfig(data_dim=3, hidden_dims=(8,), likelihood="gaussian")
    config = RunConfig(model=model, dataset=name, train=TrainConfig(num_epochs=1, batch_size=8))
    run_id = trained(runner, config)
    for page, more in (
        *(("latent_space", {"latent_view": view}) for view in ("neighbours", "selection", "projection")),
        *(("elbo", {"elbo_view": view}) for view in ("all_examples", "one_example", "units")),
        ("compare", {"compare_view": "runs", "compare_runs": run_id}),
        ("gradients", {"gradients_view": "back_propagation"}),
        ("train", {}),
    ):
        shown = open_page(page, run=run_id, **more)
        assert not shown.error, (page, more, shown.error[0].value)
    latent = open_page("latent_space", run=run_id)
    assert "the first two columns: value 1 and value 2" in texts(latent)
    morph = next(slider for slider in latent.slider if slider.key and "morph" in slider.key)
    checked(morph.set_value(0.5).run())
    compare = choose(turn_to(at, "compare"), "compare_view", "reduction")
    checked(compare.selectbox(key="dr_data").set_value(name).run())
    for aspect in ("reconstruction", "interpolation", "samples", "inpainting", "outliers"):
        choose(compare, "dr_question", aspect)


def test_points_that_were_brought_can_be_used_by_em_and_compare() -> None:
    at = dropped(opened(), FLOWERS.encode(), "flowers.csv")
    checked(at.button(key="data_keep").click().run())
    em = choose(turn_to(at, "free_energy"), "free_energy_view", "em")
    choose(em, "em_data", "upload")
    assert em.selectbox(key="em_own").options[0] == "flowers"
    em.session_state["em_iterations"] = True
    assert text_with(checked(em.run()), "scikit-learn's GaussianMixture")
    compare = choose(turn_to(at, "compare"), "compare_view", "reduction")
    checked(compare.selectbox(key="dr_data").set_value(data_sets().of_browser(ADA)[0].facts.name).run())
    assert not compare.error


@pytest.mark.parametrize("drawn", ["", "9", "x" * 1024, "9" * 1025, 3, None, ["9"]])
def test_a_sheet_that_says_anything_else_has_nothing_on_it(drawn: object) -> None:
    at = draw_density(opened(), drawn)
    assert at.button(key="data_sketch_train").disabled


def test_a_drawn_density_is_a_data_set_to_train_on() -> None:
    drawn = "".join("9" if column < 16 else "0" for _ in range(32) for column in range(32))
    at = draw_density(opened(), drawn)
    at.text_input(key="data_sketch_title").set_value("left half")
    at.select_slider(key="data_sketch_count").set_value(500)
    at.button(key="data_sketch_train").click().run()
    (kept,) = data_sets().of_browser(ADA)
    assert (kept.facts.title, kept.facts.num_examples) == ("left half", 500)
    data = load_dataset(kept.facts.name)
    x = np.concatenate([data.x_train[:].numpy(), data.x_test[:].numpy()])
    assert x[:, 0].max() < 0 < x[:, 1].max()
    assert at.session_state["dataset"] == kept.facts.name


def test_mnist_is_fetched_on_request_and_its_failure_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process of its own, whose network is a proxy that nobody serves.
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    at = checked(opened().selectbox(key="data_chosen").set_value("idx").run())
    assert at.button(key="data_fetch_fashion_mnist_start")
    at = checked(at.button(key="data_fetch_mnist_start").click().run())
    key = task_key("openml", "mnist", str(tmp_path / "openml" / "mnist"))
    until(lambda: tasks.tasks().progress(key) is None, "it has failed")
    at = checked(at.run())
    (said,) = [one.value for one in at.error]
    assert "MNIST could not be fetched from OpenML" in said
    assert "bring the four IDX files from elsewhere" in said


def test_mnist_that_is_here_is_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "openml" / "mnist"
    folder.mkdir(parents=True)
    (folder / "digests.json").write_text("{}")
    at = checked(opened().selectbox(key="data_chosen").set_value("idx").run())
    assert "MNIST is here" in texts(at).replace("*", "")
    at.button(key="data_train_mnist").click().run()
    assert at.session_state["dataset"] == "idx"
    assert at.session_state["data_folder"] == str(folder)
