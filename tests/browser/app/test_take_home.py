"""Take home in a browser: the code of a run, downloaded and executed, prints what the board says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.serving import Server


def test_code_of_a_run_that_is_downloaded_prints_the_elbo_of_the_board(
    app_server: Server, page: Page, tmp_path: Path
) -> None:
    page.goto(f"{app_server.url}/train?hidden=8&num_epochs=3&beta=0.5")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("all 3 epochs are done")
    board = page.locator(".board")
    expect(board).to_have_attribute("data-step", "69")
    elbo = float(board.get_attribute("data-elbo") or "nan")
    page.locator(".st-key-take_home button:visible").click()
    dialogue = page.get_by_role("dialog", name="Take home")
    shown = dialogue.locator("pre code")
    expect(shown).to_contain_text("NUM_STEPS = 69")
    with page.expect_download() as download:
        dialogue.locator(".st-key-take_code button:visible").click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"run-[0-9a-f]{4}\.py", name)
    script = tmp_path / name
    download.value.save_as(script)
    assert "".join(script.read_text("utf-8").split()) == "".join(shown.inner_text().split())
    call = [sys.executable, "-I", os.fspath(script)]
    said = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path, check=True).stdout
    found = re.search(r"Held-out ELBO: (-\d+\.\d{4}) nats", said)
    assert found, said
    assert abs(float(found[1]) - elbo) < 0.006, "the board shows two digits"
    # Not Escape: that may close the tooltip of the button under the pointer alone.
    dialogue.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
