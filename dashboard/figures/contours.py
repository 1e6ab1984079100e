"""Filled contours as polygons: those of Plotly vanish from a figure as soon as its frames play."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from dashboard.figures import objects as go

Array = NDArray[np.floating]


def contour_traces(
    axes: Sequence[Array],
    field: Array,
    levels: Sequence[float],
    shades: Sequence[str],
    *,
    line: dict[str, object],
    says: Sequence[str],
) -> list[go.Scatter]:
    """Where a field is above each level, one over the other, the lowest first.

    Arguments:
        axes: Values along the two dimensions.
        field: Shape (n_1, n_2), the first axis first.
        levels: Ascending; the lowest may be minus infinity.
        shades: Of what is above each level, as strings of Plotly.
        line: Of all outlines.
        says: What the pointer is told above each level.
    """
    # Contours end at the grid's edge, but not in the infinite: a level beyond all values stands in for it.
    highest, lowest = float(field.max()), float(field.min())
    room = 1 + highest - lowest
    generator = contour_generator(x=axes[0], y=axes[1], z=field.T, fill_type=FillType.OuterOffset)
    return [
        _area(generator.filled(max(level, lowest - room), highest + room), shade, line, words)
        for level, shade, words in zip(levels, shades, says, strict=True)
    ]


def _area(found: Any, shade: str, line: dict[str, object], words: str) -> go.Scatter:
    # Holes run the other way round, so that one path of all rings leaves them empty.
    rings = [
        ring for area, ends in zip(*found, strict=True) for ring in np.split(area, ends[1:-1].astype(int))
    ]
    gap = np.full((1, 2), np.nan)
    points = np.concatenate([part for ring in rings for part in (ring, gap)]) if rings else gap
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines",
        fill="toself",
        fillcolor=shade,
        line=line | {"shape": "spline"},
        hoveron="fills",
        hoverinfo="text",
        text=words,
        showlegend=False,
    )
