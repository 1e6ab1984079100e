"""The importance-weighted bound as an objective: what trainings with it reach, and its gradient's signal."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, finish
from dashboard.formats import signed
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 380
_CONCEPTS: Final = ("posterior", "kl_to_posterior", "decoded")
_SYMBOLS: Final = ("circle", "diamond", "square")


def trainings_figure(
    counts: Sequence[int], log_evidence: Array, elbo: Array, *, theme: ThemeName
) -> go.Figure:
    """log p(x) and the ELBO of trainings with K samples: the gap between them opens with K.

    Arguments:
        counts: K of each training.
        log_evidence: Their mean log p(x), nats.
        elbo: Their mean ELBO, nats.
        theme: Light or dark.
    """
    colours, figure = CONCEPTS[theme], go.Figure()
    for name, values, concept, side in (
        ("log p(x)", log_evidence, "log_evidence", "top center"),
        ("ELBO", elbo, "elbo", "bottom center"),
    ):
        figure.add_scatter(
            x=[f"K = {count}" for count in counts],
            y=values,
            mode="lines+markers+text",
            name=name,
            text=[f"<b>{signed(value)}</b>" for value in values],
            textposition=side,
            textfont={"size": FONT_SIZE, "color": colours[concept]},
            line={"color": colours[concept], "width": 4},
            marker={"size": 10},
            cliponaxis=False,
            hoverinfo="skip",
        )
    low, high = float(elbo.min()), float(log_evidence.max())
    room = max(high - low, 0.1)
    figure.update_xaxes(title="samples in the objective that was trained on", type="category")
    figure.update_yaxes(title="nats per held-out example", range=[low - 0.2 * room, high + 0.2 * room])
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=True)


def signal_figure(
    counts: Sequence[int], ratios: Mapping[str, tuple[Array, Array]], *, theme: ThemeName
) -> go.Figure:
    """Signal-to-noise ratios against K, both on log axes, with two standard errors.

    Arguments:
        counts: K, ascending.
        ratios: By name: the ratios at each K, and their standard errors.
        theme: Light or dark.
    """
    colours, figure = CONCEPTS[theme], go.Figure()
    for (name, (values, errors)), concept, symbol in zip(ratios.items(), _CONCEPTS, _SYMBOLS, strict=True):
        is_there = values > 0
        figure.add_scatter(
            x=np.asarray(counts)[is_there],
            y=values[is_there],
            error_y={"array": 2 * errors[is_there], "thickness": 2},
            mode="lines+markers",
            name=name,
            line={"color": colours[concept], "width": 4},
            marker={"size": 10, "symbol": symbol},
            hovertemplate="K = %{x}: %{y:.3g}<extra></extra>",
        )
    figure.update_xaxes(title="samples K", type="log", dtick=1)
    figure.update_yaxes(title="signal / noise of one estimate", type="log", dtick=1)
    figure.update_layout(legend=LEGEND_ABOVE)
    return finish(figure, height=HEIGHT, theme=theme, legend=True)
