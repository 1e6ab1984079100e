"""What a reader takes home from the Latent space page: coordinates, decoded arrays, pictures."""

import base64
import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.cached import Encoded
from dashboard.pictures import Pixels, png

Array = NDArray[np.float32]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def coordinates_csv(data: Encoded, class_names: tuple[str, ...]) -> str:
    """A table with a row for each datum: class, posterior means and deviations, and the terms of its bound.

    A class name that a spreadsheet would run as a formula begins with an apostrophe. A deterministic encoder
    has no deviations, no KL and no bound: those columns are left out.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    dims = range(1, data.means.shape[1] + 1)
    columns = {f"mean_{j}": data.means[:, j - 1] for j in dims}
    if data.stds.any():
        columns |= {f"std_{j}": data.stds[:, j - 1] for j in dims}
    columns["reconstruction_nats"] = data.reconstruction
    if data.stds.any():
        columns |= {"kl_nats": data.kl, "elbo_nats": data.elbo}
    writer.writerow(["datum", "class", *columns])
    table = np.stack(list(columns.values()), axis=1)
    for row, (label, numbers) in enumerate(zip(data.labels.tolist(), table, strict=True)):
        name = "" if label < 0 else harmless(class_names[label])
        writer.writerow([row, name, *(f"{float(value):.7g}" for value in numbers)])
    return out.getvalue()


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def arrays_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays by name as a NumPy archive."""
    out = io.BytesIO()
    np.savez_compressed(out, **dict(arrays))  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def grid_pixels(grid: Array, image_shape: tuple[int, int], *, scale: int = 4) -> Pixels:
    """The decoded grid as a grey picture, each pixel ``scale`` times as wide and high."""
    rows, columns = grid.shape[:2]
    height, width = image_shape
    mosaic = grid.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    pixels = (np.clip(np.nan_to_num(mosaic), 0, 1) * 255).astype(np.uint8)
    return pixels.reshape(rows * height, columns * width).repeat(scale, axis=0).repeat(scale, axis=1)


def pixels_svg(pixels: Pixels) -> bytes:
    """A picture in an SVG file: its pixels travel as PNG within and stay sharp at any size."""
    height, width = pixels.shape[:2]
    data = base64.b64encode(png(pixels)).decode()
    size = f'width="{width}" height="{height}"'
    image = f'<image {size} style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
    view = f'viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>{image}</svg>\n'.encode()
