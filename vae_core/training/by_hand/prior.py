"""log p(z) of a learned prior and its derivatives, by the chain rule written out."""

import torch
from torch import Tensor

from vae_core.model import VAE, variance_slope
from vae_core.networks import MLP
from vae_core.posteriors import FullNormal
from vae_core.priors import NormalMixture, vamp_prior
from vae_core.training.by_hand.layers import Buffers, Layers, gradient_of


class MixtureGradient:
    """log p(z) of a mixture at points z, and its derivatives by z and by the mixture's parameters.

    With responsibilities r_k = pi_k N(z; m_k, C_k) / p(z):

        d log p/dz = -sum_k r_k d_k,  d_k = d log N/dm_k = C_k^-1 (z - m_k)
        d log p/d logit_k = r_k - pi_k,  d log p/dm_k = r_k d_k
        d log p/dphi_k = r_k ((z - m_k)^2 / s_k^2 - 1) / 2,  phi = log s^2
        d log p/dL_k = r_k tril(d_k w_k^T - diag 1/L_jj),  w_k = L_k^-1 (z - m_k), for C_k = L_k L_k^T

    Arguments:
        prior: The mixture, K components in J dimensions.
        z: Points, shape (n, J).
        counts: How much each point counts in the sums over the points, shape (n,); None: 1.
    """

    def __init__(self, prior: NormalMixture, z: Tensor, counts: Tensor | None = None) -> None:
        parts, whitened = prior.components, prior.components.whiten(z[:, None])
        joint = prior.log_weights + parts.log_prob(z[:, None])
        self.log_prob = torch.logsumexp(joint, 1)
        """log p(z), shape (n,)."""
        shares = torch.softmax(joint, 1)
        if isinstance(parts, FullNormal):
            by_mean = torch.linalg.solve_triangular(parts.factor.mT, whitened[..., None], upper=True)[..., 0]
            outer = (by_mean[..., None] * whitened[..., None, :]).tril()
            diagonal = torch.diag_embed(1 / parts.factor.diagonal(dim1=-2, dim2=-1))
            by_factor = _summed(shares[..., None, None] * (outer - diagonal), counts)
            rows, columns = torch.tril_indices(z.shape[1], z.shape[1], -1, device=z.device)
            of_diagonal = by_factor.diagonal(dim1=-2, dim2=-1) * parts.factor.diagonal(dim1=-2, dim2=-1)
            spreads = torch.cat([0.5 * of_diagonal, by_factor[:, rows, columns]], -1)
            weighted = shares[..., None] * by_mean
        else:
            weighted = shares[..., None] * whitened
            spreads = 0.5 * (_summed(weighted * whitened, counts) - _summed(shares, counts)[:, None])
            weighted = weighted / parts.std
        self.spreads = spreads
        """sum_n d log p/dphi_k, of a full matrix by log L_jj^2 and then below the diagonal, row by row."""
        self.score = -weighted.sum(1)
        """d log p/dz, shape (n, J)."""
        self.logits = _summed(shares - prior.log_weights.exp(), counts)
        """sum_n d log p/d logit_k, shape (K,)."""
        self.means = _summed(weighted, counts)
        """sum_n d log p/dm_k, shape (K, J)."""


def _summed(values: Tensor, counts: Tensor | None) -> Tensor:
    """The sum over the points, the first dimension."""
    return values.sum(0) if counts is None else torch.tensordot(counts, values, 1)


class LearnedPriorGradient:
    """log p(z) of a learned prior, and the gradient of its parameters.

    A VampPrior is a mixture of q(z|u_k): its pseudo-inputs u_k go through the encoder, and the gradient goes
    back through it to them.

    Arguments:
        model: With such a prior.
        buffers: Where the arrays of that pass through the encoder are.
    """

    def __init__(self, model: VAE, buffers: Buffers) -> None:
        self._model = model
        self._layers: Layers | None = None
        if model.config.prior == "vamp":
            encoder, count = model.encoder, model.config.num_components
            assert isinstance(encoder, MLP)
            self._layers = Layers(encoder, model.config.activation, buffers, count)
            self._of_inputs = buffers.zeros(count, model.config.data_dim)

    def at(self, z: Tensor, counts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """log p(z), shape (R,), and its derivative by z, shape (R, J).

        Arguments:
            z: Points, shape (R, J).
            counts: How much each counts in the gradient of the prior's parameters, shape (R,); None: 1.
        """
        if self._layers is None:
            prior = self._model.prior
        else:
            self._layers.forward(self._model.pseudo_inputs())
            prior = vamp_prior(self._model.posterior_of(self._layers.u[-1]).as_normal())
        assert isinstance(prior, NormalMixture)
        self._found = MixtureGradient(prior, z, counts)
        return self._found.log_prob, self._found.score

    def backward(self, weight: float | Tensor) -> None:
        """The gradient of -weight sum count log p(z): a VampPrior's is added to what the encoder has."""
        found, model = self._found, self._model
        if self._layers is None:
            parts = (found.logits, found.means, found.spreads)
            of = (model.mixture.logits, model.mixture.means, model.mixture.log_vars)
            for parameter, value in zip(of, parts, strict=True):
                gradient_of(parameter).copy_(value.mul_(-weight))
            return
        head, spreads, layers = model.config.encoder_head, found.spreads, self._layers
        if head == "variance":
            spreads = spreads * variance_slope(layers.u[-1])
        delta = found.means if head == "unit_variance" else torch.cat([found.means, spreads], -1)
        torch.mul(delta, -weight, out=layers.delta[-1])
        layers.backward(adds=True)
        layers.to_inputs(self._of_inputs)
        slope = model.pseudo_inputs.slope()
        torch.mul(self._of_inputs, slope, out=gradient_of(model.pseudo_inputs.values))
