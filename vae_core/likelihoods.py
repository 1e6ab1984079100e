"""Likelihoods p(x|z), made of the decoder's outputs: Bernoulli, continuous Bernoulli and Gaussian."""

import math
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.distributions import (
    LOG_2PI,
    Distribution,
    bounded,
    negative_log_density,
    softplus_slope,
    standard_noise,
)


class LikelihoodModel(Distribution, Protocol):
    """p(x|z): the values of x are independent given z."""

    log_prob_latex: ClassVar[str]
    """LaTeX of log p(x|z), with y = E[x|z] and the decoder's output u."""
    mean_latex: ClassVar[str]
    """LaTeX of y."""

    @property
    def variance(self) -> Tensor:
        """Var(x_i|z), the shape of ``mean``."""
        ...

    def entropy(self) -> Tensor:
        """-E[log p(x|z)], nats, summed over the last axis."""
        ...

    def score(self, x: Tensor) -> Tensor:
        """d log p(x|z) / d(decoder output), the shape of the output."""
        ...

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all examples at all points: G points and x of (n, D) give (G, n), nats."""
        ...

    def of_values(self, which: Tensor) -> "LikelihoodModel":
        """The likelihood of some of the D values, chosen on the last axis."""
        ...


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """p(x|z) = prod_i y_i^x_i (1 - y_i)^(1 - x_i), y = sigmoid(logits).

    A mass function for binary x; for grey x in (0, 1) it is a score, not a density (Loaiza-Ganem and
    Cunningham 2019): then its values are bounded by minus the entropy of the pixels, not by 0.
    """

    log_prob_latex: ClassVar[str] = r"\sum_i x_i\log y_i + (1-x_i)\log(1-y_i)"
    mean_latex: ClassVar[str] = r"\mathrm{sigmoid}(u)"

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x|z] = sigmoid(logits), the decoded picture, same shape as ``logits``."""
        return torch.sigmoid(self.logits)

    @property
    def variance(self) -> Tensor:
        """y (1 - y), same shape as ``logits``."""
        mean = self.mean
        return mean * (1 - mean)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """sum_i x_i l_i - softplus(l_i): stable for any logit; shape (..., batch), nats."""
        return (x * self.logits - functional.softplus(self.logits)).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all examples at all points: logits of (G, D), x of (n, D) give (G, n), nats."""
        return (self.logits @ x.T).double() - functional.softplus(self.logits).sum(-1, keepdim=True)

    def entropy(self) -> Tensor:
        """sum_i softplus(l_i) - y_i l_i of binary x, shape (..., batch), nats."""
        return -self.log_prob(self.mean)

    def score(self, x: Tensor) -> Tensor:
        """d log p(x|z) / d logits = x - y."""
        return x - softplus_slope(self.logits)

    def of_values(self, which: Tensor) -> "Bernoulli":
        """The likelihood of some of the D values."""
        return Bernoulli(self.logits[..., which])

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws x, each value 0 or 1, shape (num_samples, *shape of ``logits``)."""
        return torch.bernoulli(self.mean.expand(num_samples, *self.logits.shape), generator=generator)


