"""What all figures share: size of type, margins, legend, marks, ellipses."""

import html
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.figures import objects as go
from dashboard.theme import CONCEPTS, ThemeName

FONT_SIZE = 15
LEAST_RANGE: Final = 0.1
"""Nats that the axis of a KL shows at least, as on Train: a collapse must not fill the chart."""
AT_LEAST: Final[dict[str, Any]] = {"rangemode": "tozero", "autorangeoptions": {"include": LEAST_RANGE}}
"""Of such an axis."""
_BY_HAND: Final = ("zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "select2d", "lasso2d")
CHART_CONFIG: Final[dict[str, Any]] = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": "svg"},
    # Nothing of a class goes to Plotly's servers.
    "modeBarButtonsToRemove": (*_BY_HAND, "sendChartToCloud"),
}
"""Of every figure's menu: its camera saves a vector picture. What a hand does itself has no button."""
GROUND: Final[dict[ThemeName, str]] = {"light": "rgba(255,255,255,0.8)", "dark": "rgba(19,22,27,0.8)"}
"""Behind notes, so that lines do not cross them out."""
LEGEND_ABOVE: Final[dict[str, Any]] = {
    "orientation": "h",
    "x": 0,
    "y": 1.02,
    "yanchor": "bottom",
    "font": {"size": FONT_SIZE},
}
"""The legend in a row over the figure, where it covers no line."""

_NOTE: Final[dict[str, Any]] = {"showarrow": False, "font": {"size": FONT_SIZE}}
_OTHER: Final = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


AT_POINT: Final = "%{xaxis.title.text} %{x:.2f}<br>%{yaxis.title.text} %{y:.2f}"
"""What a point says of itself: its two values, named as the axes are."""


def literal(text: str) -> str:
    """Text that somebody typed, as Plotly shows it letter for letter: it takes tags for its own.

    Example:
        >>> literal("<b>a</b> & b")
        '&lt;b&gt;a&lt;/b&gt; &amp; b'
    """
    return html.escape(text, quote=False)


def faded(colour: str, share: float) -> str:
    """A ``#RRGGBB`` colour with the opacity ``share``, 0 to 1; unlike a trace's opacity, legends show it."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def mixed(first: str, second: str, share: float) -> str:
    """The ``#RRGGBB`` colour between two, 0 for the first and 1 for the second."""
    ends = ([int(colour[start : start + 2], 16) for start in (1, 3, 5)] for colour in (first, second))
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*ends, strict=True))


def mark_x(
    figure: go.Figure,
    x: float,
    *,
    line: dict[str, Any],
    note: dict[str, Any] | None = None,
    side: str = "right",
) -> None:
    """A line from bottom to top at ``x``, and a note beside its upper end."""
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, xref="x", yref="y domain", line=line)
    if note is not None:
        place = {"x": x, "y": 1, "yref": "y domain", "xanchor": _OTHER[side], "yanchor": "top"}
        figure.add_annotation(place | _NOTE | note)


def mark_y(
    figure: go.Figure,
    y: float,
    *,
    line: dict[str, Any],
    note: dict[str, Any],
    side: str,
    end: str,
    row: int = 1,
) -> None:
    """A line from left to right at ``y``, and a note on one side of it (top, bottom) at one end."""
    suffix = "" if row == 1 else str(row)
    refs = {"xref": f"x{suffix} domain", "yref": f"y{suffix}"}
    figure.add_shape(type="line", x0=0, x1=1, y0=y, y1=y, line=line, **refs)
    place = {"x": int(end == "right"), "y": y, "xanchor": end, "yanchor": _OTHER[side]}
    figure.add_annotation(place | refs | _NOTE | note)


def ellipse(mean: NDArray[np.floating], root: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    """Points at ``scale`` standard deviations of a Gaussian in the plane, shape (73, 2).

    Arguments:
        mean: Shape (2,).
        root: A square root of the covariance, root @ root.T, shape (2, 2).
        scale: In standard deviations.
    """
    angle = np.linspace(0, 2 * np.pi, 73)
    return scale * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ root.T + mean


def finish(figure: go.Figure, *, height: int, theme: ThemeName, legend: bool = False) -> go.Figure:
    """Gives a figure the project's type and margins: legible from the back of a class room."""
    ink = CONCEPTS[theme]["log_evidence"]
    figure.update_layout(
        height=height,
        showlegend=legend,
        uirevision="keep",
        dragmode="pan",
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        font={"size": FONT_SIZE, "color": ink},
    )
    figure.update_axes(
        automargin=True,
        title={"font": {"size": FONT_SIZE, "color": ink}},
        tickfont={"size": FONT_SIZE - 1, "color": ink},
    )
    return figure
