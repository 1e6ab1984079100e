"""Tables: what is read, and one sentence for what is not."""

import io
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from vae_core.data.table import TABLES, Table, load_table, read_table, standardized
from vae_core.errors import BadInput


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_with_any_delimiter(delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (("a", "b"), ("1", "2.5"), ("-3e2", "4")))
    table = read_table(b"\xef\xbb\xbf" + text.encode())
    assert table.columns == ("a", "b")
    assert np.array_equal(table.values, [[1, 2.5], [-300, 4]])


AS_PEOPLE_HAVE_THEM: Final = {
    "commas": "a,b\n1,2.5\n-300,4\n",
    "a comma at each end": "a,b,\n1,2.5,\n-300,4,\n",
    "a comma at each end but the first": "a,b\n1,2.5,\n-300,4,\n",
    "semicolons and decimal commas": "a;b\n1;2,5\n-300;4\n",
    "decimal commas and points between thousands": "a;b\n1,000;2,5\n-300,0;4\n",
    "tabs and decimal commas": "a\tb\n1\t2,5\n-3e2\t4\n",
    "decimal commas in quotes": '"a","b"\n"1,0","2,5"\n"-300,0","4"\n',
    "bars": "a|b\n1|2.5\n-300|4\n",
    "spaces": "  a   b\n  1   2.5\n-300   4\n",
    "lines of Windows and an empty one": "a, b\r\n1, 2.5\r\n\r\n-300, 4\r\n",
    "quoted names": '"a","b"\n1,2.5\n-300,4\n',
    "a number as a name": "a,2\n1,2.5\n-300,4\n",
}


@pytest.mark.parametrize("case", AS_PEOPLE_HAVE_THEM)
def test_a_table_is_read_as_people_have_it(case: str) -> None:
    table = read_table(AS_PEOPLE_HAVE_THEM[case].encode())
    assert table.columns[0] == "a"
    assert len(table.columns) == 2
    assert np.array_equal(table.values, [[1, 2.5], [-300, 4]])
    assert table.has_header
    assert not table.texts
    assert table.notes == (("Decimal commas are read as decimal points.",) if "decimal" in case else ())


def test_a_first_row_of_numbers_is_data_and_can_be_said_to_be_names() -> None:
    """Measured flowers without names: the first of them is one of the 150."""
    content = b"5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n7.0,3.2,Iris-versicolor\n"
    table = read_table(content)
    assert table.columns == ("column 1", "column 2")
    assert table.values.tolist() == [[5.1, 3.5], [4.9, 3.0], [7.0, 3.2]]
    assert not table.has_header
    assert "The first row is read as numbers, not as names." in table.notes
    named = read_table(content, header=True)
    assert named.columns == ("5.1", "3.5")
    assert len(named.values) == 2
    years = b"2019,2020\n1,2\n3,4\n"
    assert len(read_table(years).values) == 3
    assert read_table(years, header=True).columns == ("2019", "2020")
    with pytest.raises(BadInput, match=r"row 1, column 'column 1' of the table has no usable number \('a'\)"):
        read_table(b"a,b\n1,2\n3,4\n", header=False)


def test_columns_of_text_are_set_aside_and_kept_as_labels() -> None:
    table = read_table(b"name;size;kind\nMia;1,5;cat\nBo;2,5;dog\nKim;1.234,5;dog\n")
    assert table.columns == ("size",)
    assert table.values.tolist() == [[1.5], [2.5], [1234.5]]
    assert table.texts == {"name": ("Mia", "Bo", "Kim"), "kind": ("cat", "dog", "dog")}
    assert table.notes == (
        "Decimal commas are read as decimal points.",
        "Columns of text are set aside: name, kind.",
    )
    with pytest.raises(BadInput, match="no column of numbers"):
        read_table(b"a,b\nx,y\nz,w\n")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('a,b\n"1,234",2\n"5,678",3\n', [1234, 5678]),
        ("a;b\n1,234;2\n5,678;3\n", [1.234, 5.678]),
        ("a;b\n1,234;2\n1,234,567;3\n", [1234, 1234567]),
        ("a;b\n1,234;2\n5,6;3\n", [1.234, 5.6]),
    ],
)
def test_a_comma_between_digits_means_what_all_the_numbers_allow(text: str, values: list[float]) -> None:
    table = read_table(text.encode())
    assert table.values[:, 0].tolist() == values
    assert len(table.notes) == 1


def test_a_row_of_names_that_is_one_short_as_r_writes_it_leaves_the_first_column_out() -> None:
    table = read_table(b'"speed" "dist"\n"1" 4 2\n"2" 7 4\n'.replace(b'"', b""))
    assert table.columns == ("column 1", "speed", "dist")
    assert table.values.tolist() == [[1, 4, 2], [2, 7, 4]]


