"""The page of gradients: estimators, and back-propagation by hand."""

from collections.abc import Callable
from typing import Final

from dashboard.gradients import back_propagation, estimators
from dashboard.shell.choice import one_of

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "estimators": estimators.draw,
    "back_propagation": back_propagation.draw,
}
LABELS: Final = {"estimators": "Estimators", "back_propagation": "Back-propagation by hand"}
VIEW_HELP: Final = (
    "**Estimators**: bias and variance. "
    "**Back-propagation by hand**: each layer's δ beside automatic differentiation."
)


def draw() -> None:
    """The choice of a view, then that view."""
    VIEWS[one_of("View", LABELS, key="gradients_view", help_text=VIEW_HELP)]()
