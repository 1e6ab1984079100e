"""What people bring: what is recognised, what is wrong with it, and that each choice does what it says."""

import gzip
from typing import Final

import numpy as np
import pytest
from PIL import Image

from tests.brought_files import idx, image, npy, npz, two_classes, zipped
from vae_core.data import Choices, bring
from vae_core.data.images import read_images_zip
from vae_core.errors import BadInput

FLOWERS: Final = (
    "Länge;Breite;Art\n1,5;2,0;Rose\n2,5;;Rose\n3,5;4,0;Tulpe\n4,5;5,5;Tulpe\n5,5;6,0;Rose\n".encode()
)


def said(content: bytes, choices: Choices | None = None) -> list[str]:
    return [problem.text for problem in bring(content, choices).problems]


def test_a_table_with_text_decimal_commas_and_a_missing_cell_is_recognised() -> None:
    found = bring(FLOWERS)
    assert found.form == "table"
    assert (found.choices.header, found.choices.delimiter, found.choices.decimal) == (
        "yes",
        "semicolon",
        "comma",
    )
    assert (found.columns, found.choices.labels, found.class_names) == (
        ("Länge", "Breite"),
        "Art",
        ("Rose", "Tulpe"),
    )
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 1, 0]
    kept = np.array([[1.5, 2.0], [3.5, 4.0], [4.5, 5.5], [5.5, 6.0]])
    assert np.allclose(found.x, (kept - kept.mean(0)) / kept.std(0), atol=1e-6)
    texts = [problem.text for problem in found.problems]
    assert "1 row without a number in ‘Breite’ is left out." in texts
    assert "Decimal commas are read as decimal points." in texts
    assert [problem.choice for problem in found.problems if "left out" in problem.text] == ["missing"]
    assert found.head[0] == ("Länge", "Breite", "label")
    assert found.head[2] == ("2.5", "–", "Rose")
    assert found.likelihood == "gaussian"
    assert not found.refusal


def test_each_choice_about_a_table_is_followed() -> None:
    filled = bring(FLOWERS, Choices(missing="mean", scale="none", labels=""))
    assert filled.labels is None
    assert np.allclose(filled.x[1], [2.5, 17.5 / 4])
    unit = bring(FLOWERS, Choices(scale="unit"))
    assert (unit.x.min(), unit.x.max()) == (0, 1)
    one = bring(FLOWERS, Choices(columns=("Länge",)))
    assert one.x.shape == (5, 1)
    assert bring(b"1,2\n3,4\n5,7\n", Choices(header="yes", scale="none")).x.tolist() == [[3, 4], [5, 7]]
    assert bring(b"1,2\n3,4\n5,7\n", Choices(scale="none")).x.shape == (3, 2)
    assert bring(b"1,234;2\n5,678;9\n", Choices(decimal="point", scale="none")).x[0].tolist() == [1234, 2]


def test_choices_that_do_not_fit_the_file_are_not_used() -> None:
    other = Choices(labels="Farbe", columns=("Höhe", "Breite"), array="x", side=8)
    found = bring(FLOWERS, other)
    assert found.choices.labels == "Art"
    assert found.columns == ("Breite",)


