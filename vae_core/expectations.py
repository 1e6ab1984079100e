"""What gradients are wanted of: L(mean, std) = E_q[f(z)] + explicit(mean, std), q = N(mean, diag std^2)."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal, StandardNormal
from vae_core.model import VAE

_AT_ONCE: Final = 4096
"""Values of z given to f at a time."""


def _zero(mean: Tensor, std: Tensor) -> Tensor:
    return 0.0 * (mean + std).sum(-1)


class Expectation(NamedTuple):
    """L(mean, std) = E_q[f(z)] + explicit(mean, std).

    Arguments:
        f: Maps z of shape (..., J) to (...,), each value by its own z alone.
        explicit: Maps mean and std of shape (..., J) to (...,); 0 when it is left out.
    """

    f: Callable[[Tensor], Tensor]
    explicit: Callable[[Tensor, Tensor], Tensor] = _zero


class Gradient(NamedTuple):
    """Something for each parameter of q, both of shape (..., J): derivatives, or their errors.

    Arguments:
        mean: By the mean.
        std: By the standard deviation.
    """

    mean: Tensor
    std: Tensor


def elbo_expectation(model: VAE, x: Tensor) -> Expectation:
    """The ELBO of one datum as a function of its own mean and std, nats.

    f(z) = log p(x|z) and explicit = -KL(q || p(z)) in closed form. For a prior without one, f(z) =
    log p(x|z) + log p(z) and explicit = the entropy of q.

    Arguments:
        model: Decoder and prior.
        x: The datum, shape (D,).
    """

    def reconstruction(z: Tensor) -> Tensor:
        return model.likelihood(z).log_prob(x)

    if isinstance(model.prior, StandardNormal):
        return Expectation(reconstruction, _minus_kl)
    return Expectation(lambda z: reconstruction(z) + model.prior.log_prob(z), _entropy)


def _minus_kl(mean: Tensor, std: Tensor) -> Tensor:
    return -DiagonalNormal(mean, 2 * std.log()).kl_to_standard_normal().sum(-1)


def _entropy(mean: Tensor, std: Tensor) -> Tensor:
    return (0.0 * mean + std.log() + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)


def value_and_slope(f: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) and f'(z) by automatic differentiation: z of shape (n, J) gives (n,) and (n, J)."""
    pairs = []
    for piece in z.detach().split(_AT_ONCE):
        with torch.enable_grad():
            values = f(piece.requires_grad_())
        pairs.append((values.detach(), *torch.autograd.grad(values.sum(), piece)))
    return torch.cat([value for value, _ in pairs]), torch.cat([slope for _, slope in pairs])


def gradient_of(
    function: Callable[[Tensor, Tensor], Tensor], mean: Tensor, std: Tensor
) -> tuple[Tensor, Gradient]:
    """Value and derivatives of a function of (mean, std): shapes (...,) and (..., J)."""
    mean, std = mean.detach().clone().requires_grad_(), std.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = function(mean, std)
    return value.detach(), Gradient(*torch.autograd.grad(value.sum(), (mean, std)))
