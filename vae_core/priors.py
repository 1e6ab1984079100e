"""Priors that are learned: a mixture of Gaussians, and the VampPrior, a mixture of approximate posteriors."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from vae_core.config import ModelConfig
from vae_core.distributions import LOG_VAR_RANGE, DiagonalNormal, Prior

_START_VARIANCE: Final = 0.25
"""Of a component of an untrained mixture; its mean has the rest of 1, so that it begins near N(0, I)."""

_NOISE: Final = 0.15
_OPEN_INTERVAL: Final = (0.05, 0.95)
"""Where a sigmoid still has a slope."""


@dataclass(frozen=True, slots=True)
class DiagonalMixture:
    """p(z) = sum_k pi_k N(z; mean_k, diag exp(log_var_k)).

    Arguments:
        log_weights: log pi, shape (K,).
        components: The K Gaussians, mean and log_var of shape (K, J).

    Example:
        >>> prior = DiagonalMixture(torch.zeros(1), DiagonalNormal(torch.zeros(1, 2), torch.zeros(1, 2)))
        >>> round(float(prior.log_prob(torch.zeros(2))), 4)
        -1.8379
    """

    log_weights: Tensor
    components: DiagonalNormal

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z of shape (..., J) gives (...,)."""
        return torch.logsumexp(self.log_weights + self.components.log_prob(z[..., None, :]), -1)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws z of shape (num_samples, J): a component, then a place in it."""
        rows = torch.multinomial(self.log_weights.exp(), num_samples, replacement=True, generator=generator)
        chosen = self.components.of(rows)
        return chosen.reparameterize(chosen.draw_eps(1, generator=generator))[0]


def vamp_prior(posterior: DiagonalNormal) -> DiagonalMixture:
    """p(z) = 1/K sum_k q(z|u_k) from q of K pseudo-inputs (Tomczak and Welling 2018, arXiv 1705.07120).

    With all n training data as pseudo-inputs it is their aggregate posterior, the best of all priors for
    these data: the mean KL is then the mutual information of x and z.
    """
    count = len(posterior.mean)
    return DiagonalMixture(posterior.mean.new_full((count,), -math.log(count)), posterior)


def prior_box(prior: Prior, latent_dim: int, reach: float) -> tuple[Tensor, Tensor]:
    """Corners of a box that holds ``reach`` deviations of every component: two of shape (J,), float64."""
    if not isinstance(prior, DiagonalMixture):
        side = torch.full((latent_dim,), reach, dtype=torch.float64)
        return -side, side
    mean, std = prior.components.mean.double(), prior.components.std.double()
    return (mean - reach * std).amin(0), (mean + reach * std).amax(0)


class MixtureParameters(nn.Module):
    """What a mixture prior learns: weights through a softmax, means, and log variances.

    Arguments:
        config: K components in J dimensions.
        generator: Draws the first means, so that the untrained mixture has mean 0 and variance 1.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        shape, device = (config.num_components, config.latent_dim), generator.device
        means = math.sqrt(1 - _START_VARIANCE) * torch.randn(shape, generator=generator, device=device)
        self.logits = nn.Parameter(torch.zeros(shape[0], device=device))
        self.means = nn.Parameter(means)
        self.log_vars = nn.Parameter(torch.full(shape, math.log(_START_VARIANCE), device=device))

    def forward(self) -> DiagonalMixture:
        """p(z)."""
        components = DiagonalNormal(self.means, self.log_vars.clamp(*LOG_VAR_RANGE))
        return DiagonalMixture(torch.log_softmax(self.logits, 0), components)


class PseudoInputs(nn.Module):
    """What a VampPrior learns: K data u_k that never were, of shape (K, D).

    For a likelihood of values in [0, 1] they are a sigmoid of the parameters. The paper clamps them
    (Hardtanh), but a pixel that a step carried over the edge has no gradient there and never comes back.

    Arguments:
        config: K pseudo-inputs of D values.
        generator: Draws them near the middle: grey noise.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        shape = (config.num_components, config.data_dim)
        self._is_bounded = config.likelihood != "gaussian"
        self.values = nn.Parameter(torch.randn(shape, generator=generator, device=generator.device))

    @torch.no_grad()
    def begin_near(self, x: Tensor) -> None:
        """Starts all of them near one datum x of shape (D,), each with some of its own noise."""
        start = torch.logit(x.clamp(*_OPEN_INTERVAL)) if self._is_bounded else x
        self.values.mul_(_NOISE).add_(start)

    def forward(self) -> Tensor:
        """u, shape (K, D)."""
        return torch.sigmoid(self.values) if self._is_bounded else self.values
