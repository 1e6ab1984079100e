"""The page of gradients: estimators, and back-propagation by hand."""

from collections.abc import Callable
from typing import Final

from dashboard.gradients import back_propagation, estimators
from dashboard.shell.choice import draw_view

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "Estimators": estimators.draw,
    "Back-propagation by hand": back_propagation.draw,
}
VIEW_HELP: Final = (
    "**Estimators**: bias and variance. "
    "**Back-propagation by hand**: each layer's δ beside automatic differentiation."
)


def draw() -> None:
    """The choice of a view, then that view."""
    draw_view(VIEWS, key="gradients_view", help_text=VIEW_HELP)
