"""Images as pixels for the browser: enlarged without smoothing, black ground, white ink."""

import base64
import io
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from dashboard.formats import names_of_values, plain, signed
from dashboard.tables import draw_table
from dashboard.tiles import tiled

Pixels = NDArray[np.uint8]

MAX_IN_LINE: Final = 3
"""Values of a point that is written in a line."""
MAX_IN_TABLE: Final = 20
"""Values of a point that a table shows."""
LONGEST_NAME: Final = 20
"""Characters of the name of a value."""


def picture(x: NDArray[np.float32], image_shape: tuple[int, ...], *, size: int) -> Pixels:
    """One example as an image about ``size`` pixels high.

    Arguments:
        x: Shape (D,), 0 is black and 1 white; values beyond are clipped, NaN is black.
        image_shape: (height, width), or (height, width, 3) in colour; their product is D.
        size: Wanted height in pixels.
    """
    return strip(x[None], image_shape, size=size)


def strip(x: NDArray[np.float32], image_shape: tuple[int, ...], *, size: int, gap: int = 4) -> Pixels:
    """Several examples side by side, each about ``size`` pixels high; ``x`` of shape (n, D)."""
    scale = max(1, size // image_shape[0])
    pixels = (np.clip(np.nan_to_num(x), 0, 1) * 255).astype(np.uint8).reshape(-1, *image_shape)
    large = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    beside = ((0, 0), (0, 0), (0, gap), (0, 0))[: large.ndim]
    padded = np.pad(large, beside, constant_values=128)
    return np.concatenate(list(padded), axis=1)[:, :-gap]


def sheet(x: NDArray[np.float32], image_shape: tuple[int, ...], *, size: int, in_a_row: int) -> Pixels:
    """Several examples in rows, each about ``size`` pixels high; ``x`` of shape (n, D).

    The last row is filled up with grey ones.
    """
    count = -(-len(x) // in_a_row) * in_a_row
    blank = np.full((count - len(x), x.shape[1]), 0.5, np.float32)
    rows = np.concatenate([x, blank]).reshape(-1, in_a_row, x.shape[1])
    strips = [strip(row, image_shape, size=size) for row in rows]
    below = ((0, 4), (0, 0), (0, 0))[: strips[0].ndim]
    return np.concatenate([np.pad(row, below, constant_values=128) for row in strips])[:-4]


def mosaic(grid: NDArray[np.float32], image_shape: tuple[int, ...], *, size: int) -> Pixels:
    """Decoded images of shape (rows, columns, D) edge to edge, the whole about ``size`` pixels high."""
    scale = max(1, size // (image_shape[0] * grid.shape[1]))
    picture = tiled((np.clip(np.nan_to_num(grid), 0, 1) * 255).astype(np.uint8), image_shape)
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def png(pixels: Pixels, *, effort: int = 6) -> bytes:
    """The pixels as a PNG file, none of them changed.

    Arguments:
        pixels: Of grey, or of three colours.
        effort: From 1 to 9; 1 takes half the time of 6, and a third more bytes for enlarged digits.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", compress_level=effort)
    return out.getvalue()


def small_png(levels: NDArray[np.uint8], num_steps: int, image_shape: tuple[int, ...]) -> bytes:
    """All images side by side as a small PNG: one bit a pixel for two levels of grey, else one byte a value.

    Arguments:
        levels: Whole numbers of 0 to ``num_steps``, shape (n, D).
        num_steps: Levels less one.
        image_shape: Height and width of each, and 3 in colour.
    """
    count = len(levels)
    columns = max(size for size in range(1, int(count**0.5) + 1) if count % size == 0)
    values = (levels.astype(np.uint16) * 255 // num_steps).astype(np.uint8)
    sheet = tiled(values.reshape(count // columns, columns, -1), image_shape)
    picture, out = Image.fromarray(sheet), io.BytesIO()
    if num_steps == 1 and sheet.ndim == 2:
        picture = picture.convert("1", dither=Image.Dither.NONE)
    picture.save(out, format="PNG", optimize=True)
    return out.getvalue()


def show(pixels: Pixels, *, alt: str, width: Literal["content", "stretch"] = "content") -> None:
    """Draws the pixels on the page, exactly as they are.

    The picture travels in the page's own message. Streamlit's files for pictures are lossy JPEGs by default,
    and go as soon as a run of the script does not name them, maybe before a slow browser has asked for them.
    """
    content = base64.b64encode(png(pixels, effort=1)).decode()
    st.image(f"data:image/png;base64,{content}", alt=alt, width=width)


def example_strip(
    x: NDArray[np.float32], image_shape: tuple[int, ...] | None, *, size: int, gap: int = 10
) -> Pixels | None:
    """Examples of shape (n, D) side by side as a picture; None where they are points."""
    return None if image_shape is None else strip(x, image_shape, size=size, gap=gap)


def show_examples(
    x: NDArray[np.float32],
    image_shape: tuple[int, ...] | None,
    *,
    size: int,
    alt: str,
    gap: int = 10,
    names: Sequence[str] | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Draws examples side by side, or writes them as numbers where they are points.

    Points of more than ``MAX_IN_LINE`` values stand in a table, a row for each of the first ``MAX_IN_TABLE``.

    Arguments:
        x: Shape (n, D).
        image_shape: (height, width) of the images, or (height, width, 3) in colour; None for points.
        size: Wanted height of an image in pixels.
        alt: What the picture shows, for those who do not see it.
        gap: Pixels between the images.
        names: What stands before each point; needed where a point may have many values.
        columns: Names of the D values; empty: they are numbered.
    """
    pixels = example_strip(x, image_shape, size=size, gap=gap)
    if pixels is not None:
        show(pixels, alt=alt)
        return
    if x.shape[1] > MAX_IN_LINE:
        _draw_values(x, names or [f"point {number}" for number in range(1, len(x) + 1)], columns)
        return
    before = [f"{plain(_short(name))} " for name in columns] or [""] * x.shape[1]
    texts = [f"({', '.join(map(str.__add__, before, map(signed, row)))})" for row in x.tolist()]
    if names is None:
        st.markdown(" → ".join(texts))
    else:
        st.markdown(" · ".join(f"{name} **{text}**" for name, text in zip(names, texts, strict=True)))


def _short(name: str) -> str:
    # Or the numbers beside a long one would be out of sight.
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _draw_values(x: NDArray[np.float32], names: Sequence[str], columns: Sequence[str]) -> None:
    found = names_of_values(columns, min(MAX_IN_TABLE, x.shape[1]))
    shown = [plain(_short(name)) for name in found]
    rows = [(name, *map(signed, values)) for name, values in zip(shown, x.T.tolist(), strict=False)]
    draw_table(("value of x", *names), rows, title="Values of the examples", shows_title=False)
    if x.shape[1] > len(rows):
        st.caption(f"The first {len(rows)} of {x.shape[1]:,} values.")
