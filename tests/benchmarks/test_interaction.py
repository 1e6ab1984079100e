"""The benchmark of the pages runs, and its last line is JSON with real figures."""

import json
import math
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from benchmarks import interaction
from benchmarks.browsing import FLAGS, find_browser
from benchmarks.interaction import Picture, Visits, main, picture

PAGE = """<div data-testid="stApp" data-test-script-state="notRunning"><p id="shown">2</p>
<label>Moves <input type="range" min="1" max="3" value="2" oninput="shown.textContent = value"></label>
<label>Idle <input type="range" min="1" max="3" value="2"></label></div>"""


def test_the_benchmark_runs_and_its_figures_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    pictures = ("slider_to_picture, elbo, first", "slider_to_picture, latent_space, first")
    times = ("slider_to_number", "snapshot_to_board", "weights_to_plane", *pictures)
    assert set(figures) == {"digits", "784-400-2", "2000 data", *times}
    for name in ("digits", "784-400-2", "2000 data"):
        assert figures[name]["frames_per_second"] > 0, name
        assert figures[name]["messages"] == 0, "moving the pointer tells the server nothing"
    for name in times:
        assert all(math.isfinite(value) for value in figures[name].values()), name


def visits(folder: Path, slider: str, presses: int) -> dict[str, Visits]:
    (folder / "page.html").write_text(PAGE, "utf-8")
    case = Picture("page.html", slider, "ArrowRight", "#shown")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(playwright), args=list(FLAGS))
        try:
            return picture(browser.new_context(), folder.as_uri(), case, presses)
        finally:
            browser.close()


def test_a_slider_turns_round_at_its_ends_and_new_values_are_told_from_old_ones(tmp_path: Path) -> None:
    """2, then 3 (left out), 2, 1, 2, 3, 2, 1."""
    found = visits(tmp_path, "Moves", 6)
    assert {visit: times.presses for visit, times in found.items()} == {"first": 1, "again": 5}


def test_a_slider_that_changes_nothing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interaction, "PATIENCE_S", 0.3)
    with pytest.raises(RuntimeError, match=r"ArrowRight on “Idle” at 2 changed no picture within 0\.3 s"):
        visits(tmp_path, "Idle", 3)
