"""What a data set holds: how often which value occurs, and points in the plane of their first two columns."""

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.figures.base import LEGEND_ABOVE, finish, literal
from dashboard.figures.classes import class_marks
from dashboard.theme import CONCEPTS, ThemeName

HISTOGRAM_HEIGHT = 240
POINTS_HEIGHT = 320
MAX_NAMED = 10


def histogram_figure(
    counts: NDArray[np.integer], edges: NDArray[np.floating], *, title: str, theme: ThemeName
) -> go.Figure:
    """Shares of all values in bins.

    Arguments:
        counts: Values in each bin, shape (bins,).
        edges: Of the bins, shape (bins + 1,).
        title: Of the axis of values.
        theme: Light or dark.
    """
    figure = go.Figure()
    shares = 100 * counts / max(1, int(counts.sum()))
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=shares,
        width=np.diff(edges),
        marker={"color": CONCEPTS[theme]["data"]},
        hovertemplate="%{x:.3g}: %{y:.2f} %<extra></extra>",
    )
    figure.update_xaxes(title={"text": title})
    figure.update_yaxes(title={"text": "% of the values"})
    return finish(figure, height=HISTOGRAM_HEIGHT, theme=theme)


def points_figure(
    x: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    names: tuple[str, str],
    class_names: tuple[str, ...] = (),
    theme: ThemeName,
) -> go.Figure:
    """Points in the plane of two columns, by class.

    Arguments:
        x: Shape (n, 2).
        labels: Class of each, -1 for none.
        names: Of the columns.
        class_names: Of the classes; a legend has them where they are few.
        theme: Light or dark.
    """
    figure = go.Figure()
    found = np.unique(labels)
    in_legend = bool(class_names) and len(found) <= MAX_NAMED
    for label in found if in_legend else [None]:
        rows = np.arange(len(x)) if label is None else np.flatnonzero(labels == label)
        marks = class_marks(labels[rows], theme, none=CONCEPTS[theme]["data"])
        figure.add_scatter(
            x=x[rows, 0],
            y=x[rows, 1],
            mode="markers",
            marker={**marks, "size": 6},
            name="" if label is None else literal(class_names[label]),
            hoverinfo="skip",
        )
    if in_legend:
        figure.update_layout(legend=LEGEND_ABOVE)
    figure.update_xaxes(title={"text": literal(names[0])})
    figure.update_yaxes(title={"text": literal(names[1])})
    return finish(figure, height=POINTS_HEIGHT, theme=theme, legend=in_legend)
