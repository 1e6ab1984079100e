"""The values of one update for the first example of its mini-batch: the training flow in numbers."""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.elbo import ElboTerms
from vae_core.model import VAE
from vae_core.posteriors import Posterior


class Forward(NamedTuple):
    """Forward-pass values of one example, before the update (source document 001, training flow).

    Arguments:
        x: The example, shape (D,).
        mean: Of q(z|x), shape (J,).
        std: sigma of q(z|x), shape (J,).
        eps: The noise of the first sample, shape (J,).
        z: What the posterior makes of that noise, mean + std * eps of a Gaussian, shape (J,); of a mixture
            the z of the first component.
        decoded: E[x|z], shape (D,).
        reconstruction: J1 = log p(x|z), mean over the samples of the update, nats.
        kl: J2 = KL(q || p(z)), nats.
        y: What a conditional model was given beside x, shape (C,); empty without.
    """

    x: Tensor
    mean: Tensor
    std: Tensor
    eps: Tensor
    z: Tensor
    decoded: Tensor
    reconstruction: float
    kl: float
    y: Tensor


class StepTrace(NamedTuple):
    """One update.

    Arguments:
        step: Updates made, this one included.
        forward: Forward-pass values of its first example.
        num_data: Examples in the mini-batch.
        objective: What was maximised: mean of reconstruction - beta KL over the mini-batch, nats per example.
        beta: Weight of the KL.
        encoder_gradient, decoder_gradient: Euclidean norms of the gradient of -objective with respect to
            phi and theta.
        change: Euclidean norm of what the optimiser added to all weights.
    """

    step: int
    forward: Forward
    num_data: int
    objective: float
    beta: float
    encoder_gradient: float
    decoder_gradient: float
    change: float


class Tracer:
    """Records the updates of a training; draws nothing and changes nothing."""

    def __init__(self) -> None:
        self._forward: Forward | None = None
        self._num_data = 0
        self.trace: StepTrace | None = None
        """Of the last update."""

    def forward(self, model: VAE, x: Tensor, posterior: Posterior, eps: Tensor, terms: ElboTerms) -> None:
        """Takes the first example of a mini-batch, before the update.

        Arguments:
            model: With the weights before the update.
            x: The mini-batch, shape (batch, D), or rows [x, y].
            posterior: q(z|x) of the mini-batch.
            eps: Its noise, shape (M, batch, J).
            terms: Its bound.
        """
        with torch.no_grad():
            z = posterior.draw(eps).z[0, 0].detach()  # without noise it is the mean itself
            first, values = model.of_rows(x[:1])
            decoded = first.likelihood(z).mean.flatten()  # a conditional one has a row for each y
        self._num_data = len(x)
        self._forward = Forward(
            x=values[0],
            y=x[0, values.shape[1] :],
            mean=posterior.mean[0].detach(),
            std=posterior.std[0].detach(),
            eps=eps[0, 0].clone(),  # the next update draws to the same place
            z=z,
            decoded=decoded,
            reconstruction=float(terms.reconstruction[0].detach()),
            kl=float(terms.kl[0].detach()),
        )

    def finish(self, step: int, model: VAE, change: Tensor, *, objective: float, beta: float) -> None:
        """Completes the trace, after the update.

        Arguments:
            step: Updates made, this one included.
            model: Its gradients are those of this update still.
            change: What the optimiser added to all weights, shape (P,).
            objective: What was maximised, nats per example.
            beta: Weight of the KL in it.
        """
        if self._forward is not None:
            norms = _gradient_norm(model.encoder), _gradient_norm(model.decoder)
            change_norm = float(change.norm())
            self.trace = StepTrace(step, self._forward, self._num_data, objective, beta, *norms, change_norm)


def _gradient_norm(network: torch.nn.Module) -> float:
    squares = [p.grad.square().sum() for p in network.parameters() if p.grad is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0
