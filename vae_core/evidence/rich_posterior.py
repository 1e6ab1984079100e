"""Approximate posteriors richer than a diagonal Gaussian: mixtures of Gaussians, warped by planar flows."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from vae_core.planar import PlanarFlow
from vae_core.posteriors import AnyPosterior, DiagonalMixture, FullNormal, PlanarNormal


@dataclass(frozen=True, slots=True)
class RichPosterior:
    """q(z) = sum_k w_k N(u; m_k, L_k L_k^T) / |det df/du| at z = f(u), of n examples side by side.

    f is a planar flow (:mod:`vae_core.planar`) in the coordinates t = S^-1 (u - c) of a fixed frame. Without
    layers f is the identity and q the mixture; a mixture of one is the Gaussian.

    Arguments:
        log_weights: log w, shape (n, K).
        means: m, shape (n, K, J).
        factors: L, lower triangular, shape (n, K, J, J).
        layers: a, v before it is moved, and b of each of L layers, shape (n, L, 2 J + 1).
        centre: c, shape (n, J).
        scale: S, shape (n, J, J).
    """

    log_weights: Tensor
    means: Tensor
    factors: Tensor
    layers: Tensor
    centre: Tensor
    scale: Tensor

    @classmethod
    def of(cls, q: AnyPosterior) -> "RichPosterior":
        """q of each example, of shape (n, J), in float64, whatever its family."""
        q = q.double()
        if isinstance(q, DiagonalMixture):
            frame, factors = q.matched, torch.diag_embed(torch.exp(0.5 * q.log_vars))
            none = frame.mean.new_zeros(len(frame.mean), 0, 2 * frame.mean.shape[1] + 1)
            return cls(q.log_weights, q.means, factors, none, frame.mean, frame.factor)
        if isinstance(q, PlanarNormal):
            mean, factor, layers = q.centre, torch.diag_embed(torch.exp(0.5 * q.log_var)), q.layers
        else:
            mean, layers = q.mean, q.mean.new_zeros(len(q.mean), 0, 2 * q.mean.shape[1] + 1)
            factor = q.factor if isinstance(q, FullNormal) else torch.diag_embed(q.std)
        return cls(mean.new_zeros(len(mean), 1), mean[:, None], factor[:, None], layers, mean, factor)

    @property
    def num_components(self) -> int:
        """K."""
        return self.means.shape[1]

    @property
    def latent_dim(self) -> int:
        """J."""
        return self.means.shape[2]

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """All of the above, in that order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def take(self, rows: Tensor | slice) -> "RichPosterior":
        """Those of a subset of the examples."""
        return RichPosterior(*(part[rows] for part in self.parameters))

    @classmethod
    def where(cls, choose: Tensor, first: "RichPosterior", second: "RichPosterior") -> "RichPosterior":
        """Example by example, the first where ``choose``, booleans of shape (n,); of one number of parts."""
        pairs = zip(first.parameters, second.parameters, strict=True)
        return cls(*(torch.where(choose.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))

    @classmethod
    def cat(cls, parts: "list[RichPosterior]") -> "RichPosterior":
        """That of all examples from those of successive subsets."""
        columns = zip(*(part.parameters for part in parts), strict=True)
        return cls(*(torch.cat(column) for column in columns))

    def base_moments(self) -> tuple[Tensor, Tensor]:
        """Mean (n, J) and covariance (n, J, J) of the mixture below the flow."""
        weights = self.log_weights.exp()[..., None]
        mean = (weights * self.means).sum(1)
        away = self.means - mean[:, None]
        second = self.factors @ self.factors.mT + away[..., None] * away[:, :, None]
        return mean, (weights[..., None] * second).sum(1)

    def points(self, eps: Tensor) -> tuple[Tensor, Tensor]:
        """z = f(m_k + L_k eps) for noise of shape (N, J): z of shape (n, K, N, J), log q(z) (n, K, N)."""
        u = self.means[:, :, None] + eps @ self.factors.mT
        flat = u.flatten(1, 2)
        z, log_det = self._push(flat)
        log_q = self._base_log_prob(flat) - log_det
        return z.unflatten(1, u.shape[1:3]), log_q.unflatten(1, u.shape[1:3])

    def log_prob(self, z: Tensor, /) -> Tensor:
        """log q(z), nats: z of shape (n, N, J) gives (n, N)."""
        if not self.layers.shape[1]:
            return self._base_log_prob(z)
        t, log_det = self._flow().pull(self._to_frame(z))
        return self._base_log_prob(self._from_frame(t)) - log_det

    def _push(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """f(u) and log |det df/du|: u of shape (n, N, J)."""
        if not self.layers.shape[1]:
            return u, u.new_zeros(u.shape[:2])
        t, log_det = self._flow().push(self._to_frame(u))
        return self._from_frame(t), log_det

    def _flow(self) -> PlanarFlow:
        """The layers of each example, for N points of it."""
        return PlanarFlow.of(self.layers[:, None])

    def _to_frame(self, u: Tensor) -> Tensor:
        centred = (u - self.centre[:, None]).mT
        return torch.linalg.solve_triangular(self.scale, centred, upper=False).mT

    def _from_frame(self, t: Tensor) -> Tensor:
        return self.centre[:, None] + t @ self.scale.mT

    def _base_log_prob(self, u: Tensor) -> Tensor:
        each = FullNormal(self.means, self.factors).log_prob(u.transpose(0, 1)[:, :, None])
        return torch.logsumexp(each + self.log_weights, -1).T
