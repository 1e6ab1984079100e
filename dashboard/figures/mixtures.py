"""A mixture with an example on it, and EM: examples, ellipses and the bound, which play together."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, ellipse, faded, finish, mark_x
from dashboard.figures.classes import class_marks
from dashboard.figures.player import add_player
from dashboard.theme import CLASSES, CONCEPTS, ThemeName

Array = NDArray[np.floating]
MIXTURE_HEIGHT: Final = 440
HEIGHT: Final = 860
FRAME_MS: Final = 350


def mixture_figure(line: Array, parts: Array, x: float, *, theme: ThemeName) -> go.Figure:
    """pi_k N(x; mu_k, Sigma_k) of each component, their sum p(x), and the example.

    Arguments:
        line: x, shape (n,).
        parts: Densities of the components there, shape (K, n).
        x: The example.
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
    note = {"text": "x", "font": {"size": FONT_SIZE + 3}}
    mark_x(figure, x, line={"color": ink, "dash": "dash", "width": 2}, note=note)
    figure.update_xaxes(title="x", range=[-5, 5])
    figure.update_yaxes(title="density")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=MIXTURE_HEIGHT, theme=theme, legend=True)


class EmPath(NamedTuple):
    """EM from one start, in the first two columns; log-likelihoods in nats per example.

    Arguments:
        points: Shape (n, 2).
        means: At the start and after each M-step, shape (steps + 1, K, 2).
        covariances: Likewise, shape (steps + 1, K, 2, 2).
        owners: Component with the largest responsibility after each E-step, shape (steps, n).
        log_likelihood: At the start and after each M-step, shape (steps + 1,).
        bounds: F after each M-step, before the next E-step, shape (steps,).
    """

    points: Array
    means: Array
    covariances: Array
    owners: NDArray[np.integer]
    log_likelihood: Array
    bounds: Array


def em_figure(path: EmPath, others: Sequence[Array], *, titles: Sequence[str], theme: ThemeName) -> go.Figure:
    """The examples with the components' ellipses (2 standard deviations); below them the bound at each step.

    Arguments:
        path: The run in view.
        others: log p of runs from other starts, drawn faintly.
        titles: Names of the two columns.
        theme: Light or dark.
    """
    figure = go.subplots([0.6, 0.4], vertical_spacing=0.12)
    figure.add_trace(_points(path, None, theme), row=1)
    figure.add_trace(_dot(path, 0, theme), row=2)
    num_components = path.means.shape[1]
    for component in range(num_components):
        figure.add_trace(_ellipse(path, 0, component, theme), row=1)
    for values in others:
        line = {"color": faded(CONCEPTS[theme]["data"], 0.5), "width": 1.5}
        figure.add_scatter(y=values, mode="lines", line=line, showlegend=False, hoverinfo="skip", row=2)
    _add_bound(figure, path, theme)
    moving = [0, 1, *range(2, 2 + num_components)]
    frames = [_frame(path, half, moving, theme) for half in range(2 * len(path.bounds) + 1)]
    add_player(figure, frames, theme=theme, prefix="", frame_ms=FRAME_MS)
    figure.update_xaxes(title=titles[0], row=1)
    figure.update_yaxes(title=titles[1], row=1)
    figure.update_xaxes(title="iteration", row=2)
    # Other starts may begin far below this range.
    low, high = path.log_likelihood[0], max(values[-1] for values in (path.log_likelihood, *others))
    room = 0.08 * (high - low) + 1e-3
    figure.update_yaxes(title="nats per example", range=[low - room, high + room], row=2)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def bound_by_half_steps(path: EmPath) -> tuple[Array, Array, Array]:
    """Iterations in halves, F and log p(x) there: F reaches log p at whole numbers, after the E-step."""
    halves = np.arange(2 * len(path.bounds) + 1) / 2
    bound, log_likelihood = np.empty((2, len(halves)))
    bound[::2], bound[1::2] = path.log_likelihood, path.bounds
    log_likelihood[::2], log_likelihood[1::2] = path.log_likelihood, path.log_likelihood[1:]
    return halves, bound, log_likelihood


def _add_bound(figure: go.Figure, path: EmPath, theme: ThemeName) -> None:
    colours = CONCEPTS[theme]
    halves, bound, log_likelihood = bound_by_half_steps(path)
    for values, name, concept, dash in (
        (log_likelihood, "log p(x)", "log_evidence", "dash"),
        (bound, "F[q, θ]", "elbo", "solid"),
    ):
        line = {"color": colours[concept], "width": 3, "dash": dash}
        hover = "%{y:.6f} nats<extra>" + name + "</extra>"
        figure.add_scatter(x=halves, y=values, mode="lines", line=line, name=name, hovertemplate=hover, row=2)


def _frame(path: EmPath, half: int, moving: list[int], theme: ThemeName) -> dict[str, Any]:
    """Half-step 2k is the state after k M-steps; 2k + 1 the E-step that follows, before its M-step."""
    done, is_e_step = divmod(half, 2)
    owners = path.owners[done] if is_e_step else (path.owners[done - 1] if done else None)
    names = [_ellipse(path, done, component, theme) for component in range(path.means.shape[1])]
    name = f"E-step {done + 1}" if is_e_step else (f"M-step {done}" if done else "start")
    # After an M-step F waits below log p; the E-step that follows closes the gap.
    place = done if is_e_step or not done else done - 0.5
    data = [_points(path, owners, theme), _dot(path, place, theme), *names]
    return {"data": data, "traces": moving, "name": name}


def _points(path: EmPath, owners: NDArray[np.integer] | None, theme: ThemeName) -> go.Scatter:
    colour = CONCEPTS[theme]["data"]
    labels = np.full(len(path.points), -1) if owners is None else owners
    marker = class_marks(labels, theme, none=colour) | {"size": 8, "opacity": 0.75}
    x, y = path.points.T
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _dot(path: EmPath, place: float, theme: ThemeName) -> go.Scatter:
    halves, bound, _ = bound_by_half_steps(path)
    marker = {"color": CONCEPTS[theme]["elbo"], "size": 15}
    value = bound[np.searchsorted(halves, place)]
    return go.Scatter(x=[place], y=[value], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _ellipse(path: EmPath, step: int, component: int, theme: ThemeName) -> go.Scatter:
    values, vectors = np.linalg.eigh(path.covariances[step, component])
    x, y = ellipse(path.means[step, component], vectors * np.sqrt(values.clip(0)), 2).T
    line = {"color": CLASSES[theme][component], "width": 4}
    return go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip")
