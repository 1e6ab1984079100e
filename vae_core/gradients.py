"""Gradients derived by hand, and how far they are from automatic differentiation."""

import math

import torch
from torch import Tensor

from vae_core.backward import back_propagate
from vae_core.elbo import elbo_terms_given_eps
from vae_core.model import VAE


def hand_gradients(model: VAE, x: Tensor, eps: Tensor, *, beta: float = 1.0) -> dict[str, Tensor]:
    """dL/d(parameter) by the chain rule written out, without automatic differentiation.

    L = -(1/B) sum_b [log p(x_b|z_b) - beta KL(q(z|x_b) || p(z))], z_b = mean_b + sigma_b eps_b, in nats per
    datum: what a training step without free bits minimises with one sample (M = 1). Covers every activation,
    head and likelihood of the core and any number of hidden layers (source document 000, section 4.3).

    Arguments:
        model: The model; only read.
        x: Data of shape (batch, D).
        eps: Noise of shape (batch, J).
        beta: Weight of the KL; 1 is the ELBO.

    Returns:
        Gradients by the names of ``model.named_parameters()``, each of its parameter's shape and type.

    Raises:
        BadInput: A shape that does not fit (codes ``data_dim``, ``eps``), a beta below 0, another prior.

    Example:
        >>> from vae_core.config import ModelConfig
        >>> model = VAE(ModelConfig(data_dim=3, hidden_dims=(4,)), generator=torch.Generator().manual_seed(0))
        >>> hand_gradients(model, torch.ones(5, 3), torch.zeros(5, 2))["encoder.weights.0"].shape
        torch.Size([4, 3])
    """
    found = back_propagate(model, x, eps, beta=beta).gradients
    return {name: found[name] for name, _ in model.named_parameters()}


def automatic_gradients(model: VAE, x: Tensor, eps: Tensor, *, beta: float = 1.0) -> dict[str, Tensor]:
    """The same by automatic differentiation of the core's own bound; nothing is left in ``.grad``."""
    with torch.enable_grad():
        terms = elbo_terms_given_eps(model, x, model.posterior(x), eps[None])
        loss = -(terms.reconstruction - beta * terms.kl).mean()
        names, parameters = zip(*model.named_parameters(), strict=True)
        # A parameter on which the loss does not depend has the gradient 0, not none.
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return dict(zip(names, found, strict=True))


def relative_difference(found: Tensor, reference: Tensor) -> float:
    """max |found - reference| / max |reference| over the entries of one parameter's gradient.

    The largest entry is the measure: single entries may be 0 by cancellation. 0 where both are 0; infinite
    where the reference alone is 0.
    """
    apart, size = float((found - reference).abs().max()), float(reference.abs().max())
    if apart == 0:
        return 0.0
    return apart / size if size else math.inf