def test_what_can_be_chosen_is_listed() -> None:
    options = bring(FLOWERS).options
    assert options["labels"] == ("Art", "")
    assert options["missing"] == ("drop", "mean")
    assert options["delimiter"] == ("tab", "semicolon", "bar", "comma", "blank")
    assert "side" not in options


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n1e400,3\n4,9\n", "‘a’ has 1 value beyond 1e100, or infinite."),
        (b"a,b\n1,2\nx,3\n4,9\n", "‘a’ has 1 cell without a number, such as ‘x’."),
        (b"a,a\n1,2\n2,3\n4,9\n", "Names that occur twice are numbered: a."),
        (b"a,b\n1,5\n2,5\n4,5\n", "Constant, and no use to a model: b."),
        (b"a,b,c\n1,5,1\n2,5,4\n4,5,9\n", "Constant columns are left out: b."),
        ("a,b\n１２,1\n３,2\n4,5\n5,6\n7,7\n".encode(), "Full-width digits are read as text."),
        (
            b"id,v,w\n" + b"".join(b"%d,%d,%d\n" % (i, i * i, i % 4) for i in range(9)),
            "Numbers of rows are left out: id.",
        ),
        ("名前,値\n花,1\n月,2\n花,4\n月,8\n".encode("cp932"), "it is read as Shift-JIS."),
        ("größe,b\n1,2\n3,4\n".encode("cp1252"), "it is read as Windows-1252."),
        (b"a,b,c\n1,2,\n3,4,\n", ""),
    ],
)
def test_problems_of_a_table_are_said(content: bytes, words: str) -> None:
    assert any(words in text for text in said(content))


def test_a_column_is_constant_in_no_unit_or_in_all() -> None:
    rows = [(i * i * 3e-13, 1e-220 * (7 * i % 5), 5e20 + 1e19 * (i % 3)) for i in range(20)]
    content = "current,tiny,large\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    found = bring(content.encode())
    assert not any("onstant" in problem.text for problem in found.problems)
    expected = np.array(rows) / np.ptp(np.array(rows), axis=0)
    expected = (expected - expected.mean(0)) / expected.std(0)
    np.testing.assert_allclose(found.x, expected, atol=1e-6)


def test_examples_that_are_all_equal_are_not_trained_on() -> None:
    assert "All examples are equal" in bring(b"a,b\n" + b"7,3\n" * 20).refusal
    assert (
        "All examples are equal"
        in bring(npy(np.tile(np.arange(16, dtype=np.uint8).reshape(4, 4), (9, 1, 1)))).refusal
    )
    assert bring(b"a,b\n" + b"7,3\n" * 20 + b"7,4\n").refusal == ""


