"""Cells of a table as people write numbers: with thousands, decimal commas, percent signs, and units."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

Decimal = Literal["point", "comma"]
Row = list[str]

_IN_PARENTHESES: Final = "Numbers in parentheses are read as negative, as in accounts."
_SIGN_BEHIND: Final = "Numbers with a minus behind them are read as negative."
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
_ACCOUNT: Final = re.compile(
    rf"\((?P<within>[^()+-]+)\)|(?P<before>{_CURRENCY})\s*\((?P<number>[0-9][0-9.,{_GROUP_MARKS}]*)\)"
    rf"|(?P<trailing>[^()+-]*[0-9])\s?[-{_SIGNS}]",
    re.IGNORECASE,
)
"""A negative number as accounts have it, in parentheses or with its sign behind."""
_ENDS: Final = (")", "-", *_SIGNS)
_CELL_ENDS: Final = '\n\r\t;|," '
_TRUTHS: Final = {"true": "1", "wahr": "1", "vrai": "1", "verdadero": "1", "vero": "1"} | {
    word: "0" for word in ("false", "falsch", "faux", "falso")
}
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


def as_truths(column: Sequence[str]) -> tuple[str, ...] | None:
    """A column of TRUE and FALSE as 1 and 0, in the words of spreadsheets; None of any other.

    Example:
        >>> as_truths(("TRUE", "false", "")), as_truths(("yes", "no")), as_truths(("", ""))
        (('1', '0', ''), None, None)
    """
    # Of most columns the first cells say that they are none.
    if any(cell.casefold() not in _TRUTHS and not is_missing(cell) for cell in column[:_SAMPLE]):
        return None
    words = {cell: _TRUTHS.get(cell.casefold(), "") for cell in set(column)}
    if not any(words.values()) or any(not (word or is_missing(cell)) for cell, word in words.items()):
        return None
    return tuple(words[cell] for cell in column)


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


def without_accounts(text: str, rows: list[Row], width: int) -> tuple[list[Row], list[str]]:
    """The rows with a minus before the negative numbers of accounts, and what is to be said of it.

    ``(5.00)``, ``($5.00)`` and ``5.00-`` are that in a column whose other cells are numbers. Where all
    numbers of a column stand in parentheses it stays as it is: these may be anything, references for one.

    Arguments:
        text: All of them, for a look that is cheaper than one at each cell.
        rows: Stripped cells; the first row may hold names.
        width: Number of columns.

    Example:
        >>> without_accounts("(5.00);$3-", [["a", "b"], ["2", "$1"], ["(5.00)", "$3-"]], 2)[0]
        [['a', 'b'], ['2', '$1'], ['-5.00', '-$3']]
    """
    if not (text.endswith(_ENDS) or any(f"{one}{end}" in text for one in _ENDS for end in _CELL_ENDS)):
        return rows, []
    cells = {cell for row in rows for cell in row if cell.endswith(_ENDS)}
    negative = {cell: plain for cell in cells if (plain := _of_account(cell)) is not None}
    places = {place for row in rows for place, cell in enumerate(row) if cell in negative}
    places = {place for place in places if place < width and _is_of_accounts(rows[1:], place, negative)}
    if not places:
        return rows, []
    read = {row[place] for row in rows for place in places if place < len(row)} & negative.keys()
    said = [_IN_PARENTHESES] if any(cell.endswith(")") for cell in read) else []
    said += [_SIGN_BEHIND] if any(not cell.endswith(")") for cell in read) else []
    rows = [
        [negative.get(cell, cell) if place in places else cell for place, cell in enumerate(row)]
        for row in rows
    ]
    return rows, said


def _of_account(cell: str) -> str | None:
    """A cell of an account with its minus before it; None of any other."""
    found = _ACCOUNT.fullmatch(cell)
    if found is None:
        return None
    number = (found["within"] or found["trailing"] or f"{found['before']}{found['number']}").strip()
    return f"-{number}" if _is_amount(number) else None


def _is_amount(cell: str) -> bool:
    return is_number(cell) or _WITH_UNIT.fullmatch(cell) is not None


def _is_of_accounts(rows: Sequence[Row], place: int, negative: Mapping[str, str]) -> bool:
    """Whether a column has such numbers and, beside those in parentheses, others; and nothing else."""
    column = [row[place] for row in rows if place < len(row) and not is_missing(row[place])]
    others = [cell for cell in column if cell not in negative]
    has_sign_behind = any(cell in negative and "(" not in cell for cell in column)
    return (bool(others) or has_sign_behind) and len(others) < len(column) and all(map(_is_amount, others))


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
