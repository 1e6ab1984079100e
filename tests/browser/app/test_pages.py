"""The pages in a browser: they fit the window, follow the theme, and open from a cold link."""

import re

import pytest
from playwright.sync_api import Page, expect

from benchmarks.serving import ENTRY, Server, start_server, stop_process
from tests.browser.pages import NewPage, ended, fits, has_large_targets, place, places
from tests.polling import until

SEEN = {
    "": "What happens while it learns?",
    "train": "to train your own: its curves take this place.",
    "runs": "No runs yet.",
    "latent_space": "Decoded grid",
    "elbo": "KL by latent dimension",
    "free_energy": "Which component generated x?",
    "gradients": "Four estimators of the gradient of an expectation",
    "priors": "A better prior for the example model",
    "data": "1,797 images of 8 × 8 pixels",
    "compare": "Nothing to compare yet",
}
PATHS = tuple(SEEN)
BACKGROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 22, 27)"}


def visit(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_text(SEEN[path]).first).to_be_visible()
    ended(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("path", ["latent_space", "elbo"])
def test_cold_link_on_a_fresh_server(
    new_page: NewPage, path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page = new_page(fresh=True)
    server = start_server(ENTRY, cwd=tmp_path_factory.mktemp("cold"), home=tmp_path_factory.mktemp("home"))
    try:
        visit(page, server, path)
        page.get_by_role("link", name="Train", exact=True).click()
        expect(page.get_by_text(SEEN["train"])).to_be_visible()
        # Before the process that trainings are copies of has loaded.
        page.get_by_role("button", name="Step", exact=True).click()
        expect(page.locator(".board")).to_have_attribute("data-step", "1")
    finally:
        page.close()
        stop_process(server.process)


@pytest.mark.parametrize("path", PATHS)
def test_phone_has_large_targets_and_no_horizontal_scroll(
    app_server: Server, new_page: NewPage, path: str
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visit(page, app_server, path)
    fits(page)
    has_large_targets(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_background_follows_the_system(app_server: Server, new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    visit(page, app_server, "train")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", BACKGROUND[scheme])


@pytest.mark.parametrize("size", [(1024, 768), (1280, 800), (1920, 1080)])
def test_whole_board_is_seen_without_scrolling(
    app_server: Server, new_page: NewPage, size: tuple[int, int]
) -> None:
    width, height = size
    page = new_page(viewport={"width": width, "height": height})
    visit(page, app_server, "train")
    board = page.locator(".board")
    expect(board.locator(".term.elbo strong")).to_have_text(re.compile("−24"))

    def are_inside() -> bool:
        boxes = places(board.locator("canvas"))
        return bool(boxes) and all(
            box["y"] >= 0 and box["y"] + box["height"] <= height and box["width"] >= 150 for box in boxes
        )

    # Once it stands still: the board measures its room again when something above it comes later.
    until(are_inside, f"every picture within {size}")
    links = page.get_by_test_id("stTopNav").get_by_role("link")
    expect(links).to_have_count(len(PATHS))


def test_a_sidebar_that_a_page_left_empty_takes_no_room(app_server: Server, page: Page) -> None:
    """Where a page is turned while a part of Train is drawn anew, Streamlit (1.67) leaves the empty block."""
    page.goto(f"{app_server.url}/train")
    sidebar, heading = page.get_by_test_id("stSidebar"), page.get_by_role("heading", name="Train")
    expect(sidebar.get_by_text("Data and model")).to_be_visible()
    beside = heading.bounding_box()
    block = sidebar.get_by_test_id("stSidebarUserContent").locator("> div > [data-testid=stVerticalBlock]")
    block.evaluate("(block) => block.replaceChildren()")
    expect(sidebar).to_be_hidden()
    alone = heading.bounding_box()
    assert beside is not None
    assert alone is not None
    assert beside["x"] - alone["x"] > 200


def test_a_first_step_takes_the_place_of_the_example(app_server: Server, page: Page) -> None:
    page.goto(f"{app_server.url}/train?num_epochs=50")
    board = page.locator(".board")
    example = board.element_handle()
    page.get_by_role("button", name="Step", exact=True).click()
    expect(board).to_have_attribute("data-step", "1")
    expect(board).to_have_attribute("data-owner", "you")
    expect(board).to_have_attribute("data-mounts", "1")
    assert example.evaluate("node => node.isConnected"), "the same board, with other data"
    bar = page.get_by_test_id("stProgress")
    until(lambda: place(bar)["y"] < place(board)["y"], "the bar above the board")
    script = """(board, bar) => {
        const before = board.getBoundingClientRect().y;
        bar.closest("[data-testid=stElementContainer]").style.display = "none";
        return board.getBoundingClientRect().y - before;
    }"""
    moved = board.evaluate(script, bar.element_handle())
    assert moved == 0, "a bar that comes and goes moves the board"
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".st-key-run_line")).to_contain_text("Stopped")


@pytest.mark.parametrize("width", [1024, 1280])
def test_buttons_of_train_keep_to_one_line_and_have_their_names(
    app_server: Server, page: Page, new_page: NewPage, width: int
) -> None:
    page.goto(f"{app_server.url}/train?hidden=8&num_epochs=1")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{16}"))
    watcher = new_page(viewport={"width": width, "height": 768})
    watcher.goto(page.url)
    head = watcher.locator(".st-key-train_head")
    expect(head.get_by_role("button", name="Take a copy", exact=True)).to_be_visible()
    for name in ("Resume", "Step", "Epoch", "Stop", "Reset", "Keep", "Present", "Share", "Take home"):
        expect(head.get_by_role("button", name=re.compile(rf"{name}$"))).to_be_visible()
    until(lambda: len({box["y"] for box in places(head.locator("button:visible"))}) == 1, "one line")
