"""A small variational autoencoder in PyTorch whose numbers can be trusted: no Streamlit, no Plotly.

    from vae_core import VAE, ModelConfig, TrainConfig, fit, load_dataset

Each name loads on first use. Bottom to top: ``errors`` <- ``config`` <- ``data``, ``distributions``,
``networks`` <- ``posteriors``, ``likelihoods`` <- ``priors`` <- ``model`` <- ``elbo`` <- ``objectives`` <-
``evidence``, ``latent``, ``training`` <- ``runs`` <- ``labs``.
"""

from typing import TYPE_CHECKING

from vae_core.exports import lazy_exports

if TYPE_CHECKING:
    from vae_core.config import ModelConfig, RunConfig, TrainConfig
    from vae_core.data import Dataset, from_arrays, load_dataset
    from vae_core.elbo import ElboTerms, elbo_terms
    from vae_core.errors import BadInput, TrainingDiverged
    from vae_core.evidence import exact_evidence, iw_bound
    from vae_core.model import VAE
    from vae_core.runs import load_run, save_run
    from vae_core.training import Training, TrainStep, fit

__all__ = [
    "VAE",
    "BadInput",
    "Dataset",
    "ElboTerms",
    "ModelConfig",
    "RunConfig",
    "TrainConfig",
    "TrainStep",
    "Training",
    "TrainingDiverged",
    "elbo_terms",
    "exact_evidence",
    "fit",
    "from_arrays",
    "iw_bound",
    "load_dataset",
    "load_run",
    "save_run",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "vae_core.config": ("ModelConfig", "RunConfig", "TrainConfig"),
        "vae_core.data": ("Dataset", "from_arrays", "load_dataset"),
        "vae_core.elbo": ("ElboTerms", "elbo_terms"),
        "vae_core.errors": ("BadInput", "TrainingDiverged"),
        "vae_core.evidence": ("exact_evidence", "iw_bound"),
        "vae_core.model": ("VAE",),
        "vae_core.runs": ("load_run", "save_run"),
        "vae_core.training": ("Training", "TrainStep", "fit"),
    },
)
