"""Jensen's inequality as an area: a logarithm and its tangent over the mass of q."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, faded, finish, mark_y
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 400
_SEEN: Final = (0.01, 0.99)
"""Shares of q's mass between which the picture reaches: the ends run out of it."""


def jensen_figure(
    share: Array, log_ratio: Array, tangent: Array, log_evidence: float, *, theme: ThemeName
) -> go.Figure:
    """log u and its tangent over the share of q's mass, by rising u; the area between them is the gap.

    Arguments:
        share: Rising from 0 to 1, shape (n,).
        log_ratio: log u, nats, shape (n,).
        tangent: log p(x) + u / p(x) - 1, nats, shape (n,).
        log_evidence: log p(x).
        theme: Light or dark.
    """
    figure, colours = go.Figure(), CONCEPTS[theme]
    gap = colours["kl_to_posterior"]
    for values, name, colour, fill in (
        (log_ratio, "log u", colours["elbo"], None),
        (tangent, "tangent at u = p(x)", colours["log_evidence"], "tonexty"),
    ):
        figure.add_scatter(
            x=share,
            y=values,
            mode="lines",
            name=name,
            fill=fill,
            fillcolor=faded(gap, 0.35),
            line={"color": colour, "width": 3},
            hovertemplate="%{y:.3f} nats<extra>" + name + "</extra>",
        )
    line = {"color": colours["log_evidence"], "dash": "dot", "width": 1.5}
    mark_y(figure, log_evidence, line=line, note={"text": "log p(x)"}, side="top", end="left")
    inside = (share >= _SEEN[0]) & (share <= _SEEN[1])
    ends = [log_ratio[inside].min(), log_evidence, tangent[inside].max()]
    low, high = float(min(ends)), float(max(ends))
    room = 0.08 * (high - low) + 1e-3
    figure.update_xaxes(title="share of q's mass, by rising u = p(x, z) / q(z)", range=[0, 1])
    figure.update_yaxes(title="nats", range=[low - room, high + room])
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
