"""Cached: the model that ships under priors that are put in after its training."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.subject import pretrained

if TYPE_CHECKING:
    from vae_core.distributions import Prior
    from vae_core.labs.priors.plug_in import PluggedIn

Array = NDArray[np.float32]
REACH: Final = 4.0
GRID: Final = 61
NUM_SAMPLES: Final = 10
"""M, samples of z for each held-out datum."""
NUM_DECODED: Final = 24


class Plugged(NamedTuple):
    """One prior of the model that ships.

    Arguments:
        numbers: The bound of the held-out data under it.
        density: log p(z) on ``GRID`` by ``GRID`` places from -``REACH`` to ``REACH``, nats.
        centres: Means of its components, shape (K, 2); none for N(0, I).
        samples: Decoded draws, shape (NUM_DECODED, D).
    """

    numbers: "PluggedIn"
    density: Array
    centres: Array
    samples: Array


@st.cache_resource(max_entries=16, show_spinner="Fitting priors …")
def plugged(num_components: int) -> dict[str, Plugged]:
    """N(0, I), a fitted mixture and a VampPrior of training data, by their names."""
    import torch

    from vae_core.evidence.importance import stochastic_posterior
    from vae_core.labs.priors.plug_in import plug_in, plug_in_priors

    shown = pretrained()
    model, seed = shown.model, shown.config.seed
    held_out, training = shown.data.x_test, shown.data.x_train
    axis = torch.linspace(-REACH, REACH, GRID)
    places = torch.cartesian_prod(axis, axis).reshape(GRID, GRID, 2).transpose(0, 1)
    noise, found = torch.Generator().manual_seed(seed), {}
    with torch.no_grad():
        priors = plug_in_priors(stochastic_posterior(model, training), num_components, generator=noise)
        for name, prior in priors.items():
            z = prior.sample(NUM_DECODED, generator=noise).float()
            found[name] = Plugged(
                numbers=plug_in(model, held_out, prior, num_samples=NUM_SAMPLES, seed=seed),
                density=prior.log_prob(places).float().numpy(),
                centres=_centres(prior),
                samples=model.likelihood(z).mean.numpy(),
            )
    return found


def _centres(prior: "Prior") -> Array:
    components = prior.components
    return np.empty((0, 2), np.float32) if components is None else components.mean.float().numpy()
