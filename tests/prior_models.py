"""Mixtures and small models with learned priors, for tests."""

from typing import Final

import torch

from vae_core.config import ModelConfig
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.priors import NormalMixture

LEARNED: Final = ("vamp", "mixture")


def random_mixture(num_components: int, latent_dim: int, generator: torch.Generator) -> NormalMixture:
    """Uneven weights, means about 1.5 apart, deviations from 0.3 to 1, float64."""
    logits, mean = (
        torch.randn(num_components, *shape, generator=generator).double() for shape in ((), (latent_dim,))
    )
    log_var = 2 * torch.log(0.3 + 0.7 * torch.rand(mean.shape, generator=generator).double())
    return NormalMixture(torch.log_softmax(logits, 0), DiagonalNormal(1.5 * mean, log_var))


def small(prior: str, generator: torch.Generator, **settings: object) -> VAE:
    config = {"data_dim": 5, "hidden_dims": (7,), "num_components": 4, "prior": prior, **settings}
    return VAE(ModelConfig(**config), generator=generator).double()  # type: ignore[arg-type]
