"""Fixed points and weights for a mean over N(0, I): E[f(eps)] is sum_m weight_m f(eps_m).

With fixed points the bound of a q is a deterministic function of q, the same wherever it is measured.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

LATTICE_DIMS: Final = 2
_STEPS: Final = {1: 0.25, 2: 0.5}
_REACH, _FINE_REACH = 5.0, 6.0
_BLOCKS, _BLOCK_SAMPLES = 8, 512
"""Blocks of the finer points, each scrambled by itself: what they differ by is the error of their mean."""
_FIRST_SEED, _FINE_SEED, _OTHER_SEED = 1, 101, 201


class NormalRule(NamedTuple):
    """sum_m weight_m f(eps_m): eps of shape (N, J), weights (N,), float64, on the CPU.

    Equally spaced points for J <= 2: for smooth f the error falls faster than any power of their distance.
    Else quasi-random ones (Sobol, scrambled: Owen 1995), each with its mirror image, and with the covariance
    I where there are enough of them: the mean of any quadratic is exact.
    """

    eps: Tensor
    weights: Tensor


def search_rule(latent_dim: int, *, num_samples: int) -> NormalRule:
    """Few points, to search by.

    Arguments:
        latent_dim: J.
        num_samples: N for J > 2, even.
    """
    if latent_dim <= LATTICE_DIMS:
        return _lattice(latent_dim, _STEPS[latent_dim], _REACH)
    return _quasi_random(latent_dim, 1, num_samples, _FIRST_SEED)


def measuring_rule(latent_dim: int) -> NormalRule:
    """Points half as far apart that reach further, or 4096 for J > 2, to measure by what was found."""
    if latent_dim <= LATTICE_DIMS:
        return _lattice(latent_dim, _STEPS[latent_dim] / 2, _FINE_REACH)
    return _quasi_random(latent_dim, _BLOCKS, _BLOCK_SAMPLES, _FINE_SEED)


def other_rule(latent_dim: int, *, num_samples: int) -> NormalRule:
    """Points half as far apart, or more, none of them a measuring one: to search where few points mislead.

    Arguments:
        latent_dim: J.
        num_samples: N for J > 2, even.
    """
    if latent_dim <= LATTICE_DIMS:
        step = _STEPS[latent_dim] / 2
        return _lattice(latent_dim, step, _REACH, offset=step / 2)
    return _quasi_random(latent_dim, 1, num_samples, _OTHER_SEED)


def coarser_rule(latent_dim: int) -> NormalRule:
    """The measuring rule with points twice as far apart, J <= 2: the difference estimates the error."""
    return _lattice(latent_dim, _STEPS[latent_dim], _FINE_REACH)


def standard_error(values: Tensor) -> Tensor:
    """Of the mean of f at the points of the measuring rule, J > 2, from what its blocks differ by.

    Arguments:
        values: f, shape (..., N).

    Returns:
        Shape (...,).
    """
    blocks = values.unflatten(-1, (_BLOCKS, _BLOCK_SAMPLES)).mean(-1)
    return blocks.std(-1) / _BLOCKS**0.5


def _lattice(latent_dim: int, step: float, reach: float, *, offset: float = 0.0) -> NormalRule:
    count = int(reach / step)
    axis = offset + step * torch.arange(-count, count + 1, dtype=torch.float64, device="cpu")
    eps = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
    eps = eps[eps.square().sum(1) < reach**2]
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    # The mass beyond is missing; with a variance of 1 the mean of any quadratic is exact all the same.
    return NormalRule(eps / (weights @ eps[:, 0].square()).sqrt(), weights)


def _quasi_random(latent_dim: int, num_blocks: int, size: int, seed: int) -> NormalRule:
    engines = (
        torch.quasirandom.SobolEngine(latent_dim, scramble=True, seed=seed + block)
        for block in range(num_blocks)
    )
    uniform = torch.stack([engine.draw(size // 2) for engine in engines]).double()
    half = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    flat = half.flatten(0, 1)
    if 8 * latent_dim <= len(flat):
        root = torch.linalg.cholesky(flat.mT @ flat / len(flat))
        half = torch.linalg.solve_triangular(root.mT, half, upper=True, left=False)
    else:
        half = half / flat.square().mean(0).sqrt()
    eps = torch.cat([half, -half], dim=1).flatten(0, 1)
    return NormalRule(eps, eps.new_full((len(eps),), 1 / len(eps)))
