"""The gradient of the objective by the chain rule written out, in arrays that are made once.

Automatic differentiation builds a graph for every update and takes it apart again, which on the networks that
a class trains is most of an update's time. Here u, h and delta = dL/du of each layer have arrays of their
own (source document 000, section 4.3; Rumelhart, Hinton and Williams 1986), and the gradients of the weights
are written where the optimiser reads them.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.config import ModelConfig
from vae_core.elbo import ElboTerms
from vae_core.model import VAE
from vae_core.posteriors import Posterior
from vae_core.training.by_hand.layers import Buffers
from vae_core.training.by_hand.passes import PASSES, Pass


class Means(NamedTuple):
    """Of one mini-batch, nats per example.

    Arguments:
        reconstruction: Of E_q[log p(x|z)].
        kl: Of KL(q || p).
        objective: reconstruction - beta KL, with free bits in the KL where there are any.
    """

    reconstruction: float
    kl: float
    objective: float


def is_written_out(config: ModelConfig) -> bool:
    """Whether the gradient of a model is written out here: that of convolutions is not."""
    return config.architecture == "mlp"


class HandGradient:
    """The gradient of L = -(reconstruction - beta KL), means over a mini-batch, by the model's weights.

    With R = M B rows and delta = dL/du: delta of the decoder's output is -d log p(x|z)/du / R; that of a
    layer before another one is (W^T delta) f'(u), W and delta being the next one's; then dL/dW = delta^T h,
    with the h that the layer takes in, and dL/db is the sum of delta. In between z = mean + sigma eps:

        dL/dmean        = sum_m dL/dz + beta mean / B
        dL/dlog sigma^2 = sum_m eps sigma dL/dz / 2 + beta (sigma^2 - 1) / 2B

    and with a full covariance matrix, z = mean + L eps, sigma is L_jj there, and below the diagonal

        dL/dL_jk        = sum_m eps_k dL/dz_j + beta L_jk / B

    A limit of log sigma^2 changes no gradient (:func:`vae_core.distributions.bounded`).

    Where the prior is learned the KL is the mean of log q(z|x) - log p(z) over the samples: then -beta / R
    times d log p(z)/dz is part of dL/dz. Of log q(z|x) = -1/2 sum_j eps_j^2 + log sigma_j^2 + log 2 pi there
    is -1 in the place of sigma^2 - 1, and 0 in that of the mean and of L_jk. The prior's own gradient is that
    of :class:`vae_core.training.by_hand.prior.MixtureGradient`; that of a VampPrior goes on through the
    encoder to the pseudo-inputs, and is added to the encoder's.

    Arguments:
        model: A multi-layer perceptron. Its parameters have a ``grad`` already: it is written there.
        num_samples: M.
        batch_size: The most examples of a mini-batch, B.
    """

    def __init__(self, model: VAE, *, num_samples: int, batch_size: int) -> None:
        self._model = model
        self._num_samples = num_samples
        self._batch_size = batch_size
        self._buffers = Buffers(model.encoder.weights[0])
        self._passes: dict[int, Pass] = {}
        self._eps: dict[int, Tensor] = {}

    def __call__(self, x: Tensor, eps: Tensor, *, beta: float, free_bits: float) -> Means:
        """Writes the gradient at examples x of shape (B, D) with noise eps of shape (M, B, J).

        Arguments:
            x: The mini-batch; of a conditional model rows [x, y], shape (B, D + C).
            eps: Of the posterior's ``draw_eps``.
            beta: Weight of the KL.
            free_bits: Nats of each dimension's mean KL that cost nothing.
        """
        self._last = self.pass_of(len(x))
        self._last(x, eps, beta, free_bits)
        reconstruction, kl, penalised = self._last.means(has_free_bits=free_bits > 0)
        return Means(reconstruction, kl, reconstruction - beta * penalised)

    def pass_of(self, size: int) -> Pass:
        """Forward and back for mini-batches of a size: the full one, or that of the last one of an epoch."""
        found = self._passes.get(size)
        if found is not None:
            return found
        if size < self._batch_size:
            self.pass_of(self._batch_size)  # the smaller one uses its arrays
        self._buffers.begin()
        kind = PASSES[self._model.config.encoder_head]
        with torch.inference_mode(mode=False):  # its arrays are written in either mode
            found = self._passes[size] = kind(self._model, self._buffers, size, self._num_samples)
            self._eps[size] = self._buffers.zeros(self._num_samples, size, self._model.config.latent_dim)
        return found

    def eps_of_size(self, size: int) -> Tensor:
        """The array for the noise of a mini-batch, shape (M, B, J): zeros until it is drawn."""
        self.pass_of(size)
        return self._eps[size]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self._buffers.nbytes

    def posterior(self) -> Posterior:
        """q(z|x) of the last mini-batch."""
        return self._last.posterior()

    def terms(self) -> ElboTerms:
        """The bound of the last mini-batch, example by example."""
        return self._last.terms()
