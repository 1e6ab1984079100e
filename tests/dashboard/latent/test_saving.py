"""What is saved is what is shown."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from dashboard.latent.grid import grid_pixels
from dashboard.latent.saving import pixels_svg


def test_picture_has_each_image_in_its_place() -> None:
    grid = np.zeros((2, 3, 6), np.float32)
    grid[1, 2] = 1.0
    image = grid_pixels(grid, (2, 3), scale=2)
    assert image.shape == (2 * 2 * 2, 3 * 3 * 2)
    assert image[4:, 12:].min() == 255
    assert image.sum() == 255 * image[4:, 12:].size


def test_vector_picture_has_the_pixels_within() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (5, 7), np.uint8)
    root = ElementTree.fromstring(pixels_svg(pixels))
    (image,) = root
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("7", "5", "0 0 7 5")
    kind, _, data = str(image.get("href")).partition(",")
    assert kind == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)
