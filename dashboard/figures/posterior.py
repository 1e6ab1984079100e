"""The true posterior p(z|x) of one example, and the approximate posterior q(z|x) over it."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, ellipse, faded, finish
from dashboard.figures.contours import contour_traces
from dashboard.figures.evidence import HEIGHT
from dashboard.theme import CONCEPTS, ThemeName

Array = NDArray[np.floating]


class Ellipse(NamedTuple):
    """How q(z|x) is drawn.

    Arguments:
        mean, std: Shapes (J,).
        factor: L of a full covariance matrix, shape (J, J).
        rings: Of what is no Gaussian, in the plane, the curves that hold as much as 1 and 2 deviations of one
            do, each of shape (n, 2), rows of NaN between its parts; None: the ellipses.
        line: Of what is no Gaussian, on the line, log q at the places where it is drawn, shape (n,); None:
            that of the Gaussian.
    """

    mean: Array
    std: Array
    factor: Array | None = None
    rings: Sequence[Array] | None = None
    line: Array | None = None

    def log_prob(self, z: Array) -> Array:
        """log q(z) for J = 1, shape (n,)."""
        if self.line is not None:
            return self.line
        scaled = (z - self.mean[0]) / self.std[0]
        return -(scaled**2) / 2 - np.log(self.std[0] * np.sqrt(2 * np.pi))


def posterior_figure(
    axes: Sequence[Array],
    log_density: Array,
    ellipses: Mapping[str, Ellipse],
    *,
    titles: Sequence[str],
    theme: ThemeName,
) -> go.Figure:
    """The true posterior of one example with 1 and 2 standard deviations of q over it; curves for J = 1.

    Arguments:
        axes: Values of z, one array for each of the J dimensions.
        log_density: log p(z|x), shape of the grid that the axes span: (n,), or (n_1, n_2).
        ellipses: q by name; the first is the encoder's.
        titles: Of the axes.
        theme: Light or dark.
    """
    figure = go.Figure()
    ranges = shown_ranges(axes, log_density, list(ellipses.values()))
    if len(axes) == 1:
        figure.add_trace(density_trace(axes[0], log_density, theme=theme))
        for name, q in ellipses.items():
            figure.add_trace(density_trace(axes[0], q.log_prob(axes[0]), theme=theme, name=name))
        figure.update_yaxes(title="density")
    else:
        figure.add_trace(posterior_trace(axes, log_density, theme=theme))
        for number, (name, q) in enumerate(ellipses.items()):
            figure.add_trace(ellipse_trace(q, name=name, number=number, theme=theme))
        # One scale for both axes: an ellipse to scale.
        figure.update_yaxes(title=titles[1], scaleanchor="x", range=ranges[1])
    figure.update_xaxes(title=titles[0], range=ranges[0], constrain="domain")
    return finish(figure.update_layout(legend=LEGEND_ABOVE), height=HEIGHT + 60, theme=theme, legend=True)


MASSES: Final = (1 - math.exp(-0.5), 1 - math.exp(-2.0))
"""What the ellipses of 1 and 2 standard deviations of a Gaussian in the plane hold: 39 and 86 %."""


def rings_of(axes: Sequence[Array], log_density: Array) -> list[Array]:
    """The curves of equal density that hold ``MASSES``: regions of highest density (Hyndman 1996).

    Arguments:
        axes: Values of z along both dimensions, at any distances.
        log_density: On the grid that they span, with nearly all of the mass on it.

    Returns:
        For each mass the curve, of shape (n, 2); a row of NaN is between its parts, one round each mode.
    """
    # The rule of trapezoids: half the distance to either neighbour.
    widths = [np.diff(np.r_[axis[0], (axis[1:] + axis[:-1]) / 2, axis[-1]]) for axis in axes]
    mass = np.exp(log_density - log_density.max()) * widths[0][:, None] * widths[1]
    order = np.argsort(-log_density, axis=None)
    ordered = mass.ravel()[order]
    held = (np.cumsum(ordered) - ordered / 2) / ordered.sum()  # of a point half lies inside of its level
    lines = contour_generator(axes[0], axes[1], log_density.T, line_type=LineType.ChunkCombinedNan)
    rings = []
    for share in MASSES:
        level = log_density.ravel()[order[np.searchsorted(held, share)]]
        found = lines.lines(float(level))[0][0]
        rings.append(np.empty((0, 2)) if found is None else found)
    return rings


def mass_below(log_density: Array) -> Array:
    """The share of the mass where the density is lower than at each point of a grid, or the same: 1 to 0.

    Its level 0.05 holds 95 % of the mass, whatever the shape: two modes are both in the picture, of which one
    is a hundred times as narrow and as high. For a Gaussian in the plane it is the density over its highest.
    """
    flat = log_density.ravel()
    order = np.argsort(-flat, kind="stable")
    mass = np.exp(flat[order] - flat[order[0]])
    found = np.empty_like(mass)
    found[order] = 1 - (np.cumsum(mass) - mass) / mass.sum()
    return found.reshape(log_density.shape).clip(0, 1)


def posterior_trace(axes: Sequence[Array], log_density: Array, *, theme: ThemeName) -> go.Contour:
    """p(z|x) over the plane as filled contours."""
    colour = CONCEPTS[theme]["kl_to_posterior"]
    return go.Contour(
        x=axes[0],
        y=axes[1],
        z=mass_below(log_density).T,
        name="true posterior p(z|x)",
        colorscale=[[0, faded(colour, 0)], [1, colour]],
        contours={"start": 0.05, "end": 0.95, "size": 0.1},
        line={"width": 1},
        showscale=False,
        showlegend=True,
        hovertemplate="z = (%{x:.2f}, %{y:.2f}): %{z:.0%} of the mass has a lower density<extra></extra>",
    )


def posterior_areas(axes: Sequence[Array], log_density: Array, *, theme: ThemeName) -> list[go.Scatter]:
    """The same contours for a figure that plays, the lowest first."""
    colour = CONCEPTS[theme]["kl_to_posterior"]
    shares = np.arange(1, 11) / 10
    # Areas lie over each other: with all below it, each has the opacity of its share.
    covered = 1 - (1 - shares) / (1 - (shares - 0.1))
    areas = contour_traces(
        axes,
        mass_below(log_density),
        list(shares - 0.05),
        [faded(colour, share) for share in covered],
        line={"width": 1, "color": CONCEPTS[theme]["log_evidence"]},
        says=[f"the densest {1.05 - share:.0%} of the mass" for share in shares],
    )
    for area in areas:
        area.legendgroup = "posterior"
    areas[-1].update(name="true posterior p(z|x)", showlegend=True)
    return areas


def ellipse_trace(q: Ellipse, *, name: str, number: int, theme: ThemeName) -> go.Scatter:
    """1 and 2 standard deviations of q as one line with a break; of others the curves of the same mass."""
    root = np.diag(q.std) if q.factor is None else q.factor
    rings = [ellipse(q.mean, root, scale) for scale in (1, 2)] if q.rings is None else q.rings
    gap = np.full((1, 2), np.nan)
    points = np.concatenate([rings[0], gap, rings[1]])
    colours = CONCEPTS[theme]
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines",
        name=name,
        line={
            "color": (colours["posterior"], colours["log_evidence"])[number],
            "width": 3,
            "dash": ("solid", "dash")[number],
        },
        hoverinfo="skip",
    )


def density_trace(
    axis: Array, log_density: Array, *, theme: ThemeName, name: str | None = None
) -> go.Scatter:
    """A density over the line: the true posterior, filled, or a q with its name."""
    colours = CONCEPTS[theme]
    return go.Scatter(
        x=axis,
        y=np.exp(log_density),
        mode="lines",
        name=name or "true posterior p(z|x)",
        fill=None if name else "tozeroy",
        line={"color": colours["posterior" if name else "kl_to_posterior"], "width": 3},
    )


def shown_ranges(axes: Sequence[Array], log_density: Array, ellipses: Sequence[Ellipse]) -> list[list[float]]:
    """What to draw of each axis: the densest 99.5 % of the mass, and q to 2.3 deviations."""
    inside = np.nonzero(mass_below(log_density) > 0.005)
    ranges = []
    for dim, axis in enumerate(axes):
        # A point more on either side: a mode as narrow as one is not cut by the frame.
        first, last = max(0, inside[dim].min() - 1), min(len(axis) - 1, inside[dim].max() + 1)
        values = [float(axis[first]), float(axis[last])]
        for q in ellipses:
            values += [float(q.mean[dim] - 2.3 * q.std[dim]), float(q.mean[dim] + 2.3 * q.std[dim])]
            if q.rings is not None:
                along = np.concatenate(q.rings)[:, dim]
                values += [float(np.nanmin(along)), float(np.nanmax(along))]
        ranges.append([min(values), max(values)])
    return ranges
