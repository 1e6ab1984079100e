"""Priors p(z): N(0, I), and those that are learned, a mixture of Gaussians and the VampPrior.

The VampPrior is a mixture of approximate posteriors.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from vae_core.config import ModelConfig
from vae_core.distributions import LOG_2PI, LOG_VAR_RANGE, bounded, negative_log_density
from vae_core.posteriors import AnyNormal, DiagonalNormal

_START_VARIANCE: Final = 0.25
"""Variance of each component before training; the means have the rest of 1: it begins near N(0, I)."""

_NOISE: Final = 0.15
_OPEN_INTERVAL: Final = (0.05, 0.95)
"""Where the gradient of a sigmoid does not vanish."""
_GREY_REACH: Final = 7.0
"""sigmoid(7) is within 0.001 of 1, and its slope has fallen to 0.0009: from 17 on it is 0 in float32."""
_GREY_LIMIT: Final = 16.0
"""sigmoid(16) is within 2e-7 of 1: nothing is gained further out."""


@dataclass(frozen=True, slots=True)
class StandardNormal:
    """p(z) = N(0, I) over J dimensions."""

    latent_dim: int

    @property
    def mean(self) -> Tensor:
        """0, shape (J,)."""
        return torch.zeros(self.latent_dim)

    @property
    def variance(self) -> Tensor:
        """1, shape (J,)."""
        return torch.ones(self.latent_dim)

    @property
    def components(self) -> None:
        """It is no mixture."""
        return

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log p(z) = -1/2 sum_j (z_j^2 + log 2 pi): z of shape (..., J) gives (...,), nats."""
        return -negative_log_density(z.square(), 0.0).sum(-1)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws z of shape (num_samples, J)."""
        return torch.randn(num_samples, self.latent_dim, generator=generator, device=generator.device)

    def entropy(self) -> Tensor:
        """J/2 log 2 pi e, a scalar, nats."""
        return torch.tensor(0.5 * self.latent_dim * (1.0 + LOG_2PI))

    def kl_per_dim_from(self, q: "AnyNormal", /) -> Tensor:
        """KL(q || N(0, I)) of each dimension, shape (batch, J), nats."""
        return q.kl_to_standard_normal()

    def marginal(self, dim: int) -> "StandardNormal":
        """p(z_dim) = N(0, 1)."""
        del dim
        return StandardNormal(1)

    def box(self, reach: float) -> tuple[Tensor, Tensor]:
        """Corners of a box that holds ``reach`` standard deviations: two of shape (J,), float64."""
        side = torch.full((self.latent_dim,), reach, dtype=torch.float64)
        return -side, side

    def frozen(self) -> "StandardNormal":
        """Itself: it has no parameters."""
        return self


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """p(z) = sum_k pi_k N(z; mean_k, C_k), the covariance matrices C_k diagonal or full.

    Arguments:
        log_weights: log pi, shape (K,).
        components: The K Gaussians, their means of shape (K, J).

    Example:
        >>> prior = NormalMixture(torch.zeros(1), DiagonalNormal(torch.zeros(1, 2), torch.zeros(1, 2)))
        >>> round(float(prior.log_prob(torch.zeros(2))), 4)
        -1.8379
    """

    log_weights: Tensor
    components: AnyNormal

    @property
    def mean(self) -> Tensor:
        """sum_k pi_k mean_k, shape (J,)."""
        return self.log_weights.exp() @ self.components.mean

    @property
    def variance(self) -> Tensor:
        """sum_k pi_k (sigma_k^2 + mean_k^2) - mean^2, shape (J,)."""
        squares = self.components.variance + self.components.mean.square()
        return self.log_weights.exp() @ squares - self.mean.square()

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log p(z), nats: z of shape (..., J) gives (...,)."""
        return torch.logsumexp(self.log_weights + self.components.log_prob(z[..., None, :]), -1)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws z of shape (num_samples, J): a component, then a point from it."""
        weights = self.log_weights.exp().to(generator.device)
        rows = torch.multinomial(weights, num_samples, replacement=True, generator=generator)
        return self.components.take(rows.to(self.log_weights.device)).sample(1, generator=generator)[0]

    def kl_per_dim_from(self, q: AnyNormal, /) -> None:
        """None: the KL to a mixture has no closed form."""
        del q

    def marginal(self, dim: int) -> "NormalMixture":
        """p(z_dim): a mixture in one dimension."""
        parts = self.components.marginals
        one = slice(dim, dim + 1)
        return NormalMixture(self.log_weights, DiagonalNormal(parts.mean[:, one], parts.log_var[:, one]))

    def box(self, reach: float) -> tuple[Tensor, Tensor]:
        """Corners of a box that holds ``reach`` standard deviations of each component: (J,), float64."""
        mean, std = self.components.mean.double(), self.components.std.double()
        return (mean - reach * std).amin(0), (mean + reach * std).amax(0)

    def frozen(self) -> "NormalMixture":
        """A copy without gradients, which no update of the weights changes."""
        return NormalMixture(self.log_weights.detach().clone(), self.components.frozen())


def vamp_prior(posterior: AnyNormal) -> NormalMixture:
    """p(z) = 1/K sum_k q(z|u_k) from q of K pseudo-inputs (Tomczak and Welling 2018, arXiv 1705.07120).

    With all n training examples as pseudo-inputs it is their aggregate posterior, the best of all priors for
    them: the mean KL is then the mutual information of x and z.

    It fixes no scale of z: where the codes are twice as wide the prior is, too, their KL is the same, and the
    decoder can take the factor back. So nothing but the decoder, whose units saturate far out, leads back a q
    that began far too wide: of the digits with log sigma^2 = 10 within two epochs, with 15 hardly at all.
    """
    count = len(posterior.mean)
    return NormalMixture(posterior.mean.new_full((count,), -math.log(count)), posterior)


class MixtureParameters(nn.Module):
    """The parameters of a learned mixture prior: weights through a softmax, means, and log variances.

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

    def hold_parameters(self) -> None:
        """Moves the log variances back to their limits."""
        self.log_vars.clamp_(*LOG_VAR_RANGE)

    def forward(self) -> NormalMixture:
        """p(z)."""
        components = DiagonalNormal(self.means, bounded(self.log_vars, *LOG_VAR_RANGE))
        return NormalMixture(torch.log_softmax(self.logits, 0), components)


