"""log p(z) of a learned prior and its derivatives, by the chain rule written out."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.distributions import bounded, softplus_slope
from vae_core.model import SPREAD_RANGE
from vae_core.posteriors import FullNormal
from vae_core.priors import NormalMixture

_SMALLEST: Final = 1e-9
"""Of a variance head, beside its softplus."""


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


def variance_slope(heads: Tensor) -> Tensor:
    """dphi/du of a variance head, phi = log(softplus(u) + 1e-9).

    Arguments:
        heads: Outputs of the encoder, the means first, shape (batch, 2 J).
    """
    spread = bounded(heads.chunk(2, dim=-1)[1], *SPREAD_RANGE)
    return softplus_slope(spread) / (functional.softplus(spread) + _SMALLEST)
