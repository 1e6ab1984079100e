"""Rate and distortion, the parts of the mean KL, and posterior collapse: predicted and measured."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_LEAST, FONT_SIZE, LEGEND_ABOVE, faded, finish, literal
from dashboard.figures.runs import LEGEND_ROW, legend_room
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT = 380
SURGERY_HEIGHT = 230
NAME_SHARE = 0.08
"""Of the height of a figure: a line of text."""
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up")
"""Of points of one colour: there are fewer colours than runs side by side."""
PHONE: Final = (270.0, 290.0)
"""Pixels of the plane inside its axes on a phone."""
LETTER: Final = (8.5, 20.0)
"""Pixels of a bold letter."""
MARK: Final = 9.0
"""Pixels from the centre of a mark to a label beside it."""


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

    A model is named beside its point, or all of them in a legend where that is no place for so much text.

    Arguments:
        points: The models; those with an ``order`` are joined by a line.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    figure = go.Figure()
    rates = _range(_ends([(p.rate, p.rate_error) for p in points]), room=0.12)
    distortions = _range(_ends([(p.distortion, p.distortion_error) for p in points]), room=0.12)
    _add_bounds(figure, rates, distortions, theme, _marks(points, rates, distortions))
    line = sorted((p for p in points if p.order is not None and p.is_final), key=lambda p: p.order or 0.0)
    figure.add_scatter(
        x=[point.rate for point in line],
        y=[point.distortion for point in line],
        mode="lines",
        line={"color": colours["elbo"], "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    places = label_places(points, rates, distortions)
    colours_seen = Counter[str]()
    for number, point in enumerate(points):
        symbol = SYMBOLS[colours_seen[point.colour] % len(SYMBOLS)]
        colours_seen[point.colour] += 1
        bars = {"thickness": 2, "color": point.colour, "visible": point.is_final}
        state = "" if point.is_final else ", training"
        figure.add_scatter(
            x=[point.rate],
            y=[point.distortion],
            error_x={"array": [np.nan_to_num(point.rate_error)], **bars},
            error_y={"array": [np.nan_to_num(point.distortion_error)], **bars},
            mode="markers+text" if places else "markers",
            marker={
                "color": point.colour,
                "size": 13,
                "symbol": symbol if point.is_final else f"{symbol}-open",
                "line": {"width": 2, "color": point.colour},
            },
            name=literal(point.label),
            text=[f"<b>{literal(point.label)}</b>"],
            textposition=places[number] if places else "top right",
            textfont={"size": FONT_SIZE, "color": colours["log_evidence"]},
            hovertemplate=f"%{{fullData.name}}{state}: R %{{x:.2f}} ± {point.rate_error:.2f}, "
            f"D %{{y:.2f}} ± {point.distortion_error:.2f}, "
            f"ELBO {signed(-point.rate - point.distortion)} nats<extra></extra>",
        )
    if places:
        return _finish_plane(figure, rates, distortions, theme)
    figure.update_layout(legend=LEGEND_ABOVE)
    room = LEGEND_ROW + legend_room([point.label for point in points])
    return _finish_plane(figure, rates, distortions, theme, legend=room)


class _Box(NamedTuple):
    """In pixels, to the right and upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


def label_places(
    points: Sequence[RatePoint], rates: tuple[float, float], distortions: tuple[float, float]
) -> list[str] | None:
    """Where the label of each point stands; None where on a phone one would be cut or lie on another one.

    Arguments:
        points: The models.
        rates, distortions: Ranges of the axes.

    Returns:
        Plotly's ``textposition`` of each point.

    Example:
        >>> points = [RatePoint("β 1", "#000000", 2.0, 24.0), RatePoint("β 4", "#000000", 1.0, 26.0)]
        >>> label_places(points, (0.5, 2.5), (23.0, 27.0))
        ['bottom left', 'top right']
        >>> label_places(5 * points, (0.5, 2.5), (23.0, 27.0)) is None
        True
    """
    places: list[str] = []
    whole = _Box(0.0, 0.0, *PHONE)
    marks = _marks(points, rates, distortions)
    taken = [*marks, *(box for _, _, box in _named_bounds(rates, distortions, marks) if box)]
    for number, (point, mark) in enumerate(zip(points, marks, strict=True)):
        x, y = mark.left + MARK, mark.bottom + MARK
        others = [box for one, box in enumerate(taken) if one != number]
        found = next(
            (
                (place, box)
                for place, box in _beside(point.label, x, y, is_left=x < PHONE[0] / 2)
                if whole.left <= box.left
                and box.right <= whole.right
                and whole.bottom <= box.bottom
                and box.top <= whole.top
                and not any(box.meets(other) for other in others)
            ),
            None,
        )
        if found is None:
            return None
        places.append(found[0])
        taken.append(found[1])
    return places


