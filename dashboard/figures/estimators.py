"""Gradient estimators: distributions of estimates, variance against M, and the effect of σ² for σ."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, faded, finish, mark_x
from dashboard.formats import signed, with_deviation
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
ROW_HEIGHT: Final = 84
_TOP: Final = 0.62
"""Height of a histogram as a share of its row; its name stands above."""
HEIGHT: Final = 380
SHADES: Final = {"reparameterised": 0, "score": 1, "baseline": 2, "constant": 8, "squared": 3}
"""Index of each estimator's colour in ``CLASSES``, the same in all figures."""


class Row(NamedTuple):
    """One estimator in the picture of distributions.

    Arguments:
        name: As it is written.
        shade: Key of ``SHADES``.
        edges: Of the histogram, shape (bins + 1,).
        heights: Shape (bins,), the highest 1.
        mean: Of the estimates.
        deviation: Standard deviation of one estimate.
    """

    name: str
    shade: str
    edges: Array
    heights: Array
    mean: float
    deviation: float


def distributions_figure(rows: Sequence[Row], truth: float, *, title: str, theme: ThemeName) -> go.Figure:
    """One histogram for each estimator on one axis, a dot for its mean, the true derivative as a line.

    Arguments:
        rows: First row at the top.
        truth: The true derivative.
        title: Of the axis, with its unit.
        theme: Light or dark.
    """
    figure, ink = go.Figure(), CONCEPTS[theme]["log_evidence"]
    for number, row in enumerate(rows):
        _add_row(figure, row, len(rows) - 1 - number, theme)
        base = len(rows) - 1 - number
        line = {"color": ink, "dash": "dash", "width": 2}
        figure.add_shape(type="line", x0=truth, x1=truth, y0=base - 0.1, y1=base + _TOP, line=line)
    note = {"text": f"true {signed(truth, 3)}", "font": {"size": FONT_SIZE}, "yanchor": "bottom"}
    figure.add_annotation(x=truth, y=1, yref="paper", showarrow=False, **note)
    ends = [end for row in rows for end in (row.edges[0], row.edges[-1], row.mean)] + [truth]
    low, high = min(ends), max(ends)
    pad = 0.06 * max(high - low, 1e-3 * max(1.0, abs(truth)))
    figure.update_xaxes(title=title, range=[low - pad, high + pad])
    figure.update_yaxes(visible=False, range=[-0.15, len(rows)], fixedrange=True)
    finish(figure, height=ROW_HEIGHT * len(rows) + 90, theme=theme)
    return figure.update_layout(margin={"t": 30})


def _add_row(figure: go.Figure, row: Row, base: int, theme: ThemeName) -> None:
    colour = CLASSES[theme][SHADES[row.shade]]
    if len(row.heights) > 1:
        steps = np.concatenate([[0.0], np.repeat(row.heights, 2), [0.0]])
        figure.add_scatter(
            x=np.repeat(row.edges, 2),
            y=base + _TOP * steps,
            mode="lines",
            fill="toself",
            fillcolor=faded(colour, 0.4),
            line={"color": colour, "width": 2},
            hoverinfo="skip",
        )
    hover = f"{row.name}: {signed(row.mean, 4)} ± {row.deviation:.4g}<extra></extra>"
    marker = {"color": colour, "size": 13, "line": {"color": CONCEPTS[theme]["log_evidence"], "width": 1.5}}
    figure.add_scatter(x=[row.mean], y=[base], mode="markers", marker=marker, hovertemplate=hover)
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=base + _TOP,
        yanchor="bottom",
        text=f"<b>{row.name}</b> {with_deviation(row.mean, row.deviation)}",
        font={"size": FONT_SIZE, "color": colour},
        showarrow=False,
    )


def variance_figure(
    counts: Sequence[int],
    lines: Sequence[tuple[str, str, Sequence[float]]],
    chosen: int,
    *,
    title: str,
    theme: ThemeName,
) -> go.Figure:
    """Variance of an estimate against M, both axes logarithmic: a mean of M independent terms falls as 1/M.

    Arguments:
        counts: M, ascending.
        lines: Name, key of ``SHADES``, and the variance at each M; no line for variances of 0.
        chosen: The M in view.
        title: Of the vertical axis, with its unit.
        theme: Light or dark.
    """
    figure = go.Figure()
    for name, shade, values in lines:
        if min(values) <= 0:
            continue
        line = {"color": CLASSES[theme][SHADES[shade]], "width": 3}
        hover = "M = %{x}: %{y:.4g}<extra>" + name + "</extra>"
        figure.add_scatter(
            x=list(counts), y=list(values), name=name, mode="lines+markers", line=line, hovertemplate=hover
        )
    mark_x(figure, chosen, line={"color": CONCEPTS[theme]["data"], "dash": "dot", "width": 2})
    figure.update_traces(marker={"size": 8})
    figure.update_xaxes(
        title="samples M", type="log", tickvals=list(counts), ticktext=[str(m) for m in counts]
    )
    figure.update_yaxes(title=title, type="log", exponentformat="power", dtick=1)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def sweep_figure(
    stds: Array, values: Array, squared_values: Array, std: float, *, title: str, theme: ThemeName
) -> go.Figure:
    """The expectation over sigma, with z = mu + sigma eps and with z = mu + sigma^2 eps.

    Arguments:
        stds: sigma, shape (n,).
        values: Its values there.
        squared_values: With z = mu + sigma^2 eps.
        std: The sigma in view.
        title: Of the vertical axis, with its unit.
        theme: Light or dark.
    """
    figure = go.Figure()
    for name, shade, line in (
        ("z = μ + σ ε", "reparameterised", values),
        ("z = μ + σ² ε", "squared", squared_values),
    ):
        colour = CLASSES[theme][SHADES[shade]]
        hover = "σ = %{x:.3f}: %{y:.4f}<extra>" + name + "</extra>"
        figure.add_scatter(
            x=stds, y=line, name=name, mode="lines", line={"color": colour, "width": 3}, hovertemplate=hover
        )
    line, note = {"color": CONCEPTS[theme]["data"], "dash": "dot", "width": 2}, {"text": "σ now"}
    mark_x(figure, std, line=line, note=note)
    figure.update_xaxes(title="σ")
    figure.update_yaxes(title=title)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)
