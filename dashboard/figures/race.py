"""Held-out ELBO of several trainings from the same start, with the places where they would have stopped."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.base import GROUND, faded, finish
from dashboard.figures.evidence import ABOVE
from dashboard.formats import signed
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating] | NDArray[np.integer]
HEIGHT: Final = 520
DASHES: Final = ("dot", "dash", "solid")
SYMBOLS: Final = ("square", "diamond", "circle")


class RaceLine(NamedTuple):
    """One training.

    Arguments:
        name: Of the optimiser.
        held_out: At the start and after each epoch, nats per datum; NaN after a divergence.
        train: Mean of each epoch's mini-batches.
        seconds: At the start and after each epoch.
        stop: The epoch at which it would have ended, or None.
        diverged: The step at which the objective was no number, 0 for none.
    """

    name: str
    held_out: Array
    train: Array
    seconds: Array
    stop: int | None
    diverged: int


def race_figure(
    lines: Sequence[RaceLine], steps: Array, *, against: Literal["updates", "seconds"], theme: ThemeName
) -> go.Figure:
    """The lines, thick for held-out data and faint for training data, each with a mark at its stop.

    What the mark stands for is said in the legend: beside the mark other lines would cross it out.

    Arguments:
        lines: The trainings; all begin with the same held-out value.
        steps: Updates at the start and after each epoch.
        against: What the horizontal axis is.
        theme: Light or dark.
    """
    figure, shown = go.Figure(), shown_range(lines)
    places = [steps if against == "updates" else line.seconds for line in lines]
    for number, (line, x) in enumerate(zip(lines, places, strict=True)):
        _add_line(figure, line, x, number, theme)
    for number, (line, x) in enumerate(zip(lines, places, strict=True)):
        _add_end(figure, line, x, number, shown, theme)
    start = float(lines[0].held_out[0])
    if start < shown[0]:
        text = f"all start at {signed(start)}"
        place: dict[str, Any] = {"x": 0, "y": shown[0], "xanchor": "left", "yanchor": "bottom", "xshift": 6}
        figure.add_annotation(text=text, showarrow=False, bgcolor=GROUND[theme], **place)
    figure.update_xaxes(
        title="updates" if against == "updates" else "seconds of training", rangemode="tozero"
    )
    figure.update_yaxes(title="ELBO, nats per datum", range=shown)
    return finish(figure.update_layout(legend=ABOVE), height=HEIGHT, theme=theme, legend=True)


def shown_range(lines: Sequence[RaceLine]) -> list[float]:
    """Heights of the last three quarters of the lines that did not diverge: there the stops are."""
    start = float(lines[0].held_out[0])
    late = len(lines[0].held_out) // 4
    parts = [part[late:] for line in lines if not line.diverged for part in (line.held_out, line.train)]
    known = np.concatenate([*parts, [start]]) if not parts else np.concatenate(parts)
    low, high = float(known.min()), float(known.max())
    margin = 0.08 * max(high - low, 0.1)
    return [low - 2 * margin, high + margin]


def _add_line(figure: go.Figure, line: RaceLine, x: Array, number: int, theme: ThemeName) -> None:
    colour, middle = CLASSES[theme][number], (x[1:] + x[:-1]) / 2
    faint = {"color": faded(colour, 0.45), "width": 1.5}
    figure.add_scatter(x=middle, y=line.train, mode="lines", line=faint, showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=x,
        y=line.held_out,
        mode="lines",
        name=line.name + _end(line),
        line={"color": colour, "width": 3.5, "dash": DASHES[number % len(DASHES)]},
        customdata=np.arange(len(x)),
        hovertemplate="epoch %{customdata}: %{y:.3f} nats<extra>" + line.name + "</extra>",
    )


def _end(line: RaceLine) -> str:
    """Where the line ends, as a second line of its name."""
    if line.diverged:
        return f"<br>diverged at step {line.diverged:,}"
    if line.stop is None:
        return ""
    return f"<br>stops at epoch {line.stop}: {signed(line.held_out[line.stop])}"


def _add_end(
    figure: go.Figure, line: RaceLine, x: Array, number: int, shown: list[float], theme: ThemeName
) -> None:
    """Marks the stop of a line, or where it diverged: at the edge of the picture where that is below it."""
    if line.diverged:
        epoch, symbol = int(np.flatnonzero(~np.isnan(line.held_out))[-1]), "x"
    elif line.stop is not None:
        epoch, symbol = line.stop, SYMBOLS[number % len(SYMBOLS)]
    else:
        return
    y = max(float(line.held_out[epoch]), shown[0])
    edge = {"color": CONCEPTS[theme]["log_evidence"], "width": 2}
    marker = {"color": CLASSES[theme][number], "size": 15, "symbol": symbol, "line": edge}
    mark = go.Scatter(x=[x[epoch]], y=[y], mode="markers", marker=marker, cliponaxis=False)
    figure.add_trace(mark.update(showlegend=False, hoverinfo="skip"))
