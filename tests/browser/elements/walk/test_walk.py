"""The moving picture of the Start page: z moves by itself, follows the hand, and its image is decoded."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import FloatRect, Locator, Page, expect

from dashboard.components.walk.element import walk_payload
from dashboard.runs.pretrained import SHIPPED_SNAPSHOT
from dashboard.theme import CLASSES, CONCEPTS, ThemeName
from tests.browser.elements.mounting import open_element
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
AN_HOUR_MS = 3_600_000
NODES = ((0, 0), (23, 0), (0, 23), (23, 23), (3, 20), (20, 4), (12, 11))
"""Columns and rows of the decoded grid, from the least coordinate on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The element on a page whose clock stands still but for :meth:`pass_time`."""

    page: Page
    root: Locator

    def pass_time(self, milliseconds: int) -> None:
        self.page.clock.run_for(milliseconds)

    def z(self) -> NDArray[np.float64]:
        """The point that the caption names."""
        text = str(self.root.locator(".z").text_content()).replace("−", "-")
        return np.array(re.findall(r"-?\d+\.\d+", text), float)

    def moved(self, milliseconds: int) -> float:
        """How far z moves in a time."""
        before = self.z()
        self.pass_time(milliseconds)
        return float(np.abs(self.z() - before).max())

    def picture(self) -> NDArray[np.int64]:
        """The decoded image in its canvas, grey levels of shape (8, 8)."""
        script = """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return Array.from(data).filter((_, i) => i % 4 === 0);
        }"""
        return np.array(self.root.locator(".picture canvas").evaluate(script)).reshape(8, 8)

    def point_at(self, z: tuple[float, float]) -> None:
        self.page.mouse.move(*place_of(place(self.root.locator(".dot")), z))
        self.pass_time(100)

    def frames(self) -> int:
        """How often the decoded image was drawn."""
        return self.page.evaluate("window.frames_drawn")

    def is_still(self) -> bool:
        """Whether it draws nothing for half a second."""
        before = self.frames()
        self.pass_time(500)
        return self.frames() == before


def place_of(box: FloatRect, z: tuple[float, float]) -> tuple[float, float]:
    """Where z lies in the window: the plane shows 3.3 std about 0, one unit equally long both ways."""
    width, height = box["width"] - 52, box["height"] - 30
    unit = min(width, height) / 6.6
    return box["x"] + 44 + width / 2 + z[0] * unit, box["y"] + 8 + height / 2 - z[1] * unit


@pytest.fixture(scope="module")
def shipped() -> Snapshot:
    """Snapshot of the pretrained model."""
    return read_snapshot(SHIPPED_SNAPSHOT)


def opened(page: Page, shipped: Snapshot, *, scheme: ThemeName = "light") -> Walk:
    page.clock.install(time=0)
    page.add_init_script(COUNT_FRAMES)
    mounted = open_element(page, "walk", scheme=scheme)
    mounted.give(json.dumps(walk_payload(shipped)).encode())
    page.clock.pause_at(AN_HOUR_MS)
    walk = Walk(page=page, root=page.locator(".walk"))
    walk.pass_time(100)
    expect(walk.root.locator(".z")).to_contain_text("z = (")
    return walk


def test_z_moves_by_itself_in_the_middle_of_the_plane(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    before = walk.picture()
    assert walk.moved(600) > 0.1
    assert np.abs(walk.picture() - before).max() > 10
    for _ in range(20):
        walk.pass_time(1000)
        assert np.abs(walk.z()).max() <= 1.61, walk.z()


def test_picture_at_a_node_is_the_grids(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    axis = shipped.grid_axis
    for column, row in NODES:
        walk.point_at((float(axis[column]), float(axis[row])))
        assert walk.z() == pytest.approx([axis[column], axis[row]], abs=0.006), (column, row)
        expected = np.round(shipped.grid[23 - row, column] * 255).reshape(8, 8)
        assert np.abs(walk.picture() - expected).max() <= 2, (column, row)


def test_picture_between_nodes_is_interpolated(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    axis = shipped.grid_axis
    walk.point_at((float(axis[0] + axis[1]) / 2, float(axis[22] + axis[23]) / 2))
    expected = shipped.grid[0:2, 0:2].mean(axis=(0, 1)).reshape(8, 8) * 255
    assert np.abs(walk.picture() - expected).max() <= 2, walk.picture() - expected


def test_z_stays_on_the_grid(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    walk.point_at((2.9, -3.1))
    edge = float(shipped.grid_axis[-1])
    assert walk.z() == pytest.approx([edge, -edge], abs=0.006), walk.z()


def test_z_rests_after_the_pointer_then_moves_on(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    walk.point_at((0.5, -1.0))
    assert walk.moved(5000) == 0, "moves under the pointer"
    page.mouse.move(5, 5)
    assert walk.moved(1900) == 0, "does not rest"
    walk.pass_time(150)
    assert 0 < walk.moved(300) < 1, "does not move on, or jumps"


def test_finger_moves_z(new_page: NewPage, shipped: Snapshot) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    walk = opened(page, shipped)
    page.touchscreen.tap(*place_of(place(walk.root.locator(".dot")), (1.0, -0.5)))
    assert walk.z() == pytest.approx([1.0, -0.5], abs=0.03), walk.z()


def test_keys_move_z(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    dot = walk.root.locator(".dot")
    dot.focus()
    page.keyboard.press("ArrowRight")
    before = walk.z()
    for key, change in (("ArrowUp", (0, 0.1)), ("ArrowLeft", (-0.1, 0)), ("Shift+ArrowDown", (0, -0.02))):
        page.keyboard.press(key)
        assert walk.z() - before == pytest.approx(change, abs=0.011), key
        before = walk.z()
    expect(dot).to_have_attribute("aria-valuetext", str(walk.root.locator(".z").text_content()))
    assert walk.moved(5000) == 0, "moves away from the keys"


def test_pause_stops_and_play_goes_on(page: Page, shipped: Snapshot) -> None:
    walk = opened(page, shipped)
    button = walk.root.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Play")
    assert walk.moved(2000) == 0
    page.keyboard.press("Space")
    expect(button).to_have_text("Pause")
    assert walk.moved(500) > 0.1


def test_reduced_motion_stands_still_until_moved(new_page: NewPage, shipped: Snapshot) -> None:
    page = new_page(reduced_motion="reduce")
    walk = opened(page, shipped)
    expect(walk.root.get_by_role("button")).to_have_text("Play")
    assert walk.moved(5000) == 0
    walk.point_at((-1.0, 1.0))
    assert walk.z() == pytest.approx([-1.0, 1.0], abs=0.03), walk.z()
    page.mouse.move(5, 5)
    assert walk.moved(5000) == 0


def test_draws_only_while_something_moves_in_sight(new_page: NewPage, shipped: Snapshot) -> None:
    page = new_page(viewport={"width": 390, "height": 500})
    walk = opened(page, shipped)
    assert not walk.is_still()
    page.evaluate("document.body.style.paddingBottom = '3000px'; window.scrollTo(0, 3000)")
    until(walk.is_still, "no drawing out of sight")
    assert walk.is_still()
    walk.root.get_by_role("button").click()
    until(lambda: not walk.is_still(), "drawing in sight")
    walk.pass_time(3000)
    assert walk.is_still(), "draws although nothing moves"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_draws_in_the_colours_of_the_theme(page: Page, shipped: Snapshot, scheme: ThemeName) -> None:
    walk = opened(page, shipped, scheme=scheme)
    assert pixels_near(walk.root.locator(".dot"), CONCEPTS[scheme]["decoded"]) > 100
    for colour in CLASSES[scheme]:
        assert pixels_near(walk.root.locator(".map"), colour) > 10, colour
    for canvas in walk.root.locator("canvas").all():
        assert canvas.get_attribute("aria-label"), canvas
