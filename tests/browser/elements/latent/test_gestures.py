"""Wheel, drag and fingers on the latent plane: the place under them stays under them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import CDPSession, expect

from tests.browser.elements.latent.explorer import MountedExplorer
from tests.browser.pages import place

Pixel = tuple[float, float]
PIXEL_OF_Z = 0.03
"""How far a pixel of the plane reaches in units of z, at most, before any zoom."""


def z_at(explorer: MountedExplorer, at: Pixel) -> NDArray[np.float64]:
    """The place of the plane under a pixel of the window."""
    box = place(explorer.hand)
    x0, x1, y0, y1 = explorer.numbers("view")
    left, top, width, height = explorer.numbers("box")
    right, down = at[0] - box["x"] - left, at[1] - box["y"] - top
    return np.array([x0 + right / width * (x1 - x0), y1 - down / height * (y1 - y0)])


def span(explorer: MountedExplorer) -> float:
    """Width of the view in units of z."""
    x0, x1, *_ = explorer.numbers("view")
    return float(x1 - x0)


def touch(session: CDPSession, kind: str, *points: Pixel) -> None:
    """Tells the browser where fingers are."""
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_wheel_zooms_about_the_pointer(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    at = explorer.point((1.2, -0.8))
    before, whole = z_at(explorer, at), span(explorer)
    explorer.wheel(-240)
    assert span(explorer) < 0.8 * whole
    np.testing.assert_allclose(z_at(explorer, at), before, atol=1e-6)
    explorer.wheel(2000)
    explorer.page.mouse.wheel(0, 2000)
    explorer.rest()
    assert span(explorer) <= whole * (1 + 1e-9), "the whole plane is the widest view"


def test_space_and_drag_pan_and_pin_nothing(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened()
    start = explorer.point((0.5, 0.5))
    explorer.wheel(-240)
    held, width = z_at(explorer, start), span(explorer)
    explorer.hand.focus()
    explorer.page.keyboard.down(" ")
    explorer.page.mouse.down()
    end = (start[0] + 60, start[1] - 40)
    explorer.page.mouse.move(*end, steps=5)
    explorer.page.mouse.up()
    explorer.page.keyboard.up(" ")
    explorer.rest()
    np.testing.assert_allclose(z_at(explorer, end), held, atol=1e-6)
    assert abs(span(explorer) - width) < 1e-9
    expect(explorer.root).to_have_attribute("data-pins", "0")


def test_two_fingers_zoom_and_pan(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    session = explorer.page.context.new_cdp_session(explorer.page)
    box, whole = place(explorer.hand), span(explorer)
    middle = (box["x"] + 200, box["y"] + 140)
    before = z_at(explorer, middle)
    touch(session, "touchStart", (middle[0] - 30, middle[1]), (middle[0] + 30, middle[1]))
    for half in (40, 50, 60):
        touch(session, "touchMove", (middle[0] - half, middle[1]), (middle[0] + half, middle[1]))
    touch(session, "touchEnd")
    explorer.rest()
    assert abs(span(explorer) / whole - 0.5) < 0.03, "twice the distance, half the span"
    np.testing.assert_allclose(z_at(explorer, middle), before, atol=PIXEL_OF_Z)
    assert place(explorer.hand) == box, "the page did not scroll"
    expect(explorer.root).to_have_attribute("data-pins", "0")


def test_one_finger_moves_z(opened: Callable[..., MountedExplorer]) -> None:
    explorer = opened(viewport={"width": 390, "height": 844}, has_touch=True)
    session = explorer.page.context.new_cdp_session(explorer.page)
    box = place(explorer.hand)
    start, end = (box["x"] + 150, box["y"] + 120), (box["x"] + 230, box["y"] + 180)
    touch(session, "touchStart", start)
    touch(session, "touchMove", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    touch(session, "touchMove", end)
    explorer.rest()
    np.testing.assert_allclose(explorer.numbers("z"), z_at(explorer, end), atol=PIXEL_OF_Z)
    touch(session, "touchEnd")
    explorer.rest()
    expect(explorer.root).to_have_attribute("data-pins", "0")
