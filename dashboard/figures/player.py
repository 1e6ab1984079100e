"""Frames that play in the browser: a button and a slider below the figure."""

from collections.abc import Sequence
from typing import Any, Final

from dashboard.figures import objects as go

FRAME_MS: Final = 60


def add_player(
    figure: go.Figure,
    frames: Sequence[dict[str, Any]],
    *,
    prefix: str = "step ",
    frame_ms: int = FRAME_MS,
    redraw: bool = False,
    first: int = 0,
) -> None:
    """Gives a figure its frames and what plays them (``dashboard/components/chart/player.js``).

    Arguments:
        figure: Changed in place; a part of its height is the player's.
        frames: Their data, traces, and names, which the line over the slider says.
        prefix: Of that line.
        frame_ms: How long a frame stays.
        redraw: Whether frames change more than points and lines: slower, but images and contours need it.
        first: The frame that the figure shows by itself.
    """
    figure.frames = [go.Part(frame) for frame in frames]
    figure.player = {"prefix": prefix, "ms": frame_ms, "redraw": redraw, "first": first}
