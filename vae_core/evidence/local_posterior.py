"""The best q of a family for each example: parameters of its own, where the encoder amortises.

The family is the encoder's: Gaussians with a diagonal or with a full covariance matrix, planar flows, or
mixtures of Gaussians.
"""

import copy
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from vae_core.evidence.ascent import ascend
from vae_core.evidence.importance import stochastic_posterior
from vae_core.memory import chunk_rows, width_of_draws
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, chosen, concatenated, replaced

_MAX_ROUNDS: Final = 5
_ROUND: Final = 40
"""Evaluations of a round: the next one is in units of the std that this one has found."""
_GAIN_NATS: Final = 1e-5
"""A round that gained less was the last one."""
_STEPS: Final = {1: 0.25, 2: 0.5}
_REACH, _FINE_REACH = 5.0, 6.0
_SAMPLES, _FINE_SAMPLES = 256, 4096
_Normal = TypeVar("_Normal", bound=AnyPosterior)


class LocalStep(NamedTuple):
    """The best q(z|x) for each example so far.

    Arguments:
        step: 0 is the encoder's q.
        q: Of shape (n, J).
        elbo: Its bound, shape (n,), nats; it never falls.
    """

    step: int
    q: AnyPosterior
    elbo: Tensor


class BestPosterior(NamedTuple):
    """The best q of the encoder's family for each example beside the encoder's; nats, float64, shape (n,).

    elbo - encoder_elbo is the amortisation gap, log p(x) - elbo the approximation gap (Cremer et al. 2018).

    Arguments:
        q: Of shape (n, J).
        elbo: The bound of the best q, not below ``encoder_elbo``.
        encoder_elbo: The bound of the encoder's q, by the same rule with the same points.
    """

    q: AnyPosterior
    elbo: Tensor
    encoder_elbo: Tensor


class _Rule(NamedTuple):
    """E_q[f(z)] as sum_k weight_k f(mean + L eps_k): eps of shape (K, 1, J), weights of shape (K, 1)."""

    eps: Tensor
    weights: Tensor


