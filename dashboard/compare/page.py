"""The page of comparisons: dimension reductions on the same data, optimisers from the same start."""

from collections.abc import Callable
from typing import Final

from dashboard.compare import dimension_reduction, optimisers
from dashboard.shell.choice import draw_view

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "Dimension reduction": dimension_reduction.draw,
    "Optimisers": optimisers.draw,
}
VIEW_HELP: Final = "**Dimension reduction**: PCA, autoencoder, VAE. **Optimisers**: SGD, momentum, Adam."


def draw() -> None:
    """The choice of a view, then that view."""
    draw_view(VIEWS, key="compare_view", help_text=VIEW_HELP)
