"""The best Gaussian for each example: parameters of its own, where the encoder amortises.

It is of the encoder's family: with a full covariance matrix where the encoder's q has one, else diagonal.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_core.distributions import AnyNormal, chosen, concatenated
from vae_core.evidence.importance import stochastic_posterior
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE

MAX_STEPS: Final = 600
_PATIENCE: Final = 40
_ROUND: Final = 100
_GAIN_NATS: Final = 3e-5
"""A round ends when no example gained as much in ``_PATIENCE`` steps, all of it when none did in a round."""
_LEARNING_RATE: Final = 0.1
_NODES: Final = {1: 15, 2: 7}
_FINE_NODES: Final = {1: 60, 2: 24}
_SAMPLES, _FINE_SAMPLES = 256, 4096


class LocalStep(NamedTuple):
    """The best q(z|x) for each example so far.

    Arguments:
        step: 0 is the encoder's q.
        q: Of shape (n, J).
        elbo: Its bound, shape (n,), nats; it never falls.
    """

    step: int
    q: AnyNormal
    elbo: Tensor


class BestPosterior(NamedTuple):
    """The best Gaussian for each example beside the encoder's; nats, float64, shape (n,).

    elbo - encoder_elbo is the amortisation gap, log p(x) - elbo the approximation gap (Cremer et al. 2018).

    Arguments:
        q: Of shape (n, J).
        elbo: The bound of the best q, not below ``encoder_elbo``.
        encoder_elbo: The bound of the encoder's q, by the same rule with the same points.
    """

    q: AnyNormal
    elbo: Tensor
    encoder_elbo: Tensor


class _Rule(NamedTuple):
    """E_q[f(z)] as sum_k weight_k f(mean + L eps_k): eps of shape (K, 1, J), weights of shape (K, 1)."""

    eps: Tensor
    weights: Tensor


def optimise_posterior(
    model: VAE, x: Tensor, *, generator: torch.Generator, max_steps: int = MAX_STEPS
) -> Iterator[LocalStep]:
    """Gradient ascent of each example's ELBO in its own mean and std, or L, from the encoder's q.

    The expectation is a fixed rule, so the bound is a deterministic function: Gauss-Hermite
    for J <= 2, else quasi-random points (Sobol) drawn once. Rounds of Adam, in units of the std, or L, that
    the round began with. A head of unit variance starts with 1 and is free here (Kim et al. 2018,
    "Semi-amortized variational autoencoders").

    Arguments:
        model: The model.
        x: Shape (n, D).
        generator: Draws the points for J > 2.
        max_steps: The end at the latest.

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    with torch.no_grad():
        start = stochastic_posterior(model, x)
    rule = _rule(model.config.latent_dim, x, generator, fine=False)
    best = LocalStep(0, start, torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device))
    step = 0
    while step <= max_steps:
        before = best.elbo
        for found in _round(model, x, rule, best, step):
            yield found
            best = found
            if found.step >= max_steps:
                return
        step = best.step + 1
        if float((best.elbo - before).max()) < _GAIN_NATS:
            return


def posterior_elbo(model: VAE, x: Tensor, q: AnyNormal, *, generator: torch.Generator) -> Tensor:
    """The bound of any Gaussian, E_q[log p(x|z)] - KL(q || p(z)), by the same rule.

    Arguments:
        model: The model.
        x: Shape (n, D), or (1, D) for one example and many q.
        q: Of shape (n, J).
        generator: Draws the points for J > 2.

    Returns:
        Shape (n,), nats, float64.
    """
    rule = _rule(model.config.latent_dim, x, generator, fine=False)
    rows = chunk_rows(len(rule.eps) * widest_layer(model.config))
    pieces = zip(x.expand(len(q.mean), -1).split(rows), q.split(rows), strict=True)
    return torch.cat([_elbo(model, *piece, rule) for piece in pieces]).double()


def _round(model: VAE, x: Tensor, rule: _Rule, best: LocalStep, step: int) -> Iterator[LocalStep]:
    """Adam from the best so far, in units of its std: one that was far too small has grown by then."""
    start = best.q
    shift, growth = (part.requires_grad_() for part in start.no_move())
    optimizer = torch.optim.Adam((shift, growth), lr=_LEARNING_RATE)
    trail: list[Tensor] = []
    for number in range(_ROUND):
        optimizer.param_groups[0]["lr"] = _LEARNING_RATE * 0.5 ** (number / 20)
        with torch.enable_grad():
            q = start.moved(shift, growth)
            elbo = _elbo(model, x, q, rule)
            gradients = torch.autograd.grad(elbo.sum(), (shift, growth))
        for parameter, gradient in zip((shift, growth), gradients, strict=True):
            parameter.grad = -gradient
        optimizer.step()
        best = _better(best, step + number, q, elbo.detach().double())
        yield best
        trail.append(best.elbo)
        if number >= _PATIENCE and float((best.elbo - trail[-_PATIENCE - 1]).max()) < _GAIN_NATS:
            return


