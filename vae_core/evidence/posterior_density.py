"""The true posterior of one example on a grid, for drawing."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.device import on_cpu
from vae_core.evidence.exact import check_exact_dims
from vae_core.evidence.importance import stochastic_posterior
from vae_core.evidence.lattice import REACH
from vae_core.model import VAE

_GRID: Final = {1: 600, 2: 48}
_ZOOM: Final = {1: 200, 2: 24}
_SHOWN_NATS: Final = 10.0


class PosteriorGrid(NamedTuple):
    """The true posterior of one example on a grid that holds its mass and q's.

    Arguments:
        axes: Values of z along each of the J dimensions.
        log_density: log p(z|x), shape (n,) for J = 1 and (n, n) for J = 2, the first axis first.
    """

    axes: tuple[Tensor, ...]
    log_density: Tensor


@torch.no_grad()
def posterior_on_grid(model: VAE, x: Tensor) -> PosteriorGrid:
    """p(z|x) = p(x|z) p(z) / p(x) for one example x of shape (D,), for drawing.

    Three passes zoom in on where the density is above e^-10 of its largest value or q has its mass.
    Computed on the CPU, wherever the model is.
    """
    check_exact_dims(model)
    model, x = on_cpu(model), x.cpu()
    posterior = stochastic_posterior(model, x[None])
    mean, std = posterior.mean[0], posterior.std[0]
    first, last = (side.to(mean.dtype) for side in model.prior.box(REACH))
    low, high = torch.minimum(mean - REACH * std, first), torch.maximum(mean + REACH * std, last)
    for _ in range(2):
        axes, log_joint = _joint_on_box(model, x, low, high, _ZOOM[len(mean)])
        z = torch.cartesian_prod(*axes).reshape(-1, len(axes))
        inside = z[log_joint.flatten() > log_joint.max() - _SHOWN_NATS]
        cell = (high - low) / (len(axes[0]) - 1)
        low = torch.minimum(inside.min(0).values - cell, mean - 2.5 * std).clamp(min=low)
        high = torch.maximum(inside.max(0).values + cell, mean + 2.5 * std).clamp(max=high)
    axes, log_joint = _joint_on_box(model, x, low, high, _GRID[len(mean)])
    log_volume = sum(float(torch.log(axis[1] - axis[0])) for axis in axes)
    return PosteriorGrid(axes, log_joint - torch.logsumexp(log_joint.flatten(), 0) - log_volume)


def _joint_on_box(
    model: VAE, x: Tensor, low: Tensor, high: Tensor, count: int
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Axes over a box, and log p(x, z) of one example on their grid."""
    axes = tuple(
        torch.linspace(float(start), float(end), count, dtype=low.dtype)
        for start, end in zip(low, high, strict=True)
    )
    z = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    log_joint = model.likelihood(z).pairwise_log_prob(x[None])[:, 0] + model.prior.log_prob(z.double())
    return axes, log_joint.reshape([count] * len(axes))