def test_of_two_columns_none_is_taken_for_numbers_of_rows() -> None:
    """A curve over time would be left with one number a row, and refused."""
    found = bring(b"day,v\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(9)))
    assert (found.columns, found.refusal) == (("day", "v"), "")


def test_encodings_and_full_width_digits_can_be_chosen() -> None:
    content = "a,b\n１２,1\n３,2\n4,5\n5,6\n7,7\n".encode()
    assert bring(content, Choices(narrow="yes", scale="none")).x[:, 0].tolist() == [12, 3, 4, 5, 7]
    name = bring("Français,b\n1,2\n3,4\n".encode("cp1252")).columns[0]
    assert name == "Français"


def test_a_table_of_pixels_becomes_images_and_its_label_column_labels() -> None:
    noise = np.random.RandomState(0)
    rows = noise.randint(0, 256, (20, 64))
    text = "label," + ",".join(f"pixel{i}" for i in range(64)) + "\n"
    text += "".join(f"{i % 3}," + ",".join(map(str, row)) + "\n" for i, row in enumerate(rows))
    found = bring(text.encode())
    assert found.image_shape == (8, 8)
    assert found.x.dtype == np.uint8
    assert np.array_equal(found.x, rows)
    assert found.class_names == ("0", "1", "2")
    points = bring(text.encode(), Choices(layout="numbers"))
    assert points.image_shape is None
    turned = bring(text.encode(), Choices(orientation="transposed"))
    assert np.array_equal(turned.x.reshape(-1, 8, 8), rows.reshape(-1, 8, 8).transpose(0, 2, 1))


def test_arrays_of_all_shapes_and_types_are_taken() -> None:
    noise = np.random.RandomState(0)
    images = noise.randint(0, 256, (10, 6, 5)).astype(np.uint8)
    assert np.array_equal(bring(npy(images)).x, images.reshape(10, -1))
    for stored in (np.asfortranarray(images), images.astype(">i4"), images.astype(np.float64)):
        assert np.array_equal(bring(npy(stored)).x, images.reshape(10, -1))
    half = (noise.rand(10, 6, 5) > 0.5).astype(np.float16)
    assert np.array_equal(bring(npy(half)).x, half.reshape(10, -1))
    assert bring(npy(half)).likelihood == "bernoulli"
    assert "binary" not in bring(npy(half)).reason
    colored = np.stack([images] * 3, axis=-1)
    assert np.array_equal(bring(npy(colored)).x, images.reshape(10, -1))
    assert "10 colour images become grey." in said(npy(colored))
    assert bring(npy(colored.transpose(0, 3, 1, 2))).image_shape == (6, 5)
    assert bring(npy(np.arange(5.0))).x.shape == (5, 1)


def test_pixels_in_other_ranges_are_scaled_and_that_is_said() -> None:
    noise = np.random.RandomState(0)
    digits = noise.randint(0, 17, (9, 8, 8))
    digits[0, 0, 0] = 16
    assert np.allclose(bring(npy(digits)).x, digits.reshape(9, -1) / 16)
    assert "Pixels of 0 to 16 are divided by 16." in said(npy(digits))
    wild = noise.randn(9, 8, 8) * 1e4
    found = bring(npy(wild))
    assert (found.x.min(), found.x.max()) == (0, 1)
    assert "are scaled to 0 to 1." in found.problems[0].text


def test_images_that_are_too_large_are_made_smaller() -> None:
    flat = np.repeat(np.array([40, 200], np.uint8), 2)[:, None, None] * np.ones((1, 100, 50), np.uint8)
    found = bring(npy(flat))
    assert found.image_shape == (64, 32)
    assert "Images of 100 x 50 pixels are resized to 64 x 32." in [one.text for one in found.problems]
    assert np.array_equal(np.unique(found.x), [40, 200])
    assert bring(npy(flat), Choices(side=16)).image_shape == (16, 8)


def test_an_archive_gives_its_examples_and_their_labels_and_says_what_it_leaves() -> None:
    """Fault 29."""
    noise = np.random.RandomState(0)
    x, y = noise.rand(20, 6, 6), noise.randint(3, 6, 20)
    content = npz(x_train=x, y_train=y, x_test=x[:5], y_test=y[:5])
    found = bring(content)
    assert (found.choices.array, found.choices.labels) == ("x_train", "y_train")
    assert found.class_names == ("3", "4", "5")
    assert "Other arrays are not used: x_test, y_test." in said(content)
    assert len(bring(content, Choices(array="x_test")).x) == 5


def test_labels_of_text_in_an_archive_are_not_left_out_without_a_word() -> None:
    content = npz(x=np.random.RandomState(0).rand(6, 3), y=np.array(list("abcabc")))
    assert "Arrays without real numbers are not used: y. Give labels as numbers." in said(content)
    assert not [text for text in said(npz(x=np.random.RandomState(0).rand(6, 3))) if "not used" in text]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "this is an HDF5 file; save its arrays with numpy.savez"),
        (b"MATLAB 5.0 MAT-file" + bytes(100), "this is a file of MATLAB"),
        (b"PAR1\x15" + bytes(50), "this is a Parquet file; save it as CSV"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "this is an archive that is no zip"),
        (b"\xfd7zXZ\0" + bytes(60), "this is an archive that is no zip"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "picture of a phone"),
        (b"%PDF-1.7", "this is a PDF"),
    ],
)
def test_files_of_other_programs_are_called_what_they_are(content: bytes, words: str) -> None:
    """They were said to be no text in UTF-8, or no IDX file."""
    with pytest.raises(BadInput) as caught:
        bring(content)
    assert words in str(caught.value)


def test_a_table_may_begin_with_the_letters_of_such_a_file() -> None:
    assert bring(b"PAR1,ftyp\n1,2\n3,5\n").columns == ("PAR1", "ftyp")
    assert bring(b"row,ftyp\n0.5,2\n3,5\n").columns == ("row", "ftyp")


