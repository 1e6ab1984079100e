"""Rate and distortion, the parts of the mean KL, and posterior collapse: predicted and measured."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, faded, finish
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT = 380
SURGERY_HEIGHT = 230
NAME_SHARE = 0.08
"""Of the height of a figure: a line of text."""


def rate_distortion_figure(rate: Array, distortion: Array, *, theme: ThemeName) -> go.Figure:
    """The path of a run in the plane of rate R = E KL and distortion D = -E log p(x|z).

    ELBO = -(D + R): all models on one of the falling lines have the same bound (Alemi et al. 2018).

    Arguments:
        rate: R at each row of the history, shape (rows,), nats.
        distortion: D at each row, shape (rows,), nats.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    rates, distortions = _range(rate), _range(distortion)
    for bound in _round_values(-(distortions[1] + rates[1]), -(distortions[0] + rates[0])):
        figure.add_scatter(
            x=list(rates),
            y=[-bound - rates[0], -bound - rates[1]],
            mode="lines+text",
            text=[_name(bound, -bound - rates[0], distortions), ""],
            textposition="top right",
            textfont={"size": FONT_SIZE - 2, "color": colours["prior"]},
            line={"color": colours["prior"], "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )
    hover = "R %{x:.2f}, D %{y:.2f} nats<extra></extra>"
    line = {"color": colours["elbo"], "width": 3}
    figure.add_scatter(x=rate, y=distortion, mode="lines", line=line, hovertemplate=hover)
    now = {"color": colours["elbo"], "size": 15}
    figure.add_scatter(
        x=rate[-1:], y=distortion[-1:], mode="markers", marker=now, hovertemplate="now: " + hover
    )
    figure.update_xaxes(title="rate R = E KL(q ‖ prior), nats", range=list(rates))
    figure.update_yaxes(title="distortion D, nats", range=list(distortions))
    return finish(figure, height=HEIGHT, theme=theme)


def _name(bound: float, start: float, shown: tuple[float, float]) -> str:
    """Of a line; none where it begins so high that the picture's edge would cut it off."""
    return f"ELBO {signed(bound, 0)}" if start < shown[1] - NAME_SHARE * (shown[1] - shown[0]) else ""


def _range(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * max(high - low, 1.0)
    return low - margin, high + margin


def _round_values(low: float, high: float) -> list[float]:
    """About six round numbers between two numbers."""
    rough = (high - low) / 6
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [float(value) for value in np.arange(np.ceil(low / step), high / step) * step]


def surgery_figure(parts: Mapping[str, float], errors: Mapping[str, float], *, theme: ThemeName) -> go.Figure:
    """The parts of the mean KL end to end.

    Arguments:
        parts: Name and nats, in the order of drawing.
        errors: Their standard errors.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    for (name, value), opacity in zip(parts.items(), (1.0, 0.7, 0.4), strict=True):
        figure.add_bar(
            x=[value],
            y=[""],
            orientation="h",
            name=f"{name} <b>{signed(value)}</b>",
            marker_color=faded(colours["kl"], opacity),
            hovertemplate=f"{name}: {value:.4f} ± {errors[name]:.4f} nats<extra></extra>",
        )
    figure.update_layout(barmode="relative", legend=LEGEND_ABOVE | {"traceorder": "normal"})
    figure.update_xaxes(title="nats per example")
    return finish(figure, height=SURGERY_HEIGHT, theme=theme, legend=True)


def collapse_figure(predicted: Array, measured: Array, *, theme: ThemeName) -> go.Figure:
    """KL of each latent dimension, most used first: predicted by a linear model, and measured.

    Arguments:
        predicted: 1/2 log(lambda_j / (beta s^2)) or 0, shape (J,), nats.
        measured: Mean KL of each dimension, descending, shape (J,), nats.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    names = [str(rank + 1) for rank in range(len(measured))]
    figure = go.Figure()
    for label, values, concept in (
        ("predicted, linear", predicted, "prior"),
        ("measured", measured, "kl"),
    ):
        figure.add_bar(
            x=names,
            y=values,
            name=label,
            marker_color=colours[concept],
            hovertemplate="%{y:.3f} nats<extra>" + label + "</extra>",
        )
    figure.update_xaxes(title="latent dimension, by rank", type="category")
    figure.update_yaxes(title="KL(q ‖ prior), nats", rangemode="tozero")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
