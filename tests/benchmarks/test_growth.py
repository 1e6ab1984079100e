"""The benchmark of growth runs, and its last line is JSON with a figure for each size."""

import json

import pytest
import torch

from benchmarks.growth import GROWN, USUAL, images, main, training_of


def test_quick_run_prints_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        assert main(["--quick"]) == 0
    finally:
        torch.set_num_threads(threads)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures["ms_per_step"]) == set(GROWN)
    for name, values in GROWN.items():
        found = figures["ms_per_step"][name]
        assert list(found) == [str(value) for value in values[:2]]
        assert all(ms > 0 for ms in found.values())


def test_each_size_is_that_of_its_name() -> None:
    training = training_of({**USUAL, "hidden": 6, "J": 3, "M": 2, "batch": 5, "rows": 50}, images(50))
    assert training.model.config.decoder_sizes == (3, 6, 784)
    assert (training.config.num_samples, training.batch_size) == (2, 5)
    assert len(training.dataset.x_train) == 40
    assert next(training.steps()).step == 1
