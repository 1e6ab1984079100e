"""Numbers as spreadsheets write them: percent signs, currencies, units, and marks between thousands."""

from typing import Final

import numpy as np
import pytest

from tests.brought_files import Cell, workbook
from vae_core.data import bring
from vae_core.data.cells import PERCENT_NOTE, measured
from vae_core.data.table import read_table
from vae_core.errors import BadInput

WRITTEN: Final[dict[str, tuple[str, list[float], str]]] = {
    "percent": ("45 %|50%|7.5 %", [0.45, 0.5, 0.075], PERCENT_NOTE),
    "percent with a decimal comma": ("45,5 %|50 %|0,1 %", [0.455, 0.5, 0.001], PERCENT_NOTE),
    "a thousand percent": ("1,000 %|2,500.5 %|1 %", [10, 25.005, 0.01], PERCENT_NOTE),
    "per mille": ("5 ‰|7‰|8 ‰", [0.005, 0.007, 0.008], "Units are left out: ‰ of ‘a’."),
    "euros before": ("€ 12|€ 1.234,50|€ -3", [12, 1234.5, -3], "Units are left out: € of ‘a’."),
    "dollars": ("$12.50|-$1,234.50|$1,234,567.00", [12.5, -1234.5, 1234567], "Units are left out: $ of ‘a’."),
    "a code": ("12 EUR|13 EUR|14 EUR", [12, 13, 14], "Units are left out: EUR of ‘a’."),
    "kilograms": ("12 kg|1.5kg|-3 kg", [12, 1.5, -3], "Units are left out: kg of ‘a’."),
    "degrees": ("20.5 °C|−3 °C|0 °C", [20.5, -3, 0], "Units are left out: °C of ‘a’."),
    "square metres": ("20 m²|30 m²|40 m²", [20, 30, 40], "Units are left out: m² of ‘a’."),
    "a rate": ("90 km/h|50 km/h|0 km/h", [90, 50, 0], "Units are left out: km/h of ‘a’."),
    "France": ("1 234,5|2\u202f345,75|12", [1234.5, 2345.75, 12], "Blanks or apostrophes between thousands"),
    "Switzerland": ("1'234.5|2’345.75|12", [1234.5, 2345.75, 12], "Blanks or apostrophes between thousands"),
    "Germany": ("1.234|0,5|12.500,5", [1234, 0.5, 12500.5], "Points between thousands are left out."),
    "accounts": ("5.00|(3.50)|2", [5, -3.5, 2], "Numbers in parentheses are read as negative"),
    "accounts in dollars": ("$5.00|($1,234.50)|$(2.00)", [5, -1234.5, -2], "Numbers in parentheses are read"),
    "accounts in euros": ("€ 5,00|(€ 3,50)|€ 2,00", [5, -3.5, 2], "Numbers in parentheses are read as"),
    "accounts with decimal commas": ("7,5|(5,0)|1.200,5", [7.5, -5, 1200.5], "Numbers in parentheses"),
    "a minus behind": ("5,0-|7,5|12,5−", [-5, 7.5, -12.5], "Numbers with a minus behind them"),
    "nothing but losses": ("5.25-|7.5-|12-", [-5.25, -7.5, -12], "Numbers with a minus behind them"),
    "typography": ("−5.5|6|–", [-5.5, 6], "There is no"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_numbers_are_read_as_a_spreadsheet_shows_them(case: str) -> None:
    cells, values, said = WRITTEN[case]
    rows = cells.split("|")
    text = "a;b\n" + "".join(f"{cell};{place}\n" for place, cell in enumerate(rows, 2))
    table = read_table(text.encode(), missing="keep")
    assert table.columns == ("a", "b"), table.notes
    assert table.values[: len(values), 0].tolist() == values
    if said != "There is no":
        assert any(note.startswith(said) for note in table.notes), table.notes


def test_a_table_without_names_keeps_its_first_row() -> None:
    table = read_table("45 %;€ 5\n50 %;€ 6\n55 %;€ 7\n".encode())
    assert table.values.tolist() == [[0.45, 5], [0.5, 6], [0.55, 7]]
    assert not table.has_header


@pytest.mark.parametrize(
    "cells",
    [
        ("1a", "2b", "3a", "4c"),
        ("class 1", "class 2", "class 1", "class 2"),
        ("2020-01-05", "2020-01-06", "2020-01-07", "2020-01-08"),
        ("12:30", "12:45", "13:00", "13:15"),
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("0 no", "1 yes", "0 no", "1 yes"),
        ("18-25", "26-35", "18-25", "36-45"),
        ("(1)", "(2)", "(3)", "(4)"),
        ("0.5 (0.1)", "0.6 (0.2)", "0.7 (0.1)", "0.8 (0.2)"),
        ("A-", "B-", "A-", "12-"),
    ],
)
def test_words_dates_and_classes_stay_text(cells: tuple[str, ...]) -> None:
    text = "a;b\n" + "".join(f"{cell};{place * place}\n" for place, cell in enumerate(cells))
    table = read_table(text.encode())
    assert table.texts == {"a": cells}
    assert table.notes == ("Columns of text are set aside: a.",)


def test_units_that_differ_are_named_with_their_column() -> None:
    """A number in grams among kilograms would be wrong by a factor of a thousand."""
    text = "size;weight\n1;5 kg\n2;700 g\n3;6 kg\n4;800 g\n"
    said = "‘weight’ is read as text, because its units differ, such as ‘5 kg’ and ‘700 g’: give all its"
    assert read_table(text.encode()).notes[0].startswith(said)
    rates = "size;rate\n1;45 %\n2;50\n3;55 %\n4;60\n5;65 %\n6;70 %\n7;75 %\n"
    assert "such as ‘45 %’ and ‘50’" in read_table(rates.encode()).notes[0]
    alone = "weight\n5 kg\n700 g\n6 kg\n800 g\n".replace(" ", "")
    with pytest.raises(BadInput, match=r"‘weight’ is read as text.*‘700g’; give all its cells the same"):
        read_table(alone.encode())


def test_one_cell_with_a_unit_among_numbers_is_said_with_its_column() -> None:
    rates = "size;rate\n" + "".join(f"{size};{size * size}\n" for size in range(9)) + "9;45 %\n"
    with pytest.raises(BadInput, match=r"row 11, column 'rate' .*\('45 %'\)"):
        read_table(rates.encode())
    found = bring(rates.encode())
    assert found.x.shape == (9, 2)
    assert any("‘rate’ has 1 cell without a number, such as ‘45 %’" in one.text for one in found.problems)


def test_percentages_are_the_same_from_a_text_and_from_a_workbook() -> None:
    found = bring(b"rate;n\n45 %;1\n50 %;5\n55 %;3\n", None)
    assert [one.text for one in found.problems if one.text == PERCENT_NOTE] == [PERCENT_NOTE]


TRUTHS: Final[dict[str, tuple[str, list[list[float]]]]] = {
    "Excel": ("a,b\nTRUE,FALSE\nFALSE,FALSE\nTRUE,TRUE\n", [[1, 0], [0, 0], [1, 1]]),
    "pandas": ("a,b\nTrue,False\nFalse,False\n,True\n", [[1, 0], [0, 0], [np.nan, 1]]),
    "German Excel": ("a;b\nWAHR;FALSCH\nFALSCH;FALSCH\n", [[1, 0], [0, 0]]),
    "beside numbers": ("a,n,b\nTRUE,1.5,FALSE\nFALSE,2,FALSE\n", [[1, 1.5, 0], [0, 2, 0]]),
}


@pytest.mark.parametrize("case", TRUTHS)
def test_columns_of_true_and_false_are_read_as_1_and_0(case: str) -> None:
    """A table of nothing else had no column of numbers, and was refused."""
    text, values = TRUTHS[case]
    table = read_table(text.encode(), missing="keep")
    assert np.array_equal(table.values, values, equal_nan=True)
    assert not table.texts
    assert "TRUE and FALSE are read as 1 and 0: a, b." in table.notes


def test_one_column_of_them_beside_numbers_is_a_class() -> None:
    found = bring(b"alive,a,b\nTRUE,1,2\nFALSE,3,5\nTRUE,4,4\nFALSE,2,9\n")
    assert (found.class_names, found.columns) == (("FALSE", "TRUE"), ("a", "b"))


def test_true_and_false_of_a_workbook_and_with_a_label_are_binary_examples() -> None:
    cells: list[list[Cell]] = [["a", "b", "kind"], [True, False, "x"], [False, False, "y"], [True, True, "x"]]
    found = bring(workbook({"Sheet1": cells}))
    assert (found.x.tolist(), found.class_names) == ([[1, 0], [0, 0], [1, 1]], ("x", "y"))
    assert found.likelihood == "bernoulli"


@pytest.mark.parametrize("cell", ["", "kg", "5", "5e3", "€ 5 kg", "--5 kg", "5 kg 3", "5 6 kg7x", "1e5 %"])
def test_what_is_no_number_with_one_unit_is_left(cell: str) -> None:
    assert measured(cell) is None
