"""Approximate posteriors richer than a diagonal Gaussian: mixtures of Gaussians, warped by planar flows."""

import math
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.distributions import DiagonalNormal, FullNormal

_IDENTITY: Final = math.log(math.e - 1)
"""softplus of it is 1: a layer with v = 0 is the identity."""
_HALVINGS: Final = 60
_STEEPEST: Final = 1.5
_DENSEST: Final = 0.9


@dataclass(frozen=True, slots=True)
class RichPosterior:
    """q(z) = sum_k w_k N(u; m_k, L_k L_k^T) / |det df/du| at z = f(u), of n examples side by side.

    f is a planar flow (Rezende and Mohamed 2015, arXiv 1505.05770): layer after layer, in the coordinates
    t = S^-1 (u - c) of a fixed frame,

        t -> t + v tanh(a^T t + b),    log |det| = log(1 + a^T v (1 - tanh^2(a^T t + b))),

    invertible because v is moved along a until a^T v > -1. Without layers f is the identity and q the
    mixture; a mixture of one is the Gaussian.

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
    def gaussian(cls, q: DiagonalNormal | FullNormal) -> "RichPosterior":
        """N(mean, covariance) of each example, q of shape (n, J), in float64."""
        mean = q.mean.double()
        factor = torch.diag_embed(q.std.double()) if isinstance(q, DiagonalNormal) else q.factor.double()
        none = mean.new_zeros(len(mean), 0, 2 * mean.shape[1] + 1)
        return cls(mean.new_zeros(len(mean), 1), mean[:, None], factor[:, None], none, mean, factor)

    @property
    def num_components(self) -> int:
        """K."""
        return self.means.shape[1]

    @property
    def latent_dim(self) -> int:
        """J."""
        return self.means.shape[2]

    def take(self, rows: Tensor | slice) -> "RichPosterior":
        """Those of a subset of the examples."""
        return RichPosterior(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def where(cls, choose: Tensor, first: "RichPosterior", second: "RichPosterior") -> "RichPosterior":
        """Example by example, the first where ``choose``, booleans of shape (n,); of one number of parts."""
        parts = ((getattr(first, field.name), getattr(second, field.name)) for field in fields(cls))
        return cls(*(torch.where(choose.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in parts))

    @classmethod
    def cat(cls, parts: "list[RichPosterior]") -> "RichPosterior":
        """That of all examples from those of successive subsets."""
        return cls(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(cls)))

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
        """log q(z), nats: z of shape (n, N, J) gives (n, N).

        A layer is inverted along a alone: s = a^T t solves s + a^T v tanh(s + b) = a^T t', which rises in s,
        by bisection.
        """
        t, log_det = self._to_frame(z), z.new_zeros(z.shape[:2])
        for a, v, b in reversed(self._layers()):
            along, goal = (a * v).sum(1, keepdim=True), (t @ a[..., None])[..., 0]
            low, high = goal - along.abs(), goal + along.abs()
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                is_below = middle + along * torch.tanh(middle + b) < goal
                low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
            bent = torch.tanh((low + high) / 2 + b)
            t = t - bent[..., None] * v[:, None]
            log_det = log_det + torch.log1p(along * (1 - bent.square()))
        return self._base_log_prob(self._from_frame(t)) - log_det

    def _push(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """f(u) and log |det df/du|: u of shape (n, N, J)."""
        log_det = u.new_zeros(u.shape[:2])
        if not self.layers.shape[1]:
            return u, log_det
        t = self._to_frame(u)
        for a, v, b in self._layers():
            bent = torch.tanh((t @ a[..., None])[..., 0] + b)
            t = t + bent[..., None] * v[:, None]
            log_det = log_det + torch.log1p((a * v).sum(1, keepdim=True) * (1 - bent.square()))
        return self._from_frame(t), log_det

    def _layers(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """a, v (moved), each (n, J), and b (n, 1) of each layer."""
        found = []
        for layer in self.layers.unbind(1):
            a, v, b = layer.split([self.latent_dim, self.latent_dim, 1], dim=1)
            a = a * (_STEEPEST / (_STEEPEST**2 + a.square().sum(1, keepdim=True)).sqrt())
            along = (a * v).sum(1, keepdim=True)
            allowed = _DENSEST * (functional.softplus(along / _DENSEST + _IDENTITY) - 1)
            v = v + (allowed - along) * a / a.square().sum(1, keepdim=True)
            found.append((a, v, b))
        return found

    def _to_frame(self, u: Tensor) -> Tensor:
        centred = (u - self.centre[:, None]).mT
        return torch.linalg.solve_triangular(self.scale, centred, upper=False).mT

    def _from_frame(self, t: Tensor) -> Tensor:
        return self.centre[:, None] + t @ self.scale.mT

    def _base_log_prob(self, u: Tensor) -> Tensor:
        each = FullNormal(self.means, self.factors).log_prob(u.transpose(0, 1)[:, :, None])
        return torch.logsumexp(each + self.log_weights, -1).T
