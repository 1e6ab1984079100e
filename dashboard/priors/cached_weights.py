"""Cached computations of the weights that have a posterior."""

from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.weights import LineView
from vae_core.data.table import load_table, standardized

if TYPE_CHECKING:
    from vae_core.labs.weights.bayesian_regression import WeightFit

Array = NDArray[np.float64]
COLUMNS: Final = ["petal length", "petal width"]
NUM_FLOWERS: Final = 150
NUM_HIDDEN: Final = 20
NOISE: Final = 0.25
REACH: Final = 3.5
GAP: Final = -0.75
"""Between the two groups of petal lengths: no flower has one."""
_PLACES: Final = 281


@st.cache_data
def flowers() -> Array:
    """Petal length and width in standard deviations, in a random order that stays, shape (150, 2)."""
    table = load_table("iris")
    names = [next(name for name in table.columns if name.startswith(wanted)) for wanted in COLUMNS]
    rows = standardized(table, names)
    return rows[np.random.default_rng(0).permutation(len(rows))]


@st.cache_resource(max_entries=256, show_spinner=False)
def line(num_data: int, prior_std: float, *, wrong: bool) -> "tuple[WeightFit, LineView]":
    """q over the last layer's weights after the first ``num_data`` flowers, and what it decodes.

    Arguments:
        num_data: How many; 0: q is the prior.
        prior_std: Width of the prior over weights.
        wrong: Whether q is found with its KL counted once per datum.
    """
    import torch

    from vae_core.labs.weights.bayesian_regression import fit_weights, tanh_features

    def layer(z: Array) -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        return tanh_features(torch.from_numpy(z), NUM_HIDDEN, generator=noise)

    data = flowers()[:num_data]
    z, x = data.T.copy()
    places = np.linspace(-REACH, REACH, _PLACES)
    factor = float(max(1, num_data)) if wrong else 1.0
    found = fit_weights(layer(z), torch.from_numpy(x), noise=NOISE, prior_std=prior_std, kl_factor=factor)
    spread, exact = found.spread(layer(places))
    view = LineView(
        z=places,
        mean=(layer(places) @ found.mean).numpy(),
        spread=spread.numpy(),
        exact_mean=(layer(places) @ found.exact_mean).numpy(),
        exact_spread=exact.numpy(),
        noise=NOISE,
        points=data,
    )
    return found, view


def places(z: NDArray[np.floating]) -> list[tuple[str, int]]:
    """Names and indices of three places on the line: among the data, in their gap, beyond them."""
    named = (("among the data, z = 0.5", 0.5), (f"in the gap, z = −{-GAP:g}", GAP), ("beyond, z = 3", 3.0))
    return [(name, int(np.abs(z - place).argmin())) for name, place in named]
