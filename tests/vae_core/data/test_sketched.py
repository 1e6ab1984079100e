"""Points from a drawn density lie where it was drawn, as often as it says."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest

from vae_core.data.own_content import facts_in
from vae_core.data.sketched import points_from, sketched_arrays
from vae_core.errors import BadInput


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_cells_are_drawn_in_proportion_to_their_levels_and_evenly_within() -> None:
    levels = np.array([[0.0, 3.0, 9.0], [1.0, 0.0, 2.0]])
    points = points_from(levels, 20_000, generator=seeded()).astype(np.float64)
    columns = np.floor((points[:, 0] + 2) / 4 * 3).astype(int)
    rows = np.floor((2 - points[:, 1]) / 4 * 2).astype(int)
    counts = np.zeros((2, 3))
    np.add.at(counts, (rows, columns), 1)
    assert (counts[levels == 0] == 0).all()
    there = levels > 0
    # A fixed seed; true models fail once in a million.
    assert chisquare(counts[there], 20_000 * levels[there] / levels.sum()).pvalue > 1e-6
    within = (points[:, 0] + 2) / 4 * 3 - columns
    assert kstest(within, "uniform").pvalue > 1e-6


def test_the_seed_decides_the_points_and_their_content_the_name() -> None:
    levels = np.ones((4, 4))
    first, again = (points_from(levels, 50, generator=seeded()) for _ in range(2))
    assert np.array_equal(first, again)
    facts = facts_in(sketched_arrays(first, "mine"))
    assert facts == facts_in(sketched_arrays(again, "mine"))
    assert (facts.form, facts.columns, facts.shape, facts.num_examples) == (
        "drawn density",
        ("x", "y"),
        (2,),
        50,
    )


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing is drawn yet"):
        points_from(np.zeros((3, 3)), 10, generator=seeded())
