"""The evidence lower bound and its two terms, in nats per example."""

from typing import NamedTuple

import torch
from torch import Tensor

from vae_core.data.byte_images import Examples
from vae_core.errors import BadInput
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import Draws, Posterior, Prior, concatenated


class ElboTerms(NamedTuple):
    """The terms of the bound for each example of a batch, in nats.

    Arguments:
        reconstruction: E_q[log p(x|z)], estimated with M samples, shape (batch,).
        kl: KL(q(z|x) || p(z)), shape (batch,).
        kl_per_dim: Its parts by latent dimension, shape (batch, J); they sum to ``kl``. None when the KL is
            a Monte-Carlo estimate, which has no parts by dimension.
    """

    reconstruction: Tensor
    kl: Tensor
    kl_per_dim: Tensor | None

    @property
    def elbo(self) -> Tensor:
        """reconstruction - kl, always with beta = 1, shape (batch,)."""
        return self.reconstruction - self.kl


def elbo_terms(
    model: VAE,
    x: Tensor,
    *,
    num_samples: int = 1,
    generator: torch.Generator,
    prior: Prior | None = None,
) -> ElboTerms:
    """ELBO(x) = E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)) with M = ``num_samples`` samples of z.

    The KL is exact for a Gaussian q and a standard normal prior and otherwise the Monte-Carlo estimate
    mean_m [log q(z_m|x) - log p(z_m)] from the same samples (Kingma and Welling 2014, section 2.3). Of a
    mixture there are M samples of each component, and a mean over q weighs them (:class:`Draws`).
    A deterministic encoder has no density: its KL is 0 by convention and ``elbo`` is no bound.
    Of a conditional model they are the terms of the bound of log p(x|y).

    Arguments:
        model: The model.
        x: Examples, shape (batch, D); for a conditional model rows [x, y], shape (batch, D + C).
        num_samples: M.
        generator: Draws the noise.
        prior: Another p(z) than the model's.

    Raises:
        BadInput: ``num_samples`` below 1, or examples of another size than the model's.
    """
    if num_samples < 1:
        raise BadInput("num_samples", f"num_samples must be at least 1, got {num_samples}", "1 is usual")
    model, x = model.of_rows(x)
    posterior = model.posterior(x)
    eps = posterior.draw_eps(num_samples, generator=generator)
    return elbo_terms_given_eps(model, x, posterior, eps, prior=prior)


def elbo_terms_given_eps(
    model: VAE, x: Tensor, posterior: Posterior, eps: Tensor, *, prior: Prior | None = None
) -> ElboTerms:
    """The terms for given noise ``eps``, shape (M, batch, J): a differentiable function of the weights."""
    draws = posterior.draw(eps)
    log_likelihood = model.likelihood(draws.z).log_prob(x)
    return elbo_terms_at(draws, log_likelihood, model.prior if prior is None else prior)


def elbo_terms_at(draws: Draws, log_likelihood: Tensor, prior: Prior) -> ElboTerms:
    """The terms from draws of q and log p(x|z) there, shape (S, batch)."""
    reconstruction = draws.mean(log_likelihood)
    return ElboTerms(reconstruction, *_kl(draws, prior))


def monte_carlo_kl(draws: Draws, prior: Prior) -> Tensor:
    """The mean of log q(z|x) - log p(z) at the draws z: shape (batch,), nats, unbiased."""
    return draws.mean(draws.log_prob - prior.log_prob(draws.z))


def penalised_kl(terms: ElboTerms, free_bits: float) -> Tensor:
    """The KL that training weighs with beta, mean over the batch; ``free_bits`` nats per dimension are free.

    sum_j max(free_bits, mean_batch KL_j) (Kingma et al. 2016, arXiv 1606.04934); the whole KL counts as one
    dimension where it has no parts by dimension. Without free bits the mean KL.
    """
    if free_bits == 0:
        return terms.kl.mean()
    if terms.kl_per_dim is None:
        return terms.kl.mean().clamp(min=free_bits)
    return terms.kl_per_dim.mean(0).clamp(min=free_bits).sum()


