"""Take home: what each file holds, what its name may be, and whose code is on the screen."""

import csv
import io
import json
from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.runs.about import About, file_stem
from dashboard.runs.runner import LocalRunner
from dashboard.shell import take_home
from dashboard.shell.take_home import Download, downloads
from dashboard.subject import Subject, pretrained
from tests.page_scripts import KINDS, PATIENT, TINY, checked, open_page, runner, saved, trained, turn_to
from vae_core.config import RunConfig
from vae_core.runs.runfile import parse_run
from vae_core.runs.script import script_of
from vae_core.runs.snapshot import HISTORY_COLUMNS

__all__ = ["runner"]  # a fixture
KIND_NAMES: Final = ["code", "curves", "codes_csv", "codes_npz", "settings", "run"]


def opened(at: AppTest) -> AppTest:
    return checked(at.button(key="take_home").click().run())


def files(subject: Subject, stem: str = "run-a3f1") -> dict[str, Download]:
    return {file.kind: file for file in downloads(subject, stem, script_of(subject.run, subject.data))}


def offered(at: AppTest) -> list[str]:
    return [one.proto.id.rsplit("-take_", 1)[-1] for one in at.get("download_button")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_has_all_files(runner: LocalRunner, kind: str) -> None:
    subject = saved(trained(runner, KINDS[kind]))
    made = {name: file.make() for name, file in files(subject).items()}
    assert list(made) == KIND_NAMES
    assert parse_run(made["run"]).digest == subject.digest
    assert RunConfig.from_json(made["settings"].decode()) == subject.config
    assert len(list(csv.reader(io.StringIO(made["curves"].decode())))) == len(subject.run.history) + 1
    with np.load(io.BytesIO(made["codes_npz"]), allow_pickle=False) as archive:
        num = len(subject.data.x_test) + len(subject.data.x_train)
        assert archive["means"].shape == (num, subject.config.model.latent_dim)
    rows = list(csv.DictReader(io.StringIO(made["codes_csv"].decode())))
    assert len(rows) == num
    column = "reconstruction_nats" if subject.is_deterministic else "elbo_nats"
    held_out = [float(row[column]) for row in rows if row["split"] == "held_out"]
    reported = subject.run.history[-1, HISTORY_COLUMNS.index("elbo_held_out")]
    assert np.mean(held_out) == pytest.approx(reported, abs=1e-4), "one quantity, one value"


def test_a_run_that_stopped_early_has_its_validation_part_in_its_files(runner: LocalRunner) -> None:
    subject = saved(trained(runner, PATIENT))
    run = subject.run
    assert run.ended_at is not None
    assert run.ended_at > run.step
    made = {name: file.make() for name, file in files(subject).items()}
    assert [name for name in made if name not in KIND_NAMES] == ["validation"]
    rows = list(csv.DictReader(io.StringIO(made["validation"].decode())))
    assert [float(row["elbo_nats"]) for row in rows] == run.validation[:, 1].tolist()
    curves = list(csv.DictReader(io.StringIO(made["curves"].decode())))
    assert (int(curves[-1]["step"]), len(curves)) == (run.ended_at, len(run.curves))
    codes = list(csv.DictReader(io.StringIO(made["codes_csv"].decode())))
    parts = [row["split"] for row in codes]
    counts = {part: parts.count(part) for part in ("training", "validation", "held_out")}
    assert counts == {"training": 1293, "validation": 144, "held_out": 360}
    assert parse_run(made["run"]).step == run.step


def test_files_of_many_numbers_have_the_first_examples(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = saved(trained(runner, TINY))
    monkeypatch.setattr(take_home, "CSV_NUMBERS", 2000)
    file = files(subject)["codes_csv"]
    assert "The first 100 examples of each part." in file.help_text
    rows = list(csv.DictReader(io.StringIO(file.make().decode())))
    assert [(row["split"], row["example"]) for row in rows] == [
        (split, str(example)) for split in ("held_out", "training") for example in range(100)
    ]
    assert "first" not in files(subject)["codes_npz"].help_text


@pytest.mark.parametrize(
    "name", ['"\r\nX-Evil: y', "../../etc/passwd", "CON", "a" * 300, "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe", "."]
)
def test_names_of_files_are_safe(runner: LocalRunner, name: str) -> None:
    run_id = trained(runner, TINY)
    runner.store.write_about(run_id, About(name=name))
    at = opened(open_page("train", run=run_id))
    stem = file_stem(runner.store.about(run_id), run_id)
    for file in downloads(saved(run_id), stem, ""):
        assert file.file_name.isprintable()
        assert not set(file.file_name) & set('/\\:*?"<>|\r\n\0')
        assert len(file.file_name) < 100
    assert f"\nSEED = {TINY.seed}\n" in at.code[0].value


def test_dialogue_shows_the_code_of_the_run_in_view(runner: LocalRunner) -> None:
    config = replace(TINY, seed=5, train=replace(TINY.train, beta=4.0))
    run_id = trained(runner, config)
    runner.store.write_about(run_id, About(name='Tuesday\'s "β"'))
    at = opened(open_page("train", run=run_id))
    (code,) = at.code
    assert code.language == "python"
    subject = saved(run_id)
    assert code.value == script_of(subject.run, subject.data, title='Tuesday\'s "β"').rstrip()
    assert "# Name of the run: 'Tuesday\\'s \"β\"'" in code.value
    saved_at = f"as it was saved at step {subject.step:,}."
    assert any(saved_at in caption.value for caption in at.caption)
    assert offered(at) == ["page", *KIND_NAMES]
    assert not turn_to(at, "elbo").code, "the dialogue ends with its page"


def test_example_model_can_be_taken_home() -> None:
    at = opened(open_page("train"))
    subject = pretrained()
    assert at.code[0].value == script_of(subject.run, subject.data).rstrip()
    assert offered(at) == ["page", *KIND_NAMES]


def test_page_of_a_run_has_its_name_and_its_own_file(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    snapshot = runner.store.snapshot(run_id)
    assert snapshot is not None
    page = take_home._page(saved(run_id), snapshot, "run-a3f1", "<b>Tuesday</b>")
    assert page.file_name == "run-a3f1.html"
    text = page.make().decode()
    assert "<title>&lt;b&gt;Tuesday&lt;/b&gt;</title>" in text
    assert "</html>" in text


def test_a_run_that_has_nothing_saved_says_so(runner: LocalRunner) -> None:
    run_id = runner.store.create(TINY)
    at = opened(open_page("train", run=run_id))
    assert not at.code
    assert any("Nothing of this run is saved yet" in info.value for info in at.info)
    assert offered(at) == ["settings"]


def test_settings_are_readable(runner: LocalRunner) -> None:
    text = files(saved(trained(runner, TINY)))["settings"].make().decode()
    assert json.loads(text)["model"]["latent_dim"] == TINY.model.latent_dim
    assert "\n" in text
