"""The benchmark of many images works, and its last line is JSON with real figures."""

import json

import pytest

from benchmarks.large_data import QUICK, main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["images"] == QUICK
    assert figures["ratio"]["min"] > 0
    assert figures["seconds_to_load"] > 0
