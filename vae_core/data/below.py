"""What stands at the end of a table and is no example: footnotes, and totals of the rows above."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae_core.data.cells import Row, is_missing, is_number, measured

BELOW: Final = "What stands below the table is left out"
_MOST: Final = 40
"""Rows below a table."""
_SHOWN: Final = 200
_NAMED: Final = 6
_LEADS: Final = re.compile(
    r"[*†‡§#]|(notes?|sources?|quellen?|anmerkungen|anmerkung|fuente|nota)\b", re.IGNORECASE
)
"""With which a footnote begins that may have numbers."""
_LETTER: Final = re.compile(r"[^\W\d_]")
_TOTALS: Final = frozenset(
    (
        *("total", "totals", "grand total", "sum", "sums", "mean", "means", "average", "averages", "avg"),
        *("median", "std", "st dev", "stdev", "std dev", "standard deviation", "sd", "s.d", "variance"),
        *("min", "minimum", "max", "maximum", "count", "subtotal"),
        *("summe", "gesamt", "mittelwert", "durchschnitt", "somme", "moyenne", "suma"),
        *("promedio", "media", "totale", "somma", "合計", "総計", "平均"),
    )
)
"""What a row is called that sums up those above it."""
_TELLING: Final = 1e-3
"""Of the spread of a column: rounding that is coarser may meet a mean by chance."""
_FEWEST: Final = 3
"""Rows above one that is known by its numbers alone."""


def without_footnotes(rows: list[Row], width: int) -> tuple[list[Row], list[str]]:
    """The rows without the words below them, and what is to be said of that.

    A footnote has words in its first cell and no other cell. Where it has commas, it has fewer cells or more
    than a row, and no number, unless it begins as footnotes do.

    Arguments:
        rows: Stripped cells, the title left out.
        width: Number of columns.

    Example:
        >>> without_footnotes([["a", "b"], ["1", "2"], ["* estimated"]], 2)
        ([['a', 'b'], ['1', '2']], ['What stands below the table is left out: ‘* estimated’.'])
    """
    end = len(rows)
    while width > 1 and end > 2 and len(rows) - end < _MOST and _is_footnote(rows[end - 1], width):
        end -= 1
    if end == len(rows):
        return rows, []
    texts = [" ".join(filter(None, row)) for row in rows[end:]]
    return rows[:end], [f"{BELOW}: ‘{' / '.join(texts)[:_SHOWN]}’."]


def _is_footnote(row: Row, width: int) -> bool:
    first, filled = row[0], sum(cell != "" for cell in row)
    if len(row) == width and (filled > 1 or width == 2):
        return False  # of two columns one that is empty is a number that is missing
    if _LEADS.match(first):
        return True
    has_words = _LETTER.search(first) is not None and not is_missing(first) and measured(first) is None
    return has_words and not any(map(is_number, row))


def without_totals(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """The rows without those at the end that are called a total, a mean or the like, and what is to be said.

    Where a row above has the same word, this is a value among others, and all rows stay.

    Arguments:
        rows: Stripped cells, without the names of the columns.

    Example:
        >>> without_totals([["a", "1"], ["b", "2"], ["Total:", "3"]])
        ([['a', '1'], ['b', '2']], ['The last row, ‘Total:’, is made of those above: it is left out.'])
    """
    end = len(rows)
    while end > 1 and len(rows) - end < _MOST and _is_total(rows[end - 1]):
        end -= 1
    words = {_word(row) for row in rows[end:]}
    if not words or any(_word(row) in words for row in rows[:end]):
        return rows, []
    listed = ", ".join(f"‘{_text(row)}’" for row in rows[end:][:_NAMED])
    if len(rows) - end == 1:
        return rows[:end], [f"The last row, {listed}, is made of those above: it is left out."]
    more = ", …" if len(rows) - end > _NAMED else ""
    count = len(rows) - end
    return rows[:end], [f"The last {count} rows, {listed}{more}, are made of those above: they are left out."]


def _is_total(row: Row) -> bool:
    return _word(row) in _TOTALS and any(map(is_number, row))


def _word(row: Row) -> str:
    """The first text in a row, as the totals have it."""
    return _text(row).casefold().strip(" .:=*()")


def _text(row: Row) -> str:
    return next((cell for cell in row if cell and not is_number(cell)), "")


def repeats_above(columns: Mapping[str, NDArray[np.float64]], cells: Mapping[str, str]) -> str:
    """``sums`` or ``means`` where the numbers of the last row are these of the rows above, "" where not.

    All of them have to be, to the digits that are written. Two at least have to tell something: a mean that
    is no value of its column, written with more digits than chance would meet; a sum that is neither.

    Arguments:
        columns: The numbers, shape (n,) each, NaN where there is none.
        cells: What is written in the last row.

    Example:
        >>> a, b = np.array([1.5, 2.25, 4.5, 8.25]), np.array([1.0, 2.0, 5.0, 8.0])
        >>> repeats_above({"a": a, "b": b}, {"a": "8.25", "b": "8"})
        'sums'
    """
    kinds = {"sums": np.nansum, "means": np.nanmean}
    for kind, of in kinds.items():
        telling = 0
        for name, column in columns.items():
            above, last = column[:-1], column[-1]
            known = above[~np.isnan(above)]
            if np.isnan(last):
                continue
            if len(known) < _FEWEST:
                break
            rounded = _rounding(cells[name])
            exact = 1e-9 * float(np.abs(known).sum())
            apart = abs(of(known) - last)
            if apart > rounded + exact:
                break
            is_fine = apart <= exact or rounded <= _TELLING * float(np.ptp(known))
            telling += bool(last != 0 and not (known == last).any() and (kind == "sums" or is_fine))
        else:
            if telling > 1:
                return kind
    return ""


def _rounding(cell: str) -> float:
    """Half a unit of the last digit that is written, and a little for a half itself."""
    digits, _, exponent = cell.casefold().partition("e")
    places = len(digits.partition(".")[2])
    return 0.5000001 * 10.0 ** ((int(exponent) if exponent else 0) - places)
