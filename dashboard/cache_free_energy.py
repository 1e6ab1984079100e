"""Cached computations of the free energy and of EM."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.figures.walk import Walk

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.free_energy import FreeEnergy, NoisyMixture
    from vae_core.mixture import EmStep, Mixture

Array = NDArray[np.float64]
NOISY: Final = {"line": 1, "plane": 2}
"""Names of the continuous examples, and how many dimensions they have."""
EM_STEPS: Final = 30
PATH_STEPS: Final = 40
CLIMB_STEPS: Final = 120
NUM_STARTS: Final = 6
_GRID: Final = {1: 401, 2: 121}


@st.cache_resource
def _components() -> "Mixture":
    from vae_core.mixture import Mixture

    return Mixture([0.5, 0.3, 0.2], [[-1.5], [0.8], [2.2]], [[[0.6]], [[0.25]], [[1.0]]])


@st.cache_resource(max_entries=2)
def _noisy(which: str) -> "NoisyMixture":
    from vae_core.free_energy import NoisyMixture
    from vae_core.mixture import Mixture

    if which == "line":
        return NoisyMixture(Mixture([0.55, 0.45], [[-1.4], [1.4]], [[[0.25]], [[0.36]]]), 1.2)
    covariances = [[[0.5, 0.25], [0.25, 0.4]], [[0.3, -0.15], [-0.15, 0.35]]]
    return NoisyMixture(Mixture([0.5, 0.5], [[-1.2, -0.5], [1.2, 0.8]], covariances), 1.2)


def components_posterior(x: float) -> tuple[float, ...]:
    """p(z|x) of the three components."""
    return tuple(_components().responsibilities(_datum(x))[0].tolist())


def components_free_energy(x: float, q: tuple[float, ...]) -> "FreeEnergy":
    """F of q over the three components."""
    import torch

    from vae_core.free_energy import responsibilities_free_energy

    return responsibilities_free_energy(_components(), _datum(x)[0], torch.tensor(q, dtype=torch.float64))


def ratio_without_log(x: float, q: tuple[float, ...]) -> float:
    """E_q[p(x, z) / q(z)], what a bound without its logarithm would be."""
    joint = _components().log_joint(_datum(x))[0].exp().numpy()
    return float(sum(share * (value / share) for share, value in zip(q, joint, strict=True) if share > 0))


@st.cache_data
def components_curves() -> tuple[Array, Array]:
    """Places on the line, and pi_k N(x; mu_k, Sigma_k) there, shape (3, places)."""
    import torch

    line = torch.linspace(-5, 5, 301, dtype=torch.float64)
    return line.numpy(), _components().log_joint(line[:, None]).exp().numpy().T


def _datum(x: float) -> "Tensor":
    import torch

    return torch.tensor([[x]], dtype=torch.float64)


@st.cache_data(max_entries=256)
def components_path(x: float, q: tuple[float, ...]) -> tuple[Array, Array]:
    """q on its way to the posterior, shape (steps, 3), and F of each."""
    import torch

    from vae_core.free_energy import geometric_path

    target = torch.tensor(components_posterior(x), dtype=torch.float64)
    path = geometric_path(torch.tensor(q, dtype=torch.float64), target, PATH_STEPS)
    return path.numpy(), np.array([components_free_energy(x, tuple(step.tolist())).bound for step in path])


@st.cache_resource(max_entries=256, show_spinner=False)
def gaussian(which: str, mean: tuple[float, ...], std: tuple[float, ...]) -> "tuple[FreeEnergy, Walk]":
    """F of a Gaussian q over z, and its climb from there to the best one."""
    import torch

    from vae_core.free_energy import climb, gaussian_free_energy

    model, x = _noisy(which), torch.full((NOISY[which],), 0.2, dtype=torch.float64)
    place, width = (torch.tensor(part, dtype=torch.float64) for part in (mean, std))
    steps = list(climb(model, x, place, width, num_steps=CLIMB_STEPS))
    line = np.linspace(-5, 5, _GRID[len(x)])
    places = torch.cartesian_prod(*[torch.from_numpy(line)] * len(x)).reshape(-1, len(x))
    log_density = model.posterior(x).log_prob(places).numpy().reshape([len(line)] * len(x))
    walk = Walk(
        axes=[line] * len(x),
        log_density=log_density,
        means=np.stack([step.mean.numpy() for step in steps]),
        stds=np.stack([step.std.numpy() for step in steps]),
        elbo=np.array([step.bound for step in steps]),
        log_evidence=model.log_evidence(x),
    )
    return gaussian_free_energy(model, x, place, width), walk


@st.cache_resource(show_spinner=False)
def seconds_per_decode() -> float:
    """Of the model that ships, one of 4000 at a time: the fastest of five."""
    from time import perf_counter

    import torch

    from dashboard import cache

    model, z = cache.model(cache.shipped_key()), torch.zeros(4000, 2)
    seconds = []
    with torch.no_grad():
        for _ in range(5):
            began = perf_counter()
            model.likelihood(z)
            seconds.append(perf_counter() - began)
    return min(seconds) / len(z)


class EmRun(NamedTuple):
    """EM from one start.

    Arguments:
        initial: The mixture that it began with.
        first: log p(x) of that, nats per datum.
        steps: What followed.
    """

    initial: "Mixture"
    first: float
    steps: "list[EmStep]"

    @property
    def last(self) -> float:
        """log p(x) at the end, nats per datum."""
        return self.steps[-1].log_likelihood


@st.cache_resource(max_entries=64, show_spinner="Running EM from several starts …")
def em(x: Array, num_components: int) -> list[EmRun]:
    """EM from NUM_STARTS random starts."""
    from itertools import islice

    import torch

    from vae_core.mixture import em_steps, random_start

    data, runs = torch.from_numpy(x), []
    for seed in range(NUM_STARTS):
        start = random_start(data, num_components, generator=torch.Generator().manual_seed(seed))
        steps = list(islice(em_steps(data, start), EM_STEPS))
        runs.append(EmRun(start, float(start.log_prob(data).mean()), steps))
    return runs


@st.cache_data(max_entries=64, show_spinner=False)
def library_means(x: Array, num_components: int, seed: int) -> Array:
    """The means that scikit-learn's GaussianMixture finds from the same start, shape (K, D)."""
    import warnings

    import torch
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    start = em(x, num_components)[seed].initial
    theirs = GaussianMixture(
        num_components,
        weights_init=start.weights.numpy(),
        means_init=start.means.numpy(),
        precisions_init=torch.linalg.inv(start.covariances).numpy(),
        reg_covar=0,
        tol=0,
        max_iter=EM_STEPS,
    )
    with warnings.catch_warnings():
        # It stops after as many steps as ours, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(theirs.fit(x).means_)
