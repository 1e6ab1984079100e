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

from dashboard.components.board.payload import (
    MAX_CHANGES,
    MAX_GHOST_ROWS,
    MAX_ROWS,
    Payload,
    addressed,
    averaged,
    board_payload,
    ghost_payload,
    kept_rows,
)
from vae_core.runs.snapshot import HISTORY_COLUMNS, AtLimits, Parts, Snapshot


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


def test_what_stands_at_a_limit_is_told() -> None:
    snapshot = replace(make_snapshot(), at_limits=AtLimits(low=1, high=2, components=3, scale=1))
    told = {"low": 1, "high": 2, "components": 3, "scale": 1, "examples": 360}
    assert payload_of(snapshot)["at_limits"] == told
    assert payload_of(make_snapshot())["at_limits"] == {**dict.fromkeys(told, 0), "examples": 360}


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


def with_columns(rows: int, **columns: NDArray[np.float64]) -> Snapshot:
    """A snapshot whose history has some columns set, beta 1 and one learning rate otherwise."""
    snapshot = make_snapshot(rows=rows)
    history = snapshot.history.copy()
    columns = {"beta": np.ones(rows), "learning_rate": np.full(rows, 2e-3), **columns}
    for name, values in columns.items():
        history[:, HISTORY_COLUMNS.index(name)] = values
    return replace(snapshot, history=history)


def changes_of(snapshot: Snapshot, **options: Any) -> list[dict[str, float]]:
    payload = board_payload(
        snapshot, run_id="a" * 16, image_shape=(8, 8), class_names=(), deterministic=False, **options
    )
    changes = payload["changes"]
    assert isinstance(changes, list)
    return changes


def test_each_change_is_marked_at_the_step_before_its_effect() -> None:
    beta, rate = np.ones(10), np.full(10, 2e-3)
    beta[4:], beta[7:], rate[7:] = 4.0, 0.5, 1e-3
    changes = changes_of(with_columns(10, beta=beta, learning_rate=rate))
    assert changes == [{"step": 75.0, "beta": 4.0}, {"step": 150.0, "beta": 0.5, "learning_rate": 1e-3}]


def test_rows_beside_a_change_are_not_thinned_away() -> None:
    rows = 1999
    beta = np.where(np.arange(rows) > 1001, 4.0, 1.0)
    payload = payload_of(with_columns(rows, beta=beta))
    history = payload["history"]
    assert isinstance(history, dict)
    steps = decoded(history["step"], "<f4").tolist()
    assert len(steps) <= MAX_ROWS + 2, len(steps)
    assert {1001 * 25.0, 1002 * 25.0} <= set(steps)


def test_a_long_drag_has_a_bounded_number_of_marks() -> None:
    changes = changes_of(with_columns(1000, beta=np.arange(1000.0)))
    assert len(changes) == MAX_CHANGES
    assert changes[-1]["beta"] == 999.0


def test_a_schedule_is_no_change_but_what_is_moved_by_hand_is() -> None:
    ramp = np.r_[np.linspace(0, 1, 60), np.full(40, 3.0)]
    snapshot = with_columns(100, beta=ramp)
    history = snapshot.history.copy()
    history[60:, 0] = history[59, 0] + 1 + 25 * np.arange(40)
    snapshot = replace(snapshot, history=history)
    assert len(changes_of(snapshot)) == 60
    assert changes_of(snapshot, is_scheduled=True) == [{"step": 59 * 25.0, "beta": 3.0}]


def test_a_schedule_that_is_stepped_singly_is_no_change() -> None:
    snapshot = with_columns(100, step=np.arange(100.0), beta=np.r_[np.linspace(0, 1, 60), np.full(40, 3.0)])
    for moves, made in (((), []), ((59,), [{"step": 59.0, "beta": 3.0}])):
        stepped = replace(snapshot, beta_moves=moves)
        assert changes_of(stepped, is_scheduled=True) == made