def test_a_zip_in_a_zip_is_said_to_be_one() -> None:
    with pytest.raises(BadInput, match="but a zip; unpack it"):
        bring(zipped({"inner.zip": zipped({"a.csv": b"a,b\n1,2\n3,4\n"})}))


def test_rows_of_an_array_with_nan_are_left_out_or_filled() -> None:
    """Fault 32."""
    x = np.arange(12.0).reshape(6, 2)
    x[2, 1] = np.nan
    assert len(bring(npy(x)).x) == 5
    filled = bring(npy(x), Choices(missing="mean", scale="none"))
    assert filled.x[2, 1] == pytest.approx(np.nanmean(x[:, 1]))


def test_a_column_of_an_array_without_a_number_is_left_out() -> None:
    """It was refused, with the advice to leave out a column, which an array has no choice for."""
    values = np.random.RandomState(0).randn(20, 5)
    values[:, 3] = np.nan
    for content in (npy(values), npz(x=values), npy(values.astype(np.float32))):
        found = bring(content, Choices(scale="none"))
        assert np.allclose(found.x, np.delete(values, 3, 1), atol=1e-6)
        assert found.columns == ("value 1", "value 2", "value 3", "value 5")
        assert "Left out, because no row has a number there: value 4." in said(content)
    values[:, 1] = np.inf
    assert bring(npy(values)).columns == ("value 1", "value 3", "value 5")
    with pytest.raises(BadInput, match="no value of the examples is a number; fill them in"):
        bring(npy(np.full((5, 3), np.nan)))
    pixels = np.random.RandomState(0).randint(0, 256, (9, 64)).astype(np.float64)
    pixels[:, 7] = np.nan
    assert bring(npy(pixels)).image_shape is None


def test_idx_files_are_taken_alone_packed_and_with_their_labels() -> None:
    images = np.random.RandomState(0).randint(0, 256, (6, 4, 3)).astype(np.uint8)
    for content in (idx(images), gzip.compress(idx(images))):
        assert np.array_equal(bring(content).x, images.reshape(6, -1))
    labels = np.array([1, 2, 26, 1, 2, 26], np.uint8)
    pair = zipped(
        {
            "emnist-letters-train-labels-idx1-ubyte": idx(labels),
            "emnist-letters-train-images-idx3-ubyte.gz": gzip.compress(idx(images)),
        }
    )
    found = bring(pair, Choices(orientation="transposed"))
    assert found.class_names == ("1", "2", "26")
    assert found.image_shape == (3, 4)
    with pytest.raises(BadInput, match="this IDX file holds labels, and no images; bring the file of images"):
        bring(idx(labels))


def test_labels_under_the_name_of_images_are_labels() -> None:
    """Fault 30: content decides what a file is. Alone they are refused; beside images they label them."""
    images = 3 * np.arange(72, dtype=np.uint8).reshape(6, 4, 3)
    labels = np.array([1, 2, 26, 1, 2, 26], np.uint8)
    named = {"train-images-idx3-ubyte": idx(labels)}
    for content in (named, {"train-images-idx3-ubyte.gz": gzip.compress(idx(labels))}):
        with pytest.raises(BadInput, match="the zip holds labels, and no images; pack the images with them"):
            bring(zipped(content))
    with pytest.raises(BadInput, match="this IDX file holds labels"):
        bring(gzip.compress(idx(labels)))
    swapped = bring(zipped({**named, "train-labels-idx1-ubyte": idx(images)}))
    assert (swapped.image_shape, swapped.class_names) == ((4, 3), ("1", "2", "26"))
    assert np.array_equal(swapped.x, images.reshape(6, -1))
    twice = bring(
        zipped({**named, "t10k-images-idx3-ubyte": idx(images), "t10k-labels-idx1-ubyte": idx(labels)})
    )
    assert [one.text for one in twice.problems if "not used" in one.text] == [
        "Other files are not used: t10k-labels-idx1-ubyte."
    ]


