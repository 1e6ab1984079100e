"""What goes wrong with files that people bring, numbered, and that each number has its test.

A test says in its docstring ("Fault 4: ...") or in the key of its case ("10 ragged") which fault it injects.
"""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as some_arrays
from numpy.typing import NDArray

from tests.attacks import test_readers
from tests.brought_files import image, npy, zipped
from tests.dashboard import test_exports
from tests.vae_core.data import test_bring, test_table
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Choices, bring, from_arrays, read_images_zip, read_table
from vae_core.data.brought import Brought, Problem
from vae_core.data.dataset import seeded_generator
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.training.loop import Training

FAULTS: Final = {
    1: "an empty table, or only names",
    2: "one row",
    3: "no row of names",
    4: "empty cells, NaN, NULL, N/A",
    5: "infinite numbers, 1e400",
    6: "a constant column",
    7: "numbers of 1e9 beside small ones",
    8: "columns of text, dates and truth values",
    9: "semicolons between decimal commas",
    10: "rows of other lengths, a quotation mark that never closes",
    11: "Shift-JIS, UTF-16, a byte order mark",
    12: "names that occur twice, or are empty",
    13: "full-width digits, 5%, 1,234",
    14: "100,000 columns, 10,000,000 rows",
    15: "whole numbers beyond 2^63",
    16: "a picture called .csv",
    17: "formulas in what is exported",
    18: "NUL bytes",
    19: "Python objects in a NumPy file",
    20: "a header that announces 1e12 numbers",
    21: "a header that announces 1e12 values of no size",
    22: "a negative dimension, 65 of them, an overflow",
    23: "a header that is longer than the file, very long, or deeply nested",
    24: "values cut short, or followed by junk",
    25: "complex numbers, text, dates, records",
    26: "big-endian, Fortran order, half precision, truth values, bytes",
    27: "arrays of no dimension, of no rows, of one, of four",
    28: "zeros that unpack to a gigabyte",
    29: "several arrays, a text, a name that is a path",
    30: "an IDX file with a wrong header, cut short, or of labels",
    31: "a compressed IDX file that unpacks to too much",
    32: "NaN in an array",
    33: "a zip that is cut short",
    34: "a zip that unpacks to too much, lies, or overlaps",
    35: "names in a zip that are paths",
    36: "a link in a zip",
    37: "a zip that is encrypted, nested, or of 70,000 files",
    38: "what systems leave in a zip",
    39: "names in Shift-JIS",
    40: "one broken picture among many",
    41: "a picture of 14,000 x 14,000 pixels",
    42: "a picture of 13,000 x 13,000 pixels",
    43: "pictures of every mode",
    44: "pictures of other sizes, one of one pixel",
    45: "text, SVG and EPS called .png",
    46: "one class, 500 classes, hostile names of classes",
}


def said(found: Brought) -> list[str]:
    return [problem.text for problem in found.problems]


def test_one_row_can_be_looked_at_and_not_trained_on() -> None:
    """Fault 2."""
    found = bring(b"a,b\n1,2\n")
    assert found.refusal == "There is one example only: training needs two at least."
    assert found.head == (("a", "b"), ("1", "2"))


def test_a_first_row_of_numbers_is_an_example() -> None:
    """Fault 3: it is said, and a switch makes names of it."""
    found = bring(b"1,2\n3,4\n", Choices(scale="none"))
    assert found.x.tolist() == [[1, 2], [3, 4]]
    assert Problem("The first row is read as numbers, not as names.", "header") in found.problems
    assert found.options["header"] == ("yes", "no")


