"""Own data in browsers: from a dropped file to a trained model, its plane and its ELBO."""

import re
from typing import Final

import numpy as np
import pytest
from playwright.sync_api import FilePayload, Page, expect

from benchmarks.serving import Server
from tests.brought_files import npz, two_classes
from tests.browser.app.test_training_job import await_step, press, run_id, stop
from tests.browser.pages import NewPage, fits

NOISE: Final = np.random.RandomState(0)
TABLE: Final = "Länge;Breite;Art\n" + "".join(
    f"{i % 9},5;{'' if i == 3 else f'{i % 7},25'};{'Rose' if i % 3 else 'Tulpe'}\n" for i in range(60)
)
FILES: Final[dict[str, tuple[bytes, str]]] = {
    "flowers.csv": (TABLE.encode(), "59 rows of 2 numbers, 2 classes: Rose, Tulpe"),
    "photos.zip": (two_classes(60), "60 images of 12 × 12 pixels, 2 classes: day, night"),
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


@pytest.mark.parametrize("name", FILES)
def test_from_a_file_to_a_trained_model_its_plane_and_its_elbo(
    name: str, app_server: Server, page: Page
) -> None:
    drop(page, app_server, name)
    if name == "flowers.csv":
        box = page.locator(".st-key-data_draft_box")
        expect(box).to_contain_text("1 row without a number in ‘Breite’ is left out.")
        expect(box).to_contain_text("Decimal commas are read as decimal points.")
    page.locator(".st-key-data_draft_box").get_by_role("button", name="Train on it").click()
    press(page, "Start")
    await_step(page, 50)
    stop(page)
    run = run_id(page)
    title = name.split(".")[0]
    for path in ("latent_space", "elbo"):
        page.goto(f"{app_server.url}/{path}?run={run}")
        expect(page.get_by_text(re.compile(rf"{title} · J = 2"))).to_be_visible()
    expect(page.get_by_text("nats per example").first).to_be_visible()


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


def test_on_a_phone_a_file_becomes_a_trained_model(app_server: Server, new_page: NewPage) -> None:
    """Nothing on the way is wider than the window."""
    page = new_page(viewport={"width": 390, "height": 844})
    drop(page, app_server, "photos.zip")
    fits(page)
    page.locator(".st-key-data_draft_box").get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("photos is kept.")).to_be_visible()
    fits(page)
    page.locator(".st-key-data_train_kept").get_by_role("button", name="Train on it").click()
    press(page, "Start")
    await_step(page, 50)
    fits(page)
    stop(page)
