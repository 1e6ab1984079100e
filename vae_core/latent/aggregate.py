"""The average KL taken apart: mutual information, marginal KL, total correlation; rate, distortion, units.

Everything is about the aggregate posterior q(z) = 1/n sum_i q(z|x_i) of the n data at hand, mixed exactly:
no mini-batch stands for the data set, so the mutual information is at most log n by construction.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.config import MAX_COMPONENTS
from vae_core.distributions import DiagonalNormal, Prior
from vae_core.errors import BadInput
from vae_core.memory import chunk_rows

ACTIVE_VARIANCE: Final = 0.01
"""An active unit's posterior mean varies by more than this over the data (Burda et al. 2016)."""
_LOG_2PI: Final = math.log(2 * math.pi)


class Estimate(NamedTuple):
    """A mean over samples and its standard error, nats."""

    value: float
    standard_error: float


class Surgery(NamedTuple):
    """mean_i KL(q(z|x_i) || p(z)) = mutual information + total correlation + dimension-wise KL, in nats.

    Arguments:
        kl: The mean KL to the standard normal prior, in closed form.
        mutual_information: I_q(x; z) = E[log q(z|x) - log q(z)]: what z tells about which datum it is; at
            most log n.
        marginal_kl: KL(q(z) || p(z)) = E[log q(z) - log p(z)]: how far the data's place is from the prior.
        total_correlation: KL(q(z) || prod_j q(z_j)), the dependence between the latent dimensions.
        dimension_wise_kl: sum_j KL(q(z_j) || p(z_j)); with the total correlation it makes the marginal KL.
        num_data: n.
        num_samples: Samples of z for each datum.
    """

    kl: float
    mutual_information: Estimate
    marginal_kl: Estimate
    total_correlation: Estimate
    dimension_wise_kl: Estimate
    num_data: int
    num_samples: int


class PriorFit(NamedTuple):
    """mean_i KL(q(z|x_i) || p(z)) = mutual information + KL(q(z) || p(z)) for any prior, nats.

    Arguments:
        kl: E[log q(z|x) - log p(z)].
        mutual_information: E[log q(z|x) - log q(z)]: no prior changes it.
        marginal_kl: E[log q(z) - log p(z)]: what a better prior can save, 0 at best.
    """

    kl: Estimate
    mutual_information: Estimate
    marginal_kl: Estimate


@torch.no_grad()
def prior_fit(
    q: DiagonalNormal, prior: Prior, *, num_samples: int = 1, generator: torch.Generator
) -> PriorFit:
    """How far the aggregate posterior q(z) = 1/n sum_i q(z|x_i) is from a prior (Tomczak and Welling 2018).

    All three come from the same samples, so they add up exactly.

    Arguments:
        q: q(z|x) of n data.
        prior: p(z).
        num_samples: Samples of z for each datum.
        generator: Draws them.

    Raises:
        BadInput: ``num_samples`` below 1.
    """
    if num_samples < 1:
        raise BadInput("num_samples", f"at least 1 sample is needed, got {num_samples}", "1 is usual")
    q = DiagonalNormal(q.mean.double(), q.log_var.double())
    z = q.reparameterize(q.draw_eps(num_samples, generator=generator))
    log_q_given_x, places = q.log_prob(z).flatten(), z.flatten(0, 1)
    log_q, _ = _log_aggregates(places, q.mean, q.std)
    rows = chunk_rows(MAX_COMPONENTS * places.shape[-1])  # whatever the prior
    log_p = torch.cat([prior.log_prob(piece).double() for piece in places.split(rows)])
    return PriorFit(
        _estimate(log_q_given_x - log_p, num_samples),
        _estimate(log_q_given_x - log_q, num_samples),
        _estimate(log_q - log_p, num_samples),
    )


@torch.no_grad()
def kl_surgery(means: Tensor, stds: Tensor, *, num_samples: int = 1, generator: torch.Generator) -> Surgery:
    """Splits the mean KL (Hoffman and Johnson 2016, "ELBO surgery"; Chen et al. 2018, arXiv 1802.04942).

    z ~ q(z|x_i) for each datum, densities exact: the parts are unbiased Monte-Carlo means over n *
    ``num_samples`` samples, and their sum differs from the closed-form KL by sampling noise alone.

    Arguments:
        means: Posterior means, shape (n, J).
        stds: Posterior standard deviations, shape (n, J), above 0.
        num_samples: Samples of z for each datum.
        generator: Draws them.

    Raises:
        BadInput: ``num_samples`` below 1, or a deviation that is not above 0 (a deterministic encoder).
    """
    if num_samples < 1:
        raise BadInput("num_samples", f"at least 1 sample is needed, got {num_samples}", "1 is usual")
    if not bool((stds > 0).all()):
        raise BadInput(
            "stds", "a deterministic encoder has no q(z|x) to take apart", "choose an encoder with a variance"
        )
    means, stds = means.double(), stds.double()
    eps = torch.randn(num_samples, *means.shape, generator=generator, dtype=torch.float64)
    z = (means + stds * eps).flatten(0, 1)
    log_q_given_x = -0.5 * (eps.square() + _LOG_2PI).sum(-1).flatten() - stds.log().sum(1).repeat(num_samples)
    log_q, log_q_dims = _log_aggregates(z, means, stds)
    log_p = -0.5 * (z.square() + _LOG_2PI).sum(1)
    return Surgery(
        kl=float((0.5 * (means.square() + stds.square() - 1) - stds.log()).sum(1).mean()),
        mutual_information=_estimate(log_q_given_x - log_q, num_samples),
        marginal_kl=_estimate(log_q - log_p, num_samples),
        total_correlation=_estimate(log_q - log_q_dims, num_samples),
        dimension_wise_kl=_estimate(log_q_dims - log_p, num_samples),
        num_data=len(means),
        num_samples=num_samples,
    )


def _log_aggregates(z: Tensor, means: Tensor, stds: Tensor) -> tuple[Tensor, Tensor]:
    """log q(z) and sum_j log q_j(z_j) of the samples, both of shape (m,)."""
    num_data = len(means)
    joint, by_dim = [], []
    for piece in z.split(chunk_rows(means.numel())):
        scaled = (piece[:, None] - means) / stds
        log_prob = -0.5 * (scaled.square() + _LOG_2PI) - stds.log()  # (piece, n, J)
        joint.append(torch.logsumexp(log_prob.sum(-1), dim=1) - math.log(num_data))
        by_dim.append((torch.logsumexp(log_prob, dim=1) - math.log(num_data)).sum(-1))
    return torch.cat(joint), torch.cat(by_dim)


def _estimate(values: Tensor, num_samples: int) -> Estimate:
    # Samples of one datum are not independent of each other: the error is that of the means by datum.
    by_datum = values.reshape(num_samples, -1).mean(0)
    spread = float(by_datum.std()) / math.sqrt(len(by_datum)) if len(by_datum) > 1 else math.nan
    return Estimate(float(by_datum.mean()), spread)


def active_units(means: Tensor) -> Tensor:
    """Which dimensions say anything: Var_x(E_q[z_j]) > 0.01 (Burda et al. 2016); booleans of shape (J,).

    Arguments:
        means: Posterior means, shape (n, J), n >= 2.
    """
    return means.double().var(0) > ACTIVE_VARIANCE
