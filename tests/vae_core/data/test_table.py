"""Tables: what is read, and one sentence for what is not."""

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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 rows"),
        (b"a,b\n1,2\n", "1 rows"),
        (b"a,b\n1,2\n3,nan\n", "row 3, column 'b'"),
        (b"a,b\n1,2\n3,\n", "row 3, column 'b'"),
        (b"a,b\n1,x\n3,4\n", "row 2, column 'b'"),
        (b"a,b\n1,inf\n3,4\n", "row 2, column 'b'"),
        (b"a,b\n1,2,3\n3,4\n", "row 2 of the table has 3 values"),
        (b"a,a\n1,2\n3,4\n", "same name"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a\n" + b"1\n" * 6000, "6000 rows"),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_table(content)
    assert words in str(caught.value)


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
