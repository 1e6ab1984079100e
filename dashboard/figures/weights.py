"""Predictions under a posterior over the weights: a line with bands, and uncertainty over the plane."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE, LEGEND_ABOVE, faded, finish, mark_x
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]
HEIGHT: Final = 480
PLANE_HEIGHT: Final = 500
SIZE_CONCEPTS: Final = ("kl", "elbo")
"""Colours of the small and of the large training set."""


class LineView(NamedTuple):
    """A line decoded from one latent dimension.

    Arguments:
        z: Shape (n,).
        mean: E[x|z] under q, shape (n,).
        spread: Standard deviation of E[x|z, w] under q, shape (n,).
        exact_mean: E[x|z] under the exact posterior of the weights, shape (n,).
        exact_spread: The standard deviation likewise, shape (n,).
        noise: s, the likelihood's own standard deviation.
        points: Examples (z, x), shape (N, 2).
    """

    z: Array
    mean: Array
    spread: Array
    exact_mean: Array
    exact_spread: Array
    noise: float
    points: Array


def line_figure(view: LineView, *, titles: tuple[str, str], theme: ThemeName) -> go.Figure:
    """Examples, mean, and two standard deviations: from the weights alone, and with the likelihood.

    Arguments:
        view: What is drawn.
        titles: Of the axes.
        theme: Light or dark.
    """
    figure, colours = go.Figure(), CONCEPTS[theme]
    total = np.hypot(view.spread, view.noise)
    for half, name, colour in (
        (2 * total, "± 2σ of a new x", faded(colours["data"], 0.2)),
        (2 * view.spread, "± 2σ of the weights", faded(colours["posterior"], 0.4)),
    ):
        _add_band(figure, view, half, name=name, colour=colour)
    _add_exact(figure, view, theme)
    line = {"color": colours["decoded"], "width": 3.5}
    hover = "z = %{x:.2f}: E[x|z] = %{y:.2f}<extra></extra>"
    figure.add_scatter(x=view.z, y=view.mean, mode="lines", line=line, name="E[x|z]", hovertemplate=hover)
    x, y = view.points.T
    marker = {"color": colours["log_evidence"], "size": 8, "opacity": 0.8}
    figure.add_scatter(x=x, y=y, mode="markers", marker=marker, name="examples", hoverinfo="skip")
    figure.update_xaxes(title=titles[0], range=[view.z[0], view.z[-1]])
    figure.update_yaxes(title=titles[1], range=[-4, 4])
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def _add_exact(figure: go.Figure, view: LineView, theme: ThemeName) -> None:
    dashed = {"color": CONCEPTS[theme]["kl_to_posterior"], "width": 2.5, "dash": "dash"}
    for sign in (1, -1):
        figure.add_scatter(
            x=view.z,
            y=view.exact_mean + sign * 2 * view.exact_spread,
            mode="lines",
            line=dashed,
            name="exact posterior ± 2σ",
            showlegend=sign > 0,
            hoverinfo="skip",
        )


def _add_band(figure: go.Figure, view: LineView, half: Array, *, name: str, colour: str) -> None:
    figure.add_scatter(
        x=np.concatenate([view.z, view.z[::-1]]),
        y=np.concatenate([view.mean + half, (view.mean - half)[::-1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colour,
        name=name,
        hoverinfo="skip",
    )


def spread_figure(spread: Array, axis: Array, codes: Array, *, largest: float, theme: ThemeName) -> go.Figure:
    """Uncertainty from the weights over the latent plane, with the codes of the training set.

    Arguments:
        spread: Standard deviation from the weights, mean over the pixels, shape (rows, columns), the largest
            z2 at the top.
        axis: Values along both sides, ascending.
        codes: Posterior means of the training examples, shape (n, 2).
        largest: Upper end of the colour scale, the same for figures that are compared.
        theme: Light or dark.
    """
    figure = go.Figure(_plane(spread, axis, largest, theme))
    marker = {"color": CONCEPTS[theme]["log_evidence"], "size": 6, "opacity": 0.6}
    figure.add_scatter(x=codes[:, 0], y=codes[:, 1], mode="markers", marker=marker, hoverinfo="skip")
    limits = [axis[0], axis[-1]]
    figure.update_xaxes(title="z<sub>1</sub>", range=limits, zeroline=False, constrain="domain")
    figure.update_yaxes(title="z<sub>2</sub>", range=limits, zeroline=False, scaleanchor="x")
    return finish(figure.update_yaxes(constrain="domain"), height=PLANE_HEIGHT, theme=theme)


def _plane(spread: Array, axis: Array, largest: float, theme: ThemeName) -> go.Heatmap:
    ground = "#FFFFFF" if theme == "light" else "#0E1117"
    scale = [[0, ground], [1, CONCEPTS[theme]["beta"]]]
    title = {"text": "standard deviation of a pixel", "font": {"size": FONT_SIZE}, "side": "bottom"}
    bar = {
        "title": title,
        "tickfont": {"size": FONT_SIZE - 1},
        "orientation": "h",
        "y": -0.2,
        "yanchor": "top",
    }
    return go.Heatmap(
        z=spread[::-1],
        x=axis,
        y=axis,
        colorscale=scale,
        zmin=0,
        zmax=largest,
        zsmooth="best",
        colorbar=bar | {"thickness": 14},
        hovertemplate="z = (%{x:.1f}, %{y:.1f}): %{z:.3f}<extra></extra>",
    )


def density_figure(points: Mapping[str, tuple[Array, Array]], *, theme: ThemeName) -> go.Figure:
    """Uncertainty from the weights against the density of the codes, at each point of a grid.

    Arguments:
        points: By training set: log density in nats and standard deviation, each of shape (n,).
        theme: Light or dark.
    """
    figure = go.Figure()
    for (name, (log_density, spread)), concept in zip(points.items(), SIZE_CONCEPTS, strict=True):
        marker = {"color": CONCEPTS[theme][concept], "size": 8, "opacity": 0.75}
        marker["symbol"] = "circle" if concept == SIZE_CONCEPTS[0] else "square"
        hover = "log q(z) = %{x:.1f}: std %{y:.3f}<extra>" + name + "</extra>"
        figure.add_scatter(
            x=log_density, y=spread, mode="markers", marker=marker, name=name, hovertemplate=hover
        )
    lowest = max(min(float(x.min()) for x, _ in points.values()), -40.0)
    figure.update_xaxes(title="log density of the codes, nats", range=[lowest, 1])
    figure.update_yaxes(title="std of a pixel from the weights", rangemode="tozero")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=PLANE_HEIGHT, theme=theme, legend=True)


def noise_figure(ratios: Mapping[str, Array], *, theme: ThemeName) -> go.Figure:
    """Histograms of |m| / s of the weights, on a logarithmic axis.

    Arguments:
        ratios: By training set: |m| / s, shape (P,).
        theme: Light or dark.
    """
    figure, edges = go.Figure(), np.linspace(-4, 3, 57)
    centres = 10 ** ((edges[1:] + edges[:-1]) / 2)
    for (name, ratio), concept in zip(ratios.items(), SIZE_CONCEPTS, strict=True):
        share = np.histogram(np.log10(ratio.clip(1.01e-4, 0.99e3)), edges)[0] / len(ratio)
        colour = CONCEPTS[theme][concept]
        figure.add_scatter(
            x=centres,
            y=share,
            mode="lines",
            line={"color": colour, "width": 3, "shape": "hvh"},
            fill="tozeroy",
            fillcolor=faded(colour, 0.2),
            name=name,
            hovertemplate="|m|/s = %{x:.2g}: %{y:.1%} of the weights<extra>" + name + "</extra>",
        )
    mark_x(figure, 1, line={"color": CONCEPTS[theme]["prior"], "width": 2, "dash": "dash"})
    figure.update_xaxes(title="|m| / s of a weight", type="log", range=[-4, 2.5])
    figure.update_xaxes(tickvals=[1e-4, 1e-2, 1, 100], ticktext=["0.0001", "0.01", "1", "100"])
    figure.update_yaxes(title="share of the weights", tickformat=".0%", rangemode="tozero")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=PLANE_HEIGHT, theme=theme, legend=True)
