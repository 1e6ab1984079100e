"""Rate and distortion, the parts of the mean KL, and posterior collapse: predicted and measured."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_LEAST, FONT_SIZE, LEGEND_ABOVE, faded, finish, literal
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
    _add_bounds(figure, rates, distortions, theme)
    hover = "R %{x:.2f}, D %{y:.2f} nats<extra></extra>"
    line = {"color": colours["elbo"], "width": 3}
    figure.add_scatter(x=rate, y=distortion, mode="lines", line=line, hovertemplate=hover)
    now = {"color": colours["elbo"], "size": 15}
    figure.add_scatter(
        x=rate[-1:], y=distortion[-1:], mode="markers", marker=now, hovertemplate="now: " + hover
    )
    return _finish_plane(figure, rates, distortions, theme)


class RatePoint(NamedTuple):
    """A model in the plane of rate and distortion, nats per example.

    Arguments:
        label: What it is called.
        colour: Of its mark.
        rate, distortion: R and D.
        rate_error, distortion_error: Their standard errors; NaN: none is known.
        order: Its place on the line that joins the points; None: it is on none.
        is_final: Whether it stands; else it moves while its model is trained.
    """

    label: str
    colour: str
    rate: float
    distortion: float
    rate_error: float = math.nan
    distortion_error: float = math.nan
    order: float | None = None
    is_final: bool = True


def rate_points_figure(points: Sequence[RatePoint], *, theme: ThemeName) -> go.Figure:
    """One point for each model with bars of one standard error, over lines of equal ELBO = -(D + R).

    Arguments:
        points: The models; those with an ``order`` are joined by a line.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    rates = _range(_ends([(p.rate, p.rate_error) for p in points]), room=0.12)
    distortions = _range(_ends([(p.distortion, p.distortion_error) for p in points]), room=0.12)
    _add_bounds(figure, rates, distortions, theme)
    line = sorted((p for p in points if p.order is not None and p.is_final), key=lambda p: p.order or 0.0)
    figure.add_scatter(
        x=[point.rate for point in line],
        y=[point.distortion for point in line],
        mode="lines",
        line={"color": colours["elbo"], "width": 2},
        hoverinfo="skip",
    )
    for point in points:
        bars = {"thickness": 2, "color": point.colour, "visible": point.is_final}
        state = "" if point.is_final else ", training"
        figure.add_scatter(
            x=[point.rate],
            y=[point.distortion],
            error_x={"array": [np.nan_to_num(point.rate_error)], **bars},
            error_y={"array": [np.nan_to_num(point.distortion_error)], **bars},
            mode="markers+text",
            marker={
                "color": point.colour,
                "size": 13,
                "symbol": "circle" if point.is_final else "circle-open",
                "line": {"width": 2, "color": point.colour},
            },
            name=literal(point.label),
            text=[f"<b>{literal(point.label)}</b>"],
            # The line falls: it crosses neither.
            textposition="top right" if point.rate < sum(rates) / 2 else "bottom left",
            textfont={"size": FONT_SIZE, "color": colours["log_evidence"]},
            hovertemplate=f"%{{fullData.name}}{state}: R %{{x:.2f}} ± {point.rate_error:.2f}, "
            f"D %{{y:.2f}} ± {point.distortion_error:.2f}, "
            f"ELBO {signed(-point.rate - point.distortion)} nats<extra></extra>",
        )
    return _finish_plane(figure, rates, distortions, theme)


def _finish_plane(
    figure: go.Figure, rates: tuple[float, float], distortions: tuple[float, float], theme: ThemeName
) -> go.Figure:
    figure.update_xaxes(title="rate R = E KL(q ‖ prior), nats", range=list(rates))
    figure.update_yaxes(title="distortion D, nats", range=list(distortions))
    return finish(figure, height=HEIGHT, theme=theme)


def _add_bounds(
    figure: go.Figure, rates: tuple[float, float], distortions: tuple[float, float], theme: ThemeName
) -> None:
    """The lines of equal ELBO, with their values."""
    colour = CONCEPTS[theme]["prior"]
    bounds = _round_values(-(distortions[1] + rates[1]), -(distortions[0] + rates[0]))
    digits = 0 if all(bound.is_integer() for bound in bounds) else 1
    for bound in bounds:
        figure.add_scatter(
            x=list(rates),
            y=[-bound - rates[0], -bound - rates[1]],
            mode="lines+text",
            text=[_name(bound, digits, -bound - rates[0], distortions), ""],
            textposition="top right",
            textfont={"size": FONT_SIZE - 2, "color": colour},
            line={"color": colour, "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )


def _name(bound: float, digits: int, start: float, shown: tuple[float, float]) -> str:
    """Of a line; none where it begins so high that the picture's edge would cut it off."""
    return f"ELBO {signed(bound, digits)}" if start < shown[1] - NAME_SHARE * (shown[1] - shown[0]) else ""


def _ends(scores: Sequence[tuple[float, float]]) -> Array:
    """The ends of the bars of values with standard errors."""
    values, errors = np.array(scores).T
    errors = np.nan_to_num(errors)
    return np.concatenate([values - errors, values + errors])


def _range(values: Array, *, room: float = 0.08) -> tuple[float, float]:
    """Of an axis: all values with room beside them, a nat at least, also around a single point."""
    low, high = float(values.min()), float(values.max())
    missing = max(0.0, 1.0 - (high - low)) / 2
    margin = missing + room * max(high - low, 1.0)
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
        parts: Name and nats, in the order of drawing, three at most.
        errors: Their standard errors.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    for (name, value), opacity in zip(parts.items(), (1.0, 0.7, 0.4), strict=False):
        figure.add_bar(
            x=[value],
            y=[""],
            orientation="h",
            name=f"{name} <b>{signed(value)}</b>",
            marker_color=faded(colours["kl"], opacity),
            hovertemplate=f"{name}: {value:.4f} ± {errors[name]:.4f} nats<extra></extra>",
        )
    figure.update_layout(barmode="relative", legend=LEGEND_ABOVE | {"traceorder": "normal"})
    figure.update_xaxes(title="nats per example", **AT_LEAST)
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
    figure.update_yaxes(title="KL(q ‖ prior), nats", **AT_LEAST)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
