"""The benchmark of uploads works, and its last line is JSON with real figures."""

import json

import numpy as np
import pytest

from benchmarks.upload import Figures, main, numbers, workbook
from vae_core.data import bring


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert set(figures) == {"jpeg-64.zip"}
    found = Figures(**figures["jpeg-64.zip"])
    assert found.preview_s > 0
    assert found.process_s >= 0.5 * found.process_processor_s > 0
    assert 0 < found.longest_answer_ms < 60_000
    assert 0 < found.longest_frame_ms <= 1000 * found.preview_s


def test_the_table_is_as_large_as_it_is_said_and_reads_as_numbers() -> None:
    content = numbers(100_000)
    assert 100_000 <= len(content) < 101_000
    found = bring(content)
    assert found.x.shape[1] == 15
    assert np.abs(found.x.mean(0)).max() < 0.2
    assert set(found.class_names) == {"a", "b", "c"}


def test_the_workbook_reads_as_the_same_kind_of_table() -> None:
    found = bring(workbook(300))
    assert (found.form, found.x.shape, found.class_names) == ("spreadsheet", (300, 15), ("a", "b", "c"))
    assert found.columns[:2] == ("x0", "x1")
    assert len(workbook(2000)) * 93 == pytest.approx(20e6, rel=0.03)
