"""EM: data and components with the bound below them, which play together; and the minorising function."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, ellipse, faded, finish, literal, mark_x, mixed
from dashboard.figures.classes import class_colour, class_marks
from dashboard.figures.player import add_player
from dashboard.theme import CONCEPTS, PAGE, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 860
FRAME_MS: Final = 350
DIGITS: Final = 4
"""Of log p(x), F and their parts, nats per example, wherever EM writes them: late iterations gain little."""
CURVE_HEIGHT: Final = 380
IN_A_ROW: Final = 4
"""Components whose means are pictures beside each other."""
MAX_WRITTEN: Final = 16
"""Columns whose means are written into the map."""
_ROUNDING: Final = 1e-9
_SYMBOLS: Final = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down")
"""Plotly's symbols by their numbers."""


class Scene(Protocol):
    """What stands above the bound: data and components, after each M-step."""

    def fixed(self, theme: ThemeName) -> list[go.Trace]:
        """Traces that stay."""
        ...

    def rows(self, owners: int | None, theme: ThemeName) -> list[go.Trace]:
        """Points with their owners of an E-step, from 0, if any: what an E-step changes."""
        ...

    def moving(self, done: int, theme: ThemeName) -> list[go.Trace]:
        """Traces after ``done`` M-steps: what an M-step changes."""
        ...

    def finish_axes(self, figure: go.Figure) -> None:
        """Titles and ranges of the upper axes."""
        ...

    @property
    def needs_redraw(self) -> bool:
        """Whether more than points and lines move."""
        ...


class PlaneScene(NamedTuple):
    """Points in two columns and the ellipses of Gaussians (2 standard deviations).

    Arguments:
        points: Shape (n, 2).
        outlines: Of the components at the start and after each M-step, by :func:`outlines`.
        owners: Component with the largest responsibility after each E-step, shape (steps, n).
        titles: Names of the two columns.
    """

    points: Array
    outlines: Array
    owners: NDArray[np.integer]
    titles: Sequence[str]

    needs_redraw = False

    def fixed(self, theme: ThemeName) -> list[go.Trace]:
        """None."""
        del theme
        return []

    def rows(self, owners: int | None, theme: ThemeName) -> list[go.Trace]:
        """The points."""
        labels = None if owners is None else self.owners[owners]
        return [_points(self.points[:, 0], self.points[:, 1], labels, self.outlines.shape[1], theme)]

    def moving(self, done: int, theme: ThemeName) -> list[go.Trace]:
        """The ellipses."""
        return [self._ellipse(done, component, theme) for component in range(self.outlines.shape[1])]

    def _ellipse(self, step: int, component: int, theme: ThemeName) -> go.Scatter:
        x, y = self.outlines[step, component].T
        line = {"color": class_colour(component, theme), "width": 4}
        return go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip")

    def finish_axes(self, figure: go.Figure) -> None:
        """The names of the columns."""
        figure.update_xaxes(title=literal(self.titles[0]), row=1)
        figure.update_yaxes(title=literal(self.titles[1]), row=1)


def outlines(means: Array, covariances: Array) -> Array:
    """Ellipses of 2 standard deviations: (steps, K, 2), (steps, K, 2, 2) -> (steps, K, points, 2)."""
    values, vectors = np.linalg.eigh(covariances)
    roots = vectors * np.sqrt(values.clip(0))[..., None, :]
    # A picture of 30 steps of 8 components has 248 of them: all at once.
    return ellipse(np.zeros(2), np.eye(2), 2) @ roots.swapaxes(-1, -2) + means[..., None, :]


