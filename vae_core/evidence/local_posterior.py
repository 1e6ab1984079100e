"""The best q of a family for each example: parameters of its own, where the encoder amortises.

The family is the encoder's: Gaussians with a diagonal or with a full covariance matrix, planar flows, or
mixtures of Gaussians.
"""

import copy
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from vae_core.evidence.importance import stochastic_posterior
from vae_core.evidence.normal_rule import NormalRule, measuring_rule, other_rule, search_rule
from vae_core.evidence.rounds import Measured, ascend_in_rounds
from vae_core.memory import chunk_rows, width_of_draws
from vae_core.model import VAE
from vae_core.posteriors import AnyPosterior, chosen, concatenated

_GAIN_NATS: Final = 1e-5
_FEW, _MANY = 256, 1024
"""Points to search by for J > 2."""
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


class _Rules(NamedTuple):
    """On the device of the examples: few points, many, and those that measure."""

    few: NormalRule
    many: NormalRule
    measuring: NormalRule


def optimise_posterior(model: VAE, x: Tensor) -> list[LocalStep]:
    """Each example's q on its way from the encoder's to the best of its family: ascent of its own ELBO.

    The expectation is a fixed rule (:mod:`~vae_core.evidence.normal_rule`), so the bound is a deterministic
    function of mean and std, or L. It is maximised in float64 by quasi-Newton steps
    (:func:`~vae_core.evidence.ascent.ascend`), in rounds that begin anew in units of the std that the last
    one found, and measured by a finer rule (:func:`~vae_core.evidence.rounds.ascend_in_rounds`). A head of
    unit variance starts with 1 and is free here (Kim et al. 2018, "Semi-amortized variational autoencoders").

    Arguments:
        model: The model.
        x: Shape (n, D).

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    exact, points = _in_float64(model, x)
    rules = _rules(model.config.latent_dim, points)
    start = stochastic_posterior(exact, points)
    trail = [LocalStep(0, start, _measured(exact, points, start, rules.measuring))]

    def follow(q: AnyPosterior) -> None:
        elbo = _measured(exact, points, q, rules.measuring)
        if bool((elbo > trail[-1].elbo).any()):
            trail.append(_better(trail[-1], q, elbo))

    _optimised(exact, points, start, trail[0].elbo, rules, follow)
    return [step._replace(q=_like(step.q, x)) for step in trail]


def posterior_elbo(model: VAE, x: Tensor, q: AnyPosterior | None = None) -> Tensor:
    """The bound of any q, E_q[log p(x|z)] - KL(q || p(z)), by the rule that measures the best q.

    Arguments:
        model: The model.
        x: Shape (n, D), or (1, D) for one example and many q.
        q: Of shape (n, J); None: the encoder's.

    Returns:
        Shape (n,), nats, float64.

    Raises:
        BadInput: Without ``q``: a deterministic encoder, non-finite weights, or examples of another size.
    """
    exact, points = _in_float64(model, x)
    q = stochastic_posterior(exact, points) if q is None else q.double()
    rule = _rules(model.config.latent_dim, points).measuring
    return _measured(exact, points.expand(len(q.parameters[0]), -1), q, rule)


def _in_float64(model: VAE, x: Tensor) -> tuple[VAE, Tensor]:
    return copy.deepcopy(model).double().requires_grad_(False), x.double()


def _like(q: _Normal, x: Tensor) -> _Normal:
    """The same in the precision of x."""
    return type(q)(*(part.to(x.dtype) for part in q.parameters))


def _optimised(
    model: VAE,
    x: Tensor,
    start: AnyPosterior,
    elbo: Tensor,
    rules: _Rules,
    follow: Callable[[AnyPosterior], None] = lambda q: None,
) -> tuple[AnyPosterior, Tensor]:
    """The best q and its bound, from one whose bound is known; ``follow`` is told each on the way."""

    def begin(q: AnyPosterior) -> Tensor:
        return torch.cat([part.flatten(1) for part in q.no_move()], dim=1)

    def moved(q: AnyPosterior, parameters: Tensor) -> AnyPosterior:
        shift, growth = q.no_move()
        parts = parameters.split([shift[0].numel(), growth[0].numel()], dim=1)
        return q.moved(parts[0], parts[1].view(len(parts[1]), *growth.shape[1:]))

    def measured(q: AnyPosterior, rows: Tensor) -> Measured:
        elbo = _measured(model, x[rows], q, rules.measuring)
        return Measured(elbo, torch.zeros_like(elbo))

    q, best = ascend_in_rounds(
        start,
        Measured(elbo, torch.zeros_like(elbo)),
        begin=begin,
        moved=moved,
        bound=lambda q, rows, rule: _elbo(model, x[rows], q, rule),
        measured=measured,
        rules=(rules.few, rules.many),
        least_gain=_GAIN_NATS,
        on_step=follow,
    )
    return q, best.elbo


def best_posterior(model: VAE, x: Tensor, *, on_progress: Callable[[float], None]) -> BestPosterior:
    """The result of :func:`optimise_posterior` for many examples, in pieces of bounded memory.

    Arguments:
        model: The model.
        x: Shape (n, D).
        on_progress: Told the share that is done.

    Raises:
        BadInput: As :func:`optimise_posterior`.
    """
    exact, points = _in_float64(model, x)
    dim, rules = model.config.latent_dim, _rules(model.config.latent_dim, points)
    # What the ascent keeps of each example, its inverse Hessian, is a matrix of its parameters.
    of_each = sum(part[0].numel() for part in stochastic_posterior(exact, points[:1]).no_move())
    values = max(len(rules.few.eps) * width_of_draws(model.config), 4 * of_each**2, 4 * (dim + dim**2) ** 2)
    pieces = points.split(chunk_rows(values))
    parts = []
    for number, piece in enumerate(pieces):
        encoder = stochastic_posterior(exact, piece)
        encoder_elbo = _measured(exact, piece, encoder, rules.measuring)
        q, elbo = _optimised(exact, piece, encoder, encoder_elbo, rules)
        parts.append(BestPosterior(_like(q, x), elbo, encoder_elbo))
        on_progress((number + 1) / len(pieces))
    q, elbo, encoder_elbo = zip(*parts, strict=True)
    return BestPosterior(concatenated(q), torch.cat(elbo), torch.cat(encoder_elbo))


@torch.no_grad()
def _measured(model: VAE, x: Tensor, q: AnyPosterior, rule: NormalRule) -> Tensor:
    rows = chunk_rows(len(rule.eps) * width_of_draws(model.config))
    pieces = zip(x.split(rows), q.split(rows), strict=True)
    return torch.cat([_elbo(model, *piece, rule) for piece in pieces])


def _elbo(model: VAE, x: Tensor, q: AnyPosterior, rule: NormalRule) -> Tensor:
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


def _rules(latent_dim: int, like: Tensor) -> _Rules:
    found = (
        search_rule(latent_dim, num_samples=_FEW),
        other_rule(latent_dim, num_samples=_MANY),
        measuring_rule(latent_dim),
    )
    # Beside a dimension for the examples.
    return _Rules(*(NormalRule(*(part[:, None].to(like) for part in rule)) for rule in found))
