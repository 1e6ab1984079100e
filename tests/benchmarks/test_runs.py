"""The benchmark of the list of runs works, and its last line is JSON with real figures."""

import json

import pytest

from benchmarks.runs import QUICK, main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["runs"] == QUICK
    assert [mark["step"] for mark in figures["kept"]] == [8, 32]
    assert all(seconds > 0 for seconds in figures["seconds"].values())