def test_a_zip_of_pictures_in_folders_has_the_folders_as_classes() -> None:
    found = bring(two_classes())
    assert (found.class_names, found.image_shape, len(found.x)) == (("day", "night"), (12, 12), 12)
    assert found.choices.labels == "folders"
    assert bring(two_classes(), Choices(labels="")).labels is None
    assert bring(two_classes(), Choices(side=8)).image_shape == (8, 8)


def test_a_file_of_labels_names_the_pictures() -> None:
    grey = np.full((4, 4), 100, np.uint8)
    files = {f"{number}.png": image(grey) for number in range(4)}
    files["labels.csv"] = b"file,label\n0.png,cat\n1.png,dog\n2.png,cat\n"
    found = read_images_zip(zipped(files))
    assert (found.labels_from, found.labels, found.num_unlabeled) == ("file", ("cat", "dog", "cat"), 1)
    assert "1 picture without a label is left out." in said(zipped(files))


def test_pictures_of_every_mode_become_grey_upright_and_opaque() -> None:
    """Fault 43."""
    half = np.zeros((8, 8), np.uint8)
    half[:4] = 255
    top = Image.fromarray(half)
    moving = [Image.fromarray(half), Image.fromarray(255 - half)]
    turned = Image.Exif()
    turned[0x0112] = 3  # stored upside down
    clear = top.convert("RGBA")
    clear.putalpha(Image.fromarray(half))
    blue = Image.new("RGB", (8, 8), (0, 0, 255))
    files = {
        "1.png": image(top.convert("1")),
        "la.png": image(top.convert("LA")),
        "p.png": image(top.convert("P")),
        "i16.png": image(Image.fromarray(half.astype(np.uint16) * 257)),
        "cmyk.jpg": image(top.convert("CMYK"), "JPEG", quality=95),
        "webp.webp": image(top.convert("RGB"), "WEBP", lossless=True),
        "bmp.bmp": image(top, "BMP"),
        "tiff.tif": image(top, "TIFF"),
        "lzw.TIFF": image(top.convert("RGB"), "TIFF", compression="tiff_lzw"),
        "i16.tif": image(half.astype(np.uint16) * 257, "TIFF", compression="tiff_adobe_deflate"),
        "f.tif": image(Image.fromarray(half.astype(np.float32) / 100), "TIFF"),
        "pages.tif": image(moving[0], "TIFF", save_all=True, append_images=moving[1:]),
        "moving.gif": image(moving[0], "GIF", save_all=True, append_images=moving[1:]),
        "exif.jpg": image(Image.fromarray(half[::-1]), "JPEG", exif=turned, quality=95),
        "clear.png": image(clear),
        "blue.png": image(blue),
    }
    found = read_images_zip(zipped(files))
    by_name = dict(zip(found.names, found.pixels.astype(int), strict=True))
    for name, pixels in by_name.items():
        if name in ("clear.png", "blue.png"):
            continue
        assert np.abs(pixels - half).max() <= 12, name
    assert (by_name["clear.png"] == 255).all()  # what is black there is transparent
    assert (by_name["blue.png"] == 29).all()  # 0.114 of 255, ITU-R BT.601
    assert (found.num_colored, found.num_transparent, found.num_moving) == (1, 1, 2)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
def test_one_tiff_is_said_to_be_one_picture_and_several_are_read(compression: str | None) -> None:
    """It was said to be no text in UTF-8."""
    shades = [np.full((8, 8), 20 * number, np.uint8) for number in range(1, 5)]
    files = {f"{n}.tiff": image(one, "TIFF", compression=compression) for n, one in enumerate(shades)}
    with pytest.raises(BadInput, match="one picture"):
        bring(files["0.tiff"])
    found = bring(zipped(files))
    assert found.image_shape == (8, 8)
    assert np.abs(found.x[:, 0].astype(int) - [20, 40, 60, 80]).max() <= 2
    wrong = bytearray(files["0.tiff"])
    wrong[4:8] = b"\xff\xff\xff\xff"
    texts = said(zipped(files | {"0.tiff": bytes(wrong)}))
    assert any("‘0.tiff’" in text for text in texts), texts


