"""The page of what else can be Bayesian: the prior, and the weights."""

from collections.abc import Callable
from typing import Final

from dashboard.priors import priors, weights
from dashboard.shell.choice import draw_view

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "Priors": priors.draw,
    "Weights": weights.draw,
}
VIEW_HELP: Final = "**Priors**: VampPrior and a mixture. **Weights**: a Gaussian q over the weights too."


def draw() -> None:
    """The choice of a view, then that view."""
    draw_view(VIEWS, key="priors_view", help_text=VIEW_HELP)