def _marks(
    points: Sequence[RatePoint], rates: tuple[float, float], distortions: tuple[float, float]
) -> list[_Box]:
    """What the marks of the points cover on a phone."""
    found: list[_Box] = []
    for point in points:
        x = (point.rate - rates[0]) / (rates[1] - rates[0]) * PHONE[0]
        y = (point.distortion - distortions[0]) / (distortions[1] - distortions[0]) * PHONE[1]
        found.append(_Box(x - MARK, y - MARK, x + MARK, y + MARK))
    return found


def _beside(label: str, x: float, y: float, *, is_left: bool) -> Iterator[tuple[str, _Box]]:
    """Places of a label and what it covers there; the line, which falls, crosses neither of the first two."""
    width, height = LETTER[0] * len(label), LETTER[1]
    sides = ("top right", "bottom left") if is_left else ("bottom left", "top right")
    for place in (*sides, "top left", "bottom right"):
        left = x + MARK if place.endswith("right") else x - MARK - width
        bottom = y + MARK if place.startswith("top") else y - MARK - height
        yield place, _Box(left, bottom, left + width, bottom + height)


def _finish_plane(
    figure: go.Figure,
    rates: tuple[float, float],
    distortions: tuple[float, float],
    theme: ThemeName,
    *,
    legend: int = 0,
) -> go.Figure:
    """Axes and margins; ``legend``: the pixels of one, 0 without."""
    figure.update_xaxes(title="rate R = E KL(q ‖ prior), nats", range=list(rates))
    figure.update_yaxes(title="distortion D, nats", range=list(distortions))
    return finish(figure, height=HEIGHT + legend, theme=theme, legend=legend > 0)


def _add_bounds(
    figure: go.Figure,
    rates: tuple[float, float],
    distortions: tuple[float, float],
    theme: ThemeName,
    marks: Sequence[_Box] = (),
) -> None:
    """The lines of equal ELBO, with their values where no mark covers them."""
    colour = CONCEPTS[theme]["prior"]
    for start, name, _ in _named_bounds(rates, distortions, marks):
        figure.add_scatter(
            x=list(rates),
            y=[start, start - (rates[1] - rates[0])],
            mode="lines+text",
            text=[name, ""],
            textposition="top right",
            textfont={"size": FONT_SIZE - 2, "color": colour},
            line={"color": colour, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )


def _named_bounds(
    rates: tuple[float, float], distortions: tuple[float, float], marks: Sequence[_Box]
) -> Iterator[tuple[float, str, _Box | None]]:
    """Where each line of equal ELBO begins at the left edge, its name there, and what the name covers."""
    bounds = _round_values(-(distortions[1] + rates[1]), -(distortions[0] + rates[0]))
    digits = 0 if all(bound.is_integer() for bound in bounds) else 1
    for bound in bounds:
        start = -bound - rates[0]
        name = _name(bound, digits, start, distortions)
        bottom = (start - distortions[0]) / (distortions[1] - distortions[0]) * PHONE[1]
        box = _Box(0.0, bottom, LETTER[0] * len(name), bottom + LETTER[1])
        is_shown = bool(name) and not any(box.meets(mark) for mark in marks)
        yield (start, name, box) if is_shown else (start, "", None)


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
