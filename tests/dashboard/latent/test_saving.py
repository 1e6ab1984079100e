"""What is exported is what is shown, and no spreadsheet runs it."""

import base64
import csv
import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from dashboard.cached import Encoded
from dashboard.latent.grid import grid_pixels
from dashboard.latent.saving import arrays_npz, coordinates_csv, harmless, pixels_svg


def encoded() -> Encoded:
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(3, 4)).astype(np.float32)
    return Encoded(
        x=rng.random((4, 6)).astype(np.float32),
        labels=np.array([0, 1, 1, -1], np.int32),
        means=rng.normal(size=(4, 2)).astype(np.float32),
        stds=rng.random((4, 2)).astype(np.float32),
        elbo=terms[0],
        reconstruction=terms[1],
        kl=terms[2],
        kl_per_dim=rng.random((4, 2)).astype(np.float32),
    )


def test_coordinates_come_back_from_the_table() -> None:
    data = encoded()
    header, *rows = csv.reader(io.StringIO(coordinates_csv(data, ("zero", "=1+1"))))
    assert header[:6] == ["example", "class", "mean_1", "mean_2", "std_1", "std_2"]
    assert [row[1] for row in rows] == ["zero", "'=1+1", "'=1+1", ""]
    numbers = np.array([row[2:] for row in rows], np.float64)
    np.testing.assert_allclose(numbers[:, :2], data.means, rtol=1e-6)
    np.testing.assert_allclose(numbers[:, 2:4], data.stds, rtol=1e-6)
    np.testing.assert_allclose(
        numbers[:, 4:], np.stack([data.reconstruction, data.kl, data.elbo], 1), rtol=1e-6
    )


def test_deterministic_encoder_has_no_columns_of_a_bound() -> None:
    data = replace(encoded(), stds=np.zeros((4, 2), np.float32))
    header, first, *_ = csv.reader(io.StringIO(coordinates_csv(data, ("a", "b"))))
    assert header == ["example", "class", "mean_1", "mean_2", "reconstruction_nats"]
    assert float(first[-1]) == pytest.approx(float(data.reconstruction[0]), rel=1e-6)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_formulas_are_made_harmless(text: str) -> None:
    assert harmless(text) == "'" + text
    assert harmless("three") == "three"


def test_arrays_come_back_from_the_archive() -> None:
    grid = np.random.default_rng(1).random((2, 3, 6)).astype(np.float32)
    with np.load(
        io.BytesIO(arrays_npz({"x": grid, "plane": np.array([1, 5])})), allow_pickle=False
    ) as archive:
        assert np.array_equal(archive["x"], grid)
        assert archive["plane"].tolist() == [1, 5]


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
