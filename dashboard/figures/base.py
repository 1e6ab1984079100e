"""What all figures share: size of type, margins, and no decoration."""

from typing import Any, Final

import plotly.graph_objects as go

from dashboard.theme import CONCEPTS, ThemeName

FONT_SIZE = 15
CHART_CONFIG: Final[dict[str, Any]] = {"displaylogo": False, "toImageButtonOptions": {"format": "svg"}}
"""Of every figure's own menu: its camera saves a vector picture."""
GROUND: Final[dict[ThemeName, str]] = {"light": "rgba(255,255,255,0.8)", "dark": "rgba(19,22,27,0.8)"}
"""Behind notes, so that lines do not cross them out."""


def faded(colour: str, share: float) -> str:
    """A ``#RRGGBB`` colour that covers its ground by a share of 0 to 1; unlike opacity, legends show it."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def finish(figure: go.Figure, *, height: int, theme: ThemeName, legend: bool = False) -> go.Figure:
    """Gives a figure the project's type and margins: legible from the back of a class room."""
    ink = CONCEPTS[theme]["log_evidence"]
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        font={"size": FONT_SIZE, "color": ink},
        showlegend=legend,
        uirevision="keep",
        dragmode="pan",
    )
    title, ticks = {"size": FONT_SIZE, "color": ink}, {"size": FONT_SIZE - 1, "color": ink}
    figure.update_xaxes(automargin=True, title_font=title, tickfont=ticks)
    figure.update_yaxes(automargin=True, title_font=title, tickfont=ticks)
    return figure
