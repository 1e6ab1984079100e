"""Every page as a script: what its buttons do, what its numbers say, and that nothing typed breaks it."""

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.formats import plain
from dashboard.runs.pretrained import PRETRAINED_RUN
from dashboard.runs.runner import JobView, LocalRunner
from dashboard.shell import pages
from tests.page_scripts import (
    ENTRY,
    KINDS,
    TINY,
    charts,
    checked,
    message_to,
    open_page,
    query,
    runner,
    saved,
    trained,
    turn_dial,
    turn_to,
)
from tests.polling import DEADLINE_S, until

__all__ = ["runner"]  # a fixture
from vae_core.data import load_dataset
from vae_core.data.files import FOLDERS_VARIABLE
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.runs.driver import open_training
from vae_core.runs.runfile import load_run, save_run

PAGES: Final = tuple(page.name for page in pages.PAGES)
GARBAGE: Final = [
    *(("beta", text) for text in ("abc", "nan", "1e999", "-1")),
    *(("latent_dim", text) for text in ("-5", "2.5")),
    *(("run", text) for text in ("../../etc/passwd", "a" * 17)),
    ("seed", "1e20"),
    ("dataset", "<b>"),
]


def press(at: AppTest, key: str) -> AppTest:
    return checked(at.button(key=key).click().run())


def run_in_view(at: AppTest) -> str:
    return query(at)["run"]


def view_of(at: AppTest, runner: LocalRunner) -> JobView:
    view = runner.view(run_in_view(at))
    assert view is not None
    return view


def status_line(at: AppTest) -> str:
    return next(text.value for text in at.markdown if text.value.startswith("Run "))


def until_line(at: AppTest, text: str) -> str:
    """Redraws the page until its status line says something; fragments do not run by themselves here."""
    return until(lambda: (line := status_line(checked(at.run()))) * (text in line), f"a line with {text!r}")


def test_every_page_from_the_entry() -> None:
    at = checked(AppTest.from_file(str(ENTRY), default_timeout=DEADLINE_S).run())
    for name in PAGES[1:] + PAGES:
        turn_to(at, name)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_from_a_cold_link_explains_its_widgets(name: str) -> None:
    at = open_page(name)
    protos = [node.proto for node in (*at.main, *at.sidebar) if getattr(node, "proto", None) is not None]
    widgets = [proto for proto in protos if getattr(proto, "id", "") and hasattr(proto, "help")]
    unexplained = [widget.label for widget in widgets if not widget.help]
    assert unexplained == []


def test_training_is_held_stepped_steered_reset_and_stopped(runner: LocalRunner) -> None:
    at = open_page("train", hidden="8")
    at.number_input(key="num_epochs").set_value(1_000_000)
    press(at, "train_start")
    until(lambda: checked(at.run()) and view_of(at, runner).step > 0, "the first step")
    press(at, "train_pause")
    assert "**Paused**" in until_line(at, "**Paused**")
    paused = view_of(at, runner)
    press(at, "train_step")
    until_line(at, f"step {paused.step + 1:,} ")
    turn_dial(at, "beta", 4.0)
    until_line(at, "β 4 ")
    assert view_of(at, runner).beta == 4.0
    press(at, "train_reset")
    assert run_in_view(at) != paused.run_id
    first, again = (
        until(lambda run_id=run_id: runner.store.snapshot(run_id), "a snapshot")
        for run_id in (paused.run_id, run_in_view(at))
    )
    until_line(at, "**Paused** at step 0")
    assert np.array_equal(first.history[0, :8], again.history[0, :8], equal_nan=True)
    assert view_of(at, runner).config == paused.config.held()
    press(at, "train_stop")
    assert f"**{plain('Stopped at step 0.')}**" in until_line(at, "Stopped")
    press(at, "train_pause")
    until_line(at, "**Training**")
    press(at, "train_stop")
    until_line(at, "Stopped at step ")


def test_too_high_a_learning_rate_is_explained(runner: LocalRunner) -> None:
    at = open_page("train", hidden="8")
    at.selectbox(key="optimizer").set_value("sgd")
    turn_dial(at, "learning_rate", 1000.0)
    press(at, "train_start")
    line = until_line(at, "Diverged at step ")
    assert "lower the learning rate" in line