class PseudoInputs(nn.Module):
    """The parameters of a VampPrior: K pseudo-inputs u_k, shape (K, D).

    For a likelihood of values in [0, 1] they are a sigmoid of the parameters. The paper clamps them
    (Hardtanh), but a pixel that an update moves past the limit has no gradient there and stays. So would one
    far out on the sigmoid: beyond 7 the gradient has the slope that the sigmoid has at 7.

    Arguments:
        config: K pseudo-inputs of D values.
        generator: Draws them near the middle: grey noise.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator) -> None:
        super().__init__()
        shape = (config.num_components, config.data_dim)
        self._is_bounded = config.is_unit_interval
        self.values = nn.Parameter(torch.randn(shape, generator=generator, device=generator.device))

    @torch.no_grad()
    def slope(self) -> Tensor:
        """d u / d parameter, shape (K, D)."""
        if not self._is_bounded:
            return torch.ones_like(self.values)
        grey = torch.sigmoid(self.values.clamp(-_GREY_REACH, _GREY_REACH))
        return grey * (1 - grey)

    @torch.no_grad()
    def begin_near(self, x: Tensor) -> None:
        """Initialises all of them near one example x of shape (D,), each with noise of its own."""
        start = torch.logit(x.clamp(*_OPEN_INTERVAL)) if self._is_bounded else x
        self.values.mul_(_NOISE).add_(start)

    def hold_parameters(self) -> None:
        """Moves those of grey values back to where a sigmoid is 0 or 1 but for rounding."""
        if self._is_bounded:
            self.values.clamp_(-_GREY_LIMIT, _GREY_LIMIT)

    def forward(self) -> Tensor:
        """u, shape (K, D)."""
        if not self._is_bounded:
            return self.values
        grey = torch.sigmoid(self.values)
        at_reach = torch.sigmoid(bounded(self.values, -_GREY_REACH, _GREY_REACH))
        # The value of the one, the gradient of the other.
        beyond = grey.detach() + (at_reach - at_reach.detach())
        return torch.where(self.values.abs() > _GREY_REACH, beyond, grey)
