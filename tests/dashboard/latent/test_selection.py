"""Which examples a lasso selects."""

import numpy as np

from dashboard.components.chart.element import Point
from dashboard.latent.selection import chosen_rows


def test_selected_points_are_found_by_class_and_place() -> None:
    labels = np.array([2, 0, 2, 0, 5], np.int32)
    assert chosen_rows([Point(1, 1), Point(0, 0), Point(2, 0)], labels) == [2, 1, 4]
    assert chosen_rows([Point(3, 0), Point(0, 2)], labels) == [], "no browser names what there is not"
