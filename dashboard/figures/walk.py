"""Gradient ascent in q from the encoder's to the best Gaussian, as frames that play in the browser."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, finish, mark_y
from dashboard.figures.player import add_player
from dashboard.figures.posterior import (
    Ellipse,
    density_trace,
    ellipse_trace,
    posterior_areas,
    shown_ranges,
)
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 760
CURVE_HEIGHT: Final = 360
_ROUNDING: Final = 1e-9
MAX_FRAMES: Final = 60


class Walk(NamedTuple):
    """Steps of q(z|x) for one example.

    Arguments:
        axes: Of the true posterior's grid, one for each of J <= 2 dimensions; None for more.
        log_density: The true posterior on it; None for more dimensions.
        steps: q of each step, as it is drawn.
        elbo: Shape (steps,), nats.
        log_evidence: log p(x), nats; None where it is not known exactly.
    """

    axes: Sequence[Array] | None
    log_density: Array | None
    steps: Sequence[Ellipse]
    elbo: Array
    log_evidence: float | None


def walk_figure(walk: Walk, *, theme: ThemeName) -> go.Figure:
    """q over the true posterior, and below it the bound at each step; a slider and a button play them.

    Arguments:
        walk: The steps.
        theme: Light or dark.
    """
    if walk.axes is None or walk.log_density is None:
        figure = go.Figure()
        _add_climb(figure, walk, 1, theme)
        return finish(figure, height=CURVE_HEIGHT, theme=theme)
    figure = go.subplots([0.66, 0.34], vertical_spacing=0.14)
    _add_posterior(figure, walk.axes, walk.log_density, _ranges(walk, walk.axes, walk.log_density), theme)
    _add_climb(figure, walk, 2, theme)
    figure.add_trace(_moving(walk, 0, theme), row=1)
    figure.add_trace(_dot(walk, 0, theme), row=2)
    _animate(figure, walk, theme)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def _ranges(walk: Walk, axes: Sequence[Array], log_density: Array) -> list[list[float]]:
    return shown_ranges(axes, log_density, [walk.steps[0], walk.steps[-1]])


def _add_posterior(
    figure: go.Figure,
    axes: Sequence[Array],
    log_density: Array,
    ranges: list[list[float]],
    theme: ThemeName,
) -> None:
    if len(axes) == 2:
        for trace in posterior_areas(axes, log_density, theme=theme):
            figure.add_trace(trace, row=1)
        figure.update_yaxes(title="z<sub>2</sub>", scaleanchor="x", range=ranges[1], row=1)
    else:
        figure.add_trace(density_trace(axes[0], log_density, theme=theme), row=1)
        figure.update_yaxes(title="density", row=1)
    figure.update_xaxes(title="z<sub>1</sub>", range=ranges[0], constrain="domain", row=1)


def _moving(walk: Walk, step: int, theme: ThemeName) -> go.Scatter:
    q = walk.steps[step]
    if walk.axes is not None and len(walk.axes) == 1:
        return density_trace(walk.axes[0], q.log_prob(walk.axes[0]), theme=theme, name="q(z|x)")
    name = "q(z|x), 1 and 2 σ" if q.rings is None else "q(z|x), 39 and 86 % of it"
    return ellipse_trace(q, name=name, number=0, theme=theme)


def _dot(walk: Walk, step: int, theme: ThemeName) -> go.Scatter:
    marker = {"color": CONCEPTS[theme]["elbo"], "size": 15}
    at = {"x": [step], "y": [walk.elbo[step]], "cliponaxis": False}
    return go.Scatter(**at, mode="markers", marker=marker, showlegend=False)


def _add_climb(figure: go.Figure, walk: Walk, row: int, theme: ThemeName) -> None:
    colours = CONCEPTS[theme]
    line = {"color": colours["elbo"], "width": 3}
    figure.add_scatter(y=walk.elbo, mode="lines", line=line, name="F", showlegend=False, row=row)
    if walk.log_evidence is not None:
        mark_y(
            figure,
            walk.log_evidence,
            line={"color": colours["log_evidence"], "dash": "dash"},
            note={"text": f"log p(x) {signed(walk.log_evidence, 3)}"},
            side="top",
            end="right",
            row=row,
        )
        # Above the line F never comes: there the note is alone.
        room = max(walk.log_evidence - float(walk.elbo.min()), _ROUNDING)
        ends = [walk.log_evidence - 1.08 * room, walk.log_evidence + 0.25 * room]
        figure.update_yaxes(range=ends, row=row)
    figure.update_xaxes(title="step of the optimisation", row=row)
    figure.update_yaxes(title="F, nats", row=row)


def _animate(figure: go.Figure, walk: Walk, theme: ThemeName) -> None:
    """Frames that change the last two traces; most of them early, where q moves most."""
    last, count = len(walk.elbo) - 1, len(figure.data)
    chosen = np.unique((np.linspace(0, 1, MAX_FRAMES) ** 2 * last).round().astype(int))
    frames = [
        {
            "data": [_moving(walk, step, theme), _dot(walk, step, theme)],
            "traces": [count - 2, count - 1],
            "name": str(step),
        }
        for step in chosen
    ]
    add_player(figure, frames)
