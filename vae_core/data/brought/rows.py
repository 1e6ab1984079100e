"""Rows of numbers that somebody brings: points, or square images."""

import math
from dataclasses import replace
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from vae_core.data.brought.choices import Brought, Layout, Missing, Scale
from vae_core.data.brought.draft import Draft, Known, finished
from vae_core.data.brought.pictures import from_pixels
from vae_core.data.brought.wording import count_of, names_listed, sentence_of, size_text
from vae_core.data.limits import MAX_COLUMNS
from vae_core.data.table import Table
from vae_core.errors import BadInput

_HEAD_ROWS: Final = 8
_HEAD_COLUMNS: Final = 12
_WHOLE: Final = 2.0**53
"""Beyond it not every whole number is a float."""


def from_rows(
    rows: NDArray[Any],
    names: tuple[str, ...],
    known: Known,
    draft: Draft,
    table: Table | None = None,
) -> Brought:
    """Rows of numbers, shape (n, D): points, or square images."""
    rows, names = _without_empty(rows, names, draft)
    if rows.shape[1] > MAX_COLUMNS:
        message = f"an example has {rows.shape[1]:,} values, more than {MAX_COLUMNS:,}"
        raise BadInput("columns", message, "use smaller images or fewer columns")
    side = math.isqrt(rows.shape[1])
    if side >= 4 and side * side == rows.shape[1]:
        looks = "images" if side >= 7 and _are_pixels(rows) else "numbers"
        if draft.choose("layout", looks, get_args(Layout)) == "images":
            draft.say(
                f"Rows of {rows.shape[1]:,} numbers are read as images of {size_text((side, side))}.",
                "layout",
            )
            draft.options.pop("columns", None)
            return from_pixels(rows.reshape(-1, side, side), known, draft)
    head = _head(rows, names, known)
    _say_of_rounded(rows, names, draft)
    rows, known = _filled(np.asarray(rows, np.float64), names, known, draft, table)
    x = _scaled(rows, names, draft)
    return finished(x, known, draft, columns=names, head=head)