def test_unusable_text_is_one_sentence_and_loses_nothing(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    at = open_page("train", run=run_id)
    for text in ("0", "1000000", "abc", "<b>x</b>", "9" * 200):
        at.text_input(key="hidden").set_value(text).run()
        press(at, "train_start")
        assert len(at.error) == 1, text
        assert "hidden" in at.error[0].value
        assert (run_in_view(at), at.text_input(key="hidden").value) == (run_id, text)
        assert f"**{plain('Finished: the epoch is done.')}**" in status_line(at)
        assert not checked(at.run()).error, "the sentence stays"


def test_likelihood_of_images_comes_back_after_points() -> None:
    at = open_page("train")
    at.selectbox(key="likelihood").set_value("continuous_bernoulli").run()
    checked(at.selectbox(key="dataset").set_value("two_moons").run())
    checked(at.selectbox(key="dataset").set_value("digits").run())
    assert at.selectbox(key="likelihood").value == "continuous_bernoulli"


@pytest.mark.parametrize(("key", "text"), GARBAGE)
def test_garbage_in_the_url_gives_the_defaults(key: str, text: str) -> None:
    at, plain = open_page("train", **{key: text}), open_page("train")
    assert not at.error
    for kind in ("slider", "number_input", "selectbox", "text_input", "select_slider"):
        assert values(at, kind) == values(plain, kind)


def values(at: AppTest, kind: str) -> dict[str, Any]:
    return {widget.key: widget.value for widget in getattr(at, kind)}


@pytest.mark.parametrize("page", ["train", "latent_space", "elbo"])
def test_vanished_run_is_said_once(page: str) -> None:
    at = open_page(page, run="0" * 16)
    assert ["no longer exists" in said.value for said in (*at.error, *at.warning)] == [True]
    checked(at.run())
    assert not (*at.error, *at.warning)
    assert "run" not in query(at)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_is_shown_on_every_page(runner: LocalRunner, kind: str) -> None:
    run_id = trained(runner, KINDS[kind])
    at = open_page("latent_space", run=run_id)
    assert f"Run {run_id[:4]}, finished" in at.main.markdown[0].value
    assert "grid" in charts(at)
    assert message_to(at, "latent_explorer"), "no plane to walk in"
    turn_to(at, "elbo")
    names = ["Reconstruction"] if kind == "deterministic" else ["Reconstruction", "KL(q ‖ prior)", "ELBO"]
    assert [metric.label for metric in at.metric] == names, "without q there is no bound to show"
    turn_to(at, "train")
    assert "Finished" in status_line(at)
    assert message_to(at, "training_board")


def test_pretrained_model_stands_in_for_a_run_that_has_not_begun(runner: LocalRunner) -> None:
    at = open_page("elbo", run=runner.store.create(TINY))
    assert "Example model (trained on digits)" in at.main.markdown[0].value


def test_numbers_of_the_bound_agree() -> None:
    run = load_run(PRETRAINED_RUN)
    x = load_dataset("digits", seed=run.config.seed).x_test[:]
    noise = torch.Generator().manual_seed(run.config.seed)
    expected = evaluate(run.model(), x, num_samples=1, generator=noise)
    with torch.no_grad():
        q = run.model().posterior(x)
    kl = (q.mean**2 + q.std**2 - 1 - 2 * q.std.log()).double().sum(-1).mean() / 2
    at = open_page("elbo")
    shown = {metric.label: number(metric.value) for metric in at.metric}
    assert shown["Reconstruction"] == pytest.approx(expected.reconstruction, abs=0.006)
    assert shown["KL(q ‖ prior)"] == pytest.approx(float(kl), abs=0.006)
    assert shown["ELBO"] == pytest.approx(expected.reconstruction - float(kl), abs=0.006)
    line = next(text.value for text in at.markdown if "KL above" in text.value)
    parts, total = line.removesuffix(", the KL above").split("=")
    # 1.6099 + 1.3804 were 2.9904.
    assert f"{sum(number(part) for part in parts.split('+')):.4f}" == f"{number(total):.4f}"
    assert number(total) == pytest.approx(float(kl), abs=2e-4)
    line = next(text.value for text in at.markdown if "Marginal KL" in text.value)
    _, correlation, by_dimension = (number(part) for part in line.split("=")[0].split("+"))
    marginal = number(line.split("the last two:")[1].split("±")[0])
    assert f"{correlation + by_dimension:.3f}" == f"{marginal:.3f}"


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("*", "").replace("nats", "").strip())


@pytest.mark.parametrize("page", ["latent_space", "elbo"])
def test_weights_that_overflow_are_one_sentence(runner: LocalRunner, page: str) -> None:
    run_id = trained(runner, TINY)
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, weights={name: w * 1e30 for name, w in run.weights.items()}))
    at = open_page(page, run=run_id)
    assert ["diverged" in said.value for said in at.error] == [True]


@pytest.mark.parametrize("page", ["latent_space", "elbo"])
def test_images_that_were_exchanged_are_one_sentence(runner: LocalRunner, tmp_path: Path, page: str) -> None:
    write_images(tmp_path, side=8)
    run_id = trained(runner, replace(TINY, dataset="idx", data_folder=str(tmp_path)))
    assert not open_page(page, run=run_id).error
    write_images(tmp_path, side=6)
    at = open_page(page, run=run_id)
    assert [plain("36 values each now, its model takes 64") in said.value for said in at.error] == [True]


