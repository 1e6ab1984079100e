"""The benchmark of the evidence runs, and its last line is JSON with real figures."""

import json
import math

import pytest

from benchmarks.evidence import METHODS, main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]["digits"]
    for method in METHODS:
        assert figures[method]["seconds"]["median"] > 0
        assert figures[method]["num_data"] == 20
        assert math.isfinite(figures[method]["error"])
    assert figures["importance"]["mean"] < figures["exact"]["mean"] + 0.1


def test_missing_folder_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/no/such/folder", "--quick"]) == 2
    assert "folder" in capsys.readouterr().err
