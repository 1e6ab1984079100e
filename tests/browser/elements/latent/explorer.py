"""The latent explorer on a page, as tests see and move it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

from tests.browser.elements.latent.explorer_page import make_model
from tests.browser.pages import PIXELS, place


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


def decoded(kind: str, seed: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """E[x|z] by torch in grey levels."""
    with torch.no_grad():
        return 255 * make_model(kind, seed).likelihood(torch.tensor(z).float()).mean.double().numpy()