def test_nothing_is_computed_on_other_images_than_those_of_the_run(
    runner: LocalRunner, tmp_path: Path
) -> None:
    """Also where name, size and time of writing stay what they were, as after ``cp -p``."""
    write_images(tmp_path, side=8)
    files = sorted(tmp_path.iterdir())
    times = {path: path.stat().st_mtime_ns for path in files}
    contents = {path: path.read_bytes() for path in files}
    run_id = trained(runner, replace(TINY, dataset="idx", data_folder=str(tmp_path)))
    before = numbers_of("elbo", run_id)
    assert before
    write_images(tmp_path, side=8, seed=1)
    for path, time in times.items():
        os.utime(path, ns=(time, time))
    for page in ("elbo", "latent_space"):
        at = open_page(page, run=run_id)
        assert [plain("not those that it was trained on") in said.value for said in at.error] == [True], page
        assert not at.metric
    view = runner.view(run_id)
    assert view is not None
    path = runner.store.run_file(run_id)
    assert path is not None
    with pytest.raises(BadInput, match="not those that it was trained on"):
        open_training(view.config, load_run(path))
    for path, content in contents.items():
        path.write_bytes(content)
    assert numbers_of("elbo", run_id) == before, "put back, they are its data again"


def numbers_of(page: str, run_id: str) -> dict[str, str]:
    at = open_page(page, run=run_id)
    assert not at.error
    return {metric.label: metric.value for metric in at.metric}


def test_a_run_that_does_not_say_what_its_data_were_is_measured_on_those_that_are_there(
    runner: LocalRunner, tmp_path: Path
) -> None:
    """As files of format 2: what is kept of one set of images is never shown for another."""
    write_images(tmp_path, side=8)
    run_id = trained(runner, replace(TINY, dataset="idx", data_folder=str(tmp_path)))
    path = runner.store.run_file(run_id)
    assert path is not None
    save_run(path, replace(load_run(path), data_digest=""))
    before = numbers_of("elbo", run_id)
    write_images(tmp_path, side=8, seed=1)
    assert numbers_of("elbo", run_id)["Reconstruction"] != before["Reconstruction"]


def test_what_data_have_to_say_stands_on_the_page_of_their_run(runner: LocalRunner, tmp_path: Path) -> None:
    write_images(tmp_path, side=8)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    run_id = trained(runner, replace(TINY, dataset="idx", data_folder=str(tmp_path)))
    said = [text.value for text in open_page("elbo", run=run_id).caption]
    assert any(plain("Labels are there for one part only, so none are used.") in text for text in said)


def test_a_run_file_opens_no_folder_that_the_server_keeps_to_itself(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path, side=8)
    run_id = trained(runner, replace(TINY, dataset="idx", data_folder=str(tmp_path)))
    path = runner.store.run_file(run_id)
    assert path is not None
    monkeypatch.setenv(FOLDERS_VARIABLE, str(tmp_path))
    runner.upload(path.read_bytes(), owner="m" * 32)
    before = set(runner.store.ids())
    assert not open_page("elbo", run=run_id).error
    monkeypatch.setenv(FOLDERS_VARIABLE, "")
    with pytest.raises(BadInput, match="does not let its visitors read that folder"):
        runner.upload(path.read_bytes(), owner="m" * 32)
    assert set(runner.store.ids()) == before
    at = open_page("elbo", run=run_id)
    assert ["does not let its visitors read that folder" in said.value for said in at.error] == [True]


def test_the_folder_of_a_run_of_other_data_is_not_looked_at(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", lambda path: pytest.fail(f"{path} was listed"))
    saved(trained(runner, replace(TINY, data_folder="/etc")))


GRADIENTS: Final = ("estimators", "back_propagation", "importance_weighted")
VIEWS: Final = (
    *(("latent_space", {"latent_view": view}) for view in ("neighbours", "arithmetic", "projection")),
    *(
        ("elbo", {"elbo_view": view})
        for view in ("all_examples", "one_example", "watch_q", "ladder", "bits_back", "units")
    ),
    *(("gradients", {"gradients_view": view}) for view in GRADIENTS),
    ("compare", {"compare_view": "runs"}),
    ("compare", {"compare_view": "optimisers"}),
)


@pytest.mark.usefixtures("short_computations")
def test_every_view_takes_a_held_out_part_of_one_image(runner: LocalRunner, tmp_path: Path) -> None:
    write_images(tmp_path, side=8, counts=(40, 1))
    model = replace(TINY.model, latent_dim=3)
    run_id = trained(runner, replace(TINY, model=model, dataset="idx", data_folder=str(tmp_path)))
    for page, view in VIEWS:
        more = {"estimators_of": "elbo"} if page == "gradients" else {}
        assert not open_page(page, run=run_id, compare_runs=run_id, **view, **more).error, view
    said = [info.value for info in open_page("latent_space", run=run_id, latent_view="projection").info]
    assert any(plain("PCA needs 2 points") in text for text in said)
    assert any(plain("t-SNE takes 4 to 1000 points, got 1") in text for text in said)
    near = open_page("latent_space", run=run_id, latent_view="neighbours")
    assert any("no neighbours" in info.value for info in near.info)


def write_images(folder: Path, *, side: int, seed: int = 0, counts: tuple[int, int] = (100, 40)) -> None:
    """A folder of IDX files with random square images."""
    rng = np.random.default_rng(seed)
    for part, count in zip(("train", "t10k"), counts, strict=True):
        images = rng.integers(0, 256, (count, side, side), dtype=np.uint8).tobytes()
        labels = rng.integers(0, 10, count, dtype=np.uint8).tobytes()
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, side, side) + images
        )
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)
