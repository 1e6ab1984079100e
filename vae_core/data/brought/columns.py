"""Tables and workbooks that somebody brings: which columns are examples, which label them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.data.brought.choices import NO_LABELS, Brought, Choices, YesNo
from vae_core.data.brought.draft import MAX_LABEL_CLASSES, Draft, labels_and_numbers, with_numbers
from vae_core.data.brought.rows import from_rows
from vae_core.data.brought.wording import names_listed
from vae_core.data.cells import Decimal
from vae_core.data.table import ASIDE, Delimiter, Table, read_table
from vae_core.data.workbook import read_workbook
from vae_core.errors import BadInput

_LABEL_NAMES: Final = (
    "label",
    "labels",
    "class",
    "target",
    "species",
    "category",
    "kind",
    "variety",
    "y",
    "digit",
)
_MAX_TEXT: Final = 200


def from_table(content: bytes, choices: Choices) -> Brought:
    """Examples in the rows of a text with separators."""
    draft = Draft("table", choices)
    table = read_table(
        content,
        header=None if choices.header is None else choices.header == "yes",
        delimiter=choices.delimiter,
        decimal=choices.decimal,
        encoding=choices.encoding,
        missing="keep",
        narrow=choices.narrow == "yes",
    )
    draft.choose("header", "yes" if table.has_header else "no", get_args(YesNo))
    draft.choose("delimiter", table.delimiter, get_args(Delimiter))
    draft.choose("decimal", table.decimal, get_args(Decimal))
    if table.encoding not in ("utf-8", "utf-16"):
        draft.choose("encoding", table.encoding, ("cp932", "cp1252"))
    return _from_columns(table, draft)


def from_workbook(content: bytes, choices: Choices) -> Brought:
    """Examples in the rows of a sheet."""
    draft = Draft("spreadsheet", choices)
    found = read_workbook(
        content,
        sheet=choices.sheet,
        header=None if choices.header is None else choices.header == "yes",
        decimal=choices.decimal,
        missing="keep",
        narrow=choices.narrow == "yes",
    )
    draft.choose("sheet", found.sheet, found.sheets)
    draft.choose("header", "yes" if found.table.has_header else "no", get_args(YesNo))
    if found.has_numbers_as_text:
        draft.choose("decimal", found.table.decimal, get_args(Decimal))
    return _from_columns(found.table, draft)


def _from_columns(table: Table, draft: Draft) -> Brought:
    """Examples in the columns of a table."""
    if table.has_full_width and draft.choose("narrow", "no", get_args(YesNo)) == "no":
        draft.say("Full-width digits are read as text.", "narrow")
    candidates = _label_candidates(table)
    chosen = draft.choose("labels", _default_label(table, candidates), (*candidates, NO_LABELS))
    for note in table.notes:
        if not note.startswith(ASIDE):
            draft.say(
                note, next((choice for start, choice in _CHOICES_OF_NOTES if note.startswith(start)), "")
            )
    if len(table.columns) == 1 and any(mark in table.columns[0] for mark in ";\t|"):
        draft.say(f"There is one column only, ‘{table.columns[0][:60]}’: another separator?", "delimiter")
    if chosen:
        draft.say(f"‘{chosen}’ gives the classes.", "labels")
    aside = [name for name in table.texts if name != chosen]
    if aside:
        draft.say(f"{ASIDE}: {names_listed(aside)}.", "labels")
    usable = [name for name in table.columns if name != chosen]
    others = {name: table.values[:, table.columns.index(name)] for name in usable} if len(usable) > 2 else {}
    known = labels_and_numbers(others, (), None if chosen == NO_LABELS else candidates[chosen], draft)
    columns = _columns(table, [name for name in usable if name not in known.numbers], draft)
    rows = table.values[:, [table.columns.index(name) for name in columns]]
    rows, known = with_numbers(rows, known, draft)
    return from_rows(rows, columns, known, draft, table)


_CHOICES_OF_NOTES: Final = (
    ("The sheet ‘", "sheet"),
    ("Numbers that are stored as text", "decimal"),
    ("The first row", "header"),
    ("The table is not in UTF-8", "encoding"),
    ("Decimal commas", "decimal"),
    ("Commas between thousands", "decimal"),
    ("Points between thousands", "decimal"),
    ("Full-width", "narrow"),
)
"""How what a table's reader says begins, and the choice that decides it."""


def _label_candidates(table: Table) -> dict[str, list[str]]:
    """What could label the rows, by the name of the column."""
    found: dict[str, list[str]] = {}
    count = len(table.values)
    for name, texts in table.texts.items():
        if len(set(texts)) <= min(MAX_LABEL_CLASSES, max(2, count // 2)):
            found[name] = [text[:_MAX_TEXT] or "(none)" for text in texts]
    for name, values in zip(table.columns, table.values.T, strict=True):
        whole = (
            np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 1e9
        )
        if whole and len(np.unique(values)) <= min(MAX_LABEL_CLASSES, max(2, count // 2)):
            found[name] = [str(int(value)) for value in values]
    return found


def _default_label(table: Table, candidates: Mapping[str, object]) -> str:
    named = [name for name in candidates if name.casefold() in _LABEL_NAMES]
    of_text = [name for name in candidates if name in table.texts]
    return next(iter((*named, *of_text)), NO_LABELS)


def _columns(table: Table, usable: Sequence[str], draft: Draft) -> tuple[str, ...]:
    """The columns of numbers that are used, by choice: of those that are left, without numbers of rows."""
    numbers = [name for name in usable if _counts_rows(table.values[:, table.columns.index(name)])]
    constant = _constant([table.values[:, table.columns.index(name)] for name in usable], usable)
    default = [name for name in usable if name not in numbers and name not in constant]
    if len(default) < 2:  # of two columns the first may well be a time, or a place
        default = list(usable)
    wanted = draft.choices.columns
    kept = [name for name in usable if wanted is None or name in wanted]
    if wanted is None:
        kept = default
        for what, names in (("Numbers of rows", numbers), ("Constant columns", constant)):
            if names and len(default) < len(usable):
                draft.say(f"{what} are left out: {names_listed(names)}.", "columns")
    if not kept:
        raise BadInput("columns", "no column of numbers is left", "choose one at least")
    draft.choices = replace(draft.choices, columns=tuple(kept))
    if 1 < len(usable) <= MAX_LABEL_CLASSES:
        draft.options["columns"] = tuple(usable)
    return tuple(kept)


def _constant(columns: Sequence[NDArray[np.float64]], names: Sequence[str]) -> list[str]:
    """Names of the columns with one value; none where these may be pixels of images, all of which count."""
    if len(names) >= 16 and math.isqrt(len(names)) ** 2 == len(names):
        return []
    # Both skip NaN, and of nothing but NaN they are NaN, which equals nothing.
    is_constant = [np.fmax.reduce(column) == np.fmin.reduce(column) for column in columns]
    return list(itertools.compress(names, is_constant))


def _counts_rows(values: NDArray[np.float64]) -> bool:
    return len(values) > 5 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())
