"""Cells of a table as people write numbers: with thousands, decimal commas, percent signs, and units."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Decimal = Literal["point", "comma"]
Row = list[str]

PERCENT_NOTE: Final = "Percentages are read as fractions: 5 % is 0.05."
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]*),[0-9]+(e[+-]?[0-9]+)?", re.IGNORECASE
)
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?(e[+-]?[0-9]+)?", re.IGNORECASE)
_POINTS: Final = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+(e[+-]?[0-9]+)?", re.IGNORECASE)
_MISSING: Final = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--", "–", "—", "?", ".", "missing", "<na>")
)

_GROUP_MARKS: Final = " \xa0\u2009\u202f'’"
"""Between thousands, beside points and commas: France, Switzerland and the SI write them so."""
_GROUPED: Final = re.compile(rf"[0-9][{_GROUP_MARKS}][0-9]{{3}}(?![0-9])")
_GROUPS: Final = re.compile(rf"[+-]?[0-9]{{1,3}}([{_GROUP_MARKS}][0-9]{{3}})+([.,][0-9]*)?(e-[23])?")
_SIGNS: Final = "\u2212\u2013"
"""The minus sign of typography, and the en dash that word processors put in its place."""
_MINUS: Final = re.compile(rf"(?<![^\s;,|\"])[{_SIGNS}](?=[0-9.,])")

_CURRENCY: Final = "[$€£¥₩₹₽₺₪฿]|(?:EUR|USD|GBP|JPY|CHF|CNY|INR)(?![A-Za-z])"
_WITH_UNIT: Final = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>{_CURRENCY})?\s*(?P<number>[+-]?(?:[0-9][0-9.,{_GROUP_MARKS}]*|[.,][0-9]+))"
    rf"(?P<after>(?!e[+-]?[0-9])(?:[^\W\d_]|[%‰°′″]|{_CURRENCY})[^\s\d,;]{{0,11}}[0-9²³]?)?",
    re.IGNORECASE,
)
_FRACTIONS: Final = {"%": "e-2", "‰": "e-3"}
_SAMPLE: Final = 50
"""Cells that are looked at to say why a column is read as text."""


def is_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal point, and nothing else.

    Example:
        >>> is_number("-1.5e3"), is_number("1,5"), is_number("nan")
        (True, False, False)
    """
    return _NUMBER.fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell says that it holds nothing.

    Example:
        >>> is_missing(""), is_missing("N/A"), is_missing("0")
        (True, True, False)
    """
    return cell.casefold() in _MISSING


def with_plain_minus(text: str) -> str:
    """The text with hyphens for the minus signs of typography before numbers.

    Example:
        >>> with_plain_minus("−1.5;a−2;–3;4–5")  # the last two have en dashes
        '-1.5;a−2;-3;4–5'
    """
    return _MINUS.sub("-", text) if any(sign in text for sign in _SIGNS) else text


class Measured(NamedTuple):
    """A number and its unit, as a cell has them: ``€ 12`` or ``1,234.5 kg``.

    Arguments:
        number: As it is written.
        unit: Before or behind it.
    """

    number: str
    unit: str


def measured(cell: str) -> Measured | None:
    """The number and the unit of a cell; None where it has not both.

    Example:
        >>> measured("45 %"), measured("-€ 12,50"), measured("12"), measured("kg")
        (Measured(number='45', unit='%'), Measured(number='-12,50', unit='€'), None, None)
    """
    found = _WITH_UNIT.fullmatch(cell)
    if found is None or (found["before"] is None) == (found["after"] is None):
        return None
    number = found["number"].rstrip(_GROUP_MARKS)
    if found["sign"] and number[0] in "+-":
        return None
    return Measured(found["sign"] + number, found["before"] or found["after"])


def without_units(rows: list[Row], width: int) -> tuple[list[Row], dict[int, str]]:
    """The rows without the unit that a column has in each of its cells, and the units by place of the column.

    A percentage becomes a fraction, as in the cells of a spreadsheet: ``45 %`` becomes ``45e-2``. A column
    whose cells have not all the same unit stays as it is: nobody knows what a number without one is.

    Arguments:
        rows: Stripped cells; the first row may hold names.
        width: Number of columns.

    Example:
        >>> without_units([["cost", "kind"], ["€ 5", "a"], ["€ 7", "b"]], 2)
        ([['cost', 'kind'], ['5', 'a'], ['7', 'b']], {0: '€'})
    """
    units: dict[int, str] = {}
    plain: dict[int, list[str]] = {}
    for place in range(width):
        column = (row[place] if place < len(row) else "" for row in rows)
        name = next(column, "")
        found = _shared_unit(column)
        if found is None:
            continue
        unit, numbers = found
        first = measured(name)
        units[place] = unit
        plain[place] = [_plain(first) if first is not None and first.unit == unit else name, *numbers]
    if not plain:
        return rows, {}
    return [
        [plain[place][number] if place in plain else cell for place, cell in enumerate(row)]
        for number, row in enumerate(rows)
    ], units


def _shared_unit(cells: Iterable[str]) -> tuple[str, list[str]] | None:
    """The unit that all the cells of a column have, and the cells without it."""
    shared, found, count = "", [], 0
    for cell in cells:
        one = measured(cell)
        if one is None:
            if not is_missing(cell):
                return None
            found.append(cell)
            continue
        if count and one.unit != shared:
            return None
        shared, count = one.unit, count + 1
        found.append(_plain(one))
    return (shared, found) if count > 1 else None


def _plain(one: Measured) -> str:
    return one.number + _FRACTIONS.get(one.unit, "")


def mixed_units(cells: Sequence[str]) -> tuple[str, str] | None:
    """Two cells of a column of text that is one only because its units differ; None of any other.

    Example:
        >>> mixed_units(["5 kg", "700 g", "6 kg", "900 g"]), mixed_units(["0 no", "1 yes"])
        (('5 kg', '700 g'), None)
    """
    filled = [cell for cell in cells[:_SAMPLE] if not is_missing(cell)]
    by_unit: dict[str, str] = {}
    for cell in filled:
        one = measured(cell)
        if one is None and not is_number(cell):
            return None
        by_unit.setdefault("" if one is None else one.unit, cell)
    # Many different endings are names of things, such as 12a and 12b of houses. Few cells that occur again
    # and again are classes.
    if not 2 <= len(by_unit) <= 3 or 2 * len(by_unit) > len(set(filled)):
        return None
    first, second = list(by_unit.values())[:2]
    return first, second


def without_groups(text: str, rows: list[Row]) -> tuple[list[Row], list[str]]:
    """The rows without blanks or apostrophes between thousands, and what is to be said of it.

    Arguments:
        text: All of them, for a look that is cheaper than one at each cell.
        rows: Stripped cells.

    Example:
        >>> without_groups("1 234,5", [["1 234,5", "12 a"]])
        ([['1234,5', '12 a']], ['Blanks or apostrophes between thousands are left out.'])
    """
    if not any(mark in text for mark in _GROUP_MARKS) or _GROUPED.search(text) is None:
        return rows, []
    plain = {
        cell: re.sub(f"[{_GROUP_MARKS}]", "", cell) for row in rows for cell in row if _GROUPS.fullmatch(cell)
    }
    if not plain:
        return rows, []
    rows = [[plain.get(cell, cell) for cell in row] for row in rows]
    return rows, ["Blanks or apostrophes between thousands are left out."]


def without_commas(
    rows: list[Row], decimal: Decimal | None, *, is_between_columns: bool
) -> tuple[list[Row], Decimal, list[str]]:
    """Numbers with decimal points alone, the decimal mark, and what is to be said of it.

    A comma is a decimal mark where one of the numbers allows nothing else. Where all could have it between
    their thousands, it is that if one allows nothing else, or if commas stand between the columns, too. With
    decimal commas a point stands between thousands, if no number has another one.

    Arguments:
        rows: Stripped cells.
        decimal: The decimal mark; None: what they allow.
        is_between_columns: Whether commas stand between the columns.

    Example:
        >>> without_commas([["0,5", "1.234"], ["1.234,5", "2.000"]], None, is_between_columns=False)[0]
        [['0.5', '1234'], ['1234.5', '2000']]
    """
    cells = {cell for row in rows for cell in row if "," in cell}
    decimals, thousands = (set(filter(one.fullmatch, cells)) for one in (_DECIMAL_COMMA, _THOUSANDS))
    seem_thousands = not decimals - thousands and bool(thousands - decimals or is_between_columns)
    if thousands and (seem_thousands if decimal is None else decimal == "point"):
        plain = {cell: cell.replace(",", "") for cell in thousands}
        rows = [[plain.get(cell, cell) for cell in row] for row in rows]
        return rows, "point", ["Commas between thousands are left out."]
    if decimal == "point" or not (decimals or decimal == "comma"):
        return rows, decimal or "point", []
    plain = {cell: cell.replace(".", "").replace(",", ".") for cell in decimals}
    with_points = {cell for row in rows for cell in row if "." in cell and "," not in cell}
    thousands = set(filter(_POINTS.fullmatch, with_points))
    said = ["Decimal commas are read as decimal points."] if decimals else []
    if thousands and not any(map(is_number, with_points - thousands)):
        plain |= {cell: cell.replace(".", "") for cell in thousands}
        said.append("Points between thousands are left out.")
    rows = [[plain.get(cell, cell) for cell in row] for row in rows]
    return rows, "comma" if decimals or thousands else decimal or "point", said
