"""A mixture with a datum on it, and a q that walks to the posterior."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.figures.base import FONT_SIZE, faded, finish
from dashboard.figures.evidence import ABOVE, HEIGHT
from dashboard.figures.player import add_player
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
PATH_HEIGHT: Final = 640


def mixture_figure(line: Array, parts: Array, x: float, *, theme: ThemeName) -> go.Figure:
    """pi_k N(x; mu_k, Sigma_k) of each component, their sum p(x), and the datum.

    Arguments:
        line: Places, shape (n,).
        parts: Densities of the components there, shape (K, n).
        x: The datum.
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
    figure.add_vline(
        x=x,
        line={"color": ink, "dash": "dash", "width": 2},
        annotation={"text": "x", "font": {"size": FONT_SIZE + 3}},
    )
    figure.update_xaxes(title="x", range=[-5, 5])
    figure.update_yaxes(title="density")
    return finish(figure.update_layout(legend=ABOVE), height=HEIGHT + 60, theme=theme, legend=True)


def path_figure(path: Array, posterior: Array, bounds: Array, *, theme: ThemeName) -> go.Figure:
    """Above q beside the posterior as bars, below F on its climb; it plays.

    Arguments:
        path: q at each step, shape (steps, K).
        posterior: p(z|x), shape (K,).
        bounds: F at each step, nats.
        theme: Light or dark.
    """
    figure = make_subplots(rows=2, cols=1, row_heights=[0.6, 0.4], vertical_spacing=0.18)
    figure.add_trace(_bars(path[0], "q", "posterior", theme), row=1, col=1)
    figure.add_trace(_dot(bounds, 0, theme), row=2, col=1)
    figure.add_trace(_bars(posterior, "true posterior p(z|x)", "kl_to_posterior", theme), row=1, col=1)
    line = {"color": CONCEPTS[theme]["elbo"], "width": 3}
    figure.add_scatter(y=bounds, mode="lines", line=line, showlegend=False, row=2, col=1)
    frames = [
        go.Frame(
            data=[_bars(q, "q", "posterior", theme), _dot(bounds, step, theme)], traces=[0, 1], name=str(step)
        )
        for step, q in enumerate(path)
    ]
    add_player(figure, frames, theme=theme)
    figure.update_yaxes(title="probability", range=[0, 1], row=1, col=1)
    figure.update_xaxes(title="component", row=1, col=1)
    figure.update_xaxes(title="step", row=2, col=1)
    figure.update_yaxes(title="F, nats", row=2, col=1)
    return finish(figure.update_layout(legend=ABOVE), height=PATH_HEIGHT, theme=theme, legend=True)


def _bars(values: Array, name: str, concept: str, theme: ThemeName) -> go.Bar:
    names = [str(number + 1) for number in range(len(values))]
    return go.Bar(x=names, y=values, name=name, marker_color=CONCEPTS[theme][concept])


def _dot(bounds: Array, step: int, theme: ThemeName) -> go.Scatter:
    marker = {"color": CONCEPTS[theme]["elbo"], "size": 15}
    return go.Scatter(x=[step], y=[bounds[step]], mode="markers", marker=marker, showlegend=False)
