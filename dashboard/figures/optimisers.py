"""Optimisers compared: validation ELBO of several trainings, and paths over the ELBO as a surface."""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import GROUND, LEGEND_ABOVE, faded, finish, mixed
from dashboard.figures.contours import contour_traces
from dashboard.figures.player import add_player
from dashboard.formats import signed
from dashboard.theme import CLASSES, CONCEPTS, PAGE, ThemeName

Array = NDArray[np.floating]
Steps = NDArray[np.floating] | NDArray[np.integer]
RACE_HEIGHT: Final = 520
DESCENT_HEIGHT: Final = 860
DASHES: Final = ("dot", "dash", "solid")
SYMBOLS: Final = ("square", "diamond", "circle")
DEPTH: Final = 30.0
"""Nats below the top that the contours show, in so many levels."""
LEVELS: Final = 24
_SHADES: Final[dict[ThemeName, tuple[str, str]]] = {
    "light": ("#A9A9A9", PAGE["light"]),
    "dark": (PAGE["dark"], "#585C66"),
}
"""From low to high."""


class RaceLine(NamedTuple):
    """One training.

    Arguments:
        name: Of the optimiser.
        validation: At the start and after each epoch, nats per example; NaN after a divergence.
        train: Mean of each epoch's mini-batches.
        seconds: At the start and after each epoch.
        stop: The epoch at which it would have ended, or None.
        kept: The epoch whose weights it would have kept.
        diverged: The step at which the objective became non-finite, 0 for none.
    """

    name: str
    validation: Array
    train: Array
    seconds: Array
    stop: int | None
    kept: int
    diverged: int


def race_figure(
    lines: Sequence[RaceLine], steps: Steps, *, against: Literal["updates", "seconds"], theme: ThemeName
) -> go.Figure:
    """The lines, thick for validation data and faint for training data, each with a mark at its stop.

    The legend says what the mark stands for: beside the mark other lines would cross a note out.

    Arguments:
        lines: The trainings; all begin with the same value.
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
    start = float(lines[0].validation[0])
    if start < shown[0]:
        text = f"all start at {signed(start)}"
        place: dict[str, Any] = {"x": 0, "y": shown[0], "xanchor": "left", "yanchor": "bottom", "xshift": 6}
        figure.add_annotation(text=text, showarrow=False, bgcolor=GROUND[theme], **place)
    figure.update_xaxes(
        title="updates" if against == "updates" else "seconds of training", rangemode="tozero"
    )
    figure.update_yaxes(title="ELBO, nats per example", range=shown)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=RACE_HEIGHT, theme=theme, legend=True)


def shown_range(lines: Sequence[RaceLine]) -> list[float]:
    """Range of the last three quarters of the lines that did not diverge; the stops lie there."""
    start = float(lines[0].validation[0])
    late = len(lines[0].validation) // 4
    parts = [part[late:] for line in lines if not line.diverged for part in (line.validation, line.train)]
    known = np.concatenate([*parts, [start]]) if not parts else np.concatenate(parts)
    low, high = float(known.min()), float(known.max())
    margin = 0.08 * max(high - low, 0.1)
    return [low - 2 * margin, high + margin]


def _add_line(figure: go.Figure, line: RaceLine, x: Steps, number: int, theme: ThemeName) -> None:
    colour, middle = CLASSES[theme][number], (x[1:] + x[:-1]) / 2
    faint = {"color": faded(colour, 0.45), "width": 1.5}
    figure.add_scatter(x=middle, y=line.train, mode="lines", line=faint, showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=x,
        y=line.validation,
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
    return f"<br>stops at epoch {line.stop}, keeps epoch {line.kept}"


def _add_end(
    figure: go.Figure, line: RaceLine, x: Steps, number: int, shown: list[float], theme: ThemeName
) -> None:
    """Marks the stop of a line, or where it diverged: at the edge of the picture where that is below it."""
    if line.diverged:
        epoch, symbol = int(np.flatnonzero(~np.isnan(line.validation))[-1]), "x"
    elif line.stop is not None:
        epoch, symbol = line.stop, SYMBOLS[number % len(SYMBOLS)]
    else:
        return
    y = max(float(line.validation[epoch]), shown[0])
    edge = {"color": CONCEPTS[theme]["log_evidence"], "width": 2}
    marker = {"color": CLASSES[theme][number], "size": 15, "symbol": symbol, "line": edge}
    mark = go.Scatter(x=[x[epoch]], y=[y], mode="markers", marker=marker, cliponaxis=False)
    figure.add_trace(mark.update(showlegend=False, hoverinfo="skip"))


class Descent(NamedTuple):
    """The path of one optimiser; shorter than the others where it diverged.

    Arguments:
        means: Mean of q at the start and after each step, shape (steps + 1, 2).
        elbo: The ELBO there, shape (steps + 1,), nats.
    """

    means: Array
    elbo: Array


def surface_contours(axis: Array, surface: Array, *, theme: ThemeName) -> list[go.Scatter]:
    """Lines of equal height near the top; what is far below has one shade.

    Arguments:
        axis: Values of the mean in both dimensions.
        surface: The ELBO there, shape (n, n), the first dimension first.
        theme: Light or dark.
    """
    top = float(surface.max())
    low = max(float(surface.min()), top - DEPTH)
    heights = np.linspace(low, top, LEVELS + 1)[:-1]
    return contour_traces(
        [axis, axis],
        surface,
        [-np.inf, *heights[1:]],
        [mixed(*_SHADES[theme], share) for share in np.linspace(0, 1, LEVELS)],
        line={"width": 1, "color": faded(CONCEPTS[theme]["prior"], 0.7)},
        says=[
            f"ELBO below {heights[1]:.1f} nats",
            *(f"ELBO above {height:.1f} nats" for height in heights[1:]),
        ],
    )


def descent_figure(
    axis: Array,
    surface: Array,
    contours: Sequence[go.Scatter],
    paths: Sequence[Descent],
    names: Sequence[str],
    *,
    theme: ThemeName,
) -> go.Figure:
    """Contours of the ELBO with the paths over them; below them the ELBO at each step.

    Arguments:
        axis: Values of the mean in both dimensions.
        surface: The ELBO there, shape (n, n), the first dimension first.
        contours: Of it, from :func:`surface_contours`; only read.
        paths: One for each optimiser.
        names: Of the optimisers.
        theme: Light or dark.
    """
    figure = go.subplots([0.66, 0.34], vertical_spacing=0.13)
    figure.data.extend(contours)
    for number, (path, name) in enumerate(zip(paths, names, strict=True)):
        colour, dash = CLASSES[theme][number], DASHES[number % len(DASHES)]
        line = {"color": colour, "width": 3, "dash": dash}
        x, y = path.means.T
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name=name, hoverinfo="skip", row=1)
        figure.add_scatter(y=path.elbo, mode="lines", line=line, showlegend=False, name=name, row=2)
    moving = [len(figure.data), len(figure.data) + 1]
    for trace, row in zip(_dots(paths, theme), (1, 2), strict=True):
        figure.add_trace(trace, row=row)
    frames = [{"data": data, "traces": moving, "name": str(step)} for step, data in enumerate(_moves(paths))]
    add_player(figure, frames, frame_ms=120)
    ends = [float(axis[0]), float(axis[-1])]
    figure.update_xaxes(title="mean of q, z<sub>1</sub>", range=ends, constrain="domain", row=1)
    figure.update_yaxes(
        title="mean of q, z<sub>2</sub>", range=ends, scaleanchor="x", constrain="domain", row=1
    )
    figure.update_xaxes(title="step", row=2)
    lowest = float(surface.min())
    figure.update_yaxes(title="ELBO, nats", range=_heights(paths, lowest, float(surface.max())), row=2)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=DESCENT_HEIGHT, theme=theme, legend=True)


def _heights(paths: Sequence[Descent], lowest: float, highest: float) -> list[float]:
    low = max(lowest, min(float(path.elbo.min()) for path in paths))
    return [low - 0.06 * (highest - low), highest + 0.1 * (highest - low)]


def _dots(paths: Sequence[Descent], theme: ThemeName) -> list[go.Scatter]:
    """Where all paths begin, over the surface and below it: one trace each for all of them."""
    marker = {
        "color": [CLASSES[theme][number] for number in range(len(paths))],
        "symbol": [SYMBOLS[number % len(SYMBOLS)] for number in range(len(paths))],
        "size": 15,
        "line": {"color": CONCEPTS[theme]["log_evidence"], "width": 2},
    }
    begin = _moves([Descent(path.means[:1], path.elbo[:1]) for path in paths])[0]
    return [
        go.Scatter(place, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")
        for place in begin
    ]


def _moves(paths: Sequence[Descent]) -> list[list[dict[str, Any]]]:
    """At the start and after each step the places of the two traces, and nothing else of them.

    To four and three decimals: finer than a pixel, and a frame is three numbers, not an array.
    """
    longest = max(len(path.elbo) for path in paths)
    steps = np.array([np.minimum(np.arange(longest), len(path.elbo) - 1) for path in paths]).T
    # Shapes (longest, paths, 2) and (longest, paths).
    means = np.stack([path.means[now] for path, now in zip(paths, steps.T, strict=True)], axis=1).round(4)
    heights = np.stack([path.elbo[now] for path, now in zip(paths, steps.T, strict=True)], axis=1).round(3)
    columns = (means[..., 0], means[..., 1], steps, heights)
    return [
        [{"type": "scatter", "x": x, "y": y}, {"type": "scatter", "x": number, "y": height}]
        for x, y, number, height in zip(*(column.tolist() for column in columns), strict=True)
    ]
