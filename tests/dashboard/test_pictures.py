"""Data become pixels, and numbers text."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard.figures.pixels import pixel_trace
from dashboard.formats import signed
from dashboard.latent.grid import grid_pixels
from dashboard.pictures import mosaic, picture, png, small_png, strip


def test_picture_enlarges_every_pixel_to_a_square() -> None:
    x = np.array([0, 0.5, 1, 2, -1, np.nan], np.float32)
    pixels = picture(x, (2, 3), size=20)
    assert (pixels.shape, pixels.dtype) == ((20, 30), np.uint8)
    corners = pixels[::10, ::10]
    assert corners.tolist() == [[0, 127, 255], [255, 0, 0]]
    assert np.array_equal(pixels, corners.repeat(10, 0).repeat(10, 1))


def test_strip_has_gaps_between_pictures_only() -> None:
    pixels = strip(np.zeros((3, 4), np.float32), (2, 2), size=8, gap=5)
    assert pixels.shape == (8, 3 * 8 + 2 * 5)
    assert pixels[0].tolist() == [0] * 8 + [128] * 5 + [0] * 8 + [128] * 5 + [0] * 8


def test_picture_is_never_smaller_than_its_data() -> None:
    assert picture(np.zeros(28 * 28, np.float32), (28, 28), size=5).shape == (28, 28)


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(-1.5, 2, "−1.50"), (3.14159, 4, "3.1416"), (float("nan"), 1, "nan")]
)
def test_minus_is_a_real_one(value: float, digits: int, text: str) -> None:
    assert signed(value, digits) == text


def test_shown_picture_travels_in_the_page_unchanged() -> None:
    def script() -> None:
        import numpy as np

        from dashboard.pictures import show

        show(np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8), alt="ramp")

    (image,) = AppTest.from_function(script).run().get("image")
    (sent,) = image.proto.imgs  # type: ignore[attr-defined]
    kind, _, encoded = sent.url.partition(",")
    assert (kind, sent.alt) == ("data:image/png;base64", "ramp")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert np.array_equal(shown, np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8))


@pytest.mark.parametrize("num_steps", [1, 16, 255])
def test_small_png_has_all_images_side_by_side(num_steps: int) -> None:
    levels = np.random.default_rng(0).integers(0, num_steps + 1, (6, 12)).astype(np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(small_png(levels, num_steps, (3, 4)))).convert("L"))
    assert sheet.shape == (9, 8), "three rows of two"
    assert np.array_equal(sheet[3:6, 4:], (levels[3].reshape(3, 4).astype(int) * 255) // num_steps)


def test_colours_of_a_pixel_stay_side_by_side_in_every_picture() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 4 * 5 * 3)).astype(np.uint8)
    # Half a level more: no rounding down to the one before.
    x, images = ((levels + 0.5) / 255.5).astype(np.float32), levels.reshape(2, 3, 4, 5, 3)
    assert np.array_equal(strip(x[0], (4, 5, 3), size=4, gap=1)[:, 6:11], images[0, 1])
    assert np.array_equal(mosaic(x, (4, 5, 3), size=8)[4:, 10:], images[1, 2])
    assert np.array_equal(grid_pixels(x, (4, 5, 3), scale=2)[8::2, 10:20:2], images[1, 1])
    sheet = Image.open(io.BytesIO(small_png(levels[0], 255, (4, 5, 3))))
    assert np.array_equal(np.asarray(sheet)[8:], images[0, 2]), "one column of three"


def test_a_picture_in_colour_is_an_image_of_the_figure_with_each_of_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    trace = pixel_trace(pixels)
    assert trace["type"] == "image"
    shown = Image.open(io.BytesIO(base64.b64decode(trace["source"].partition(",")[2])))
    assert np.array_equal(np.asarray(shown), pixels)
    assert pixel_trace(pixels[..., 0])["type"] == "heatmap"


def test_a_picture_that_is_written_fast_has_the_same_pixels() -> None:
    pixels = strip(np.random.default_rng(0).random((3, 64), np.float32), (8, 8), size=56)
    for effort in (1, 6):
        with Image.open(io.BytesIO(png(pixels, effort=effort))) as found:
            assert np.array_equal(np.asarray(found), pixels), effort


def test_points_of_many_values_stand_in_a_table_with_the_names_of_their_columns() -> None:
    def script() -> None:
        import numpy as np

        from dashboard.pictures import show_examples

        x = (np.arange(50).reshape(2, 25) / 4).astype(np.float32)
        columns = ("*flow*", "the temperature of the vessel", *(f"c{number}" for number in range(3, 26)))
        names = ("example", "reconstruction")
        show_examples(x, None, size=8, alt="", names=names, columns=columns)
        show_examples(x, None, size=8, alt="", names=names)
        show_examples(x[:, :3], None, size=8, alt="", names=names, columns=columns[:3])

    app = AppTest.from_function(script).run()
    assert not app.exception
    named, numbered = (table.value for table in app.table)
    assert list(named.columns) == ["value of x", "example", "reconstruction"]
    assert named.iloc[:, 0].tolist()[:2] == [r"\*flow\*", "the temperature of …"]
    assert numbered.iloc[:, 0].tolist()[:2] == ["x₁", "x₂"]
    assert named.iloc[:, 1].tolist() == [signed(value / 4) for value in range(20)]
    assert numbered.iloc[:, 2].tolist() == [signed(value / 4) for value in range(25, 45)]
    assert [caption.value for caption in app.caption] == ["The first 20 of 25 values."] * 2
    (line,) = app.markdown
    few = r"(\*flow\* {}, the temperature of … {}, c3 {})"
    first, second = few.format("0.00", "0.25", "0.50"), few.format("6.25", "6.50", "6.75")
    assert line.value == f"example **{first}** · reconstruction **{second}**"
