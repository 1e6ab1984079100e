"""The bound averaged over many data, and whether data suit a model at all."""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset
from vae_core.elbo import ElboTerms, elbo_terms
from vae_core.errors import BadInput
from vae_core.model import VAE

MAX_STEP_VALUES = 50_000_000
"""Decoded values M * B * D in one training step: with their gradients about a gigabyte."""
_MAX_VALUES = 2_000_000
"""Decoded values at a time: M * rows * D, 8 MB in float32."""


class Evaluation(NamedTuple):
    """Means over data of the terms of the bound, nats per datum; ``elbo`` has beta = 1.

    Arguments:
        elbo: reconstruction - kl.
        reconstruction: Mean of E_q[log p(x|z)], estimated with ``num_samples`` samples per datum.
        kl: Mean of KL(q(z|x) || p(z)).
        kl_per_dim: Its parts, shape (J,); empty when the KL is a Monte-Carlo estimate.
        num_data: How many data were averaged.
        num_samples: M.
    """

    elbo: float
    reconstruction: float
    kl: float
    kl_per_dim: Tensor
    num_data: int
    num_samples: int


def evaluate(model: VAE, x: Tensor, *, num_samples: int = 1, generator: torch.Generator) -> Evaluation:
    """Means of the bound's terms over data x of shape (n, D); z is sampled from q, as in training."""
    terms = terms_per_datum(model, x, num_samples=num_samples, generator=generator)
    reconstruction, kl = float(terms.reconstruction.double().mean()), float(terms.kl.double().mean())
    per_dim = terms.kl_per_dim
    return Evaluation(
        elbo=reconstruction - kl,
        reconstruction=reconstruction,
        kl=kl,
        kl_per_dim=torch.empty(0) if per_dim is None else per_dim.double().mean(0),
        num_data=len(x),
        num_samples=num_samples,
    )


@torch.no_grad()
def terms_per_datum(model: VAE, x: Tensor, *, num_samples: int = 1, generator: torch.Generator) -> ElboTerms:
    """The bound's terms of many data, shape (n,), in pieces of bounded memory; no gradients."""
    rows = max(1, _MAX_VALUES // (num_samples * max(x.shape[-1], model.config.prior_width)))
    parts = [
        elbo_terms(model, piece, num_samples=num_samples, generator=generator) for piece in x.split(rows)
    ]
    per_dim = [part.kl_per_dim for part in parts if part.kl_per_dim is not None]
    return ElboTerms(
        torch.cat([part.reconstruction for part in parts]),
        torch.cat([part.kl for part in parts]),
        torch.cat(per_dim) if per_dim else None,
    )


def check_data(model_config: ModelConfig, dataset: Dataset) -> None:
    """Raises :class:`BadInput` where the data cannot be data of this model."""
    if model_config.prior != "standard_normal" and model_config.num_components > len(dataset.x_train):
        raise BadInput(
            "num_components",
            f"a prior of {model_config.num_components} components for {len(dataset.x_train)} training data",
            "choose no more of them than there are data",
        )
    for x in (dataset.x_train, dataset.x_test):
        if x.shape[-1] != model_config.data_dim:
            raise BadInput(
                "data_dim",
                f"{dataset.name} has {x.shape[-1]} values per datum, the model takes {model_config.data_dim}",
                f"set data_dim to {x.shape[-1]}",
            )
        if not bool(torch.isfinite(x).all()):
            raise BadInput("data", f"{dataset.name} holds NaN or infinite values", "remove those rows")
        low, high = float(x.min()), float(x.max())
        if model_config.likelihood != "gaussian" and (low < 0 or high > 1):
            raise BadInput(
                "likelihood",
                f"a {model_config.likelihood} likelihood needs data in [0, 1], "
                f"{dataset.name} spans [{low:.3g}, {high:.3g}]",
                "choose the Gaussian likelihood, or scale the data to [0, 1]",
            )


def check_step_size(config: TrainConfig, batch_size: int, model_config: ModelConfig) -> None:
    """Raises :class:`BadInput` (code ``num_samples``) where one step would not fit into memory."""
    width = max(model_config.data_dim, model_config.prior_width)
    values = config.num_samples * batch_size * width
    if values > MAX_STEP_VALUES:
        raise BadInput(
            "num_samples",
            f"num_samples {config.num_samples} of {batch_size} data with {width} values are {values:,} "
            f"numbers in one step, the limit is {MAX_STEP_VALUES:,}",
            "use fewer samples or a smaller batch",
        )
