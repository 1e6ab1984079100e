"""The aggregate posterior q(z) = 1/n sum_i q(z|x_i), and the decomposition of the mean KL that it gives.

The mixture is over all n examples at hand, never over a mini-batch, so that the mutual information is at most
log n by construction.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.config import ACTIVE_VARIANCE, MAX_COMPONENTS
from vae_core.distributions import Distribution
from vae_core.errors import BadInput
from vae_core.memory import chunk_rows
from vae_core.posteriors import AnyNormal, AnyPosterior, Draws
from vae_core.priors import StandardNormal


class Estimate(NamedTuple):
    """A mean over samples and its standard error, nats."""

    value: float
    standard_error: float


class Surgery(NamedTuple):
    """mean_i KL(q(z|x_i) || p(z)) = mutual information + total correlation + dimension-wise KL, in nats.

    Arguments:
        kl: The mean KL to the standard normal prior: of Gaussians in closed form, and of mixtures the mean of
            log q(z|x) - log p(z) over the samples of the parts, whose sum it is.
        kl_error: Its standard error, 0 for the closed form.
        mutual_information: I_q(x; z) = E[log q(z|x) - log q(z)]: how well z identifies its example; at most
            log n.
        marginal_kl: KL(q(z) || p(z)) = E[log q(z) - log p(z)], of the aggregate posterior from the prior.
        total_correlation: KL(q(z) || prod_j q(z_j)), the dependence between the latent dimensions.
        dimension_wise_kl: sum_j KL(q(z_j) || p(z_j)); it and the total correlation sum to the marginal KL.
        num_examples: n.
        num_samples: Points z of each example.
    """

    kl: float
    kl_error: float
    mutual_information: Estimate
    marginal_kl: Estimate
    total_correlation: Estimate
    dimension_wise_kl: Estimate
    num_examples: int
    num_samples: int


class PriorFit(NamedTuple):
    """mean_i KL(q(z|x_i) || p(z)) = mutual information + KL(q(z) || p(z)) for any prior, nats.

    Arguments:
        kl: E[log q(z|x) - log p(z)].
        mutual_information: E[log q(z|x) - log q(z)], the same for every prior.
        marginal_kl: E[log q(z) - log p(z)]: the part that a better prior can remove.
    """

    kl: Estimate
    mutual_information: Estimate
    marginal_kl: Estimate


def log_aggregate(z: Tensor, q: AnyPosterior) -> Tensor:
    """Log density of the aggregate posterior: log q(z) = logsumexp_i log q(z|x_i) - log n.

    Arguments:
        z: Shape (m, J).
        q: q(z|x) of n examples.

    Returns:
        Nats, shape (m,). Below log p(z): the prior has more density there than the aggregate posterior.
    """
    return torch.cat([_mixed(q.log_prob(piece)) for piece in _pieces(z, q)])


def _pieces(z: Tensor, q: AnyPosterior) -> Iterator[Tensor]:
    """z to be paired with all n examples in pieces of bounded memory, each of shape (rows of z, 1, J)."""
    for piece in z.split(chunk_rows(q.parameters[0].numel())):
        yield piece[:, None]


def _mixed(log_probs: Tensor) -> Tensor:
    """Log of the mean density over the n examples, which are dimension 1."""
    return torch.logsumexp(log_probs, dim=1) - math.log(log_probs.shape[1])


def aggregate_samples(q: AnyPosterior, num_samples: int, *, generator: torch.Generator) -> Tensor:
    """Draws z from the aggregate posterior: a random example, then z from its q(z|x).

    Hoffman and Johnson (2016), "ELBO surgery": where q(z) differs from the prior, samples from the prior
    decode to images unlike the training data.

    Arguments:
        q: q(z|x) of n examples; a standard deviation may be 0 (a deterministic encoder).
        num_samples: How many.
        generator: Draws the examples and the noise.

    Returns:
        Samples of shape (num_samples, J).

    Raises:
        BadInput: ``num_samples`` below 1.
    """
    if num_samples < 1:
        raise BadInput("num_samples", f"at least 1 sample is needed, got {num_samples}", "20 is usual")
    first = q.parameters[0]
    rows = torch.randint(len(first), (num_samples,), generator=generator, device=generator.device)
    return q.take(rows.to(first.device)).sample(1, generator=generator)[0]


@torch.no_grad()
def prior_fit(
    q: AnyPosterior, prior: Distribution, *, num_samples: int = 1, generator: torch.Generator
) -> PriorFit:
    """How far the aggregate posterior q(z) is from a prior (Tomczak and Welling 2018).

    All three terms come from the same samples, so they add up exactly.

    Arguments:
        q: q(z|x) of n examples.
        prior: p(z).
        num_samples: Samples of z for each example.
        generator: Draws them.

    Raises:
        BadInput: ``num_samples`` below 1.
    """
    _check_num_samples(num_samples)
    return prior_fit_at(q.double().independent(num_samples, generator=generator), prior)


@torch.no_grad()
def prior_fit_at(draws: Draws, prior: Distribution) -> PriorFit:
    """:func:`prior_fit` from draws of q(z|x) of n examples, in float64."""
    log_q_given_x, points = draws.log_prob.flatten(), draws.z.flatten(0, 1)
    log_q = log_aggregate(points, draws.q.as_density())
    rows = chunk_rows(MAX_COMPONENTS * points.shape[-1])  # whatever the prior
    log_p = torch.cat([prior.log_prob(piece).double() for piece in points.split(rows)])
    return PriorFit(
        _estimate(log_q_given_x - log_p, draws),
        _estimate(log_q_given_x - log_q, draws),
        _estimate(log_q - log_p, draws),
    )


@torch.no_grad()
def kl_surgery(q: AnyPosterior, *, num_samples: int = 1, generator: torch.Generator) -> Surgery:
    """Decomposes the mean KL (Hoffman and Johnson 2016, "ELBO surgery"; Chen et al. 2018, arXiv 1802.04942).

    z ~ q(z|x_i) for each example, densities exact: the parts are unbiased Monte-Carlo means over n *
    ``num_samples`` samples, and their sum differs from the closed-form KL by sampling noise alone.

    Arguments:
        q: q(z|x) of n examples, Gaussians or mixtures of them.
        num_samples: Samples of z for each example.
        generator: Draws them.

    Raises:
        BadInput: ``num_samples`` below 1, a standard deviation of 0 (a deterministic encoder), or a flow,
            whose q(z_j|x) have no closed form (code ``objective``).
    """
    _check_num_samples(num_samples)
    if isinstance(q, AnyNormal) and not bool((q.std > 0).all()):
        raise BadInput(
            "stds", "a deterministic encoder has no q(z|x) to decompose", "choose an encoder with a variance"
        )
    return kl_surgery_at(q.double().independent(num_samples, generator=generator))


@torch.no_grad()
def kl_surgery_at(draws: Draws) -> Surgery:
    """:func:`kl_surgery` from draws of q(z|x) of n examples, in float64."""
    q = draws.q.as_density()
    log_q_given_x, points = draws.log_prob.flatten(), draws.z.flatten(0, 1)
    joint, product = [], []
    for piece in _pieces(points, q):
        each = q.log_marginals(piece)
        joint.append(_mixed(each.sum(-1) if q.is_factorised else q.log_prob(piece)))
        product.append(_mixed(each).sum(-1))
    log_q, log_q_dims = torch.cat(joint), torch.cat(product)
    log_p = StandardNormal(points.shape[1]).log_prob(points)
    if isinstance(q, AnyNormal):
        kl = Estimate(float(q.kl_to_standard_normal().sum(1).mean()), 0.0)
    else:
        kl = _estimate(log_q_given_x - log_p, draws)
    return Surgery(
        kl=kl.value,
        kl_error=kl.standard_error,
        mutual_information=_estimate(log_q_given_x - log_q, draws),
        marginal_kl=_estimate(log_q - log_p, draws),
        total_correlation=_estimate(log_q - log_q_dims, draws),
        dimension_wise_kl=_estimate(log_q_dims - log_p, draws),
        num_examples=draws.z.shape[1],
        num_samples=len(draws.z),
    )


def _check_num_samples(num_samples: int) -> None:
    if num_samples < 1:
        raise BadInput("num_samples", f"at least 1 sample is needed, got {num_samples}", "1 is usual")


def _estimate(values: Tensor, draws: Draws) -> Estimate:
    # Samples for one example are not independent of each other: the error is that of the means by example.
    by_example = draws.mean(values.view(draws.z.shape[:2]))
    spread = float(by_example.std()) / math.sqrt(len(by_example)) if len(by_example) > 1 else math.nan
    return Estimate(float(by_example.mean()), spread)


def active_units(means: Tensor) -> Tensor:
    """Which dimensions are active: Var_x(E_q[z_j]) > 0.01 (Burda et al. 2016); booleans of shape (J,).

    Arguments:
        means: Posterior means, shape (n, J). One example shows no variance, so nothing is active there.
    """
    if len(means) < 2:
        return torch.zeros(means.shape[1], dtype=torch.bool)
    return means.double().var(0) > ACTIVE_VARIANCE
