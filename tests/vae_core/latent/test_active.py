"""Active units against the definition, and where nothing can vary."""

import numpy as np
import torch

from vae_core.latent.active import active_units


def test_units_are_active_when_their_means_vary() -> None:
    means = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.11, 2.0], [0.0, 0.0, 3.0], [0.0, 0.11, 1.0]])
    assert active_units(means).tolist() == [False, False, True]


def test_the_variance_is_the_unbiased_one() -> None:
    """Two examples 0.141 and 0.142 apart: half the squared distance is 0.00994 and 0.01008."""
    assert active_units([[0.0, 0.0], [0.141, 0.142]]).tolist() == [False, True]


def test_one_example_and_broken_numbers_are_not_active() -> None:
    assert active_units([[3.0, 4.0]]).tolist() == [False, False]
    broken = np.array([[np.nan, np.inf], [1.0, -np.inf], [2.0, 0.0]], np.float32)
    assert active_units(broken).tolist() == [False, False]
