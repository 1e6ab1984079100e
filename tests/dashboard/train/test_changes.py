"""Where a run differs from its settings: each change by hand, and none that a schedule makes."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.train.changes import changes
from vae_core.config import TrainConfig
from vae_core.runs.snapshot import HISTORY_COLUMNS

TRAIN: Final = TrainConfig(beta=1.0, learning_rate=2e-3)


def history(**columns: list[float]) -> NDArray[np.float64]:
    rows = np.zeros((4, len(HISTORY_COLUMNS)))
    values = {"step": [0, 100, 420, 421], "beta": [1.0] * 4, "learning_rate": [2e-3] * 4} | columns
    for name, column in values.items():
        rows[:, HISTORY_COLUMNS.index(name)] = column
    return rows


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, []),
        ({"beta": [1.0, 1.0, 1.0, 4.0]}, ["β was changed to 4 at step 420"]),
        ({"beta": [0.1, 0.1, 0.1, 0.1]}, ["β was changed to 0.1 at step 0"]),
        ({"beta": [1.0, 1.0, 4.0, 1.0]}, ["β was changed twice, last to 1 at step 420"]),
        ({"beta": [2.0, 3.0, 4.0, 5.0]}, ["β was changed 4 times, last to 5 at step 420"]),
        (
            {"beta": [1.0, 0.0, 0.0, 0.0], "learning_rate": [2e-3, 2e-3, 2e-3, 1e-4]},
            ["β was changed to 0 at step 0", "η was changed to 0.0001 at step 420"],
        ),
    ],
)
def test_each_value_that_was_changed_is_named_with_its_step(
    columns: dict[str, list[float]], says: list[str]
) -> None:
    assert changes(TRAIN, history(**columns)) == says


def test_schedule_is_a_setting_and_an_empty_history_says_nothing() -> None:
    warm_up = TrainConfig(beta_schedule="linear", schedule_epochs=2)
    assert changes(warm_up, history(beta=[0.0, 0.3, 0.9, 1.0])) == []
    assert changes(TRAIN, np.zeros((0, len(HISTORY_COLUMNS)))) == []