def pages(count: int, form: str, *, more: Image.Image | None = None) -> tuple[bytes, list[int]]:
    """A file of several pages, each of one grey with a corner in another, and those greys."""
    greys = [200 - 9 * number for number in range(count)]
    drawn = [np.full((8, 6), grey, np.uint8) for grey in greys]
    for one in drawn:
        one[:2, :2] = 0
    first, *others = [Image.fromarray(one) for one in drawn]
    return image(first, form, save_all=True, append_images=[*others, *([more] if more else [])]), greys


@pytest.mark.parametrize("form", ["TIFF", "GIF", "WEBP", "PNG"])
def test_the_frames_of_one_file_are_examples(form: str) -> None:
    """A stack of a microscope was said to be one picture."""
    content, greys = pages(12, form)
    found = bring(content)
    assert found.image_shape == (8, 6)
    assert np.abs(found.x[:, -1].astype(int) - greys).max() <= 3
    assert "Each of the 12 frames or pages of 1 file is an example." in said(content)
    assert bring(content, Choices(side=6)).x.shape[0] == 12


def test_a_stack_of_12_bits_has_one_scale() -> None:
    stack = [Image.fromarray(np.full((8, 6), value, np.uint16)) for value in (100, 2000, 4000)]
    content = image(stack[0], "TIFF", save_all=True, append_images=stack[1:])
    assert bring(content).x[:, 0].tolist() == [round(value / 4095 * 255) for value in (100, 2000, 4000)]


def test_pages_of_another_size_are_left_out_and_said() -> None:
    content, greys = pages(5, "TIFF", more=Image.new("L", (3, 4)))
    assert len(bring(content).x) == len(greys)
    assert "1 page of another size than the first, or a smaller copy of another one, is left out." in said(
        content
    )


def test_files_of_several_pages_in_folders_give_all_of_them_with_their_labels() -> None:
    content = zipped({"cat/a.tif": pages(4, "TIFF")[0], "dog/b.tif": pages(3, "TIFF")[0]})
    found = bring(content)
    assert found.labels is not None
    assert (found.labels.tolist(), found.class_names) == ([0] * 4 + [1] * 3, ("cat", "dog"))
    assert (found.choices.frames, found.options["frames"]) == ("all", ("all", "first"))
    first = bring(content, Choices(frames="first"))
    assert len(first.x) == 2
    assert "Of 2 pictures with several frames or pages the first is used." in said(content, first.choices)


def test_one_moving_picture_among_others_counts_once_unless_all_frames_are_chosen() -> None:
    files = {f"{n}.png": image(np.full((8, 6), 30 * n, np.uint8)) for n in range(4)}
    content = zipped({"a.gif": pages(5, "GIF")[0]} | files)
    assert (len(bring(content).x), bring(content).choices.frames) == (5, "first")
    assert len(bring(content, Choices(frames="all")).x) == 9


