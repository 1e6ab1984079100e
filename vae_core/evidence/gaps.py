"""The gaps of the bound: log p(x), the encoder's ELBO and the best ELBO of a q of its family."""

from collections.abc import Callable
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.device import on_cpu
from vae_core.evidence.annealing import ais_evidence
from vae_core.evidence.exact import MAX_EXACT_DIMS, exact_evidence
from vae_core.evidence.importance import iw_bound, iw_evidence
from vae_core.evidence.local_posterior import best_posterior
from vae_core.model import VAE

MAX_EXACT_EXAMPLES: Final = 400
MAX_SAMPLED_EXAMPLES: Final = 100
IW_SAMPLES: Final = 1000


class Gaps(NamedTuple):
    """log p(x) = ELBO + amortisation gap + approximation gap for each example, nats (Cremer et al. 2018).

    Arguments:
        log_evidence: log p(x), shape (n,): by quadrature for J <= 2, else by annealed importance sampling.
        error: Of log p(x): that of the quadrature, or the standard error of the sampling, shape (n,).
        elbo: The encoder's bound, shape (n,).
        best_elbo: The bound of the best q of the encoder's family for each example, (n,).
        iw_bound: Importance-weighted bound with ``IW_SAMPLES`` samples, shape (n,).
        kl_to_posterior: KL(q(z|x) || p(z|x)) by a quadrature of its own, shape (n,); empty for J > 2.
    """

    log_evidence: Tensor
    error: Tensor
    elbo: Tensor
    best_elbo: Tensor
    iw_bound: Tensor
    kl_to_posterior: Tensor


class EvidenceAndBound(NamedTuple):
    """log p(x) and the ELBO of each example, nats, float64, shape (n,).

    Arguments:
        log_evidence: By quadrature for J <= 2; else the importance-weighted bound with ``IW_SAMPLES``
            samples, which is below log p(x) in expectation.
        error: What the quadrature of log p(x) may be off by, or the standard error of the bound.
        elbo: By quadrature, or from the same samples.
        is_exact: Whether by quadrature.
    """

    log_evidence: Tensor
    error: Tensor
    elbo: Tensor
    is_exact: bool

    @property
    def gap(self) -> Tensor:
        """log p(x) - ELBO = KL(q(z|x) || p(z|x)); from samples a lower bound of it in expectation."""
        return self.log_evidence - self.elbo


def evidence_and_bound(model: VAE, x: Tensor, *, generator: torch.Generator) -> EvidenceAndBound:
    """log p(x) and the ELBO of the first examples, as many as :func:`measure_gaps` takes, without the best q.

    Arguments:
        model: The model.
        x: Shape (n, D); of a conditional model rows [x, y] of shape (n, D + C): log p(x|y) of each, and the
            ELBO of that.
        generator: Draws the samples where J > 2.

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    model = on_cpu(model)
    if model.config.num_conditions:
        return _of_each_y(model, x, generator=generator)
    if model.config.latent_dim <= MAX_EXACT_DIMS:
        exact = exact_evidence(model, x[:MAX_EXACT_EXAMPLES].cpu())
        return EvidenceAndBound(exact.log_evidence, exact.error, exact.elbo, True)
    few = x[:MAX_SAMPLED_EXAMPLES].cpu()
    found = iw_evidence(model, few, num_samples=IW_SAMPLES, generator=generator)
    return EvidenceAndBound(found.bound, found.standard_error, found.elbo, False)


def _of_each_y(model: VAE, rows: Tensor, *, generator: torch.Generator) -> EvidenceAndBound:
    """Those of an ordinary model for each y, in the order of the rows."""
    config = model.config
    is_exact = config.latent_dim <= MAX_EXACT_DIMS
    rows = rows[: MAX_EXACT_EXAMPLES if is_exact else MAX_SAMPLED_EXAMPLES].cpu()
    x, y = rows.split((config.data_dim, config.num_conditions), -1)
    values, which = y.unique(dim=0, return_inverse=True)
    found = torch.empty(3, len(rows), dtype=torch.float64)
    for number, value in enumerate(values):
        places = which == number
        one = evidence_and_bound(model.given(value), x[places], generator=generator)
        found[:, places] = torch.stack([part.double() for part in one[:3]])
    return EvidenceAndBound(*found, is_exact=is_exact)


def measure_gaps(
    model: VAE, x: Tensor, *, generator: torch.Generator, on_progress: Callable[[float], None]
) -> Gaps:
    """Measures the gaps of the first ``MAX_EXACT_EXAMPLES``, for J > 2 of ``MAX_SAMPLED_EXAMPLES``.

    On the CPU, wherever the model is: the quadrature is only there.

    Arguments:
        model: The model.
        x: Shape (n, D).
        generator: Draws all noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    is_exact = model.config.latent_dim <= MAX_EXACT_DIMS
    model = on_cpu(model)
    x = x[: MAX_EXACT_EXAMPLES if is_exact else MAX_SAMPLED_EXAMPLES].cpu()
    weighted = iw_bound(model, x, num_samples=IW_SAMPLES, generator=generator).double()
    on_progress(0.1)
    best = best_posterior(model, x, on_progress=lambda share: on_progress(0.1 + 0.4 * share))
    if is_exact:
        exact = exact_evidence(model, x)
        elbo, log_evidence, error = exact.elbo, exact.log_evidence, exact.error
        kl_to_posterior = exact.kl_to_posterior
        on_progress(1.0)
    else:
        # Not from the encoder's q: one far too narrow would hide its own error.
        sampled = ais_evidence(
            model,
            x,
            start=best.q.matched,
            generator=generator,
            on_progress=lambda share: on_progress(0.5 + 0.5 * share),
        )
        elbo, log_evidence, error = best.encoder_elbo, sampled.log_evidence, sampled.standard_error
        kl_to_posterior = x.new_empty(0)
    return Gaps(log_evidence, error, elbo, best.elbo, weighted, kl_to_posterior)