class LineScene(NamedTuple):
    """One column: how often each value occurs, and the densities or probabilities of the components.

    Arguments:
        bars: Middles of the bars, shape (b,).
        heights: Of the bars: shares of the rows, divided by the width where the column is continuous.
        width: Of a bar.
        line: Where the components are drawn, shape (P,).
        parts: pi_k p_k there, at the start and after each M-step, shape (steps + 1, K, P).
        points: The rows, shape (n,), which lie on the axis; none for counts and categories.
        owners: As in :class:`PlaneScene`.
        title: Name of the column.
        ticks: What stands below the bars where they are categories.
    """

    bars: Array
    heights: Array
    width: float
    line: Array
    parts: Array
    points: Array
    owners: NDArray[np.integer]
    title: str
    ticks: Sequence[str] | None = None

    needs_redraw = False

    @property
    def is_discrete(self) -> bool:
        """Whether the column has no values between its values."""
        return not len(self.points)

    def fixed(self, theme: ThemeName) -> list[go.Trace]:
        """The bars, as an outline: frames that move lines alone would lose Plotly's own bars."""
        sides = np.array([-0.5, -0.5, 0.5, 0.5, np.nan]) * self.width
        tops = np.array([0.0, 1.0, 1.0, 0.0, np.nan])
        colour = CONCEPTS[theme]["data"]
        return [
            go.Scatter(
                x=(self.bars[:, None] + sides).ravel(),
                y=(self.heights[:, None] * tops).ravel(),
                mode="lines",
                fill="toself",
                fillcolor=faded(colour, 0.3),
                line={"color": faded(colour, 0.5), "width": 1},
                showlegend=False,
                hoverinfo="skip",
            )
        ]

    def rows(self, owners: int | None, theme: ThemeName) -> list[go.Trace]:
        """The rows on the axis."""
        if self.is_discrete:
            return []
        labels = None if owners is None else self.owners[owners]
        return [_points(self.points, np.zeros(len(self.points)), labels, self.parts.shape[1], theme)]

    def moving(self, done: int, theme: ThemeName) -> list[go.Trace]:
        """A curve for each component, and their sum."""
        found: list[go.Trace] = []
        mode = "lines+markers" if self.is_discrete else "lines"
        for component, part in enumerate(self.parts[done]):
            line = {"color": class_colour(component, theme), "width": 3}
            found.append(
                go.Scatter(
                    x=self.line, y=part, mode=mode, line=line, showlegend=False, name=f"{component + 1}"
                )
            )
        line = {"color": CONCEPTS[theme]["log_evidence"], "width": 2, "dash": "dot"}
        total = self.parts[done].sum(0)
        found.append(go.Scatter(x=self.line, y=total, mode="lines", line=line, showlegend=False, name="p(x)"))
        return found

    def finish_axes(self, figure: go.Figure) -> None:
        """The name of the column, and room for the highest curve."""
        top = max(float(self.heights.max()), float(self.parts.sum(1).max()))
        figure.update_xaxes(title=literal(self.title), row=1)
        if self.ticks is not None:
            figure.update_xaxes(tickvals=self.bars.tolist(), ticktext=list(map(literal, self.ticks)), row=1)
        what = "share of the rows" if self.is_discrete else "density"
        figure.update_yaxes(title=what, range=[-0.05 * top, 1.08 * top], row=1)


