"""Two trainings that differ in the sign of their step: one climbs, one falls out of the picture."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, finish
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 320
_DEPTH: Final = 2.0
"""How far below the start the picture reaches, in climbs: a bound that falls falls without end."""


def signs_figure(
    steps: NDArray[np.integer], climbing: Array, falling: Array, *, theme: ThemeName
) -> go.Figure:
    """Held-out ELBO over the steps.

    Arguments:
        steps: Shape (n,).
        climbing: With theta + alpha d, nats per example, shape (n,).
        falling: With theta - alpha d.
        theme: Light or dark.
    """
    figure = go.Figure()
    for values, name, colour in (
        (climbing, "θ + αd", CONCEPTS[theme]["elbo"]),
        (falling, "θ − αd", CLASSES[theme][3]),
    ):
        hover = "step %{x}: %{y:.4~g} nats<extra>" + name + "</extra>"
        figure.add_scatter(
            x=steps,
            y=values,
            mode="lines",
            name=name,
            line={"color": colour, "width": 3},
            hovertemplate=hover,
        )
    rise = float(climbing.max() - climbing[0])
    low = max(float(falling.min()), float(climbing[0]) - _DEPTH * rise)
    figure.update_xaxes(title="gradient step")
    figure.update_yaxes(title="held-out ELBO, nats", range=[low, float(climbing.max()) + 0.1 * rise])
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
