"""Pictures of more than 8 bits: one scale for all of a set, against NumPy in float64."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.brought_files import image, zipped
from vae_core.data import Choices, bring
from vae_core.data.depth import Deep, scales_of
from vae_core.data.images import read_images_zip
from vae_core.errors import BadInput

Pixels = NDArray[Any]


@pytest.fixture
def noise() -> np.random.RandomState:
    return np.random.RandomState(0)


def a_set(pictures: list[Pixels], form: str = "TIFF") -> bytes:
    return zipped({f"{place}.{form.lower()}": image(one, form) for place, one in enumerate(pictures)})


def said_of_values(content: bytes) -> list[str]:
    return [one.text for one in bring(content).problems]


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("largest", "white", "bits"),
    [(3, 3, 2), (200, 255, 8), (1023, 1023, 10), (1024, 4095, 12), (4000, 4095, 12), (9000, 16383, 14)],
)
def test_fewer_bits_in_a_file_of_16_are_divided_by_their_own_largest(
    noise: np.random.RandomState, form: str, largest: int, white: int, bits: int
) -> None:
    """12 bits of a camera in a PNG of 16 were nearly black, without a word."""
    pictures = [noise.randint(0, top + 1, (6, 5)).astype(np.uint16) for top in (largest // 2, largest)]
    pictures[1][0, 0], pictures[0][0, 0] = largest, 0
    found = bring(a_set(pictures, form))
    expected = np.rint(np.stack(pictures).astype(np.float64) / white * 255).reshape(2, -1)
    assert np.array_equal(found.x, expected)
    texts = [one.text for one in found.problems]
    what = f"2 pictures of whole numbers from 0 to {largest:,} are divided by {white:,}"
    assert f"{what}: all values fit in {bits} bits." in texts


def test_all_16_bits_are_divided_by_65535_and_eight_bits_by_255(noise: np.random.RandomState) -> None:
    deep = noise.randint(0, 65536, (6, 5)).astype(np.uint16)
    deep[0, 0] = 65535
    bytes_ = noise.randint(0, 100, (6, 5)).astype(np.uint8)
    found = bring(zipped({"a.png": image(deep), "b.png": image(bytes_), "c.png": image(deep // 2)}))
    expected = np.rint(np.stack([deep, deep // 2]) / 65535 * 255).reshape(2, -1)
    assert np.array_equal(found.x[[0, 2]], expected)
    assert np.array_equal(found.x[1], bytes_.ravel())
    texts = [one.text for one in found.problems]
    assert "1 picture of 8 bits beside them is divided by 255." in texts
    assert said_of_values(zipped({f"{n}.png": image(bytes_ + n) for n in range(3)})) == []


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_the_brightness_of_32_bits_compares_within_a_set(noise: np.random.RandomState, kind: type) -> None:
    """Each picture was scaled by its own largest value."""
    pictures = [(noise.rand(6, 5) * top).astype(kind) for top in (100_000, 1_000_000)]
    found = bring(a_set(pictures))
    values = np.stack(pictures).astype(np.float64)
    assert np.array_equal(found.x, np.rint(values / values.max() * 255).reshape(2, -1))
    assert 0 < found.x[0].max() <= 29 < found.x[1].max()
    assert any("the largest value of all" in one.text for one in found.problems)


def test_real_numbers_from_0_to_1_stay_and_with_a_negative_one_the_least_is_black(
    noise: np.random.RandomState,
) -> None:
    pictures = [(noise.rand(6, 5) * top).astype(np.float32) for top in (0.2, 0.9)]
    expected = np.rint(np.stack(pictures).astype(np.float64) * 255).reshape(2, -1)
    assert np.array_equal(bring(a_set(pictures)).x, expected)
    assert said_of_values(a_set(pictures)) == []
    values = np.stack(pictures).astype(np.float64) * 4 - 2
    below = [one.astype(np.float32) for one in values]
    values = np.stack(below).astype(np.float64)
    expected = np.rint((values - values.min()) / (values.max() - values.min()) * 255).reshape(2, -1)
    assert np.array_equal(bring(a_set(below)).x, expected)
    said = said_of_values(a_set(below))
    assert any("are scaled to 0 to 1, by the least and the largest value of all." in one for one in said)


def test_whole_numbers_below_zero_have_one_scale_too() -> None:
    """As TIFF of 16 bits with a sign has them."""
    pictures = [np.array([[-300, 0], [50, low]], np.int32) for low in (700, -5)]
    found = read_images_zip(a_set(pictures))
    assert np.array_equal(found.pixels, np.rint((np.stack(pictures) + 300) / 1000 * 255))


def test_whole_and_real_numbers_have_a_scale_each() -> None:
    whole, real = np.full((4, 4), 2000, np.uint16), np.full((4, 4), 0.5, np.float32)
    whole[0, 0], real[0, 0] = 4000, 1
    found = read_images_zip(zipped({"a.tif": image(whole, "TIFF"), "b.tif": image(real, "TIFF")}))
    assert found.pixels[:, 1, 1].tolist() == [round(2000 / 4095 * 255), 128]
    assert [scale.numbers for scale in found.scales] == ["whole", "real"]


def test_a_picture_with_nan_is_left_out_and_named(noise: np.random.RandomState) -> None:
    good = noise.rand(6, 5).astype(np.float32)
    bad = good.copy()
    bad[2, 3] = np.nan
    files = {f"{n}.tif": image(good * (n + 1), "TIFF") for n in range(3)}
    content = zipped(files | {"hole.tif": image(bad, "TIFF")})
    assert len(bring(content).x) == 3
    assert any(
        "‘hole.tif’: it has values that are no numbers (NaN)" in one for one in said_of_values(content)
    )
    holes = zipped({f"{n}.tif": image(bad * (n + 1), "TIFF") for n in range(3)})
    with pytest.raises(BadInput, match=r"values that are no numbers \(NaN\), or infinite; fill them in"):
        bring(holes)


def test_deep_pictures_are_made_smaller_as_others_are(noise: np.random.RandomState) -> None:
    bytes_ = np.asarray(Image.fromarray(noise.randint(0, 256, (20, 20)).astype(np.uint8)).resize((400, 300)))
    small = bring(zipped({f"{n}.png": image(bytes_ // (n + 1)) for n in range(2)}), Choices(side=28))
    deep = [(bytes_ // (n + 1)).astype(np.uint16) * 257 for n in range(2)]
    found = bring(a_set(deep, "PNG"), Choices(side=28))
    assert found.image_shape == small.image_shape == (21, 28)
    assert np.abs(found.x.astype(int) - small.x).max() <= 2


def png_of_16_bits(rgb: NDArray[np.uint16]) -> bytes:
    """A colour PNG of 16 bits, which Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = rgb.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in rgb)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_colours_of_16_bits_keep_their_upper_eight_and_that_is_said(noise: np.random.RandomState) -> None:
    rgb = noise.randint(0, 65536, (6, 5, 3)).astype(np.uint16)
    content = zipped({f"{n}.png": png_of_16_bits(rgb // (n + 1)) for n in range(2)})
    found = bring(content, Choices(colours="kept"))
    assert np.array_equal(found.x[0], (rgb >> 8).ravel())
    said = "2 pictures of several values of 16 bits a pixel are read by the upper 8 bits of each value."
    assert said in said_of_values(content)
    high_colour = Image.fromarray((rgb >> 8).astype(np.uint8))
    assert said not in said_of_values(zipped({f"{n}.bmp": image(high_colour, "BMP") for n in range(2)}))


def test_the_scale_of_one_picture_with_one_value_divides_by_no_zero() -> None:
    (scale,) = scales_of([Deep("real", -3, -3, True)]).values()
    assert (scale.black, scale.white) == (-3, -3)
    flat = np.full((4, 4), -3, np.float32)
    found = read_images_zip(a_set([flat, flat]))
    assert not found.pixels.any()
