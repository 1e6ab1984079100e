"""The Start page in a real browser: the point wanders, follows the hand, and shows what the model decodes."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, expect

from benchmarks.serving import Server
from dashboard.runs.pretrained import SHIPPED_SNAPSHOT
from dashboard.shell.pages import LABORATORIES, MODEL
from dashboard.theme import CLASSES, CONCEPTS, ThemeName
from tests.browser.pages import NewPage, pixels_near, place, sent_messages
from vae_core.runs.snapshot import Snapshot, read_snapshot

COUNT_FRAMES = (
    "window.frames_drawn = 0;"
    "const put = CanvasRenderingContext2D.prototype.putImageData;"
    "CanvasRenderingContext2D.prototype.putImageData = function (...image) {"
    "  window.frames_drawn++;"
    "  return put.apply(this, image);"
    "};"
)


@pytest.fixture(scope="module")
def shipped() -> Snapshot:
    """What the page draws from."""
    return read_snapshot(SHIPPED_SNAPSHOT)


def opened(page: Page, server: Server) -> Locator:
    """Opens the page and waits for the walk."""
    page.goto(server.url)
    walk = page.locator(".walk")
    expect(walk.locator(".z")).to_have_text(re.compile(r"z = \("), timeout=20_000)
    return walk


def latent(walk: Locator) -> NDArray[np.float64]:
    """The point z that the caption names."""
    text = str(walk.locator(".z").text_content()).replace("−", "-")
    return np.array(re.findall(r"-?\d+\.\d+", text), float)


def picture(walk: Locator) -> NDArray[np.int64]:
    """The decoded image as it stands in its canvas, grey levels of shape (8, 8)."""
    script = """canvas => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return Array.from(data).filter((_, i) => i % 4 === 0);
    }"""
    return np.array(walk.locator(".picture canvas").evaluate(script)).reshape(8, 8)


def place_of(box: FloatRect, z: tuple[float, float]) -> tuple[float, float]:
    """Where z lies in the window: the plane shows 3.3 std about 0, one unit equally long both ways."""
    width, height = box["width"] - 52, box["height"] - 30
    unit = min(width, height) / 6.6
    return box["x"] + 44 + width / 2 + z[0] * unit, box["y"] + 8 + height / 2 - z[1] * unit


def point_at(page: Page, walk: Locator, z: tuple[float, float]) -> None:
    page.mouse.move(*place_of(place(walk.locator(".dot")), z))
    page.wait_for_timeout(100)


def moved(page: Page, walk: Locator, milliseconds: int) -> float:
    """How far the point has gone meanwhile."""
    before = latent(walk)
    page.wait_for_timeout(milliseconds)
    return float(np.abs(latent(walk) - before).max())


def test_point_wanders_by_itself(app_server: Server, page: Page) -> None:
    walk = opened(page, app_server)
    before = picture(walk)
    assert moved(page, walk, 600) > 0.1
    assert np.abs(picture(walk) - before).max() > 10
    for _ in range(5):
        page.wait_for_timeout(300)
        assert np.abs(latent(walk)).max() <= 1.61, latent(walk)


@pytest.mark.parametrize("node", [(0, 0), (23, 0), (0, 23), (23, 23), (3, 20), (20, 4), (12, 11)])
def test_picture_at_a_node_is_the_grids(
    app_server: Server, page: Page, shipped: Snapshot, node: tuple[int, int]
) -> None:
    walk = opened(page, app_server)
    column, row = node
    axis = shipped.grid_axis
    point_at(page, walk, (float(axis[column]), float(axis[row])))
    assert latent(walk) == pytest.approx([axis[column], axis[row]], abs=0.006), latent(walk)
    expected = np.round(shipped.grid[23 - row, column] * 255).reshape(8, 8)
    assert np.abs(picture(walk) - expected).max() <= 2, picture(walk) - expected


def test_picture_between_nodes_is_their_blend(app_server: Server, page: Page, shipped: Snapshot) -> None:
    walk = opened(page, app_server)
    axis = shipped.grid_axis
    middle = (float(axis[0] + axis[1]) / 2, float(axis[22] + axis[23]) / 2)
    point_at(page, walk, middle)
    expected = shipped.grid[0:2, 0:2].mean(axis=(0, 1)).reshape(8, 8) * 255
    assert np.abs(picture(walk) - expected).max() <= 2, picture(walk) - expected


def test_point_stays_on_the_grid(app_server: Server, page: Page, shipped: Snapshot) -> None:
    walk = opened(page, app_server)
    point_at(page, walk, (2.9, -3.1))
    edge = float(shipped.grid_axis[-1])
    assert latent(walk) == pytest.approx([edge, -edge], abs=0.006), latent(walk)


def test_point_rests_after_the_pointer_then_wanders_on(app_server: Server, page: Page) -> None:
    walk = opened(page, app_server)
    point_at(page, walk, (0.5, -1.0))
    assert moved(page, walk, 500) == 0, "wanders under the pointer"
    page.mouse.move(5, 5)
    assert moved(page, walk, 1500) == 0, "does not rest"
    page.wait_for_timeout(500)
    assert 0 < moved(page, walk, 300) < 1, "does not wander on, or jumps"


def test_finger_moves_the_point(app_server: Server, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    walk = opened(page, app_server)
    page.touchscreen.tap(*place_of(place(walk.locator(".dot")), (1.0, -0.5)))
    page.wait_for_timeout(100)
    assert latent(walk) == pytest.approx([1.0, -0.5], abs=0.03), latent(walk)


def test_keys_move_the_point(app_server: Server, page: Page) -> None:
    walk = opened(page, app_server)
    dot = walk.locator(".dot")
    dot.focus()
    page.keyboard.press("ArrowRight")
    before = latent(walk)
    for key, change in (("ArrowUp", (0, 0.1)), ("ArrowLeft", (-0.1, 0)), ("Shift+ArrowDown", (0, -0.02))):
        page.keyboard.press(key)
        assert latent(walk) - before == pytest.approx(change, abs=0.011), key
        before = latent(walk)
    expect(dot).to_have_attribute("aria-valuetext", str(walk.locator(".z").text_content()))
    assert moved(page, walk, 2500) == 0, "wanders away from the keys"


def test_pause_stops_and_play_goes_on(app_server: Server, page: Page) -> None:
    walk = opened(page, app_server)
    button = walk.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Play")
    page.wait_for_timeout(50)
    assert moved(page, walk, 500) == 0
    page.keyboard.press("Space")
    expect(button).to_have_text("Pause")
    assert moved(page, walk, 500) > 0.1


def test_reduced_motion_stands_still_until_moved(app_server: Server, new_page: NewPage) -> None:
    page = new_page(reduced_motion="reduce")
    walk = opened(page, app_server)
    expect(walk.get_by_role("button")).to_have_text("Play")
    assert moved(page, walk, 500) == 0
    point_at(page, walk, (-1.0, 1.0))
    assert latent(walk) == pytest.approx([-1.0, 1.0], abs=0.03), latent(walk)
    page.mouse.move(5, 5)
    assert moved(page, walk, 2500) == 0


def test_draws_only_while_something_moves_in_sight(app_server: Server, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 500})
    page.add_init_script(COUNT_FRAMES)
    walk = opened(page, app_server)
    page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    page.wait_for_timeout(300)
    hidden = page.evaluate("window.frames_drawn")
    page.wait_for_timeout(500)
    assert page.evaluate("window.frames_drawn") == hidden, "draws out of sight"
    walk.get_by_role("button").click()
    page.wait_for_timeout(2000)
    resting = page.evaluate("window.frames_drawn")
    page.wait_for_timeout(500)
    assert page.evaluate("window.frames_drawn") == resting > hidden, "draws although nothing moves"


def test_nothing_is_sent_to_the_server(app_server: Server, page: Page) -> None:
    sent = sent_messages(page)
    walk = opened(page, app_server)
    page.wait_for_timeout(1000)
    before = len(sent)
    point_at(page, walk, (1.0, 1.0))
    walk.locator(".dot").press("ArrowUp")
    walk.get_by_role("button").click()
    page.wait_for_timeout(300)
    assert (before > 0, len(sent)) == (True, before), sent[before:]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_fits_the_window(app_server: Server, new_page: NewPage, width: int, height: int) -> None:
    page = new_page(viewport={"width": width, "height": height})
    walk = opened(page, app_server)
    box = place(walk.locator(".picture canvas"))
    assert box["width"] == pytest.approx(box["height"], abs=1), box
    assert box["y"] + box["height"] <= height, box
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    links = page.get_by_test_id("stPageLink")
    expect(links).to_have_count(len(MODEL) + len(LABORATORIES))
    if width == 1280:
        bottoms = [place(link)["y"] + place(link)["height"] for link in links.all()[: len(MODEL)]]
        assert max(bottoms) <= height, bottoms


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_draws_in_the_colours_of_the_theme(app_server: Server, new_page: NewPage, scheme: ThemeName) -> None:
    walk = opened(new_page(color_scheme=scheme), app_server)
    assert pixels_near(walk.locator(".dot"), CONCEPTS[scheme]["decoded"]) > 100
    for colour in CLASSES[scheme]:
        assert pixels_near(walk.locator(".map"), colour) > 10, colour
    for canvas in walk.locator("canvas").all():
        assert canvas.get_attribute("aria-label"), canvas


def test_cards_lead_to_the_pages(app_server: Server, page: Page) -> None:
    opened(page, app_server)
    page.get_by_test_id("stPageLink").get_by_text("ELBO").click()
    expect(page).to_have_url(re.compile(r"/elbo(\?|$)"))
