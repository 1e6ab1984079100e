"""Ways of optimisers over a surface, and how high each is; all play together."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.figures.base import faded, finish, mixed
from dashboard.figures.contours import contour_traces
from dashboard.figures.evidence import ABOVE
from dashboard.figures.player import add_player
from dashboard.figures.race import DASHES, SYMBOLS
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 860
DEPTH: Final = 30.0
"""Nats below the top that the contours show, in so many levels."""
LEVELS: Final = 24
_GROUND: Final[dict[ThemeName, tuple[str, str]]] = {
    "light": ("#A9A9A9", "#FFFFFF"),
    "dark": ("#13161B", "#585C66"),
}
"""From low to high."""


class Descent(NamedTuple):
    """Places on the way of one optimiser, shape (steps + 1, 2), and the ELBO there, shape (steps + 1,), nats.

    It is shorter than the others where it left the finite numbers.
    """

    means: Array
    elbo: Array


def descent_figure(
    axis: Array, surface: Array, ways: Sequence[Descent], names: Sequence[str], *, theme: ThemeName
) -> go.Figure:
    """Above the contours of the ELBO with the ways over them, below the ELBO at each step.

    Arguments:
        axis: Values of the mean in both dimensions.
        surface: The ELBO there, shape (n, n), the first dimension first.
        ways: Of the optimisers.
        names: Theirs.
        theme: Light or dark.
    """
    figure = make_subplots(rows=2, cols=1, row_heights=[0.66, 0.34], vertical_spacing=0.13)
    for trace in _contours(axis, surface, theme):
        figure.add_trace(trace, row=1, col=1)
    for number, (way, name) in enumerate(zip(ways, names, strict=True)):
        colour, dash = CLASSES[theme][number], DASHES[number % len(DASHES)]
        line = {"color": colour, "width": 3, "dash": dash}
        x, y = way.means.T
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", row=1, col=1)
        figure.add_scatter(y=way.elbo, mode="lines", line=line, showlegend=False, name=name, row=2, col=1)
    moving = list(range(len(figure.data), len(figure.data) + 2 * len(ways)))  # type: ignore[arg-type]
    for trace, row in zip(_dots(ways, 0, theme), (1, 2) * len(ways), strict=True):
        figure.add_trace(trace, row=row, col=1)
    longest = max(len(way.elbo) for way in ways)
    frames = [{"data": _dots(ways, k, theme), "traces": moving, "name": str(k)} for k in range(longest)]
    add_player(figure, frames, theme=theme, frame_ms=120)
    ends = [float(axis[0]), float(axis[-1])]
    figure.update_xaxes(title="mean of q, z<sub>1</sub>", range=ends, constrain="domain", row=1, col=1)
    figure.update_yaxes(
        title="mean of q, z<sub>2</sub>", range=ends, scaleanchor="x", constrain="domain", row=1, col=1
    )
    figure.update_xaxes(title="step", row=2, col=1)
    lowest = float(surface.min())
    figure.update_yaxes(title="ELBO, nats", range=_heights(ways, lowest, float(surface.max())), row=2, col=1)
    return finish(figure.update_layout(legend=ABOVE), height=HEIGHT, theme=theme, legend=True)


def _heights(ways: Sequence[Descent], lowest: float, highest: float) -> list[float]:
    low = max(lowest, min(float(way.elbo.min()) for way in ways))
    return [low - 0.06 * (highest - low), highest + 0.1 * (highest - low)]


def _contours(axis: Array, surface: Array, theme: ThemeName) -> list[go.Scatter]:
    """Lines of equal height near the top; what is far below has one shade."""
    top = float(surface.max())
    low = max(float(surface.min()), top - DEPTH)
    heights = np.linspace(low, top, LEVELS + 1)[:-1]
    return contour_traces(
        [axis, axis],
        surface,
        [-np.inf, *heights[1:]],
        [mixed(*_GROUND[theme], share) for share in np.linspace(0, 1, LEVELS)],
        line={"width": 1, "color": faded(CONCEPTS[theme]["prior"], 0.7)},
        says=[
            f"ELBO below {heights[1]:.1f} nats",
            *(f"ELBO above {height:.1f} nats" for height in heights[1:]),
        ],
    )


def _dots(ways: Sequence[Descent], step: int, theme: ThemeName) -> list[go.Scatter]:
    dots = []
    for number, way in enumerate(ways):
        now = min(step, len(way.elbo) - 1)
        marker = {"color": CLASSES[theme][number], "size": 15, "symbol": SYMBOLS[number % len(SYMBOLS)]}
        marker["line"] = {"color": CONCEPTS[theme]["log_evidence"], "width": 2}
        for x, y in ((way.means[now, 0], way.means[now, 1]), (now, way.elbo[now])):
            dots.append(
                go.Scatter(x=[x], y=[y], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")
            )
    return dots
