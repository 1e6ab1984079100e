"""The sign of the stochastic gradient step: up the bound that is to be maximised, or down.

theta := theta + alpha d climbs, with d the mean gradient of the bound over a mini-batch;
theta := theta - alpha d (source document 002) falls.
"""

import copy
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.elbo import elbo_terms, evaluate
from vae_core.errors import BadInput
from vae_core.model import VAE

_SAMPLES = 4
"""M of the held-out bound."""


class SignedTrainings(NamedTuple):
    """Two trainings from the same weights, with the same mini-batches and the same noise.

    Arguments:
        steps: Where the bound was measured, shape (n,), the first 0.
        climbing: Held-out ELBO with theta + alpha d, nats per example, shape (n,).
        falling: With theta - alpha d.
    """

    steps: Tensor
    climbing: Tensor
    falling: Tensor


def train_with_both_signs(
    model: VAE,
    x_train: Tensor,
    x_test: Tensor,
    *,
    step_size: float = 0.005,
    num_steps: int = 60,
    batch_size: int = 64,
    every: int = 2,
    seed: int = 0,
) -> SignedTrainings:
    """Plain gradient steps on the ELBO with M = 1, once up and once down.

    Arguments:
        model: Where both begin; it is only read.
        x_train: Shape (n, D): mini-batches are drawn from it.
        x_test: Shape (m, D): the bound is measured on it.
        step_size: alpha, above 0.
        num_steps: Of each training.
        batch_size: Examples in a mini-batch.
        every: Steps between two measurements.
        seed: Of mini-batches and noise.

    Raises:
        BadInput: A step size that is not above 0 (code ``step_size``).
    """
    if not step_size > 0:
        raise BadInput("step_size", f"the step size must be above 0, got {step_size}", "0.005 is usual here")
    curves = [
        torch.tensor(_bounds(model, x_train, x_test, alpha, num_steps, batch_size, every, seed))
        for alpha in (step_size, -step_size)
    ]
    return SignedTrainings(torch.arange(0, num_steps + 1, every), *curves)


def _bounds(
    model: VAE,
    x_train: Tensor,
    x_test: Tensor,
    alpha: float,
    num_steps: int,
    batch_size: int,
    every: int,
    seed: int,
) -> list[float]:
    model, generator = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    parameters, found = tuple(model.parameters()), []
    for step in range(num_steps + 1):
        if step % every == 0:
            fixed = torch.Generator().manual_seed(seed)
            found.append(evaluate(model, x_test, num_samples=_SAMPLES, generator=fixed).elbo)
        rows = torch.randint(len(x_train), (batch_size,), generator=generator)
        bound = elbo_terms(model, x_train[rows], generator=generator).elbo.mean()
        gradients = torch.autograd.grad(bound, parameters, allow_unused=True, materialize_grads=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.add_(gradient, alpha=alpha)
    return found
