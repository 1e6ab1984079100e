"""A conditional run in a browser: trained on the digits, and looked at class by class."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import Server
from tests.browser.pages import WAIT_MS, NewPage, choose, fits
from tests.polling import until

DECODED: Final = "canvas => canvas.toDataURL()"


FEW: Final = "&dataset=bars&num_examples=100"
"""Four held-out images of a class: a ladder is climbed for each of them."""


@pytest.fixture
def conditional_run(app_server: Server, page: Page, request: pytest.FixtureRequest) -> str:
    """Id of a run of this browser; a parameter adds settings to its link."""
    more = getattr(request, "param", "")
    page.goto(f"{app_server.url}/train?hidden=8&num_epochs=3&condition=class{more}")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("all 3 epochs are done", timeout=WAIT_MS)
    # The line comes before the board, which has the example model until then, and no id.
    board = page.locator(".board")
    expect(board).to_have_attribute("data-run", re.compile("[0-9a-f]{16}"))
    return board.get_attribute("data-run") or ""


def test_a_conditional_run_shows_the_class_that_is_chosen(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?hidden=32&num_epochs=20&learning_rate=0.01")
    choose(page, "Condition on y", "the class")
    expect(page).to_have_url(re.compile("condition=class"))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("Finished", timeout=WAIT_MS)
    expect(page.get_by_text("the decoded grid has one y for all z")).to_be_visible()
    expect(page.locator("section.grid h2")).to_contain_text("given y = 0")
    expect(page.locator("section.reconstruction h2")).to_contain_text("[log p(x|z, y)]")
    page.get_by_role("link", name="Latent space", exact=True).click()
    row = page.locator(".st-key-style_row")
    expect(row.get_by_text("the example, y = 0")).to_be_visible(timeout=WAIT_MS)
    expect(row.get_by_role("img")).to_have_count(11)
    expect(page.get_by_role("heading", name="Decoded E[x|z, y]")).to_be_visible()
    canvas = page.locator("canvas.picture").first
    before = until(lambda: canvas.evaluate(DECODED), "a decoded picture")
    choose(page, "Class y", "4")
    expect(row.get_by_text("the example, y = 4")).to_be_visible(timeout=WAIT_MS)
    until(lambda: canvas.evaluate(DECODED) != before, "the picture that is decoded given the other class")
    expect(page).to_have_url(re.compile("given_class=4"))
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page)


@pytest.mark.parametrize(
    ("conditional_run", "place", "button", "said"),
    [
        ("", "elbo?elbo_view=bits_back", "bits_back_start", "images identical"),
        (FEW, "elbo?elbo_view=ladder", "ladder_many_start", "standard error of a mean over them"),
        (
            "",
            "gradients?gradients_view=importance_weighted",
            "signal_start",
            "of the signal to noise that",
        ),
    ],
    indirect=["conditional_run"],
)
def test_tasks_of_a_conditional_run_are_of_the_class(
    app_server: Server, page: Page, conditional_run: str, place: str, button: str, said: str
) -> None:
    page.goto(f"{app_server.url}/{place}&run={conditional_run}&given_class=3")
    page.locator(f".st-key-{button} button:visible").click(timeout=WAIT_MS)
    expect(page.get_by_text(said).first).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("y = 3").first).to_be_visible()
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


def test_a_number_as_y_from_the_setting_to_a_traversal(
    app_server: Server, page: Page, new_page: NewPage, tmp_path: Path
) -> None:
    """Each browser chooses the y of its grid for itself, and the code of the run prints the same ELBO."""
    page.goto(f"{app_server.url}/train?dataset=strokes&num_examples=400&hidden=16&num_epochs=4")
    choose(page, "Condition on y", "a number")
    choose(page, "Number y", "bend")
    expect(page).to_have_url(re.compile("condition_on=bend"))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("all 4 epochs are done", timeout=WAIT_MS)
    title = page.locator("section.grid h2")
    expect(title).to_contain_text("given y = 0")
    board = page.locator(".board")
    run = board.get_attribute("data-run") or ""
    other = new_page()
    other.goto(f"{app_server.url}/train?run={run}")
    expect(other.locator("section.grid h2")).to_contain_text("given y = 0", timeout=WAIT_MS)
    slider = page.get_by_role("slider", name="Decoded grid given y")
    slider.focus()
    slider.press("End")
    expect(title).to_contain_text("given y = 0.25")
    other.get_by_role("slider", name="Decoded grid given y").press("Home")
    expect(other.locator("section.grid h2")).to_contain_text("given y = -0.25")
    expect(title).to_contain_text("given y = 0.25")
    _code_prints_the_elbo(page, tmp_path, "given bend y = ")
    page.goto(f"{app_server.url}/latent_space?run={run}")
    row = page.locator(".st-key-style_row")
    expect(row.get_by_text("the example, y = 0", exact=True)).to_be_visible(timeout=WAIT_MS)
    expect(row.get_by_role("img")).to_have_count(10)
    page.get_by_role("slider", name="Number y: bend").press("Home")
    expect(row.get_by_text("the example, y = -0.25")).to_be_visible(timeout=WAIT_MS)
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page)


def test_code_of_a_conditional_run_prints_the_elbo_of_the_board(
    app_server: Server, page: Page, conditional_run: str, tmp_path: Path
) -> None:
    page.goto(f"{app_server.url}/train?run={conditional_run}")
    expect(page.locator(".board")).to_have_attribute("data-run", conditional_run)
    _code_prints_the_elbo(page, tmp_path, "given the class y = 0")


def _code_prints_the_elbo(page: Page, folder: Path, given: str) -> None:
    """Of the run in view; the page that is taken home with it says what it is given."""
    elbo = float(page.locator(".board").get_attribute("data-elbo") or "nan")
    page.locator(".st-key-take_home button:visible").click()
    dialogue = page.get_by_role("dialog", name="Take home")
    expect(dialogue.get_by_text("those given y = 0")).to_be_visible()
    for kind in ("code", "page"):
        with page.expect_download() as download:
            dialogue.locator(f".st-key-take_{kind} button:visible").click()
        download.value.save_as(folder / kind)
    assert given in (folder / "page").read_text("utf-8")
    call = [sys.executable, "-I", os.fspath(folder / "code")]
    said = subprocess.run(call, capture_output=True, text=True, cwd=folder, check=True).stdout
    found = re.search(r"Held-out ELBO: (-\d+\.\d{4}) nats", said)
    assert found, said
    assert abs(float(found[1]) - elbo) < 0.006, "the board shows two digits"