def test_missing_numbers_are_counted_by_column_and_left_out_or_filled() -> None:
    """Fault 4: no NaN is ever trained on."""
    content = b"a,b,c\n1,,3\nNULL,2,3\n3,N/A,4\nnan,4,5\n4,5,6\n6,7,7\n8,9,10\n1,2,4\n2,3,1\n"
    found = bring(content, Choices(scale="none"))
    wanted = "4 rows without a number in ‘a’ (2), ‘b’ (2) are left out."
    assert Problem(wanted, "missing") in found.problems
    assert found.x.tolist() == [[4, 5, 6], [6, 7, 7], [8, 9, 10], [1, 2, 4], [2, 3, 1]]
    filled = bring(content, Choices(missing="mean", scale="none")).x
    assert (len(filled), filled[3, 0], filled[0, 1]) == (9, pytest.approx(25 / 7), pytest.approx(32 / 7))
    with pytest.raises(BadInput, match="NaN"):
        from_arrays("t", np.array([[1, np.nan], [1, 2]]), generator=seeded_generator(0))


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400", "∞"])
def test_what_is_infinite_counts_as_missing_with_its_own_message(cell: str) -> None:
    """Fault 5."""
    found = bring(f"a,b\n1,2\n{cell},3\n4,9\n7,9\n".encode())
    assert "‘a’ has 1 value beyond 1e100, or infinite." in said(found)
    assert "1 row without a number in ‘a’ is left out." in said(found)
    assert np.isfinite(found.x).all()
    assert len(found.x) == 3


@pytest.mark.parametrize(("scale", "value"), [("standard", 0.0), ("unit", 0.0), ("none", 5.0)])
def test_a_constant_column_is_said_and_nothing_is_divided_by_zero(scale: Any, value: float) -> None:
    """Fault 6."""
    found = bring(b"a,b\n1,5\n2,5\n4,5\n", Choices(scale=scale))
    assert Problem("Constant, and no use to a model: b.", "columns") in found.problems
    assert (found.x[:, 1] == value).all()


def test_large_numbers_beside_small_ones_are_standardised_or_refused() -> None:
    """Fault 7: unscaled, 1e9 would be NaN at the first update; a Bernoulli likelihood takes neither."""
    noise = np.random.RandomState(0)
    x = noise.randn(40, 3) * [1e9, 1, 1e-6] + [1e9, 0, 0]
    found = bring(npy(x))
    assert found.options["scale"] == ("standard", "unit", "none")
    assert np.allclose(found.x.mean(0), 0, atol=1e-5)
    assert np.allclose(found.x.std(0), 1, atol=1e-5)
    with pytest.raises(BadInput, match=r"values reach .*e\+09; scale the columns"):
        bring(npy(x), Choices(scale="none"))
    data = from_arrays("large", found.x, generator=seeded_generator(0))
    model = VAE(ModelConfig(data_dim=3, likelihood="bernoulli"), generator=seeded_generator(0))
    with pytest.raises(BadInput, match=r"needs data in \[0, 1\]"):
        Training(model, data, TrainConfig(), generator=seeded_generator(0))


def test_columns_of_text_dates_and_truth_values_are_set_aside_or_labels() -> None:
    """Fault 8."""
    rows = [f"2026-01-0{i},{i % 2 == 0},{'xyz'[i % 3]},{i * i},{i % 5}" for i in range(1, 9)]
    found = bring(("day,ok,kind,v,w\n" + "\n".join(rows)).encode())
    assert found.columns == ("v", "w")
    assert found.class_names == ("x", "y", "z")
    assert Problem("Columns of text are set aside: day, ok.", "labels") in found.problems
    assert {"kind", "ok", ""} <= set(found.options["labels"])
    assert bring(("day,ok,kind,v,w\n" + "\n".join(rows)).encode(), Choices(labels="ok")).class_names == (
        "False",
        "True",
    )


