"""The distributions of the model, as objects: q(z|x), p(z) and p(x|z).

Each ``log_prob`` is a normalised log density (or log mass) in nats, summed over the last axis.
Noise is drawn explicitly from a ``torch.Generator``: ``torch.distributions`` accepts none.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

LOG_VAR_RANGE = (-20.0, 20.0)
"""Limits of log sigma^2 in every encoder head: exp(89) is infinite in float32."""

_LOG_2PI = math.log(2.0 * math.pi)


class Prior(Protocol):
    """p(z): anything with a log density over the last axis that can be drawn from."""

    def log_prob(self, z: Tensor, /) -> Tensor: ...

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class StandardNormal:
    """p(z) = N(0, I) over J dimensions."""

    latent_dim: int

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) = -1/2 sum_j (z_j^2 + log 2 pi): z of shape (..., J) gives (...,), nats."""
        return -0.5 * (z.square() + _LOG_2PI).sum(-1)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws z of shape (num_samples, J)."""
        return torch.randn(num_samples, self.latent_dim, generator=generator, device=generator.device)


@dataclass(frozen=True, slots=True)
class DiagonalNormal:
    """q(z|x) = N(mean, diag exp(log_var)); both of shape (batch, J)."""

    mean: Tensor
    log_var: Tensor

    @property
    def std(self) -> Tensor:
        """sigma = exp(log_var / 2), shape (batch, J)."""
        return torch.exp(0.5 * self.log_var)

    def of(self, rows: slice | Tensor) -> "DiagonalNormal":
        """That of some data."""
        return DiagonalNormal(self.mean[rows], self.log_var[rows])

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Noise eps ~ N(0, I) of shape (num_samples, batch, J)."""
        shape = (num_samples, *self.mean.shape)
        eps = torch.randn(shape, generator=generator, device=generator.device, dtype=self.mean.dtype)
        return eps.to(self.mean.device)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = mean + std * eps (Kingma and Welling 2014, section 2.4): (M, batch, J)."""
        return self.mean + self.std * eps

    def log_prob(self, z: Tensor) -> Tensor:
        """log q(z|x) in nats: z of shape (..., batch, J) gives (..., batch)."""
        scaled = (z - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * (scaled + self.log_var + _LOG_2PI).sum(-1)

    def kl_to_standard_normal(self) -> Tensor:
        """KL(q || N(0, I)) of each dimension, shape (batch, J), nats, >= 0.

        1/2 (mean^2 + sigma^2 - 1 - log sigma^2) (Kingma and Welling 2014, appendix B), with
        sigma^2 - 1 as ``expm1``: near 0 the plain form loses a tenth of the value in float32.
        """
        return 0.5 * (self.mean.square() + torch.expm1(self.log_var) - self.log_var)


@dataclass(frozen=True, slots=True)
class Deterministic:
    """z = mean: a plain autoencoder's code, shape (batch, J). It has no density, hence no KL and no bound."""

    mean: Tensor

    @property
    def std(self) -> Tensor:
        """Zeros of shape (batch, J)."""
        return torch.zeros_like(self.mean)

    def draw_eps(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Zeros of shape (num_samples, batch, J): nothing is drawn."""
        del generator
        return self.mean.new_zeros(num_samples, *self.mean.shape)

    def reparameterize(self, eps: Tensor) -> Tensor:
        """z = mean for each sample: (M, batch, J)."""
        return self.mean.expand_as(eps)


Posterior = DiagonalNormal | Deterministic


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """p(x|z) = prod_i y_i^x_i (1 - y_i)^(1 - x_i), y = sigmoid(logits).

    A mass function for binary x; for grey x in (0, 1) it is a score, not a density (Loaiza-Ganem and
    Cunningham 2019): then its values are bounded by minus the entropy of the pixels, not by 0.
    """

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x|z] = sigmoid(logits), the decoded picture, same shape as ``logits``."""
        return torch.sigmoid(self.logits)

    def log_prob(self, x: Tensor) -> Tensor:
        """sum_i x_i l_i - softplus(l_i): stable for any logit; shape (..., batch), nats."""
        return (x * self.logits - functional.softplus(self.logits)).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all data at all points: logits of shape (G, D), x of (n, D) give (G, n), nats."""
        return (self.logits @ x.T).double() - functional.softplus(self.logits).sum(-1, keepdim=True)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draws x, each 0 or 1, of the shape of ``logits``."""
        return torch.bernoulli(self.mean, generator=generator)


@dataclass(frozen=True, slots=True)
class ContinuousBernoulli:
    """p(x|z) = prod_i C(y_i) y_i^x_i (1 - y_i)^(1 - x_i) on [0, 1]^D, y = sigmoid(logits).

    The density that the Bernoulli score lacks (Loaiza-Ganem and Cunningham 2019, arXiv 1907.06845):
    log C = log(l / tanh(l / 2)) in the logit l = log y - log(1 - y), and log 2 at l = 0.
    """

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x_i|z] = 1 / (1 - exp(-l)) - 1 / l, and 1/2 at l = 0: not sigmoid(l)."""
        logits, near_zero = self._away_from_zero()
        exact = 1.0 / -torch.expm1(-logits) - 1.0 / logits
        return torch.where(near_zero, 0.5 + self.logits / 12.0 - self.logits**3 / 720.0, exact)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density, summed over the last axis: shape (..., batch), nats; may be positive."""
        score = x * self.logits - functional.softplus(self.logits)
        return (score + self.log_normalizer()).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all data at all points: logits of shape (G, D), x of (n, D) give (G, n), nats."""
        constant = (self.log_normalizer() - functional.softplus(self.logits)).sum(-1, keepdim=True)
        return (self.logits @ x.T).double() + constant

    def log_normalizer(self) -> Tensor:
        """log C of each value, same shape as ``logits``; a series where l / tanh(l / 2) is 0 / 0."""
        logits, near_zero = self._away_from_zero()
        exact = torch.log(logits / torch.tanh(0.5 * logits))
        squared = self.logits.square()
        return torch.where(
            near_zero, math.log(2.0) + squared / 12.0 - squared.square() * (7.0 / 1440.0), exact
        )

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draws x by inverting the distribution function F(x) = expm1(l x) / expm1(l)."""
        logits, near_zero = self._away_from_zero()
        u = torch.rand(logits.shape, generator=generator, device=generator.device, dtype=logits.dtype)
        u = u.to(logits.device)
        # Written with exp(-|l|) so that no large logit overflows; the mirror image serves negative ones.
        size = logits.abs()
        x = torch.log1p(u * torch.expm1(-size)) / -size
        return torch.where(near_zero, u, torch.where(logits > 0, 1.0 - x, x)).clamp(0.0, 1.0)

    def _away_from_zero(self) -> tuple[Tensor, Tensor]:
        # ``where`` needs finite values and gradients on the branch that it drops, too.
        near_zero = self.logits.abs() < 0.03
        return torch.where(near_zero, torch.ones_like(self.logits), self.logits), near_zero


