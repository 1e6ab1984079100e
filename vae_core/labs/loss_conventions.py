"""The effect of sum and mean reductions in a VAE's loss on its value and on the effective beta."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vae_core.likelihoods import Gaussian

Reduction = Literal["sum", "mean"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How an implementation reduces the two terms to one loss.

    Arguments:
        data_dim: D.
        latent_dim: J.
        batch_size: B.
        pixels: Reduction of the reconstruction over the D values of an example.
        latent: Reduction of the KL over the J dimensions.
        batch: Reduction of the reconstruction over the B examples.
        kl_batch: Reduction of the KL over the B examples.
        scale: s, where the reconstruction is ||x - y||^2: a Gaussian likelihood without its 1 / (2 s^2) and
            its constant. None: it is -log p(x|z).
    """

    data_dim: int
    latent_dim: int
    batch_size: int
    pixels: Reduction = "sum"
    latent: Reduction = "sum"
    batch: Reduction = "mean"
    kl_batch: Reduction = "mean"
    scale: float | None = None

    def loss(self, reconstruction: float, kl: float, beta: float = 1.0) -> float:
        """The loss that it reports.

        Arguments:
            reconstruction: Mean over examples of E_q[log p(x|z)], summed over pixels, nats.
            kl: Mean over examples of KL(q || p), summed over latent dimensions, nats.
            beta: The factor of the KL in its code.
        """
        missing = 0.0 if self.scale is None else highest_density(self.data_dim, self.scale)
        return self._reconstruction_factor * (missing - reconstruction) + beta * self._kl_factor * kl

    def effective_beta(self, beta: float = 1.0) -> float:
        """The beta of E_q[log p(x|z)] - beta KL whose gradient has the direction of this loss's.

        Where a and b are what the reductions put before the two terms, a loss -a E_q[log p(x|z)] + beta b KL
        has beta_effective = beta b / a: with a mean over D pixels it is D times the factor in the code.

        Arguments:
            beta: The factor of the KL in its code.
        """
        return beta * self._kl_factor / self._reconstruction_factor

    @property
    def _reconstruction_factor(self) -> float:
        # Our terms are means over the batch: a sum over it is B of them.
        over_batch = float(self.batch_size) if self.batch == "sum" else 1.0
        over_pixels = 1.0 if self.pixels == "sum" else 1.0 / self.data_dim
        return over_batch * over_pixels * (1.0 if self.scale is None else 2.0 * self.scale**2)

    @property
    def _kl_factor(self) -> float:
        over_batch = float(self.batch_size) if self.kl_batch == "sum" else 1.0
        return over_batch * (1.0 if self.latent == "sum" else 1.0 / self.latent_dim)


def bits_per_dim(nats: float, data_dim: int) -> float:
    """-nats / (D log 2), bits for each value; negative where a density is above 1."""
    return -nats / (data_dim * math.log(2))


def entropy_floor(x: Tensor) -> Tensor:
    """sum_i H(x_i), nats, shape (n,): under Bernoulli, -log p(x|z) of grey pixels never falls below it.

    x log y + (1 - x) log(1 - y) is largest at y = x, where it is -H(x); 0 for black and white alone
    (Loaiza-Ganem and Cunningham 2019).

    Arguments:
        x: Examples in [0, 1], shape (n, D).
    """
    x = x.double()
    return -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).sum(-1)


def highest_density(data_dim: int, scale: float) -> float:
    """log p(x|z) of a Gaussian likelihood at x = E[x|z]: -D log s - D/2 log 2 pi, nats.

    Above 0 for s < 0.399: a density may exceed 1, so a negative loss is no error.
    """
    values = torch.zeros(data_dim, dtype=torch.float64)
    return float(Gaussian(values, torch.tensor(scale, dtype=torch.float64)).log_prob(values))