def test_a_row_of_a_single_update_makes_no_spike_in_the_training_curve() -> None:
    """1000 updates of -25 nats but one of -40, which has a row of its own: a change of beta, or a save."""
    step = np.r_[0:501:100, 501, 600:1001:100].astype(float)
    elbo = np.where(step == 501, -40.0, -25.0)
    elbo[0] = np.nan
    snapshot = with_columns(len(step), step=step, elbo_train=elbo)
    for parts, least in ((None, 16), (Parts(128, 0, 1), 2)):  # 16 updates of 64 are 1000 examples
        payload = payload_of(replace(snapshot, parts=parts))
        history = payload["history"]
        assert isinstance(history, dict)
        drawn = decoded(history["elbo_train"], "<f4")
        # The row is that of the 100 updates before it and its own: 16 updates would cut a row in two.
        expected = np.where(step == 501, (100 * -25.0 - 40.0) / 101, -25.0)
        np.testing.assert_allclose(drawn[1:], expected[1:], rtol=1e-6, err_msg=f"{least} updates")
    whole = board_payload(
        snapshot, run_id="", image_shape=(8, 8), class_names=(), deterministic=False, batch_size=1437
    )
    history = whole["history"]
    assert isinstance(history, dict)
    np.testing.assert_allclose(decoded(history["elbo_train"], "<f4")[1:], elbo[1:])  # all examples in each


def test_training_curves_are_means_over_all_updates_of_their_span() -> None:
    """Against the updates themselves, of rows at any steps; an infinite one spoils its own spans alone."""
    rng = np.random.default_rng(1)
    updates = rng.normal(size=(400, 4))
    updates[200] = -np.inf
    step = np.concatenate([[0], np.sort(rng.choice(np.arange(1, 401), 60, replace=False))])
    history = np.zeros((len(step), len(HISTORY_COLUMNS)))
    history[:, 0] = step
    training = [at for at, name in enumerate(HISTORY_COLUMNS) if name.endswith("_train")]
    history[0, training] = np.nan
    for row in range(1, len(step)):
        history[row, training] = updates[step[row - 1] : step[row]].mean(0)
    found = averaged(history, 7)
    for row in range(1, len(step)):
        began = max((one for one in step[:row] if one <= step[row] - 7), default=0)
        expected = updates[began : step[row]].mean(0)
        np.testing.assert_allclose(found[row, training], expected, rtol=1e-12, err_msg=f"row {row}")
    others = [at for at in range(len(HISTORY_COLUMNS)) if at not in training]
    np.testing.assert_array_equal(found[:, others], history[:, others])


def test_kl_by_dimension_says_which_units_are_active() -> None:
    snapshot = make_snapshot(latent_dim=3)
    means = snapshot.means.copy()
    means[:, 1] *= 0.01
    snapshot = replace(snapshot, means=means, kl_per_dim=np.array([1.5, np.nan, 0.25], np.float32))
    payload = payload_of(snapshot)
    assert payload["active"] == [True, False, True]
    assert payload["kl_per_dim"] == [1.5, None, 0.25], "JSON knows no NaN"
    plain = board_payload(
        snapshot, run_id="", image_shape=(8, 8), class_names=(), deterministic=True, free_bits=0.5
    )
    assert (plain["active"], plain["kl_per_dim"], plain["free_bits"]) == ([], [], 0.5)


def test_ghosts_are_small_and_keep_their_ends() -> None:
    history = make_snapshot(rows=2000).history
    packed = json.dumps(ghost_payload(history)).encode()
    assert len(packed) < 8000, len(packed)
    sent = decoded(json.loads(packed)["step"], "<f4")
    assert len(sent) <= MAX_GHOST_ROWS, len(sent)
    assert (sent[0], sent[-1]) == (history[0, 0], history[-1, 0])


def test_a_message_is_the_payload_with_what_one_watcher_is_told() -> None:
    payload = payload_of(make_snapshot())
    curves = json.dumps(ghost_payload(make_snapshot().history)).encode()
    kept = (("b" * 16, 'β "0.1"', curves), ("c" * 16, "J = 8", curves))
    packed = json.dumps(payload).encode()
    colour = b'{"title": "size"}'
    message = json.loads(
        addressed(packed, beta=0.25, owner="other", present=True, ghosts=kept, colour=colour)
    )
    names = ("beta_in_force", "owner", "present", "ghosts", "looked", "fork", "colour", "kept_alone")
    told = {name: message.pop(name) for name in names}
    assert told["colour"] == {"title": "size"}
    assert message == json.loads(packed)
    assert (told["beta_in_force"], told["owner"], told["present"]) == (0.25, "other", True)
    assert [(ghost["run"], ghost["label"]) for ghost in told["ghosts"]] == [kept[0][:2], kept[1][:2]]
    assert told["ghosts"][1]["history"] == json.loads(curves)
    assert json.loads(addressed(packed, beta=None, owner="", present=False, ghosts=()))["ghosts"] == []


