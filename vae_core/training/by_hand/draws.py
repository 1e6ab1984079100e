"""Points z of a q(z|x) that is no Gaussian, log q(z|x) there, and the way back to the encoder's outputs.

Written out, without automatic differentiation. Of a loss over S points of each example, each with a share,

    L = sum_bs share_bs V_bs,    V_bs = (-log p(x_b|z_bs) + beta (log q(z_bs|x_b) - log p(z_bs))) / B,

each class takes dL/dz without what log q adds to it, and V where the shares depend on the outputs, and gives
dL/du of the encoder's outputs u.
"""

import torch
from torch import Tensor
from torch.nn import functional

from vae_core.distributions import LOG_2PI, negative_log_density, softplus_slope
from vae_core.planar import DENSEST, IDENTITY, STEEPEST, PlanarFlow
from vae_core.posteriors import DiagonalMixture, PlanarNormal, Posterior


class MixtureDraws:
    """Of q(z|x) = sum_c w_c N(z; m_c, diag s_c^2): z_cm = m_c +- s_c eps_m, with the share w_c / M.

    With responsibilities r_k = w_k N(z; m_k, s_k^2) / q(z|x), d_k = (z - m_k) / s_k^2, and
    a = dL/d log q = share beta / B:

        dL/dz        = (what is given) - a sum_k r_k d_k
        dL/dm_k      = sum_m dL/dz_km + sum_cm a r_k d_k
        dL/dphi_k    = sum_m (z_km - m_k) dL/dz_km / 2 + sum_cm a r_k ((z - m_k)^2 / s_k^2 - 1) / 2
        dL/dlog w_k  = sum_m share V_km + sum_cm a r_k,    dL/du_k = dL/dlog w_k - w_k sum_l dL/dlog w_l

    phi = log s^2; log w is the logarithm of the softmax of the last outputs u.

    Arguments:
        q: Of shape (B, J), C components.
        eps: Noise, shape (M, B, J).
    """

    def __init__(self, q: DiagonalMixture, eps: Tensor) -> None:
        self._q, self._num_components = q, q.means.shape[1]
        draws = q.draw(eps)
        self.z = draws.z
        """Shape (S, B, J), S = C M: those of the first component before those of the second."""
        self.weights = q.log_weights.exp()
        """w, shape (B, C)."""
        of_each = self.weights.T / len(eps)
        self.shares = of_each.repeat_interleave(len(eps), 0)
        """Of each point, w_c / M, shape (S, B)."""
        self._away = self.z[:, :, None] - q.means
        self._precision = torch.exp(-q.log_vars)
        self._squares = self._away.square() * self._precision
        joint = q.log_weights - negative_log_density(self._squares, 0.5 * q.log_vars).sum(-1)
        self.log_prob = torch.logsumexp(joint, -1)
        """log q(z|x), shape (S, B), nats."""
        self.responsibilities = torch.exp(joint - self.log_prob[..., None])
        """r_k at each point, shape (S, B, C)."""
        self._by_means = self.responsibilities[..., None] * self._away * self._precision
        self.score = -self._by_means.sum(2)
        """d log q/dz, shape (S, B, J)."""

    def backward(self, of_z: Tensor, weight: float | Tensor, values: Tensor | None) -> Tensor:
        """dL/du of the encoder's outputs, shape (B, 2 C J + C).

        Arguments:
            of_z: dL/dz, shape (S, B, J), without what log q adds.
            weight: beta / B.
            values: V, shape (S, B).
        """
        assert values is not None
        counts = (weight * self.shares)[..., None]
        of_density = counts * self.responsibilities
        of_z = (of_z + counts * self.score).unflatten(0, (self._num_components, -1))
        own = self._away.unflatten(0, (self._num_components, -1))
        own = own.diagonal(dim1=0, dim2=3).movedim(-1, 0)  # z_cm - m_c, shape (C, M, B, J)
        of_means = of_z.sum(1).transpose(0, 1) + (counts[..., None] * self._by_means).sum(0)
        of_spreads = (own * of_z).sum(1).transpose(0, 1)
        of_spreads = 0.5 * (of_spreads + (of_density[..., None] * (self._squares - 1.0)).sum(0))
        of_shares = (self.shares * values).unflatten(0, (self._num_components, -1)).sum(1).T
        of_weights = of_shares + of_density.sum(0)
        of_logits = of_weights - self.weights * of_weights.sum(-1, keepdim=True)
        return torch.cat([of_means.flatten(1), of_spreads.flatten(1), of_logits], -1)


