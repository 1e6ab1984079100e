"""Frames that play in the browser: a slider, ▶ and ❚❚."""

from collections.abc import Sequence
from typing import Any, Final

from dashboard.figures import objects as go
from dashboard.figures.base import FONT_SIZE
from dashboard.theme import CONCEPTS, ThemeName

FRAME_MS: Final = 60


def add_player(
    figure: go.Figure,
    frames: Sequence[dict[str, Any]],
    *,
    theme: ThemeName,
    prefix: str = "step ",
    frame_ms: int = FRAME_MS,
    redraw: bool = False,
) -> None:
    """Gives a figure its frames and what plays them.

    Arguments:
        figure: Changed in place.
        frames: Their data, traces, and names, which the line over the slider says.
        theme: Light or dark.
        prefix: Of that line.
        frame_ms: How long a frame stays.
        redraw: Whether frames change more than points and lines: slower, but images and contours need it.
    """
    figure.frames = [go.Part(frame) for frame in frames]
    at_once: dict[str, Any] = {"frame": {"duration": 0, "redraw": redraw}, "mode": "immediate"}
    names = [frame["name"] for frame in frames]
    steps = [{"label": name, "method": "animate", "args": [[name], at_once]} for name in names]
    # Sixty numbers under a slider would run into each other: the one above it says where it is.
    ticks = {"ticklen": 0, "minorticklen": 0, "font": {"color": "rgba(0,0,0,0)"}}
    now = {"prefix": prefix, "font": {"size": FONT_SIZE, "color": CONCEPTS[theme]["log_evidence"]}}
    slider = {"steps": steps, "currentvalue": now, "pad": {"t": 45}, **ticks}
    figure.layout.updatemenus, figure.layout.sliders = [_buttons(at_once, frame_ms, redraw)], [slider]


def _buttons(at_once: dict[str, Any], frame_ms: int, redraw: bool) -> dict[str, Any]:
    frame = {"duration": frame_ms, "redraw": redraw}
    play = {"frame": frame, "transition": {"duration": 0}, "fromcurrent": True}
    return {
        "type": "buttons",
        "direction": "left",
        "buttons": [
            {"label": "▶", "method": "animate", "args": [None, play]},
            {"label": "❚❚", "method": "animate", "args": [[None], at_once]},
        ],
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 105},
        "font": {"size": FONT_SIZE},
    }
