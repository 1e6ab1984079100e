"""Richer and richer q: the stair of their bounds, and each over the true posterior."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, GROUND, faded, finish, mark_y
from dashboard.figures.posterior import density_trace, mass_below, posterior_trace
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
STAIR_HEIGHT: Final = 400
PANEL_HEIGHT: Final = 300
_LEVELS: Final = (0.135, 0.607)
"""Mass of lower density than where a Gaussian in the plane is 2 and 1 standard deviations away."""


def stair_figure(
    names: Sequence[str],
    elbo: Sequence[float],
    errors: Sequence[float] | None,
    log_evidence: float,
    *,
    evidence_name: str = "log p(x)",
    theme: ThemeName,
) -> go.Figure:
    """The bounds as a stair that climbs to log p(x).

    Arguments:
        names: Of the families.
        elbo: Their bounds, nats.
        errors: Their standard errors, drawn twice as bars; None: too small to draw.
        log_evidence: What they climb to, nats.
        evidence_name: What that is.
        theme: Light or dark.
    """
    colours, count = CONCEPTS[theme], len(names)
    low, high = min(elbo), max(log_evidence, *elbo)
    room = max(high - low, 0.002)
    floor = low - 0.42 * room
    edges = [edge for index in range(count) for edge in (index - 0.5, index + 0.5)]
    treads = [value for value in elbo for _ in range(2)]
    figure = go.Figure()
    figure.add_scatter(
        x=[-0.5, *edges, count - 0.5],
        y=[floor, *treads, floor],
        mode="lines",
        fill="toself",
        fillcolor=faded(colours["elbo"], 0.25),
        line={"color": colours["elbo"], "width": 3},
        hoverinfo="skip",
    )
    hover = [f"{name}: {signed(value, 3)} nats" for name, value in zip(names, elbo, strict=True)]
    figure.add_scatter(
        x=list(range(count)),
        y=list(elbo),
        mode="markers",
        marker={"size": 1, "color": colours["elbo"]},
        error_y=None if errors is None else {"array": [2 * error for error in errors], "thickness": 2},
        text=hover,
        hovertemplate="%{text}<extra></extra>",
    )
    for index, value in enumerate(elbo):
        gain = f"<br>+{value - elbo[index - 1]:.3f}" if index else ""
        figure.add_annotation(
            x=index,
            y=value - (0 if errors is None else 2 * errors[index]),
            text=f"<b>{signed(value, 3)}</b>{gain}",
            font={"size": FONT_SIZE - 1, "color": colours["log_evidence"]},
            yanchor="top",
            yshift=-6,
            showarrow=False,
        )
    note = {"text": f"{evidence_name} <b>{signed(log_evidence, 3)}</b> nats", "bgcolor": GROUND[theme]}
    line = {"color": colours["log_evidence"], "width": 3, "dash": "dash"}
    mark_y(figure, log_evidence, line=line, note=note, side="top", end="left")
    figure.update_xaxes(
        tickvals=list(range(count)),
        ticktext=list(names),
        tickangle=0,
        range=[-0.5, count - 0.5],
        showgrid=False,
    )
    # Each tread has its number; a narrow screen needs the room.
    figure.update_yaxes(showticklabels=False, range=[floor, high + 0.22 * room])
    return finish(figure, height=STAIR_HEIGHT, theme=theme)


def family_figure(
    axes: Sequence[Array],
    log_density: Array,
    log_q: Array | None,
    ranges: Sequence[Sequence[float]],
    *,
    theme: ThemeName,
) -> go.Figure:
    """The true posterior of one example and one q over it: 1 and 2 standard deviations, or curves for J = 1.

    Arguments:
        axes: Values of z, one array for each of the J dimensions.
        log_density: log p(z|x) on the grid that the axes span.
        log_q: log q(z) there; None draws the posterior alone.
        ranges: What is shown of each axis.
        theme: Light or dark.
    """
    figure = go.Figure()
    if len(axes) == 1:
        figure.add_trace(density_trace(axes[0], log_density, theme=theme))
        if log_q is not None:
            figure.add_trace(density_trace(axes[0], log_q, theme=theme, name="q"))
        figure.update_yaxes(title="density")
    else:
        posterior = posterior_trace(axes, log_density, theme=theme)
        figure.add_trace(posterior.update(line={"width": 0}))
        if log_q is not None:
            figure.add_trace(_outline(axes, log_q, theme))
        figure.update_yaxes(title="z<sub>2</sub>", scaleanchor="x", range=ranges[1])
    figure.update_xaxes(title="z<sub>1</sub>", range=ranges[0], constrain="domain")
    return finish(figure, height=PANEL_HEIGHT, theme=theme)


def _outline(axes: Sequence[Array], log_q: Array, theme: ThemeName) -> go.Contour:
    colour, (low, high) = CONCEPTS[theme]["posterior"], _LEVELS
    return go.Contour(
        x=axes[0],
        y=axes[1],
        z=mass_below(log_q).T,
        contours={"start": low, "end": high, "size": high - low, "coloring": "lines"},
        colorscale=[[0, colour], [1, colour]],
        line={"width": 3},
        showscale=False,
        hoverinfo="skip",
    )