class FlowDraws:
    """Of z = centre + sigma f(eps), f a planar flow; each of the M points has the share 1 / M.

    With G = dL/dt' behind a layer t' = t + h v, s = a^T t + b, h = tanh s, h' = 1 - h^2, and
    g = dL/d log |det| = -share beta / B, k = g / (1 + a^T v h'):

        dL/dh = G^T v - 2 h k a^T v,    dL/ds = h' dL/dh
        dL/dv = h G + k h' a,    dL/da = t dL/ds + k h' v,    dL/db = dL/ds
        dL/dt = G + a dL/ds

    From a and v to the outputs before they are limited: :func:`_unlimited`. Then dL/dcentre = sum_m dL/dz and
    dL/dphi = sum_m [(z - centre) dL/dz / 2 - share beta / 2B], phi = log sigma^2.

    Arguments:
        q: Of shape (B, J), L layers.
        eps: Noise, shape (M, B, J).
    """

    def __init__(self, q: PlanarNormal, eps: Tensor) -> None:
        self._q, self.flow = q, PlanarFlow.of(q.layers)
        self._std = torch.exp(0.5 * q.log_var)
        directions, shifts, offsets = self.flow
        self._by_layer = list(zip(directions.unbind(1), shifts.unbind(1), offsets.unbind(1), strict=True))
        t, before, bent = eps, [], []
        for a, v, b in self._by_layer:
            before.append(t)
            bent.append(torch.tanh((t * a).sum(-1) + b))
            t = torch.addcmul(t, bent[-1][..., None], v)
        # What needs no layer before it is computed for all of them at once, shapes (M, B, L) and so on.
        self.before, self.bent = torch.stack(before, 2), torch.stack(bent, 2)
        """t and h of each layer, shapes (M, B, L, J) and (M, B, L)."""
        self.warped = t
        """f(eps), shape (M, B, J)."""
        self._slope = 1 - self.bent.square()
        self._along = (directions * shifts).sum(-1)
        growth = self._along * self._slope
        self._grown = growth + 1
        self._noise = self._std * t
        self.z = q.centre + self._noise
        """Shape (M, B, J)."""
        constant = 0.5 * (q.log_var.sum(-1) + eps.shape[-1] * LOG_2PI)
        self.log_prob = -0.5 * eps.square().sum(-1) - constant - torch.log1p(growth).sum(-1)
        """log q(z|x), shape (M, B), nats."""
        self.of_layers: Tensor | None = None
        """dL/dt behind each layer, shape (M, B, L, J), once the way back was gone."""
        self.shares = torch.full_like(self.log_prob, 1.0 / len(eps))
        """1 / M, shape (M, B)."""

    def backward(self, of_z: Tensor, weight: float | Tensor, values: Tensor | None) -> Tensor:
        """dL/du of the encoder's outputs, shape (B, 2 J + L (2 J + 1)).

        Arguments:
            of_z: dL/dz, shape (M, B, J), without what log q adds: at fixed noise that is nothing.
            weight: beta / B.
            values: V, which the shares have no part in.
        """
        del values
        of_centre = _over_samples(of_z)
        of_spread = 0.5 * (_over_samples(of_z * self._noise) - weight)
        of_grown = (-weight / len(of_z)) / self._grown
        of_determinant = (-2.0 * of_grown * self._along * self.bent).unbind(-1)
        slopes, of_t = self._slope.unbind(-1), of_z * self._std
        behind, of_s = [], []
        for index in range(len(self._by_layer) - 1, -1, -1):
            a, v, _ = self._by_layer[index]
            behind.append(of_t)
            of_s.append(((of_t * v).sum(-1) + of_determinant[index]) * slopes[index])
            of_t = torch.addcmul(of_t, of_s[-1][..., None], a)
        of_sums, of_behind = torch.stack(of_s[::-1], -1), torch.stack(behind[::-1], 2)
        self.of_layers = of_behind
        of_along = _over_samples(of_grown * self._slope)[..., None]
        directions, shifts, _ = self.flow
        of_shifts = _over_samples(self.bent[..., None] * of_behind) + of_along * directions
        of_directions = _over_samples(of_sums[..., None] * self.before) + of_along * shifts
        of_offsets = _over_samples(of_sums)[..., None]
        layers = _unlimited(self._q.layers, self.flow, of_directions, of_shifts)
        return torch.cat([of_centre, of_spread, torch.cat([*layers, of_offsets], -1).flatten(1)], -1)


def _over_samples(values: Tensor) -> Tensor:
    """The sum over the first dimension; of one sample that is itself."""
    return values[0] if len(values) == 1 else values.sum(0)


def _unlimited(layers: Tensor, flow: PlanarFlow, of_a: Tensor, of_v: Tensor) -> tuple[Tensor, Tensor]:
    """From dL/da and dL/dv of a flow to those of the a_0 and v_0 that :meth:`PlanarFlow.of` makes them of.

    a = 1.5 a_0 / n, n^2 = 1.5^2 + |a_0|^2, and v = v_0 + c a, c = (m(a^T v_0) - a^T v_0) / |a|^2 with
    m(y) = 0.9 (softplus(y / 0.9 + log(e - 1)) - 1):

        dL/dc = a^T dL/dv,    dL/dv_0 = dL/dv + e a,    e = dL/dc (m' - 1) / |a|^2
        dL/da += c dL/dv + e v_0 - 2 c dL/dc a / |a|^2
        dL/da_0 = 1.5 / n (dL/da - a_0 a_0^T dL/da / n^2)
    """
    a, dim = flow.directions, flow.directions.shape[-1]
    first, second = layers[..., :dim], layers[..., dim : 2 * dim]
    squared = STEEPEST**2 + first.square().sum(-1, keepdim=True)
    size = a.square().sum(-1, keepdim=True).clamp(min=torch.finfo(a.dtype).tiny)
    scaled = (a * second).sum(-1, keepdim=True) / DENSEST
    shift = DENSEST * (functional.softplus(scaled + IDENTITY) - 1 - scaled) / size
    of_shift = (a * of_v).sum(-1, keepdim=True)
    of_along = of_shift * (softplus_slope(scaled + IDENTITY) - 1) / size
    of_a = of_a + shift * of_v + of_along * second - 2.0 * shift * of_shift / size * a
    inwards = (first * of_a).sum(-1, keepdim=True) / squared
    return STEEPEST * squared.rsqrt() * (of_a - inwards * first), of_v + of_along * a


DrawGradient = MixtureDraws | FlowDraws


def gradient_of_draws(q: Posterior, eps: Tensor) -> DrawGradient:
    """The points of a q that is no Gaussian, and the way back from them."""
    if isinstance(q, DiagonalMixture):
        return MixtureDraws(q, eps)
    assert isinstance(q, PlanarNormal)
    return FlowDraws(q, eps)
