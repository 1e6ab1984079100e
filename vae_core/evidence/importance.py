"""The importance-weighted bound: a lower bound of log p(x) that climbs with the number of samples."""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, Draws

SAMPLE_COUNTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
CLOSE_NATS: Final = 0.05
"""A bound this near to log p(x), or to the one with the most samples, counts as converged."""


def stochastic_posterior(model: VAE, x: Tensor) -> AnyPosterior:
    """q(z|x), where there is one and its parameters are numbers.

    Raises:
        BadInput: A deterministic encoder (code ``encoder_head``), non-finite weights (code
            ``diverged``), or examples of another size than the model's (code ``data_dim``).
    """
    posterior = model.posterior(x).as_density()
    if not all(bool(part.isfinite().all()) for part in posterior.parameters):
        raise BadInput("diverged", "the model's weights are not finite", "train it again")
    return posterior


@torch.no_grad()
def iw_bound(model: VAE, x: Tensor, *, num_samples: int, generator: torch.Generator) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k|x) with z_k ~ q(z|x) (Burda, Grosse and Salakhutdinov 2016).

    Its expectation is at most log p(x), rises with K and is the ELBO at K = 1. Memory does not grow with K.

    Arguments:
        model: The model.
        x: Shape (n, D).
        num_samples: K.
        generator: Draws the samples.

    Returns:
        Nats, shape (n,), float64.

    Raises:
        BadInput: ``num_samples`` below 1, and see :func:`stochastic_posterior`.
    """
    return iw_evidence(model, x, num_samples=num_samples, generator=generator).bound


class WeightedEvidence(NamedTuple):
    """What K samples from q say of log p(x), for each example: nats, float64, shape (n,).

    Arguments:
        bound: log 1/K sum_k w_k, see :func:`iw_bound`.
        standard_error: Of that logarithm by the delta method, (1 / ESS - 1 / K)^(1/2) with
            ESS = (sum w)^2 / sum w^2; too small where all samples miss most of the posterior.
        elbo: 1/K sum_k log w_k: the ELBO from the same samples, never above ``bound`` (Jensen).
    """

    bound: Tensor
    standard_error: Tensor
    elbo: Tensor


@torch.no_grad()
def iw_evidence(model: VAE, x: Tensor, *, num_samples: int, generator: torch.Generator) -> WeightedEvidence:
    """The importance-weighted bound with its error and the ELBO from the same samples.

    Arguments and errors are those of :func:`iw_bound`.
    """
    if num_samples < 1:
        raise BadInput("num_samples", f"num_samples must be at least 1, got {num_samples}", "5000 is usual")
    total, squares = (
        torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device) for _ in range(2)
    )
    logs = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for rows, log_weights, _ in _log_weights(model, x, num_samples, generator):
        total[rows] = torch.logaddexp(total[rows], torch.logsumexp(log_weights, dim=0))
        squares[rows] = torch.logaddexp(squares[rows], torch.logsumexp(2 * log_weights, dim=0))
        logs[rows] += log_weights.sum(0)
    variance = ((squares - 2 * total).exp() - 1 / num_samples).clamp(min=0)
    return WeightedEvidence(total - math.log(num_samples), variance.sqrt(), logs / num_samples)


def iw_bound_given_eps(model: VAE, x: Tensor, posterior: AnyPosterior, eps: Tensor) -> Tensor:
    """The same with given noise ``eps``, shape (K, batch, J): a differentiable function of the weights.

    Of a mixture there are K samples of each component, which count by its weight: the mean of
    p(x, z) / q(z|x) over them has the expectation p(x), too (stratified sampling).
    """
    draws = posterior.draw(eps)
    return draws.log_mean_exp(_at(model, x, draws)[0])


def _at(model: VAE, x: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """log p(x, z_k) - log q(z_k|x), and log p(x|z_k): both of shape (K, batch)."""
    log_likelihood = model.likelihood(draws.z).log_prob(x)
    return log_likelihood + model.prior.log_prob(draws.z) - draws.log_prob, log_likelihood


class ImportanceCurve(NamedTuple):
    """The bound of one example at several numbers of samples, nats.

    Arguments:
        sample_counts: K, ascending.
        bounds: Mean of the bound over disjoint groups of K samples, shape (len(K),).
        standard_errors: Of those means, shape (len(K),); at the largest K there is one group, and the error
            is that of the logarithm of its mean weight, (1 / ESS - 1 / K)^(1/2).
        effective_sample_size: ESS = (sum w)^2 / sum w^2 of all samples, between 1 and the largest K.
        enough: The smallest K whose bound is within ``CLOSE_NATS`` of log p(x); where that is not known, of
            the largest K's bound. None where no K is, or where fewer than 10 samples are effective.
        log_likelihoods: log p(x|z_k) of all samples, whose mean is the reconstruction term: (largest K,).
    """

    sample_counts: tuple[int, ...]
    bounds: Tensor
    standard_errors: Tensor
    effective_sample_size: float
    enough: int | None
    log_likelihoods: Tensor


@torch.no_grad()
def importance_curve(
    model: VAE,
    x: Tensor,
    *,
    sample_counts: Sequence[int] = SAMPLE_COUNTS,
    log_evidence: float | None = None,
    generator: torch.Generator,
) -> ImportanceCurve:
    """:func:`iw_bound` of one example for each K in increasing order, from the same samples.

    Arguments:
        model: The model.
        x: One example, shape (D,).
        sample_counts: K, in any order.
        log_evidence: log p(x), where it is known, to hold the bounds against.
        generator: Draws as many samples as the largest K.

    Raises:
        BadInput: No K, or one below 1 (code ``num_samples``), and see :func:`stochastic_posterior`.
    """
    sample_counts = sorted(set(sample_counts))
    if not sample_counts or sample_counts[0] < 1:
        raise BadInput("num_samples", f"each K must be at least 1, got {sample_counts}", "try 1, 10, 100")
    pieces = [pair[1:] for pair in _log_weights(model, x[None], sample_counts[-1], generator)]
    log_weights, log_likelihoods = (torch.cat(parts)[:, 0] for parts in zip(*pieces, strict=True))
    bounds, errors = [], []
    for count in sample_counts:
        groups = log_weights[: len(log_weights) // count * count].reshape(-1, count)
        values = torch.logsumexp(groups, dim=1) - math.log(count)
        bounds.append(values.mean())
        errors.append(
            values.std() / math.sqrt(len(values)) if len(values) > 1 else values.new_tensor(math.nan)
        )
    log_ess = 2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0)
    ess = float(log_ess.exp())
    errors[-1] = log_weights.new_tensor(math.sqrt(max(0.0, 1 / ess - 1 / len(log_weights))))
    least = (float(bounds[-1]) if log_evidence is None else log_evidence) - CLOSE_NATS
    arrived = [count for count, value in zip(sample_counts, bounds, strict=True) if value > least]
    enough = arrived[0] if arrived and ess >= 10 else None
    return ImportanceCurve(
        tuple(sample_counts), torch.stack(bounds), torch.stack(errors), ess, enough, log_likelihoods
    )


def _log_weights(
    model: VAE, x: Tensor, num_samples: int, generator: torch.Generator
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """In pieces: which rows, log p(x, z_k) - log q(z_k|x), and log p(x|z_k), float64 of (samples, rows)."""
    width = widest_layer(model.config)
    rows = chunk_rows(width)
    for start in range(0, len(x), rows):
        here = slice(start, start + rows)
        posterior = stochastic_posterior(model, x[here])
        at_a_time = chunk_rows(width * len(x[here]))
        for done in range(0, num_samples, at_a_time):
            draws = posterior.independent(min(at_a_time, num_samples - done), generator=generator)
            log_weights, log_likelihood = _at(model, x[here], draws)
            if bool(log_weights.isnan().any()):
                raise BadInput("diverged", "the model's weights are not finite", "train it again")
            yield here, log_weights.double(), log_likelihood.double()
