"""The optimiser on one flat tensor of weights, and the schedule of beta."""

import math
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor
from torch.nn import Module

from vae_core.config import TrainConfig

OPTIMIZER: Final = "optimizer."
"""Prefix of the optimiser's tensors in a saved training state."""


_ONE: Final = torch.ones(())
"""A plain number would be made a tensor in each update."""


def scheduled_beta(config: TrainConfig, epochs: float) -> float:
    """beta after ``epochs`` (a fraction counts) of training, by ``config.beta_schedule``."""
    if config.beta_schedule == "constant":
        return config.beta
    if config.beta_schedule == "linear":
        return config.beta * min(1.0, epochs / config.schedule_epochs)
    phase = math.fmod(epochs, config.schedule_epochs) / config.schedule_epochs
    return config.beta * min(1.0, 2.0 * phase)


def last_beta(config: TrainConfig, *, step: int, num_data: int) -> float:
    """beta of the schedule in update ``step``, counted from 1; before the first update that of the first.

    A history holds the beta of the *next* update, which after the end of a cycle is 0.

    Arguments:
        config: The training.
        step: Updates made.
        num_data: Training examples.
    """
    batch = config.batch_of(num_data)
    epoch, batch_index = divmod(max(step, 1) - 1, math.ceil(num_data / batch))
    return scheduled_beta(config, epoch + batch_index * batch / num_data)


def flatten(model: Module) -> tuple[Tensor, Tensor]:
    """Makes the parameters of ``model``, and their gradients, views of one tensor each, shape (P,).

    The optimiser's step and the copy of the last finite state are then one kernel each, which saves an eighth
    of a step on small networks.
    """
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    gradient = torch.zeros_like(weights)
    point_into(model, weights, gradient)
    return weights, gradient


def point_into(model: Module, weights: Tensor, gradient: Tensor) -> None:
    """Makes the parameters of ``model``, and their gradients, views of two tensors of shape (P,)."""
    start = 0
    for p in model.parameters():
        end = start + p.numel()
        p.data = weights[start:end].view_as(p)
        p.grad = gradient[start:end].view_as(p)
        start = end


def initial_moments(weights: Tensor, config: TrainConfig) -> dict[str, Tensor]:
    """The optimiser's running means of the gradient before the first update: zeros."""
    if config.optimizer == "sgd":
        return {"momentum_buffer": torch.zeros_like(weights)}
    step = torch.zeros((), device=weights.device)
    return {"exp_avg": torch.zeros_like(weights), "exp_avg_sq": torch.zeros_like(weights), "step": step}


def descend(
    weights: Tensor,
    gradient: Tensor,
    moments: dict[str, Tensor],
    config: TrainConfig,
    *,
    learning_rate: float,
) -> None:
    """One step against ``gradient`` by Adam (Kingma and Ba 2015) or SGD with momentum.

    SGD: m <- momentum m + g, w <- w - learning_rate m. Changes ``weights`` and ``moments`` in place.
    """
    if config.optimizer == "sgd":
        buffer = moments["momentum_buffer"].mul_(config.momentum).add_(gradient)
        weights.sub_(buffer, alpha=learning_rate)
        return
    # The kernel beneath torch.optim.Adam: the class imports a compiler (a second), and its bookkeeping is a
    # fifteenth of a step on small networks.
    moments["step"].add_(_ONE)
    torch._fused_adam_(  # type: ignore[attr-defined]
        [weights],
        [gradient],
        [moments["exp_avg"]],
        [moments["exp_avg_sq"]],
        [],
        [moments["step"]],
        amsgrad=False,
        beta1=0.9,
        beta2=0.999,
        lr=learning_rate,
        weight_decay=0.0,
        eps=1e-8,
        maximize=False,
    )


def optimizer_state(tensors: Mapping[str, Tensor], weights: Tensor, config: TrainConfig) -> dict[str, Tensor]:
    """The optimiser's part of a saved state, copied; empty before the first update.

    Raises:
        ValueError: Its names or shapes are not those of this optimiser.
    """
    device = weights.device
    saved = {
        name.removeprefix(OPTIMIZER): value.to(device, copy=True)
        for name, value in tensors.items()
        if name.startswith(OPTIMIZER)
    }
    found = {name: (tuple(value.shape), value.dtype) for name, value in saved.items()}
    moments = initial_moments(weights, config)
    expected = {name: (tuple(value.shape), value.dtype) for name, value in moments.items()}
    # A fused kernel reads as far as the weights go, whatever the length of what a file gave it.
    if saved and found != expected:
        raise ValueError(f"the optimiser's state is {found}, needed is {expected}")
    return saved