def test_a_stack_that_is_cut_short_keeps_the_pages_before_and_one_of_too_many_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content, _ = pages(12, "GIF")
    cut = content[: len(content) * 2 // 3]
    assert 2 <= len(bring(cut).x) < 12
    monkeypatch.setattr("vae_core.data.images.MAX_ENTRIES", 10)
    with pytest.raises(BadInput, match="there are more than 10 frames or pages; use fewer"):
        bring(content)


def test_a_table_may_begin_as_a_bitmap_does() -> None:
    """BMI in its first column was taken for a picture."""
    assert bring(b"BMI,age\n21.5,30\n25,41\n31,28\n").columns == ("BMI", "age")
    with pytest.raises(BadInput, match="one picture"):
        bring(image(np.full((4, 4), 9, np.uint8), "BMP"))


def test_colours_are_kept_where_that_is_chosen() -> None:
    colours = np.random.RandomState(0).randint(0, 256, (6, 5, 7, 3)).astype(np.uint8)
    files = {f"{number}.png": image(Image.fromarray(one)) for number, one in enumerate(colours)}
    grey = np.full((5, 7), 90, np.uint8)
    content = zipped(files | {"grey.png": image(Image.fromarray(grey))})
    found = bring(content, Choices(colours="kept"))
    assert (found.image_shape, found.x.dtype) == ((5, 7, 3), np.uint8)
    assert np.array_equal(found.x[:6], colours.reshape(6, -1))
    assert (found.x[6] == 90).all()
    assert "6 colour pictures are kept in colour: three values a pixel." in said(content, found.choices)
    assert bring(content, Choices(colours="kept", orientation="transposed")).image_shape == (7, 5, 3)
    assert bring(content).image_shape == (5, 7)
    all_grey = zipped({f"{number}.png": image(Image.fromarray(grey)) for number in range(3)})
    assert bring(all_grey, found.choices).image_shape == (5, 7)
    array = bring(npy(colours.transpose(0, 3, 1, 2)), Choices(colours="kept"))
    assert np.array_equal(array.x, found.x[:6])
    assert "6 images keep their colours: three values a pixel." in said(npy(colours), array.choices)
    large = np.random.RandomState(0).randint(0, 256, (3, 80, 40, 3)).astype(np.uint8)
    assert bring(npy(large), Choices(colours="kept", side=16)).image_shape == (16, 8, 3)


def test_pictures_of_other_sizes_are_resized_and_cut_or_stretched() -> None:
    """Fault 44."""
    wide = np.zeros((10, 20), np.uint8)
    wide[:, :5], wide[:, 15:] = 255, 255
    files = {f"{number}.png": image(np.full((10, 10), 9, np.uint8)) for number in range(3)}
    files["wide.png"] = image(wide)
    content = zipped(files)
    found = read_images_zip(content)
    assert found.sizes == {(10, 10): 3, (10, 20): 1}
    assert found.pixels[3].max() == 0
    assert read_images_zip(content, fit="stretch").pixels[3].max() == 255
    texts = said(content)
    assert "1 picture is resized to 10 x 10 pixels; found: 10 x 10 (3), 10 x 20 (1)." in texts
    assert "Pictures of other shapes are cut to the commonest shape." in texts


def test_one_broken_picture_is_listed_and_left_out() -> None:
    grey = np.full((4, 4), 100, np.uint8)
    files = {f"{number}.png": image(grey) for number in range(9)}
    files["broken.png"] = image(np.random.RandomState(0).randint(0, 256, (64, 64)).astype(np.uint8))[:-2000]
    files["text.png"] = b"no picture"
    texts = said(zipped(files))
    assert any("2 pictures are left out (‘broken.png’: it is damaged" in text for text in texts)


@pytest.mark.parametrize("likely", ["bernoulli", "continuous_bernoulli"])
def test_the_likelihood_of_images_is_suggested_by_their_pixels(likely: str) -> None:
    noise = np.random.RandomState(0)
    grey = noise.randint(60, 190, (10, 8, 8)) if likely == "continuous_bernoulli" else None
    pixels = (noise.rand(10, 8, 8) > 0.5) * 255 if grey is None else grey
    found = bring(npy(pixels.astype(np.uint8)))
    assert found.likelihood == likely
    assert found.reason


def test_one_example_can_be_looked_at_and_not_trained_on() -> None:
    found = bring(b"a,b\n1,2\n")
    assert "one example only" in found.refusal
    assert found.head[1] == ("1", "2")


def test_choices_survive_json_and_nonsense_is_refused() -> None:
    choices = Choices(labels="", columns=("a", "b"), side=28, header="no")
    assert Choices.from_json(choices.to_json()) == choices
    for text in ("[1]", '{"side": 1000}', '{"header": "maybe"}', '{"columns": [1]}', "{"):
        with pytest.raises(BadInput):
            Choices.from_json(text)
