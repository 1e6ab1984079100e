"""Files of each format that versions of this app wrote, of formats to come, and with settings of others.

``golden`` holds a run and its snapshot as they were written by the code of the commit that ``expected.json``
names, with what that code then said of them: the held-out bound (one sample, seed 0) as they were saved and
after four more updates. A new format gets a folder of its own; those that are there are never written again.
"""

import hashlib
import io
import itertools
import json
import queue
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from tests.run_files import about_of, forged
from vae_core.config import RunConfig
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.formats import FORMAT
from vae_core.runs.driver import Driver, open_training
from vae_core.runs.runfile import Run, load_run, parse_run, save_run, stated_digest
from vae_core.runs.snapshot import HISTORY_COLUMNS, read_snapshot
from vae_core.training import loop
from vae_core.training.loop import Training

GOLDEN: Final = Path(__file__).with_name("golden")
NAMES: Final = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())
WRITTEN: Final = (
    "format1_device",
    "format1_endless",
    "format1_first",
    "format1_mixture_prior",
    "format1_past_its_end",
    "format2",
    "format3",
    "format4",
    "format5",
    "format6_conditional",
    "format6_objective",
    "format7_flow",
    "format8_mixture",
    "format8_number",
    "format9_flow",
)

OF_HELD_OUT_PATIENCE: Final = ("format1_device", "format2", "format3")
"""Runs with patience of versions that had no validation part: they go on without it, on what they had."""


def figures(training: Training) -> dict[str, float]:
    bound = evaluate(training.model, training.dataset.x_test, generator=torch.Generator().manual_seed(0))
    return {
        "step": training.step,
        "epoch": training.epoch,
        "beta": training.beta,
        "learning_rate": training.learning_rate,
        "elbo": bound.elbo,
        "reconstruction": bound.reconstruction,
        "kl": bound.kl,
    }


class FourSteps(io.StringIO):
    """Takes the events of a run, has it make four single steps, and ends its input."""

    def __init__(self, commands: queue.SimpleQueue[dict[str, Any]]) -> None:
        super().__init__()
        self._commands = commands
        self._first = -1

    def write(self, text: str) -> int:
        event = json.loads(text)
        is_done = event["step"] == 9
        order = {"command": "end_of_input"} if is_done else {"command": "step", "unit": "step"}
        if event["steps_left"] == 0 and event["step"] > self._first:
            self._first = event["step"]
            self._commands.put(order)
        return len(text)


def test_each_format_that_was_ever_written_has_its_files() -> None:
    assert tuple(NAMES) == WRITTEN
    formats = {json.loads((GOLDEN / name / "config.json").read_text("utf-8"))["format"] for name in NAMES}
    assert formats == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_an_older_version_gives_its_figures_and_goes_on_to_the_same_ones(name: str) -> None:
    """In memory alone: the file stays what it is."""
    folder = GOLDEN / name
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    content = (folder / "run.safetensors").read_bytes()
    run = parse_run(content)
    training = open_training(run.config, run)
    assert figures(training) == pytest.approx(expected["saved"], rel=1e-5, abs=1e-6)
    steps = training.steps()
    for _ in range(4):
        next(steps)
    assert figures(training) == pytest.approx(expected["four_updates_later"], rel=1e-5, abs=1e-6)
    assert RunConfig.from_json((folder / "config.json").read_text("utf-8")) == run.config
    assert (folder / "run.safetensors").read_bytes() == content
    assert ("whose patience watched the held-out part" in run.notice) == (name in OF_HELD_OUT_PATIENCE)
    assert run.notice == "" or name in OF_HELD_OUT_PATIENCE


