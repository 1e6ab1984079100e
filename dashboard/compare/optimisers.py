"""SGD, SGD with momentum and Adam from the same start: a race, and ways over a surface."""

from collections.abc import Callable
from typing import Final

from dashboard.compare import race, surface
from dashboard.shell.choice import one_of

VIEWS: Final[dict[str, Callable[[], None]]] = {"race": race.draw, "surface": surface.draw}
LABELS: Final = {"race": "A race", "surface": "On a surface"}
VIEW_HELP: Final = (
    "**A race**: three trainings of a VAE, and where each would have stopped. **On a surface**: the same "
    "optimisers climb the ELBO of one image, which has two coordinates and so can be drawn."
)


def draw() -> None:
    """The choice of a view, then that view."""
    VIEWS[one_of("To watch", LABELS, key="optimiser_view", help_text=VIEW_HELP)]()
