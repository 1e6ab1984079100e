"""The moving picture of the Start page: z moves by itself or by hand, and its decoded image follows."""

import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, expect

from dashboard.components.walk.element import walk_payload
from dashboard.runs.pretrained import PRETRAINED_SNAPSHOT
from dashboard.theme import CLASSES, CONCEPTS, ThemeName
from tests.browser.elements.mounting import Mounted, open_element
from tests.browser.pages import NewPage, pixels_near, place
from tests.polling import until
from vae_core.runs.snapshot import Snapshot, read_snapshot

COUNT_FRAMES = (
    "window.frames_drawn = 0;"
    "const put = CanvasRenderingContext2D.prototype.putImageData;"
    "CanvasRenderingContext2D.prototype.putImageData = function (...image) {"
    "  window.frames_drawn++;"
    "  return put.apply(this, image);"
    "};"
)
STANDS_AT_MS = 1_000_000
"""Where the clock is stopped: later than a busy machine has the element ready."""
FRAME_MS = 50
"""Longer than a frame of the browser's clock, which these tests move on by hand."""


@pytest.fixture(scope="module")
def pretrained() -> Snapshot:
    """What the element draws from."""
    return read_snapshot(PRETRAINED_SNAPSHOT)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page in a context of its own, whose clock the tests replace."""
    return new_page(fresh=True)


def mounted_walk(page: Page, snapshot: Snapshot, *, scheme: ThemeName = "light") -> Mounted:
    """The element, told of a snapshot; its clock stands from then on."""
    page.clock.install(time=0)
    mounted = open_element(page, "walk", scheme=scheme)
    page.clock.pause_at(STANDS_AT_MS)
    mounted.give(json.dumps(walk_payload(snapshot)).encode())
    page.clock.run_for(FRAME_MS)
    expect(page.locator(".walk .z")).to_have_text(re.compile(r"z = \("))
    return mounted


def opened(page: Page, snapshot: Snapshot, *, scheme: ThemeName = "light") -> Locator:
    """Root of the mounted element."""
    mounted_walk(page, snapshot, scheme=scheme)
    return page.locator(".walk")


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
    page.clock.run_for(FRAME_MS)


def moved(page: Page, walk: Locator, milliseconds: int) -> float:
    """How far z goes meanwhile."""
    before = latent(walk)
    page.clock.run_for(milliseconds)
    return float(np.abs(latent(walk) - before).max())


def test_z_moves_by_itself(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    before = picture(walk)
    assert moved(page, walk, 600) > 0.1
    assert np.abs(picture(walk) - before).max() > 10
    for _ in range(20):
        page.clock.run_for(1000)
        assert np.abs(latent(walk)).max() <= 1.61, latent(walk)


@pytest.mark.parametrize("node", [(0, 0), (23, 0), (0, 23), (23, 23), (3, 20), (20, 4), (12, 11)])
def test_picture_at_a_node_is_the_grids(page: Page, pretrained: Snapshot, node: tuple[int, int]) -> None:
    walk = opened(page, pretrained)
    column, row = node
    axis = pretrained.grid_axis
    point_at(page, walk, (float(axis[column]), float(axis[row])))
    assert latent(walk) == pytest.approx([axis[column], axis[row]], abs=0.006), latent(walk)
    expected = np.round(pretrained.grid[23 - row, column] * 255).reshape(8, 8)
    assert np.abs(picture(walk) - expected).max() <= 2, picture(walk) - expected


def test_picture_between_nodes_is_their_blend(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    axis = pretrained.grid_axis
    middle = (float(axis[0] + axis[1]) / 2, float(axis[22] + axis[23]) / 2)
    point_at(page, walk, middle)
    expected = pretrained.grid[0:2, 0:2].mean(axis=(0, 1)).reshape(8, 8) * 255
    assert np.abs(picture(walk) - expected).max() <= 2, picture(walk) - expected


def test_z_stays_on_the_grid(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    point_at(page, walk, (2.9, -3.1))
    edge = float(pretrained.grid_axis[-1])
    assert latent(walk) == pytest.approx([edge, -edge], abs=0.006), latent(walk)


def test_z_rests_after_the_pointer_then_moves_on(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    point_at(page, walk, (0.5, -1.0))
    assert moved(page, walk, 5000) == 0, "moves on its own under the pointer"
    page.mouse.move(5, 5)
    assert moved(page, walk, 1500) == 0, "does not rest"
    page.clock.run_for(500)
    assert 0 < moved(page, walk, 300) < 1, "does not move on, or jumps"


def test_finger_moves_z(new_page: NewPage, pretrained: Snapshot) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, fresh=True)
    walk = opened(page, pretrained)
    page.touchscreen.tap(*place_of(place(walk.locator(".dot")), (1.0, -0.5)))
    page.clock.run_for(FRAME_MS)
    assert latent(walk) == pytest.approx([1.0, -0.5], abs=0.03), latent(walk)


def test_keys_move_z(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    dot = walk.locator(".dot")
    dot.focus()
    page.keyboard.press("ArrowRight")
    before = latent(walk)
    for key, change in (("ArrowUp", (0, 0.1)), ("ArrowLeft", (-0.1, 0)), ("Shift+ArrowDown", (0, -0.02))):
        page.keyboard.press(key)
        assert latent(walk) - before == pytest.approx(change, abs=0.011), key
        before = latent(walk)
    expect(dot).to_have_attribute("aria-valuetext", str(walk.locator(".z").text_content()))
    assert moved(page, walk, 5000) == 0, "moves on its own after a key"


def test_pause_stops_and_play_goes_on(page: Page, pretrained: Snapshot) -> None:
    walk = opened(page, pretrained)
    button = walk.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Play")
    assert moved(page, walk, 5000) == 0
    page.keyboard.press("Space")
    expect(button).to_have_text("Pause")
    assert moved(page, walk, 500) > 0.1


def test_reduced_motion_stands_still_until_moved(new_page: NewPage, pretrained: Snapshot) -> None:
    page = new_page(reduced_motion="reduce", fresh=True)
    walk = opened(page, pretrained)
    expect(walk.get_by_role("button")).to_have_text("Play")
    assert moved(page, walk, 5000) == 0
    point_at(page, walk, (-1.0, 1.0))
    assert latent(walk) == pytest.approx([-1.0, 1.0], abs=0.03), latent(walk)
    page.mouse.move(5, 5)
    assert moved(page, walk, 5000) == 0


def test_draws_only_while_something_moves(page: Page, pretrained: Snapshot) -> None:
    page.add_init_script(COUNT_FRAMES)
    walk = opened(page, pretrained)
    before = page.evaluate("window.frames_drawn")
    page.clock.run_for(1000)
    playing = page.evaluate("window.frames_drawn")
    assert playing - before > 30, "draws less than at every other frame"
    walk.get_by_role("button").click()
    page.clock.run_for(3000)
    resting = page.evaluate("window.frames_drawn")
    page.clock.run_for(3000)
    assert page.evaluate("window.frames_drawn") == resting, "draws although nothing moves"


def test_draws_nothing_out_of_sight(page: Page, pretrained: Snapshot) -> None:
    page.add_init_script(COUNT_FRAMES)
    opened(page, pretrained)
    page.evaluate("document.querySelector('#host').style.cssText = 'display: block; margin-top: 200vh'")

    def is_still() -> bool:
        before = page.evaluate("window.frames_drawn")
        page.clock.run_for(1000)
        return page.evaluate("window.frames_drawn") == before

    until(is_still, "no frame while out of sight")


def test_nothing_is_told_to_the_server(page: Page, pretrained: Snapshot) -> None:
    mounted = mounted_walk(page, pretrained)
    walk = page.locator(".walk")
    page.clock.run_for(1000)
    point_at(page, walk, (1.0, 1.0))
    walk.locator(".dot").press("ArrowUp")
    walk.get_by_role("button").click()
    page.clock.run_for(1000)
    assert mounted.sent == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_draws_in_the_colours_of_the_theme(page: Page, pretrained: Snapshot, scheme: ThemeName) -> None:
    walk = opened(page, pretrained, scheme=scheme)
    assert pixels_near(walk.locator(".dot"), CONCEPTS[scheme]["decoded"]) > 100
    for colour in CLASSES[scheme]:
        assert pixels_near(walk.locator(".map"), colour) > 10, colour
    for canvas in walk.locator("canvas").all():
        assert canvas.get_attribute("aria-label"), canvas
