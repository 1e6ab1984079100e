"""Priors over the latent plane, and trainings under three of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, faded, finish
from dashboard.figures.pixels import pixel_trace
from dashboard.figures.player import add_player
from dashboard.formats import names_of_values, signed
from dashboard.theme import CLASSES, CONCEPTS, ThemeName
from dashboard.tiles import tiled

Array = NDArray[np.floating]
PLANE_HEIGHT: Final = 340
TRAINING_HEIGHT: Final = 860
CURVES_HEIGHT: Final = 400
FRAME_MS: Final = 300
IMAGES_IN_A_ROW: Final = 10
REACH: Final = 4.0
_LEVELS: Final = {"start": -7.0, "end": 0.0, "size": 1.0}
"""Contours of log p(z), nats: the same in all figures."""
_LATE: Final = 0.25
"""The curves' axis covers the ELBO after this share of the steps."""


class PriorTraining(NamedTuple):
    """A training under one prior, recorded at L steps.

    Arguments:
        steps: Updates made, shape (L,).
        axes: Values of a grid along both latent dimensions, shape (2, n).
        density: log p(z) on it, the second dimension first, shape (L, n, n).
        means: Posterior means of held-out examples, shape (L, m, 2).
        centres: Centres of the prior's components, or draws from it, shape (L, K, 2).
        shown: The same in data space, shape (L, K, D).
        image_shape: (height, width), or (height, width, 3) in colour; None for points.
        name: What ``shown`` is, for the legend.
    """

    steps: NDArray[np.integer]
    axes: Array
    density: Array
    means: Array
    centres: Array
    shown: Array
    image_shape: tuple[int, ...] | None
    name: str


def plane_figure(density: Array, means: Array, centres: Array, *, theme: ThemeName) -> go.Figure:
    """Contours of log p(z), posterior means, and the means of the prior's components.

    Arguments:
        density: log p(z) on a square grid from -REACH to REACH, shape (n, n), nats.
        means: Shape (m, 2).
        centres: Shape (K, 2), K may be 0.
        theme: Light or dark.
    """
    axes = np.linspace([-REACH, -REACH], [REACH, REACH], len(density), axis=1)
    figure = go.Figure([_contour(axes, density, theme), _means(means, theme), _centres(centres, theme)])
    figure.update_xaxes(title="z<sub>1</sub>", range=[-REACH, REACH])
    figure.update_yaxes(title="z<sub>2</sub>", range=[-REACH, REACH], scaleanchor="x")
    return finish(figure, height=PLANE_HEIGHT, theme=theme)


def training_figure(training: PriorTraining, x: Array, *, theme: ThemeName) -> go.Figure:
    """The plane with prior and posterior means, and below it the pseudo-inputs; both play together.

    Arguments:
        training: The record.
        x: Held-out examples, drawn where they are points of the plane, shape (n, D).
        theme: Light or dark.
    """
    figure = go.subplots([0.62, 0.38], vertical_spacing=0.12)
    last = len(training.steps) - 1
    for trace in _plane(training, last, theme):
        figure.add_trace(trace, row=1)
    figure.add_trace(_shown(training, last, theme), row=2)
    frames = [
        {
            "data": [*_plane(training, number, theme), _shown(training, number, theme)],
            "traces": [0, 1, 2, 3],
            "name": f"{step:,}",
        }
        for number, step in enumerate(training.steps.tolist())
    ]
    add_player(figure, frames, frame_ms=FRAME_MS, redraw=True, first=last)
    (left, right), (low, high) = training.axes[:, [0, -1]].tolist()
    figure.update_xaxes(title="z<sub>1</sub>", range=[left, right], constrain="domain", row=1)
    figure.update_yaxes(title="z<sub>2</sub>", range=[low, high], scaleanchor="x", constrain="domain", row=1)
    _add_ground(figure, training, x, theme)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=TRAINING_HEIGHT, theme=theme, legend=True)


def curves_figure(steps: Array, curves: Mapping[str, tuple[Array, Array]], *, theme: ThemeName) -> go.Figure:
    """Held-out ELBO of each prior with its standard error.

    Arguments:
        steps: Shape (L,).
        curves: Name, and mean and standard error of shape (L,), nats per example.
        theme: Light or dark.
    """
    figure = go.Figure()
    dashes = ("dash", "dot", "solid")
    for colour, dash, (name, (mean, error)) in zip(CLASSES[theme], dashes, curves.items(), strict=False):
        figure.add_scatter(
            x=np.concatenate([steps, steps[::-1]]),
            y=np.concatenate([mean + error, (mean - error)[::-1]]),
            fill="toself",
            fillcolor=faded(colour, 0.15),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=steps,
            y=mean,
            customdata=error,
            mode="lines",
            name=f"{name} <b>{signed(float(mean[-1]))}</b>",
            line={"color": colour, "width": 3, "dash": dash},
            hovertemplate="step %{x:,}: %{y:.3f} ± %{customdata:.3f} nats<extra>" + name + "</extra>",
        )
    figure.update_yaxes(title="held-out ELBO, nats per example", range=_late_range(steps, curves))
    figure.update_xaxes(title="update")
    legend = {**LEGEND_ABOVE, "orientation": "v"}
    return finish(figure.update_layout(legend=legend), height=CURVES_HEIGHT, theme=theme, legend=True)


