"""log p(x) itself, for one or two latent dimensions, and how far the bound is from it."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.errors import BadInput
from vae_core.importance import stochastic_posterior
from vae_core.model import VAE
from vae_core.quadrature import REACH, Tiles, joint_sums, joint_tilings, posterior_sums, posterior_tilings

MAX_EXACT_DIMS: Final = 2
_ABSOLUTE: Final = 1e-4
_RELATIVE: Final = 2e-5
_ROUNDING: Final = 1e-9
"""Data whose integrals change by more than absolute (nats) + relative * |log p| when the points are doubled
in each dimension get twice as many again: about 6e-4 nats for the digits, 3e-3 for MNIST."""
_MAX_PER_SIDE: Final = {1: 1024, 2: 64}
_DATA_AT_ONCE: Final = 1000
_GRID: Final = {1: 600, 2: 80}
_ZOOM: Final = {1: 200, 2: 40}
_SHOWN_NATS: Final = 10.0
Rule = Callable[[Tiles, Tensor, int], Tensor]
"""Sums over tiles, for some of their data, with so many points to a side: shape (m, data)."""


class Evidence(NamedTuple):
    """log p(x) = ELBO + KL(q(z|x) || p(z|x)) for each datum, all three measured; nats, float64, shape (n,).

    Arguments:
        log_evidence: log p(x) = log integral of p(x|z) p(z) dz.
        error: What the quadrature may be off by, in any of the integrals here: their last change when the
            points were doubled in each dimension, and the mass at the edge of the region.
        reconstruction: E_q[log p(x|z)].
        kl: KL(q(z|x) || p(z)) in closed form.
        kl_to_posterior: KL(q(z|x) || p(z|x)), the integral of q log(q / p(z|x)) with the posterior
            normalised on the same points.
    """

    log_evidence: Tensor
    error: Tensor
    reconstruction: Tensor
    kl: Tensor
    kl_to_posterior: Tensor

    @property
    def elbo(self) -> Tensor:
        """reconstruction - kl."""
        return self.reconstruction - self.kl


@torch.no_grad()
def exact_evidence(model: VAE, x: Tensor) -> Evidence:
    """log p(x) and KL(q || posterior) by quadrature over the latent space (J = 1 or 2).

    The identity log p(x) = ELBO + KL(q || p(z|x)) is that of Jordan et al. (1999), "An introduction to
    variational methods for graphical models"; Kingma and Welling 2019, section 2.2.

    Arguments:
        model: The model; its posterior's place and width choose the points, and change nothing else.
        x: Data, shape (n, D).

    Raises:
        BadInput: J > 2 (code ``latent_dim``), a deterministic encoder, weights that are no numbers (code
            ``diverged``), or data of another size than the model's.
    """
    _check_dims(model)
    parts = [_evidence(model, piece) for piece in x.split(_DATA_AT_ONCE)]
    found = Evidence(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    if not bool(found.log_evidence.isfinite().all()):
        raise BadInput("diverged", "the model's weights are no finite numbers", "train it anew")
    return found


def _check_dims(model: VAE) -> None:
    if model.config.latent_dim > MAX_EXACT_DIMS:
        raise BadInput(
            "latent_dim",
            f"a grid over {model.config.latent_dim} latent dimensions is too large for an exact log p(x)",
            "use J = 1 or 2, or the importance-weighted bound",
        )


def _evidence(model: VAE, x: Tensor) -> Evidence:
    posterior = stochastic_posterior(model, x)
    posterior = DiagonalNormal(posterior.mean.double(), posterior.log_var.double())
    evidence, error, reconstruction, cross = torch.full((4, len(x)), math.nan, dtype=torch.float64)
    for rows, tiles, largest, edge_share in joint_tilings(model, x, posterior):
        rule = partial(joint_sums, model, x[rows], largest)
        sums, errors = _converged(rule, tiles, torch.log, _ABSOLUTE + _RELATIVE * largest.abs())
        evidence[rows], error[rows] = sums[0].log() + largest, errors + edge_share
    for rows, tiles in posterior_tilings(posterior):
        q = DiagonalNormal(posterior.mean[rows], posterior.log_var[rows])
        rule = partial(posterior_sums, model, x[rows], q)
        sums, errors = _converged(rule, tiles, _means, _ABSOLUTE + _RELATIVE * evidence[rows].abs())
        reconstruction[rows], cross[rows] = _means(sums)
        error[rows] = torch.maximum(error[rows], errors)
    kl = posterior.kl_to_standard_normal().sum(-1)
    return Evidence(evidence, error, reconstruction, kl, cross + evidence)


def _means(sums: Tensor) -> Tensor:
    return sums[1:] / sums[0]


def _converged(
    rule: Rule, tiles: Tiles, values: Callable[[Tensor], Tensor], tolerance: Tensor
) -> tuple[Tensor, Tensor]:
    """A rule's sums with as many points as each datum needs, and what ``values`` of them may be off by."""
    rows, share = torch.arange(tiles.needed.shape[1]), 0.5 ** tiles.centres.shape[1]
    sums = share * rule(tiles, rows, 1) + rule(tiles, rows, 2)
    latest = values(sums)
    errors = torch.full((len(rows),), math.inf, dtype=torch.float64)
    per_side = 4
    while len(rows) and per_side <= _MAX_PER_SIDE[tiles.centres.shape[1]]:
        sums[:, rows] = share * sums[:, rows] + rule(tiles, rows, per_side)
        finer = values(sums[:, rows])
        # Where a decoder has kinks the changes are not regular enough to extrapolate: the last one stands.
        errors[rows] = (finer - latest[:, rows]).abs().amax(0).nan_to_num(nan=math.inf) + _ROUNDING
        latest[:, rows] = finer
        rows, per_side = rows[errors[rows] > tolerance[rows]], 2 * per_side
    return sums, errors


class PosteriorGrid(NamedTuple):
    """The true posterior of one datum on a grid that holds its mass and q's.

    Arguments:
        axes: Values of z along each of the J dimensions.
        log_density: log p(z|x), shape (n,) for J = 1 and (n, n) for J = 2, the first axis first.
    """

    axes: tuple[Tensor, ...]
    log_density: Tensor


@torch.no_grad()
def posterior_on_grid(model: VAE, x: Tensor) -> PosteriorGrid:
    """p(z|x) = p(x|z) p(z) / p(x) for one datum x of shape (D,), for drawing.

    Three passes zoom in on where the density is above e^-10 of its largest value or q has its mass.

    Raises:
        BadInput: As :func:`exact_evidence`.
    """
    _check_dims(model)
    posterior = stochastic_posterior(model, x[None])
    mean, std = posterior.mean[0], posterior.std[0]
    low = torch.minimum(mean - REACH * std, torch.full_like(mean, -REACH))
    high = torch.maximum(mean + REACH * std, torch.full_like(mean, REACH))
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
    """Axes over a box, and log p(x, z) of one datum on their grid."""
    axes = tuple(
        torch.linspace(float(start), float(end), count, dtype=low.dtype)
        for start, end in zip(low, high, strict=True)
    )
    z = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    log_joint = model.likelihood(z).pairwise_log_prob(x[None])[:, 0] + model.prior.log_prob(z.double())
    return axes, log_joint.reshape([count] * len(axes))
