"""The aggregate posterior q(z) against the prior."""

import math

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, faded, finish
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.float32]
HEIGHT = 300
NUM_BINS = 50
ROW_HEIGHT = 26
_REACH = 4.0
_HOVER = "z = %{x:.2f}: density %{y:.3f}"


def prior_axis(z: Array) -> tuple[float, float]:
    """From where to where the histogram of samples, shape (n,), and the prior's density are drawn."""
    return min(-_REACH, float(z.min())), max(_REACH, float(z.max()))


def aggregate_figure(
    z: Array, dim: int, prior: tuple[Array, Array], *, name: str = "prior N(0, 1)", theme: ThemeName
) -> go.Figure:
    """Histogram of the aggregate posterior in one latent dimension over the density of the prior.

    Arguments:
        z: Samples of the aggregate posterior q(z_j) in that dimension, shape (n,).
        dim: The dimension j, from 0.
        prior: Values of z_j from one end of :func:`prior_axis` to the other, and the prior's density there.
        name: What the prior is called.
        theme: Light or dark.
    """
    colours = CONCEPTS[theme]
    low, high = prior_axis(z)
    density, edges = np.histogram(z, bins=NUM_BINS, range=(low, high), density=True)
    figure = go.Figure()
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=density,
        width=edges[1] - edges[0],
        name="aggregate posterior",
        marker_color=colours["posterior"],
        opacity=0.75,
        hovertemplate=_HOVER,
    )
    figure.add_scatter(
        x=prior[0],
        y=prior[1],
        mode="lines",
        name=name,
        line={"color": colours["prior"], "width": 3, "dash": "dash"},
        hovertemplate=_HOVER,
    )
    figure.update_xaxes(title=f"z<sub>{dim + 1}</sub>", range=[low, high])
    figure.update_yaxes(title="density", rangemode="tozero")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT, theme=theme, legend=True)


def dimensions_figure(
    z: Array, names: dict[int, str], *, first: str = "prior", theme: ThemeName
) -> go.Figure:
    """Histograms of the aggregate posterior in many latent dimensions, one in each row, below N(0, 1).

    Arguments:
        z: Samples of the aggregate posterior, shape (n, J).
        names: What to call the dimensions to draw (from 0), first row first.
        first: What to call the row of N(0, 1).
        theme: Light or dark.
    """
    edges = np.linspace(-_REACH, _REACH, NUM_BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    # What lies beyond the ends is counted at the ends.
    inside = np.clip(z, edges[0], edges[-1])
    width = edges[1] - edges[0]
    rows = [np.histogram(inside[:, dim], bins=edges)[0] / (len(z) * width) for dim in names]
    prior = np.exp(-(centres**2) / 2) / math.sqrt(2 * math.pi)
    figure = go.Figure(
        go.Heatmap(
            x=centres,
            y=[first, *names.values()],
            z=np.stack([prior, *rows]),
            zmin=0,
            zmax=2 * float(prior.max()),
            colorscale=[[0, faded(CONCEPTS[theme]["posterior"], 0)], [1, CONCEPTS[theme]["posterior"]]],
            showscale=False,
            ygap=3,
            hovertemplate="%{y}, z = %{x:.2f}: density %{z:.3f}<extra></extra>",
        )
    )
    figure.update_xaxes(title="z, in standard deviations of the prior", showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    return finish(figure, height=ROW_HEIGHT * (len(names) + 1) + 70, theme=theme)