def _without_empty(
    rows: NDArray[Any], names: tuple[str, ...], draft: Draft
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The rows without the columns in which no number is, as an array may have them."""
    if rows.dtype.kind != "f":
        return rows, names
    there = np.asarray(np.isfinite(rows).any(axis=0))
    if there.all():
        return rows, names
    if not there.any():
        raise BadInput("missing", "no value of the examples is a number", "fill them in")
    listed = names_listed([names[place] for place in np.flatnonzero(~there)])
    draft.say(f"Left out, because no row has a number there: {listed}.")
    return rows[:, there], tuple(name for name, is_there in zip(names, there, strict=True) if is_there)


def _say_of_rounded(rows: NDArray[Any], names: tuple[str, ...], draft: Draft) -> None:
    """Numbers of accounts, for example, may be too long for floating point."""
    # Both skip NaN, and neither makes another array as large as the table.
    largest = np.maximum(np.fmax.reduce(rows, axis=0), -np.fmin.reduce(rows, axis=0).astype(np.float64))
    large = np.flatnonzero(largest > _WHOLE)
    if len(large):
        listed = names_listed([f"‘{names[place]}’" for place in large])
        draft.say(f"Numbers beyond 2^53 in {listed}: the first 15 digits of each are kept.")


def _are_pixels(rows: NDArray[Any]) -> bool:
    low, high = float(np.nanmin(rows)), float(np.nanmax(rows))
    if not (low >= 0 and 0 < high <= 255):
        return False
    return high <= 1 or bool((rows == np.round(rows)).all())


def _filled(
    rows: NDArray[np.float64],
    names: tuple[str, ...],
    known: Known,
    draft: Draft,
    table: Table | None,
) -> tuple[NDArray[np.float64], Known]:
    """The rows without NaN: left out or filled, by choice."""
    bad = ~np.isfinite(rows)
    if not bad.any():
        return rows, known
    where = [names[place] for place in np.flatnonzero(bad.any(axis=0))]
    odd = [one for one in where if table is not None and one in table.unusable]
    for name in odd[:3]:
        assert table is not None  # or there would be none
        found = table.unusable[name]
        if found.other:
            draft.say(
                f"‘{name}’ has {count_of(found.other, 'cell')} without a number, such as ‘{found.text}’."
            )
        if found.infinite:
            draft.say(f"‘{name}’ has {count_of(found.infinite, 'value')} beyond 1e100, or infinite.")
    affected = np.asarray(bad.any(axis=1))
    counts = [f" ({count:,})" if len(where) > 1 else "" for count in bad.sum(0)[bad.any(axis=0)].tolist()]
    columns = [f"‘{name}’{count}" for name, count in zip(where, counts, strict=True)]
    listed = ", ".join(columns[:4]) + (", …" if len(where) > 4 else "")
    count = int(affected.sum())
    default = "drop" if count * 2 <= len(rows) else "mean"
    if draft.choose("missing", default, get_args(Missing)) == "mean" or affected.all():
        draft.choices = replace(draft.choices, missing="mean")
        means = np.array([column[~wrong].mean() for column, wrong in zip(rows.T, bad.T, strict=True)])
        draft.say(f"{int(bad.sum()):,} missing numbers in {listed} get the mean of their column.", "missing")
        return np.where(bad, means, rows), known
    draft.say(sentence_of(count, "row", f"without a number in {listed}", "left out"), "missing")
    return rows[~affected], known.kept(~affected)


def _scaled(rows: NDArray[np.float64], names: tuple[str, ...], draft: Draft) -> NDArray[np.float32]:
    """Rows of points, scaled by choice."""
    low, high = float(rows.min()), float(rows.max())
    is_binary = bool(np.isin(rows, (0, 1)).all())
    scale = draft.choose("scale", "none" if is_binary else "standard", get_args(Scale))
    lows, spans = rows.min(0), np.ptp(rows, axis=0)
    constant = spans <= 1e-12 * np.abs(rows).max(0)  # in any unit: a current may be some 1e-12 A
    if constant.any():
        listed = names_listed([names[place] for place in np.flatnonzero(constant)])
        draft.say(f"Constant, and no use to a model: {listed}.", "columns")
    if scale == "none":
        largest = float(np.abs(rows).max())
        if largest > 1e6:
            raise BadInput("scale", f"values reach {largest:.3g}", "scale the columns, or training diverges")
        return rows.astype(np.float32)
    if scale == "unit":
        draft.say(f"Columns, of {low:.6g} to {high:.6g}, are scaled to 0 to 1 each.", "scale")
        return np.where(constant, 0.0, (rows - lows) / np.where(constant, 1, spans)).astype(np.float32)
    draft.say(
        f"Columns, of {low:.6g} to {high:.6g}, are scaled to mean 0 and standard deviation 1 each.", "scale"
    )
    # First by the span: the square of a number near 1e-200 would be 0.
    shares = (rows - lows) / np.where(constant, 1, spans)
    spread = np.where(constant, 1, shares.std(0))
    return np.where(constant, 0.0, (shares - shares.mean(0)) / spread).astype(np.float32)


def _head(rows: NDArray[Any], names: tuple[str, ...], known: Known) -> tuple[tuple[str, ...], ...]:
    """The first rows as text, names first; what is kept beside x and labels last."""
    shown = names[:_HEAD_COLUMNS]
    cells = [
        ["–" if not np.isfinite(value) else f"{value:.6g}" for value in row[: len(shown)]]
        for row in rows[:_HEAD_ROWS]
    ]
    for name, values in known.numbers.items():
        shown = (*shown, f"{name} (beside x)")
        cells = [[*row, f"{values[place]:.6g}"] for place, row in enumerate(cells)]
    if known.texts is not None:
        shown = (*shown, "label")
        cells = [[*row, known.texts[place]] for place, row in enumerate(cells)]
    return (shown, *map(tuple, cells))
