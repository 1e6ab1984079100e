"""The files of the latent explorer in the order of their needs: its mount joins them."""

from typing import Final

ROOMS: Final = (
    "board/base.js",
    "board/plane.js",
    "board/pictures.js",
    "board/points.js",
    "latent/network.js",
    "latent/packet.js",
    "latent/gestures.js",
    "latent/vector.js",
    "latent/npz.js",
    "latent/save.js",
    "latent/density.js",
    "latent/scene.js",
    "latent/walkroom.js",
    "latent/decoded.js",
    "latent/nearest.js",
    "latent/interpolation.js",
    "latent/strips.js",
    "latent/slider_row.js",
    "latent/traversal.js",
    "latent/ink.js",
    "latent/draw.js",
    "latent/rooms.js",
    "latent/explorer.js",
)
"""Scripts; joined to one module, so only the last one exports."""

CSS: Final = (
    "latent/explorer.css",
    "latent/aside.css",
    "latent/interpolation.css",
    "latent/traversal.css",
    "latent/draw.css",
    "latent/save.css",
)
"""Style sheets."""