def _late_range(steps: Array, curves: Mapping[str, tuple[Array, Array]]) -> list[float]:
    late = [mean[steps >= _LATE * steps[-1]] for mean, _ in curves.values()]
    low, high = min(float(part.min()) for part in late), max(float(part.max()) for part in late)
    margin = 0.1 * max(high - low, 0.1)
    return [low - margin, high + margin]


def mosaic(images: Array, image_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Images as one picture, ten to a row, with a grey line between them.

    Arguments:
        images: Shape (K, D), from 0 to 1.
        image_shape: (height, width), or (height, width, 3) in colour.
    """
    height, width, *colours = image_shape
    rows = -(-len(images) // IMAGES_IN_A_ROW)
    sheet = np.full((rows * IMAGES_IN_A_ROW, height + 1, width + 1, *colours), 110, np.uint8)
    pixels = (np.clip(np.nan_to_num(images), 0, 1) * 255).astype(np.uint8)
    sheet[: len(images), :height, :width] = pixels.reshape(-1, height, width, *colours)
    whole = tiled(sheet.reshape(rows, IMAGES_IN_A_ROW, -1), (height + 1, width + 1, *colours))
    return whole[:-1, :-1]


def _plane(training: PriorTraining, number: int, theme: ThemeName) -> Sequence[go.Contour | go.Scatter]:
    density, means, centres = training.density[number], training.means[number], training.centres[number]
    return _contour(training.axes, density, theme), _means(means, theme), _centres(centres, theme)


def _contour(axes: Array, density: Array, theme: ThemeName) -> go.Contour:
    x, y = axes.astype(np.float32)
    shade = CONCEPTS[theme]["prior"]
    return go.Contour(
        x=x,
        y=y,
        z=np.maximum(density, -20).astype(np.float32),
        contours=_LEVELS | {"coloring": "fill"},
        autocontour=False,
        colorscale=[[0, faded(shade, 0.0)], [1, faded(shade, 0.6)]],
        zmin=-8,
        zmax=0,
        line={"width": 1, "color": faded(shade, 0.7)},
        showscale=False,
        name="log p(z)",
        hovertemplate="log p(z) = %{z:.2f} nats<extra></extra>",
    )


def _means(means: Array, theme: ThemeName) -> go.Scatter:
    marker = {"color": CONCEPTS[theme]["posterior"], "size": 5, "opacity": 0.6}
    return _points(means, marker, "posterior means")


def _centres(centres: Array, theme: ThemeName) -> go.Scatter:
    marker = {"color": CONCEPTS[theme]["kl"], "size": 9, "symbol": "x", "opacity": 0.9}
    return _points(centres, marker, "centres of the prior")


def _points(points: Array, marker: dict[str, Any], name: str) -> go.Scatter:
    x, y = points.astype(np.float32).T
    return go.Scatter(
        x=x, y=y, mode="markers", marker=marker, name=name, hovertemplate="(%{x:.2f}, %{y:.2f})"
    )


def _shown(training: PriorTraining, number: int, theme: ThemeName) -> go.Heatmap | go.Image | go.Scatter:
    shown = training.shown[number]
    if training.image_shape is None:
        return _points(shown, {"color": CONCEPTS[theme]["kl"], "size": 9, "symbol": "x"}, training.name)
    return pixel_trace(mosaic(shown, training.image_shape))


def _add_ground(figure: go.Figure, training: PriorTraining, x: Array, theme: ThemeName) -> None:
    """The lower axes: hidden for images; for points as wide as the examples, which are drawn under them."""
    if training.image_shape is not None:
        figure.update_xaxes(visible=False, constrain="domain", row=2)
        figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x2", constrain="domain", row=2)
        return
    data = _points(x, {"color": CONCEPTS[theme]["data"], "size": 4, "opacity": 0.5}, "held-out x")
    figure.add_trace(data, row=2)
    span = 1.1 * float(np.abs(x).max())
    first, second = names_of_values((), 2)
    figure.update_xaxes(title=first, range=[-span, span], row=2)
    figure.update_yaxes(title=second, range=[-span, span], scaleanchor="x2", row=2)
