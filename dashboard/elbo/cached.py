"""Cached measurements of the bound: thin wrappers round one core call each, keyed by the run file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.cached import RunKey

if TYPE_CHECKING:
    from vae_core.evidence.exact import Evidence
    from vae_core.evidence.importance import ImportanceCurve
    from vae_core.evidence.lattice import Lattice
    from vae_core.evidence.local_posterior import LocalStep
    from vae_core.evidence.posterior_density import PosteriorGrid
    from vae_core.latent.aggregate import Surgery

MAX_SURGERY_DATA: Final = 1000
MAX_SURGERY_SAMPLES: Final = 10
_SURGERY_DIMS: Final = 20
"""Samples * J, so that comparing each sample with each datum in each dimension stays below a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatumBound:
    """What is measured of the bound of one datum.

    Arguments:
        evidence: log p(x) and the gap, each of shape (1,); None for J > 2.
        posterior: The true posterior on a grid; None for J > 2.
        curve: The importance-weighted bound, and log p(x|z) of its samples.
        kl: KL(q || prior), nats.
    """

    evidence: "Evidence | None"
    posterior: "PosteriorGrid | None"
    curve: "ImportanceCurve"
    kl: float

    @property
    def elbo(self) -> float:
        """The bound: by quadrature where there is one, else from the samples."""
        if self.evidence is not None:
            return float(self.evidence.elbo)
        return float(self.curve.log_likelihoods.mean()) - self.kl


@st.cache_resource(max_entries=8, show_spinner=False)
def _lattice(key: RunKey) -> "Lattice | None":
    """What all data of a model share; 13 MB for 784 pixels."""
    from vae_core.evidence.lattice import decoded_lattice

    return decoded_lattice(cache.model(key))


@st.cache_resource(max_entries=256, show_spinner=False)
def datum(key: RunKey, split: str, index: int) -> DatumBound:
    """log p(x) of one datum, its true posterior, and its bounds."""
    import torch

    from vae_core.evidence.exact import MAX_EXACT_DIMS, exact_evidence
    from vae_core.evidence.importance import importance_curve
    from vae_core.evidence.posterior_density import posterior_on_grid

    model, terms = cache.model(key), cache.encoded(key, 1, split)
    x = torch.from_numpy(terms.x[index])
    # Noise of its own for each datum: a rare draw that all shared would lift the curves of all of them.
    noise = torch.Generator().manual_seed(cache.run(key).config.seed + 1 + index)
    is_exact = model.config.latent_dim <= MAX_EXACT_DIMS
    evidence = exact_evidence(model, x[None], decoded=_lattice(key)) if is_exact else None
    log_evidence = None if evidence is None else float(evidence.log_evidence)
    return DatumBound(
        evidence=evidence,
        posterior=posterior_on_grid(model, x) if is_exact else None,
        curve=importance_curve(model, x, log_evidence=log_evidence, generator=noise),
        kl=float(terms.kl[index]),
    )


@st.cache_resource(max_entries=64, show_spinner="Optimising q for this datum …")
def walk(key: RunKey, split: str, index: int) -> "list[LocalStep]":
    """Each step of q on its way from the encoder's answer to the best diagonal Gaussian for one datum."""
    import torch

    from vae_core.evidence.local_posterior import optimise_posterior

    x = torch.from_numpy(cache.encoded(key, 1, split).x[index : index + 1])
    noise = torch.Generator().manual_seed(cache.run(key).config.seed)
    return list(optimise_posterior(cache.model(key), x, generator=noise))


@st.cache_resource(max_entries=32, show_spinner="Taking the KL apart …")
def surgery(key: RunKey, split: str) -> "Surgery":
    """Mutual information, total correlation and dimension-wise KL of the first data."""
    import torch

    from vae_core.latent.aggregate import kl_surgery

    terms = cache.encoded(key, 1, split)
    means, stds = (torch.from_numpy(part[:MAX_SURGERY_DATA]) for part in (terms.means, terms.stds))
    noise = torch.Generator().manual_seed(cache.run(key).config.seed)
    num_samples = max(1, min(MAX_SURGERY_SAMPLES, _SURGERY_DIMS // means.shape[1]))
    return kl_surgery(means, stds, num_samples=num_samples, generator=noise)


def active_units(key: RunKey, split: str) -> NDArray[np.bool_]:
    """Which latent dimensions say anything, shape (J,)."""
    import torch

    from vae_core.latent.aggregate import active_units as active

    return active(torch.from_numpy(cache.encoded(key, 1, split).means)).numpy()


def beta_in_force(key: RunKey) -> float:
    """β of the last update: the schedule's, or where it was moved to while the run trained."""
    from vae_core.training.optimizer import last_beta

    found = cache.run(key)
    live = found.state_scalars.get("live_beta")
    if live is not None:
        return float(live)
    config = found.config
    num_data = len(cache.dataset(config.dataset, config.seed, config.data_folder).x_train)
    return last_beta(config.train, step=found.step, num_data=num_data)