@dataclass(frozen=True, slots=True)
class ContinuousBernoulli:
    """p(x|z) = prod_i C(y_i) y_i^x_i (1 - y_i)^(1 - x_i) on [0, 1]^D, y = sigmoid(logits).

    The density that the Bernoulli score lacks (Loaiza-Ganem and Cunningham 2019, arXiv 1907.06845):
    log C = log(l / tanh(l / 2)) in the logit l = log y - log(1 - y), and log 2 at l = 0.
    """

    log_prob_latex: ClassVar[str] = r"\sum_i \log C(u_i) + x_i u_i - \mathrm{softplus}(u_i)"
    mean_latex: ClassVar[str] = r"\mathbb{E}[x|z] = 1/(1-e^{-u}) - 1/u"

    logits: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x_i|z] = 1 / (1 - exp(-l)) - 1 / l, and 1/2 at l = 0: not sigmoid(l)."""
        logits, small, near_zero = self._split()
        # 1 / (1 - exp(-l)) with exp(-|l|) on both sides of 0, which overflows for no logit.
        size = logits.abs()
        above, tail = -torch.expm1(-size), torch.exp(-size)
        exact = torch.where(logits > 0, 1.0 / above, -tail / above) - 1.0 / logits
        return torch.where(near_zero, 0.5 + small / 12.0 - small**3 / 720.0, exact)

    @property
    def variance(self) -> Tensor:
        """Var(x_i|z) = 1 / l^2 - 1 / (2 sinh(l / 2))^2, the slope of the mean, and 1/12 at l = 0."""
        logits, small, near_zero = self._split()
        size = logits.abs()
        exact = logits.reciprocal().square() - torch.exp(-size) / torch.expm1(-size).square()
        squared = small.square()
        return torch.where(near_zero, 1.0 / 12.0 - squared / 240.0 + squared.square() / 6048.0, exact)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """Log density, summed over the last axis: shape (..., batch), nats; may be positive."""
        score = x * self.logits - functional.softplus(self.logits)
        return (score + self.log_normalizer()).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all examples at all points: logits of (G, D), x of (n, D) give (G, n), nats."""
        constant = (self.log_normalizer() - functional.softplus(self.logits)).sum(-1, keepdim=True)
        return (self.logits @ x.T).double() + constant

    def entropy(self) -> Tensor:
        """-log p at the mean: the log density is linear in x; shape (..., batch), nats; may be negative."""
        return -self.log_prob(self.mean)

    def score(self, x: Tensor) -> Tensor:
        """d log p(x|z) / d logits = x - E[x|z].

        Written, like PyTorch's derivative, with the slope of log C: 1/l - 1/sinh l, near 0 its series.
        """
        logits, small, near_zero = self._split()
        series = small / 6.0 - small**3 * (7.0 / 360.0)
        size = logits.abs()
        one_over_sinh = logits.sign() * 2.0 * torch.exp(-size) / -torch.expm1(-2.0 * size)
        slope = torch.where(near_zero, series, 1.0 / logits - one_over_sinh)
        return x - softplus_slope(self.logits) + slope

    def of_values(self, which: Tensor) -> "ContinuousBernoulli":
        """The likelihood of some of the D values."""
        return ContinuousBernoulli(self.logits[..., which])

    def log_normalizer(self) -> Tensor:
        """log C of each value, same shape as ``logits``; a series where l / tanh(l / 2) is 0 / 0."""
        logits, small, near_zero = self._split()
        exact = torch.log(logits / torch.tanh(0.5 * logits))
        squared = small.square()
        return torch.where(
            near_zero, math.log(2.0) + squared / 12.0 - squared.square() * (7.0 / 1440.0), exact
        )

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws x by inverting F(x) = expm1(l x) / expm1(l): shape (num_samples, *shape of ``logits``)."""
        logits, _, near_zero = self._split()
        shape = (num_samples, *logits.shape)
        u = torch.rand(shape, generator=generator, device=generator.device, dtype=logits.dtype)
        u = u.to(logits.device)
        # Written with exp(-|l|) so that no large logit overflows; the mirror image serves negative ones.
        size = logits.abs()
        x = torch.log1p(u * torch.expm1(-size)) / -size
        return torch.where(near_zero, u, torch.where(logits > 0, 1.0 - x, x)).clamp(0.0, 1.0)

    def _split(self) -> tuple[Tensor, Tensor, Tensor]:
        """The logits away from 0 (others 1), those near 0 (others 0), and which are near.

        ``where`` needs finite values and gradients on the branch that it drops, too.
        """
        near_zero = self.logits.abs() < 0.03
        away = torch.where(near_zero, torch.ones_like(self.logits), self.logits)
        return away, torch.where(near_zero, self.logits, torch.zeros_like(self.logits)), near_zero


@dataclass(frozen=True, slots=True)
class Gaussian:
    """p(x|z) = N(location, scale^2 I): ``scale`` is a scalar tensor, set or learned."""

    log_prob_latex: ClassVar[str] = r"-\tfrac12\lVert x-y\rVert^2/s^2 - D\log s - \tfrac D2\log 2\pi"
    mean_latex: ClassVar[str] = r"u"

    location: Tensor
    scale: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x|z], the decoder's output."""
        return self.location

    @property
    def variance(self) -> Tensor:
        """scale^2, the shape of ``location``."""
        return self.scale.square().expand_as(self.location)

    def log_prob(self, x: Tensor, /) -> Tensor:
        """-1/2 ||x - y||^2 / s^2 - D log s - D/2 log 2 pi: shape (..., batch), nats; may be positive."""
        squares = ((x - self.location) / self.scale).square()
        return -negative_log_density(squares, torch.log(self.scale)).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all examples at all points: location (G, D), x of (n, D) give (G, n), nats.

        In float64: ||x||^2 + ||y||^2 - 2 x.y over a small s^2 leaves nothing of float32.
        """
        scale, location, x = self.scale.double(), self.location.double(), x.double()
        squared = location.square().sum(-1, keepdim=True) + x.square().sum(-1) - 2 * location @ x.T
        constant = x.shape[-1] * negative_log_density(torch.zeros_like(scale), torch.log(scale))
        return -0.5 * squared / scale.square() - constant

    def entropy(self) -> Tensor:
        """D log s + D/2 log 2 pi e, shape (..., batch), nats."""
        return (torch.log(self.scale) + 0.5 * (1.0 + LOG_2PI)).expand_as(self.location).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """d log p(x|z) / d location = (x - y) / s^2."""
        return (x - self.location) / self.scale.square()

    def of_values(self, which: Tensor) -> "Gaussian":
        """The likelihood of some of the D values."""
        return Gaussian(self.location[..., which], self.scale)

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws x of shape (num_samples, *shape of ``location``)."""
        noise = standard_noise((num_samples, *self.location.shape), self.location, generator)
        return self.location + self.scale * noise