def test_an_earlier_snapshot_lends_its_pictures_and_a_row_to_the_whole_curves() -> None:
    def packed(looked: Snapshot | None) -> dict[str, Any]:
        return board_payload(
            snapshot, run_id="", image_shape=(8, 8), class_names=(), deterministic=False, looked=looked
        )

    snapshot = make_snapshot()
    whole, history = packed(None), snapshot.history
    row = history[3:4].copy()
    row[0, 0] = (history[3, 0] + history[4, 0]) // 2
    earlier = replace(
        snapshot,
        step=int(row[0, 0]),
        history=np.vstack((history[:4], row)),
        means=-snapshot.means,
        kl_per_dim=snapshot.kl_per_dim + 1,
    )
    payload = packed(earlier)
    assert (payload["step"], payload["rows"]) == (earlier.step, whole["rows"])
    steps = [decoded(one["history"]["step"], "<f4") for one in (payload, whole)]
    np.testing.assert_array_equal(steps[0], np.insert(steps[1], 4, earlier.step))
    np.testing.assert_array_equal(decoded(payload["means"], "<f4"), -decoded(whole["means"], "<f4"))
    assert payload["changes"] == whole["changes"]
    assert payload["kl_per_dim"] == [2.0, 2.0]
    there = replace(earlier, step=int(history[3, 0]), history=history[:4])
    assert packed(there)["history"] == whole["history"]


def test_a_run_that_went_back_sends_its_curves_to_the_stop_and_stands_at_its_best_step() -> None:
    whole = make_snapshot()
    steps = whole.history[:, 0]
    validation = np.stack([steps[1:], -np.abs(np.arange(1, len(steps)) - 5.0), *2 * [steps[1:]]], axis=1)
    snapshot = replace(
        whole,
        step=int(steps[5]),
        history=whole.history[:6],
        later=whole.history[6:],
        validation=validation,
        parts=Parts(1293, 144, 360),
    )
    payload: dict[str, Any] = payload_of(snapshot)
    assert (payload["step"], payload["best"]) == (steps[5], steps[5])
    assert decoded(payload["history"]["step"], "<f4").tolist() == steps[:6].tolist()
    assert decoded(payload["later"]["step"], "<f4").tolist() == steps[5:].tolist(), (
        "joined to what was before"
    )
    for at, name in enumerate(("step", "elbo", "reconstruction", "kl")):
        sent = decoded(payload["validation"][name], "<f4")
        np.testing.assert_array_equal(sent, validation[:, at].astype(np.float32))
    assert payload["parts"] == {"training": 1293, "validation": 144, "held_out": 360}
    plain: dict[str, Any] = payload_of(whole)
    assert [plain[name] for name in ("validation", "best", "later", "parts")] == [None] * 4


def test_a_long_validation_curve_is_thinned_and_keeps_its_best_epoch() -> None:
    steps = np.arange(1.0, 2001)
    validation = np.stack([steps, -np.abs(steps - 778), steps, steps], axis=1)
    payload: dict[str, Any] = payload_of(replace(make_snapshot(), validation=validation))
    sent = decoded(payload["validation"]["step"], "<f4")
    assert len(sent) <= MAX_GHOST_ROWS + 1
    assert {1, 778, 2000} <= set(sent.tolist())
    assert payload["best"] == 778


def test_payload_costs_less_than_a_millisecond() -> None:
    snapshot = make_snapshot()
    seconds = min(timeit.repeat(lambda: payload_of(snapshot), number=1, repeat=50))
    assert seconds < 1e-3, seconds


def _page() -> None:
    import json

    from dashboard.components.board.element import training_board
    from dashboard.components.board.payload import addressed
    from tests.dashboard.components.test_board import make_snapshot, payload_of

    payload = json.dumps(payload_of(make_snapshot())).encode()
    message = addressed(payload, beta=2.0, owner="you", present=False, ghosts=())
    training_board(message, key="board", on_drop=lambda: None)


def test_element_mounts_with_its_payload() -> None:
    at = AppTest.from_function(_page).run()
    assert not at.exception, at.exception
    (element,) = at.get("bidi_component")
    assert element.proto.component_name.endswith("training_board"), element.proto.component_name
    assert b"0123456789abcdef" in element.proto.bytes, "the payload is not in the message"
