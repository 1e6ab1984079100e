"""Tables of numbers: the two that come with scikit-learn, for mixtures, and a user's own CSV."""

import csv
import io
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

MAX_ROWS: Final = 5000
MAX_COLUMNS: Final = 64
TABLES: Final = ("iris", "wine")


class Table(NamedTuple):
    """Columns of numbers.

    Arguments:
        columns: Their names.
        values: Shape (n, columns), finite.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]


def load_table(name: str) -> Table:
    """Iris or wine, as scikit-learn has them.

    Arguments:
        name: One of ``TABLES``.
    """
    from sklearn.datasets import load_iris, load_wine

    bunch: Any = {"iris": load_iris, "wine": load_wine}[name]()
    names = tuple(str(column).removesuffix(" (cm)").replace("_", " ") for column in bunch.feature_names)
    return Table(names, np.asarray(bunch.data, dtype=np.float64))


def read_table(content: bytes) -> Table:
    """A CSV with a row of names and then numbers; comma, semicolon or tab.

    Arguments:
        content: The file, UTF-8.

    Raises:
        BadInput: It is no such table: names the first row and column that are wrong (code ``table``).
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as err:
        raise BadInput("table", "the table is not text in UTF-8", "save it as CSV in UTF-8") from err
    first = lines[0] if lines else ""
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row]
    except csv.Error as err:
        raise BadInput("table", "the table is not a CSV", "save it again from your spreadsheet") from err
    if len(rows) < 3 or len(rows) > MAX_ROWS + 1 or len(rows[0]) > MAX_COLUMNS:
        message = f"the table has {max(0, len(rows) - 1)} rows and {len(rows[0]) if rows else 0} columns"
        hint = f"give it a row of names, then 2 to {MAX_ROWS} rows of at most {MAX_COLUMNS} numbers"
        raise BadInput("table", message, hint)
    names = tuple(name.strip() or f"column {number}" for number, name in enumerate(rows[0], 1))
    if len(set(names)) < len(names):
        raise BadInput("table", "two columns of the table have the same name", "rename one of them")
    return Table(names, np.array([_numbers(row, names, number) for number, row in enumerate(rows[1:], 2)]))


def standardized(table: Table, columns: list[str]) -> NDArray[np.float64]:
    """The chosen columns with mean 0 and standard deviation 1, shape (n, columns).

    Arguments:
        table: Where they stand.
        columns: Their names.

    Raises:
        BadInput: A column has one value only, so that it has no scale (code ``column``).
    """
    values = table.values[:, [table.columns.index(name) for name in columns]]
    spreads = values.std(0)
    for name, spread, largest in zip(columns, spreads, np.abs(values).max(0), strict=True):
        if spread <= 1e-12 * max(1.0, largest):
            raise BadInput("column", f"the column {name!r} is constant", "choose another one")
    return (values - values.mean(0)) / spreads


def _numbers(row: list[str], names: tuple[str, ...], number: int) -> list[float]:
    if len(row) != len(names):
        message = f"row {number} of the table has {len(row)} values for {len(names)} columns"
        raise BadInput("table", message, "give every row as many values as there are names")
    numbers = []
    for name, text in zip(names, row, strict=True):
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e100:
            message = (
                f"row {number}, column {name!r} of the table has no usable number ({text.strip()[:20]!r})"
            )
            raise BadInput("table", message, "fill the value in or leave the row out")
        numbers.append(value)
    return numbers
