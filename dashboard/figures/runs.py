"""Runs on the same axes: their curves, their KL by dimension, their latent planes."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import AT_LEAST, LEAST_RANGE, LEGEND_ABOVE, finish, literal
from dashboard.figures.dimension_reduction import plane_figure
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT = 300
DASHES = ("solid", "dash", "dot", "dashdot")
SETTLED = 0.1
"""From this share of a run on its curve decides the range: what it falls from is off the picture."""


LEGEND_ROW: Final = 22
"""Pixels."""
LEGEND_WIDTH: Final = 300
"""Pixels that a legend has at least: on a phone, or in a third of a page."""


class RunLine(NamedTuple):
    """A run's curve: its label, its number, the steps, shape (rows,), and a value at each."""

    label: str
    number: int
    steps: Array
    values: Array


def run_colour(number: int, theme: ThemeName) -> str:
    """The colour of the run with this number, the same in all figures of a comparison."""
    palette = CLASSES[theme]
    return palette[number % len(palette)]


def legend_room(labels: Sequence[str]) -> int:
    """Pixels that a figure is higher by for its legend, so that many runs leave the picture its height.

    Example:
        >>> legend_room(["β 1", "β 4"]), legend_room(["encoder mixture of Gaussians"] * 6)
        (0, 110)
    """
    entry = 45 + 8 * max(map(len, labels), default=0)
    return LEGEND_ROW * max(0, math.ceil(len(labels) / max(1, LEGEND_WIDTH // entry)) - 1)


def run_curves_figure(lines: Sequence[RunLine], title: str, *, theme: ThemeName, legend: bool) -> go.Figure:
    """One quantity of all runs against the step.

    Arguments:
        lines: The runs.
        title: Of the vertical axis.
        theme: Light or dark.
        legend: Whether the runs are named.
    """
    figure = go.Figure()
    for line in lines:
        dash = DASHES[line.number // len(CLASSES[theme]) % len(DASHES)]
        figure.add_scatter(
            x=line.steps,
            y=line.values,
            mode="lines",
            name=literal(line.label),
            line={"color": run_colour(line.number, theme), "width": 2.5, "dash": dash},
            hovertemplate="step %{x:,}: %{y:.2f} nats<extra>%{fullData.name}</extra>",
        )
    settled = [line.values[line.steps >= SETTLED * line.steps.max()] for line in lines if len(line.steps)]
    values = np.concatenate(settled) if settled else np.empty(0)
    values = values[np.isfinite(values)]
    if len(values):
        low, high = float(values.min()), float(values.max())
        margin = 0.06 * (high - low) + max(0.0, LEAST_RANGE - (high - low)) / 2
        figure.update_yaxes(range=[low - margin, high + margin])
    figure.update_xaxes(title="step", rangemode="tozero")
    figure.update_yaxes(title=title)
    figure.update_layout(legend=LEGEND_ABOVE)
    height = HEIGHT + (legend_room([line.label for line in lines]) if legend else 0)
    return finish(figure, height=height, theme=theme, legend=legend)


def run_kl_figure(runs: Sequence[tuple[str, int, Array]], *, theme: ThemeName) -> go.Figure:
    """KL of each latent dimension of all runs, by rank: dimensions of two runs do not correspond.

    Arguments:
        runs: Label, number, and mean KL of each dimension over the examples, shape (J,), nats.
        theme: Light or dark.
    """
    figure = go.Figure()
    for label, number, values in runs:
        ordered = np.sort(values)[::-1]
        figure.add_bar(
            x=[str(rank + 1) for rank in range(len(ordered))],
            y=ordered,
            name=literal(label),
            marker_color=run_colour(number, theme),
            hovertemplate="rank %{x}: %{y:.3f} nats<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title="latent dimension, most used first", type="category")
    figure.update_yaxes(title="KL, nats per example", **AT_LEAST)
    figure.update_layout(legend=LEGEND_ABOVE)
    height = HEIGHT + legend_room([label for label, _, _ in runs])
    return finish(figure, height=height, theme=theme, legend=True)


def turned_plane_figure(
    points: Array,
    labels: NDArray[np.int32],
    *,
    class_names: Sequence[str],
    reach: float,
    one_dimension: bool,
    theme: ThemeName,
) -> go.Figure:
    """Posterior means in the frame of another run, by class, over circles of the prior.

    Arguments:
        points: Shape (n, 2).
        labels: Shape (n,), -1 for none.
        class_names: Names of the labels.
        reach: The axes go from -reach to reach.
        one_dimension: Whether the height is the posterior standard deviation, for J = 1.
        theme: Light or dark.
    """
    figure = plane_figure(points, labels, class_names=class_names, reach=reach, theme=theme)
    if one_dimension:
        figure.update_xaxes(title="z")
        return figure.update_yaxes(title="posterior standard deviation", showticklabels=True)
    for radius in (1, 2):
        figure.add_shape(
            type="circle",
            x0=-radius,
            y0=-radius,
            x1=radius,
            y1=radius,
            line={"color": CONCEPTS[theme]["prior"], "width": 1, "dash": "dash"},
            layer="below",
        )
    return figure
