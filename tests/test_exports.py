"""What is exported is what is shown, and no spreadsheet runs it."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dashboard.cache import Encoded
from dashboard.exports import coordinates_csv, grid_npz, grid_png, harmless


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
    assert header[:6] == ["datum", "class", "mean_1", "mean_2", "std_1", "std_2"]
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
    assert header == ["datum", "class", "mean_1", "mean_2", "reconstruction_nats"]
    assert float(first[-1]) == pytest.approx(float(data.reconstruction[0]), rel=1e-6)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_formulas_are_made_harmless(text: str) -> None:
    assert harmless(text) == "'" + text
    assert harmless("three") == "three"


def test_decoded_array_comes_back_from_the_archive() -> None:
    grid = np.random.default_rng(1).random((2, 3, 6)).astype(np.float32)
    axis = np.array([-1.0, 0.0, 1.0], np.float32)
    with np.load(io.BytesIO(grid_npz(grid, axis, (0, 4))), allow_pickle=False) as archive:
        assert np.array_equal(archive["decoded"], grid)
        assert np.array_equal(archive["axis"], axis)
        assert archive["plane"].tolist() == [1, 5]


def test_picture_has_each_image_in_its_place() -> None:
    grid = np.zeros((2, 3, 6), np.float32)
    grid[1, 2] = 1.0
    image = np.asarray(Image.open(io.BytesIO(grid_png(grid, (2, 3), scale=2))))
    assert image.shape == (2 * 2 * 2, 3 * 3 * 2)
    assert image[4:, 12:].min() == 255
    assert image.sum() == 255 * image[4:, 12:].size
