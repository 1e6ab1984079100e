"""Gradient ascent in the variational mean of one example, by the optimisers that train the weights."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.config import TrainConfig
from vae_core.distributions import DiagonalNormal
from vae_core.evidence.local_posterior import posterior_elbo
from vae_core.model import VAE
from vae_core.training.optimizer import descend, initial_moments


class MeanPath(NamedTuple):
    """The means after each update; shorter than was asked for where the next mean was not finite.

    Arguments:
        means: Shape (steps + 1, J), the start first.
        elbo: The bound at each, by quadrature, shape (steps + 1,), nats.
    """

    means: Tensor
    elbo: Tensor


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
    return posterior_elbo(model, x[None], q, generator=torch.Generator())


def mean_path(
    model: VAE,
    x: Tensor,
    std: Tensor,
    start: Tensor,
    config: TrainConfig,
    *,
    num_steps: int,
    generator: torch.Generator,
) -> MeanPath:
    """Maximises the ELBO of one example over the mean of q, by gradients of ``config.num_samples`` samples.

    The gradient is that of training, d/d mean of 1/M sum_m log p(x|mean + std eps_m) - KL (Kingma and Welling
    2014): unbiased, and noisy. Equal generators give equal noise at each step.

    Arguments:
        model: With J <= 2.
        x: The example, shape (D,).
        std: Of q, fixed, shape (J,).
        start: Where it begins, shape (J,).
        config: Optimiser, step size, momentum, samples; nothing else of it counts.
        num_steps: Updates.
        generator: Draws the samples.
    """
    with torch.no_grad():
        means = torch.stack(list(_means(model, x, std, start, config, num_steps, generator)))
        return MeanPath(means, mean_elbo(model, x, means, std))


def _means(
    model: VAE,
    x: Tensor,
    std: Tensor,
    start: Tensor,
    config: TrainConfig,
    num_steps: int,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    mean = start.clone()
    moments = initial_moments(mean, config)
    yield mean.clone()
    for _ in range(num_steps):
        position = mean.clone().requires_grad_()
        with torch.enable_grad():
            q = DiagonalNormal.from_std(position[None], std)
            z = q.sample(config.num_samples, generator=generator)
            loss = q.kl_to_standard_normal().sum() - model.likelihood(z).log_prob(x).mean()
            (gradient,) = torch.autograd.grad(loss, position)
        descend(mean, gradient, moments, config, learning_rate=config.learning_rate)
        if not bool(mean.isfinite().all()):
            return
        yield mean.clone()
