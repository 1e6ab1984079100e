"""What the distributions of the model have in common: p(z), q(z|x) and p(x|z) are objects with one interface.

Each has ``mean``, ``variance``, ``log_prob(value)`` and ``sample(num_samples, generator=...)``, and
``entropy()`` where it has a closed form. Each ``log_prob`` is a normalised log density (or log mass) in nats,
summed over the last axis. Noise is drawn explicitly from a ``torch.Generator``: ``torch.distributions``
accepts none.
"""

import math
from typing import Final, Protocol

import torch
from torch import Tensor

LOG_VAR_RANGE: Final = (-20.0, 20.0)
"""Limits of log sigma^2 in every encoder head and every learned prior: exp(89) is infinite in float32."""
LOG_2PI: Final = math.log(2.0 * math.pi)


class Distribution(Protocol):
    """What priors, approximate posteriors and likelihoods have in common."""

    @property
    def mean(self) -> Tensor:
        """The expected value, the shape of one value."""
        ...

    def log_prob(self, value: Tensor, /) -> Tensor:
        """Normalised log density in nats, summed over the last axis."""
        ...

    def sample(self, num_samples: int, *, generator: torch.Generator) -> Tensor:
        """Independent draws, shape (num_samples, *shape of one value)."""
        ...


def bounded(value: Tensor, low: float, high: float) -> Tensor:
    """min(max(value, low), high), with the gradient of ``value`` itself, also beyond the limits.

    The derivative of a clamp is 0 outside: what one large step has moved there never returns. Here the
    gradient passes as if there were no limit (straight-through, Bengio et al. 2013, arXiv 1308.3432).

    Arguments:
        value: Any shape, finite.
        low, high: The limits; either may be infinite.

    Example:
        >>> log_var = torch.tensor([25.0, 0.0], requires_grad=True)
        >>> bounded(log_var, -20.0, 20.0).sum().backward()
        >>> log_var.grad
        tensor([1., 1.])
    """
    held = value.detach()
    return value - held + held.clamp(low, high)  # the first difference is 0


def negative_log_density(squares: Tensor, log_std: Tensor | float) -> Tensor:
    """-log N(v; m, s^2) of each value: 1/2 ((v - m) / s)^2 + log s + 1/2 log 2 pi, nats.

    Every Gaussian density of the core goes through here.

    Arguments:
        squares: ((v - m) / s)^2.
        log_std: log s, of a shape that broadcasts.
    """
    return 0.5 * squares + log_std + 0.5 * LOG_2PI


def softplus_slope(u: Tensor) -> Tensor:
    """d softplus(u)/du = sigmoid(u); 1 above 20, where PyTorch's softplus is the identity."""
    return torch.where(u > 20.0, torch.ones_like(u), torch.sigmoid(u))


def standard_noise(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """N(0, 1) of a type, drawn where the generator is and moved to where the parameters are."""
    noise = torch.randn(shape, generator=generator, device=generator.device, dtype=like.dtype)
    return noise.to(like.device)
