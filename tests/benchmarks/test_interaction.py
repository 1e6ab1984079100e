"""The benchmark of the pages runs, and its last line is JSON with real figures."""

import json
import math

import pytest

from benchmarks.interaction import main


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    pictures = ("slider_to_picture, elbo", "slider_to_picture, latent_space")
    times = ("slider_to_number", "snapshot_to_board", "weights_to_plane", *pictures)
    assert set(figures) == {"digits", "784-400-2", "2000 data", *times}
    for name in ("digits", "784-400-2", "2000 data"):
        assert figures[name]["frames_per_second"] > 0, name
        assert figures[name]["messages"] == 0, "moving the pointer tells the server nothing"
    for name in times:
        assert all(math.isfinite(value) for value in figures[name].values()), name