class TableScene(NamedTuple):
    """Many columns of zeros and ones, counts or categories: the means of the components as a map of colours.

    Arguments:
        means: At the start and after each M-step, shape (steps + 1, K, D).
        weights: Likewise, shape (steps + 1, K).
        names: Of the D columns.
        shape: (height, width) where the columns are pixels: a picture for each component.
        title: What a mean is: the darker, the larger.
    """

    means: Array
    weights: Array
    names: Sequence[str]
    shape: tuple[int, int] | None
    title: str

    needs_redraw = True

    def fixed(self, theme: ThemeName) -> list[go.Trace]:
        """None."""
        del theme
        return []

    def rows(self, owners: int | None, theme: ThemeName) -> list[go.Trace]:
        """None."""
        del owners, theme
        return []

    def moving(self, done: int, theme: ThemeName) -> list[go.Trace]:
        """The map."""
        means, colour = self.means[done], CONCEPTS[theme]["elbo"]
        colours = {
            # Opaque: Plotly chooses dark or light numbers by the colour of a cell, whatever lies below it.
            "colorscale": [[0, mixed(PAGE[theme], colour, 0.06)], [1, colour]],
            "zmin": 0,
            "zmax": float(max(self.means.max(), _ROUNDING)),
            "showscale": False,
        }
        if self.shape is not None:
            return [go.Heatmap(z=self._pictures(means), hoverinfo="skip", **colours)]
        labels = [f"{k + 1}: π = {weight:.2f}" for k, weight in enumerate(self.weights[done])]
        hover = f"%{{y}}<br>component %{{x}}<br>{self.title} %{{z:.4f}}<extra></extra>"
        names = [literal(name) for name in self.names]
        more: dict[str, Any] = {"xgap": 1, "ygap": 1, "hovertemplate": hover}
        if len(names) <= MAX_WRITTEN:
            more |= {"texttemplate": "%{z:.2f}", "textfont": {"size": FONT_SIZE - 2}}
        return [go.Heatmap(x=labels, y=names, z=means.T, **more, **colours)]

    def _pictures(self, means: Array) -> Array:
        """The components' pictures beside and below each other, with gaps."""
        assert self.shape is not None
        height, width = self.shape
        columns = min(IN_A_ROW, len(means))
        rows = -(-len(means) // columns)
        canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
        for k, mean in enumerate(means):
            top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
            canvas[top : top + height, left : left + width] = mean.reshape(height, width)
        return canvas

    def finish_axes(self, figure: go.Figure) -> None:
        """The first column at the top; pictures have square pixels and no axes."""
        figure.update_yaxes(autorange="reversed", row=1)
        if self.shape is not None:
            figure.update_xaxes(visible=False, constrain="domain", row=1)
            figure.update_yaxes(visible=False, scaleanchor="x", constrain="domain", row=1)


class EmPath(NamedTuple):
    """EM from one start; log-likelihoods in nats per example.

    Arguments:
        scene: Data and components.
        log_likelihood: At the start and after each M-step, shape (steps + 1,).
        bounds: F after each M-step, before the next E-step, shape (steps,).
        stop: The iteration after which EM would have stopped, if it is one of these.
    """

    scene: Scene
    log_likelihood: Array
    bounds: Array
    stop: int | None = None


def em_figure(path: EmPath, others: Sequence[Array], *, theme: ThemeName) -> go.Figure:
    """The data with the components; below them the bound at each step.

    Arguments:
        path: The run in view.
        others: log p of runs from other starts, drawn faintly.
        theme: Light or dark.
    """
    figure = go.subplots([0.6, 0.4], vertical_spacing=0.12)
    for trace in path.scene.fixed(theme):
        figure.add_trace(trace, row=1)
    first = len(figure.data)
    figure.add_trace(_dot(path, 0, theme), row=2)
    for trace in (*path.scene.rows(None, theme), *path.scene.moving(0, theme)):
        figure.add_trace(trace, row=1)
    moving = list(range(first, len(figure.data)))
    _add_others(figure, others, theme)
    _add_bound(figure, path, theme)
    frames = [_frame(path, half, moving, theme) for half in range(2 * len(path.bounds) + 1)]
    add_player(figure, frames, prefix="", frame_ms=FRAME_MS, redraw=path.scene.needs_redraw)
    path.scene.finish_axes(figure)
    figure.update_xaxes(title="iteration", row=2)
    # Other starts may begin far below this range.
    low, high = path.log_likelihood[0], max(values[-1] for values in (path.log_likelihood, *others))
    room = 0.08 * (high - low) + 1e-3
    figure.update_yaxes(title="nats per example", range=[low - room, high + room], row=2)
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def _add_others(figure: go.Figure, others: Sequence[Array], theme: ThemeName) -> None:
    """log p from other starts, in one trace: each takes Plotly a millisecond or two, whatever its length."""
    line = {"color": faded(CONCEPTS[theme]["data"], 0.5), "width": 1.5}
    x = [np.append(np.arange(len(values)), np.nan) for values in others]
    y = [np.append(values, np.nan) for values in others]
    if others:
        both = {"x": np.concatenate(x), "y": np.concatenate(y)}
        figure.add_scatter(**both, mode="lines", line=line, showlegend=False, hoverinfo="skip", row=2)


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
        hover = f"%{{y:.{DIGITS}f}} nats<extra>{name}</extra>"
        figure.add_scatter(x=halves, y=values, mode="lines", line=line, name=name, hovertemplate=hover, row=2)
    if path.stop is not None:
        line = {"color": colours["log_evidence"], "dash": "dot", "width": 2}
        place = {"x0": path.stop, "x1": path.stop, "y0": 0, "y1": 1, "xref": "x2", "yref": "y2 domain"}
        figure.add_shape(type="line", line=line, **place)
        note = {"text": "stop", "showarrow": False, "font": {"size": FONT_SIZE}}
        where = {"x": path.stop, "y": 0, "xref": "x2", "yref": "y2 domain"}
        figure.add_annotation(xanchor="right", yanchor="bottom", **where, **note)


def _frame(path: EmPath, half: int, moving: list[int], theme: ThemeName) -> dict[str, Any]:
    """Half-step 2k is the state after k M-steps; 2k + 1 the E-step that follows, before its M-step."""
    done, is_e_step = divmod(half, 2)
    owners = done if is_e_step else (done - 1 if done else None)
    before = f"M-step {done}" if done else "start"
    # After an M-step F waits below log p; the E-step that follows closes the gap.
    place = done if is_e_step or not done else done - 0.5
    data = [_dot(path, place, theme), *path.scene.rows(owners, theme)]
    if is_e_step:
        # The components stay as they are in the frame that this one is laid over.
        return {
            "data": data,
            "traces": moving[: len(data)],
            "name": f"E-step {done + 1}",
            "baseframe": before,
        }
    return {"data": [*data, *path.scene.moving(done, theme)], "traces": moving, "name": before}


def _points(
    x: Array, y: Array, owners: NDArray[np.integer] | None, num_components: int, theme: ThemeName
) -> go.Scatter:
    """Points in the marks of their components, or of none: as numbers, since all frames have all of them."""
    labels = np.zeros(len(x), np.int64) if owners is None else owners + 1
    marks = class_marks(range(-1, num_components), theme, none=CONCEPTS[theme]["data"])
    marker = {
        "color": labels,
        "cmin": 0,
        "cmax": num_components,
        "colorscale": [[k / num_components, colour] for k, colour in enumerate(marks["color"])],
        "symbol": np.array([_SYMBOLS.index(name) for name in marks["symbol"]])[labels],
        "size": 8,
        "opacity": 0.75,
    }
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _dot(path: EmPath, place: float, theme: ThemeName) -> go.Scatter:
    halves, bound, _ = bound_by_half_steps(path)
    marker = {"color": CONCEPTS[theme]["elbo"], "size": 15}
    value = bound[np.searchsorted(halves, place)]
    return go.Scatter(x=[place], y=[value], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def minorising_figure(
    values: Array,
    log_likelihood: Array,
    auxiliary: Array,
    *,
    old: float,
    touching: float,
    title: str,
    theme: ThemeName,
) -> go.Figure:
    """log p(x) and the auxiliary function over one parameter; where they touch, and the latter's maximum.

    Arguments:
        values: Of the parameter, shape (P,).
        log_likelihood, auxiliary: Nats per example, shape (P,).
        old: Where they touch.
        touching: log p(x) there.
        title: Name of the parameter.
        theme: Light or dark.
    """
    figure, colours = go.Figure(), CONCEPTS[theme]
    for curve, name, concept, dash in (
        (log_likelihood, "log p(x; θ)", "log_evidence", "dash"),
        (auxiliary, "A(θ; θ old)", "elbo", "solid"),
    ):
        line = {"color": colours[concept], "width": 3, "dash": dash}
        hover = f"%{{x:.3f}}: %{{y:.{DIGITS}f}} nats<extra>{name}</extra>"
        figure.add_scatter(x=values, y=curve, mode="lines", line=line, name=name, hovertemplate=hover)
    best = int(auxiliary.argmax())
    marker = {"size": 13, "color": [colours["log_evidence"], colours["elbo"]]}
    figure.add_scatter(
        x=[old, values[best]],
        y=[touching, auxiliary[best]],
        mode="markers",
        marker=marker,
        showlegend=False,
        hoverinfo="skip",
    )
    line = {"color": colours["log_evidence"], "dash": "dot", "width": 1.5}
    note = {"text": "θ old", "y": 0, "yanchor": "bottom"}
    mark_x(figure, old, line=line, note=note, side="left" if old > values.mean() else "right")
    seen = log_likelihood[np.isfinite(log_likelihood)]
    top = max(float(seen.max()), touching)
    # The auxiliary function may fall without end: the picture shows the part that matters.
    low = max(float(seen.min()), touching - 3 * max(top - touching, 0.2))
    figure.update_xaxes(title=literal(title))
    figure.update_yaxes(title="nats per example", range=[low, top + 0.08 * (top - low)])
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=CURVE_HEIGHT, theme=theme, legend=True)