@pytest.mark.parametrize("name", ["format7_flow", "format8_mixture", "format9_flow"])
def test_a_run_is_differentiated_as_it_was_when_it_began(name: str, tmp_path: Path) -> None:
    """Until format 9 the gradient of these heads was not written out: the two round differently."""
    written_out = name == "format9_flow"
    run = load_run(GOLDEN / name / "run.safetensors")
    save_run(tmp_path / "run.safetensors", run)
    found = [weights_after(run), weights_after(load_run(tmp_path / "run.safetensors"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "is_written_out", lambda config: written_out)
        expected = weights_after(replace(run, state_scalars={**run.state_scalars, "written_out": True}))
    assert all(torch.equal(weights, expected) for weights in found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "is_written_out", lambda config: not written_out)
        other = weights_after(replace(run, state_scalars={**run.state_scalars, "written_out": True}))
    assert not torch.equal(other, expected), "else nothing is tried here"
    torch.testing.assert_close(other, expected, rtol=0, atol=1e-5)


def weights_after(run: Run) -> torch.Tensor:
    """Of 40 updates more."""
    training = open_training(run.config, run)
    for _ in itertools.islice(training.steps(), 40):
        pass
    return torch.cat([value.detach().flatten() for value in training.model.parameters()])


@pytest.mark.parametrize("name", NAMES)
def test_a_snapshot_of_an_older_version_is_drawn(name: str) -> None:
    found, run = (
        read_snapshot(GOLDEN / name / "snapshot.safetensors"),
        load_run(GOLDEN / name / "run.safetensors"),
    )
    assert (found.step, found.epoch) == (5, 1)
    assert np.array_equal(found.history, run.history, equal_nan=True)
    assert found.history[:, HISTORY_COLUMNS.index("step")].tolist() == [0, 1, 2, 3, 4, 5]
    kl_per_dim = float(found.kl_per_dim.sum())
    if found.kl_per_dim.size and run.config.model.prior == "standard_normal":
        assert kl_per_dim == pytest.approx(found.history[-1, HISTORY_COLUMNS.index("kl_held_out")], rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_an_older_run_is_saved_in_the_present_format_when_it_goes_on(name: str, tmp_path: Path) -> None:
    for file in ("config.json", "run.safetensors"):
        shutil.copyfile(GOLDEN / name / file, tmp_path / file)
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    Driver(tmp_path, commands, FourSteps(commands)).run()
    expected = json.loads((GOLDEN / name / "expected.json").read_text("utf-8"))["four_updates_later"]
    content = (tmp_path / "run.safetensors").read_bytes()
    again = parse_run(content)
    assert about_of(content)["format"] == FORMAT
    assert figures(open_training(again.config, again)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("version", [FORMAT + 1, 99, 10**30, 10**4000])
def test_a_newer_format_is_refused_kindly_and_its_file_untouched(version: int, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    content = forged((GOLDEN / "format2" / "run.safetensors").read_bytes(), format=version)
    path.write_bytes(content)
    shutil.copyfile(GOLDEN / "format2" / "config.json", tmp_path / "config.json")
    with pytest.raises(
        BadInput, match=rf"made by a newer version: format .*, this one reads up to {FORMAT}"
    ) as caught:
        Driver(tmp_path, queue.SimpleQueue(), io.StringIO())
    assert caught.value.code == "format"
    assert caught.value.hint == "update the app; the file is left as it is"
    assert path.read_bytes() == content
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "run.safetensors"]
    with path.open("rb") as file:
        assert stated_digest(file) == about_of(content)["sha256"], "a list can still tell it from others"


@pytest.mark.parametrize("version", [0, -1, 1.5, True, "2", None, [2]])
def test_a_format_that_is_none_is_refused(version: object) -> None:
    content = forged((GOLDEN / "format2" / "run.safetensors").read_bytes(), format=version)
    with pytest.raises(BadInput, match="a run has a format number, this has") as caught:
        parse_run(content)
    assert caught.value.code == "format"


def test_settings_of_others_are_kept_said_and_not_used(tmp_path: Path) -> None:
    content = (GOLDEN / "format2" / "run.safetensors").read_bytes()
    config = about_of(content)["config"]
    strange = "![](http://a.b/c.png)"
    config |= {"later": {"a": [1, None]}, strange: 1}
    config["model"] |= {"gates": True}
    run = parse_run(forged(content, config=config))
    assert run.config == parse_run(content).config
    assert run.notice == (
        f"{parse_run(content).notice} "
        "The run's file has settings that this version does not know, kept and not used: "
        "gates, later, 1 more."
    )
    assert strange not in run.notice
    save_run(tmp_path / "run.safetensors", run)
    again = load_run(tmp_path / "run.safetensors")
    assert again.unknown == {
        "later": {"a": [1, None]},
        strange: 1,
        "model": {"gates": True},
        "train": {"held_out_patience": 50},
    }
    assert (again.config, again.notice) == (run.config, run.notice)
    (tmp_path / "config.json").write_text(run.config.to_json())
    told, commands = io.StringIO(), queue.SimpleQueue[dict[str, Any]]()
    commands.put({"command": "stop"})
    driver = Driver(tmp_path, commands, told)
    driver.training.set_beta(0.25)
    driver.run()
    assert load_run(tmp_path / "run.safetensors").unknown == run.unknown
    assert run.notice in {json.loads(line)["message"] for line in told.getvalue().splitlines()}


def test_the_digest_of_a_file_is_that_of_its_bytes_whatever_its_format() -> None:
    """Caches and links know a run by it: reading an older one must not give it another."""
    for name in NAMES:
        content = (GOLDEN / name / "run.safetensors").read_bytes()
        assert parse_run(content).digest == about_of(content)["sha256"]
        assert len(bytes.fromhex(parse_run(content).digest)) == hashlib.sha256().digest_size
