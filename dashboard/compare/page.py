"""The page of comparisons: dimension reductions on the same data, optimisers from the same start."""

from collections.abc import Callable
from typing import Final

from dashboard.compare import dimension_reduction, optimisers
from dashboard.shell.choice import one_of

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "reduction": dimension_reduction.draw,
    "optimisers": optimisers.draw,
}
LABELS: Final = {"reduction": "Dimension reduction", "optimisers": "Optimisers"}
VIEW_HELP: Final = "**Dimension reduction**: PCA, autoencoder, VAE. **Optimisers**: SGD, momentum, Adam."


def draw() -> None:
    """The choice of a view, then that view."""
    VIEWS[one_of("View", LABELS, key="compare_view", help_text=VIEW_HELP)]()
