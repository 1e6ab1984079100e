"""Numbers as files to take away: latent codes as a table or an archive, curves as a table.

A file is made when it is asked for, beside the pages: nothing here needs a session. Columns name their units;
what a spreadsheet would run as a formula is made harmless.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dashboard.cached import Encoded
from dashboard.subject import Split
from vae_core.runs.snapshot import HISTORY_COLUMNS, VALIDATION_COLUMNS

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_NATS: Final = ("elbo", "reconstruction", "kl", "objective")
_WHOLE: Final = ("step", "epoch")


def codes_csv(parts: Mapping[Split, Encoded], class_names: tuple[str, ...]) -> str:
    """A table with a row for each example: class, posterior means and deviations, and terms of its bound.

    A class name that a spreadsheet would run as a formula begins with an apostrophe. A deterministic encoder
    has no deviations, no KL and no bound: those columns are left out.

    Arguments:
        parts: The examples, by the part of the data that they are of.
        class_names: Names of the labels 0, 1, ...
    """
    rows: list[list[object]] = []
    head: list[str] = []
    for split, examples in parts.items():
        columns = _columns(examples)
        head = ["split", "example", "class", *columns]
        table = np.stack(list(columns.values()), axis=1)
        for row, (label, numbers) in enumerate(zip(examples.labels.tolist(), table, strict=True)):
            name = "" if label < 0 else harmless(class_names[label])
            rows.append([split, row, name, *(f"{float(value):.7g}" for value in numbers)])
    return _table(head, rows)


def codes_npz(parts: Mapping[Split, Encoded], class_names: tuple[str, ...]) -> bytes:
    """The same as a NumPy archive: ``split``, ``example``, ``labels``, ``means``, ``stds`` and the bound.

    Labels are -1 where an example has none; deviations are 0 for a deterministic encoder, and those of the
    marginals for a full covariance matrix.
    """
    sizes = [len(one.labels) for one in parts.values()]
    names = ("labels", "means", "stds", "reconstruction", "kl", "elbo")
    arrays = {name: np.concatenate([getattr(one, name) for one in parts.values()]) for name in names}
    of_row = {
        "split": np.repeat(np.array(list(parts)), sizes),
        "example": np.concatenate([np.arange(size) for size in sizes]),
    }
    return arrays_npz({**of_row, **arrays, "class_names": np.array(class_names, dtype=np.str_)})


def curves_csv(history: NDArray[np.float64]) -> str:
    """The history of a run as a table, all digits: ``HISTORY_COLUMNS`` with their units.

    Bounds and their terms are in nats per example, the means of the training columns over the steps since the
    row before: their cell is empty where there was none.

    Arguments:
        history: Rows of ``HISTORY_COLUMNS``.

    Example:
        >>> row = [0.0, 0.0, *3 * [math.nan], -44.5, -44.0, 0.5, 1.0, 0.002, 0.0, *2 * [math.nan]]
        >>> print(curves_csv(np.array([row])).splitlines()[1])
        0,0,,,,-44.5,-44.0,0.5,1.0,0.002,0.0,,
    """
    return _rows_csv(history, HISTORY_COLUMNS)


def validation_csv(validation: NDArray[np.float64]) -> str:
    """The bound of the validation part at the end of each epoch, and its terms, as a table.

    Arguments:
        validation: Rows of ``VALIDATION_COLUMNS``.

    Example:
        >>> print(validation_csv(np.array([[23.0, -44.5, -44.0, 0.5]])))
        step,elbo_nats,reconstruction_nats,kl_nats
        23,-44.5,-44.0,0.5
        <BLANKLINE>
    """
    return _rows_csv(validation, VALIDATION_COLUMNS)


def _rows_csv(rows: NDArray[np.float64], columns: tuple[str, ...]) -> str:
    head = [f"{name}_nats" if name.startswith(_NATS) else name for name in columns]
    is_whole = [name in _WHOLE for name in columns]
    cells = ([_cell(*pair) for pair in zip(row, is_whole, strict=True)] for row in rows.tolist())
    return _table(head, cells)


def arrays_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays by name as a NumPy archive."""
    out = io.BytesIO()
    np.savez_compressed(out, **dict(arrays))  # pyright: ignore[reportArgumentType]
    return out.getvalue()


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _columns(examples: Encoded) -> dict[str, NDArray[np.float32]]:
    dims = range(1, examples.means.shape[1] + 1)
    columns = {f"mean_{j}": examples.means[:, j - 1] for j in dims}
    if examples.stds.any():
        columns |= {f"std_{j}": examples.stds[:, j - 1] for j in dims}
    columns["reconstruction_nats"] = examples.reconstruction
    if examples.stds.any():
        columns |= {"kl_nats": examples.kl, "elbo_nats": examples.elbo}
    return columns


def _cell(value: float, is_whole: bool) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if is_whole and math.isfinite(value) else repr(value)


def _table(head: list[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
