"""Files as people bring them, made by the tests that read them."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy_header(text: str, body: bytes = b"", *, version: tuple[int, int] = (1, 0)) -> bytes:
    """A NumPy file with any header."""
    header = text.encode("latin-1")
    form = "<H" if version == (1, 0) else "<I"
    return b"\x93NUMPY" + bytes(version) + struct.pack(form, len(header)) + header + body


def zipped(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return out.getvalue()


def image(pixels: NDArray[Any] | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    one = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    one.save(out, format=form, **options)
    return out.getvalue()


def idx(array: NDArray[np.uint8]) -> bytes:
    dims = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + dims + array.tobytes()


def two_classes(count: int = 12, side: int = 12, *, in_colour: bool = False) -> bytes:
    """A zip of pictures in two folders: bright ones and dark ones, in colour yellow ones and blue ones."""
    noise = np.random.RandomState(0)
    files = {}
    for number in range(count):
        bright = number % 2
        pixels = (noise.rand(side, side) * 80 + 160 * bright).astype(np.uint8)
        if in_colour:
            pixels = np.stack([pixels, pixels // 2, 255 - pixels], axis=2)
        files[f"photos/{'day' if bright else 'night'}/{number}.png"] = image(pixels)
    return zipped(files)
