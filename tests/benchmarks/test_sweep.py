"""The benchmark of models trained together works, and its last line is JSON with real figures."""

import json

import pytest

from benchmarks.sweep import COUNTS, main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    for name in ("beta", "seeds"):
        assert [one["models"] for one in figures[name]] == list(COUNTS)
        assert all(one["ratio"]["min"] > 0 for one in figures[name])
    assert min(figures["seconds"].values()) > 0
