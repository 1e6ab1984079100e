"""The list of runs in a browser: named, deleted, taken back, taken home, brought in again as the same run."""

import io
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from tests.browser.app.test_training_job import start
from tests.browser.pages import ended, places
from tests.polling import until
from vae_core.runs.runfile import stated_digest

SHORT = "?hidden=8&num_epochs=1&batch_size=256"
NAME = "β = 1, **Tuesday** <b>"


def rows(page: Page) -> Locator:
    return page.locator("[class*='st-key-run_row_']")


def choose(page: Page, row: Locator, option: str) -> None:
    row.get_by_role("button", name="More").first.click()
    page.get_by_role("menuitem", name=option).or_(page.get_by_role("option", name=option)).first.click()


def test_run_is_renamed_deleted_taken_back_downloaded_and_uploaded_as_the_same(
    app_server: Server, page: Page, tmp_path: Path
) -> None:
    run_id = start(page, app_server, SHORT)
    expect(page.locator(".st-key-run_line")).to_contain_text("Finished")
    page.goto(f"{app_server.url}/runs?run={run_id}")
    row = rows(page)
    expect(row).to_have_count(1)
    expect(row.get_by_role("img")).to_be_visible()
    page.set_viewport_size({"width": 1024, "height": 768})
    actions = row.locator("[class*=st-key-run_actions_] button:visible")
    expect(actions).to_have_count(4)
    # Once it stands still: the window has changed its width a moment ago.
    until(lambda: len({box["y"] for box in places(actions)}) == 1, "the buttons of a run stand in one line")

    choose(page, row, "Name, note and tags")
    dialogue = page.get_by_role("dialog")
    dialogue.get_by_role("textbox", name="Name").fill(NAME)
    dialogue.get_by_role("textbox", name="Tags").fill("lesson 3, β")
    dialogue.get_by_role("button", name="Save").first.click()
    expect(dialogue).to_have_count(0)
    expect(row).to_contain_text(NAME)
    expect(row).to_contain_text("lesson 3")

    choose(page, row, "Delete")
    expect(rows(page)).to_have_count(0)
    assert not (app_server.home / "runs" / run_id).exists()
    page.locator(".st-key-runs_undo").get_by_role("button").first.click()
    expect(row).to_contain_text(NAME)
    page.reload()
    expect(row).to_contain_text(NAME)

    ended(page)
    with page.expect_download() as download:
        row.get_by_role("button", name="Download").first.click()
    file = tmp_path / download.value.suggested_filename
    assert re.fullmatch(rf"β-1-Tuesday-b-{run_id[:4]}\.safetensors", file.name)
    download.value.save_as(file)
    kept = app_server.home / "runs" / run_id / "run.safetensors"
    assert file.read_bytes() == kept.read_bytes()
    choose(page, row, "Delete")
    expect(rows(page)).to_have_count(0)

    page.locator("input[type=file]").set_input_files(file)
    expect(row).to_contain_text("β-1-Tuesday-b")
    expect(page.get_by_text(f"{file.name} is in the list.")).to_be_visible()
    expect(row).to_contain_text("finished")
    (uploaded,) = [path for path in (app_server.home / "runs").iterdir() if same_run(path, file.read_bytes())]
    assert uploaded.name != run_id
    ended(page)
    row.get_by_role("button", name="Open").first.click()
    expect(page.locator(".st-key-run_line")).to_contain_text("Uploaded; it stands at step")


def same_run(folder: Path, content: bytes) -> bool:
    path = folder / "run.safetensors"
    if not path.exists():
        return False
    with path.open("rb") as file:
        return stated_digest(file) == stated_digest(io.BytesIO(content))
