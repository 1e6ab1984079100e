"""Draws from a mixture as differentiable functions of all of its parameters, the weights included."""

import torch
from torch import Tensor

from vae_core.distributions import negative_log_density
from vae_core.posteriors import DiagonalMixture


def implicit_draws(q: DiagonalMixture, z: Tensor) -> Tensor:
    """The same z, with derivatives by q's parameters: z moves so that its conditional ranks stay.

    Which component z came from is not asked for. The rank of z_j, F_j = sum_c g_c Phi((z_j - mean_cj) / s_cj)
    with g_c = P(c | z_1, ..., z_(j-1)), is uniform whatever the parameters; where it stays,

        dz_j = sum_c r_c (d mean_cj + e_c d s_cj) - sum_c Phi(e_c) dg_c / q(z_j | z_1, ..., z_(j-1)),

    e_c = (z_j - mean_cj) / s_cj, r_c = P(c | z_1, ..., z_j), and dg_c by the z before, too (Graves 2016,
    arXiv 1607.05690; Figurnov, Mohamed and Mnih 2018, arXiv 1805.08498). So the gradient of E_q[f(z)] is
    E_q[f'(z) dz].

    Arguments:
        q: Of shape (batch, C, J).
        z: Draws of it, shape (K, batch, J); best in float64: far out ranks are differences of ones.

    Example:
        >>> means = torch.tensor([[[-1.0], [1.0]]], requires_grad=True)
        >>> q = DiagonalMixture(torch.full((1, 2), 0.5).log(), means, torch.zeros(1, 2, 1))
        >>> implicit_draws(q, torch.zeros(1, 1, 1)).sum().backward()
        >>> means.grad.flatten()  # half way between them z goes half as far as each
        tensor([0.5000, 0.5000])
    """
    z, moved, log_shares = z.detach(), [], q.log_weights
    for dim in range(z.shape[-1]):
        mean, log_std = q.means[..., dim], 0.5 * q.log_vars[..., dim]
        std, log_share = log_std.exp(), torch.log_softmax(log_shares, -1)
        with torch.no_grad():
            e = (z[..., dim, None] - mean) / std
            joint = log_share - negative_log_density(e.square(), log_std)
            responsibilities = torch.softmax(joint, -1)
            rank = torch.special.ndtr(e)
            # The dg_c add up to 0: what is subtracted from all ranks changes nothing but the rounding.
            rank = rank - (responsibilities * rank).sum(-1, keepdim=True)
            per_share = rank / torch.logsumexp(joint, -1, keepdim=True).exp()
        share = log_share.exp()
        along = (responsibilities * (mean + e * std)).sum(-1)
        here = along - (per_share * (share - share.detach())).sum(-1)
        moved.append(here)
        log_shares = log_share - negative_log_density(((here[..., None] - mean) / std).square(), log_std)
    return torch.stack(moved, -1)
