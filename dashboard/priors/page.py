"""The page of what else can be Bayesian: the prior, and the weights."""

from collections.abc import Callable
from typing import Final

from dashboard.priors import priors, weights
from dashboard.shell.choice import one_of

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "priors": priors.draw,
    "weights": weights.draw,
}
LABELS: Final = {"priors": "Priors", "weights": "Weights"}
VIEW_HELP: Final = "**Priors**: VampPrior and a mixture. **Weights**: a Gaussian q over the weights too."


def draw() -> None:
    """The choice of a view, then that view."""
    VIEWS[one_of("View", LABELS, key="priors_view", help_text=VIEW_HELP)]()
