"""A picture, in grey or in colour, as a part of a figure."""

import base64
import struct
import zlib

from dashboard.figures import objects as go
from dashboard.tiles import Levels


def pixel_trace(pixels: Levels) -> go.Heatmap | go.Image:
    """A picture in the cells of a figure's axes: a field of greys, or an image where it has colours.

    Arguments:
        pixels: Shape (height, width), or (height, width, 3) in colour.
    """
    if pixels.ndim == 2:
        return go.Heatmap(
            z=pixels,
            colorscale=[[0, "black"], [1, "white"]],
            zmin=0,
            zmax=255,
            showscale=False,
            hoverinfo="skip",
        )
    source = f"data:image/png;base64,{base64.b64encode(_png(pixels)).decode('ascii')}"
    return go.Image(source=source, hoverinfo="skip")


def _png(pixels: Levels) -> bytes:
    """Of eight bits a colour; no line says what it differs in from the one above (PNG, ISO/IEC 15948)."""
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + line.tobytes() for line in pixels))
    parts = ((b"IHDR", head), (b"IDAT", lines), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )
