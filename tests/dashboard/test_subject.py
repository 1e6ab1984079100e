"""The line on top of a page that looks at a trained model."""

from dataclasses import replace

import pytest

from dashboard.runs.runner import LocalRunner
from tests.page_scripts import TINY, open_page, runner, text_with, trained
from vae_core.runs.runfile import load_run, save_run

__all__ = ["runner"]  # a fixture


@pytest.mark.parametrize("page", ["elbo", "latent_space"])
def test_it_says_the_beta_of_the_last_update(runner: LocalRunner, page: str) -> None:
    run_id = trained(runner, replace(TINY, train=replace(TINY.train, beta=4.0)))
    assert "· β 4 ·" in text_with(open_page(page, run=run_id), f"Run {run_id[:4]}, finished")
    path = runner.store.run_file(run_id)
    assert path is not None
    run = load_run(path)
    save_run(path, replace(run, state_scalars={**run.state_scalars, "live_beta": 0.25}))
    assert "· β 0.25 ·" in text_with(open_page(page, run=run_id), f"Run {run_id[:4]}, finished")