def _kl(draws: Draws, prior: Prior) -> tuple[Tensor, Tensor | None]:
    per_dim = draws.q.kl_per_dim(prior)
    return (monte_carlo_kl(draws, prior), None) if per_dim is None else (per_dim.sum(-1), per_dim)


class Evaluation(NamedTuple):
    """Means of the terms of the bound over many examples, nats per example; ``elbo`` has beta = 1.

    Arguments:
        elbo: reconstruction - kl.
        reconstruction: Mean of E_q[log p(x|z)], estimated with ``num_samples`` samples per example.
        kl: Mean of KL(q(z|x) || p(z)).
        kl_per_dim: Its parts, shape (J,); empty when the KL is a Monte-Carlo estimate.
        num_examples: How many examples were averaged.
        num_samples: M.
    """

    elbo: float
    reconstruction: float
    kl: float
    kl_per_dim: Tensor
    num_examples: int
    num_samples: int


def evaluate(model: VAE, x: Examples, *, num_samples: int = 1, generator: torch.Generator) -> Evaluation:
    """Means of the bound's terms over x of shape (n, D); z is sampled from q, as in training."""
    terms = terms_per_example(model, x, num_samples=num_samples, generator=generator)
    return means_of(terms, num_samples=num_samples)


def means_of(terms: ElboTerms, *, num_samples: int = 1) -> Evaluation:
    """Their means over the examples, of terms that were estimated with M = ``num_samples``."""
    reconstruction, kl = float(terms.reconstruction.double().mean()), float(terms.kl.double().mean())
    per_dim = terms.kl_per_dim
    return Evaluation(
        elbo=reconstruction - kl,
        reconstruction=reconstruction,
        kl=kl,
        kl_per_dim=torch.empty(0) if per_dim is None else per_dim.double().mean(0),
        num_examples=len(terms.kl),
        num_samples=num_samples,
    )


@torch.no_grad()
def first_draws(
    model: VAE, x: Examples, *, num_examples: int, num_samples: int = 1, generator: torch.Generator
) -> Draws:
    """The z at which :func:`terms_per_example` estimates the terms of the first examples, in float64.

    Whatever else is estimated at them belongs to the same estimate: the mean of log q(z|x) - log p(z) at
    these z is the KL of those terms, to the rounding of single precision.

    Arguments:
        model: The model.
        x: All examples of that estimate, shape (n, D): the noise depends on how many go together.
        num_examples: How many of them, 1 at least.
        num_samples: M.
        generator: In the state that it had there.

    Returns:
        Draws of q(z|x) of shape (min(n, num_examples), J); q is no function of the weights.
    """
    parts: list[Draws] = []
    count = 0
    for piece in x.split(chunk_rows(num_samples * widest_layer(model.config))):
        part, values = model.of_rows(piece)
        posterior = part.posterior(values)
        parts.append(posterior.draw(posterior.draw_eps(num_samples, generator=generator)))
        count += len(piece)
        if count >= num_examples:
            break
    q = concatenated([part.q.as_density() for part in parts])
    known = [part.known for part in parts if part.known is not None]
    log_weights = [part.log_weights for part in parts if part.log_weights is not None]
    return Draws(
        q.take(slice(0, num_examples)).double(),
        torch.cat([part.z for part in parts], 1)[:, :num_examples].double(),
        torch.cat(known, 1)[:, :num_examples].double() if known else None,
        torch.cat(log_weights)[:num_examples].double() if log_weights else None,
    )


@torch.no_grad()
def terms_per_example(
    model: VAE, x: Examples, *, num_samples: int = 1, generator: torch.Generator
) -> ElboTerms:
    """The terms of the bound for many examples, shape (n,), in pieces of bounded memory; no gradients."""
    rows = chunk_rows(num_samples * widest_layer(model.config))
    parts = [
        elbo_terms(model, piece, num_samples=num_samples, generator=generator) for piece in x.split(rows)
    ]
    per_dim = [part.kl_per_dim for part in parts if part.kl_per_dim is not None]
    return ElboTerms(
        torch.cat([part.reconstruction for part in parts]),
        torch.cat([part.kl for part in parts]),
        torch.cat(per_dim) if per_dim else None,
    )
