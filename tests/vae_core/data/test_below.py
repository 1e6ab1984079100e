"""What stands at the end of a table: footnotes and totals are left out and said, examples stay."""

import numpy as np
import pytest

from tests.brought_files import Cell, Formula, workbook
from vae_core.data import Choices, bring
from vae_core.data.table import Table, read_table
from vae_core.errors import BadInput

SALES = "region,shops,sales\nnorth,12,3.5\nsouth,40,7.25\nwest,9,1.5\neast,21,4.75\n"
MEASURED = "width,height\n1.25,10.5\n2.5,9.75\n4.75,14\n3.125,8.5\n"


def rows_of(text: str) -> tuple[list[list[float]], str]:
    table = read_table(text.encode(), missing="keep")
    return table.values.tolist(), " ".join(table.notes)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("Total,82,17", "‘Total’"),
        ("TOTAL:,82,17", "‘TOTAL:’"),
        ("Sum,82,17", "‘Sum’"),
        ("Average,20.5,4.25", "‘Average’"),
        ("Mean,20.5,", "‘Mean’"),
        ("Summe,82,17", "‘Summe’"),
    ],
)
def test_a_last_row_that_is_called_a_total_is_left_out(last: str, said: str) -> None:
    """It was trained on, as an example three times as large as the others."""
    values, notes = rows_of(SALES + last + "\n")
    assert values == [[12, 3.5], [40, 7.25], [9, 1.5], [21, 4.75]]
    assert f"The last row, {said}, is made of those above: it is left out." in notes


def test_several_of_them_are_left_out_below_each_other_and_above_a_footnote() -> None:
    below = "Mean,20.5,4.25\nSD,13.9,2.4\nMin,9,1.5\n* of 2025\n"
    values, notes = rows_of(SALES + below)
    assert len(values) == 4
    assert "The last 3 rows, ‘Mean’, ‘SD’, ‘Min’, are made of those above: they are left out." in notes
    assert "What stands below the table is left out: ‘* of 2025’." in notes


def test_words_that_occur_above_are_values() -> None:
    text = "kind,a\nmax,3\nmin,1\nmax,4\nmin,2\n"
    assert rows_of(text) == ([[3], [1], [4], [2]], "Columns of text are set aside: kind.")


@pytest.mark.parametrize(("of", "kind"), [(np.sum, "sums"), (np.mean, "means")])
@pytest.mark.parametrize("digits", [3, 6])
def test_a_row_with_the_sums_or_means_needs_no_name(of: "np.ufunc", kind: str, digits: int) -> None:
    above = np.array([[1.25, 10.5], [2.5, 9.75], [4.75, 14], [3.125, 8.5]])
    last = ",".join(f"{value:.{digits}f}" for value in of(above, axis=0))
    values, notes = rows_of(f"{MEASURED}{last}\n")
    assert values == above.tolist()
    assert f"The last row has the {kind} of those above: it is left out." in notes


def test_the_number_of_a_row_may_be_missing_beside_its_sums() -> None:
    values, notes = rows_of("n,a,b\n1,1.5,2\n2,3.25,4\n3,7,9\n,11.75,15\n")
    assert len(values) == 3
    assert "sums" in notes


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n-1,-1\n1,-1\n1,1\n-1,1\n0,0\n",  # the centre of a design
        "a,b\n1,3\n5,3\n3,3\n2,4\n3,3\n",  # answers from 1 to 5, and their means by chance
        "a,b\n1,4\n5,2\n2,5\n5,3\n3,4\n",  # the means to the nearest whole number
        "a,b\n1.5,2\n3.5,4\n7,9\n12,16\n",  # the sum of one column only
        "a\n1\n2\n3\n6\n",  # one column says too little
    ],
)
def test_examples_that_are_means_by_chance_stay(text: str) -> None:
    values, notes = rows_of(text)
    assert len(values) == text.count("\n") - 1
    assert "left out" not in notes


def test_random_tables_lose_no_row() -> None:
    """2,000 tables of small whole numbers, of which the last row is none of the sums or means."""
    noise = np.random.RandomState(0)
    for _ in range(2000):
        count = noise.randint(4, 9)
        rows = noise.randint(0, 10, (count, 2))
        text = "a,b\n" + "\n".join(f"{a},{b}" for a, b in rows) + "\n"
        above, last = rows[:-1], rows[-1]
        if (above.sum(0) == last).all() or (above.sum(0) == last * (count - 1)).all():
            continue
        assert len(rows_of(text)[0]) == count, text


@pytest.mark.parametrize(
    "note",
    [
        "* estimated",
        "Measured by hand",
        "Measured by hand,,",
        "Source: WHO, 2020",
        "Note: one, two, three, four",
        "† after rain\n‡ n = 20",
        '"Values, as of May 2020"',
    ],
)
def test_a_footnote_is_left_out_and_said(note: str) -> None:
    """The whole table was refused: row 5 has 1 value for 3 columns."""
    values, notes = rows_of(f"region,shops,sales\nnorth,12,3.5\nsouth,40,7.25\nwest,9,1.5\n\n{note}\n")
    assert values == [[12, 3.5], [40, 7.25], [9, 1.5]]
    assert "What stands below the table is left out: ‘" in notes


@pytest.mark.parametrize("cut", ["east", "21.5", "east,2"])
def test_a_table_that_ends_in_the_middle_of_a_row_of_numbers_is_refused_as_before(cut: str) -> None:
    text = f"shops,sales,profit\n12,3.5,1\n40,7.25,2\n9,1.5,3\n{cut}"
    if cut == "east":
        assert len(rows_of(text)[0]) == 3
    else:
        with pytest.raises(BadInput, match="row 5 of the table has"):
            rows_of(text)


def test_a_row_of_two_columns_without_its_number_is_a_row_with_a_missing_one() -> None:
    values, notes = rows_of("kind,a\ncat,1\ndog,2\ncow,4\nhen,\n")
    assert len(values) == 4
    assert "left out" not in notes


def table_of(rows: list[list[Cell]]) -> tuple[Table, list[str]]:
    from vae_core.data.workbook import read_workbook

    found = read_workbook(workbook({"Sheet1": rows}), missing="keep").table
    return found, list(found.notes)


def test_a_spreadsheet_with_a_formula_below_its_columns_and_a_footnote() -> None:
    rows: list[list[Cell]] = [
        ["region", "shops", "sales"],
        ["north", 12, 3.5],
        ["south", 40, 7.25],
        ["west", 9, 1.5],
        ["Total", Formula("SUM(B2:B4)", 61), Formula("SUM(C2:C4)", 12.25)],
        [None],
        ["Figures of 2025, provisional"],
    ]
    table, notes = table_of(rows)
    assert table.values.tolist() == [[12, 3.5], [40, 7.25], [9, 1.5]]
    assert "What stands below the table is left out: ‘Figures of 2025, provisional’." in notes
    assert "The last row, ‘Total’, is made of those above: it is left out." in notes
    nameless = [*rows[:4], [None, *rows[4][1:]]]
    assert len(table_of(nameless)[0].values) == 3


def test_the_page_says_what_stood_below() -> None:
    found = bring((SALES + "Total,82,17\n* of 2025\n").encode(), Choices(scale="none"))
    assert len(found.x) == 4
    texts = [problem.text for problem in found.problems]
    assert sum("left out" in text for text in texts) == 2
