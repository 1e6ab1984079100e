"""The latent explorer on a page, as tests see and move it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

from tests.browser.elements.latent.models import make_message, make_model
from tests.browser.elements.mounting import Mounted
from tests.browser.pages import PIXELS, drawn, place

AT_REST = """root => new Promise((done) => {
    let last = -1;
    const look = () => {
        if (root.dataset.frames === last) return done();
        last = root.dataset.frames;
        requestAnimationFrame(() => requestAnimationFrame(look));
    };
    look();
})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """The element, alone on a page or on the dashboard's."""

    page: Page
    root: Locator

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
        drawn(self.page)
        return at

    def click(self, z: tuple[float, float], *, times: int = 1) -> None:
        at = self.point(z)
        self.page.mouse.click(*at, click_count=times)
        drawn(self.page)

    def wheel(self, down: float) -> None:
        """Turns the wheel until the view has changed."""
        before = self.root.get_attribute("data-view")
        self.page.mouse.wheel(0, down)
        self.page.wait_for_function(
            "([root, before]) => root.dataset.view !== before", arg=[self.root.element_handle(), before]
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.hand.press(key)
        drawn(self.page)

    def rest(self) -> None:
        """Waits until nothing moves: until no frame is drawn any more."""
        self.root.evaluate(AT_REST)

    def picture(self) -> NDArray[np.int64]:
        """Grey levels of the decoded picture, shape (48,)."""
        return np.array(self.root.locator(".picture").evaluate(PIXELS)).reshape(-1, 4)[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedExplorer(Explorer):
    """The element alone on a page, for a kind of model of :mod:`tests.browser.elements.latent.models`."""

    mounted: Mounted
    kind: str

    def weights(self, seed: int) -> None:
        """The element is told the weights of a seed, as while a training runs."""
        self.mounted.give(make_message(self.kind, seed))
        drawn(self.page)


def decoded(kind: str, seed: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[x|z] by torch in grey levels."""
    with torch.no_grad():
        return 255 * make_model(kind, seed).likelihood(torch.tensor(z).float()).mean.double().numpy()