def test_encodings_of_spreadsheets_are_read() -> None:
    text = "größe;höhe\n1;2\n3;4\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):  # the last two have no mark
        table = read_table(text.encode(encoding))
        said = ("The table is not in UTF-8: it is read as UTF-16.",) if encoding.startswith("utf-16") else ()
        assert (table.columns, table.notes) == (("größe", "höhe"), said)
        assert table.values.tolist() == [[1, 2], [3, 4]]
    table = read_table(text.encode("cp1252"))
    assert table.columns == ("größe", "höhe")
    assert table.notes == ("The table is not in UTF-8: it is read as Windows-1252.",)


def test_en_dash_before_a_number_is_its_sign() -> None:
    table = read_table("a,b\n–1.5,2\n3, –4\n".encode())
    assert table.values.tolist() == [[-1.5, 2], [3, -4]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the table has no rows;"),
        (b"a,b\n", "no rows below its names"),
        (b"a,b\n1,2\n3,nan\n", "row 3, column 'b'"),
        (b"a,b\n1,2\n3,\n", "row 3, column 'b'"),
        (b"a,b\n1,x\n3,4\n", "row 2, column 'b'"),
        (b"a,b\n1,inf\n3,4\n", "row 2, column 'b'"),
        (b"a,b\n1,2,3\n3,4\n", "row 2 of the table has 3 values"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a,b\n1,2\0\n3,4\n", "UTF-8"),
        (b"a\n" + b"1\n" * 200_001, "more than 200,000 rows"),
        (b"1," * 5000, "5,000 columns"),
        (b'a,b\n1,"2\n3,4\n', "quotation mark that opens in row 2"),
        (b"x\n1,5\n2,5\n", "row 1 of the table has 1 value for 2 columns"),
        (b"x,y\n1,5,2,5\n2,5,3,5\n", "row 1 of the table has 2 values for 4 columns"),
        (b"a,b\n1_0,2\n3,4\n", "row 2, column 'a'"),
        (b"a,b\n1e400,2\n3,4\n", "row 2, column 'a'"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "UTF-8"),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_table(content)
    assert words in str(caught.value)


LEFT_OUT = "What stands above the table is left out"


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("sep=;\r\n", ()),
        ("Garden, May 2024\n\n", (f"{LEFT_OUT}: ‘Garden, May 2024’.",)),
        ("Garden;;\n;;\n", (f"{LEFT_OUT}: ‘Garden’.",)),
        ("# made by a tool\n#\n", (f"{LEFT_OUT}: ‘# made by a tool / #’.",)),
        ("Instrument\nserial;17\n", (f"{LEFT_OUT}: ‘Instrument / serial 17’.",)),
    ],
)
def test_what_stands_above_a_table_is_no_row_of_it(above: str, said: tuple[str, ...]) -> None:
    rows = "length;width;kind;age\n" + "".join(
        f"{i};{i * i};{'cat' if i % 2 else 'dog'};9\n" for i in range(5)
    )
    table = read_table((above + rows).encode())
    assert table.columns == ("length", "width", "age")
    assert table.values[:, 1].tolist() == [0, 1, 4, 9, 16]
    assert table.notes[: len(said)] == said
    assert not any(LEFT_OUT in note for note in table.notes[len(said) :])


def test_a_file_of_numpy_has_its_names_in_a_comment() -> None:
    for delimiter in (" ", ",", "\t"):
        out = io.BytesIO()
        x = np.array([[1.5, 2.0, 3.0], [4.0, 5.0, 6.0]])
        np.savetxt(out, x, delimiter=delimiter, header=delimiter.join("abc"))
        table = read_table(out.getvalue())
        assert (table.columns, table.values.tolist()) == (("a", "b", "c"), x.tolist())
        assert not any(LEFT_OUT in note for note in table.notes)
    out = io.BytesIO()
    np.savetxt(out, x, header="some runs of mine")
    table = read_table(out.getvalue())
    assert (table.columns, table.values.tolist()) == (("column 1", "column 2", "column 3"), x.tolist())
    assert f"{LEFT_OUT}: ‘# some runs of mine’." in table.notes


def test_two_columns_may_have_a_title_above_their_names() -> None:
    table = read_table(b"My experiment\na,b\n1,2\n3,4\n")
    assert (table.columns, table.values.tolist()) == (("a", "b"), [[1, 2], [3, 4]])


@given(some.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    try:
        table = read_table(content)
    except BadInput:
        return
    assert np.isfinite(table.values).all()


@pytest.mark.parametrize("name", TABLES)
def test_built_in_tables_are_standardized(name: str) -> None:
    table = load_table(name)
    x = standardized(table, list(table.columns[:3]))
    assert x.shape == (len(table.values), 3)
    assert np.allclose(x.mean(0), 0)
    assert np.allclose(x.std(0), 1)


def test_a_constant_column_is_named() -> None:
    with pytest.raises(BadInput, match="'b' is constant"):
        standardized(Table(("a", "b"), np.array([[1.0, 7.1], [2.0, 7.1]])), ["a", "b"])


def test_a_column_in_a_tiny_unit_is_standardized_like_any_other() -> None:
    currents = 1e-13 * np.array([[1.0], [2.0], [4.0]])
    x = standardized(Table(("current in A",), currents), ["current in A"])
    assert np.allclose(x, standardized(Table(("current in pA",), 1e13 * currents), ["current in pA"]))
