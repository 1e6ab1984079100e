"""Which examples a lasso selects."""

import numpy as np

from dashboard.latent.selection import chosen_rows


def test_selected_points_are_found_by_class_and_place() -> None:
    labels = np.array([2, 0, 2, 0, 5], np.int32)
    points = [{"curve_number": 1, "point_index": 1}, {"curve_number": 0, "point_index": 0}]
    points.append({"curve_number": 2, "point_index": 0})
    assert chosen_rows(points, labels) == [2, 1, 4]