def optimise_posterior(model: VAE, x: Tensor, *, generator: torch.Generator) -> list[LocalStep]:
    """Each example's q on its way from the encoder's to the best of its family: ascent of its own ELBO.

    The expectation is a fixed rule, so the bound is a deterministic function of mean and std, or L: a lattice
    for J <= 2, else quasi-random points (Sobol) drawn once. It is maximised in float64 by quasi-Newton steps
    (:func:`~vae_core.evidence.ascent.ascend`), in rounds that begin anew in units of the std that the last
    one found, and measured by a finer rule. A head of unit variance starts with 1 and is free here (Kim et
    al. 2018, "Semi-amortized variational autoencoders").

    Arguments:
        model: The model.
        x: Shape (n, D).
        generator: Draws the points for J > 2.

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    exact, points = _in_float64(model, x)
    rule, fine = (
        _rule(model.config.latent_dim, points, generator, fine=is_fine) for is_fine in (False, True)
    )
    start = stochastic_posterior(exact, points)
    trail = [LocalStep(0, start, _measured(exact, points, start, fine))]

    def follow(q: AnyPosterior) -> None:
        elbo = _measured(exact, points, q, fine)
        if bool((elbo > trail[-1].elbo).any()):
            trail.append(_better(trail[-1], q, elbo))

    _optimised(exact, points, start, rule, follow)
    return [step._replace(q=_like(step.q, x)) for step in trail]


def posterior_elbo(model: VAE, x: Tensor, q: AnyPosterior, *, generator: torch.Generator) -> Tensor:
    """The bound of any q, E_q[log p(x|z)] - KL(q || p(z)), by the same rule.

    Arguments:
        model: The model.
        x: Shape (n, D), or (1, D) for one example and many q.
        q: Of shape (n, J).
        generator: Draws the points for J > 2.

    Returns:
        Shape (n,), nats, float64.
    """
    exact, points = _in_float64(model, x)
    rule = _rule(model.config.latent_dim, points, generator, fine=True)
    return _measured(exact, points.expand(len(q.parameters[0]), -1), q.double(), rule)


def _in_float64(model: VAE, x: Tensor) -> tuple[VAE, Tensor]:
    return copy.deepcopy(model).double().requires_grad_(False), x.double()


def _like(q: _Normal, x: Tensor) -> _Normal:
    """The same in the precision of x."""
    return type(q)(*(part.to(x.dtype) for part in q.parameters))


def _optimised(
    model: VAE,
    x: Tensor,
    start: AnyPosterior,
    rule: _Rule,
    follow: Callable[[AnyPosterior], None] | None = None,
) -> AnyPosterior:
    """The best q by a rule; ``follow`` is told each on the way. A round takes what the last one raised."""
    q, rows = start, torch.arange(len(x), device=x.device)
    for _ in range(_MAX_ROUNDS):
        here, some = q.take(rows), x[rows]
        shift, growth = here.no_move()

        def moved(parameters: Tensor, of: AnyPosterior) -> AnyPosterior:
            parts = parameters.split([shift[0].numel(), growth[0].numel()], dim=1)  # noqa: B023
            return of.moved(parts[0], parts[1].view(len(parts[1]), *growth.shape[1:]))  # noqa: B023

        def objective(
            parameters: Tensor, of: Tensor, here: AnyPosterior = here, some: Tensor = some
        ) -> Tensor:
            return _elbo(model, some[of], moved(parameters, here.take(of)), rule)

        def on_step(
            parameters: Tensor, q: AnyPosterior = q, here: AnyPosterior = here, rows: Tensor = rows
        ) -> None:
            if follow is not None:
                follow(replaced(q, rows, moved(parameters, here)))

        value = _elbo(model, some, here, rule).detach()
        begin = torch.cat((shift.flatten(1), growth.flatten(1)), dim=1)
        parameters, found = ascend(objective, begin, max_steps=_ROUND, on_step=on_step)
        q, rows = replaced(q, rows, moved(parameters, here)), rows[found - value > _GAIN_NATS]
        if not len(rows):
            break
    return q


def best_posterior(
    model: VAE, x: Tensor, *, generator: torch.Generator, on_progress: Callable[[float], None]
) -> BestPosterior:
    """The result of :func:`optimise_posterior` for many examples, in pieces of bounded memory.

    As :func:`optimise_posterior`. Both bounds are measured by the finer rule; where that finds the encoder's
    better, it stays.

    Arguments:
        model: The model.
        x: Shape (n, D).
        generator: Draws the points for J > 2.
        on_progress: Told the share that is done.

    Raises:
        BadInput: As :func:`optimise_posterior`.
    """
    exact, points = _in_float64(model, x)
    dim = model.config.latent_dim
    rule, fine = (_rule(dim, points, generator, fine=is_fine) for is_fine in (False, True))
    # What the ascent keeps of each example, its inverse Hessian, is a matrix of its parameters.
    of_each = sum(part[0].numel() for part in stochastic_posterior(exact, points[:1]).no_move())
    values = max(len(rule.eps) * width_of_draws(model.config), 4 * of_each**2, 4 * (dim + dim**2) ** 2)
    pieces = points.split(chunk_rows(values))
    parts = []
    for number, piece in enumerate(pieces):
        encoder = stochastic_posterior(exact, piece)
        found = _optimised(exact, piece, encoder, rule)
        encoder_elbo, elbo = (_measured(exact, piece, q, fine) for q in (encoder, found))
        q = chosen(elbo > encoder_elbo, found, encoder)
        parts.append(BestPosterior(_like(q, x), torch.maximum(elbo, encoder_elbo), encoder_elbo))
        on_progress((number + 1) / len(pieces))
    q, elbo, encoder_elbo = zip(*parts, strict=True)
    return BestPosterior(concatenated(q), torch.cat(elbo), torch.cat(encoder_elbo))


@torch.no_grad()
def _measured(model: VAE, x: Tensor, q: AnyPosterior, rule: _Rule) -> Tensor:
    rows = chunk_rows(len(rule.eps) * width_of_draws(model.config))
    pieces = zip(x.split(rows), q.split(rows), strict=True)
    return torch.cat([_elbo(model, *piece, rule) for piece in pieces])


def _elbo(model: VAE, x: Tensor, q: AnyPosterior, rule: _Rule) -> Tensor:
    draws = q.draw(rule.eps)
    reconstruction = draws.mean(model.likelihood(draws.z).log_prob(x), rule.weights)
    prior = model.prior
    per_dim = q.kl_per_dim(prior)
    if per_dim is not None:
        return reconstruction - per_dim.sum(-1)
    return reconstruction - draws.mean(draws.log_prob - prior.log_prob(draws.z), rule.weights)


def _better(best: LocalStep, q: AnyPosterior, elbo: Tensor) -> LocalStep:
    higher = elbo > best.elbo
    return LocalStep(best.step + 1, chosen(higher, q.frozen(), best.q), torch.where(higher, elbo, best.elbo))


def _rule(latent_dim: int, like: Tensor, generator: torch.Generator, *, fine: bool) -> _Rule:
    if latent_dim in _STEPS:
        eps, weights = normal_lattice(latent_dim, fine=fine)
        return _Rule(eps[:, None].to(like), weights[:, None].to(like))
    seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
    count = (_FINE_SAMPLES if fine else _SAMPLES) // 2
    uniform = torch.quasirandom.SobolEngine(latent_dim, scramble=True, seed=seed).draw(count).double()
    half = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
    half = half / half.square().mean(0).sqrt()  # with its mirror image: mean 0 and variance 1 exactly
    eps = torch.cat([half, -half])[:, None].to(like)
    return _Rule(eps, eps.new_full((len(eps), 1), 1 / len(eps)))


def normal_lattice(latent_dim: int, *, fine: bool) -> tuple[Tensor, Tensor]:
    """E[f(eps)] over N(0, I) as sum_m weight_m f(eps_m), J <= 2: eps of shape (N, J), weights (N,), float64.

    Points of equal distances: for smooth f the error falls faster than any power of the distance.

    Arguments:
        latent_dim: J.
        fine: Whether they lie half as far apart, and reach further.
    """
    step = _STEPS[latent_dim]
    return _lattice(latent_dim, step / 2, _FINE_REACH) if fine else _lattice(latent_dim, step, _REACH)


def coarser_lattice(latent_dim: int) -> tuple[Tensor, Tensor]:
    """The fine one with the distances of the other, to see what halving them changes."""
    return _lattice(latent_dim, _STEPS[latent_dim], _FINE_REACH)


def _lattice(latent_dim: int, step: float, reach: float) -> tuple[Tensor, Tensor]:
    count = int(reach / step)
    axis = step * torch.arange(-count, count + 1, dtype=torch.float64, device="cpu")
    eps = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
    eps = eps[eps.square().sum(1) < reach**2]
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    # The mass beyond is missing; with a variance of 1 the mean of any quadratic is exact all the same.
    return eps / (weights @ eps[:, 0].square()).sqrt(), weights
