"""The benchmark of kept steps runs, and its last line is JSON with real figures."""

import json

import pytest

from benchmarks.kept_steps import main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    first, last = told["figures"]["digits"]
    assert (first["step"], last["step"]) == (8, 32)
    assert (first["kept"], last["kept"]) == (7, 11)
    assert 0 < first["megabytes"] < last["megabytes"]
    assert 0 < last["share"] < 1


def test_missing_folder_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/no/such/folder", "--quick"]) == 2
    assert "folder" in capsys.readouterr().err
