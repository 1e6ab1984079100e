"""The message to the training board: every number arrives, it is cheap to make, and the element mounts."""

import base64
import json
import timeit
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from dashboard.components.board.payload import MAX_ROWS, Payload, board_payload, kept_rows
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot


def make_snapshot(*, rows: int = 300, latent_dim: int = 2, data_dim: int = 64) -> Snapshot:
    """A snapshot of the size that the digits have; values drawn with NumPy from seed 0."""
    rng = np.random.default_rng(0)
    history = rng.normal(size=(rows, len(HISTORY_COLUMNS)))
    history[:, 0] = np.arange(rows) * 25
    grid_rows = 1 if latent_dim == 1 else 12
    return Snapshot(
        step=(rows - 1) * 25,
        epoch=3,
        history=history,
        means=rng.normal(size=(360, latent_dim)).astype(np.float32),
        stds=rng.uniform(size=(360, latent_dim)).astype(np.float32),
        labels=rng.integers(10, size=360).astype(np.int32),
        kl_per_dim=np.ones(latent_dim, np.float32),
        plane=(0, min(1, latent_dim - 1)),
        examples=rng.uniform(size=(10, data_dim)).astype(np.float32),
        reconstructions=rng.uniform(size=(10, data_dim)).astype(np.float32),
        grid=rng.uniform(size=(grid_rows, 12, data_dim)).astype(np.float32),
        grid_axis=np.linspace(-2, 2, 12, dtype=np.float32),
    )


def payload_of(snapshot: Snapshot, *, image_shape: tuple[int, int] | None = (8, 8)) -> Payload:
    return board_payload(
        snapshot, run_id="0123456789abcdef", image_shape=image_shape, class_names=(), deterministic=False
    )


def decoded(text: object, dtype: str) -> NDArray[Any]:
    assert isinstance(text, str), text
    return np.frombuffer(base64.b64decode(text), dtype)


def test_arrays_arrive_as_they_were() -> None:
    snapshot = make_snapshot(latent_dim=3)
    snapshot = replace(snapshot, plane=(2, 0))
    payload = json.loads(json.dumps(payload_of(snapshot)))
    np.testing.assert_array_equal(decoded(payload["means"], "<f4").reshape(-1, 2), snapshot.means[:, [2, 0]])
    np.testing.assert_array_equal(decoded(payload["stds"], "<f4").reshape(-1, 2), snapshot.stds[:, [2, 0]])
    np.testing.assert_array_equal(decoded(payload["labels"], "<i4"), snapshot.labels)
    np.testing.assert_array_equal(decoded(payload["grid_axis"], "<f4"), snapshot.grid_axis)
    for column, name in enumerate(HISTORY_COLUMNS):
        if name in payload["history"]:
            sent = decoded(payload["history"][name], "<f4")
            np.testing.assert_array_equal(sent, snapshot.history[:, column].astype("<f4"), name)
    assert payload["rows"] == 300, payload["rows"]
    assert (payload["latent_dim"], payload["plane"]) == (3, [2, 0]), payload["plane"]


def test_images_become_bytes_that_round() -> None:
    snapshot = make_snapshot()
    sent = decoded(payload_of(snapshot)["grid"], "u1").reshape(12, 12, 64)
    error = np.abs(sent / 255 - snapshot.grid).max()
    assert error <= 0.5 / 255 + 1e-6, error


def test_impossible_pixels_become_possible_ones() -> None:
    snapshot = make_snapshot()
    pixels = np.array([np.nan, np.inf, -np.inf, -0.5, 1.5, 0.0, 1.0, 0.5], np.float32)
    snapshot = replace(snapshot, examples=np.tile(pixels, (10, 8)))
    sent = decoded(payload_of(snapshot)["examples"], "u1")[:8]
    np.testing.assert_array_equal(sent, [0, 255, 0, 0, 255, 0, 255, 128])


def test_numbers_beyond_float32_become_infinite_without_a_warning() -> None:
    snapshot = make_snapshot()
    history = snapshot.history.copy()
    history[7, HISTORY_COLUMNS.index("elbo_held_out")] = -1e300
    columns = payload_of(replace(snapshot, history=history))["history"]
    assert isinstance(columns, dict)
    assert decoded(columns["elbo_held_out"], "<f4")[7] == -np.inf


@pytest.mark.parametrize(("data_dim", "kind"), [(2, "points"), (1, "lines"), (7, "lines")])
def test_data_that_are_no_images_are_sent_exactly(data_dim: int, kind: str) -> None:
    snapshot = make_snapshot(data_dim=data_dim, latent_dim=1)
    payload = payload_of(snapshot, image_shape=None)
    assert (payload["kind"], payload["grid_shape"]) == (kind, [1, 12]), payload["kind"]
    np.testing.assert_array_equal(decoded(payload["examples"], "<f4"), snapshot.examples.ravel())
    np.testing.assert_array_equal(decoded(payload["grid"], "<f4"), snapshot.grid.ravel())


@pytest.mark.parametrize("count", [0, 1, 2, 399, 400, 401, 799, 800, 12345])
def test_kept_rows_hold_the_ends_and_few_between(count: int) -> None:
    rows = kept_rows(count)
    assert len(rows) <= MAX_ROWS, len(rows)
    assert len(rows) >= min(count, MAX_ROWS // 2 - 1), len(rows)
    assert list(rows[:1]) + list(rows[-1:]) == ([0, count - 1] if count else []), rows
    assert np.all(np.diff(rows) > 0), rows


def test_kept_rows_stay_while_rows_arrive() -> None:
    before, after = set(kept_rows(1000)[:-1]), set(kept_rows(1001))
    assert before <= after, before - after


def test_payload_costs_less_than_a_millisecond() -> None:
    snapshot = make_snapshot()
    seconds = min(timeit.repeat(lambda: payload_of(snapshot), number=1, repeat=50))
    assert seconds < 1e-3, seconds


def _page() -> None:
    import json

    from dashboard.components.board.element import training_board
    from tests.dashboard.components.test_board import make_snapshot, payload_of

    training_board(json.dumps(payload_of(make_snapshot())).encode(), key="board")


def test_element_mounts_with_its_payload() -> None:
    at = AppTest.from_function(_page).run()
    assert not at.exception, at.exception
    (element,) = at.get("bidi_component")
    assert element.proto.component_name.endswith("training_board"), element.proto.component_name
    assert b"0123456789abcdef" in element.proto.bytes, "the payload is not in the message"
