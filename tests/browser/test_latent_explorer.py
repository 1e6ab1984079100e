"""The latent explorer in a real browser: what the pointer passes is what torch decodes there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import Server
from tests.browser.latent_explorer_page import make_data, make_model
from tests.browser.test_board_element import pixels_near, place
from vae_core.latent.decode import interpolate

NewPage = Callable[..., Page]

SCRIPT = Path(__file__).with_name("latent_explorer_page.py")
PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
ALPHA = """(canvas, [x, y]) => {
    const { data } = canvas.getContext("2d").getImageData(Math.round(x) - 2, Math.round(y) - 2, 5, 5);
    return Math.max(...Array.from(data).filter((_, i) => i % 4 === 3));
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """The element on a page, and the file that says which weights it gets."""

    page: Page
    root: Locator
    state: Path

    @property
    def hand(self) -> Locator:
        return self.root.locator(".hand")

    def numbers(self, name: str) -> NDArray[np.float64]:
        return np.array(str(self.root.get_attribute(f"data-{name}")).split(","), float)

    def pixel(self, z: tuple[float, float]) -> tuple[float, float]:
        """Where z lies in the canvas."""
        x0, x1, y0, y1 = self.numbers("view")
        left, top, width, height = self.numbers("box")
        return left + (z[0] - x0) / (x1 - x0) * width, top + (y1 - z[1]) / (y1 - y0) * height

    def point(self, z: tuple[float, float]) -> tuple[float, float]:
        """Moves the pointer to z; returns where it is in the window."""
        on_line = len(self.numbers("z")) == 1
        box, (x, y) = place(self.hand), self.pixel((z[0], self.numbers("view")[2:].mean()) if on_line else z)
        # Whole pixels: the browser tells the page no finer ones.
        at = (round(box["x"] + x), round(box["y"] + y))
        self.page.mouse.move(*at)
        self.page.wait_for_timeout(120)
        return at

    def click(self, z: tuple[float, float], *, times: int = 1) -> None:
        at = self.point(z)
        self.page.mouse.click(*at, click_count=times)
        self.page.wait_for_timeout(600)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.hand.press(key)
        self.page.wait_for_timeout(120)

    def picture(self) -> NDArray[np.int64]:
        """Grey levels of the decoded picture, shape (48,)."""
        return np.array(self.root.locator(".picture").evaluate(PIXELS)).reshape(-1, 4)[:, 0]

    def weights(self, seed: int) -> None:
        self.state.write_text(str(seed), "utf-8")


@pytest.fixture(scope="module")
def server(serve_script: Callable[[Path], Server]) -> Server:
    return serve_script(SCRIPT)


@pytest.fixture
def opened(server: Server, new_page: NewPage) -> Callable[..., Explorer]:
    """Opens the element for a kind of model, with the weights of seed 1."""

    def open_kind(kind: str = "images", **options: object) -> Explorer:
        page = new_page(**options)
        root = page.locator(".explorer")
        explorer = Explorer(page=page, root=root, state=server.home / "state")
        explorer.weights(1)
        page.goto(f"{server.url}/?kind={kind}")
        expect(root).to_have_attribute("data-frames", re.compile(r"\d"), timeout=20_000)
        page.wait_for_timeout(200)
        return explorer

    return open_kind


def decoded(kind: str, seed: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[x|z] by torch in grey levels."""
    with torch.no_grad():
        return 255 * make_model(kind, seed).likelihood(torch.tensor(z).float()).mean.double().numpy()


@pytest.mark.parametrize("kind", ["images", "deep", "line"])
def test_picture_under_the_pointer_is_torchs(opened: Callable[..., Explorer], kind: str) -> None:
    explorer = opened(kind)
    seen = []
    for z in [(0.0, 0.0), (1.5, -1.0), (-2.0, 2.0)]:
        explorer.point(z)
        found = explorer.numbers("z")
        dims = min(2, len(found))
        assert np.abs(found[:dims] - z[:dims]).max() < 0.02, (found, z)
        assert np.abs(explorer.picture() - decoded(kind, 1, found)).max() <= 1.0, z
        seen.append(explorer.picture())
    assert np.abs(seen[0] - seen[1]).max() > 10, "the picture does not change"


def test_ellipse_has_the_posteriors_radii(opened: Callable[..., Explorer]) -> None:
    explorer = opened()
    with torch.no_grad():
        q = make_model("images", 1).posterior(make_data("images"))
    mean, std = (values[7].double().numpy() for values in (q.mean, q.std))
    explorer.point((mean[0], mean[1]))
    assert explorer.root.get_attribute("data-nearest") == "7"
    for deviations, drawn in [(1, True), (2, True), (1.5, False), (2.4, False)]:
        for direction in ([1, 0], [-1, 0], [0, 1], [0, -1]):
            x, y = mean + deviations * std * direction
            alpha = explorer.hand.evaluate(ALPHA, explorer.pixel((x, y)))
            assert (alpha > 200) == drawn, (deviations, direction, alpha, std)


def test_keyboard_alone_can_do_all(opened: Callable[..., Explorer]) -> None:
    explorer = opened()
    explorer.press("ArrowRight", "ArrowUp", "Shift+ArrowUp", "Enter")
    np.testing.assert_allclose(explorer.numbers("z"), [0.1, 0.12], atol=1e-9)
    explorer.press("ArrowLeft", "ArrowDown", "Enter")
    expect(explorer.root).to_have_attribute("data-pins", "2")
    expect(explorer.root.locator(".strip")).to_be_visible()
    whole = explorer.numbers("view")
    explorer.press("+", "+")
    assert explorer.numbers("view")[1] < whole[1]
    explorer.press("0")
    np.testing.assert_allclose(explorer.numbers("view"), whole)
    explorer.press("Delete", "Backspace")
    expect(explorer.root).to_have_attribute("data-pins", "0")
    explorer.page.keyboard.press("Tab")
    explorer.page.keyboard.press("Enter")
    expect(explorer.root.locator(".legend button").first).to_have_attribute("aria-pressed", "false")
    explorer.point((1.0, 1.0))
    assert explorer.numbers("nearest") % 3 != 0, "class a is switched off"


def test_place_zoom_and_pins_survive_new_weights(opened: Callable[..., Explorer]) -> None:
    explorer = opened()
    explorer.click((1.0, 1.0))
    explorer.point((-1.0, 0.5))
    explorer.page.mouse.wheel(0, -300)
    explorer.page.wait_for_timeout(150)
    names = ("view", "z", "pins")
    before, hash_before = [explorer.numbers(name) for name in names], explorer.root.get_attribute("data-hash")
    explorer.weights(2)
    expect(explorer.root).to_have_attribute("data-step", "2")
    explorer.page.wait_for_timeout(500)
    assert explorer.root.get_attribute("data-hash") != hash_before
    for name, value in zip(names, before, strict=True):
        np.testing.assert_allclose(explorer.numbers(name), value, atol=1e-6, err_msg=name)
    assert np.abs(explorer.picture() - decoded("images", 2, explorer.numbers("z"))).max() <= 1.0


def test_clicks_pin_two_places_and_a_double_click_resets(opened: Callable[..., Explorer]) -> None:
    explorer = opened()
    whole = explorer.numbers("view")
    for z in [(1.0, 0.0), (0.0, 2.0), (2.0, 0.0)]:
        explorer.click(z)
    explorer.page.mouse.wheel(0, -300)
    explorer.page.wait_for_timeout(100)
    explorer.click((1.5, 0.2), times=2)
    expect(explorer.root).to_have_attribute("data-pins", "2")
    np.testing.assert_allclose(explorer.numbers("view"), whole)


@pytest.mark.parametrize("kind", ["linear", "spherical"])
def test_way_between_pins(opened: Callable[..., Explorer], kind: Literal["linear", "spherical"]) -> None:
    explorer = opened()
    ends = []
    for z in [(1.0, 0.5), (-0.5, 2.0)]:
        explorer.click(z)
        ends.append(torch.tensor(explorer.numbers("z")))
    way = explorer.root.locator(".interpolation")
    way.locator(f"[data-kind={kind}]").click()
    way.get_by_role("slider").fill("0.5")
    explorer.page.wait_for_timeout(100)
    middle = interpolate(ends[0], ends[1], 3, kind=kind)[1]
    np.testing.assert_allclose(explorer.numbers("z"), middle.numpy(), atol=1e-6)
    way.locator(".play").click()
    expect(way.locator(".play")).to_have_text("Play", timeout=6000)
    np.testing.assert_allclose(explorer.numbers("z"), ends[1].numpy(), atol=1e-6)


def test_other_dimensions_come_from_the_newest_pin(opened: Callable[..., Explorer]) -> None:
    explorer = opened("deep")
    expect(explorer.root.locator(".others")).to_have_text("The other 3 dimensions are at 0.")
    explorer.click((1.0, 1.0))
    expect(explorer.root.locator(".others")).to_have_text("The other 3 dimensions are those of pin 1.")


def test_weights_that_are_no_numbers_are_said(opened: Callable[..., Explorer]) -> None:
    explorer = opened("nan")
    expect(explorer.root.get_by_role("alert")).to_contain_text("no finite numbers")
    expect(explorer.root.locator(".picture")).to_be_hidden()


def test_points_move_in_data_space(opened: Callable[..., Explorer]) -> None:
    explorer = opened("points", color_scheme="dark")
    over = explorer.root.locator(".over")
    before = over.evaluate(PIXELS)
    explorer.point((1.0, -1.0))
    assert over.evaluate(PIXELS) != before
    assert pixels_near(over, "#3DC99E") > 60, "no decoded point"


def test_phone_shows_plane_and_picture_at_once(opened: Callable[..., Explorer]) -> None:
    explorer = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    assert explorer.page.evaluate("document.documentElement.scrollWidth") <= 390
    plane, picture = place(explorer.hand), place(explorer.root.locator(".picture"))
    assert picture["y"] + picture["height"] - plane["y"] < 640, (plane, picture)
    explorer.page.touchscreen.tap(plane["x"] + 200, plane["y"] + 100)
    expect(explorer.root).to_have_attribute("data-pins", "1")


def test_server_hears_nothing_of_the_pointer(app_server: Server, page: Page) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    page.goto(app_server.url)
    page.get_by_role("link", name="Latent space").first.click()
    root = page.locator(".explorer")
    expect(root).to_have_attribute("data-frames", re.compile(r"\d"), timeout=30_000)
    page.wait_for_timeout(1500)
    box, frames = place(root.locator(".hand")), int(str(root.get_attribute("data-frames")))
    sent.clear()
    for step in range(100):
        page.mouse.move(box["x"] + 100 + 3 * step, box["y"] + 60 + 2 * step)
        page.wait_for_timeout(20)
    assert sent == [], f"{len(sent)} messages"
    assert int(str(root.get_attribute("data-frames"))) - frames >= 40
