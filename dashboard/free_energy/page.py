"""The page of the free energy: a q over components, a Gaussian q, EM, and formulas that are wrong."""

from collections.abc import Callable
from typing import Final

from dashboard.free_energy import em, free_energy, misprints
from dashboard.shell.choice import one_of

VIEWS: Final[dict[str, Callable[[], None]]] = {
    "component": free_energy.draw_components,
    "gaussian": free_energy.draw_gaussian,
    "em": em.draw,
    "errors": misprints.draw,
}
LABELS: Final = {
    "component": "Which component?",
    "gaussian": "A Gaussian q",
    "em": "EM",
    "errors": "Spot the error",
}
VIEW_HELP: Final = (
    "**Which component?**: q is a few probabilities. **A Gaussian q**: q has a mean and a width, as in a "
    "VAE. **EM**: the same bound, climbed in two kinds of steps, on data. **Spot the error**: misprinted "
    "formulas fail by their numbers."
)


def draw() -> None:
    """The choice of a view, then that view."""
    VIEWS[one_of("View", LABELS, key="free_energy_view", help_text=VIEW_HELP)]()
