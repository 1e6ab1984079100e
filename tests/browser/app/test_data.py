"""Own data in browsers: from a dropped file to a trained model, its plane and its ELBO."""

import re
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from benchmarks.serving import Server
from tests.brought_files import Cell, Percent, npz, two_classes, workbook
from tests.browser.app.test_training_job import await_step, press, run_id, stop
from tests.browser.pages import PIXELS, NewPage, fits, has_large_targets

NOISE: Final = np.random.RandomState(0)
TABLE: Final = "Länge;Breite;Art\n" + "".join(
    f"{i % 9},5;{'' if i == 3 else f'{i % 7},25'};{'Rose' if i % 3 else 'Tulpe'}\n" for i in range(60)
)
SHEET: Final[list[list[Cell]]] = [
    ["Measured in the garden"],
    ["length", "share", "kind"],
    *([i % 9 + 0.5, Percent(i % 7 / 10), "rose" if i % 3 else "tulip"] for i in range(60)),
]
FILES: Final[dict[str, tuple[bytes, str]]] = {
    "flowers.csv": (TABLE.encode(), "59 rows of 2 numbers, 2 classes: Rose, Tulpe"),
    "garden.xlsx": (
        workbook({"May": SHEET, "June": SHEET[:20]}),
        "60 rows of 2 numbers, 2 classes: rose, tulip",
    ),
    "photos.zip": (two_classes(60), "60 images of 12 × 12 pixels, 2 classes: day, night"),
    "colours.zip": (two_classes(60, in_colour=True), "60 images of 12 × 12 pixels, 2 classes: day, night"),
    "arrays.npz": (npz(x=NOISE.rand(60, 6, 6), y=np.arange(60) % 3), "60 images of 6 × 6 pixels, 3 classes"),
}


def drop(page: Page, server: Server, name: str) -> None:
    """Drops a file and waits for its preview."""
    content, words = FILES[name]
    page.goto(f"{server.url}/data")
    expect(page.get_by_text("Or paste a table")).to_be_visible()
    file: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(file)
    expect(page.locator(".st-key-data_draft_box")).to_contain_text(words)


def keep_colours(page: Page) -> None:
    page.locator("[class*='st-key-data_choice_colours']").get_by_text("kept", exact=True).click()
    expect(page.locator(".st-key-data_draft_box")).to_contain_text("60 images of 12 × 12 pixels in colour")


def on_a_phone(new_page: NewPage) -> Page:
    return new_page(viewport={"width": 390, "height": 844}, has_touch=True)


@pytest.mark.parametrize(
    ("name", "is_phone"), [("flowers.csv", False), *((name, True) for name in FILES)], ids=str
)
def test_from_a_file_to_a_trained_model_its_plane_and_its_elbo(
    name: str, is_phone: bool, app_server: Server, new_page: NewPage
) -> None:
    """Nothing on the way is wider than the window."""
    page = on_a_phone(new_page) if is_phone else new_page()
    drop(page, app_server, name)
    box = page.locator(".st-key-data_draft_box")
    if name == "flowers.csv":
        expect(box).to_contain_text("1 row without a number in ‘Breite’ is left out.")
        expect(box).to_contain_text("Decimal commas are read as decimal points.")
    if name == "garden.xlsx":
        expect(box).to_contain_text("The sheet ‘May’ is read, one of 2.")
        expect(box).to_contain_text("What stands above the table is left out: ‘Measured in the garden’.")
        expect(box).to_contain_text("Percentages are read as fractions: 5 % is 0.05.")
    if name == "colours.zip":
        keep_colours(page)
    fits(page)
    if name == "photos.zip":
        box.get_by_role("button", name="Keep it").click()
        expect(page.get_by_text("photos is kept.")).to_be_visible()
        box = page.locator(".st-key-data_train_kept")
        fits(page)
    box.get_by_role("button", name="Train on it").click()
    press(page, "Start")
    await_step(page, 50)
    fits(page)
    stop(page)
    run, title = run_id(page), name.split(".")[0]
    page.goto(f"{app_server.url}/latent_space?run={run}")
    expect(page.get_by_text(re.compile(rf"{title} · J = 2"))).to_be_visible()
    explorer = page.locator(".explorer")
    expect(explorer).to_have_attribute("data-frames", re.compile(r"\d"))
    expect(explorer.locator(".legend button")).to_have_count(3 if name == "arrays.npz" else 2)
    if name == "colours.zip":
        levels = np.array(explorer.locator(".picture").evaluate(PIXELS)).reshape(-1, 4)
        assert np.ptp(levels[:, :3], axis=1).max() > 20, "the decoded image has colours"
    fits(page)
    page.goto(f"{app_server.url}/elbo?run={run}")
    expect(page.get_by_text(re.compile(rf"{title} · J = 2"))).to_be_visible()
    expect(page.get_by_text("nats per example").first).to_be_visible()
    fits(page)


def test_what_a_phone_presses_is_large_before_a_file_is_used_and_after(
    app_server: Server, new_page: NewPage
) -> None:
    """Each switch of a draft, the settings of a condition on a number, and what is done with a data set."""
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    drop(page, app_server, "flowers.csv")
    has_large_targets(page)
    page.get_by_text("As recognised; each can be changed").click()
    has_large_targets(page)
    page.locator(".st-key-data_draft_box").get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("flowers is kept.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Remove it")).to_be_visible()
    has_large_targets(page)
    page.goto(f"{app_server.url}/train?dataset=sprites&num_examples=300&condition=number")
    expect(page.locator(".board")).to_be_visible()
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_role("combobox", name="Number y")).to_be_visible()
    has_large_targets(page)


def test_what_one_browser_brings_another_does_not_see_but_by_the_link_of_a_run(
    app_server: Server, page: Page, new_page: NewPage
) -> None:
    drop(page, app_server, "flowers.csv")
    page.locator(".st-key-data_title input, [class*='st-key-data_title'] input").fill("secret garden")
    page.locator(".st-key-data_draft_box").get_by_role("button", name="Train on it").click()
    press(page, "Start")
    await_step(page, 0)
    stop(page)
    run = run_id(page)
    other = new_page()
    other.goto(f"{app_server.url}/data")
    menu = other.locator(".st-key-data_chosen")
    expect(menu).to_be_visible()
    menu.get_by_role("combobox").click()
    expect(other.get_by_role("option", name="Two moons")).to_be_visible()
    expect(other.get_by_role("option", name="secret garden")).to_have_count(0)
    other.goto(f"{app_server.url}/elbo?run={run}")
    expect(other.get_by_text(re.compile("secret garden · J = 2"))).to_be_visible()