@dataclass(frozen=True, slots=True)
class Gaussian:
    """p(x|z) = N(location, scale^2 I): ``scale`` is a scalar tensor, set or learned."""

    location: Tensor
    scale: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x|z], the decoder's output."""
        return self.location

    def log_prob(self, x: Tensor) -> Tensor:
        """-1/2 ||x - y||^2 / s^2 - D log s - D/2 log 2 pi: shape (..., batch), nats; may be positive."""
        scaled = ((x - self.location) / self.scale).square()
        return -(0.5 * scaled + torch.log(self.scale) + 0.5 * _LOG_2PI).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of every datum at every point: location (G, D), x of (n, D) give (G, n), nats.

        In float64: ||x||^2 + ||y||^2 - 2 x.y over a small s^2 leaves nothing of float32.
        """
        scale, location, x = self.scale.double(), self.location.double(), x.double()
        squared = location.square().sum(-1, keepdim=True) + x.square().sum(-1) - 2 * location @ x.T
        return -0.5 * squared / scale.square() - x.shape[-1] * (torch.log(scale) + 0.5 * _LOG_2PI)

    def sample(self, *, generator: torch.Generator) -> Tensor:
        """Draws x of the shape of ``location``."""
        noise = torch.randn(
            self.location.shape, generator=generator, device=generator.device, dtype=self.location.dtype
        )
        return self.location + self.scale * noise.to(self.location.device)


LikelihoodModel = Bernoulli | ContinuousBernoulli | Gaussian
