"""The ELBO of one example over the mean of q, and the optimisers of the weights that climb it."""

import copy
from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.config import TrainConfig
from vae_core.evidence.local_posterior import posterior_elbo
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal
from vae_core.training.optimizer import descend, initial_moments

_POINTS_PER_STD: Final = 4
_COVERED: Final = 7.0
"""Standard deviations of q for which the lattice goes on beyond the farthest mean."""


class MeanPath(NamedTuple):
    """The means after each update; shorter than was asked for where the next mean was not finite.

    Arguments:
        means: Shape (steps + 1, J), the start first.
        elbo: The bound at each, by quadrature, shape (steps + 1,), nats.
    """

    means: Tensor
    elbo: Tensor


class MeanElbo:
    """The ELBO of one example as a function of the mean of q, at a fixed standard deviation.

    log p(x|z) is known at the points z_k of one lattice, a quarter of a standard deviation apart, and
    E_q[log p(x|z)] = sum_k w_k log p(x|z_k) with w_k in proportion to q(z_k), the trapezoidal rule: its error
    falls faster than any power of the distance for smooth log p(x|z) (Trefethen and Weideman 2014, "The
    exponentially convergent trapezoidal rule"). A mean costs a weighted sum and no decoding. Beyond the
    lattice, each mean has points of its own (:func:`mean_elbo`).

    Arguments:
        model: With J <= 2 and a standard normal prior.
        x: The example, shape (D,).
        std: Of q, shape (J,).
        reach: The lattice serves means from -reach to reach in each dimension.
    """

    def __init__(self, model: VAE, x: Tensor, std: Tensor, *, reach: float) -> None:
        self.model, self.x, self.std, self.reach = model, x, std, reach
        self._axes = [_axis(reach, width) for width in std.tolist()]
        exact = copy.deepcopy(model).double().requires_grad_(False)
        points = torch.cartesian_prod(*self._axes).reshape(-1, len(std))
        pieces = points.split(chunk_rows(widest_layer(model.config)))
        with torch.no_grad():
            found = [exact.likelihood(piece).log_prob(x.double()) for piece in pieces]
        self._log_likelihood = torch.cat(found).reshape([len(axis) for axis in self._axes])

    def __call__(self, means: Tensor) -> Tensor:
        """The bound at means of shape (n, J): shape (n,), nats, float64."""
        elbo = torch.empty(len(means), dtype=torch.float64)
        inside = (means.abs() <= self.reach).all(1)
        elbo[inside] = self._by_lattice(means[inside])
        if not bool(inside.all()):
            elbo[~inside] = mean_elbo(self.model, self.x, means[~inside], self.std)
        return elbo

    def _by_lattice(self, means: Tensor) -> Tensor:
        q = DiagonalNormal.from_std(means, self.std).double()
        weights = [
            torch.softmax(-0.5 * ((axis - mean[:, None]) / std[:, None]).square(), dim=1)
            for axis, mean, std in zip(self._axes, q.mean.T, q.std.T, strict=True)
        ]
        found = weights[0] @ self._log_likelihood
        reconstruction = found if len(weights) == 1 else (found * weights[1]).sum(1)
        return reconstruction - q.kl_to_standard_normal().sum(1)


def _axis(reach: float, std: float) -> Tensor:
    end = reach + _COVERED * std
    return torch.linspace(-end, end, 2 * int(_POINTS_PER_STD * end / std) + 1, dtype=torch.float64)


def mean_elbo(model: VAE, x: Tensor, means: Tensor, std: Tensor) -> Tensor:
    """The ELBO of one example as a function of the mean of q, at a fixed standard deviation.

    Arguments:
        model: With J <= 2.
        x: The example, shape (D,).
        means: Shape (n, J).
        std: Of q, shape (J,).

    Returns:
        Shape (n,), nats, float64.
    """
    q = DiagonalNormal.from_std(means, std)
    return posterior_elbo(model, x[None], q)


def mean_paths(
    elbo: MeanElbo,
    start: Tensor,
    configs: Sequence[TrainConfig],
    *,
    num_steps: int,
    generator: torch.Generator,
) -> list[MeanPath]:
    """Maximises the ELBO over the mean of q with several optimisers, by gradients of M samples.

    The gradient is that of training, d/d mean of 1/M sum_m log p(x|mean + std eps_m) - KL (Kingma and Welling
    2014): unbiased, and noisy. At each step all optimisers see the same noise.

    Arguments:
        elbo: What they maximise.
        start: Where all begin, shape (J,).
        configs: Of each: optimiser, step size, momentum, samples M, which is one for all; nothing else of
            them counts.
        num_steps: Updates.
        generator: Draws the samples.
    """
    (num_samples,) = {config.num_samples for config in configs}
    means = start.repeat(len(configs), 1)
    moments = [initial_moments(start, config) for config in configs]
    history, lengths = [means.clone()], [1] * len(configs)
    moving = list(range(len(configs)))
    for _ in range(num_steps):
        eps = torch.randn(num_samples, 1, len(start), generator=generator)
        if not moving:
            break
        gradients = _gradients(elbo, means[moving], eps)
        for one, gradient in zip(moving, gradients, strict=True):
            rate = configs[one].learning_rate
            descend(means[one], gradient, moments[one], configs[one], learning_rate=rate)
        history.append(means.clone())
        is_finite = means.isfinite().all(1).tolist()
        moving = [one for one in moving if is_finite[one]]
        for one in moving:
            lengths[one] += 1
    whole = torch.stack(history)
    paths = [whole[:length, one] for one, length in enumerate(lengths)]
    heights = elbo(torch.cat(paths)).split(lengths)
    return [MeanPath(*path) for path in zip(paths, heights, strict=True)]


def _gradients(elbo: MeanElbo, means: Tensor, eps: Tensor) -> Tensor:
    """Of KL - 1/M sum_m log p(x|z_m) by each mean: shapes (n, J), (M, 1, J) -> (n, J)."""
    # That of the KL to N(0, I) is the mean itself.
    z = means + elbo.std * eps
    with torch.enable_grad():
        reconstruction = elbo.model.likelihood(z.requires_grad_()).log_prob(elbo.x).sum() / len(eps)
    return means - torch.autograd.grad(reconstruction, z)[0].sum(0)