def test_semicolons_between_decimal_commas_are_two_columns_and_another_separator_is_a_question() -> None:
    """Fault 9: a reader that expects commas takes the line for one column of 5."""
    found = bring(b"a;b\n1,5;2,5\n3,5;4,5\n", Choices(scale="none"))
    assert found.columns == ("a", "b")
    assert found.x.tolist() == [[1.5, 2.5], [3.5, 4.5]]
    assert found.head[1] == ("1.5", "2.5")
    for mark in (";", "\t"):
        one = bring(f"a{mark}b\n1\n2\n3\n".encode(), Choices(delimiter="comma"))
        said_of_it = Problem(f"There is one column only, ‘a{mark}b’: another separator?", "delimiter")
        assert said_of_it in one.problems
        assert one.refusal


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp932", "The table is not in UTF-8: it is read as Shift-JIS."),
        ("utf-16", "The table is not in UTF-8: it is read as UTF-16."),
        ("utf-16-be", "The table is not in UTF-8: it is read as UTF-16."),
        ("utf-8-sig", ""),
        ("utf-8", ""),
    ],
)
def test_the_encoding_of_a_table_is_found_and_said(encoding: str, words: str) -> None:
    """Fault 11."""
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    found = bring((mark + "名前,値,数\n花,1,2\n月,2,4\n花,4,1\n月,8,3\n").encode(encoding))
    assert (found.columns, found.choices.labels, found.class_names) == (("値", "数"), "名前", ("月", "花"))
    assert [one.text for one in found.problems if one.choice == "encoding"] == ([words] if words else [])


def test_names_that_occur_twice_or_are_empty_are_made_unique_and_shown() -> None:
    """Fault 12."""
    found = bring(b"a,,a,a (2),\n1,2,3,5,6\n4,5,7,1,2\n2,2,1,1,1\n")
    assert found.columns == ("a", "column 2", "a (3)", "a (2)", "column 5")
    assert found.head[0] == found.columns
    assert "Names that occur twice are numbered: a." in said(found)


def test_numbers_in_other_writing_are_text_or_said() -> None:
    """Fault 13: commas between thousands are no text here: they are left out, which is said."""
    content = 'wide,share,n,v\n１２,5%,"1,234",3\n３,6%,"2,345",4\n１,7%,"9,999",7\n'.encode()
    found = bring(content, Choices(scale="none"))
    assert found.columns == ("share", "n", "v")
    assert found.x[:, 1:].tolist() == [[1234, 3], [2345, 4], [9999, 7]]
    assert found.x[:, 0].tolist() == pytest.approx([0.05, 0.06, 0.07])
    assert Problem("Commas between thousands are left out.", "decimal") in found.problems
    assert Problem("Full-width digits are read as text.", "narrow") in found.problems
    assert Problem("Columns of text are set aside: wide.", "labels") in found.problems
    narrow = bring(content, Choices(narrow="yes", scale="none"))
    assert narrow.columns == ("wide", "share", "n", "v")
    assert narrow.x[:, 0].tolist() == [12, 3, 1]


