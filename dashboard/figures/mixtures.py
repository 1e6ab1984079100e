"""A mixture in one column with an example on it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, faded, finish, mark_x
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
MIXTURE_HEIGHT: Final = 440


def mixture_figure(line: Array, parts: Array, x: float, *, theme: ThemeName) -> go.Figure:
    """pi_k N(x; mu_k, Sigma_k) of each component, their sum p(x), and the example.

    Arguments:
        line: x, shape (n,).
        parts: Densities of the components there, shape (K, n).
        x: The example.
        theme: Light or dark.
    """
    figure, ink = go.Figure(), CONCEPTS[theme]["log_evidence"]
    for number, part in enumerate(parts):
        colour = CLASSES[theme][number]
        figure.add_scatter(
            x=line,
            y=part,
            name=f"component {number + 1}",
            fill="tozeroy",
            fillcolor=faded(colour, 0.25),
            line={"color": colour, "width": 2},
        )
    figure.add_scatter(x=line, y=parts.sum(0), name="p(x)", line={"color": ink, "width": 3})
    note = {"text": "x", "font": {"size": FONT_SIZE + 3}}
    mark_x(figure, x, line={"color": ink, "dash": "dash", "width": 2}, note=note)
    figure.update_xaxes(title="x", range=[-5, 5])
    figure.update_yaxes(title="density")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=MIXTURE_HEIGHT, theme=theme, legend=True)
