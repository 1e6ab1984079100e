"""Files of numbers: they come back as they were, name their units, and no spreadsheet runs them."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from dashboard.cached import Encoded, Rows
from dashboard.exports import arrays_npz, codes_csv, codes_npz, curves_csv, harmless
from dashboard.subject import Split
from vae_core.runs.snapshot import HISTORY_COLUMNS


def encoded() -> Encoded:
    rng = np.random.default_rng(0)
    terms = rng.normal(size=(3, 4)).astype(np.float32)
    return Encoded(
        x=Rows(torch.from_numpy(rng.random((4, 6)).astype(np.float32))),
        labels=np.array([0, 1, 1, -1], np.int32),
        means=rng.normal(size=(4, 2)).astype(np.float32),
        stds=rng.random((4, 2)).astype(np.float32),
        elbo=terms[0],
        reconstruction=terms[1],
        kl=terms[2],
        kl_per_dim=rng.random((4, 2)).astype(np.float32),
    )


def test_coordinates_come_back_from_the_table() -> None:
    data = encoded()
    header, *rows = csv.reader(io.StringIO(codes_csv({"held_out": data}, ("zero", "=1+1"))))
    assert header[:7] == ["split", "example", "class", "mean_1", "mean_2", "std_1", "std_2"]
    assert [row[2] for row in rows] == ["zero", "'=1+1", "'=1+1", ""]
    numbers = np.array([row[3:] for row in rows], np.float64)
    np.testing.assert_allclose(numbers[:, :2], data.means, rtol=1e-6)
    np.testing.assert_allclose(numbers[:, 2:4], data.stds, rtol=1e-6)
    np.testing.assert_allclose(
        numbers[:, 4:], np.stack([data.reconstruction, data.kl, data.elbo], 1), rtol=1e-6
    )


def test_deterministic_encoder_has_no_columns_of_a_bound() -> None:
    data = replace(encoded(), stds=np.zeros((4, 2), np.float32))
    header, first, *_ = csv.reader(io.StringIO(codes_csv({"held_out": data}, ("a", "b"))))
    assert header == ["split", "example", "class", "mean_1", "mean_2", "reconstruction_nats"]
    assert float(first[-1]) == pytest.approx(float(data.reconstruction[0]), rel=1e-6)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_formulas_are_made_harmless(text: str) -> None:
    """Fault 17."""
    assert harmless(text) == "'" + text
    assert harmless("three") == "three"


def test_arrays_come_back_from_the_archive() -> None:
    grid = np.random.default_rng(1).random((2, 3, 6)).astype(np.float32)
    with np.load(
        io.BytesIO(arrays_npz({"x": grid, "plane": np.array([1, 5])})), allow_pickle=False
    ) as archive:
        assert np.array_equal(archive["x"], grid)
        assert archive["plane"].tolist() == [1, 5]


def test_parts_of_the_data_follow_each_other() -> None:
    data = encoded()
    parts: dict[Split, Encoded] = {"held_out": data, "training": replace(data, means=data.means + 1)}
    _, *rows = csv.reader(io.StringIO(codes_csv(parts, ("zero", "one"))))
    assert [row[:2] for row in rows] == [[part, str(row)] for part in parts for row in range(4)]
    assert float(rows[4][3]) == pytest.approx(float(data.means[0, 0]) + 1, rel=1e-6)


def test_archive_has_the_codes_of_all_parts() -> None:
    data = encoded()
    parts: dict[Split, Encoded] = {"held_out": data, "training": replace(data, means=data.means + 1)}
    with np.load(io.BytesIO(codes_npz(parts, ("=1+1", "one"))), allow_pickle=False) as archive:
        assert np.array_equal(archive["means"], np.concatenate([data.means, data.means + 1]))
        assert np.array_equal(archive["stds"], np.concatenate([data.stds, data.stds]))
        assert archive["labels"].tolist() == 2 * data.labels.tolist()
        assert archive["split"].tolist() == 4 * ["held_out"] + 4 * ["training"]
        assert archive["example"].tolist() == 2 * [0, 1, 2, 3]
        assert archive["class_names"].tolist() == ["=1+1", "one"]
        assert np.array_equal(archive["elbo"][:4], data.elbo)


def test_curves_come_back_with_all_their_digits() -> None:
    history = np.random.default_rng(3).normal(size=(5, len(HISTORY_COLUMNS)))
    history[:, :2] = np.arange(5)[:, None]
    history[0, 2:5] = np.nan
    head, *rows = csv.reader(io.StringIO(curves_csv(history)))
    terms = [
        f"{term}_{part}_nats" for part in ("train", "held_out") for term in ("elbo", "reconstruction", "kl")
    ]
    objectives = ["objective_train_nats", "objective_held_out_nats"]
    assert head == ["step", "epoch", *terms, "beta", "learning_rate", "seconds", *objectives]
    assert rows[0][:5] == ["0", "0", "", "", ""]
    found = np.array([[float(cell or "nan") for cell in row] for row in rows])
    assert np.array_equal(found, history, equal_nan=True)
