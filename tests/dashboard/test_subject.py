"""The subject is told by its content, and the line on top of a page says what it is."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dashboard.cached import encoded
from dashboard.runs.pretrained import PRETRAINED_RUN
from dashboard.runs.runner import LocalRunner
from dashboard.subject import load_subject, pretrained
from tests.page_scripts import TINY, checked, open_page, runner, saved, text_with, trained
from vae_core.errors import BadInput
from vae_core.runs.runfile import load_run, save_run

__all__ = ["runner"]  # a fixture


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The run file of the example model at another place, written at another time."""
    path = tmp_path / "0123" / "run.safetensors"
    path.parent.mkdir()
    path.write_bytes(PRETRAINED_RUN.read_bytes())
    os.utime(path, ns=(1, 1))
    return path


def test_the_same_content_is_the_same_subject_wherever_and_whenever_it_was_written(copy: Path) -> None:
    here, there = pretrained(), load_subject(copy)
    assert here == there
    assert here.name != there.name, "but each keeps the name of its run"
    assert encoded(here) is encoded(there), "what was computed for one is there for the other"


def test_a_run_that_is_saved_again_as_it_is_stays_the_same_subject(copy: Path) -> None:
    save_run(copy, load_run(copy))
    once = load_subject(copy)
    save_run(copy, load_run(copy))
    assert load_subject(copy) == once


def test_other_weights_are_another_subject(copy: Path) -> None:
    before = load_subject(copy)
    run = load_run(copy)
    name = next(iter(run.weights))
    changed = {**run.weights, name: run.weights[name] + 0.01}
    save_run(copy, replace(run, weights=changed))
    os.utime(copy, ns=(1, 1))
    after = load_subject(copy)
    assert after != before
    assert not np.array_equal(encoded(before).reconstruction, encoded(after).reconstruction)


def test_what_is_kept_of_a_run_is_not_the_optimisers_state(runner: LocalRunner) -> None:
    shown = saved(trained(runner, TINY))
    assert not shown.run.state_tensors
    for name, weight in shown.model.state_dict().items():
        assert torch.equal(weight, shown.run.weights[name]), name


def test_a_file_that_is_no_run_is_said(copy: Path) -> None:
    copy.write_bytes(b"\0" * 64)
    with pytest.raises(BadInput, match="run"):
        load_subject(copy)
    copy.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        load_subject(copy)


@pytest.mark.parametrize("page", ["elbo", "latent_space"])
def test_the_header_says_the_beta_of_the_last_update(runner: LocalRunner, page: str) -> None:
    run_id = trained(runner, replace(TINY, train=replace(TINY.train, beta=4.0)))
    named = f"Run {run_id[:4]}, finished"
    assert "· β 4 ·" in text_with(open_page(page, run=run_id), named)
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, state_scalars={**run.state_scalars, "live_beta": 0.25}))
    assert "· β 0.25 ·" in text_with(open_page(page, run=run_id), named)


def test_a_button_sets_up_the_run_that_a_section_needs() -> None:
    at = open_page("elbo", elbo_view="units")
    (button,) = (one for one in at.button if one.label == "Set up a Gaussian run")
    at = checked(button.click().run())
    assert at.selectbox(key="likelihood").value == "gaussian"
    assert at.button(key="train_start")