MIN_PIXEL_SCALE: Final = 0.01
"""The smallest sigma of one value: where x never varies, sigma -> 0 makes the density infinite.

A hundredth of the range of a grey value, of which 256 levels are 0.004 apart."""


_MAX_PIXEL_LOG_VAR: Final = 20.0


@dataclass(frozen=True, slots=True)
class GaussianDiagonal:
    """p(x|z) = N(y, diag sigma^2), both from the decoder: its outputs are y and then u, shape (..., 2 D).

    sigma^2 = 0.01^2 + e^u: u is log sigma^2 with a smooth floor. The slope of log sigma^2 by u is above 0
    everywhere, so that what is at the floor can rise again, and vanishes far below it, so that what would
    like to be narrower does not drift away, as it would behind a clamp with the gradient of the identity.
    Above 20 there is such a clamp (:func:`bounded`): e^89 is infinite in float32.

    Example:
        >>> likelihood = GaussianDiagonal(torch.tensor([[0.5, 0.0]]))
        >>> round(float(likelihood.variance), 4)
        1.0001
    """

    log_prob_latex: ClassVar[str] = (
        r"-\sum_i \tfrac12 (x_i-y_i)^2/\sigma_i^2 + \log\sigma_i + \tfrac12\log 2\pi"
    )
    mean_latex: ClassVar[str] = r"u_{1..D}"

    outputs: Tensor

    @property
    def mean(self) -> Tensor:
        """E[x|z] = y, shape (..., D)."""
        return self.outputs.chunk(2, dim=-1)[0]

    @property
    def log_var(self) -> Tensor:
        """log sigma^2 = log(0.01^2 + e^u), shape (..., D)."""
        u = bounded(self.outputs.chunk(2, dim=-1)[1], -math.inf, _MAX_PIXEL_LOG_VAR)
        return torch.logaddexp(u, torch.full_like(u, 2 * math.log(MIN_PIXEL_SCALE)))

    @property
    def variance(self) -> Tensor:
        """sigma^2, shape (..., D)."""
        return self.log_var.exp()

    def log_prob(self, x: Tensor, /) -> Tensor:
        """-sum_i [1/2 (x_i - y_i)^2 / sigma_i^2 + log sigma_i + 1/2 log 2 pi]: shape (..., batch), nats."""
        log_var = self.log_var
        squares = (x - self.mean).square() * torch.exp(-log_var)
        return -negative_log_density(squares, 0.5 * log_var).sum(-1)

    def pairwise_log_prob(self, x: Tensor) -> Tensor:
        """``log_prob`` of all examples at all points: outputs (G, 2 D), x of (n, D) give (G, n), nats.

        In float64, as for :class:`Gaussian`: sum_i (x_i^2 - 2 x_i y_i + y_i^2) / sigma_i^2.
        """
        mean, log_var, x = self.mean.double(), self.log_var.double(), x.double()
        precision = torch.exp(-log_var)
        weighted = precision * mean
        own = negative_log_density(weighted * mean, 0.5 * log_var).sum(-1, keepdim=True)
        return weighted @ x.T - 0.5 * precision @ x.square().T - own

    def entropy(self) -> Tensor:
        """sum_i log sigma_i + D/2 log 2 pi e, shape (..., batch), nats."""
        return (0.5 * self.log_var + 0.5 * (1.0 + LOG_2PI)).sum(-1)

    def score(self, x: Tensor) -> Tensor:
        """d log p(x|z) / d outputs, shape (..., 2 D).

        By y: (x - y) / sigma^2; by u: 1/2 ((x - y)^2 / sigma^2 - 1) e^u / sigma^2.
        """
        log_var, away = self.log_var, x - self.mean
        by_mean = away * torch.exp(-log_var)
        slope = torch.sigmoid(self.outputs.chunk(2, dim=-1)[1] - 2 * math.log(MIN_PIXEL_SCALE))
        return torch.cat([by_mean, 0.5 * (away * by_mean - 1.0) * slope], dim=-1)

    def of_values(self, which: Tensor) -> "GaussianDiagonal":
        """The likelihood of some of the D values."""
        return GaussianDiagonal(torch.cat([part[..., which] for part in self.outputs.chunk(2, dim=-1)], -1))

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Draws x of shape (num_samples, ..., D)."""
        mean = self.mean
        noise = standard_noise((num_samples, *mean.shape), mean, generator)
        return mean + (0.5 * self.log_var).exp() * noise


UNIT_INTERVAL_LIKELIHOODS: Final = {"bernoulli": Bernoulli, "continuous_bernoulli": ContinuousBernoulli}
"""Made of the decoder's outputs, by the name that a configuration gives them."""
REAL_LIKELIHOODS: Final = {"gaussian_diagonal": GaussianDiagonal}
"""Of real numbers, made of the decoder's outputs alone."""
SCALED_LIKELIHOODS: Final = {"gaussian": Gaussian}
"""Of real numbers, made of the decoder's outputs and a scale."""