@pytest.mark.parametrize("content", [b"1," * 99_999 + b"1\n", b"1\n" * 10_000_000])
def test_more_columns_or_rows_than_may_be_are_refused_before_all_are_read(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 14: 10 million rows are not turned into columns first."""
    monkeypatch.setattr("vae_core.data.table._sorted_out", None)
    with pytest.raises(BadInput, match=r"more than (4,096|200,000 rows)"):
        read_table(content)


def test_whole_numbers_beyond_those_of_floating_point_are_said_to_be_rounded() -> None:
    """Fault 15."""
    found = bring(b"account,v\n9223372036854775809,1\n18446744073709551629,2\n5,7\n")
    assert found.x.dtype == np.float32
    assert "Numbers beyond 2^53 in ‘account’: the first 15 digits of each are kept." in said(found)
    whole = np.array([[2**63 + 5, 1], [3, 4]], np.uint64)
    assert any("Numbers beyond 2^53 in ‘value 1’" in text for text in said(bring(npy(whole))))
    assert not any("2^53" in text for text in said(bring(b"a,b\n9007199254740992,1\n5,7\n")))


KINDS: Final = ("u1", "?", "<i2", ">i4", ">f4", "<f8", ">f8", "f2", "i8")


@given(
    some.sampled_from(KINDS).flatmap(
        lambda kind: some_arrays.arrays(
            np.dtype(kind), some_arrays.array_shapes(min_dims=1, max_dims=4, max_side=6)
        )
    ),
    some.booleans(),
)
def test_arrays_of_every_kind_come_back_with_equal_values(array: NDArray[Any], is_fortran: bool) -> None:
    """Faults 26, 27: any byte order, order of memory, precision and number of dimensions up to four."""
    stored = np.asfortranarray(array) if is_fortran else array
    found = test_readers.read_npy(npy(stored))
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)


def test_the_dimensions_of_an_array_say_what_an_example_is() -> None:
    """Fault 27: images keep their shape; of one dimension each value is an example, which is said."""
    noise = np.random.RandomState(0)
    line = bring(npy(np.arange(5.0)))
    assert "The array has one dimension: each value is an example." in said(line)
    assert line.refusal
    for shape in ((7, 5, 6), (7, 5, 6, 1), (7, 5, 6, 3), (7, 5, 6, 4)):
        found = bring(npy(noise.randint(0, 256, shape).astype(np.uint8)))
        assert (found.x.shape, found.image_shape) == ((7, 30), (5, 6))


def test_one_broken_picture_of_a_thousand_is_listed_and_the_others_are_taken() -> None:
    """Fault 40."""
    good = image(np.full((4, 4), 100, np.uint8))
    broken = image(np.random.RandomState(0).randint(0, 256, (64, 64)).astype(np.uint8))[:-2000]
    found = bring(zipped({f"{i}.png": broken if i == 500 else good for i in range(1000)}))
    assert len(found.x) == 999
    assert "1 picture is left out (‘500.png’: it is damaged or cut short)." in said(found)


@pytest.mark.parametrize(("num_broken", "is_refused"), [(5, False), (6, True)])
def test_pictures_are_refused_where_more_than_half_of_them_are_broken(
    num_broken: int, is_refused: bool
) -> None:
    """Fault 40."""
    good = image(np.full((4, 4), 100, np.uint8))
    content = zipped({f"{i}.png": good[:50] if i < num_broken else good for i in range(10)})
    if is_refused:
        with pytest.raises(BadInput, match="6 of 10 pictures cannot be read: it is damaged or cut short"):
            bring(content)
    else:
        assert len(bring(content).x) == 5


def test_a_picture_of_one_pixel_becomes_as_large_as_the_others() -> None:
    """Fault 44."""
    files = {f"{i}.png": image(np.full((6, 6), 100, np.uint8)) for i in range(3)}
    content = zipped(files | {"one.png": image(np.full((1, 1), 9, np.uint8))})
    found = bring(content)
    assert found.x.shape == (4, 36)
    assert (found.x[3] == 9).all()
    assert "1 picture is resized to 6 x 6 pixels; found: 6 x 6 (3), 1 x 1 (1)." in said(found)
    tiny = bring(zipped({f"{i}.png": image(np.full((1, 1), i, np.uint8)) for i in range(3)}))
    assert tiny.refusal == "Each example is one number only: the charts need two columns at least."


def test_one_folder_that_all_pictures_lie_in_is_no_class() -> None:
    """Fault 46."""
    content = zipped({f"sun/{i}.png": image(np.full((6, 6), 40 * i, np.uint8)) for i in range(5)})
    assert read_images_zip(content).labels is None
    assert (bring(content).labels, bring(content).x.shape) == (None, (5, 36))


def test_every_fault_of_files_is_injected_by_a_test() -> None:
    """By what the tests say of themselves."""
    here = globals()
    found = {
        number
        for module in (here, *map(vars, (test_readers, test_bring, test_table, test_exports)))
        for name, value in module.items()
        for number in _numbers(name, value)
    }
    assert found == set(FAULTS)


def _numbers(name: str, value: Callable[..., object] | dict[str, object] | ModuleType) -> list[int]:
    if isinstance(value, dict) and name in ("TABLES", "ARRAYS", "IDX", "ZIPS", "BOMBS"):
        return [int(key.split()[0]) for key in value if re.match(r"\d+ ", key)]
    if name.startswith("test_") and not isinstance(value, ModuleType):
        begins = re.match(r"Faults? ([\d, ]+)", value.__doc__ or "")
        return [int(one) for one in re.findall(r"\d+", begins[1])] if begins else []
    return []