def best_posterior(
    model: VAE, x: Tensor, *, generator: torch.Generator, on_progress: Callable[[float], None]
) -> BestPosterior:
    """The result of :func:`optimise_posterior` for many examples, in pieces of bounded memory.

    Both bounds are measured anew with a finer rule; where that finds the encoder's better, it stays.

    Arguments:
        model: The model.
        x: Shape (n, D).
        generator: Draws the points for J > 2.
        on_progress: Told the share that is done.

    Raises:
        BadInput: As :func:`optimise_posterior`.
    """
    fine = _rule(model.config.latent_dim, x, generator, fine=True)
    num_nodes = len(_rule(model.config.latent_dim, x, generator, fine=False).eps)
    pieces = x.split(chunk_rows(num_nodes * widest_layer(model.config)))
    parts = []
    for number, piece in enumerate(pieces):
        steps = []
        for step in optimise_posterior(model, piece, generator=generator):
            on_progress((number + step.step / MAX_STEPS) / len(pieces))
            steps = [step]
        parts.append(_compared(model, piece, steps[-1], fine))
    on_progress(1.0)
    q, elbo, encoder_elbo = zip(*parts, strict=True)
    return BestPosterior(concatenated(q), torch.cat(elbo), torch.cat(encoder_elbo))


@torch.no_grad()
def _compared(model: VAE, x: Tensor, found: LocalStep, fine: _Rule) -> BestPosterior:
    encoder = stochastic_posterior(model, x)
    encoder_elbo, elbo = (_fine_elbo(model, x, q, fine) for q in (encoder, found.q))
    q = chosen(elbo > encoder_elbo, found.q, encoder)
    return BestPosterior(q, torch.maximum(elbo, encoder_elbo), encoder_elbo)


def _fine_elbo(model: VAE, x: Tensor, q: AnyNormal, rule: _Rule) -> Tensor:
    rows = chunk_rows(len(rule.eps) * widest_layer(model.config))
    pieces = zip(x.split(rows), q.split(rows), strict=True)
    return torch.cat([_elbo(model, *piece, rule).double() for piece in pieces])


def _elbo(model: VAE, x: Tensor, q: AnyNormal, rule: _Rule) -> Tensor:
    z = q.reparameterize(rule.eps)
    reconstruction = (rule.weights * model.likelihood(z).log_prob(x)).sum(0)
    prior = model.prior
    per_dim = q.kl_per_dim(prior)
    if per_dim is not None:
        return reconstruction - per_dim.sum(-1)
    return reconstruction - (rule.weights * (q.log_prob(z) - prior.log_prob(z))).sum(0)


def _better(best: LocalStep, step: int, q: AnyNormal, elbo: Tensor) -> LocalStep:
    higher = elbo > best.elbo
    return LocalStep(step, chosen(higher, q.frozen(), best.q), torch.where(higher, elbo, best.elbo))


def _rule(latent_dim: int, like: Tensor, generator: torch.Generator, *, fine: bool) -> _Rule:
    if latent_dim in _NODES:
        points, weights = np.polynomial.hermite_e.hermegauss((_FINE_NODES if fine else _NODES)[latent_dim])
        axis = torch.from_numpy(points)
        weight = torch.from_numpy(weights / weights.sum())
        eps = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
        product = torch.cartesian_prod(*(weight,) * latent_dim).reshape(-1, latent_dim).prod(1)
        return _Rule(eps[:, None].to(like), product[:, None].to(like))
    seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
    count = (_FINE_SAMPLES if fine else _SAMPLES) // 2
    uniform = torch.quasirandom.SobolEngine(latent_dim, scramble=True, seed=seed).draw(count).double()
    half = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    half = half / half.square().mean(0).sqrt()  # with its mirror image: mean 0 and variance 1 exactly
    eps = torch.cat([half, -half])[:, None].to(like)
    return _Rule(eps, eps.new_full((len(eps), 1), 1 / len(eps)))
