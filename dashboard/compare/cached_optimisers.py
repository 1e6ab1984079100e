"""Cached computations of the laboratory of the optimisers."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.figures.descent import Descent
from dashboard.subject import pretrained
from vae_core.config import RunConfig, TrainConfig

if TYPE_CHECKING:
    from vae_core.labs.optimisers.race import Race

REACH = 3.0
_PER_SIDE = 33
NUM_STEPS = 60
Array = NDArray[np.float64]


@st.cache_resource(max_entries=64, show_spinner="Training three times …")
def race(runs: tuple[RunConfig, ...], num_data: int) -> "Race":
    """A race that is short enough to wait for."""
    from vae_core.labs.optimisers.race import race as core_race
    from vae_core.labs.optimisers.race import race_data

    return core_race(race_data(runs[0], num_data), runs, on_progress=lambda _: None)


@st.cache_resource(max_entries=64, show_spinner=False)
def surface(index: int) -> tuple[Array, Array]:
    """Values along both axes, and the ELBO of a held-out datum of the shipped model for q's means there."""
    import torch

    from vae_core.labs.optimisers.descent import mean_elbo

    model = pretrained().model
    x, std = (torch.from_numpy(part[index]) for part in _datum_parts())
    axis = torch.linspace(-REACH, REACH, _PER_SIDE)
    with torch.no_grad():
        found = mean_elbo(model, x, torch.cartesian_prod(axis, axis), std)
    return axis.double().numpy(), found.reshape(_PER_SIDE, _PER_SIDE).numpy()


@st.cache_resource(max_entries=64, show_spinner=False)
def descents(index: int, start: tuple[float, float], racers: tuple[TrainConfig, ...]) -> list[Descent]:
    """The ways of the optimisers over that surface, with the same noise."""
    import torch

    from vae_core.labs.optimisers.descent import mean_path

    model = pretrained().model
    x, std = (torch.from_numpy(part[index]) for part in _datum_parts())
    found = []
    for config in racers:
        noise = torch.Generator().manual_seed(0)
        way = mean_path(model, x, std, torch.tensor(start), config, num_steps=NUM_STEPS, generator=noise)
        found.append(Descent(way.means.double().numpy(), way.elbo.numpy()))
    return found


def _datum_parts() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    data = cache.encoded(pretrained())
    return data.x, data.stds
